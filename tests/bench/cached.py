#!/usr/bin/env python3
"""make bench-cached: what the response cache costs beside nginx, and what it promises.

First CPU time per request of 1 KB: nginx and dsgate with the cache off, which proxy; dsgate that answers from memory,
and from Redis with 32 requests in flight; dsgate with the cache on when every request is a new one and memory is full,
and with the cache off for the same requests. They take turns on one core, everything else is on another. These figures
are printed beside their limits and decide nothing: machines are noisy.

Then 1,000 identical streams at once must cause one upstream call, and come whole; and Redis is stopped in the middle of
a steady load (see frozen.py), of which no request may fail. If one of these is not so, the exit status is 1.
"""
import argparse, asyncio, collections, itertools, json, re, statistics, subprocess, sys, tempfile
import frozen, gateway, measure

MARK = "000000000000"  # in the body, for numbered.lua
STREAMS, FIRST_TOKEN_MS = 1000, 2000  # all are there before the first of them gets anything
WARM_UPS = 20  # seconds in which memory has to be full
REDIS_ANSWERS = 256  # so many that no two of them are asked for at the same time
PURE = 0.95  # of a candidate's requests are what they are to be
KEY_ROUNDS = 5

ROUTE = 'routes: [{{match: {{models: ["*"]}}, cache: {{mode: %s}}}}]\n'
OFF = measure.DSGATE + ROUTE % "off"
ALWAYS = measure.DSGATE + ROUTE % "always"
SMALL = ALWAYS + "cache: {{memory: 16MB}}\n"
REDIS = ALWAYS + 'cache: {{memory: 0, redis: {{url: "unix:{redis}", timeout: 2s}}}}\n'  # a busy machine is no miss

# count: different bodies, 0: each is new; result: what the cache is to say of them.
Candidate = collections.namedtuple("Candidate", "kind count result")


def candidates(options):
    """Those that are compared most closely are neighbours."""
    def dsgate(name, config, count, result, build=options.build):
        return Candidate(measure.Kind(name, config, build), count, result)
    before = [dsgate("before", measure.DSGATE, 1, None, options.before)] if options.before else []
    return [Candidate(measure.kinds(options.build)[0], 1, None), *before,
            dsgate("off", OFF, 1, "bypass"), dsgate("memory hit", ALWAYS, 1, "hit-memory"),
            dsgate("Redis hit", REDIS, REDIS_ANSWERS, "hit-redis"),
            dsgate("new", SMALL, 0, "miss"), dsgate("new, off", OFF, 0, "bypass")]


# ---- CPU time ----

class Costs:
    """Microseconds per request by candidates, one for each repetition."""
    def __init__(self, options, folder):
        self.o, self.rig, self.rows = options, measure.Rig(options.build, folder), candidates(options)
        self.body = measure.make_body(folder, 1, mark=MARK)
        self.fresh = (batch * 10**8 for batch in itertools.count(1))
        self.values = {row.kind.name: [] for row in self.rows}

    def load(self, row, port, seconds):
        first, count = (0, row.count) if row.count else (next(self.fresh), 10**8)
        return measure.wrk(port, self.body, seconds, "numbered.lua", BENCH_FIRST=str(first), BENCH_COUNT=str(count))

    def fill(self, row, running):
        """Its memory, where answers are not asked for twice: from then on one has to go for each that comes."""
        for _ in range(WARM_UPS):
            samples = asyncio.run(gateway.metrics(running.admin))
            if samples["dsgate_cache_memory_bytes"] > 0.9 * samples["dsgate_cache_memory_limit_bytes"]:
                return
            self.load(row, running.port, 1)
        sys.exit(f"cached: memory is not full after {WARM_UPS} s")

    @staticmethod
    def check(row, running):
        samples = asyncio.run(gateway.metrics(running.admin))
        results = {name: n for name, n in samples.items() if name.startswith("dsgate_cache_requests_total{")}
        share = results[f'dsgate_cache_requests_total{{result="{row.result}"}}'] / sum(results.values())
        if share < PURE:
            print(f"cached: {row.kind.name}: only {share:.1%} of its requests were {row.result}", file=sys.stderr)

    def measure(self, row, up, redis):
        with self.rig.running(row.kind, up, redis=redis) as running:
            if row.result == "miss":
                self.fill(row, running)
            cost = measure.cpu_per_request(running.process, lambda s: self.load(row, running.port, s), self.o.seconds)
            if row.result:
                self.check(row, running)
            return cost

    def measure_all(self):
        with self.rig.simulator() as sim, measure.on_cores(measure.OTHER_CORE), \
                gateway.running(gateway.Redis(self.rig.folder)) as redis:
            for repetition in range(self.o.reps):
                for row in self.rows[::1 if repetition % 2 == 0 else -1]:
                    self.values[row.kind.name].append(self.measure(row, sim.port, redis.socket))


