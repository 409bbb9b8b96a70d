// The daemon's life: ready, loaded, drained, ended; and its admin port.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { after, before, beforeEach, describe, test } from "node:test";
import { Gateway, Program, RawClient, Simulator, chat, connects, eventually, upstream } from "./harness.mjs";

let simulator;

before(async () => {
    simulator = await Simulator.start("--tokens", "100", "--token-ms", "5");
});
beforeEach(() => simulator.reset());
after(() => simulator.stop());

const start = (config = {}) => Gateway.start({ upstreams: [upstream(simulator)], ...config });
const streamOf = (gateway, model = "deepseek-flash") =>
    gateway.post("/v1/chat/completions", chat({ model, stream: true }));

describe("the admin port", () => {
    let gateway;
    before(async () => {
        gateway = await start();
    });
    after(() => gateway.stop());

    test("/healthz, /readyz and /version", async () => {
        assert.deepEqual(await gateway.admin("/healthz"), { status: 200, text: '{"status":"ok"}\n' });
        assert.equal((await gateway.admin("/readyz")).status, 200);
        assert.equal(JSON.parse((await gateway.admin("/version")).text).name, "dsgate");
        assert.equal((await gateway.admin("/nowhere")).status, 404);
    });

    test("/metrics is what Prometheus reads", async (t) => {
        await gateway.serves();
        await (await streamOf(gateway)).text();
        await gateway.isQuiet();
        const { text } = await gateway.admin("/metrics");
        assert.match(text, /^dsgate_requests_total\{endpoint="chat",status="200"\} 2$/m);
        assert.match(text, /^dsgate_first_token_seconds_count [12]$/m);
        assert.match(text, /^dsgate_attempts_total\{upstream="sim",outcome="success"\} 2$/m);
        if (spawnSync("promtool", ["--version"]).error) return t.diagnostic("promtool is not installed");
        execFileSync("promtool", ["check", "metrics"], { input: text });
    });

    test("model names that nobody has configured make no series", async () => {
        for (let i = 0; i < 5; i++) await gateway.post("/v1/chat/completions", chat({ model: `junk-${i}` }));
        assert.doesNotMatch((await gateway.admin("/metrics")).text, /junk/);
    });

    test("none of it on the API's port, no API on the admin port", async () => {
        for (const page of ["/metrics", "/healthz", "/readyz", "/version"])
            assert.equal((await fetch(gateway.url + page)).status, 404);
        const response = await fetch(`${gateway.adminUrl}/v1/chat/completions`, {
            method: "POST",
            body: JSON.stringify(chat()),
        });
        assert.equal(response.status, 404);
    });

    test("dsgate health: 0 while it lives, 1 without it", async () => {
        assert.equal((await Program.run("dsgate", ["health", "-c", gateway.configFile])).code, 0);
        const other = await start();
        await other.stop();
        const { code, stderr } = await Program.run("dsgate", ["health", "-c", other.configFile]);
        assert.equal(code, 1);
        assert.match(stderr, /./);
    });
});

// On both workers: a connection goes to the one that has the fewest.
const stalledStreams = (gateway) =>
    Promise.all(Array.from({ length: 4 }, () => streamOf(gateway, "deepseek-flash@stall@mid-content")));

describe("SIGTERM", () => {
    test("idle: ends at once, exit code 0, even with idle connections", async () => {
        const gateway = await start();
        const client = await RawClient.connect(gateway.address);
        await gateway.serves();
        await gateway.stop();
        assert.equal((await client.whole()).text, "");
    });

    test("a stream goes on to its end, new connections are refused", async () => {
        const gateway = await start();
        const reader = (await streamOf(gateway)).body.pipeThrough(new TextDecoderStream()).getReader();
        let text = (await reader.read()).value;
        gateway.program.signal("SIGTERM");
        await eventually("new connections are refused", async () => !(await connects(gateway.address)));
        assert.equal((await gateway.admin("/healthz")).status, 200);
        const ready = await gateway.admin("/readyz");
        assert.equal(ready.status, 503);
        assert.equal(JSON.parse(ready.text).status, "draining");
        assert.equal(gateway.program.hasEnded, false);

        for (let piece; !(piece = await reader.read()).done;) text += piece.value;
        assert.match(text, /data: \[DONE\]\n\n$/);
        assert.deepEqual(await gateway.program.exit(), { code: 0, signal: null });
        assert.equal(gateway.accessLog.at(-1).finish, "stop");
    });

    test("a second one ends at once", async () => {
        const gateway = await start();
        const streams = await stalledStreams(gateway);
        gateway.program.signal("SIGTERM");
        await eventually("it drains", async () => (await gateway.admin("/readyz")).status === 503);
        gateway.program.signal("SIGTERM");
        assert.deepEqual(await gateway.program.exit(), { code: 0, signal: null });
        for (const stream of streams) await assert.rejects(stream.text());
        await eventually("the simulator sees the aborts", async () => {
            const { aborted_by_client } = await simulator.stats();
            return aborted_by_client === streams.length;
        });
    });

    test("what does not end by itself is cut when the drain time is over", async () => {
        const gateway = await start({ timeouts: { drain: "200ms" } });
        const streams = await stalledStreams(gateway);
        await gateway.stop();
        for (const stream of streams) await assert.rejects(stream.text());
        assert.equal(gateway.accessLog.length, streams.length, "each cut request has its line");
    });
});

describe("limits", () => {
    test("a connection above the limit is answered 503, and served once there is room", async () => {
        const gateway = await start({ limits: { connections: 2 } });
        const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.connect(gateway.address)));
        const refused = await eventually("a refusal", () => clients.find((client) => client.ended)?.received);
        assert.match(refused, /^HTTP\/1\.1 503 /);
        assert.match(refused, /\r\nRetry-After: \d+\r\n/);
        assert.equal(JSON.parse(refused.split("\r\n\r\n")[1]).error.code, "gateway_connection_limit");
        assert.match(gateway.program.stderr, /connection limit of 2 reached.*limits\.connections/);
        for (const client of clients) client.close();
        await eventually("there is room again", () => gateway.serves().then(() => true));
        assert.ok((await gateway.metrics()).dsgate_connections_refused_total >= 1);
        await gateway.stop();
    });

    test("requests above an upstream's cap wait for their turn, or hear that they wait in vain", async () => {
        const gateway = await start({
            queue: { max_waiting: 3, reserve_p0: "0%", classes: { P2: { timeout: "1s" } } },
            upstreams: [upstream(simulator, { max_concurrency: 1 })],
        });
        const controller = new AbortController();
        const holder = gateway.post("/v1/chat/completions", chat({ model: "deepseek-flash@hang" }), {
            signal: controller.signal,
        });
        await eventually("the cap is reached", async () => (await simulator.stats()).requests === 1);
        const late = await Promise.all(
            Array.from({ length: 5 }, () =>
                gateway.post("/v1/chat/completions", chat()).then((response) => response.json()),
            ),
        );
        const codes = late.map((answer) => answer.error.code).sort();
        assert.deepEqual(codes, [
            "gateway_queue_full",
            "gateway_queue_full",
            "gateway_queue_timeout",
            "gateway_queue_timeout",
            "gateway_queue_timeout",
        ]);

        const waiting = gateway.post("/v1/chat/completions", chat());
        await eventually("it waits", async () => (await gateway.metrics())['dsgate_waiting{class="P2"}'] === 1);
        controller.abort();
        await assert.rejects(holder);
        assert.equal((await waiting).status, 200);
        await gateway.stop({ quiet: true });
    });
});
