// The response cache on the real wire: what is given again, in which form, to whom, and for how long.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, beforeEach, describe, test } from "node:test";
import { RawClient, SLOW, eventually, request, upstream } from "./harness.mjs";
import {
    ONLY_KEPT,
    ask,
    asked,
    cachingGateway,
    direct,
    isGone,
    newQuestion,
    steadySimulator,
    withKey,
} from "./harness/cache.mjs";

let simulator, gateway;

const callers = ["one", "two"].map((name) => ({
    name,
    key_sha256: createHash("sha256").update(`sk-${name}`).digest("hex"),
}));
const calls = async () => (await simulator.stats()).requests;

before(async () => {
    simulator = await steadySimulator();
    gateway = await cachingGateway(simulator, { callers });
});
beforeEach(() => simulator.reset());
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

// ---- what is given again ----

describe("an answer is given again", () => {
    const streamed = { stream: true, stream_options: { include_usage: true } };
    for (const [form, more, type] of [
        ["plain", {}, "application/json"],
        ["stream", streamed, "text/event-stream"],
    ]) {
        test(`${form}: byte for byte, once paid`, async () => {
            const question = newQuestion(more);
            const first = await asked(gateway, "miss", question);
            const again = await asked(gateway, "hit-memory", question);
            assert.equal(first.text, await direct(simulator, question));
            assert.deepEqual(again, { ...first, cache: "hit-memory", age: again.age });
            assert.match(again.type, new RegExp(`^${type}`));
            assert.match(first.key, /^[0-9a-f]{64}$/);
            assert.equal(first.age, null);
            assert.match(again.age, /^[01]$/);
            assert.equal(await calls(), 2); // one of them past the gateway
        });
    }

    for (const [what, first, then] of [
        ["a stream as a plain answer", streamed, {}],
        ["a plain answer as a stream", {}, streamed],
    ])
        test(`${what}: in the form of who asks`, async () => {
            const question = newQuestion();
            const { key, type } = await asked(gateway, "miss", { ...question, ...first });
            const other = await asked(gateway, "hit-memory", { ...question, ...then });
            assert.equal(other.key, key);
            assert.notEqual(other.type, type);
            assert.equal(other.text.endsWith("data: [DONE]\n\n"), "stream" in then);
            assert.equal(await calls(), 1);
        });

    test("to who asks the same in other words only", async () => {
        const messages = '"messages":[{"role":"user","content":"Hé"}]';
        const { key } = await asked(gateway, "miss", `{"model":"deepseek-flash",${messages},"seed":1e1}`);
        const same = [
            `{"seed" : 10, "messages":[{"content":"H\\u00e9", "role":"user"}], "model":"deepseek\\u002dflash"}`,
            `{"seed":10.0,"user":"u","metadata":{"a":1},"stream":false,${messages},"model":"deepseek-flash"}`,
        ];
        for (const body of same) assert.equal((await asked(gateway, "hit-memory", body)).key, key);
        const others = [`"seed":11`, `"seed":"10"`, `"seed":10,"n":1`].map(
            (seed) => `{"model":"deepseek-flash",${messages},${seed}}`,
        );
        for (const body of others) assert.notEqual((await asked(gateway, "miss", body)).key, key);
    });

    test("for as long as it is fresh", async () => {
        const question = newQuestion({ cache: { ttl: 1 } });
        await asked(gateway, "miss", question);
        await asked(gateway, "hit-memory", question);
        await isGone(gateway, question);
        await asked(gateway, "miss", question);
        assert.equal(await calls(), 2);
    });

    test("a body of 1 MB, and an answer that is as long as may be kept", async () => {
        const long = newQuestion({ messages: [{ role: "user", content: "x".repeat(1 << 20) }] });
        const { text } = await asked(gateway, "miss", { ...long, model: "deepseek-flash@huge=1" });
        assert.ok(text.length > 800_000, `${text.length} bytes`);
        assert.equal((await asked(gateway, "hit-memory", { ...long, model: "deepseek-flash@huge=1" })).text, text);
        for (let i = 0; i < 2; i++) await asked(gateway, "miss", { ...long, model: "deepseek-flash@huge=3" });
    });
});

// ---- what is not ----

