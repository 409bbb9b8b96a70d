// An upstream whose calls and probes fail goes down, and comes back with its probes, however requests reach it: a probe
// goes the way that requests go.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fs from "node:fs";
import http2 from "node:http2";
import net from "node:net";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import {
    Authority,
    FAST,
    Gateway,
    SIMULATOR_KEY,
    Simulator,
    chat,
    eventually,
    freePort,
    temporaryFolder,
    upstream,
} from "./harness.mjs";
import { DnsServer } from "./harness/dns_server.mjs";

let simulator, secure, authority;

before(async () => {
    simulator = await Simulator.start(...FAST);
    authority = new Authority();
    secure = await startSecure(authority);
});
beforeEach(() => Promise.all([simulator.reset(), secure.reset()]));
after(async () => {
    await simulator.stop();
    await secure.stop();
});

function startSecure(signedBy) {
    const { cert_file, key_file } = signedBy.sign("upstream.test", "DNS:upstream.test,DNS:localhost");
    return Simulator.start(...FAST, "--tls-cert", cert_file, "--tls-key", key_file);
}

// One failed probe takes it down, one good one brings it back.
const health = { down_after: 1, up_after: 1, interval: "100ms" };
const withHealth = (...configs) => ({
    upstreams: configs.map((config) => ({ ...config, health: { ...health, ...config.health } })),
});
const start = (...configs) => Gateway.start(withHealth(...configs));

const overTls = (more = {}) =>
    upstream(simulator, {
        base_url: `https://upstream.test:${secure.port}`,
        resolve: ["127.0.0.1"],
        tls: { ca_file: authority.certificate },
        ...more,
        health: undefined,
    });

const countOf = (gateway, pattern) => (gateway.program.stderr.match(pattern) ?? []).length;

// A scenario without a path is for models, which probes do not name.
async function failEverywhere(server) {
    await server.scenario("server-error");
    await server.scenario("server-error", { path: "/models" });
}

// Calls work; one fails, which alone takes nothing down, and so does the probe that it brings about. A call that comes
// then waits: only a probe can say that all is well again.
async function goesDownAndComesBack(gateway, server) {
    const [down, up] = [/ is down: 1 failed probes in a row/g, / is up again/g].map(
        (pattern) => () => countOf(gateway, pattern),
    );
    const [downs, ups] = [down(), up()];
    await gateway.serves();
    await failEverywhere(server);
    const failed = await gateway.post("/v1/chat/completions", chat());
    assert.equal(failed.status, 500, await failed.text());
    await eventually("the upstream is down", () => down() > downs);
    const waiting = gateway.serves();
    await eventually("a call waits", async () => (await gateway.metrics())['dsgate_waiting{class="P2"}'] === 1);
    assert.equal(up(), ups);
    await server.reset();
    await eventually("the upstream is up again", () => up() > ups);
    await waiting;
    await gateway.serves();
}

async function comesBack(config, server = simulator) {
    const gateway = await start(config);
    await goesDownAndComesBack(gateway, server);
    await gateway.stop({ quiet: true });
}

// The last probe that the simulator has seen. (Its requests for completions are no probes.)
const lastProbe = () =>
    eventually("a probe", async () => {
        const last = await simulator.last();
        return last.method === "GET" && last;
    });

