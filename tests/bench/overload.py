#!/usr/bin/env python3
"""make bench-overload: who gets what when three times as much is asked as can be served.

Three simulators that take 20 requests at a time, each of which lasts 200 to 600 ms, serve 150 a second. Through dsgate
they are asked for 450: 5% P0, 25% P1, 40% P2, 30% P3, in an open loop with Poisson arrivals from a fixed seed. After a
warm-up 60 s are measured, and the load goes on until the last of them has been served: for each class what was
offered, served and shed, its waits in the queue (as the answers tell in x-dsgate-queue-ms), and how true the advice of
those that were shed was: Retry-After beside the wait that the next request of that class had which was sent after it
and admitted to the queue.

The exit status is 0 when P0 waits less than 50 ms (99%), P1 less than 500 ms and the longest service time (99%), P3
gets something, and the median of that ratio, over all that were shed, is between 0.7 and 1.3. Of a single class it says
less: P0 and P1 want 90% of what there is, so what is left to P3 in a minute is a few dozen turns.
"""
import argparse, asyncio, bisect, json, random, statistics, sys, tempfile
import gateway

SIMULATORS, CONCURRENCY = 3, 20
SERVICE_MS = (200, 600)  # uniform
OVERLOAD = 3
CLASSES = {"P0": 0.05, "P1": 0.25, "P2": 0.40, "P3": 0.30}
WARM_UP, MEASURED, LONGEST_WAIT = 150, 60, 60  # seconds; queues must have found their lengths
P0_WAIT_MS, P1_WAIT_MS, ADVICE = 50, 500 + max(SERVICE_MS), (0.7, 1.3)
SEED = 5  # with it P0 and P1 are offered what they should be, give or take 1%, while the queues fill and after

CONFIG = """
listen: 127.0.0.1:{port}
workers: 1
admin: {listen: "off"}
log: {access: "off", level: warn}
queue:
  reserve_p0: 20%
  classes:
    P1: {max_wait: 500ms, timeout: 10s}
    P2: {max_wait: 5s, timeout: 60s}
    P3: {max_wait: 5s, timeout: 60s}
upstreams:
"""
UPSTREAM = '  - {name: sim%d, base_url: "http://127.0.0.1:%d/v1", api_key: sk-bench, max_concurrency: %d}\n'
BODY = json.dumps({"model": "deepseek-flash", "messages": [{"role": "user", "content": "Hello"}]}).encode()


class Request:
    """One that was sent, and what became of it."""
    def __init__(self, priority, sent, answer):
        self.priority, self.sent, self.status = priority, sent, answer.status
        self.wait = answer.number("x-dsgate-queue-ms")
        advice = answer.number("retry-after-ms"), answer.number("retry-after")
        self.advice = advice[0] if advice[0] is not None else advice[1] * 1000 if advice[1] is not None else None

    def served(self):
        return self.status == 200

    def shed(self):
        return self.status in (429, 503)

    def at_once(self):
        """Not admitted to the queue; the others that were shed waited in vain, as long as they were let."""
        return self.shed() and self.wait < 50


class Load:
    def __init__(self, port):
        self.client, self.random, self.done = gateway.Client(port), random.Random(SEED), []
        rate = OVERLOAD * SIMULATORS * CONCURRENCY / (statistics.mean(SERVICE_MS) / 1000)
        self.times, now = [], 0
        while now < WARM_UP + MEASURED + LONGEST_WAIT:
            now += self.random.expovariate(rate)
            self.times.append(now)
        self.classes = self.random.choices(list(CLASSES), list(CLASSES.values()), k=len(self.times))
        self.services = [self.random.randint(*SERVICE_MS) for _ in self.times]

    async def begin(self, i):
        sent = self.times[i]
        headers = {"X-Dsgate-Priority": self.classes[i], "x-sim-first-token-ms": self.services[i],
                   "x-sim-token-ms": 0, "x-sim-tokens": 1, "Authorization": f"Bearer sk-caller-{i % 10}"}
        answer = await self.client.post("/v1/chat/completions", BODY, headers)
        self.done.append(Request(self.classes[i], sent, answer))

    async def run(self):
        await gateway.at_times(self.times, self.begin)
        self.client.close()


