"""What the benches beside nginx share: gateways on one core and everything else on another, wrk, and the kernel's
clocks of processes. Machines are noisy: what is compared takes turns, and ratios are of neighbours in time."""
import collections, contextlib, json, os, re, shutil, statistics, subprocess, sys, tempfile, time
import gateway

HERE = os.path.dirname(os.path.abspath(__file__))
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
admin: {{listen: "127.0.0.1:{admin}"}}
log: {{access: "{dir}/access.log", level: info}}
upstreams:
  - {{name: sim, base_url: "{scheme}://localhost:{up}/v1", resolve: ["127.0.0.1"], api_key: sk-bench{tls}}}
"""


# ---- programs ----

@contextlib.contextmanager
def on_cores(cores):
    """What is started meanwhile inherits them: a preexec_fn would make starting slow, and starting is measured."""
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, OTHER_CORE)


def family(pid):
    """pid and its children (nginx has a worker)."""
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return [pid] + [int(child) for child in f.read().split()]


def cpu_seconds(pids):
    return sum(time.clock_gettime(((~pid) << 3) | 2) for pid in pids)


Kind = collections.namedtuple("Kind", "name config build")  # of a gateway; build: None for nginx


def kinds(build):
    """The two that are compared."""
    return Kind("nginx", NGINX, None), Kind("dsgate", DSGATE, build)


class Prepared:
    """A gateway that can be started, in a folder of its own."""
    def __init__(self, kind, folder, **fill):
        self.port, self.admin, self.folder = gateway.free_port(), gateway.free_port(), tempfile.mkdtemp(dir=folder)
        config, self.log = os.path.join(self.folder, "config"), os.path.join(self.folder, "stderr")
        with open(config, "w") as f:
            f.write(kind.config.format(dir=self.folder, port=self.port, admin=self.admin, **fill))
        nginx = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", self.folder, "-c", config]
        self.command = [f"{kind.build}/dsgate", "-c", config] if kind.build else nginx

    def launch(self, cores=GATEWAY_CORE):
        with open(self.log, "w") as log, on_cores(cores):
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                            stderr=log)


class Rig:
    """The simulator, and gateways in front of it; there is a certificate for both."""
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.cert, self.key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", self.key, "-out", self.cert], check=True, capture_output=True)

    @contextlib.contextmanager
    def simulator(self, tls=False, cores=OTHER_CORE):
        with on_cores(cores):
            sim = gateway.Simulator(self.build, "sim", "--first-token-ms", "0", "--token-ms", "0", "--created",
                                    "1700000000", *(("--tls-cert", self.cert, "--tls-key", self.key) if tls else ()))
        try:
            yield sim
        finally:
            gateway.stop(sim.process)

    def prepare(self, kind, up, tls=False, workers=1, **more):
        """`up` is where the simulator listens; `more` is for the gateway's configuration."""
        return Prepared(kind, self.folder, up=up, scheme="https" if tls else "http", ca=self.cert,
                        verify="on" if tls else "off", tls=f", tls: {{ca_file: {self.cert}}}" if tls else "",
                        workers=workers, **more)

    @contextlib.contextmanager
    def running(self, kind, up, cores=GATEWAY_CORE, **how):
        prepared = self.prepare(kind, up, **how)
        prepared.launch(cores)
        try:
            gateway.wait_for(prepared.port, prepared.process)
            yield prepared
        finally:
            gateway.stop(prepared.process)


# ---- load ----

def make_body(folder, kb, stream=False, mark=""):
    text = "The gateway reads a long prompt, naïve résumé 中文 \"quoted\", and passes it on.\n"
    fixed = 200  # the rest of the body
    size = len(json.dumps(text, ensure_ascii=False).encode()) - len('""')
    content = mark + text * -(-(kb * 1024 - fixed) // size)
    body = {"messages": [{"role": "user", "content": content}], "model": "deepseek-flash", "max_tokens": 64,
            "stream": stream, "thinking": {"type": "disabled"}}
    path = os.path.join(folder, f"body-{kb}-{stream}.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(body, f, ensure_ascii=False)
    return path


def wrk(port, body, seconds, script="chat.lua", **more):
    """What the script says in the end; `more` is environment for it."""
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", f"{HERE}/{script}",
               f"http://127.0.0.1:{port}/v1/chat/completions"]
    parameters = {"BENCH_BODY": body, "BENCH_HEADERS": "Authorization: Bearer sk-client", **more}
    result = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **parameters},
                            timeout=seconds + 30)
    return json.loads(re.search(r"RESULT (\{.*\})", result.stdout).group(1))


def cpu_per_request(process, load, seconds):
    """Microseconds of the gateway's CPU time; load(seconds) sends requests and says how many."""
    load(1)
    pids = family(process.pid)
    before = cpu_seconds(pids)
    result = load(seconds)
    if result["errors"]:
        sys.exit(f"bench: {result['errors']} requests failed")
    return (cpu_seconds(pids) - before) / result["requests"] * 1e6


def ratio(values, others):
    """Of what was measured in the same repetitions."""
    return statistics.median(value / other for value, other in zip(values, others))


def hold_streams(build, port, count, body, *headers):
    """Starts what opens so many streams at once, and says in JSON what has come of them."""
    command = [f"{build}/bench/streams", str(port), str(count), body, "Authorization: Bearer sk-client", *headers]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