describe("what a probe looks like", () => {
    test("it has the host, the key and the headers that requests have", async () => {
        const config = upstream(simulator, {
            base_url: "http://api.deepseek.test:81/v1",
            resolve: [`127.0.0.1:${simulator.port}`],
            headers: { "X-Tenant": "blue", "User-Agent": "ours" },
            health: { path: "/health" },
        });
        const gateway = await start(config);
        const failed = gateway.post("/v1/chat/completions", chat({ model: "deepseek-flash@server-error" }));
        assert.equal((await failed).status, 500);
        const { target, headers } = await lastProbe();
        assert.equal(target, "/v1/health");
        assert.equal(headers.host, "api.deepseek.test:81");
        assert.equal(headers.authorization, `Bearer ${SIMULATOR_KEY}`);
        assert.equal(headers["x-tenant"], "blue");
        assert.equal(headers["user-agent"], "ours");
        await gateway.stop({ quiet: true });
    });

    test("its key stands where the upstream looks for it", async () => {
        const gateway = await start(upstream(simulator, { auth_header: "api-key", health: {} }));
        await gateway.post("/v1/chat/completions", chat({ model: "deepseek-flash@server-error" }));
        const { headers } = await lastProbe();
        assert.equal(headers["api-key"], SIMULATOR_KEY);
        assert.equal(headers.authorization, undefined);
        await gateway.stop({ quiet: true });
    });

    test("it speaks HTTP/1.1, as requests do, with who would rather speak HTTP/2", async () => {
        const { cert_file, key_file } = authority.sign("both.test", "DNS:both.test");
        const versions = [];
        let broken = true;
        const server = http2.createSecureServer({
            allowHTTP1: true,
            cert: fs.readFileSync(cert_file),
            key: fs.readFileSync(key_file),
        });
        server.on("request", (request, response) => {
            versions.push(`${request.method} ${request.httpVersion}`);
            response.writeHead(broken ? 500 : 200).end("{}");
        });
        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        const gateway = await start(overTls({ base_url: `https://both.test:${server.address().port}` }));
        assert.equal((await gateway.post("/v1/chat/completions", chat())).status, 500);
        await gateway.logLine(/ is down: /);
        broken = false;
        await gateway.logLine(/ is up again/);
        assert.deepEqual([...new Set(versions)], ["POST 1.1", "GET 1.1"]);
        await gateway.stop({ quiet: true });
        server.close();
    });
});

describe("an upstream that went down comes back", () => {
    test("over TLS, with an authority of one's own", () => comesBack(overTls(), secure));

    test("with tls.server_name", () =>
        comesBack(
            overTls({
                base_url: `https://127.0.0.1:${secure.port}`,
                resolve: undefined,
                tls: { ca_file: authority.certificate, server_name: "localhost" },
            }),
            secure,
        ));

    test("with tls.server_name and pins", () =>
        comesBack(
            overTls({
                base_url: "https://front.invalid",
                resolve: [`127.0.0.1:${secure.port}`],
                tls: { ca_file: authority.certificate, server_name: "upstream.test" },
            }),
            secure,
        ));

    test("with tls.insecure", () =>
        comesBack(overTls({ base_url: `https://other.test:${secure.port}`, tls: { insecure: true } }), secure));

    test("when its first pins are dead", async () => {
        const dead = await freePort();
        await comesBack(
            upstream(simulator, {
                base_url: "http://api.deepseek.test",
                resolve: [`127.0.0.1:${dead}`, `[::1]:${dead}`, `127.0.0.1:${simulator.port}`],
                health: {},
            }),
        );
    });

    test("on IPv6, pinned or not", async () => {
        const port = await freePort();
        const local = await Simulator.start(...FAST, "--listen", `[::1]:${port}`);
        const pinned = { base_url: "http://local.test", resolve: [`[::1]:${port}`] };
        for (const where of [{ base_url: `http://[::1]:${port}` }, pinned])
            await comesBack(upstream(simulator, { ...where, health: {} }), local);
        await local.stop();
    });

    test("on a Unix socket", async () => {
        const socket = path.join(temporaryFolder(), "upstream.sock");
        const local = await Simulator.start(...FAST, "--listen", `unix:${socket}`);
        await comesBack(
            upstream(simulator, { base_url: "http://local.test", resolve: [`unix:${socket}`], health: {} }),
            local,
        );
        await local.stop();
    });

    // OpenSSL looks there for the authorities to trust, if nothing else is said; libcurl by itself does not.
    test("with an authority from SSL_CERT_FILE", async () => {
        process.env.SSL_CERT_FILE = authority.certificate;
        try {
            await comesBack(overTls({ tls: undefined }), secure);
        } finally {
            delete process.env.SSL_CERT_FILE;
        }
    });

    test("when the file of its authority has been renewed", async () => {
        const caFile = path.join(temporaryFolder(), "ca.pem");
        let gateway;
        for (const signedBy of [authority, new Authority()]) {
            fs.copyFileSync(signedBy.certificate, caFile);
            const server = await startSecure(signedBy);
            const config = overTls({
                base_url: `https://upstream.test:${server.port}`,
                tls: { ca_file: caFile },
            });
            if (gateway) {
                gateway.write(withHealth(config));
                assert.ok(await gateway.reload());
            }
            gateway ??= await start(config);
            await goesDownAndComesBack(gateway, server);
            await gateway.isQuiet();
            await server.stop();
        }
        await gateway.stop();
    });
});