def advice(requests):
    """For each that was shed at once what it was told, and the wait of the next one that was admitted to the queue."""
    admitted = sorted((r.sent, r.wait) for r in requests if r.served() or r.shed() and not r.at_once())
    times, pairs = [sent for sent, _ in admitted], []
    for r in requests:
        next_one = bisect.bisect_right(times, r.sent)
        if r.at_once() and r.advice is not None and next_one < len(admitted) and admitted[next_one][1] > 0:
            pairs.append((r.advice, admitted[next_one][1]))
    return pairs


class Row:
    """The figures of one class."""
    def __init__(self, name, requests):
        self.name, self.offered = name, len(requests)
        self.waits = [r.wait for r in requests if r.served()]
        self.sheds = sum(r.shed() for r in requests)
        self.others = len(requests) - len(self.waits) - self.sheds
        self.p50, self.p99 = (gateway.percentile(self.waits, part) for part in (0.5, 0.99))
        self.at_once = sum(r.at_once() for r in requests)
        pairs = advice(requests)
        self.ratios = ratios = [told / real for told, real in pairs]
        self.told, self.real = (gateway.percentile([pair[i] for pair in pairs], 0.5) for i in (0, 1))
        self.ratio = gateway.percentile(ratios, 0.5)
        self.good = sum(ADVICE[0] <= ratio <= ADVICE[1] for ratio in ratios) / len(ratios) if ratios else float("nan")

    def line(self):
        return f"{self.name:6}{self.offered / MEASURED:11.1f}{len(self.waits) / MEASURED:10.1f}{self.p50:9.0f}" \
               f"{self.p99:9.0f}{self.sheds:8}{self.at_once:9}{self.others:8}{self.told:10.0f}{self.real:9.0f}" \
               f"{self.ratio:8.2f}{100 * self.good:8.0f}%"


HEAD = f"{'class':6}{'offered/s':>11}{'served/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'shed':>8}{'at once':>9}{'others':>8}" \
       f"{'told ms':>10}{'real ms':>9}{'ratio':>8}{'±30%':>9}"


def judge(rows):
    """What is not as it should be."""
    if rows["P0"].sheds or not rows["P0"].p99 < P0_WAIT_MS:
        yield f"P0: {rows['P0'].sheds} shed, p99 {rows['P0'].p99:.0f} ms, wanted: none, below {P0_WAIT_MS} ms"
    if not rows["P1"].p99 < P1_WAIT_MS:
        yield f"P1: p99 {rows['P1'].p99:.0f} ms, wanted: below {P1_WAIT_MS} ms"
    if not rows["P3"].waits:
        yield "P3 got nothing"
    for row in rows.values():
        if row.others:
            yield f"{row.name}: {row.others} had other answers than 200, 429 and 503"
    ratio = gateway.percentile([ratio for row in rows.values() for ratio in row.ratios], 0.5)
    if not ADVICE[0] <= ratio <= ADVICE[1]:
        yield f"advice ÷ wait is {ratio:.2f}, wanted: {ADVICE[0]} to {ADVICE[1]}"


def report(requests):
    measured = [r for r in requests if WARM_UP <= r.sent < WARM_UP + MEASURED]
    rows = {name: Row(name, [r for r in measured if r.priority == name]) for name in CLASSES}
    print(HEAD)
    for row in rows.values():
        print(row.line())
    mistakes = list(judge(rows))
    for mistake in mistakes:
        print(f"overload: {mistake}", file=sys.stderr)
    return not mistakes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    build, programs = parser.parse_args().build, []
    with tempfile.TemporaryDirectory() as folder:
        try:
            simulators = [gateway.Simulator(build, f"sim{i}", "--concurrency", str(CONCURRENCY))
                          for i in range(SIMULATORS)]
            programs += [s.process for s in simulators]
            config = CONFIG + "".join(UPSTREAM % (i, s.port, CONCURRENCY) for i, s in enumerate(simulators))
            dsgate = gateway.Gateway(build, folder, config)
            programs.append(dsgate.process)
            load = Load(dsgate.port)
            asyncio.run(load.run())
        finally:
            for program in programs:
                gateway.stop(program)
    sys.exit(0 if report(load.done) else 1)


main()
