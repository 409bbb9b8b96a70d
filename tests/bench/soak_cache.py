"""The response cache's part in the soak: what is asked, what must be answered, and what happens to the cache meanwhile.

These requests are to models of their own, whose route keeps every answer for a second and gives it again for another
one while it is renewed. Half of them are hot: a few questions that come again all the time, so that they join each
other, are led, renewed and left; others come again now and then, or are new. They are streams and plain calls, with and
without usage, from two callers; some have large answers that are read slowly, some of these are larger than what may be
kept. Their faults are such as must not change an answer that looks whole: so whole answers always have to say what the
simulator says directly, in whichever form, and from wherever they come.

Meanwhile Redis is stopped, goes on, is killed and started again; values in it are exchanged, damaged and dropped;
operators purge; and reloads make memory and entries larger and smaller.
"""
import asyncio, collections, contextlib, json, re, signal, socket
import gateway

MODELS = ("cached-flash", "cached-pro")
HOT, HOT_ONES, AGAIN, OFTEN = 0.5, 12, 0.3, 1000  # shares, and how many questions there are of each
SCENARIOS, LEAVERS, LARGE, DIRECTED, HURRIED = 0.25, 0.1, 0.01, 0.1, 0.2  # shares
SLOW = 0.5  # of the large ones
LARGE_TOKENS = 400  # about 100 KB as a stream
# What may change an answer that is whole all the same, or is about keys, or floods: not here.
CHANGING = re.compile(r"huge|finish|changing-ids|usage-|two-done|reasoning-field|bad-utf8|bad-json|tool-call|exhausted|"
                      r"aborted|empty-content|filtered|error-then-done|no-key|bad-key|no-balance|error-overdue|"
                      r"error-string")
DIRECTIVES = ("no-cache", "no-store", "max-age=0", "max-age=1", "only-if-cached")

CONFIG = """
cache: {{memory: {memory}, entry: {entry}, redis: "unix:{redis}"}}
"""
ROUTE = """  - match: {models: ["cached-*"]}
    cache: {mode: always, ttl: 1s, stale_while_revalidate: 1s, stale_if_error: 10s}
    retry: {base: 10ms, cap: 50ms, retry_after: 100ms}
    hedge: {after: 50ms, budget: 20%}
    fallback: [stale]
"""
MEMORY = 16 << 20  # of the beginning and of the end; others in between
SIZES = [("4MB", "64KB"), ("1MB", "16KB"), ("0", "1MB"), ("16MB", "1MB")]  # memory, entry


def config(redis, sizes):
    return CONFIG.format(memory=sizes[0], entry=sizes[1], redis=redis.socket)


# ---- what is asked ----

OFF = {"thinking": {"type": "disabled"}}
CHAT, COMPLETION, MESSAGES, EMBEDDING = ("/v1/chat/completions", "/v1/completions", "/anthropic/v1/messages",
                                         "/v1/embeddings")
PATHS = {CHAT: 6, COMPLETION: 1, MESSAGES: 2, EMBEDDING: 1}


class CachedQuestion:
    exact = True

    def __init__(self, rng, scenarios, fresh):
        self.number = self.pick(rng, fresh)
        self.path = rng.choices(list(PATHS), list(PATHS.values()))[0]
        self.stream = self.path != EMBEDDING and rng.random() < 0.5
        self.wants_usage = not self.stream or rng.random() < 0.5
        self.large = self.stream and rng.random() < LARGE
        self.slow = self.large and rng.random() < SLOW
        self.body = json.dumps(self.members(rng)).encode()
        self.scenario = rng.choice(scenarios) if rng.random() < SCENARIOS else None
        self.leaves_after = rng.random() * 0.03 if rng.random() < LEAVERS else None  # seconds
        self.headers = {"Authorization": f"Bearer sk-client-{self.number % 2}", **self.size()}
        if self.scenario:
            self.headers["x-sim-scenario"] = f"ratio=0.5+{self.scenario}"
        if rng.random() < DIRECTED:
            self.headers["Cache-Control"] = rng.choice(DIRECTIVES)
        if rng.random() < HURRIED:
            self.headers["X-Dsgate-Timeout"] = f"{rng.randrange(20, 1000)}ms"

    @staticmethod
    def pick(rng, fresh):
        kind = rng.random()
        if kind < HOT:
            return rng.randrange(HOT_ONES)
        return HOT_ONES + rng.randrange(OFTEN) if kind < HOT + AGAIN else next(fresh)

    def size(self):
        return {"x-sim-tokens": str(LARGE_TOKENS), "x-sim-token-ms": "0"} if self.large else {}

    def members(self, rng):
        """In any order: that is no other question. The end of the line is no beginning of an answer: to the simulator
        "93." would be "9" and a part of "3.14", of which a completion that is gone on with counts less."""
        text = f"Say something{' long' if self.large else ''}, {self.number}.\n"
        about = {CHAT: {"messages": [{"role": "user", "content": text}], **(OFF if self.number % 2 else {})},
                 COMPLETION: {"prompt": text}, EMBEDDING: {"input": text},
                 MESSAGES: {"messages": [{"role": "user", "content": text}], "max_tokens": 1000}}[self.path]
        members = {"model": MODELS[self.number % 3 == 0], **about}
        if self.path != EMBEDDING:
            members["stream"] = self.stream
        if self.stream and self.path in (CHAT, COMPLETION) and self.wants_usage:
            members["stream_options"] = {"include_usage": True}
        order = list(members)
        rng.shuffle(order)
        return {name: members[name] for name in order}

    def said(self, body):
        told = [json.loads(data) for data in re.findall(rb"^data: (\{.*)", body, re.M)] if self.stream \
            else [json.loads(body)]
        reader = {MESSAGES: said_in_blocks, EMBEDDING: said_in_data}.get(self.path, said_in_choices)
        return reader(told, self.wants_usage)


