// Who waits, who is next, and who serves: the scheduler in the real daemon.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import OpenAI from "openai";
import {
    FAST,
    Gateway,
    Program,
    SIMULATOR_KEY,
    Simulator,
    chat,
    eventually,
    freePort,
    temporaryFolder,
    upstream,
} from "./harness.mjs";

let simulator, other;

before(async () => {
    [simulator, other] = await Promise.all([Simulator.start(...FAST), Simulator.start(...FAST)]);
});
beforeEach(() => Promise.all([simulator.reset(), other.reset()]));
after(() => Promise.all([simulator.stop(), other.stop()]));

const one = (more) => upstream(simulator, { name: "one", ...more });
const two = (more) => upstream(other, { name: "two", ...more });

const call = (gateway, headers = {}, more = {}, options = {}) =>
    gateway.post("/v1/chat/completions", chat(more), { headers, ...options });

// The upstreams that served `count` calls, one after the other.
async function servers(gateway, count, headers, more) {
    const names = [];
    for (let i = 0; i < count; i++) {
        const response = await call(gateway, headers, more);
        assert.equal(response.status, 200, await response.text());
        names.push(response.headers.get("x-dsgate-upstream"));
    }
    return names;
}
const timesOf = (names, name) => names.filter((each) => each === name).length;

const queue = async (gateway) => JSON.parse((await gateway.admin("/queue")).text);
const waiting = (gateway, count) =>
    eventually(`${count} wait`, async () => (await queue(gateway)).waiting === count);

// Takes the only place at 'one'; what comes back gives it free.
async function occupy(gateway) {
    const controller = new AbortController();
    const call = gateway.post("/v1/chat/completions", chat({ model: "deepseek-flash@hang" }), {
        signal: controller.signal,
    });
    const gone = call.catch(() => {});
    await eventually(
        "it is busy",
        async () => (await gateway.metrics())['dsgate_upstream_in_flight{upstream="one"}'] === 1,
    );
    return () => {
        controller.abort();
        return gone;
    };
}

async function checkRefusal(response, code, { retryAfter, shouldRetry = null }) {
    const { error } = await response.json();
    assert.equal(response.status, 503);
    assert.equal(error.code, code);
    assert.equal(response.headers.get("retry-after"), retryAfter);
    assert.equal(response.headers.get("retry-after-ms"), null, "nothing was measured, or it is too long to wait for");
    assert.equal(response.headers.get("x-should-retry"), shouldRetry);
}

// The time was measured, and both headers tell the same.
function checkMeasured(headers) {
    const ms = Number(headers.get("retry-after-ms"));
    assert.ok(ms > 0, `retry-after-ms: ${headers.get("retry-after-ms")}`);
    assert.equal(Number(headers.get("retry-after")), Math.ceil(ms / 1000));
    return ms;
}

