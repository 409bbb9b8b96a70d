// What the gateway tells about itself: access log, secrets that never appear, and upstreams' health.
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { FAST, Gateway, RawClient, SIMULATOR_KEY, SLOW, Simulator, chat, eventually, request, upstream } from "./harness.mjs";

let simulator;

before(async () => {
    simulator = await Simulator.start(...FAST);
});
beforeEach(() => simulator.reset());
after(() => simulator.stop());

describe("the access log", () => {
    let gateway;
    before(async () => {
        gateway = await Gateway.start({ upstreams: [upstream(simulator)] });
    });
    after(() => gateway.stop({ quiet: true }));

    const lineOf = (id) => gateway.logged((entry) => entry.request_id === id);
    const send = (id, body, headers = {}) =>
        gateway.post("/v1/chat/completions", body, { headers: { "x-request-id": id, ...headers } });

    test("a plain request", async () => {
        const body = JSON.stringify(chat());
        const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        const response = await send("plain-1", body, { traceparent });
        const answer = await response.text();
        const line = await lineOf("plain-1");
        assert.equal(response.headers.get("x-request-id"), "plain-1");
        const { usage } = JSON.parse(answer);
        const expected = {
            trace_id: "4bf92f3577b34da6a3ce929d0e0e4736",
            method: "POST",
            path: "/v1/chat/completions",
            endpoint: "chat",
            model: "deepseek-flash",
            status: 200,
            upstream: "sim",
            upstream_trace: response.headers.get("x-ds-trace-id"),
            attempts: 1,
            bytes_in: body.length,
            bytes_out: Buffer.byteLength(answer),
            finish: "stop",
        };
        for (const [key, value] of Object.entries(expected)) assert.equal(line[key], value, key);
        assert.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        assert.match(line.peer, /^127\.0\.0\.1:\d+$/);
        assert.deepEqual(line.tokens, {
            prompt: usage.prompt_tokens,
            completion: usage.completion_tokens,
            cached: usage.prompt_cache_hit_tokens,
            reasoning: 0,
        });
        assert.ok(line.duration_ms >= line.steps.dispatch);
    });

    test("a stream", async () => {
        await (await send("stream-1", chat({ stream: true, stream_options: { include_usage: true } }))).text();
        const line = await lineOf("stream-1");
        assert.equal(line.stream, true);
        assert.equal(line.finish, "stop");
        assert.ok(line.tokens.completion > 0);
        assert.ok(line.first_token_ms > 0 && line.first_token_ms <= line.duration_ms);
    });

    test("a stream that was cut", async () => {
        const answer = await send("cut-1", chat({ model: "deepseek-flash@eof@mid-content", stream: true }), SLOW);
        await answer.text().catch(() => "");
        const line = await lineOf("cut-1");
        assert.equal(line.cut, true);
        assert.equal(line.status, 200);
        assert.equal(line.error, "cut");
    });

    test("a client that left", async () => {
        const client = await RawClient.connect(gateway.address);
        client.send(
            request("POST", "/v1/chat/completions", {
                headers: { "x-request-id": "left-1" },
                body: JSON.stringify(chat({ model: "deepseek-flash@hang" })),
            }),
        );
        await eventually("it is upstream", async () => (await simulator.stats()).requests === 1);
        client.reset();
        const line = await lineOf("left-1");
        assert.equal(line.client_gone, true);
        assert.equal(line.status, undefined);
    });

    test("an error of the gateway's own", async () => {
        await send("bad-1", "{");
        const line = await lineOf("bad-1");
        assert.equal(line.status, 400);
        assert.equal(line.error, "invalid_json");
        assert.equal(line.upstream, undefined);
    });

    test("names that would break a line, or a reader, are made harmless", async () => {
        await send('quote-"\\-1', chat({ model: 'a"b\\c\u2028d', messages: [] }));
        const line = await lineOf('quote-"\\-1');
        assert.equal(line.model, 'a"b\\c\u2028d');
    });
});