describe("an upstream stays down", () => {
    test("and the gateway is not ready, until its probes succeed", async () => {
        const gateway = await start(upstream(simulator, { health: {} }));
        const ready = async () => (await gateway.admin("/readyz")).status;
        assert.equal(await ready(), 200);
        await failEverywhere(simulator);
        assert.equal((await gateway.post("/v1/chat/completions", chat())).status, 500);
        await eventually("not ready", async () => (await ready()) === 503);
        await lastProbe();
        assert.equal(await ready(), 503);
        assert.equal(JSON.parse((await gateway.admin("/readyz")).text).status, "all upstreams are down or drained");
        await simulator.reset();
        await eventually("ready again", async () => (await ready()) === 200);
        await gateway.stop();
    });

    // Requests would fail there too: they go to the first pin that takes a connection, whatever it answers.
    test("while the pin that requests go to fails, although a later one would not", async () => {
        const broken = await Simulator.start(...FAST);
        await failEverywhere(broken);
        const gateway = await start(
            upstream(simulator, {
                base_url: "http://api.deepseek.test",
                resolve: [`127.0.0.1:${broken.port}`, `127.0.0.1:${simulator.port}`],
                health: {},
            }),
        );
        assert.equal((await gateway.post("/v1/chat/completions", chat())).status, 500);
        await eventually("two probes", async () => (await broken.stats()).requests > 2);
        assert.equal((await gateway.admin("/readyz")).status, 503);
        assert.equal(countOf(gateway, / is up again/g), 0);
        await gateway.stop();
        await broken.stop();
    });
});

describe("when probes are sent", () => {
    const probesAt = async (server) => (await server.stats()).requests;
    const always = { when: "always" };
    let other;

    before(async () => {
        other = await Simulator.start(...FAST);
    });
    beforeEach(() => other.reset());
    after(() => other.stop());

    test("always, to one that never gets a call; by default to nobody without a reason", async () => {
        const gateway = await start(
            upstream(simulator, { name: "watched", tier: "backup", health: always }),
            upstream(other, { name: "trusted", health: {} }),
        );
        await eventually("three probes", async () => (await probesAt(simulator)) >= 3);
        await simulator.scenario("server-error", { path: "/models" });
        await gateway.logLine(/upstream 'watched' is down: 1 failed probes in a row/);
        await simulator.reset();
        await gateway.logLine(/upstream 'watched' is up again/);
        assert.equal(await probesAt(other), 0);
        await gateway.stop({ quiet: true });
    });

    test("never, whatever fails", async () => {
        const gateway = await start(
            upstream(simulator, { name: "blind", health: { when: "never" } }),
            upstream(other, { name: "watched", tier: "backup", health: always }),
        );
        await failEverywhere(simulator);
        for (let i = 0; i < 3; i++) assert.equal((await gateway.post("/v1/chat/completions", chat())).status, 200);
        const before = await probesAt(other);
        await eventually("three more probes", async () => (await probesAt(other)) >= before + 3);
        assert.equal(await probesAt(simulator), 3, "its three calls");
        assert.equal((await gateway.metrics())['dsgate_upstream_up{upstream="blind"}'], 1);
        await gateway.stop({ quiet: true });
    });

    test("until one is good, if only calls fail", async () => {
        const gateway = await start(
            upstream(simulator, { name: "half", health: {} }),
            upstream(other, { name: "watched", tier: "backup", health: always }),
        );
        await simulator.scenario("server-error");
        await gateway.serves();
        await eventually("a call and its probe", async () => (await probesAt(simulator)) === 2);
        const before = await probesAt(other);
        await eventually("three more probes", async () => (await probesAt(other)) >= before + 3);
        assert.equal(await probesAt(simulator), 2);
        assert.equal(countOf(gateway, / is down: /g), 0);
        await gateway.stop({ quiet: true });
    });

    test("not to a name whose endpoints are not known yet, but to them", async () => {
        const dns = await DnsServer.start();
        dns.set("models.test", { fault: "silence" });
        const pool = {
            name: "pool",
            base_url: `http://models.test:${simulator.port}`,
            discover: { records: "a", server: dns.address },
            health: always,
        };
        const gateway = await Gateway.start({
            ...withHealth(upstream(simulator, pool), upstream(other, { name: "watched", health: always })),
            log: { level: "debug" },
        });
        await eventually("three probes", async () => (await probesAt(other)) >= 3);
        assert.equal(countOf(gateway, /probe of pool/g), 0);
        dns.set("models.test", { a: ["127.0.0.1"] });
        await eventually("a probe of its endpoint", async () => (await probesAt(simulator)) > 0);
        await gateway.stop({ quiet: true });
        await dns.stop();
    });
});

