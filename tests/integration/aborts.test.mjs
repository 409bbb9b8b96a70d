// Thousands of clients that leave early must leave nothing behind: no descriptor, no request, no memory.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { FAST, Gateway, RawClient, Simulator, chat, eventually, request, upstream } from "./harness.mjs";

// ABORTS in the environment: fewer of them, for builds that are slow.
const BATCH = 200,
    ALL = Number(process.env.ABORTS ?? 10_000),
    WARM_UP = ALL / 5,
    GROWTH = 4 * 1024 * 1024;

// Memory that was freed is soon used again, so that growth can be judged with AddressSanitizer, too.
const env = { ASAN_OPTIONS: "quarantine_size_mb=1" };

let simulator, gateway;

before(async () => {
    simulator = await Simulator.start(...FAST);
    gateway = await Gateway.start({ upstreams: [upstream(simulator)] }, { env });
});
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

// Each way to leave: what is asked for, and what the client has seen when it goes.
const ways = [
    { model: "deepseek-flash@stall@mid-content", stream: true, seen: /"content":"[^"]/ },
    { model: "deepseek-flash@hang", stream: true },
    { model: "deepseek-flash@hang", stream: false },
    { model: "deepseek-flash@stall-with-comments@after-headers", stream: false },
    { model: "deepseek-flash@stall@mid-content", stream: true, orderly: true },
    { half: true },
];

async function leave(way) {
    const client = await RawClient.connect(gateway.address);
    const bytes = request("POST", "/v1/chat/completions", {
        body: JSON.stringify(chat({ model: way.model, stream: way.stream })),
    });
    client.send(way.half ? bytes.slice(0, -10) : bytes);
    if (way.seen) await client.until(way.seen);
    if (way.orderly) client.close();
    else client.reset();
}

async function abort(count) {
    for (let done = 0; done < count; done += BATCH)
        await Promise.all(Array.from({ length: BATCH }, (_, i) => leave(ways[(done + i) % ways.length])));
    await gateway.isQuiet();
}

// Its own word, which descriptors.test.mjs proves: the daemon hides from other users.
const openDescriptors = async () => (await gateway.metrics()).process_open_fds;
const residentBytes = async () => (await gateway.metrics()).process_resident_memory_bytes;

test(`${ALL} aborted requests leave nothing behind`, async (t) => {
    await gateway.serves();
    const descriptors = await openDescriptors();
    await abort(WARM_UP);
    const resident = await residentBytes();
    await abort(ALL - WARM_UP);

    await eventually("the descriptors are back", async () => (await openDescriptors()) <= descriptors);
    await eventually("nothing is open upstream", async () => (await simulator.stats()).open_answers === 0);
    const growth = (await residentBytes()) - resident;
    t.diagnostic(`${descriptors} descriptors before and after`);
    t.diagnostic(`${resident >> 10} KiB resident after ${WARM_UP}, ${growth >> 10} KiB more after ${ALL}`);
    assert.ok(growth < GROWTH, `grown by ${growth} bytes`);

    const metrics = await gateway.metrics();
    assert.ok(metrics.dsgate_clients_gone_total > ALL / 2, `${metrics.dsgate_clients_gone_total} left while served`);
    await gateway.serves();
});
