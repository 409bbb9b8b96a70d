#!/usr/bin/env python3
"""dsgate beside nginx: same upstream (dsgate-sim), same load (wrk), same core, taking turns; then dsgate alone with as
many streams as it promises to hold, none of which may lose anything: otherwise the exit status is 1.

The gateways run on one core, everything else on another; for the many streams all have all cores. CPU is the gateway's
own user and system time, read from the kernel's per-process clock. Machines are noisy: look at the ratios, which are
medians over the repetitions.
"""
import argparse, json, os, re, resource, shutil, socket, statistics, subprocess, sys, tempfile, time
from gateway import free_port, stop, wait_port

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES_KB = (1, 16, 128, 1024)
STARTS = 5  # of each gateway in a repetition
STREAMS, MANY_STREAMS = 2000, 10000
ALL_CORES = os.sched_getaffinity(0)
GATEWAY_CORE, OTHER_CORE = {min(ALL_CORES)}, {max(ALL_CORES)}

NGINX = """
daemon off; worker_processes 1; worker_rlimit_nofile 19000;
error_log {dir}/error.log warn; pid {dir}/nginx.pid;
events {{ worker_connections 16000; }}
http {{
  access_log {dir}/access.log combined;
  client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c;
  uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
  tcp_nodelay on; keepalive_timeout 75s; keepalive_requests 100000000;
  client_max_body_size 64m; client_body_buffer_size 2m;
  upstream llm {{ server 127.0.0.1:{up}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location /v1/ {{
      proxy_pass {scheme}://llm; proxy_http_version 1.1;
      proxy_set_header Connection ""; proxy_set_header Host localhost;
      proxy_set_header Authorization "Bearer sk-bench"; proxy_buffering off; proxy_read_timeout 300s;
      proxy_ssl_trusted_certificate {ca}; proxy_ssl_verify {verify}; proxy_ssl_name localhost; proxy_ssl_server_name on;
      proxy_ssl_session_reuse on;
    }}
  }}
}}
"""

DSGATE = """
listen: 127.0.0.1:{port}
workers: {workers}
admin: {{listen: "unix:{dir}/admin.sock"}}
log: {{access: "{dir}/access.log", level: info}}
upstreams:
  - {{name: sim, base_url: "{scheme}://localhost:{up}/v1", resolve: ["127.0.0.1"], api_key: sk-bench{tls}}}
"""


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


def start(command, cores, **more):
    """On these cores, which a child inherits: a preexec_fn would make starting slow, and starting is measured."""
    os.sched_setaffinity(0, cores)
    try:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, **more)
    finally:
        os.sched_setaffinity(0, OTHER_CORE)


def family(pid):
    """pid and its children (nginx has a worker)."""
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [pid] + [int(child) for child in f.read().split()]


def cpu_seconds(pids):
    return sum(time.clock_gettime(((~pid) << 3) | 2) for pid in pids)


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


