// Descriptors are what streams need most of: two each. Where one table of them is too small, each worker has its own.
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, before, beforeEach, describe, test } from "node:test";
import { Gateway, RawClient, Simulator, chat, eventually, request, upstream } from "./harness.mjs";

const DESCRIPTORS = 300; // 64 of them are spared: room for 118 streams
const STREAMS = 180;

let simulator;

before(async () => {
    simulator = await Simulator.start();
});
beforeEach(() => simulator.reset());
after(() => simulator.stop());

const start = (connections) =>
    Gateway.start({ upstreams: [upstream(simulator)], limits: { connections } }, { descriptors: DESCRIPTORS });

// A stream that has begun and does not end by itself.
async function hold(gateway) {
    const client = await RawClient.connect(gateway.address);
    const body = JSON.stringify(chat({ model: "deepseek-flash@stall@mid-content", stream: true }));
    await client.send(request("POST", "/v1/chat/completions", { body })).until(/"content":"[^"]/);
    return client;
}

// What the kernel says: {table: number of descriptors}, by thread.
function tables(gateway) {
    const folder = `/proc/${gateway.program.pid}/task`;
    const count = (thread) => fs.readdirSync(`${folder}/${thread}/fd`).length;
    const name = (thread) => fs.readFileSync(`${folder}/${thread}/comm`, "utf8").trim();
    return Object.fromEntries(fs.readdirSync(folder).map((thread) => [name(thread), count(thread)]));
}

// Only root may look into a process that hides its memory.
const needsRoot = { skip: process.getuid() !== 0 && "only root may count another process's descriptors" };

describe("a limit that one table of descriptors can't hold", () => {
    let gateway, clients;
    before(async () => {
        gateway = await start(1000);
        clients = await Promise.all(Array.from({ length: STREAMS }, () => hold(gateway)));
    });
    after(() => gateway.stop());

    test("more streams than one table has room for", async () => {
        const metrics = await gateway.metrics();
        assert.equal(metrics['dsgate_requests_in_flight'], STREAMS);
        assert.ok(metrics.process_open_fds > 2 * STREAMS, `${metrics.process_open_fds} descriptors`);
        assert.equal(metrics.process_max_fds, 3 * DESCRIPTORS);
        assert.match(gateway.program.stderr, /up to 236 client connections .*descriptor limit 300 for each worker/);
    });

    test("/metrics counts them as the kernel does", needsRoot, async () => {
        const counts = tables(gateway);
        const all = counts.dsgate + counts["worker-0"] + counts["worker-1"];
        const told = (await gateway.metrics()).process_open_fds;
        assert.ok(Math.abs(all - told) <= 4, `${told} told, ${all} counted: the asker has a connection, too`);
    });

    test("a client above the limit is told so", async () => {
        const more = await Promise.all(Array.from({ length: 236 - STREAMS }, () => RawClient.connect(gateway.address)));
        await eventually("all have arrived", async () => (await gateway.metrics()).process_open_fds > STREAMS + 236);
        const refused = await RawClient.connect(gateway.address);
        assert.match((await refused.whole()).text, /^HTTP\/1\.1 503 [^]*gateway_connection_limit/);
        more.forEach((client) => client.close());
    });

    test("after a reload each worker writes to the new access log", async () => {
        const moved = `${gateway.accessFile}.1`;
        await gateway.serves();
        await eventually("it is written", () => gateway.accessLog.length > 0);
        fs.renameSync(gateway.accessFile, moved);
        assert.ok(await gateway.reload());
        const before = fs.readFileSync(moved, "utf8");
        clients.forEach((client) => client.reset());
        await eventually("all lines are there", () => gateway.accessLog.length === STREAMS);
        assert.equal(fs.readFileSync(moved, "utf8"), before);
    });

    test("everything is given back", async () => {
        await gateway.isQuiet();
        await eventually("no stream has left anything", async () => (await gateway.metrics()).process_open_fds < 150);
        await gateway.serves();
    });
});

describe("a limit that one table of descriptors can hold", () => {
    test("the workers share it, where every tool sees whose a connection is", async () => {
        const gateway = await start(100);
        const client = await hold(gateway);
        assert.match(gateway.program.stderr, /up to 100 client connections .*descriptor limit 300\)/);
        assert.equal((await gateway.metrics()).process_max_fds, DESCRIPTORS);
        client.reset();
        await gateway.stop({ quiet: true });
    });
});
