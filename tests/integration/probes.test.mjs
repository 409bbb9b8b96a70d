// An upstream that went down comes back, however requests reach it: a probe goes the way that requests go.
import assert from "node:assert/strict";
import fs from "node:fs";
import http2 from "node:http2";
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

let simulator, secure, authority;

before(async () => {
    simulator = await Simulator.start(...FAST);
    authority = new Authority();
    secure = await startSecure(authority);
});
beforeEach(() => simulator.reset());
after(async () => {
    await simulator.stop();
    await secure.stop();
});

function startSecure(signedBy) {
    const { cert_file, key_file } = signedBy.sign("upstream.test", "DNS:upstream.test,DNS:localhost");
    return Simulator.start(...FAST, "--tls-cert", cert_file, "--tls-key", key_file);
}

// One failure takes it down, one probe brings it back.
const health = { down_after: 1, up_after: 1, interval: "100ms" };
const withHealth = (config) => ({ upstreams: [{ ...config, health: { ...health, ...config.health } }] });
const start = (config) => Gateway.start(withHealth(config));

const overTls = (more = {}) =>
    upstream(simulator, {
        base_url: `https://upstream.test:${secure.port}`,
        resolve: ["127.0.0.1"],
        tls: { ca_file: authority.certificate },
        ...more,
        health: undefined,
    });

const countOf = (gateway, pattern) => (gateway.program.stderr.match(pattern) ?? []).length;

// Requests work; one fails, which takes the upstream down; then only a probe can say that all is well.
async function goesDownAndComesBack(gateway) {
    const [down, up] = [/ is down: /g, / is up again/g].map((pattern) => () => countOf(gateway, pattern));
    const [downs, ups] = [down(), up()];
    await gateway.serves();
    const failed = await gateway.post("/v1/chat/completions", chat({ model: "deepseek-flash@server-error" }));
    assert.equal(failed.status, 500, await failed.text());
    await eventually("the upstream is down", () => down() > downs);
    await eventually("the upstream is up again", () => up() > ups);
    await gateway.serves();
}

async function comesBack(config) {
    const gateway = await start(config);
    await goesDownAndComesBack(gateway);
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
        const server = http2.createSecureServer({
            allowHTTP1: true,
            cert: fs.readFileSync(cert_file),
            key: fs.readFileSync(key_file),
        });
        server.on("request", (request, response) => {
            versions.push(`${request.method} ${request.httpVersion}`);
            response.writeHead(request.method === "GET" ? 200 : 500).end("{}");
        });
        await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
        const gateway = await start(overTls({ base_url: `https://both.test:${server.address().port}` }));
        assert.equal((await gateway.post("/v1/chat/completions", chat())).status, 500);
        await gateway.logLine(/ is up again/);
        assert.deepEqual(versions, ["POST 1.1", "GET 1.1"]);
        await gateway.stop({ quiet: true });
        server.close();
    });
});

describe("an upstream that went down comes back", () => {
    test("over TLS, with an authority of one's own", () => comesBack(overTls()));

    test("with tls.server_name", () =>
        comesBack(
            overTls({
                base_url: `https://127.0.0.1:${secure.port}`,
                resolve: undefined,
                tls: { ca_file: authority.certificate, server_name: "localhost" },
            }),
        ));

    test("with tls.server_name and pins", () =>
        comesBack(
            overTls({
                base_url: "https://front.invalid",
                resolve: [`127.0.0.1:${secure.port}`],
                tls: { ca_file: authority.certificate, server_name: "upstream.test" },
            }),
        ));

    test("with tls.insecure", () =>
        comesBack(overTls({ base_url: `https://other.test:${secure.port}`, tls: { insecure: true } })));

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
            await comesBack(upstream(simulator, { ...where, health: {} }));
        await local.stop();
    });

    test("on a Unix socket", async () => {
        const socket = path.join(temporaryFolder(), "upstream.sock");
        const local = await Simulator.start(...FAST, "--listen", `unix:${socket}`);
        await comesBack(
            upstream(simulator, { base_url: "http://local.test", resolve: [`unix:${socket}`], health: {} }),
        );
        await local.stop();
    });

    // OpenSSL looks there for the authorities to trust, if nothing else is said; libcurl by itself does not.
    test("with an authority from SSL_CERT_FILE", async () => {
        process.env.SSL_CERT_FILE = authority.certificate;
        try {
            await comesBack(overTls({ tls: undefined }));
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
            await goesDownAndComesBack(gateway);
            await gateway.isQuiet();
            await server.stop();
        }
        await gateway.stop();
    });
});

// A scenario without a path is for models, which probes do not name.
async function failEverywhere(server) {
    await server.scenario("server-error");
    await server.scenario("server-error", { path: "/models" });
}

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
        assert.equal(JSON.parse((await gateway.admin("/readyz")).text).status, "no upstream is up");
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