def make_body(folder, kb, stream=False):
    text = "The gateway reads a long prompt, naïve résumé 中文 \"quoted\", and passes it on.\n"
    fixed = 200  # the rest of the body
    size = len(json.dumps(text, ensure_ascii=False).encode()) - len('""')
    content = text * -(-(kb * 1024 - fixed) // size)
    body = {"messages": [{"role": "user", "content": content}], "model": "deepseek-flash", "max_tokens": 64,
            "stream": stream, "thinking": {"type": "disabled"}}
    path = os.path.join(folder, f"body-{kb}-{stream}.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(body, f, ensure_ascii=False)
    return path


class Bench:
    def __init__(self, options, folder):
        self.o, self.folder = options, folder
        self.bodies = {kb: make_body(folder, kb) for kb in SIZES_KB}
        self.stream_body = make_body(folder, 1, True)
        with open(self.bodies[1], "rb") as f:
            self.small = f.read()
        self.lost = False  # a stream that did not come whole
        self.make_certificate()

    def make_certificate(self):
        self.cert, self.key = os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", self.key, "-out", self.cert], check=True, capture_output=True)

    def start_sim(self, tls=False, cores=OTHER_CORE):
        port = free_port()
        command = [f"{self.o.build}/dsgate-sim", "--listen", f"127.0.0.1:{port}", "--first-token-ms", "0",
                   "--token-ms", "0", "--created", "1700000000"]
        if tls:
            command += ["--tls-cert", self.cert, "--tls-key", self.key]
        process = start(command, cores, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_port(port, process)
        return process, port

    def prepare_gateway(self, name, up, tls=False, workers=1):
        """What starts it, its port and its folder."""
        port, folder = free_port(), tempfile.mkdtemp(dir=self.folder)
        fill = {"dir": folder, "up": up, "port": port, "scheme": "https" if tls else "http", "ca": self.cert,
                "verify": "on" if tls else "off", "tls": f", tls: {{ca_file: {self.cert}}}" if tls else "",
                "workers": workers}
        config = os.path.join(folder, "config")
        with open(config, "w") as f:
            f.write((NGINX if name == "nginx" else DSGATE).format(**fill))
        nginx = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", config]
        return nginx if name == "nginx" else [f"{self.o.build}/dsgate", "-c", config], port, folder

    def launch(self, command, folder, cores=GATEWAY_CORE):
        with open(os.path.join(folder, "stderr"), "w") as log:
            return start(command, cores, stdout=subprocess.DEVNULL, stderr=log)

    def start_gateway(self, name, up, tls):
        command, port, folder = self.prepare_gateway(name, up, tls)
        process = self.launch(command, folder)
        wait_port(port, process)
        return process, port

    def wrk(self, port, body, seconds):
        command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", f"{HERE}/chat.lua",
                   f"http://127.0.0.1:{port}/v1/chat/completions"]
        parameters = {"BENCH_BODY": body, "BENCH_HEADERS": "Authorization: Bearer sk-client"}
        result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **parameters})
        return json.loads(re.search(r"RESULT (\{.*\})", result.stdout).group(1))

    def measure_requests(self, process, port, body):
        self.wrk(port, body, 1)
        pids = family(process.pid)
        before = cpu_seconds(pids)
        result = self.wrk(port, body, self.o.seconds)
        if result["errors"]:
            sys.exit(f"bench: {result['errors']} requests failed")
        return (cpu_seconds(pids) - before) / result["requests"] * 1e6

    def measure_start(self, name, up):
        """Milliseconds from its start to the end of the first answer; KiB that it has then."""
        took, idle = [], []
        for _ in range(STARTS):
            command, port, folder = self.prepare_gateway(name, up)
            began = time.monotonic()
            process = self.launch(command, folder)
            while not answers_200(port, self.small):
                if time.monotonic() - began > 10:
                    sys.exit(f"bench: {name} does not answer")
            took.append((time.monotonic() - began) * 1e3)
            idle.append(rss_kib(family(process.pid)))
            stop(process)
        return statistics.median(took), statistics.median(idle)

    def hold_streams(self, process, port, count, cores, *headers):
        """What bench-streams says, and the KiB that the gateway had at most in the meantime for each stream."""
        answers_200(port, self.small)  # from now on the simulator tells every stream of the same hits in its cache
        pids = family(process.pid)
        before = most = rss_kib(pids)
        command = [f"{self.o.build}/bench-streams", str(port), str(count), self.stream_body,
                   "Authorization: Bearer sk-client", *headers]
        holder = start(command, cores, stdout=subprocess.PIPE, text=True)
        while holder.poll() is None:
            most = max(most, rss_kib(pids))
            time.sleep(0.25)
        result = json.loads(holder.stdout.read())
        if result["equal"] != count or result["open_at_once"] != count:
            self.lost = True
            print(f"bench: not all of {count} streams were whole, equal and open at once: {result}", file=sys.stderr)
        return result, (most - before) / count

    def measure_streams(self, name, up):
        """In a gateway of its own: one that has served large bodies keeps their memory."""
        gateway, port = self.start_gateway(name, up, False)
        try:
            slowly = ("x-sim-first-token-ms: 3000", "x-sim-token-ms: 20")
            return self.hold_streams(gateway, port, STREAMS, OTHER_CORE, *slowly)[1]
        finally:
            stop(gateway)

    def measure_cpu(self, name, up, tls):
        gateway, port = self.start_gateway(name, up, tls)
        try:
            return {f"CPU µs per request, {kb} KB{' over TLS' if tls else ''}":
                    self.measure_requests(gateway, port, self.bodies[kb]) for kb in SIZES_KB if kb < 128 or not tls}
        finally:
            stop(gateway)

    def round(self, name, tls):
        sim, up = self.start_sim(tls)
        try:
            figures = self.measure_cpu(name, up, tls)
            if not tls:
                figures[f"RSS KiB per stream, {STREAMS} streams"] = self.measure_streams(name, up)
                figures["ms from start to the first 200"], figures["RSS KiB idle"] = self.measure_start(name, up)
            return figures
        finally:
            stop(sim)

    def compare(self):
        rows = {}
        for repetition in range(self.o.reps):
            order = ("nginx", "dsgate") if repetition % 2 == 0 else ("dsgate", "nginx")
            for tls in (False, True):
                for name in order:
                    for figure, value in self.round(name, tls).items():
                        rows.setdefault(figure, {}).setdefault(name, []).append(value)
        print(f"{'':44}{'nginx':>10}{'dsgate':>10}{'ratio':>8}   (medians of {self.o.reps})")
        for figure, values in rows.items():
            ratio = statistics.median(d / n for d, n in zip(values["dsgate"], values["nginx"]))
            nginx, dsgate = (statistics.median(values[name]) for name in ("nginx", "dsgate"))
            print(f"{figure:44}{nginx:10.2f}{dsgate:10.2f}{ratio:8.2f}")

    def many_streams(self):
        """Held open at once by one process with two workers. The descriptor limit may allow fewer: dsgate tells how
        many it can serve; the simulator and bench-streams need one each."""
        sim, up = self.start_sim(cores=ALL_CORES)
        command, port, folder = self.prepare_gateway("dsgate", up, workers=2)
        gateway = self.launch(command, folder, ALL_CORES)
        try:
            wait_port(port, gateway)
            room = int(wait_line(os.path.join(folder, "stderr"), r"up to (\d+) client connections"))
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            count = min(MANY_STREAMS, room, limit - 64)
            if count < MANY_STREAMS:
                print(f"only {count} of {MANY_STREAMS} streams are tried: the descriptor limit is {limit}")
            slowly = ("x-sim-first-token-ms: 15000", "x-sim-token-ms: 200", "x-sim-tokens: 20")
            result, kib = self.hold_streams(gateway, port, count, ALL_CORES, *slowly)
            print(f"{result['open_at_once']} streams open at once, {result['whole']} whole and {result['equal']} equal "
                  f"of {count}, {kib:.2f} KiB RSS each, {result['seconds']} s")
        finally:
            stop(gateway)
            stop(sim)


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
