#!/usr/bin/env python3
"""make bench-busy: a busy hour in two minutes, through dsgate, through nginx, and sent directly to the upstreams.

Four simulators with limited concurrency serve 45 to 80 requests a second that come in an open loop (Poisson arrivals
from a fixed seed, along a day's curve), 70% of them streams, with 15 s for each. A refuses 30% of its calls with a fast
503. B has little room, answers 429 above, and for 15 s nothing but keep-alives. C is killed for 15 s; 5% of its answers
are cut, 3% go silent, 2% end with insufficient_system_resource, 2% are empty. D is a small slow backup. Those that are
well can just carry the load at every moment. Before that there are 15 s in which nothing goes wrong.

Clients do not try again. Every answer is compared with what a simulator without faults says to the same prompt:
content, reasoning, finish_reason and count of tokens; a stream has one id, one role, one finish_reason and one [DONE],
and tells its usage. Anything else has failed; the table of reasons says how often and why.

The exit status is 0 when what went through dsgate was within the bounds: exact answers, answers within 2 s, the time to
the first token, upstream calls for each client's call, and tokens generated in vain.
"""
import argparse, asyncio, math, sys, tempfile
import busy_client, busy_gateways, busy_upstreams, gateway

WAYS = ("direct", "nginx", "dsgate")
CALM_SECONDS, CALM_RATE = 15, 60
SECONDS, LEAST_RATE, MOST_RATE = 95, 45, 80
EXACT, SOON, FIRST_TOKEN_MS, CALLS, WASTE = 99.95, 98, 500, 1.25, 0.3  # %, %, p95, for each client's, %
SEED = 20261126


def rate(t):
    """A day's curve: night, noon, night."""
    return LEAST_RATE + (MOST_RATE - LEAST_RATE) * math.sin(math.pi * t / SECONDS) ** 2


class Result:
    """The figures of one way."""
    def __init__(self, name, calm, busy, upstreams):
        requests = len(busy.requests)
        self.name, self.requests, self.reasons = name, requests, busy.reasons() + calm.reasons()
        self.exact, self.soon = (100 * len(part) / requests for part in (busy.exact(), busy.soon()))
        self.calm_exact = 100 * len(calm.exact()) / len(calm.requests)
        self.calm95 = gateway.percentile(calm.first_tokens(), 0.95)
        self.firsts = [gateway.percentile(busy.first_tokens(), part) for part in (0.5, 0.95, 0.99)]
        self.late = 1000 * gateway.percentile([request.late for request in busy.requests], 0.99)
        self.calls = upstreams.calls() / requests
        self.waste = 100 * (upstreams.total("tokens") / max(1, busy.tokens()) - 1)

    def line(self):
        return f"{self.name:8}{self.requests:9}{self.exact:9.2f}{self.soon:9.2f}" + \
               "".join(f"{first:8.0f}" for first in self.firsts) + \
               f"{self.calls:8.3f}{self.waste:9.2f}{self.calm_exact:11.2f}{self.calm95:9.0f}{self.late:8.1f}"


HEAD = f"{'':8}{'requests':>9}{'exact %':>9}{'in 2 s %':>9}{'first50':>8}{'95':>8}{'99 ms':>8}{'calls':>8}" \
       f"{'waste %':>9}{'calm: ok %':>11}{'first95':>9}{'late99':>8}"


async def run_way(name, options, folder, prompts):
    upstreams = busy_upstreams.Upstreams(options.build, options.calm)
    way = None
    try:
        way = busy_gateways.Way(name, options.build, folder, upstreams.all.values())
        calm = busy_client.Load(prompts, CALM_SECONDS, lambda t: CALM_RATE, SEED)
        busy = busy_client.Load(prompts, SECONDS, rate, SEED + 1)
        await calm.run(way.clients)
        await upstreams.forget()
        await asyncio.gather(busy.run(way.clients), upstreams.misbehave())
        await upstreams.count()
        return Result(name, calm, busy, upstreams)
    finally:
        if way:
            way.close()
        upstreams.stop()


async def run(options, folder):
    prompts = await busy_client.ask_all(options.build, *busy_upstreams.ANSWERS)
    return [await run_way(name, options, folder, prompts) for name in options.via or WAYS]


def show(results):
    print(HEAD)
    for result in results:
        print(result.line())
    for result in results:
        for reason, count in result.reasons.most_common():
            print(f"{result.name:8}{count:6}  {reason}")


def judge(result):
    """What is not as it should be."""
    if not result.exact >= EXACT:
        yield f"{result.exact:.3f}% of the answers are exact, wanted: {EXACT}%"
    if not result.soon >= SOON:
        yield f"{result.soon:.2f}% came within {busy_client.SOON} s, wanted: {SOON}%"
    if not result.firsts[1] <= FIRST_TOKEN_MS:
        yield f"the first token took {result.firsts[1]:.0f} ms (95%), wanted: {FIRST_TOKEN_MS} ms"
    if not result.calls <= CALLS:
        yield f"{result.calls:.3f} upstream calls for each client's, wanted: {CALLS}"
    if not result.waste <= WASTE:
        yield f"{result.waste:.2f}% of the tokens were generated in vain, wanted: {WASTE}%"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--via", action="append", choices=WAYS, help="only this way; may be repeated")
    parser.add_argument("--calm", action="store_true", help="nothing goes wrong: every answer must be exact")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        results = asyncio.run(run(options, folder))
    show(results)
    mistakes = [mistake for result in results if result.name == "dsgate" for mistake in judge(result)]
    if options.calm:
        mistakes = [f"{r.name}: only {r.exact:.2f}% exact though nothing went wrong" for r in results if r.exact < 100]
    for mistake in mistakes:
        print(f"busy-hour: {mistake}", file=sys.stderr)
    sys.exit(1 if mistakes else 0)


main()
