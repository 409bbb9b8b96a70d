"""Redis stops in the middle of a steady load, as on a machine that swaps (SIGSTOP: it still accepts connections and
answers nothing), and goes on after a while.

Half of the requests are new, half are repeated, in an open loop with Poisson arrivals from a fixed seed; memory has
room for some of the repeated answers only, so that Redis is asked for both. The table says how many there were in each
phase, how long they took, and what the cache's metrics say of it.
"""
import asyncio, itertools, json, random, signal, time
import gateway

RATE, REPEATED, SHARE = 300, 1000, 0.5  # requests a second; different ones that come again, and their share
CALM, AFTER = 6, 15  # seconds before the stop and after: a breaker rests for 10 s at most before it tries again
PATIENCE = 10  # seconds for one request
DEADLINE_MS = 50
SEED = 20261126

CONFIG = """
listen: 127.0.0.1:{port}
workers: 2
admin: {listen: "127.0.0.1:{admin}"}
log: {access: "off", level: info}
cache: {memory: 1MB, redis: {url: "unix:REDIS", timeout: DEADLINEms}}
routes: [{match: {models: ["*"]}, cache: {mode: always}}]
upstreams:
"""
PACE = ("--first-token-ms", "5", "--token-ms", "0", "--tokens", "100", "--created", "1700000000", "--prefix-cache", "0")
COUNTERS = {"from memory": 'dsgate_cache_requests_total{result="hit-memory"}',
            "from Redis": 'dsgate_cache_requests_total{result="hit-redis"}',
            "timeouts": 'dsgate_cache_redis_lookups_total{result="timeout"}',
            "skipped": 'dsgate_cache_redis_lookups_total{result="skipped"}',
            "dropped": "dsgate_cache_redis_dropped_total"}
UP = "dsgate_cache_redis_up"
PHASES = ("answers", "is stopped", "goes on")  # as the table says it of Redis
AWAY, BACK = "the cache goes on without it", "answers again after"


class Moment:
    """When it was, and what the gateway had counted and logged by then."""
    def __init__(self, samples, log):
        self.time, self.samples = time.monotonic(), samples
        with open(log) as f:
            self.lines = [line.strip() for line in f if AWAY in line or BACK in line]


class Phase:
    """What was sent in it, and what the cache did meanwhile."""
    def __init__(self, name, done, begin, end):
        sent = [(ms, good) for at, ms, good in done if begin.time <= at < end.time]
        self.name, self.failed, self.up = name, sum(not good for _, good in sent), end.samples[UP]
        self.times, self.lines = [ms for ms, _ in sent], end.lines[len(begin.lines):]
        self.counts = {name: end.samples[key] - begin.samples[key] for name, key in COUNTERS.items()}

    def line(self):
        p50, p99 = (gateway.percentile(self.times, part) for part in (0.5, 0.99))
        return f"{self.name:12}{len(self.times):9}{self.failed:8}{p50:9.1f}{p99:8.1f}{max(self.times):8.1f}" + \
               "".join(f"{n:13.0f}" for n in self.counts.values()) + f"{self.up:4.0f}"


HEAD = f"{'Redis':12}{'requests':>9}{'failed':>8}{'p50 ms':>9}{'p99':>8}{'max':>8}" + \
       "".join(f"{name:>13}" for name in COUNTERS) + f"{'up':>4}"


class Frozen:
    def __init__(self, build, folder, seconds):
        self.build, self.folder, self.seconds = build, folder, seconds
        self.random, self.new = random.Random(SEED), itertools.count(REPEATED)
        self.done, self.answers = [], {}

    # ---- load ----

    async def ask(self, number):
        """Whether its answer came, and was the same as before."""
        body = json.dumps({"model": "deepseek-flash", "messages": [{"role": "user", "content": f"Hello {number}"}]})
        headers = {"Authorization": "Bearer sk-client"}
        try:
            asked = self.client.post("/v1/chat/completions", body.encode(), headers)
            answer = await asyncio.wait_for(asked, PATIENCE)
        except (gateway.Broken, OSError, asyncio.TimeoutError):
            return False
        whole = answer.status == 200 and not answer.cut and b'"finish_reason"' in answer.body
        return whole and self.answers.setdefault(number, answer.body) == answer.body

    async def one(self, _):
        number = self.random.randrange(REPEATED) if self.random.random() < SHARE else next(self.new)
        began = time.monotonic()
        good = await self.ask(number)
        self.done.append((began, 1000 * (time.monotonic() - began), good))

    async def load(self):
        times, now, end = [], 0, CALM + self.seconds + AFTER
        while now < end:
            now += self.random.expovariate(RATE)
            times.append(now)
        await gateway.at_times(times, self.one)

    async def learn(self):
        """Asks for everything once that is to be repeated."""
        for first in range(0, REPEATED, 20):
            await asyncio.gather(*(self.ask(number) for number in range(first, first + 20)))

    # ---- phases ----

    async def moment_after(self, seconds):
        await asyncio.sleep(seconds)
        return Moment(await gateway.metrics(self.dsgate.admin), self.dsgate.log)

    async def stop_and_go_on(self, redis):
        """The moments between which the phases are."""
        moments = [await self.moment_after(0), await self.moment_after(CALM)]
        redis.process.send_signal(signal.SIGSTOP)
        moments.append(await self.moment_after(self.seconds))
        redis.process.send_signal(signal.SIGCONT)
        return moments + [await self.moment_after(AFTER)]

    def gateway(self, sim, redis):
        config = CONFIG.replace("REDIS", redis.socket).replace("DEADLINE", str(DEADLINE_MS))
        return gateway.Gateway(self.build, self.folder, config + gateway.UPSTREAM % ("sim", sim.port))

    async def run(self):
        """What is not as it should be."""
        with gateway.running(gateway.Simulator(self.build, "sim", *PACE)) as sim, \
                gateway.running(gateway.Redis(self.folder)) as redis, \
                gateway.running(self.gateway(sim, redis)) as self.dsgate:
            self.client = gateway.Client(self.dsgate.port)
            await self.learn()
            _, moments = await asyncio.gather(self.load(), self.stop_and_go_on(redis))
            self.client.close()
        return self.report(moments)

    # ---- the table ----

    def report(self, moments):
        phases = [Phase(name, self.done, *ends) for name, *ends in zip(PHASES, moments, moments[1:])]
        print(HEAD, *(phase.line() for phase in phases), *moments[-1].lines, sep="\n")
        added = max(phases[1].times) - max(phases[0].times)
        print(f"the slowest took {added:.1f} ms longer, at most {DEADLINE_MS}: "
              f"{'pass' if added <= DEADLINE_MS else 'short'}")
        return list(self.judge(*phases))

    def judge(self, calm, stopped, after):
        """On a busy machine Redis may miss its deadline at other times, too: then there are more lines of those."""
        failed = sum(not good for _, _, good in self.done)
        if failed:
            yield f"{failed} of {len(self.done)} requests failed"
        if not (calm.up and calm.counts["from Redis"] and after.up and after.counts["from Redis"]):
            yield "Redis was not used before or after its stop"
        if stopped.up or not stopped.counts["timeouts"] or not stopped.counts["skipped"]:
            yield "the metrics do not tell that Redis was stopped"
        if len(stopped.lines) != 1 or AWAY not in stopped.lines[0]:
            yield f"{len(stopped.lines)} lines in the log while Redis was stopped, wanted: one, that it is away"
        if not after.lines or BACK not in after.lines[0]:
            yield "no line in the log when Redis had gone on"
