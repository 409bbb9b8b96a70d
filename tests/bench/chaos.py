#!/usr/bin/env python3
"""make bench-chaos: nobody stays unanswered, and traffic comes back.

Three simulators with the weights 5, 3 and 2 stand behind dsgate under a steady load, half of it streams. One after the
other the first is killed (SIGKILL), the second stopped (SIGSTOP: it still accepts connections and answers nothing), and
the third answers every request with 500; each is brought back after a while. The table says how many requests ended
in each phase, and how: with a whole answer, with a clean error, or not as they should; and who served those that began
in it.

The exit status is 0 when every request had a whole answer or a clean error within its deadline, none had an error in
the calm phases, and within 60 s of each recovery the shares of the traffic were within 10% of the weights again.
"""
import argparse, asyncio, json, random, signal, sys, tempfile, time
import gateway

WEIGHTS = {"a": 5, "b": 3, "c": 2}
RATE, SERVICE_MS, DEADLINE = 80, 150, 15  # requests a second; of each; seconds
CALM, TROUBLE, RECOVERY, WINDOW, TOLERANCE = 15, 25, 60, 6, 0.10  # seconds, and a part of each share
GRACE = 1  # seconds after the deadline in which the answer has to be there
SEED = 20261126

CONFIG = """
listen: 127.0.0.1:{port}
workers: 1
admin: {listen: "off"}
log: {access: "off", level: info}
timeouts: {connect: 2s, first_byte: 5s, first_token: 5s, idle: 5s}
upstreams:
"""
UPSTREAM = '  - {name: %s, base_url: "http://127.0.0.1:%d/v1", api_key: sk-bench, weight: %d}\n'


def is_whole(answer, stream):
    if stream:
        return not answer.cut and answer.body.endswith(b"data: [DONE]\n\n") and b'"error"' not in answer.body
    return not answer.cut and json.loads(answer.body)["choices"][0]["finish_reason"] == "stop"


def is_clean_error(answer, stream):
    """The gateway's or an upstream's, in a form that SDKs understand. A stream whose upstream dies tells so in its last
    event and is cut then: what is lost must not look whole."""
    if stream and answer.status == 200:
        events = [e for e in answer.body.split(b"\n\n") if e.startswith(b"data: ")]
        return bool(events) and "error" in json.loads(events[-1][6:])
    return answer.status >= 400 and "message" in json.loads(answer.body)["error"]


def verdict(answer, stream):
    try:
        if answer.status == 200 and is_whole(answer, stream):
            return "whole"
        return "error" if is_clean_error(answer, stream) else "broken"
    except (ValueError, KeyError, TypeError, IndexError):
        return "broken"