describe("not given, or not kept", () => {
    // What the second of two equal requests gets.
    const wishes = [
        ["no-cache in the head", {}, { "cache-control": "no-cache" }, "bypass"],
        ["no-store in the head", {}, { "cache-control": "no-store" }, "hit-memory"],
        ["max-age=0", {}, { "cache-control": "max-age=0" }, "bypass"],
        ["max-age=60", {}, { "cache-control": "max-age=60" }, "hit-memory"],
        ["no-cache in the body", { cache: { "no-cache": true } }, {}, "bypass"],
        ["a namespace of its own", { cache: { namespace: "mine" } }, {}, "miss"],
        ["only what is kept", {}, ONLY_KEPT, "hit-memory"],
    ];
    for (const [what, more, headers, expected] of wishes)
        test(what, async () => {
            const question = newQuestion();
            await asked(gateway, "miss", question);
            await asked(gateway, expected, { ...question, ...more }, headers);
        });

    test("no-store keeps nothing", async () => {
        const question = newQuestion();
        for (let i = 0; i < 2; i++) await asked(gateway, "miss", question, { "cache-control": "no-store" });
        assert.equal(await calls(), 2);
    });

    test("only what is kept, when nothing is", async () => {
        const { status, text } = await ask(gateway, newQuestion(), ONLY_KEPT);
        assert.equal(status, 504);
        assert.equal(JSON.parse(text).error.code, "not_cached");
        assert.equal(await calls(), 0);
    });

    test("what is said to the cache does not go upstream", async () => {
        const question = newQuestion();
        await asked(gateway, "miss", { cache: { ttl: 60, namespace: "x" }, ...question });
        assert.equal((await simulator.last()).body, JSON.stringify(question));
    });

    // Its scenario, and the status of its first answer.
    const bad = {
        busy: 503,
        "context-length": 400,
        "eof@mid-content": 200,
        "error-mid-stream": 200,
        "end@last-chunk": 200,
        exhausted: 200,
        filtered: 200,
        "empty-content": 200,
    };
    for (const [scenario, status] of Object.entries(bad))
        test(`an answer that is not whole and good: ${scenario}`, async () => {
            const question = newQuestion({ stream: true });
            await simulator.scenario(`fail-first=1+${scenario}`);
            assert.equal((await ask(gateway, question, SLOW)).status, status);
            const { text } = await asked(gateway, "miss", question);
            assert.equal((await asked(gateway, "hit-memory", question)).text, text);
        });

    // Who asks once more may come to another worker, which must know by then that nothing is under way.
    test("an error is not for who asks after it", async () => {
        await simulator.scenario("busy");
        for (let i = 0; i < 300; i++) {
            const question = newQuestion();
            for (let times = 0; times < 2; times++) assert.equal((await ask(gateway, question)).status, 503);
        }
        assert.equal(await calls(), 600);
    });

    test("what is no question has nothing to do with it", async () => {
        for (const [method, target] of [
            ["GET", "/v1/models"],
            ["HEAD", "/v1/models"],
            ["GET", "/user/balance"],
            ["GET", "/user/balance"],
        ]) {
            const { status, headers } = await fetch(gateway.url + target, { method });
            assert.equal(status, 200);
            assert.equal(headers.get("x-dsgate-cache"), "bypass");
            assert.equal(headers.get("x-dsgate-cache-key"), null);
        }
        assert.equal(await calls(), 4);
    });

    test("by default, what may differ the next time", async () => {
        const careful = await cachingGateway(simulator, { route: { cache: { mode: "deterministic" } } });
        const thinking = { thinking: { type: "enabled" } };
        for (const [more, expected] of [
            [{}, "bypass"],
            [{ temperature: 0 }, "hit-memory"],
            [{ temperature: 0, ...thinking }, "bypass"],
            [{ seed: 1, ...thinking }, "hit-memory"],
        ]) {
            const question = newQuestion(more);
            await ask(careful, question);
            await asked(careful, expected, question);
        }
        await careful.stop({ quiet: true });
    });
});