describe("turns", () => {
    const patient = { classes: { P1: { max_wait: "24h" }, P2: { max_wait: "24h" }, P3: { max_wait: "24h" } } };

    test("go by class, then by arrival", async () => {
        const gateway = await Gateway.start({ workers: 1, upstreams: [one({ max_concurrency: 1 })], queue: patient });
        const release = await occupy(gateway);
        const calls = [];
        for (const [i, priority] of ["low", "P2", "high", "P0", "P3", "urgent"].entries()) {
            calls.push(call(gateway, { "x-dsgate-priority": priority, "x-request-id": `${i}` }));
            await waiting(gateway, i + 1);
        }
        await release();
        for (const answer of await Promise.all(calls)) assert.equal(answer.status, 200);
        const served = await eventually("all are logged", () => {
            const lines = gateway.accessLog.filter((line) => line.status === 200);
            return lines.length === 6 && lines;
        });
        assert.deepEqual(
            served.map((line) => `${line.request_id} ${line.class}`),
            ["3 P0", "5 P0", "2 P1", "1 P2", "0 P3", "4 P3"],
        );
        await gateway.stop({ quiet: true });
    });

    test("the class comes from service_tier, too, if no header says otherwise", async () => {
        const gateway = await Gateway.start({ upstreams: [one()] });
        const tiers = { priority: "P1", default: "P2", flex: "P3", auto: "P2", scale: "P2" };
        for (const [service_tier, expected] of Object.entries(tiers)) {
            assert.equal((await call(gateway, { "x-request-id": service_tier }, { service_tier })).status, 200);
            assert.equal((await gateway.logged((line) => line.request_id === service_tier)).class, expected);
            assert.equal(JSON.parse((await simulator.last()).body).service_tier, service_tier);
        }
        const headers = { "x-request-id": "both", "x-dsgate-priority": "URGENT" };
        assert.equal((await call(gateway, headers, { service_tier: "flex" })).status, 200);
        assert.equal((await gateway.logged((line) => line.request_id === "both")).class, "P0");
        assert.equal((await simulator.last()).headers["x-dsgate-priority"], undefined);
        await gateway.stop({ quiet: true });
    });

    test("x-dsgate-queue-ms says how long it waited", async () => {
        const gateway = await Gateway.start({ upstreams: [one({ max_concurrency: 1 })] });
        const release = await occupy(gateway);
        const answer = call(gateway, { "x-request-id": "patient" });
        const waited = await eventually("it has waited for 50 ms", async () => {
            const { waited_ms } = JSON.parse((await gateway.admin("/queue/patient")).text);
            return waited_ms > 50 && waited_ms;
        });
        await release();
        const told = Number((await answer).headers.get("x-dsgate-queue-ms"));
        assert.ok(told >= waited, `${told} >= ${waited}`);
        const { steps } = await gateway.logged((line) => line.request_id === "patient");
        assert.equal(steps.queue, told);
        await gateway.stop({ quiet: true });
    });

    test("a reload while they wait: the new upstreams serve them", async () => {
        const gateway = await Gateway.start({ upstreams: [one({ max_concurrency: 1 })] });
        const release = await occupy(gateway);
        const answers = [call(gateway), call(gateway, { "x-dsgate-priority": "P0" }), call(gateway)];
        await waiting(gateway, 3);
        gateway.write({ upstreams: [two({ max_concurrency: 1 })] });
        assert.ok(await gateway.reload());
        for (const answer of await Promise.all(answers)) {
            assert.equal(answer.status, 200);
            assert.equal(answer.headers.get("x-dsgate-upstream"), "two");
        }
        await release();
        await gateway.stop({ quiet: true });
    });
});

