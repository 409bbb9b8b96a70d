#!/usr/bin/env python3
"""make soak: many requests, every fault of the simulator, and nothing must be left behind.

SOAK requests go through dsgate to three simulators, 150 at a time: half of them streams, to all endpoints, with and
without thinking, with tools and with choices. A third of them name one of the simulator's scenarios, at one of its
positions; each of their attempts meets it with a chance of a half. 3% of the clients leave in the middle. First tokens
that are late are hedged; one of the upstreams has a breaker and gives way when it is busy, others have three keys.
Half of the requests may be answered by the cache, which has a Redis that is often away (see soak_cache.py).

The exit status is 0 when each request that was not left has had a whole answer or a clean error, whole answers to
undisturbed requests say what the simulator says directly, nothing is in flight at the end, the descriptors are those
of the beginning, the cache has no more than it may, the gateway ends with 0 on SIGTERM, and no sanitizer has reported
anything, leaks included.
"""
import argparse, asyncio, collections, glob, itertools, json, os, random, re, signal, subprocess, sys, tempfile, time
import gateway, soak_cache

AT_A_TIME, SEED = 150, 20261126
CACHED, STREAMS, SCENARIOS, LEAVERS, FLOODS = 0.5, 0.5, 0.33, 0.03, 0.0005  # shares
MARGIN = 64  # megabytes of memory at the end, with what is cached: allocators keep some of what has been used at once
PATIENCE = 60  # seconds for one request: all its attempts take less
PACE = ["--tokens", "8", "--token-ms", "1", "--first-token-ms", "0", "--keep-alive-ms", "20", "--seed", "4",
        "--created", "1764660903", "--prefix-cache", "0",
        *(option for model in soak_cache.MODELS for option in ("--model", model))]

CONFIG = """
listen: 127.0.0.1:{port}
admin: {listen: "127.0.0.1:{admin}"}
workers: 2
limits: {connections: 1000}
log: {access: "off", level: error}
timeouts: {connect: 5s, first_byte: 400ms, first_token: 300ms, idle: 300ms, commit: 200ms, total: 5s}
retries: {budget: 50%, floor: 100}
routes:
""" + soak_cache.ROUTE + """  - match: {models: ["deepseek-v4-pro"]}
    retry: {base: 10ms, cap: 50ms, retry_after: 100ms}
    hedge: {after: 50ms, budget: 20%}
    plain: off
  - match: {models: ["*"]}
    retry: {base: 10ms, cap: 50ms, retry_after: 100ms}
    hedge: {after: 50ms, budget: 20%}
    fallback: [{model: deepseek-v4-pro, on: context_length}]
"""
UPSTREAM = """  - name: {name}
    dialect: deepseek
    base_url: "http://127.0.0.1:{port}"
    beta_path: /beta
    anthropic_path: /anthropic/v1
    api_keys: [{keys}]
    health: {{when: never}}
    models: {{{models}}}
"""
CALM = """    adaptive: false
    breaker: {failures: 0, failure_rate: 0%}
"""


def upstreams_of(simulators):
    """Each twice: keys that are refused, or busy where there are others, rest for long, and upstreams whose keys do are
    not asked for hedges. So that has upstreams of its own."""
    rows = "upstreams:\n"
    for s in simulators:
        models = ", ".join(f"{model}: {model}" for model in (*MODELS, *soak_cache.MODELS))
        rows += UPSTREAM.format(name=s.name, port=s.port, keys=KEYS[0], models=models) + ("" if s.name == "c" else CALM)
        models = f"{KEYS_MODEL}: {KEYS_MODEL}"
        rows += UPSTREAM.format(name=f"{s.name}-keys", port=s.port, keys=", ".join(KEYS), models=models) + CALM
    return rows


# ---- what is asked ----

# Where the simulator's own default is too long or too much for one of many requests.
VALUES = {"slow-headers": 1, "huge": 1, "huge-event": 5, "finish": "length", "continue-100": 3}
FLOODING = ("endless-headers", "endless-blank", "huge-event", "huge", "continue-100=0")
ODD = ("ratio", "fail-first", "early-response", "retry-after", "retry-after-date", "NNN")  # no faults by themselves
STATUSES = ["400", "404", "408", "413", "422", "500", "502", "504"]
MORE = ["429+retry-after=1", "503+retry-after-date=1", "continue-100=0", *STATUSES]