class Chaos:
    def __init__(self, build, folder):
        self.programs, self.phases, self.done, self.mistakes = [], [], [], []
        self.simulators = {}
        for name in WEIGHTS:
            self.simulators[name] = gateway.Simulator(build, name, "--first-token-ms", str(SERVICE_MS // 2),
                                                      "--tokens", "10", "--token-ms", str(SERVICE_MS // 20))
        rows = "".join(UPSTREAM % (name, s.port, WEIGHTS[name]) for name, s in self.simulators.items())
        self.dsgate = gateway.Gateway(build, folder, CONFIG + rows)
        self.client = gateway.Client(self.dsgate.port)
        self.random, self.start, self.ended = random.Random(SEED), time.monotonic(), False

    def stop(self):
        for program in [s.process for s in self.simulators.values()] + [self.dsgate.process]:
            gateway.stop(program)

    # ---- load ----

    async def one(self, i):
        stream, sent = i % 2 == 0, time.monotonic()
        body = json.dumps({"model": "deepseek-flash", "stream": stream,
                           "messages": [{"role": "user", "content": f"Hello {i}"}]}).encode()
        headers = {"Authorization": "Bearer sk-client", "X-Dsgate-Timeout": f"{DEADLINE}s"}
        upstream, what, answer = "", "unanswered", None
        try:
            answer = await asyncio.wait_for(self.client.post("/v1/chat/completions", body, headers), DEADLINE + GRACE)
            upstream, what = answer.headers.get("x-dsgate-upstream", ""), verdict(answer, stream)
        except (gateway.Broken, OSError) as e:
            what = "broken"
            self.mistakes.append(f"{'stream' if stream else 'plain answer'} at {sent - self.start:.1f} s: {e!r}")
        except asyncio.TimeoutError:
            pass
        self.done.append((sent - self.start, self.now(), upstream, what))

    async def load(self):
        due, i, tasks = time.monotonic(), 0, set()
        while not self.ended:
            due += self.random.expovariate(RATE)
            await asyncio.sleep(max(0, due - time.monotonic()))
            task = asyncio.ensure_future(self.one(i))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            i += 1
        await asyncio.gather(*tasks)

    # ---- shares ----

    def now(self):
        return time.monotonic() - self.start

    def shares(self, since, until):
        """Of the requests that were sent then and served by it."""
        served = [upstream for sent, _, upstream, what in self.done if since <= sent < until and what == "whole"]
        return {name: served.count(name) / max(1, len(served)) for name in WEIGHTS}

    def is_by_weight(self, shares):
        wanted = {name: weight / sum(WEIGHTS.values()) for name, weight in WEIGHTS.items()}
        return all(abs(shares[name] - wanted[name]) <= TOLERANCE * wanted[name] for name in WEIGHTS)

    async def returns(self, name, since):
        """Seconds after which a window began whose shares were right."""
        for begin in range(RECOVERY + 1):
            await asyncio.sleep(max(0, since + begin + WINDOW + 0.5 - self.now()))
            if self.is_by_weight(self.shares(since + begin, since + begin + WINDOW)):
                return begin
        shares = self.shares(since + RECOVERY, since + RECOVERY + WINDOW)
        self.mistakes.append(f"{name}: {RECOVERY} s later the shares are still " +
                             ", ".join(f"{n} {share:.2f}" for n, share in shares.items()))
        return None

    # ---- the phases ----

    async def phase(self, name, seconds):
        begun = self.now()
        await asyncio.sleep(seconds)
        self.phases.append((name, begun, self.now(), None))

    async def trouble(self, name, break_it, mend_it):
        await break_it()
        await self.phase(name, TROUBLE)
        await mend_it()
        begun = self.now()
        back = await self.returns(name, begun)
        self.phases.append(("… and back", begun, self.now(), back))
        await self.phase("calm", CALM)

    async def kill(self):
        self.simulators["a"].kill()

    async def start_again(self):
        self.simulators["a"].start()

    async def halt(self):
        self.simulators["b"].process.send_signal(signal.SIGSTOP)

    async def resume(self):
        self.simulators["b"].process.send_signal(signal.SIGCONT)

    async def break_with_500(self):
        await self.simulators["c"].control("scenario", {"scenario": "500"})

    async def mend(self):
        await self.simulators["c"].control("reset", {})

    async def run(self):
        load = asyncio.ensure_future(self.load())
        await self.phase("calm", CALM)
        await self.trouble("a is killed", self.kill, self.start_again)
        await self.trouble("b hangs", self.halt, self.resume)
        await self.trouble("c answers 500", self.break_with_500, self.mend)
        self.ended = True
        await load
        self.client.close()

    # ---- the table ----

    def report(self):
        print(f"{'phase':16}{'requests':>9}{'whole':>8}{'errors':>8}{'broken':>8}{'unanswered':>12}"
              f"{'a':>7}{'b':>7}{'c':>7}{'back after':>12}")
        for name, since, until, back in self.phases:
            results = [what for _, ended, _, what in self.done if since <= ended < until]
            counts = [results.count(what) for what in ("whole", "error", "broken", "unanswered")]
            shares = self.shares(since, until)
            print(f"{name:16}{len(results):9}{counts[0]:8}{counts[1]:8}{counts[2]:8}{counts[3]:12}" +
                  "".join(f"{shares[n]:7.2f}" for n in WEIGHTS) + (f"{back:10} s" if back is not None else ""))
            if counts[2] or counts[3]:
                self.mistakes.append(f"{name}: {counts[2]} broken, {counts[3]} unanswered")
            if name == "calm" and (counts[1] or not self.is_by_weight(shares)):
                self.mistakes.append(f"calm, at {since:.0f} s: {counts[1]} errors, shares {shares}")
        for mistake in self.mistakes:
            print(f"chaos: {mistake}", file=sys.stderr)
        return not self.mistakes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        chaos = Chaos(options.build, folder)
        try:
            asyncio.run(chaos.run())
        finally:
            chaos.stop()
    sys.exit(0 if chaos.report() else 1)


main()