describe("who gets no turn hears why, and when to come again:", () => {
    test("the queue is full", async () => {
        const gateway = await Gateway.start({ upstreams: [one({ max_concurrency: 1 })], queue: { max_waiting: 1 } });
        const release = await occupy(gateway);
        const full = { retryAfter: "5", shouldRetry: "true" };
        const first = call(gateway);
        await waiting(gateway, 1);
        await checkRefusal(await call(gateway), "gateway_queue_full", full);
        const urgent = call(gateway, { "x-dsgate-priority": "P1" });
        await checkRefusal(await first, "gateway_queue_full", full);
        await waiting(gateway, 1);
        await release();
        assert.equal((await urgent).status, 200);
        await gateway.isQuiet();
        assert.equal((await gateway.metrics())['dsgate_sheds_total{class="P2",reason="full"}'], 2);
        await gateway.stop();
    });

    test("its class has no more places", async () => {
        const config = { upstreams: [one({ max_concurrency: 1 })], queue: { classes: { P3: { max_waiting: 1 } } } };
        const gateway = await Gateway.start(config);
        const release = await occupy(gateway);
        const batch = { "x-dsgate-priority": "P3" };
        const answers = [call(gateway, batch), call(gateway)];
        await waiting(gateway, 2);
        await checkRefusal(await call(gateway, batch), "gateway_queue_full", { retryAfter: "5", shouldRetry: "true" });
        await release();
        for (const answer of await Promise.all(answers)) assert.equal(answer.status, 200);
        await gateway.stop({ quiet: true });
    });

    test("its class does not wait", async () => {
        const config = { upstreams: [one({ max_concurrency: 1 })], queue: { classes: { P2: { timeout: "0s" } } } };
        const gateway = await Gateway.start(config);
        const release = await occupy(gateway);
        await checkRefusal(await call(gateway), "gateway_queue_timeout", { retryAfter: "5" });
        await release();
        await gateway.isQuiet();
        assert.equal((await call(gateway)).status, 200);
        await gateway.stop({ quiet: true });
    });

    test("the queue moves too slowly for it; how slowly is measured", async () => {
        const gateway = await Gateway.start({ upstreams: [one({ max_concurrency: 1 })], queue: { max_waiting: 7 } });
        let pumping = true;
        const pump = async () => {
            while (pumping) await (await call(gateway, { "x-sim-first-token-ms": "60" })).text();
        };
        const pumps = Array.from({ length: 8 }, pump);
        const refusal = (code, headers) =>
            eventually(`${code}, with the measured time`, async () => {
                const response = await call(gateway, headers);
                const { error } = await response.json();
                return error?.code === code && response.headers.has("retry-after-ms") && response.headers;
            });
        checkMeasured(await refusal("gateway_queue_full", {}));
        const wait = checkMeasured(await refusal("gateway_deadline_unreachable", { "x-dsgate-timeout": "20ms" }));
        assert.ok(wait > 20, `it would have waited ${wait} ms`);
        pumping = false;
        await Promise.all(pumps);
        await gateway.stop({ quiet: true });
    });

    test("everybody is shut for longer than it can wait", async () => {
        for (const open of ["1h", "20s"]) {
            const breaker = { failures: 1, open, open_max: open };
            const gateway = await Gateway.start({ upstreams: [one({ breaker })] });
            await simulator.scenario("server-error", { count: 1 });
            assert.equal((await call(gateway)).status, 500);
            const refused = await call(gateway, { "x-dsgate-timeout": "5s" });
            if (open === "1h") {
                await checkRefusal(refused, "upstreams_unavailable", { retryAfter: "59" });
            } else {
                assert.equal((await refused.json()).error.code, "upstreams_unavailable");
                assert.ok(checkMeasured(refused.headers) <= 24_000, "20 s, and a jitter of 20%");
            }
            assert.equal((await simulator.stats()).requests, 1);
            await simulator.reset();
            await gateway.stop({ quiet: true });
        }
    });

    // Its own pause, a half to one second, would be too short: there is one retry, and it must not meet the refusal.
    test("OpenAI's library waits as long as it is told", async () => {
        const gateway = await Gateway.start({
            upstreams: [one({ breaker: { failures: 1, open: "2s" } })],
            queue: { classes: { P2: { timeout: "0s" } } },
        });
        const client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "of-the-client", maxRetries: 1 });
        await simulator.scenario("server-error", { count: 1 });
        assert.equal((await call(gateway)).status, 500);
        const answer = await client.chat.completions.create(chat());
        assert.equal(answer.choices[0].finish_reason, "stop");
        await gateway.isQuiet();
        const refused = gateway.accessLog.filter((line) => line.error === "upstreams_unavailable");
        assert.deepEqual(
            refused.map((line) => line.status),
            [503],
        );
        assert.equal((await simulator.stats()).requests, 2);
        await gateway.stop();
    });
});

describe("standbys", () => {
    test("one joins when too many wait, and not before", async () => {
        const gateway = await Gateway.start({
            upstreams: [one({ max_concurrency: 1 }), two({ tier: "standby", activate: { queue: 2 } })],
        });
        const release = await occupy(gateway);
        const answers = [call(gateway), call(gateway)];
        await waiting(gateway, 2);
        assert.equal((await other.stats()).requests, 0);
        answers.push(call(gateway));
        for (const answer of await Promise.all(answers))
            assert.equal(answer.headers.get("x-dsgate-upstream"), "two");
        await gateway.logLine(/standby 'two' joins: 3 requests wait/);
        await release();
        await gateway.stop({ quiet: true });
    });
});

