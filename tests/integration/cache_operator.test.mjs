// The response cache as an operator sees it: what it holds and has done, purges, reloads, and how much memory it takes.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { RawClient, eventually, request } from "./harness.mjs";
import { ask, asked, cachingConfig, cachingGateway, newQuestion, purge, steadySimulator } from "./harness/cache.mjs";

let simulator, gateway;

before(async () => {
    simulator = await steadySimulator();
    gateway = await cachingGateway(simulator);
});
beforeEach(async () => {
    await simulator.reset();
    await purge(gateway, { purge: "all" });
});
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

const shown = async (target) => {
    const { status, text } = await gateway.admin(target);
    return { status, ...JSON.parse(text) };
};
const withKey = (name) => ({ authorization: `Bearer sk-of-${name}` });

describe("what is seen", () => {
    test("numbers of the memory level and of answers under way, and no Redis", async () => {
        const before = await shown("/cache");
        const question = newQuestion();
        await asked(gateway, "miss", question);
        await asked(gateway, "hit-memory", question);
        const { memory, flights, redis } = await shown("/cache");
        assert.equal(memory.entries, 1);
        assert.ok(memory.bytes > 0 && memory.bytes <= memory.limit);
        for (const name of ["hits", "misses", "added"]) assert.equal(memory[name], before.memory[name] + 1, name);
        assert.deepEqual([flights.now, flights.followers], [0, 0]);
        assert.equal(redis, null);
    });

    test("facts of an entry, but not what it says", async () => {
        const question = newQuestion();
        const { key, text } = await asked(gateway, "miss", question, withKey("somebody"));
        const { message } = JSON.parse(text).choices[0];
        const entry = await gateway.admin(`/cache/${key}`);
        const { tenant, age, ...facts } = JSON.parse(entry.text);
        const { usage } = JSON.parse(text);
        assert.deepEqual(facts, {
            model: "deepseek-flash",
            status: 200,
            stream: false,
            state: "fresh",
            fresh_for: 300,
            stale_for: 0,
            bytes: Buffer.byteLength(text),
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
        });
        assert.match(tenant, /^key-[0-9a-f]{16}$/);
        assert.ok(age <= 1);
        assert.ok(!entry.text.includes(message.content.slice(0, 8)) && !entry.text.includes("sk-of-somebody"));
    });

    for (const [what, key] of [
        ["an unknown key", "0".repeat(64)],
        ["no key at all", "../upstreams"],
    ])
        test(`${what} is told so`, async () => {
            const { status, error } = await shown(`/cache/${encodeURIComponent(key)}`);
            assert.equal(status, 404);
            assert.match(error.message, /No entry in memory has the key/);
        });

    test("metrics and the access log tell where answers come from, and what was saved", async () => {
        const question = newQuestion();
        const [requests, saved] = ["dsgate_cache_requests_total", "dsgate_cache_saved_tokens_total"];
        const before = await gateway.metrics();
        const { usage } = JSON.parse((await asked(gateway, "miss", question)).text);
        for (const stream of [false, true]) await asked(gateway, "hit-memory", { ...question, stream });
        await gateway.isQuiet();
        const now = await gateway.metrics();
        const more = (name) => now[name] - before[name];
        assert.equal(more(`${requests}{result="miss"}`), 1);
        assert.equal(more(`${requests}{result="hit-memory"}`), 2);
        assert.equal(more("dsgate_cache_stored_total"), 1);
        assert.equal(more(`${saved}{kind="prompt"}`), 2 * usage.prompt_tokens);
        assert.equal(more(`${saved}{kind="completion"}`), 2 * usage.completion_tokens);
        assert.equal(now.dsgate_cache_memory_entries, 1);
        const hit = await gateway.logged((line) => line.cache === "hit-memory" && line.stream);
        assert.ok(hit.cache_age <= 1);
        assert.equal(hit.upstream, undefined);
    });
});

