"""Three ways to the upstreams of the busy hour: dsgate, nginx, and none. Each is set up as somebody would who knows the
upstreams' limits and has clients that wait for 15 seconds."""
import os, shutil, subprocess
import busy_upstreams, gateway

DSGATE = """
listen: 127.0.0.1:{port}
workers: 1
admin: {listen: "off"}
log: {access: "off", level: warn}
timeouts: {connect: 1s, first_byte: 5s, first_token: 2s, idle: 800ms, total: 15s}
queue: {reserve_p0: 0%, priority: P1, classes: {P1: {max_wait: 100ms, timeout: 15s}}}
routes:
  - match: {models: ["*"]}
    policy: least_busy
    retry: {base: 50ms, cap: 1s}
    hedge: {budget: 10%}
upstreams:
"""
DSGATE_UPSTREAM = '  - {name: %s, base_url: "http://127.0.0.1:%d/v1", dialect: deepseek, beta_path: /beta, ' \
                  'api_key: sk-bench, max_concurrency: %d, weight: %d, tier: %s}\n'

WEIGHTS = {"a": 8, "b": 14, "c": 16, "d": 6}  # as the limits are; but what A refuses costs another call

# An upstream that fails is asked again for the next request: with max_fails, A and C would soon be out for good.
NGINX = """
daemon off; worker_processes 1;
error_log {folder}/error.log crit; pid {folder}/nginx.pid;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  tcp_nodelay on; keepalive_requests 1000000;
  upstream llm {{
    zone llm 256k; least_conn;
{servers}
    keepalive 64; keepalive_requests 1000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://llm; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host localhost;
      proxy_buffering off; proxy_connect_timeout 1s; proxy_send_timeout 2s; proxy_read_timeout 2s;
      proxy_next_upstream error timeout invalid_header http_500 http_502 http_503 http_504 http_429 non_idempotent;
      proxy_next_upstream_tries 4; proxy_next_upstream_timeout 15s;
    }}
  }}
}}
"""
NGINX_SERVER = "    server 127.0.0.1:%d max_fails=0 max_conns=%d%s;\n"


class Nginx:
    def __init__(self, folder, upstreams):
        self.port, config = gateway.free_port(), os.path.join(folder, "nginx.conf")
        servers = "".join(NGINX_SERVER % (u.port, busy_upstreams.CAPS[u.name], " backup" * u.is_backup())
                          for u in upstreams)
        with open(config, "w") as f:
            f.write(NGINX.format(folder=folder, port=self.port, servers=servers))
        command = [shutil.which("nginx") or "/usr/sbin/nginx", "-p", folder, "-c", config]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        gateway.wait_for(self.port, self.process)


class Way:
    """Where clients send requests: to each of `clients` in turn."""
    def __init__(self, name, build, folder, upstreams):
        self.process = None
        if name == "direct":
            self.clients = self.spread(upstreams)
            return
        way = Nginx(folder, upstreams) if name == "nginx" else self.dsgate(build, folder, upstreams)
        self.process, self.clients = way.process, [gateway.Client(way.port)]

    @staticmethod
    def dsgate(build, folder, upstreams):
        rows = (DSGATE_UPSTREAM % (u.name, u.port, busy_upstreams.CAPS[u.name], WEIGHTS[u.name],
                                   "backup" if u.is_backup() else "primary") for u in upstreams)
        return gateway.Gateway(build, folder, DSGATE + "".join(rows))

    @staticmethod
    def spread(upstreams):
        """Round robin, with as many turns for each upstream as it takes requests at a time, evenly mixed."""
        turns = []
        for upstream in upstreams:
            cap, client = busy_upstreams.CAPS[upstream.name], gateway.Client(upstream.port)
            turns += [((turn + 0.5) / cap, upstream.name, client) for turn in range(cap)]
        return [client for _, _, client in sorted(turns, key=lambda turn: turn[:2])]

    def close(self):
        for client in self.clients:
            client.close()
        if self.process:
            gateway.stop(self.process)
