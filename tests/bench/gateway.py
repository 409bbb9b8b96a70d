"""What the benches share: programs that they start and end again, and an HTTP/1.1 client for many requests at once.

Python's standard library only. Programs are ended by their own process ids, and never by name.
"""
import asyncio, contextlib, json, os, signal, socket, subprocess, sys, time


# ---- programs ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def is_open(where):
    """Whether somebody listens on a port of this machine, or on a socket of this path."""
    family, address = (socket.AF_UNIX, where) if isinstance(where, str) else (socket.AF_INET, ("127.0.0.1", where))
    with socket.socket(family) as s:
        s.settimeout(0.2)
        return s.connect_ex(address) == 0


def wait_for(where, process, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        if process.poll() is not None:
            sys.exit(f"bench: {process.args[0]} ended with {process.returncode}")
        if is_open(where):
            return
        time.sleep(0.005)
    stop(process)
    sys.exit(f"bench: nothing listens on {where}")


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Simulator:
    def __init__(self, build, name, *options):
        self.name, self.port = name, free_port()
        self.command = [f"{build}/dsgate-sim", "--listen", f"127.0.0.1:{self.port}", *options]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for(self.port, self.process)

    def kill(self):
        self.process.kill()
        self.process.wait()

    async def ask(self, method, what, body=b""):
        client = Client(self.port)
        answer = await client.ask(method, f"/_sim/{what}", body, {})
        client.close()
        if answer.status != 200:
            sys.exit(f"bench: the simulator says {answer.status} to /_sim/{what}: {answer.body.decode()}")
        return json.loads(answer.body)

    async def control(self, what, order):
        await self.ask("POST", what, json.dumps(order).encode())

    async def stats(self):
        return await self.ask("GET", "stats")


# A row of dsgate's configuration: name, port.
UPSTREAM = '  - {name: %s, base_url: "http://127.0.0.1:%d/v1", api_key: sk-bench}\n'


class Gateway:
    """dsgate with this configuration; `{port}` in it is where it listens, `{admin}` where its admin API does."""
    def __init__(self, build, folder, config):
        self.port, self.admin = free_port(), free_port()
        self.path, self.log = os.path.join(folder, "dsgate.yaml"), os.path.join(folder, "dsgate.log")
        self.write(config)
        with open(self.log, "w") as log:
            self.process = subprocess.Popen([f"{build}/dsgate", "-c", self.path], stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=log)
        wait_for(self.port, self.process)

    def write(self, config):
        with open(self.path, "w") as f:
            f.write(config.replace("{port}", str(self.port)).replace("{admin}", str(self.admin)))

    def reload(self, config):
        self.write(config)
        self.process.send_signal(signal.SIGHUP)


async def metrics(admin):
    """What dsgate tells at this port: its samples by their names and labels."""
    client = Client(admin)
    text = (await client.ask("GET", "/metrics", b"", {})).body.decode()
    client.close()
    samples = (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))
    return {name: float(value) for name, value in samples}


class Redis:
    """A server on a socket in this folder; it keeps nothing on disk."""
    def __init__(self, folder):
        self.socket = os.path.join(folder, "redis.sock")
        self.command = ["redis-server", "--port", "0", "--unixsocket", self.socket, "--dir", folder, "--save", "",
                        "--appendonly", "no", "--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lfu"]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_for(self.socket, self.process)

    def kill(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def running(program):
    """One of these, until the block ends."""
    try:
        yield program
    finally:
        stop(program.process)


# ---- requests ----

class Broken(Exception):
    """Not what HTTP/1.1 allows, or cut."""


class Answer:
    def __init__(self, status, headers):
        self.status, self.headers, self.body = status, headers, b""
        self.cut = False  # the connection ended before the last chunk

    def number(self, name):
        """The value of a header that is a number; None without it."""
        value = self.headers.get(name)
        try:
            return None if value is None else float(value)
        except ValueError:
            return None


async def read_head(reader):
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    fields = (line.split(":", 1) for line in head[1:] if line)
    return Answer(int(head[0].split(" ", 2)[1]), {name.lower(): value.strip() for name, value in fields})


async def read_chunks(reader, answer, watch):
    while True:
        try:
            size = int((await reader.readuntil(b"\r\n")).split(b";")[0], 16)
            piece = await reader.readexactly(size + 2)
        except (asyncio.IncompleteReadError, ConnectionError):
            answer.cut = True
            return
        if piece[-2:] != b"\r\n":
            raise Broken("chunk without its end")
        if size == 0:
            return
        answer.body += piece[:-2]
        if watch:
            watch(piece)


async def read_answer(reader, watch):
    try:
        answer = await read_head(reader)
        if answer.headers.get("transfer-encoding", "").lower() == "chunked":
            await read_chunks(reader, answer, watch)
        else:
            answer.body = await reader.readexactly(int(answer.headers.get("content-length", "0")))
        return answer
    except (asyncio.IncompleteReadError, ConnectionError, ValueError, IndexError) as e:
        raise Broken(str(e)) from e


class Client:
    """Keeps its connections for the next request."""
    def __init__(self, port):
        self.port, self.idle = port, []

    async def connect(self):
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            writer.close()
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def post(self, path, body, headers, watch=None):
        return await self.ask("POST", path, body, headers, watch)

    async def ask(self, method, path, body, headers, watch=None):
        """The answer; Broken when it is none. watch(piece) sees each chunk as it comes."""
        reader, writer = await self.connect()
        try:
            lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json",
                     f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            answer = await read_answer(reader, watch)
        except BaseException:
            writer.close()
            raise
        if answer.cut or answer.headers.get("connection", "").lower() == "close":
            writer.close()
        else:
            self.idle.append((reader, writer))
        return answer

    def close(self):
        for _, writer in self.idle:
            writer.close()
        self.idle.clear()


async def at_times(times, begin):
    """Calls begin(i) at each of these times, in seconds from now, whatever the earlier ones do (an open loop); returns
    when all that it has started have ended."""
    start, tasks = time.monotonic(), []
    for i, due in enumerate(times):
        delay = start + due - time.monotonic()
        if delay > 0:
            await asyncio.sleep(delay)
        tasks.append(asyncio.ensure_future(begin(i)))
    await asyncio.gather(*tasks)


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("nan")