describe("answers to probes that are none", () => {
    // The server sends one after the other, to calls and probes alike.
    const nonsense = {
        "nothing at all": "",
        "bytes at random": randomBytes(3000),
        zeros: Buffer.alloc(100_000),
        "another protocol's welcome": "SSH-2.0-OpenSSH_9.7\r\n",
        "frames of HTTP/2": Buffer.from("00000c04000000000000030000006400040000ffff", "hex"),
        "an alert of TLS": Buffer.from("15030100020246", "hex"),
        "an answer of HTTP/0.9": "<html>all is well</html>",
        "a status that is no number": "HTTP/1.1 all OK\r\n\r\n",
        "half a head": "HTTP/1.1 200 OK\r\nContent-",
        "a head without end": `HTTP/1.1 200 OK\r\n${`X-Filler: ${"x".repeat(1000)}\r\n`.repeat(1000)}`,
        "a status of the wrong kind": "HTTP/1.1 503 all OK\r\nContent-Length: 2\r\n\r\nok",
    };

    test("bring nothing back, and break nothing", async () => {
        const answers = Object.values(nonsense);
        let asked = 0;
        const server = net.createServer((socket) => {
            socket.on("error", () => socket.destroy());
            socket.once("data", () => socket.end(answers[asked++ % answers.length]));
        });
        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        server.unref();
        const gateway = await start(
            upstream(simulator, { name: "good" }),
            upstream({ url: `http://127.0.0.1:${server.address().port}` }, { name: "mad", health: {} }),
        );
        await gateway.serves();
        await gateway.serves();
        await gateway.logLine(/upstream 'mad' is down: /);
        await eventually("each was sent twice", () => asked > 2 * answers.length);
        assert.equal(countOf(gateway, / is up again/g), 0);
        assert.equal((await gateway.metrics())['dsgate_upstream_up{upstream="mad"}'], 0);
        await gateway.serves();
        await gateway.stop({ quiet: true });
        server.close();
    });

    test("are not waited for in vain while pools come and go", async () => {
        const server = net.createServer(() => {}); // takes connections and says nothing
        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        server.unref();
        const silent = { name: "silent", health: { when: "always", timeout: "1s" } };
        const gateway = await start(upstream({ url: `http://127.0.0.1:${server.address().port}` }, silent));
        await eventually("it is down", async () => {
            assert.ok(await gateway.reload());
            return countOf(gateway, /upstream 'silent' is down: /g);
        });
        await gateway.stop({ quiet: true });
        server.close();
    });
});