def list_scenarios(build):
    """Every one at every position: those that flood, and the others."""
    text = subprocess.check_output([f"{build}/dsgate-sim", "--list-scenarios"], text=True)
    positions = re.search(r"before:(.*)\.", text)[1].replace("event-N", "event-3").split(",")
    found = list(MORE)
    for name, value, position in re.findall(r"^([a-z0-9-]+|NNN)(=\w+)?(@POSITION)?  ", text, re.M):
        if name in ODD:
            continue
        spec = name + (f"={VALUES.get(name, 3)}" if value and (name in VALUES or "stall" not in name) else "")
        found += [f"{spec}@{p.strip()}" for p in positions] if position else [spec]
    floods = [s for s in found if s.startswith(FLOODING)]
    return floods, [s for s in found if s not in floods]


USER = [{"role": "user", "content": "Say something."}]
OFF = {"thinking": {"type": "disabled"}}
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
KINDS = [("/v1/chat/completions", 4, {"messages": USER}),
         ("/v1/chat/completions", 4, {"messages": USER, **OFF}),
         ("/v1/chat/completions", 2, {"messages": USER, **OFF, "tools": [TOOL], "tool_choice": "required"}),
         ("/v1/chat/completions", 1, {"messages": USER, **OFF, "n": 2}),
         ("/v1/chat/completions", 1, {"messages": USER, **OFF, "logprobs": True}),
         ("/v1/completions", 1, {"prompt": "def f("}),
         ("/v1/responses", 1, {"input": "Say something."}),
         ("/anthropic/v1/messages", 1, {"messages": USER, "max_tokens": 100})]
MODELS = {"deepseek-flash": 3, "deepseek-v4-pro": 1}
KEYS = ["sk-soak-1", "sk-soak-2", "sk-soak-3"]
KEYS_MODEL = "deepseek-v4-flash"
ABOUT_KEYS = re.compile(r"no-key|bad-key|no-balance|error-overdue|error-string")


class Question:
    slow = False

    def __init__(self, rng, scenarios, floods):
        self.path, _, members = rng.choices(KINDS, [kind[1] for kind in KINDS])[0]
        self.stream = rng.random() < STREAMS
        self.scenario = rng.choice(scenarios) if rng.random() < SCENARIOS else None
        if rng.random() < FLOODS:
            self.scenario = rng.choice(floods)
        self.exact = not self.scenario  # what is whole is what the simulator says directly
        about_keys = self.scenario and ABOUT_KEYS.match(self.scenario)
        model = KEYS_MODEL if about_keys else rng.choices(list(MODELS), list(MODELS.values()))[0]
        self.body = json.dumps({"model": model, "stream": self.stream, **members}).encode()
        self.leaves_after = rng.random() * 0.02 if rng.random() < LEAVERS else None  # seconds
        self.headers = {"Authorization": "Bearer sk-client"}
        if self.scenario:
            self.headers["x-sim-scenario"] = f"ratio=0.5+{self.scenario}"

    def size(self):
        return {}

    def said(self, body):
        """On a busy machine the last word may be later than `idle`, and then it is not waited for."""
        told = LAST_WORD.sub(b"", b"\n\n".join(events_of(body))) if self.stream else body.strip()
        return ID.sub(b"", told)


# ---- what is answered ----

# A reason for the end is an end, too, where the upstream has not said its last word.
END = re.compile(rb'data: \[DONE\]|"(finish|stop)_reason":"\w|"type":"response\.(completed|incomplete)"')
LAST_WORD = re.compile(rb'\n\n(data: \[DONE\]|event: message_stop\n.*)$')
ID = re.compile(rb'"(?:id|item_id)":"[^"]*"')


def events_of(body):
    blocks = (block.strip(b"\n") for block in body.split(b"\n\n"))
    return [block for block in blocks if block and not block.startswith(b":")]


def is_error_event(event):
    try:
        told = json.loads(event.split(b"data: ", 1)[-1])
    except ValueError:
        return False
    return "error" in told or told.get("type") in ("error", "response.failed")


def judge_stream(answer):
    events = events_of(answer.body)
    if answer.cut:
        return "error event" if events and is_error_event(events[-1]) else "cut without a word"
    if not events:
        return "nothing"
    return "whole" if END.search(answer.body) else "no end"