describe("operators", () => {
    const change = async (gateway, name, body) => {
        const response = await fetch(`${gateway.adminUrl}/upstreams/${name}`, {
            method: "POST",
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
        });
        assert.equal(response.status, 200);
        return response.json();
    };

    test("drain an upstream: what runs ends well, what comes goes elsewhere", async () => {
        const gateway = await Gateway.start({ upstreams: [one(), two({ tier: "backup" })] });
        const slow = { "x-sim-tokens": "50", "x-sim-token-ms": "10" };
        const stream = await call(gateway, slow, { stream: true });
        assert.equal((await change(gateway, "one", { draining: true })).in_flight, 1, "it runs");
        assert.deepEqual(await servers(gateway, 3), ["two", "two", "two"]);
        assert.match(await stream.text(), /data: \[DONE\]\n\n$/);
        await change(gateway, "one", { draining: false });
        assert.deepEqual(await servers(gateway, 3), ["one", "one", "one"]);
        await gateway.stop({ quiet: true });
    });

    test("drain all: what comes waits until one is put back", async () => {
        const gateway = await Gateway.start({ upstreams: [one()] });
        await change(gateway, "one", { draining: true });
        const answer = call(gateway);
        await waiting(gateway, 1);
        await change(gateway, "one", { draining: false });
        assert.equal((await answer).status, 200);
        await gateway.stop({ quiet: true });
    });

    test("set a weight, and take it back", async () => {
        const gateway = await Gateway.start({ upstreams: [one(), two()] });
        assert.equal((await change(gateway, "one", { weight: 3 })).weight, 3);
        assert.equal(timesOf(await servers(gateway, 40), "one"), 30);
        assert.equal((await change(gateway, "one", { weight: 0 })).weight, 1);
        assert.equal(timesOf(await servers(gateway, 40), "one"), 20);
        await gateway.stop({ quiet: true });
    });
});

describe("several keys", () => {
    test("one that is refused costs no request, and is not told", async () => {
        const strict = await Simulator.start(...FAST, "--key", SIMULATOR_KEY);
        const refused = "sk-no-longer-valid-5d8c";
        const keys = { api_key: undefined, api_keys: [refused, SIMULATOR_KEY] };
        const gateway = await Gateway.start({
            log: { level: "debug" },
            upstreams: [upstream(strict, { name: "strict", ...keys })],
        });
        await servers(gateway, 8);
        await gateway.logLine(/upstream 'strict' refuses its key no\. 1: /);
        await gateway.isQuiet();
        const metrics = await gateway.metrics();
        assert.equal(metrics['dsgate_attempts_total{upstream="strict",outcome="key"}'], 1);
        assert.equal(metrics['dsgate_attempts_total{upstream="strict",outcome="success"}'], 8);
        assert.equal(metrics['dsgate_upstream_keys_cooling{upstream="strict"}'], 1);
        const { text } = await gateway.admin("/upstreams");
        for (const told of [gateway.program.stderr, JSON.stringify(gateway.accessLog), text])
            for (const key of keys.api_keys) assert.ok(!told.includes(key));
        await gateway.stop();
        await strict.stop();
    });
});

describe("the choice", () => {
    const everySession = (count) => Array.from({ length: count }, (_, i) => ({ "x-dsgate-session": `session ${i}` }));

    test("cost: the cheaper one, by the prices of the hour", async () => {
        const all = (cost) => ({ cache_miss: cost, output: cost });
        const dear = { price: all(1), peak_price: all(10) };
        const even = { price: all(5) };
        const config = (peak) => ({
            routes: [{ match: { models: ["*"] }, policy: "cost" }],
            upstreams: [
                one({ models: { "deepseek-flash": dear, "*": { name: "*", ...dear } }, peak }),
                two({ models: { "deepseek-flash": even, "*": { name: "*", ...even } }, peak }),
            ],
        });
        const listedAndNot = async (gateway) => [
            ...(await servers(gateway, 3)),
            ...(await servers(gateway, 3, {}, { model: "deepseek-flash@none" })),
        ];
        const gateway = await Gateway.start(config([]));
        assert.deepEqual(await listedAndNot(gateway), Array(6).fill("one"));
        gateway.write(config(["00:00-24:00"]));
        assert.ok(await gateway.reload());
        assert.deepEqual(await listedAndNot(gateway), Array(6).fill("two"));
        await gateway.stop({ quiet: true });
    });

    test("affinity: a session keeps its upstream", async () => {
        const gateway = await Gateway.start({
            routes: [{ match: { models: ["*"] }, policy: "affinity" }],
            upstreams: [one(), two(), upstream(other, { name: "three" })],
        });
        const homes = new Set();
        for (const session of everySession(32)) {
            const names = new Set(await servers(gateway, 4, session));
            assert.equal(names.size, 1, [...names].join());
            homes.add(...names);
        }
        assert.deepEqual([...homes].sort(), ["one", "three", "two"]);
        await gateway.stop({ quiet: true });
    });

    test("a canary's share is exact", async () => {
        const gateway = await Gateway.start({ upstreams: [one(), two({ canary: "10%", weight: 9 })] });
        assert.equal(timesOf(await servers(gateway, 200), "two"), 20);
        await gateway.stop({ quiet: true });
    });
});

