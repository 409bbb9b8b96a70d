#!/usr/bin/env python3
"""CPU per request of dsgate beside nginx: same upstream (dsgate-sim), same load (wrk), same core, taking turns.

The gateways run on core 0, everything else on core 1. CPU is the gateway's own user and system time, read from the kernel's
per-process clock. Machines are noisy: look at the ratios, which are medians over the repetitions.
"""
import argparse, json, os, re, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES_KB = (1, 16, 128, 1024)

NGINX = """
daemon off; worker_processes 1; worker_rlimit_nofile 19000; error_log {dir}/error.log warn; pid {dir}/nginx.pid;
events {{ worker_connections 16000; }}
http {{
  access_log {dir}/access.log combined;
  client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c; uwsgi_temp_path {dir}/d; scgi_temp_path {dir}/e;
  tcp_nodelay on; keepalive_timeout 75s; keepalive_requests 100000000; client_max_body_size 64m; client_body_buffer_size 2m;
  upstream llm {{ server 127.0.0.1:{up}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location /v1/ {{
      proxy_pass {scheme}://llm; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;
      proxy_set_header Authorization "Bearer sk-bench"; proxy_buffering off; proxy_read_timeout 300s;
      proxy_ssl_trusted_certificate {ca}; proxy_ssl_verify {verify}; proxy_ssl_name localhost; proxy_ssl_server_name on;
      proxy_ssl_session_reuse on;
    }}
  }}
}}
"""

DSGATE = """
listen: 127.0.0.1:{port}
admin: {{listen: "unix:{dir}/admin.sock"}}
log: {{access: "{dir}/access.log", level: warn}}
upstreams:
  - {{name: sim, base_url: "{scheme}://localhost:{up}/v1", resolve: ["127.0.0.1"], api_key: sk-bench{tls}}}
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        if process.poll() is not None:
            sys.exit(f"bench: {process.args[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.005)
    sys.exit(f"bench: nothing listens on port {port}")


def start(command, core, **more):
    return subprocess.Popen(command, preexec_fn=lambda: os.sched_setaffinity(0, {core}), stdin=subprocess.DEVNULL, **more)


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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


def make_body(folder, kb, stream=False):
    text = "The gateway reads a long prompt, naïve résumé 中文 \"quoted\", and passes it on.\n"
    content, fixed = "", 200
    while len(json.dumps(content, ensure_ascii=False).encode()) < kb * 1024 - fixed:
        content += text
    body = {"messages": [{"role": "user", "content": content}], "model": "deepseek-flash", "max_tokens": 64, "stream": stream,
            "thinking": {"type": "disabled"}}
    path = os.path.join(folder, f"body-{kb}-{stream}.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(body, f, ensure_ascii=False)
    return path


class Bench:
    def __init__(self, options, folder):
        self.o, self.folder = options, folder
        self.bodies = {kb: make_body(folder, kb) for kb in SIZES_KB}
        self.stream_body = make_body(folder, 1, True)
        self.make_certificate()

    def make_certificate(self):
        self.cert, self.key = os.path.join(self.folder, "cert.pem"), os.path.join(self.folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.key, "-out", self.cert],
                       check=True, capture_output=True)

    def start_sim(self, tls):
        port = free_port()
        command = [f"{self.o.build}/dsgate-sim", "--listen", f"127.0.0.1:{port}", "--first-token-ms", "0", "--token-ms", "0",
                   "--created", "1700000000"]
        if tls:
            command += ["--tls-cert", self.cert, "--tls-key", self.key]
        process = start(command, 1, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_port(port, process)
        return process, port

    def start_gateway(self, name, up, tls):
        port, folder = free_port(), tempfile.mkdtemp(dir=self.folder)
        fill = {"dir": folder, "up": up, "port": port, "scheme": "https" if tls else "http", "ca": self.cert,
                "verify": "on" if tls else "off", "tls": f", tls: {{ca_file: {self.cert}}}" if tls else ""}
        config = os.path.join(folder, "config")
        with open(config, "w") as f:
            f.write((NGINX if name == "nginx" else DSGATE).format(**fill))
        command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", config] if name == "nginx" else \
                  [f"{self.o.build}/dsgate", "-c", config]
        process = start(command, 0, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_port(port, process)
        return process, port

    def wrk(self, port, body, seconds):
        result = subprocess.run(["taskset", "-c", "1", "wrk", "-t1", "-c32", f"-d{seconds}s", "-s", f"{HERE}/chat.lua",
                                 f"http://127.0.0.1:{port}/v1/chat/completions"], capture_output=True, text=True,
                                env={**os.environ, "BENCH_BODY": body, "BENCH_HEADERS": "Authorization: Bearer sk-client"})
        return json.loads(re.search(r"RESULT (\{.*\})", result.stdout).group(1))

    def measure_requests(self, process, port, body):
        self.wrk(port, body, 1)
        pids = family(process.pid)
        before = cpu_seconds(pids)
        result = self.wrk(port, body, self.o.seconds)
        if result["errors"]:
            sys.exit(f"bench: {result['errors']} requests failed")
        return (cpu_seconds(pids) - before) / result["requests"] * 1e6

    def measure_streams(self, process, port, count):
        pids = family(process.pid)
        before = rss_kib(pids)
        holder = start([f"{self.o.build}/bench-streams", str(port), str(count), self.stream_body, "Authorization: Bearer sk-client",
                        "x-sim-first-token-ms: 3000", "x-sim-token-ms: 20"], 1, stdout=subprocess.PIPE, text=True)
        time.sleep(2.5)
        held = rss_kib(pids)
        out, _ = holder.communicate()
        result = json.loads(out)
        if result["equal"] != count:
            print(f"  streams: only {result['equal']} of {count} whole and equal", file=sys.stderr)
        return (held - before) / count

    def round(self, name, tls):
        sim, up = self.start_sim(tls)
        gateway, port = self.start_gateway(name, up, tls)
        figures = {}
        try:
            for kb in SIZES_KB if not tls else SIZES_KB[:2]:
                figures[f"CPU µs per request, {kb} KB{' over TLS' if tls else ''}"] = self.measure_requests(gateway, port, self.bodies[kb])
            if not tls:
                figures["RSS KiB per stream, 2000 streams"] = self.measure_streams(gateway, port, 2000)
        finally:
            stop(gateway)
            stop(sim)
        return figures

    def run(self):
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
            print(f"{figure:44}{statistics.median(values['nginx']):10.2f}{statistics.median(values['dsgate']):10.2f}{ratio:8.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build")
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Bench(options, folder).run()


main()