describe("secrets", () => {
    test("no key in logs, metrics, command line or answers", async () => {
        const gateway = await Gateway.start({
            log: { level: "debug" },
            upstreams: [upstream(simulator), upstream(simulator, { name: "gone", base_url: "http://127.0.0.1:9" })],
        });
        const secrets = [SIMULATOR_KEY, "sk-client-9d1e", "sk-in-query-77", "sk-x-api-key-55"];
        const headers = {
            Authorization: "Bearer sk-client-9d1e",
            "x-api-key": "sk-x-api-key-55",
            "api-key": "sk-x-api-key-55",
        };
        const answers = [];
        for (const scenario of ["none", "bad-key", "busy", "server-error", "eof@before-headers", "header-garbage"]) {
            const response = await gateway.post(
                "/v1/chat/completions?key=sk-in-query-77",
                chat({ model: `deepseek-flash@${scenario}` }),
                { headers },
            );
            answers.push(await response.text(), JSON.stringify([...response.headers]));
        }
        await (
            await RawClient.connect(gateway.address)
        )
            .send("GET /?key=sk-in-query-77 HTTP/1.1\r\nAuthorization : Bearer sk-client-9d1e\r\n\r\n")
            .whole();
        gateway.write({ log: { level: "debug" }, upstreams: [upstream(simulator, { weigth: 1 })] });
        assert.equal(await gateway.reload(), false);
        const places = {
            metrics: (await gateway.admin("/metrics")).text,
            cmdline: fs.readFileSync(`/proc/${gateway.program.pid}/cmdline`, "utf8"),
            answers: answers.join("\n"),
        };
        await gateway.stop({ quiet: true });
        Object.assign(places, {
            access: fs.readFileSync(gateway.accessFile, "utf8"),
            stderr: gateway.program.stderr,
            stdout: gateway.program.stdout,
        });
        for (const [place, text] of Object.entries(places)) {
            for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} in ${place}`);
        }
        assert.ok(places.access.length > 0 && places.stderr.length > 0);
    });
});

describe("health", () => {
    test("an upstream whose calls and probes fail goes down, and comes back", async () => {
        const health = { interval: "200ms", timeout: "1s", down_after: 2, up_after: 2 };
        const gateway = await Gateway.start({
            upstreams: [upstream(simulator, { health })],
            queue: { classes: { P1: { timeout: "0s" } } },
        });
        const up = async () => (await gateway.metrics())['dsgate_upstream_up{upstream="sim"}'];
        const impatient = { headers: { "x-dsgate-priority": "P1" } };
        await gateway.serves();
        await gateway.isQuiet();
        assert.equal(await up(), 1);

        await simulator.scenario("server-error");
        await simulator.scenario("server-error", { path: "/models" });
        for (let i = 0; i < 2; i++) assert.equal((await gateway.post("/v1/chat/completions", chat())).status, 500);
        await eventually("it is down", async () => (await up()) === 0);
        assert.equal((await gateway.admin("/readyz")).status, 503);
        assert.equal((await gateway.admin("/healthz")).status, 200);
        const refused = await gateway.post("/v1/chat/completions", chat(), impatient);
        assert.equal(refused.status, 503);
        assert.equal((await refused.json()).error.code, "upstreams_unavailable");

        const probes = async () => (await simulator.stats()).requests - 2;
        await eventually("two failed probes and another one", async () => (await probes()) >= 3);
        const { target, headers } = await simulator.last();
        assert.equal(target, "/models", "no call goes there");
        assert.equal(headers.authorization, `Bearer ${SIMULATOR_KEY}`);
        assert.equal(await up(), 0);
        await simulator.reset();
        await eventually("it is up again", async () => (await up()) === 1);
        assert.ok((await simulator.stats()).requests >= 2, "two good probes");
        await gateway.serves();
        assert.match(gateway.program.stderr, /upstream 'sim' is down: 2 failed probes[^]*upstream 'sim' is up again/);
        await gateway.stop({ quiet: true });
    });

    test("with another one up, a failing one costs no request, and soon no attempt", async () => {
        const broken = await Simulator.start();
        await broken.scenario("reset@before-headers");
        const gateway = await Gateway.start({
            upstreams: [
                upstream(broken, { name: "broken", breaker: { open: "24h", open_max: "24h" } }),
                upstream(simulator, { name: "good" }),
            ],
        });
        for (let i = 0; i < 20; i++) await gateway.serves();
        await gateway.isQuiet();
        const metrics = await gateway.metrics();
        assert.equal(metrics['dsgate_attempts_total{upstream="broken",outcome="fault"}'], 5);
        assert.equal(metrics['dsgate_attempts_total{upstream="good",outcome="success"}'], 20);
        assert.equal(metrics['dsgate_breaker_state{upstream="broken",model="deepseek-flash"}'], 2);
        assert.equal(metrics['dsgate_breaker_state{upstream="good",model="deepseek-flash"}'], 0);
        assert.equal(metrics['dsgate_upstream_up{upstream="broken"}'], 1, "that is for probes to say");
        assert.match(gateway.program.stderr, /upstream 'broken', model deepseek-flash: breaker open for /);
        await gateway.stop({ quiet: true });
        await broken.stop();
    });
});