describe("quotas", () => {
    // Where it is about noon: no day may begin while the test runs.
    const zone = () => {
        const offset = 12 - new Date().getUTCHours();
        return `${offset < 0 ? "-" : "+"}${String(Math.abs(offset)).padStart(2, "0")}:00`;
    };

    test("money counts at the prices of the hour, for any model", async () => {
        const price = { cache_miss: 100, output: 100 };
        for (const peak of [[], ["00:00-24:00"]]) {
            const quota = { cost_per_day: 0.001, zone: zone() };
            const gateway = await Gateway.start({
                upstreams: [one({ quota, peak, models: { "*": { name: "*", price } } })],
            });
            await servers(gateway, 1, {}, { model: "deepseek-flash@none" });
            await gateway.isQuiet();
            const { tokens } = await gateway.logged((line) => line.tokens);
            const cost = (await gateway.metrics())['dsgate_quota_used{upstream="one",what="cost"}'];
            assert.ok(Math.abs(cost - (tokens.prompt - tokens.cached + tokens.completion) / 10_000) < 1e-9, `${cost}`);
            await checkRefusal(await call(gateway), "upstreams_unavailable", { retryAfter: "59" });
            await gateway.stop({ quiet: true });
        }
    });

    test("what has been used today survives a kill and a restart, and no other gateway may share it", async () => {
        const file = path.join(temporaryFolder(), "state.db");
        const config = { state: { file }, upstreams: [one({ quota: { requests_per_day: 2, zone: zone() } })] };
        const used = async (gateway) => (await gateway.metrics())['dsgate_quota_used{upstream="one",what="requests"}'];
        const written = () => {
            const { size, mtimeMs } = fs.statSync(`${file}-wal`);
            return `${size} ${mtimeMs}`;
        };

        const killed = await Gateway.start(config);
        const before = written();
        await servers(killed, 1);
        await eventually("it is being saved", () => written() !== before);
        await killed.admin("/healthz"); // the same thread answers, when it has been
        killed.program.signal("SIGKILL");
        await killed.program.exit();

        const ended = await Gateway.start(config);
        assert.equal(await used(ended), 1);
        await servers(ended, 1);
        const second = { ...ended.config, listen: `127.0.0.1:${await freePort()}`, admin: { listen: "off" } };
        const secondFile = path.join(ended.folder, "second.yaml");
        fs.writeFileSync(secondFile, JSON.stringify(second));
        const { code, stderr } = await Program.run("dsgate", ["run", "-c", secondFile]);
        assert.equal(code, 1, stderr);
        assert.ok(stderr.includes(file), stderr);
        assert.match(stderr, /in use by another process; expected a file of its own for each gateway/);
        await ended.stop({ quiet: true });

        const spent = await Gateway.start(config);
        assert.equal(await used(spent), 2);
        await checkRefusal(await call(spent), "upstreams_unavailable", { retryAfter: "59" });
        await spent.logLine(/upstream 'one': its quota is spent for /);
        await spent.stop({ quiet: true });
    });
});