def judge(question, answer):
    if answer.status == 200 and "event-stream" in answer.headers.get("content-type", ""):
        return judge_stream(answer) if question.stream else "a stream that was not asked for"
    if answer.cut:
        return "cut"
    return "whole" if answer.status == 200 else "error"


GOOD = {"whole", "error", "error event", "left"}



# ---- the soak ----

COUNTERS = ("attempts", "hedges", "hedges_won", "continuations", "plain_streams", "clients_gone", "streams_cut",
            "retries_denied")


Kept = collections.namedtuple("Kept", "descriptors megabytes")


class Soak:
    def __init__(self, args, folder):
        self.args, self.folder, self.rng = args, folder, random.Random(SEED)
        self.outcomes, self.wrong, self.expected = collections.Counter(), [], {}
        self.simulators = [gateway.Simulator(args.build, name, *PACE) for name in "abc"]
        self.redis, self.results, self.fresh = gateway.Redis(folder), collections.Counter(), itertools.count(10**6)
        self.dsgate = gateway.Gateway(args.build, folder, self.config_of(soak_cache.SIZES[-1]))
        self.troubles = soak_cache.Troubles(self.dsgate, self.redis, self.config_of)
        self.client, self.slow_client = gateway.Client(self.dsgate.port), soak_cache.SlowClient(self.dsgate.port)
        self.floods, self.scenarios = list_scenarios(args.build)
        self.unchanging = [s for s in self.scenarios if not soak_cache.CHANGING.search(s)]

    def config_of(self, sizes):
        return CONFIG + soak_cache.config(self.redis, sizes) + upstreams_of(self.simulators)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.dsgate.process.pid}/fd"))

    def megabytes(self):
        """Of memory; 0 where sanitizers keep what is freed: those map terabytes."""
        with open(f"/proc/{self.dsgate.process.pid}/status") as f:
            mapped, resident = (int(kb) >> 10 for kb in re.findall(r"^Vm(?:Size|RSS):\s+(\d+)", f.read(), re.M))
        return 0 if mapped > 1 << 20 else resident

    def kept(self):
        return Kept(self.descriptors(), self.megabytes())

    # ---- one request ----

    async def learn(self, question):
        """What the simulator says directly; the answers to one question are equal, but for ids."""
        key = (question.path, question.body)
        if key not in self.expected:
            client = gateway.Client(self.simulators[0].port)
            headers = {"Authorization": f"Bearer {KEYS[0]}", **question.size()}
            answer = await client.post(question.path, question.body, headers)
            self.expected[key] = question.said(answer.body)
            client.close()
        return self.expected[key]

    async def ask(self, question):
        wait = PATIENCE if question.leaves_after is None else question.leaves_after
        try:
            client = self.slow_client if question.slow else self.client
            answer = await asyncio.wait_for(client.post(question.path, question.body, question.headers), wait)
        except asyncio.TimeoutError:
            return "unanswered" if question.leaves_after is None else "left"
        except (gateway.Broken, OSError) as e:
            return f"broken: {e!r}"
        what = judge(question, answer)
        self.note(answer)
        if what == "whole" and question.exact and not await self.is_right(question, answer):
            return "not what was to be said"
        return what

    async def is_right(self, question, answer):
        expected = await self.learn(question)
        try:
            return question.said(answer.body) == expected
        except (AttributeError, LookupError, TypeError, ValueError):  # of another kind
            return False

    def note(self, answer):
        self.results[answer.headers.get("x-dsgate-cache", "nothing")] += 1
        self.troubles.key = answer.headers.get("x-dsgate-cache-key") or self.troubles.key

    def question(self):
        if self.rng.random() < CACHED:
            return soak_cache.CachedQuestion(self.rng, self.unchanging, self.fresh)
        return Question(self.rng, self.scenarios, self.floods)

    async def worker(self):
        while self.left > 0:
            self.left -= 1
            question = self.question()
            what = await self.ask(question)
            self.outcomes[what] += 1
            too_long_to_hold = what == "cut" and (question.scenario or "").startswith(FLOODING)
            if what not in GOOD and not too_long_to_hold:
                self.wrong.append(f"{what}: {question.path} {question.scenario} {question.body.decode()}")

    async def load(self, requests):
        self.left = requests
        await asyncio.gather(*(self.worker() for _ in range(AT_A_TIME)))

    # ---- what is left ----

    async def in_flight(self):
        names = ("dsgate_requests_in_flight", "dsgate_waiting", "dsgate_upstream_in_flight", "dsgate_cache_flights",
                 "dsgate_cache_followers")
        return {k: v for k, v in (await gateway.metrics(self.dsgate.admin)).items() if k.startswith(names) and v}

    async def becomes(self, probe, wanted):
        """Whether it does in 20 s; its last value."""
        for _ in range(200):
            value = await probe() if asyncio.iscoroutinefunction(probe) else probe()
            if value == wanted:
                break
            await asyncio.sleep(0.1)
        return value

    async def cache_limit(self):
        """As the last reload has set it."""
        return (await gateway.metrics(self.dsgate.admin))["dsgate_cache_memory_limit_bytes"]

    async def run(self):
        before, began = self.kept(), time.monotonic()
        await self.troubles.during(self.load(self.args.requests))
        seconds = time.monotonic() - began
        self.client.close()
        self.slow_client.close()
        in_flight = await self.becomes(self.in_flight, {})
        await self.becomes(self.cache_limit, soak_cache.MEMORY)
        totals = await gateway.metrics(self.dsgate.admin)
        for simulator in self.simulators:
            gateway.stop(simulator.process)
        await self.becomes(self.descriptors, before.descriptors)
        after = self.kept()
        self.dsgate.process.send_signal(signal.SIGTERM)
        status = self.dsgate.process.wait(60)
        self.tell(seconds, totals)
        return self.judge(in_flight, totals, (before, after), status)

    def stop(self):
        """Whatever runs still."""
        for program in (self.dsgate, *self.simulators, self.redis):
            gateway.stop(program.process)

    # ---- the verdict ----

    def reports(self):
        """Of sanitizers, and of the simulators that they have ended."""
        files = [path for path in glob.glob(f"{self.folder}/sanitizer.*") if os.path.getsize(path)]
        files += [f"{s.name} ended with {s.process.returncode}" for s in self.simulators if s.process.returncode]
        return files

    def tell(self, seconds, totals):
        print(f"{self.args.requests} requests in {seconds:.0f} s ({self.args.requests / seconds:.0f}/s)")
        for what, count in self.outcomes.most_common():
            print(f"  {count:8} {what}")
        for name in COUNTERS:
            values = (v for k, v in totals.items() if re.match(f"dsgate_{name}_total({{|$)", k))
            print(f"  {sum(values):8.0f} {name}")
        print("the cache:")
        for what, count in [*self.results.most_common(), *self.troubles.counts.items()]:
            print(f"  {count:8} {what}")
        for name, value in totals.items():
            if value and name.startswith("dsgate_cache_redis_"):
                print(f"  {value:8.0f} {name.removeprefix('dsgate_cache_')}")

    def judge(self, in_flight, totals, kept, status):
        """Whether all is well."""
        before, after = kept
        memory, reports = totals["dsgate_cache_memory_bytes"], self.reports()
        print(f"descriptors before and after: {before.descriptors}, {after.descriptors}; MB: {before.megabytes}, "
              f"{after.megabytes}; bytes in the cache: {memory:.0f}; in flight: {in_flight}; exit status: {status}; "
              f"reports: {len(reports)}")
        for path in reports:
            print(open(path).read()[:5000] if os.path.exists(path) else path)
        for line in self.wrong[:20]:
            print("WRONG", line)
        within = memory <= soak_cache.MEMORY and after.megabytes <= before.megabytes + MARGIN
        equal = before.descriptors == after.descriptors
        return within and equal and not (self.wrong or in_flight or status or reports)


def set_sanitizers(folder):
    common = f"log_path={folder}/sanitizer:exitcode=99"
    for name, more in (("ASAN", "detect_leaks=1"), ("UBSAN", "print_stacktrace=1:halt_on_error=1"),
                       ("TSAN", "halt_on_error=0"), ("LSAN", "exitcode=99")):
        os.environ[f"{name}_OPTIONS"] = f"{common}:{more}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", required=True, help="folder of dsgate and dsgate-sim")
    parser.add_argument("--requests", type=int, default=100_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_sanitizers(folder)
        soak = Soak(args, folder)
        try:
            sys.exit(not asyncio.run(soak.run()))
        finally:
            soak.stop()


if __name__ == "__main__":
    main()
