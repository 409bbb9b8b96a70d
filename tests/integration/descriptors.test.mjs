// Descriptors are what streams need most of: two each. Where one table of them is too small, each worker has its own.
import assert from "node:assert/strict";
import fs from "node:fs";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import {
    FAST,
    Gateway,
    RawClient,
    Simulator,
    THREAD_SANITIZER,
    chat,
    eventually,
    request,
    upstream,
} from "./harness.mjs";

const WORKERS = 2,
    DESCRIPTORS = 300, // in a table
    MANY = 1000, // streams that do not fit into one
    FEW = 100; // and that do

let simulator;

before(async () => {
    simulator = await Simulator.start(...FAST);
});
beforeEach(() => simulator.reset());
after(() => simulator.stop());

const start = (connections) =>
    Gateway.start(
        { workers: WORKERS, upstreams: [upstream(simulator)], limits: { connections } },
        { descriptors: DESCRIPTORS },
    );

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

const needsTables = { skip: THREAD_SANITIZER && "ThreadSanitizer knows of one table only" };

describe("a limit that one table of descriptors can't hold", needsTables, () => {
    let gateway, most, idle, clients;

    beforeEach(async () => {
        gateway = await start(MANY);
        const told = `up to (\\d+) client connections .*descriptor limit ${DESCRIPTORS} for each worker`;
        most = Number((await gateway.logLine(new RegExp(told)))[1]);
        await gateway.serves();
        await gateway.isQuiet();
        idle = await gateway.metrics();
        clients = await Promise.all(Array.from({ length: most }, () => hold(gateway)));
    });
    afterEach(async () => {
        clients.forEach((client) => client.reset());
        await gateway.stop({ quiet: true });
    });

    test("more streams than one table has room for", async () => {
        const metrics = await gateway.metrics();
        assert.equal(metrics.dsgate_requests_in_flight, most);
        assert.ok(2 * most > DESCRIPTORS, `${most} streams`);
        assert.ok(metrics.process_open_fds > 2 * most, `${metrics.process_open_fds} descriptors`);
        assert.equal(metrics.process_max_fds, (1 + WORKERS) * DESCRIPTORS);
    });

    test("/metrics counts them as the kernel does", needsRoot, async () => {
        const counts = tables(gateway);
        const all = counts.dsgate + counts["worker-0"] + counts["worker-1"];
        const told = (await gateway.metrics()).process_open_fds;
        assert.ok(Math.abs(all - told) <= 4, `${told} told, ${all} counted: the asker has a connection, too`);
    });

    test("a client above the limit is told so", async () => {
        const refused = await RawClient.connect(gateway.address);
        assert.match((await refused.whole()).text, /^HTTP\/1\.1 503 [^]*gateway_connection_limit/);
    });

    test("after a reload each worker writes to the new access log", async () => {
        const old = `${gateway.accessFile}.1`;
        await eventually("the first line is written", () => gateway.accessLog.length === 1);
        fs.renameSync(gateway.accessFile, old);
        const written = fs.readFileSync(old, "utf8");
        assert.ok(await gateway.reload());
        clients.forEach((client) => client.reset());
        await eventually("all lines are there", () => gateway.accessLog.length === most);
        assert.equal(fs.readFileSync(old, "utf8"), written);
    });

    test("everything is given back", async () => {
        clients.forEach((client) => client.reset());
        await gateway.isQuiet();
        await eventually("no stream has left anything", async () => {
            const { process_open_fds } = await gateway.metrics();
            return process_open_fds <= idle.process_open_fds;
        });
        await gateway.serves();
    });
});

describe("a limit that one table of descriptors can hold", () => {
    test("the workers share it, where every tool sees whose a connection is", async () => {
        const gateway = await start(FEW);
        const client = await hold(gateway);
        const told = `up to ${FEW} client connections .*descriptor limit ${DESCRIPTORS}\\)`;
        assert.match(gateway.program.stderr, new RegExp(told));
        assert.equal((await gateway.metrics()).process_max_fds, DESCRIPTORS);
        client.reset();
        await gateway.stop({ quiet: true });
    });
});