test("the upstream's word that a request is malformed, where that is remembered", async () => {
    const strict = await cachingGateway(simulator, { route: { cache: { negative: "1m" } } });
    for (const [scenario, status, from, count] of [
        ["context-length", 400, "hit-memory", 1],
        ["422", 422, "hit-memory", 1],
        ["bad-key", 401, "miss", 2],
        ["server-error", 500, "miss", 2],
    ]) {
        await simulator.reset();
        const question = newQuestion({ model: `deepseek-flash@${scenario}`, stream: true });
        const first = await ask(strict, question);
        const again = await ask(strict, question);
        assert.deepEqual([first.status, first.cache], [status, "miss"], scenario);
        assert.deepEqual([again.status, again.cache, again.text], [status, from, first.text], scenario);
        assert.equal(await calls(), count, scenario);
    }
    await strict.stop({ quiet: true });
});

// ---- old answers ----

describe("old answers", () => {
    test("are given while new ones are fetched", async () => {
        const renewing = await cachingGateway(simulator, {
            route: { cache: { ttl: "1s", stale_while_revalidate: "1h" } },
        });
        const question = newQuestion();
        const { text } = await asked(renewing, "miss", question);
        await eventually("it is old", async () => (await ask(renewing, question)).cache === "stale");
        await eventually("it is new", async () => (await ask(renewing, question)).cache === "hit-memory");
        assert.equal((await ask(renewing, question)).text, text);
        await renewing.isQuiet();
        const renewals = (await renewing.metrics()).dsgate_cache_revalidated_total;
        assert.ok(renewals >= 1); // where the machine is slow, the new one is old soon
        assert.equal(await calls(), 1 + renewals);
        await renewing.stop({ quiet: true });
    });

    test("are given when upstreams fail", async () => {
        const failing = await cachingGateway(simulator, {
            route: { cache: { ttl: "1s" }, fallback: ["stale"] },
        });
        const question = newQuestion();
        const { text } = await asked(failing, "miss", question);
        await simulator.scenario("busy");
        const answer = await eventually("it is old", async () => {
            const answer = await ask(failing, question);
            return answer.cache === "stale" && answer;
        });
        assert.equal(answer.text, text);
        await failing.stop({ quiet: true });
    });
});

// ---- whose ----

describe("tenants", () => {
    // Each of them asks twice, one after the other.
    async function tenants(gateway, keys) {
        const question = newQuestion();
        const got = [];
        for (const key of keys)
            for (let i = 0; i < 2; i++) got.push((await ask(gateway, question, key && withKey(key))).cache);
        return got;
    }

    const each = ["miss", "hit-memory"];
    const known = ["hit-memory", "hit-memory"];

    test("listed callers get their own answers only, and so does who is not listed", async () => {
        assert.deepEqual(await tenants(gateway, ["sk-one", "sk-two", null]), [...each, ...each, ...each]);
    });

    test("keys that pass through are told apart", async () => {
        const open = await cachingGateway(simulator, { upstreams: [upstream(simulator, { api_key: undefined })] });
        assert.deepEqual(await tenants(open, ["sk-a", "sk-b", "sk-a"]), [...each, ...each, ...known]);
        await open.stop({ quiet: true });
    });

    test("scope: shared, all callers share theirs", async () => {
        const shared = await cachingGateway(simulator, { callers, route: { cache: { scope: "shared" } } });
        assert.deepEqual(await tenants(shared, ["sk-one", "sk-two"]), [...each, ...known]);
        await shared.stop({ quiet: true });
    });
});

// ---- connections ----

test("a kept connection goes on after hits, whatever their form", async () => {
    const question = newQuestion();
    const post = (body) => request("POST", "/v1/chat/completions", { body: JSON.stringify(body) });
    const all = [question, { ...question, stream: true }, question, newQuestion(), { ...question, stream: true }];
    await asked(gateway, "miss", question);
    const client = await RawClient.connect(gateway.address);
    client.send(...all.map(post));
    const answers = [];
    for (let i = 0; i < all.length; i++) answers.push(await client.answer());
    assert.deepEqual(
        answers.map(({ status, headers }) => [status, headers["x-dsgate-cache"]]),
        ["hit-memory", "hit-memory", "hit-memory", "miss", "hit-memory"].map((from) => [200, from]),
    );
    assert.equal(answers[2].body, answers[0].body);
    assert.equal(answers[4].body, answers[1].body);
    assert.equal(client.received, "");
    client.close();
});
