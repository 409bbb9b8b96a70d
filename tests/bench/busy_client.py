"""The clients of the busy hour: which requests they send and when, and whether each is answered as it has to be,
character by character. They do not try again."""
import asyncio, collections, json, math, random, re, time
import gateway

PROMPTS = 400
STREAMS = 0.7  # of the requests
DEADLINE, SOON = 15, 2  # seconds from when a request should be sent
HEADERS = {"Authorization": "Bearer sk-bench", "X-Dsgate-Timeout": f"{DEADLINE}s"}
PATH = "/v1/chat/completions"
TOKEN = re.compile(rb'"(?:reasoning_)?content":\s*"[^"]')


class Wrong(Exception):
    """Not the answer that was asked for; says why."""


# ---- what is asked ----

class Prompt:
    """One of the questions, and once it is known what they have to be answered."""
    def __init__(self, i):
        self.members = {"model": "deepseek-flash", "messages": [{"role": "user", "content": f"Question {i}: why?"}],
                        "thinking": {"type": "enabled" if i % 2 else "disabled"}}
        if i % 5 == 0:
            self.members["max_tokens"] = 30
        self.plain = json.dumps(self.members).encode()
        self.stream = json.dumps({**self.members, "stream": True, "stream_options": {"include_usage": True}}).encode()
        self.expected = None


async def ask_all(build, *options):
    """All prompts with their answers, from a simulator of their own without any fault."""
    prompts = [Prompt(i) for i in range(PROMPTS)]
    simulator = gateway.Simulator(build, "model", "--first-token-ms", "0", "--token-ms", "0", *options)
    try:
        client = gateway.Client(simulator.port)
        for prompt in prompts:
            prompt.expected = read_plain((await client.post(PATH, prompt.plain, HEADERS)).body)
        client.close()
    finally:
        gateway.stop(simulator.process)
    return prompts


# ---- what is answered ----

Told = collections.namedtuple("Told", "content reasoning finish tokens")


def read_plain(body):
    if not body.strip():
        raise Wrong("empty body")
    try:
        told = json.loads(body)
        choice, = told["choices"]
        message = choice["message"]
        return Told(message["content"], message.get("reasoning_content"), choice["finish_reason"],
                    told["usage"]["completion_tokens"])
    except (ValueError, KeyError, TypeError) as e:
        raise Wrong("no answer in the body") from e


class Stream:
    """Reads the events of one answer."""
    def __init__(self):
        self.ids, self.roles, self.finishes, self.usage = set(), 0, [], None
        self.content, self.reasoning = [], []

    def read_choice(self, choice):
        delta = choice["delta"]
        self.roles += "role" in delta
        self.content.append(delta.get("content") or "")
        self.reasoning.append(delta.get("reasoning_content") or "")
        if choice["finish_reason"]:
            self.finishes.append(choice["finish_reason"])

    def read_chunk(self, chunk):
        if "error" in chunk:
            raise Wrong("error event: " + str(chunk["error"].get("code") or chunk["error"].get("type")))
        self.ids.add(chunk["id"])
        for choice in chunk["choices"]:
            self.read_choice(choice)
        self.usage = chunk.get("usage") or self.usage

    def read(self, events):
        try:
            for event in events:
                self.read_chunk(json.loads(event))
        except (ValueError, KeyError, TypeError, AttributeError) as e:
            raise Wrong("no chunk in an event") from e

    def told(self):
        if len(self.ids) != 1:
            raise Wrong(f"{len(self.ids)} ids")
        if self.roles != 1:
            raise Wrong(f"{self.roles} roles")
        if len(self.finishes) != 1:
            raise Wrong(f"{len(self.finishes)} finish_reasons")
        if self.usage is None:
            raise Wrong("no usage")
        return Told("".join(self.content), "".join(self.reasoning), self.finishes[0], self.usage["completion_tokens"])


