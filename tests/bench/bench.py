#!/usr/bin/env python3
"""dsgate beside nginx: same upstream (dsgate-sim), same load (wrk), same core, taking turns; then dsgate alone with as
many streams as it promises to hold, none of which may lose anything: otherwise the exit status is 1.

The gateways run on one core, everything else on another; for the many streams all have all cores. CPU is the gateway's
own user and system time, read from the kernel's per-process clock. Machines are noisy: look at the ratios, which are
medians over the repetitions.
"""
import argparse, json, re, resource, socket, statistics, sys, tempfile, time
import gateway, measure

SIZES_KB = (1, 16, 128, 1024)
STARTS = 5  # of each gateway in a repetition
STREAMS, MANY_STREAMS = 2000, 10000


def wait_line(path, pattern, seconds=10):
    """What the pattern's group has matched in the file, once it does."""
    end = time.time() + seconds
    while time.time() < end:
        with open(path) as f:
            match = re.search(pattern, f.read())
        if match:
            return match.group(1)
        time.sleep(0.005)
    sys.exit(f"bench: no line like {pattern}")


def rss_kib(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/smaps_rollup") as f:
            total += int(re.search(r"Rss:\s+(\d+)", f.read()).group(1))
    return total


def answers_200(port, body):
    """Whether it serves a request already."""
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n" \
           "Content-Type: application/json\r\nAuthorization: Bearer sk-client\r\nConnection: close\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.sendall(head.encode() + body)
            return s.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


class Bench:
    def __init__(self, options, folder):
        self.o, self.rig, self.kinds = options, measure.Rig(options.build, folder), measure.kinds(options.build)
        self.bodies = {kb: measure.make_body(folder, kb) for kb in SIZES_KB}
        self.stream_body = measure.make_body(folder, 1, True)
        with open(self.bodies[1], "rb") as f:
            self.small = f.read()
        self.lost = False  # a stream that did not come whole

    def measure_start(self, kind, up):
        """Milliseconds from its start to the end of the first answer; KiB that it has then."""
        took, idle = [], []
        for _ in range(STARTS):
            prepared = self.rig.prepare(kind, up)
            began = time.monotonic()
            prepared.launch()
            while not answers_200(prepared.port, self.small):
                if time.monotonic() - began > 10:
                    sys.exit(f"bench: {kind.name} does not answer")
            took.append((time.monotonic() - began) * 1e3)
            idle.append(rss_kib(measure.family(prepared.process.pid)))
            gateway.stop(prepared.process)
        return statistics.median(took), statistics.median(idle)

    def hold_streams(self, running, count, cores, *headers):
        """What came of them, and the KiB that the gateway had at most in the meantime for each."""
        answers_200(running.port, self.small)  # from now on the simulator tells every stream of the same cache hits
        pids = measure.family(running.process.pid)
        before = most = rss_kib(pids)
        with measure.on_cores(cores):
            holder = measure.hold_streams(self.o.build, running.port, count, self.stream_body, *headers)
        while holder.poll() is None:
            most = max(most, rss_kib(pids))
            time.sleep(0.25)
        result = json.loads(holder.stdout.read())
        if result["equal"] != count or result["open_at_once"] != count:
            self.lost = True
            print(f"bench: not all of {count} streams were whole, equal and open at once: {result}", file=sys.stderr)
        return result, (most - before) / count

    def measure_streams(self, kind, up):
        """In a gateway of its own: one that has served large bodies keeps their memory."""
        with self.rig.running(kind, up) as running:
            slowly = ("x-sim-first-token-ms: 3000", "x-sim-token-ms: 20")
            return self.hold_streams(running, STREAMS, measure.OTHER_CORE, *slowly)[1]

    def measure_cpu(self, kind, up, tls):
        with self.rig.running(kind, up, tls=tls) as running:
            return {f"CPU µs per request, {kb} KB{' over TLS' if tls else ''}": measure.cpu_per_request(
                        running.process, lambda seconds: measure.wrk(running.port, self.bodies[kb], seconds),
                        self.o.seconds) for kb in SIZES_KB if kb < 128 or not tls}

    def round(self, kind, tls):
        with self.rig.simulator(tls) as sim:
            figures = self.measure_cpu(kind, sim.port, tls)
            if not tls:
                figures[f"RSS KiB per stream, {STREAMS} streams"] = self.measure_streams(kind, sim.port)
                started = self.measure_start(kind, sim.port)
                figures["ms from start to the first 200"], figures["RSS KiB idle"] = started
            return figures

    def compare(self):
        rows = {}
        for repetition in range(self.o.reps):
            for tls in (False, True):
                for kind in self.kinds[::1 if repetition % 2 == 0 else -1]:
                    for figure, value in self.round(kind, tls).items():
                        rows.setdefault(figure, {}).setdefault(kind.name, []).append(value)
        print(f"{'':44}{'nginx':>10}{'dsgate':>10}{'ratio':>8}   (medians of {self.o.reps})")
        for figure, values in rows.items():
            ratio = measure.ratio(values["dsgate"], values["nginx"])
            nginx, dsgate = (statistics.median(values[name]) for name in ("nginx", "dsgate"))
            print(f"{figure:44}{nginx:10.2f}{dsgate:10.2f}{ratio:8.2f}")

    def count_streams(self, running):
        """The descriptor limit may allow fewer: dsgate tells how many it can serve; the simulator and the client need
        one each."""
        room = int(wait_line(running.log, r"up to (\d+) client connections"))
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        count = min(MANY_STREAMS, room, limit - 64)
        if count < MANY_STREAMS:
            print(f"only {count} of {MANY_STREAMS} streams are tried: the descriptor limit is {limit}")
        return count

    def many_streams(self):
        """Held open at once by one process with two workers."""
        cores = measure.ALL_CORES
        with self.rig.simulator(cores=cores) as sim, \
                self.rig.running(self.kinds[1], sim.port, cores, workers=2) as running:
            count = self.count_streams(running)
            slowly = ("x-sim-first-token-ms: 15000", "x-sim-token-ms: 200", "x-sim-tokens: 20")
            result, kib = self.hold_streams(running, count, cores, *slowly)
            print(f"{result['open_at_once']} streams open at once, {result['whole']} whole and {result['equal']} equal "
                  f"of {count}, {kib:.2f} KiB RSS each, {result['seconds']} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--reps", type=int, default=3, help="0: only the many streams")
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        if options.reps:
            bench.compare()
        bench.many_streams()
    sys.exit(1 if bench.lost else 0)


main()