# ---- what is answered, in either form ----

def said_in_choices(told, wants_usage):
    """Texts and reasons for the end by choice, and the usage: who has not asked for it may get it all the same."""
    said, usage = collections.defaultdict(str), None
    for chunk in told:
        usage = chunk.get("usage") or usage
        for choice in chunk["choices"]:
            words = choice.get("delta") or choice.get("message") or choice
            for name in ("content", "reasoning_content", "text"):
                said[choice["index"], name] += words.get(name) or ""
            said[choice["index"], "end"] += choice["finish_reason"] or ""
    return dict(said), wants_usage and usage


def said_in_data(told, _):
    return told[0]["data"], told[0]["usage"]


def said_in_blocks(told, _):
    said, end, tokens = collections.defaultdict(str), None, None
    for event in told:
        blocks = event.get("content") or [event.get("content_block") or event.get("delta") or {}]
        for index, block in enumerate(blocks, event.get("index", 0)):
            for name in ("text", "thinking"):
                said[index, name] += block.get(name, "")
        end = event.get("stop_reason") or event.get("delta", {}).get("stop_reason") or end
        tokens = event.get("usage", {}).get("output_tokens", tokens)
    return {k: v for k, v in said.items() if v}, end, tokens


class SlowReader:
    def __init__(self, reader):
        self.reader = reader

    def at_eof(self):
        return self.reader.at_eof()

    async def readuntil(self, separator):
        return await self.reader.readuntil(separator)

    async def readexactly(self, n):
        await asyncio.sleep(0.002)
        return await self.reader.readexactly(n)


class SlowClient(gateway.Client):
    """Takes a stream's chunks one by one, and has little room for more."""
    async def connect(self):
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.setblocking(False)
        await asyncio.get_running_loop().sock_connect(s, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=s, limit=4096)
        return SlowReader(reader), writer


# ---- what happens meanwhile ----

EXCHANGE = "redis.call('SET', a, redis.call('GET', b), 'EX', 60)"
DAMAGE = "redis.call('SETRANGE', a, 90, 'xxxx')"
RANDOMLY = "for i = 1, 200 do local a, b = redis.call('RANDOMKEY'), redis.call('RANDOMKEY') if a then %s end end"
VANDALISM = ['EVAL "%s" 0' % RANDOMLY % act for act in (EXCHANGE, DAMAGE)]


class Troubles:
    def __init__(self, dsgate, redis, config_of):
        self.dsgate, self.redis, self.config_of = dsgate, redis, config_of
        self.key, self.counts = None, collections.Counter()

    # ---- Redis ----

    async def vandalise(self):
        """Whatever else it says, or says nothing."""
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            reader, writer = await asyncio.open_unix_connection(self.redis.socket)
            writer.write("".join(f"{command}\r\n" for command in VANDALISM).encode())
            for _ in VANDALISM:
                told = await asyncio.wait_for(reader.readline(), 1)
                self.counts["values spoiled" if told == b"$-1\r\n" else f"spoiling: {told.decode()}"] += 1
            writer.close()

    async def trouble_redis(self):
        while True:
            await asyncio.sleep(3)
            self.redis.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(0.7)
            self.redis.process.send_signal(signal.SIGCONT)
            await asyncio.sleep(3)
            await self.vandalise()
            await asyncio.sleep(2)
            self.redis.kill()
            await asyncio.sleep(0.5)
            self.redis.start()
            self.counts["Redis killed"] += 1

    # ---- operators ----

    async def purge(self, what):
        client = gateway.Client(self.dsgate.admin)
        answer = await client.post("/cache", json.dumps({"purge": what}).encode(), {})
        client.close()
        self.counts[f"purges: {answer.status}"] += 1

    async def operate(self):
        while True:
            for i, sizes in enumerate(SIZES):
                await asyncio.sleep(0.5)
                self.dsgate.reload(self.config_of(sizes))
                await asyncio.sleep(0.5)
                await self.purge([{"model": MODELS[0]}, "all", {"model": MODELS[1]}, {"key": self.key}][i])
                self.counts["reloads"] += 1

    # ---- all of it ----

    async def during(self, work):
        """Until the work is done; then everything is there again."""
        tasks = [asyncio.ensure_future(task()) for task in (self.trouble_redis, self.operate)]
        await work
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.redis.process.poll() is not None:
            self.redis.start()
        self.redis.process.send_signal(signal.SIGCONT)
        self.dsgate.reload(self.config_of(SIZES[-1]))