describe("purges", () => {
    // Three models' answers, for two tenants each; which of them are there still.
    const models = ["deepseek-flash", "deepseek-v4-flash", "deepseek-v4-pro"];
    const tenants = ["alice", "bob"];
    const pairs = models.flatMap((model) => tenants.map((tenant) => [model, tenant]));
    const question = { messages: [{ role: "user", content: "Which?" }] };

    async function all() {
        const answers = [];
        for (const [model, tenant] of pairs)
            answers.push(await asked(gateway, "miss", { ...question, model }, withKey(tenant)));
        return answers;
    }
    const isKept = async ({ key }) => Number((await gateway.admin(`/cache/${key}`)).status === 200);

    for (const [what, selection, expected] of [
        ["by key", ([first]) => ({ key: first.key }), [0, 1, 1, 1, 1, 1]],
        ["by model", () => ({ model: models[1] }), [1, 1, 0, 0, 1, 1]],
        ["by tenant", (_, tenant) => ({ tenant }), [1, 0, 1, 0, 1, 0]],
        ["by model and tenant", (_, tenant) => ({ model: models[2], tenant }), [1, 1, 1, 1, 1, 0]],
        ["by a model that there is not", () => ({ model: "deepseek" }), [1, 1, 1, 1, 1, 1]],
        ["all", () => "all", [0, 0, 0, 0, 0, 0]],
    ])
        test(what, async () => {
            const answers = await all();
            const { tenant } = await shown(`/cache/${answers[1].key}`);
            const { status, dropped, redis } = await purge(gateway, { purge: selection(answers, tenant) });
            const gone = expected.filter((one) => !one).length;
            assert.deepEqual([status, dropped, redis], [200, gone, "none"]);
            assert.deepEqual(await Promise.all(answers.map(isKept)), expected);
            await gateway.logLine(new RegExp(`purged by an operator .*: ${gone} from memory`));
        });

    test("what is under way is given, but not kept", async () => {
        const question = newQuestion({ model: "deepseek-flash@stall=300@mid-content" });
        const call = ask(gateway, question);
        await eventually("it is upstream", async () => (await simulator.stats()).requests === 1);
        await purge(gateway, { purge: "all" });
        assert.equal((await call).cache, "miss");
        await asked(gateway, "miss", question);
    });

    const json = { "content-type": "application/json" };
    for (const [what, body, headers] of [
        ["another type", '{"purge":"all"}', { "content-type": "text/plain" }],
        ["no body", "", json],
        ["no JSON", "{", json],
        ["no purge", "{}", json],
        ["nothing chosen", '{"purge":{}}', json],
        ["everything, misspelt", '{"purge":"ALL"}', json],
        ["a member too many", '{"purge":"all","why":"so"}', json],
        ["an unknown selection", '{"purge":{"user":"x"}}', json],
        ["a key that is none", '{"purge":{"key":"12"}}', json],
        ["a model that is no text", '{"purge":{"model":1}}', json],
        ["a name that nothing has", JSON.stringify({ purge: { tenant: "x".repeat(3000) } }), json],
        ["a name with a NUL", '{"purge":{"model":"a\\u0000b"}}', json],
    ])
        test(`${what}: refused, and nothing is dropped`, async () => {
            const question = newQuestion();
            await asked(gateway, "miss", question);
            const { status, error } = await purge(gateway, body, headers);
            assert.equal(status, 400, error.message);
            assert.match(error.message, headers === json ? /expected \{"purge": / : /Content-Type/);
            await asked(gateway, "hit-memory", question);
        });

    // fetch() chooses Host itself.
    test("a web page whose name leads here: refused, and nothing is dropped", async () => {
        const question = newQuestion();
        await asked(gateway, "miss", question);
        const client = await RawClient.connect({ host: "127.0.0.1", port: gateway.adminPort });
        client.send(request("POST", "/cache", { headers: { Host: "evil.example" }, body: '{"purge":"all"}' }));
        const { status, body } = await client.answer();
        client.close();
        assert.equal(status, 400);
        assert.match(JSON.parse(body).error.message, /Host must be an IP address or localhost/);
        await asked(gateway, "hit-memory", question);
    });
});

describe("memory", () => {
    const bounded = async (gateway) => {
        const metrics = await gateway.metrics();
        const { dsgate_cache_memory_bytes: bytes, dsgate_cache_memory_limit_bytes: limit } = metrics;
        assert.ok(bytes <= limit, `${bytes} bytes of ${limit}`);
        return metrics;
    };

    test("stays within its limit, and keeps what is asked for again, however much comes by", async () => {
        const small = await cachingGateway(simulator, { cache: { memory: "1MB" } });
        const hot = newQuestion();
        for (let round = 0; round < 20; round++) {
            const answers = Array.from({ length: 100 }, () => ask(small, newQuestion()));
            for (const { status } of await Promise.all(answers)) assert.equal(status, 200);
            await asked(small, round ? "hit-memory" : "miss", hot);
            await bounded(small);
        }
        const metrics = await bounded(small);
        const removed = (reason) => metrics[`dsgate_cache_memory_removed_total{reason="${reason}"}`];
        assert.equal(metrics.dsgate_cache_memory_limit_bytes, 1 << 20);
        assert.ok(removed("evicted") + removed("rejected") > 500);
        assert.equal(
            metrics.dsgate_cache_memory_added_total,
            metrics.dsgate_cache_memory_entries + removed("evicted") + removed("rejected"),
        );
        await small.stop({ quiet: true });
    });

    test("a reload changes its size and the longest answer that is kept, or keeps none from then on", async () => {
        const changing = await cachingGateway(simulator);
        const question = newQuestion();
        const long = newQuestion({ model: "deepseek-flash@huge=1" });
        const sized = async (cache, mode = "always") => {
            changing.write(cachingConfig(simulator, { cache, route: { cache: { mode } } }));
            assert.ok(await changing.reload(), changing.program.stderr);
            return (await bounded(changing)).dsgate_cache_memory_limit_bytes;
        };
        for (const body of [question, long]) await asked(changing, "miss", body);
        for (const body of [question, long]) await asked(changing, "hit-memory", body);
        assert.equal(await sized({ memory: "1MB" }), 1 << 20);
        await changing.logLine(/cache\.memory and cache\.entry take full effect at the next start/);
        await asked(changing, "miss", long);
        await asked(changing, "miss", long);
        assert.equal(await sized({ memory: "0" }, "off"), 0);
        assert.equal((await changing.metrics()).dsgate_cache_memory_entries, 0);
        await asked(changing, "bypass", question);
        assert.equal(await sized({ memory: "64MB", entry: "1MB" }), 64 << 20);
        for (const body of [question, long]) await asked(changing, "miss", body);
        for (const body of [question, long]) await asked(changing, "hit-memory", body);
        await changing.stop({ quiet: true });
    });
});