def key_cost(build):
    """Microseconds for the key of a body of 1 KB."""
    command = [f"{build}/bench/key_bench", str(KEY_ROUNDS)]
    with measure.on_cores(measure.GATEWAY_CORE):
        told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return float(re.search(r"^chat +\d{3,4} .* (\d+) ns +\S+ GB/s$", told, re.M).group(1)) / 1000


def limited(values, key):
    """What is to be no more than so much: its name, it, and the limit."""
    yield "memory hit ÷ nginx", measure.ratio(values["memory hit"], values["nginx"]), 0.6
    yield "Redis hit ÷ nginx", measure.ratio(values["Redis hit"], values["nginx"]), 1.2
    without_key = [cost - key for cost in values["new"]]
    yield "(new − the key) ÷ new, off", measure.ratio(without_key, values["new, off"]), 1.15
    if "before" in values:
        yield "off ÷ before", measure.ratio(values["off"], values["before"]), 1.02


def show_costs(values, key):
    print(f"{'CPU per request, 1 KB':28}{'µs':>8}{'÷ nginx':>9}   (medians of {len(values['nginx'])})")
    for name, costs in values.items():
        print(f"{name:28}{statistics.median(costs):8.2f}{measure.ratio(costs, values['nginx']):9.2f}")
    print(f"{'the key (canonical, SHA-256)':28}{key:8.2f}")
    print(f"{'new ÷ new, off':28}{measure.ratio(values['new'], values['new, off']):8.3f}")
    for what, ratio, limit in limited(values, key):
        print(f"{what:28}{ratio:8.3f}  at most {limit}: {'pass' if ratio <= limit else 'short'}")


# ---- identical streams ----

STREAMED = """
listen: 127.0.0.1:{port}
workers: 2
admin: {listen: "127.0.0.1:{admin}"}
log: {access: "off", level: info}
routes: [{match: {models: ["*"]}, cache: {mode: always}}]
upstreams:
"""


def hold(build, port, count, body):
    told, _ = measure.hold_streams(build, port, count, body).communicate(timeout=200)
    return json.loads(told)


def judge_streams(result, direct, calls):
    """What is not as it should be."""
    if calls != 1:
        yield f"{calls} upstream calls, wanted: 1"
    for what in ("open_at_once", "whole", "equal"):
        if result[what] != STREAMS:
            yield f"{result[what]} of {STREAMS} streams were {what.replace('_', ' ')}"
    if (result["digest"], result["bytes_each"]) != (direct["digest"], direct["bytes_each"]):
        yield f"they had {result['bytes_each']} bytes, not the {direct['bytes_each']} that the upstream sends"


def identical_streams(build, folder):
    """How the same stream reaches many at once, beside what one client gets of the upstream itself."""
    body = measure.make_body(folder, 1, True)
    pace = ("--first-token-ms", str(FIRST_TOKEN_MS), "--token-ms", "20", "--keep-alive-ms", "60000",
            "--prefix-cache", "0", "--created", "1700000000")
    with gateway.running(gateway.Simulator(build, "sim", *pace)) as sim, \
            gateway.running(gateway.Gateway(build, folder, STREAMED + gateway.UPSTREAM % ("sim", sim.port))) as dsgate:
        direct, before = hold(build, sim.port, 1, body), asyncio.run(sim.stats())["requests"]
        result, calls = hold(build, dsgate.port, STREAMS, body), asyncio.run(sim.stats())["requests"] - before
        samples = asyncio.run(gateway.metrics(dsgate.admin))
    joined = samples['dsgate_cache_requests_total{result="joined"}']
    print(f"{STREAMS} identical streams at once: {calls} upstream call, which {joined:.0f} joined; {result['whole']} "
          f"whole and {result['equal']} equal, {result['bytes_each']} bytes each; the last was served after "
          f"{result['seconds']} s, a single one without a gateway after {direct['seconds']} s")
    return list(judge_streams(result, direct, calls))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--before", metavar="BUILD", help="of a version without the cache, to be compared with `off`")
    parser.add_argument("--reps", "--repetitions", type=int, default=3, help="0: none of the CPU time")
    parser.add_argument("--seconds", type=int, default=3, help="of load for each figure")
    parser.add_argument("--frozen", type=int, default=30, help="seconds for which Redis is stopped; 0: not at all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.reps:
            costs = Costs(options, folder)
            key = key_cost(options.build)
            costs.measure_all()
            show_costs(costs.values, key)
        with measure.on_cores(measure.ALL_CORES):
            mistakes = identical_streams(options.build, folder)
            if options.frozen:
                mistakes += asyncio.run(frozen.Frozen(options.build, folder, options.frozen).run())
    for mistake in mistakes:
        print(f"cached: {mistake}", file=sys.stderr)
    sys.exit(1 if mistakes else 0)


main()
