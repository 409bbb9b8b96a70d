// What an operator sees and changes on the admin port, on the real daemon.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { Gateway, SIMULATOR_KEY, Simulator, chat, eventually, upstream } from "./harness.mjs";

let simulator, other, gateway;

before(async () => {
    simulator = await Simulator.start();
    other = await Simulator.start();
    gateway = await Gateway.start({
        upstreams: [
            upstream(simulator, { name: "one", max_concurrency: 1 }),
            upstream(other, { name: "two", max_concurrency: 1 }),
        ],
        queue: { reserve_p0: "0%" },
    });
});
beforeEach(async () => {
    await simulator.reset();
    await other.reset();
});
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
    await other.stop();
});

const change = (name, body, headers = { "content-type": "application/json" }) =>
    fetch(`${gateway.adminUrl}/upstreams/${name}`, { method: "POST", headers, body: JSON.stringify(body) });

describe("operators", () => {
    test("an upstream that is drained gets nothing more, until it is put back", async () => {
        const response = await change("one", { draining: true });
        assert.equal(response.status, 200);
        assert.equal((await response.json()).draining, true);
        for (let i = 0; i < 6; i++)
            assert.equal((await gateway.post("/v1/chat/completions", chat())).headers.get("x-dsgate-upstream"), "two");
        assert.equal((await simulator.stats()).requests, 0);
        await gateway.isQuiet();
        assert.equal((await gateway.metrics())['dsgate_upstream_draining{upstream="one"}'], 1);
        assert.equal((await gateway.admin("/readyz")).status, 200);
        await change("two", { draining: true });
        assert.equal((await gateway.admin("/readyz")).status, 503);
        await change("two", { draining: false });
        await change("one", { draining: false });
        for (let i = 0; i < 6; i++) await gateway.serves();
        assert.ok((await simulator.stats()).requests > 0);
        await gateway.logLine(/upstream 'one': drained by an operator \(127\.0\.0\.1:\d+\)/);
    });

    test("no key is shown", async () => {
        const { status, text } = await gateway.admin("/upstreams");
        assert.equal(status, 200);
        assert.deepEqual(
            JSON.parse(text).upstreams.map(({ name, up, max_concurrency }) => ({ name, up, max_concurrency })),
            [
                { name: "one", up: true, max_concurrency: 1 },
                { name: "two", up: true, max_concurrency: 1 },
            ],
        );
        assert.ok(!text.includes(SIMULATOR_KEY));
    });

    test("a web page can't change anything", async () => {
        const weight = async () => JSON.parse((await gateway.admin("/upstreams/one")).text).weight;
        const before = await weight();
        assert.equal((await change("one", { weight: 7 }, { "content-type": "text/plain" })).status, 400);
        const preflight = await fetch(`${gateway.adminUrl}/upstreams/one`, {
            method: "OPTIONS",
            headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
        });
        assert.equal(preflight.status, 405);
        assert.equal(preflight.headers.get("allow"), "GET, HEAD, POST");
        assert.equal(preflight.headers.get("access-control-allow-origin"), null);
        assert.equal(await weight(), before);
    });
});

describe("the queue", () => {
    test("shows who waits, where, and in which class", async () => {
        const controller = new AbortController();
        const holders = Array.from({ length: 2 }, () =>
            gateway.post("/v1/chat/completions", chat({ model: "deepseek-flash@hang" }), { signal: controller.signal }),
        );
        await eventually("both are busy", async () => {
            const { upstreams } = JSON.parse((await gateway.admin("/upstreams")).text);
            return upstreams.every(({ in_flight }) => in_flight === 1);
        });
        const wait = (id, priority) =>
            gateway.post("/v1/chat/completions", chat(), {
                headers: { "x-request-id": id, "x-dsgate-priority": priority },
            });
        const stands = async (id) => JSON.parse((await gateway.admin(`/queue/${encodeURIComponent(id)}`)).text);
        const first = wait("batch/1", "low");
        await eventually("it waits", async () => (await stands("batch/1")).position === 1);
        const second = wait("urgent-1", "P0");
        await eventually("it is overtaken", async () => (await stands("batch/1")).position === 2);
        assert.deepEqual(
            (({ request_id, class: name, position }) => ({ request_id, name, position }))(await stands("urgent-1")),
            { request_id: "urgent-1", name: "P0", position: 1 },
        );
        const queue = JSON.parse((await gateway.admin("/queue")).text);
        assert.equal(queue.waiting, 2);
        assert.equal(queue.classes.P0.waiting, 1);
        assert.equal(queue.classes.P3.waiting, 1);
        assert.deepEqual(
            queue.next.map(({ request_id }) => request_id),
            ["urgent-1", "batch/1"],
        );
        controller.abort();
        await Promise.allSettled(holders);
        for (const answer of await Promise.all([first, second])) assert.equal(answer.status, 200);
        assert.equal((await gateway.admin("/queue/urgent-1")).status, 404);
        await gateway.isQuiet();
        const metrics = await gateway.metrics();
        assert.ok(metrics['dsgate_queue_queued_total{class="P3"}'] >= 1);
    });

    test("a class that there is not is refused with those that there are", async () => {
        const response = await gateway.post("/v1/chat/completions", chat(), {
            headers: { "x-dsgate-priority": "P9" },
        });
        assert.equal(response.status, 400);
        const { error } = await response.json();
        assert.equal(error.code, "invalid_header");
        assert.equal(error.param, "x-dsgate-priority");
        assert.match(error.message, /P0 \(urgent\), P1 \(high\), P2 \(normal\) or P3 \(low\)/);
    });
});