def events_of(body):
    """The data of each whole event; comments are left out."""
    lines = (line for block in body.split(b"\n\n")[:-1] for line in block.split(b"\n") if not line.startswith(b":"))
    return [line.removeprefix(b"data: ") for line in lines if line]


def read_stream(answer):
    stream, events = Stream(), events_of(answer.body)
    stream.read(event for event in events if event != b"[DONE]")
    if answer.cut:
        raise Wrong("cut in mid-answer" if TOKEN.search(answer.body) else "cut before the first token")
    if events.count(b"[DONE]") != 1:
        raise Wrong(f"{events.count(b'[DONE]')} [DONE]s")
    if not answer.body.endswith(b"data: [DONE]\n\n"):
        raise Wrong("[DONE] is not the last")
    return stream.told()


def compare(told, expected):
    """Raises Wrong where they differ. A stream has no way to say that there is no reasoning at all."""
    if not told.content and not told.reasoning and (expected.content or expected.reasoning):
        raise Wrong("empty answer")
    if told.finish != expected.finish:
        raise Wrong(f"finish_reason {told.finish}")
    for name in Told._fields:
        if (getattr(told, name) or None) != (getattr(expected, name) or None):
            raise Wrong(f"another {name}")


def check(answer, stream, expected):
    if answer.status != 200:
        raise Wrong(f"status {answer.status}")
    if answer.cut and not stream:
        raise Wrong("cut in mid-answer" if answer.body.strip() else "cut before the first token")
    compare(read_stream(answer) if stream else read_plain(answer.body), expected)


# ---- the load ----

class Request:
    """One that was sent, and what became of it. Times count from when it should have been sent."""
    def __init__(self, prompt, stream):
        self.prompt, self.stream, self.body = prompt, stream, prompt.stream if stream else prompt.plain
        self.due = self.late = self.first = self.took = math.nan
        self.wrong = None

    def exact(self):
        return self.wrong is None

    def soon(self):
        return self.exact() and self.took <= SOON

    def watch(self, piece):
        if math.isnan(self.first) and TOKEN.search(piece):
            self.first = time.monotonic() - self.due

    async def send(self, client, due):
        self.due, self.late = due, time.monotonic() - due
        try:
            answer = await asyncio.wait_for(client.post(PATH, self.body, HEADERS, self.watch), DEADLINE - self.late)
            check(answer, self.stream, self.prompt.expected)
        except asyncio.TimeoutError:
            self.wrong = "no first token in time" if math.isnan(self.first) else "silent in mid-answer"
        except gateway.Broken:
            self.wrong = "cut before the head"
        except OSError as e:
            self.wrong = type(e).__name__
        except Wrong as e:
            self.wrong = str(e)
        self.took = time.monotonic() - due


class Load:
    """The same for each way: requests in an open loop, at rate(t) a second."""
    def __init__(self, prompts, seconds, rate, seed):
        dice, now, self.times, self.requests = random.Random(seed), 0, [], []
        while (now := now + dice.expovariate(rate(now))) < seconds:
            self.times.append(now)
            self.requests.append(Request(dice.choice(prompts), dice.random() < STREAMS))

    async def run(self, clients):
        """Each request goes to the next of the clients; returns when all are answered."""
        start = time.monotonic()
        await gateway.at_times(self.times, lambda i: self.requests[i].send(clients[i % len(clients)],
                                                                           start + self.times[i]))

    def exact(self):
        return [request for request in self.requests if request.exact()]

    def soon(self):
        return [request for request in self.requests if request.soon()]

    def first_tokens(self):
        """Of the streams, in milliseconds; one without a token counts as if it had come at the deadline."""
        firsts = (request.first for request in self.requests if request.stream)
        return [1000 * (DEADLINE if math.isnan(first) else first) for first in firsts]

    def tokens(self):
        """That clients have got in exact answers."""
        return sum(request.prompt.expected.tokens for request in self.exact())

    def reasons(self):
        return collections.Counter(request.wrong for request in self.requests if not request.exact())
