// The ways in and out: TCP, Unix sockets and TLS towards clients; TLS, pins and keys towards upstreams.
import assert from "node:assert/strict";
import fs from "node:fs";
import https from "node:https";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import {
    Authority,
    FAST,
    Gateway,
    RawClient,
    Simulator,
    chat,
    request,
    temporaryFolder,
    upstream,
} from "./harness.mjs";

let simulator, authority;

before(async () => {
    simulator = await Simulator.start(...FAST);
    authority = new Authority();
});
beforeEach(() => simulator.reset());
after(() => simulator.stop());

const bytes = request("POST", "/v1/chat/completions", { body: JSON.stringify(chat()) });

describe("listeners", () => {
    test("a Unix socket, with the mode that was asked for, gone at the end", async () => {
        const socket = path.join(temporaryFolder(), "api.sock");
        const gateway = await Gateway.start({
            listen: { address: `unix:${socket}`, mode: "0600" },
            upstreams: [upstream(simulator)],
        });
        assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
        const client = (await RawClient.connect({ path: socket })).send(bytes);
        assert.equal((await client.answer()).status, 200);
        client.close();
        await gateway.stop();
        assert.equal(fs.existsSync(socket), false);
    });

    test("a Unix socket that a killed daemon left is taken over", async () => {
        const socket = path.join(temporaryFolder(), "api.sock");
        const config = { listen: { address: `unix:${socket}` }, upstreams: [upstream(simulator)] };
        const first = await Gateway.start(config);
        first.program.signal("SIGKILL");
        await first.program.exit();
        assert.equal(fs.existsSync(socket), true);
        const second = await Gateway.start(config);
        const client = (await RawClient.connect({ path: socket })).send(bytes);
        assert.equal((await client.answer()).status, 200);
        client.close();
        await second.stop();
    });

    test("several addresses, IPv6 among them", async () => {
        const gateway = await Gateway.start({ listen: ["127.0.0.1:0", "[::1]:0"], upstreams: [upstream(simulator)] });
        const [, v4, v6] = await gateway.logLine(/127\.0\.0\.1:(\d+) \(API\), \[::1\]:(\d+) \(API\)/);
        for (const where of [
            { host: "127.0.0.1", port: v4 },
            { host: "::1", port: v6 },
        ]) {
            const client = (await RawClient.connect(where)).send(bytes);
            assert.equal((await client.answer()).status, 200);
            client.close();
        }
        await gateway.stop();
    });

    // One request over TLS: the answer's status and the protocol.
    function overTls(port, options) {
        return new Promise((resolve, reject) => {
            const call = https.request(
                {
                    port,
                    host: "127.0.0.1",
                    path: "/v1/chat/completions",
                    method: "POST",
                    servername: "gateway.test",
                    agent: false,
                    ...options,
                },
                (answer) => {
                    answer.resume();
                    answer.on("end", () =>
                        resolve({ status: answer.statusCode, protocol: answer.socket.getProtocol() }),
                    );
                },
            );
            call.on("error", reject);
            call.end(JSON.stringify(chat()));
        });
    }

    test("TLS 1.2 and later, with a certificate that verifies", async () => {
        const tls = authority.sign("gateway.test");
        const ca = fs.readFileSync(authority.certificate);
        const gateway = await Gateway.start(
            { upstreams: [upstream(simulator)] },
            { listen: (address) => ({ address, tls }) },
        );
        assert.deepEqual(await overTls(gateway.port, { ca }), { status: 200, protocol: "TLSv1.3" });
        assert.deepEqual(await overTls(gateway.port, { ca, maxVersion: "TLSv1.2" }), {
            status: 200,
            protocol: "TLSv1.2",
        });
        await assert.rejects(
            overTls(gateway.port, { ca, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
        );
        await assert.rejects(overTls(gateway.port, {}), /certificate/);

        await gateway.stop();
    });

    test("plain HTTP on a TLS port is told so; what is no HTTP hears nothing", async () => {
        const tls = authority.sign("gateway.test");
        const ca = fs.readFileSync(authority.certificate);
        const gateway = await Gateway.start(
            { upstreams: [upstream(simulator)] },
            { listen: (address) => ({ address, tls }) },
        );
        const body = JSON.stringify(chat({ user: "x".repeat(500_000) }));
        for (const sent of [bytes, "GET / HTTP/1.0\r\n\r\n", request("POST", "/v1/chat/completions", { body })]) {
            const plain = (await RawClient.connect(gateway.address)).send(sent);
            const answer = await plain.answer();
            assert.equal(answer.status, 400);
            assert.equal(answer.headers.connection, "close");
            assert.match(answer.body, /HTTPS/);
            assert.deepEqual(await plain.whole(), { text: "", ended: "end" });
        }
        const other = (await RawClient.connect(gateway.address)).send("EHLO gateway.test\r\n");
        assert.doesNotMatch((await other.whole()).text, /HTTP/);
        assert.equal((await overTls(gateway.port, { ca })).status, 200);
        await gateway.stop();
    });

    test("client certificates: only with one from the right authority", async () => {
        const tls = { ...authority.sign("gateway.test"), client_ca_file: authority.certificate };
        const { cert_file, key_file } = authority.sign("client.test");
        const ca = fs.readFileSync(authority.certificate);
        const gateway = await Gateway.start(
            { upstreams: [upstream(simulator)] },
            { listen: (address) => ({ address, tls }) },
        );
        await assert.rejects(overTls(gateway.port, { ca }));
        const stranger = new Authority().sign("client.test");
        const read = (files) => ({ cert: fs.readFileSync(files.cert_file), key: fs.readFileSync(files.key_file) });
        await assert.rejects(overTls(gateway.port, { ca, ...read(stranger) }));
        assert.equal((await overTls(gateway.port, { ca, ...read({ cert_file, key_file }) })).status, 200);
        await gateway.stop();
    });
});

describe("upstreams", () => {
    let secure;
    before(async () => {
        const { cert_file, key_file } = authority.sign("upstream.test", "DNS:upstream.test,DNS:localhost");
        secure = await Simulator.start("--tls-cert", cert_file, "--tls-key", key_file);
    });
    after(() => secure.stop());

    const overTls = (more = {}) =>
        upstream(simulator, {
            base_url: `https://upstream.test:${secure.port}`,
            resolve: ["127.0.0.1"],
            tls: { ca_file: authority.certificate },
            ...more,
        });

    async function refused(config, code, reason) {
        const gateway = await Gateway.start({ upstreams: [config] });
        const response = await gateway.post("/v1/chat/completions", chat());
        assert.equal(response.status, 502);
        assert.equal((await response.json()).error.code, code);
        const line = await gateway.logged((entry) => entry.status === 502);
        assert.equal(line.reasons, reason);
        await gateway.stop({ quiet: true });
        return gateway.program.stderr;
    }

    test("TLS with an authority of one's own", async () => {
        const gateway = await Gateway.start({ upstreams: [overTls()] });
        await gateway.serves();
        const stream = await gateway.post("/v1/chat/completions", chat({ stream: true }));
        assert.match(await stream.text(), /data: \[DONE\]\n\n$/);
        await gateway.stop({ quiet: true });
    });

    test("refused when nobody we trust has signed", async () => {
        await refused(overTls({ tls: undefined }), "upstream_unreachable", "tls");
    });

    test("refused when the name is another one", async () => {
        await refused(overTls({ base_url: `https://other.test:${secure.port}` }), "upstream_unreachable", "tls");
    });

    test("refused when it speaks no TLS", async () => {
        await refused(overTls({ base_url: `https://upstream.test:${simulator.port}` }), "upstream_unreachable", "tls");
    });

    test("refused when there is no such name", async () => {
        await refused(upstream(simulator, { base_url: "http://nobody.invalid" }), "upstream_unreachable", "resolve");
    });

    test("server_name in place of the URL's host", async () => {
        const tls = { ca_file: authority.certificate, server_name: "localhost" };
        const gateway = await Gateway.start({
            upstreams: [overTls({ base_url: `https://127.0.0.1:${secure.port}`, resolve: undefined, tls })],
        });
        await gateway.serves();
        await gateway.stop();
    });

    test("insecure: true takes any", async () => {
        const gateway = await Gateway.start({
            upstreams: [overTls({ base_url: `https://other.test:${secure.port}`, tls: { insecure: true } })],
        });
        await gateway.serves();
        await gateway.stop();
    });

    test("resolve: goes to the pinned address and keeps the host's name", async () => {
        const pinned = upstream(simulator, {
            base_url: "http://api.deepseek.test:81/v1",
            resolve: [`127.0.0.1:${simulator.port}`],
        });
        const gateway = await Gateway.start({ upstreams: [pinned] });
        await gateway.serves();
        const { headers, target } = await simulator.last();
        assert.equal(headers.host, "api.deepseek.test:81");
        assert.equal(target, "/v1/chat/completions");
        await gateway.stop();
    });

    test("resolve: the next address when one refuses", async () => {
        const pinned = upstream(simulator, {
            base_url: "http://api.deepseek.test",
            resolve: ["127.0.0.1:9", `127.0.0.1:${simulator.port}`],
        });
        const gateway = await Gateway.start({ upstreams: [pinned] });
        await gateway.serves();
        await gateway.stop();
    });

    test("headers from the config replace the client's", async () => {
        const gateway = await Gateway.start({ upstreams: [upstream(simulator, { headers: { "X-Title": "ours" } })] });
        await gateway.post("/v1/chat/completions", chat(), { headers: { "X-Title": "theirs" } });
        assert.equal((await simulator.last()).headers["x-title"], "ours");
        await gateway.stop();
    });
});
