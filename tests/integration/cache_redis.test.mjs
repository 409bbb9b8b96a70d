// The Redis level with a real redis-server: what goes there and comes back, by which ways, and what is not believed.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { Authority, eventually, temporaryFolder } from "./harness.mjs";
import {
    asked,
    cachingConfig,
    cachingGateway,
    connectionsOf,
    haveConnected,
    holds,
    isGone,
    newQuestion,
    purge,
    redisAt,
    redisGateway,
    redisOnly,
    redisStats,
    steadySimulator,
    withKey,
} from "./harness/cache.mjs";
import { Redis } from "./harness/redis.mjs";

let simulator, redis, gateway;

const calls = async () => (await simulator.stats()).requests;
const namesThere = () => redis.command("KEYS", "*");

before(async () => {
    simulator = await steadySimulator();
    redis = await Redis.start({ maxmemory: "256mb", "maxmemory-policy": "allkeys-lfu" });
    gateway = await redisGateway(simulator, redis);
});
beforeEach(async () => {
    await simulator.reset();
    await redis.command("FLUSHDB");
});
after(async () => {
    await gateway.stop({ quiet: true });
    await redis.stop();
    await simulator.stop();
});

describe("what is kept", () => {
    for (const stream of [false, true])
        test(`is given by another gateway, from Redis first and then from its memory (stream: ${stream})`, async () => {
            const fresh = await cachingGateway(simulator, { cache: { redis: redisAt(redis) } });
            await haveConnected(redis, 2);
            const question = newQuestion({ stream });
            const { text, key } = await asked(gateway, "miss", question);
            await holds(redis, 1);
            for (const from of ["hit-redis", "hit-memory"]) {
                const answer = await asked(fresh, from, question);
                assert.deepEqual([answer.text, answer.key], [text, key]);
                assert.match(answer.age, /^[0-9]$/);
            }
            const otherForm = await asked(gateway, "hit-redis", { ...question, stream: !stream });
            assert.equal(otherForm.key, key);
            assert.equal(await calls(), 1);
            await fresh.stop({ quiet: true });
        });

    test("has the prefix, the format, the key, and the time that it is of use", async () => {
        const own = await cachingGateway(simulator, {
            cache: redisOnly(redis, { prefix: "own:{1}" }),
            route: { cache: { stale_while_revalidate: "40s" } },
        });
        await haveConnected(redis, 2);
        const { key } = await asked(own, "miss", newQuestion({ cache: { ttl: 60 } }));
        await holds(redis, 1);
        const [name] = await namesThere();
        assert.match(name, new RegExp(`^own:\\{1\\}:1:[0-9a-f]{16}:[0-9a-f]{16}:${key}$`));
        const life = await redis.command("PTTL", name);
        assert.ok(life > 90_000 && life <= 100_000, `${life} ms`);
        await own.stop({ quiet: true });
    });

    test("goes after its time", async () => {
        const question = newQuestion({ cache: { ttl: 1 } });
        await asked(gateway, "miss", question);
        await holds(redis, 1);
        await asked(gateway, "hit-redis", question);
        await isGone(gateway, question);
        await holds(redis, 0);
        await asked(gateway, "miss", question);
    });

    test("is not what was not to be kept", async () => {
        await asked(gateway, "miss", newQuestion(), { "cache-control": "no-store" });
        await asked(gateway, "bypass", newQuestion(), { "cache-control": "no-cache, no-store" });
        await asked(gateway, "miss", newQuestion());
        await holds(redis, 1);
        assert.equal((await namesThere()).length, 1);
    });
});

// ---- ways to a Redis ----

describe("ways", () => {
    const authority = new Authority();
    const certificates = authority.sign("localhost");
    const { certificate: ca_file } = authority;
    const passwordFile = path.join(temporaryFolder(), "password");
    fs.writeFileSync(passwordFile, "s3cret/pass\n");
    const user = ["default off", "app on >s3cret/pass ~dsgate:* +@all"];

    // How the server is set up, and what the gateway is told of it.
    for (const [what, server, option] of [
        ["a Unix socket", [{}], (redis) => ({ url: `unix:${redis.socket}?db=2` })],
        ["a database of its own", [{}], ({ address }) => ({ url: `redis://${address}/2` })],
        [
            "a password",
            [{ requirepass: "s3cret/pass" }],
            ({ address }) => ({ url: `redis://:s3cret%2Fpass@${address}/2` }),
        ],
        [
            "a user of an ACL, whose password is in a file",
            [{ user }, { login: ["app", "s3cret/pass"] }],
            ({ address }) => ({ url: `redis://app@${address}/2`, password_file: passwordFile }),
        ],
        [
            "TLS, with a certificate of the client's",
            [{}, { tls: { ...certificates, ca_file } }],
            ({ port }) => ({ url: `rediss://localhost:${port}/2`, tls: { ca_file, ...certificates } }),
        ],
    ])
        test(what, async () => {
            const guarded = await Redis.start(...server);
            const cache = redisOnly(guarded, option(guarded));
            const gateway = await cachingGateway(simulator, { cache });
            await haveConnected(guarded);
            const question = newQuestion();
            await asked(gateway, "miss", question);
            await eventually("it is there", async () => /db2:keys=1,/.test(await guarded.command("INFO", "keyspace")));
            await asked(gateway, "hit-redis", question);
            await gateway.stop({ quiet: true });
            assert.doesNotMatch(gateway.program.stderr, /s3cret/);
            await guarded.stop();
        });

    test("32 at once go over one connection of each worker, many in one piece", async () => {
        const patient = await cachingGateway(simulator, { cache: redisOnly(redis) });
        await haveConnected(redis, 2);
        const questions = Array.from({ length: 32 }, () => newQuestion());
        await Promise.all(questions.map((question) => asked(patient, "miss", question)));
        await holds(redis, 32);
        const reads = await redis.info("total_reads_processed");
        await redis.freeze();
        const answers = questions.map((question) => asked(patient, "hit-redis", question));
        await eventually("all wait", async () => (await patient.metrics()).dsgate_requests_in_flight === 32);
        redis.thaw();
        await Promise.all(answers);
        const now = await redis.info("total_reads_processed");
        assert.ok(now - reads < 16, `${now - reads} reads for 32 questions`);
        assert.equal(await connectionsOf(redis), 6);
        const { hits, timeouts, errors, skipped } = await redisStats(patient);
        assert.deepEqual({ hits, timeouts, errors, skipped }, { hits: 32, timeouts: 0, errors: 0, skipped: 0 });
        await patient.stop({ quiet: true });
    });
});

test("another Redis in the config counts from the next start on, and that is said", async () => {
    const reloaded = await cachingGateway(simulator, { cache: redisOnly(redis) });
    await haveConnected(redis, 2);
    const warning = /a changed cache\.redis takes effect at the next start/;
    reloaded.write(cachingConfig(simulator, { cache: redisOnly(redis) }));
    assert.ok(await reloaded.reload());
    assert.doesNotMatch(reloaded.program.stderr, warning);
    reloaded.write(cachingConfig(simulator, { cache: redisOnly(redis, { prefix: "other" }) }));
    assert.ok(await reloaded.reload());
    assert.match(reloaded.program.stderr, warning);
    await asked(reloaded, "miss", newQuestion());
    await holds(redis, 1);
    assert.match((await namesThere())[0], /^dsgate:/);
    await reloaded.stop({ quiet: true });
});

// ---- what is not believed ----

describe("values that are none of ours", () => {
    const flipped = (at) => (value) => {
        const bytes = Buffer.from(value, "latin1");
        bytes[at < 0 ? bytes.length + at : at] ^= 1;
        return bytes;
    };
    const latin1 = (text) => Buffer.from(text, "latin1");

    for (const [what, spoil, reason] of [
        ["another program's", () => "hello", "foreign"],
        ["an empty one", () => "", "foreign"],
        ["one that begins in another way", flipped(0), "foreign"],
        ["one of another version", flipped(4), "version"],
        ["one whose flags are damaged", flipped(5), "damaged"],
        ["… status …", flipped(7), "damaged"],
        ["… length …", flipped(11), "damaged"],
        ["… checksum …", flipped(12), "damaged"],
        ["… key …", flipped(20), "damaged"],
        ["… times …", flipped(56), "damaged"],
        ["… text is damaged", flipped(-10), "damaged"],
        ["one that is too short", (value) => latin1(value.slice(0, -1)), "damaged"],
        ["one that is much too short", (value) => latin1(value.slice(0, 9)), "damaged"],
        ["one that is too long", (value) => latin1(`${value}.`), "damaged"],
    ])
        test(`${what}: asked for anew, counted, and replaced`, async () => {
            const question = newQuestion();
            const before = (await redisStats(gateway)).ignored;
            const { text } = await asked(gateway, "miss", question);
            await holds(redis, 1);
            const [name] = await namesThere();
            const value = await redis.command("GET", name);
            await redis.command("SET", name, spoil(value));
            const spoilt = await redis.command("GET", name);
            assert.equal((await asked(gateway, "miss", question)).text, text);
            assert.deepEqual((await redisStats(gateway)).ignored, { ...before, [reason]: before[reason] + 1 });
            await eventually("it is replaced", async () => (await redis.command("GET", name)) !== spoilt);
            assert.equal((await asked(gateway, "hit-redis", question)).text, text);
            assert.equal(await calls(), 2);
        });

    test("another type of value", async () => {
        const question = newQuestion();
        const before = (await redisStats(gateway)).ignored;
        await asked(gateway, "miss", question);
        await holds(redis, 1);
        const [name] = await namesThere();
        await redis.command("DEL", name);
        await redis.command("RPUSH", name, "x");
        await asked(gateway, "miss", question);
        assert.equal((await redisStats(gateway)).ignored.foreign, before.foreign + 1);
        await eventually("it is replaced", async () => (await redis.command("TYPE", name)) === "string");
        await asked(gateway, "hit-redis", question);
    });

    // A whole one of ours, but somebody else's.
    for (const [what, other] of [
        ["another question", (question) => [{ ...question, seed: 7 }, withKey("sk-of-alice")]],
        ["another tenant", (question) => [question, withKey("sk-of-mallory")]],
    ])
        test(`the answer to ${what}, put under this name`, async () => {
            const question = newQuestion();
            const before = (await redisStats(gateway)).ignored;
            await asked(gateway, "miss", ...other(question));
            await holds(redis, 1);
            const [theirs] = await namesThere();
            const { text } = await asked(gateway, "miss", question, withKey("sk-of-alice"));
            await holds(redis, 2);
            const ours = (await namesThere()).find((name) => name !== theirs);
            await redis.command("COPY", theirs, ours, "REPLACE");
            assert.equal((await asked(gateway, "miss", question, withKey("sk-of-alice"))).text, text);
            const { ignored } = await redisStats(gateway);
            assert.deepEqual(ignored, { ...before, misplaced: before.misplaced + 1 });
            assert.equal(await calls(), 3);
        });
});

// ---- purges ----

describe("purges reach Redis", () => {
    const models = ["deepseek-flash", "deepseek-v4-flash"];
    const question = { messages: [{ role: "user", content: "Which?" }] };

    async function fill() {
        const answers = [];
        for (const model of models)
            for (const name of ["alice", "bob"])
                answers.push(await asked(gateway, "miss", { ...question, model }, withKey(`sk-of-${name}`)));
        await redis.command("SET", "dsgate-of-somebody-else", "x");
        await holds(redis, 5);
        return answers;
    }

    for (const [what, selection, left] of [
        ["by key", ([first]) => ({ key: first.key }), [1, 2, 3]],
        ["by model", () => ({ model: models[1] }), [0, 1]],
        ["all", () => "all", []],
    ])
        test(what, async () => {
            const answers = await fill();
            const { status, redis: says } = await purge(gateway, { purge: selection(answers) });
            assert.deepEqual([status, says], [200, "begun"]);
            await holds(redis, left.length + 1);
            const names = await namesThere();
            for (const [i, { key }] of answers.entries())
                assert.equal(
                    names.some((name) => name.endsWith(key)),
                    left.includes(i),
                    `answer ${i}`,
                );
            assert.ok(names.includes("dsgate-of-somebody-else"));
            await gateway.logLine(new RegExp(`purged from Redis: ${4 - left.length}\\b`));
        });

    test("by tenant, whose name an entry in memory tells", async () => {
        const telling = await cachingGateway(simulator, { cache: { redis: redisAt(redis) } });
        await haveConnected(redis, 2);
        const answers = await fill();
        await asked(telling, "hit-redis", { ...question, model: models[0] }, withKey("sk-of-bob"));
        const { tenant } = JSON.parse((await telling.admin(`/cache/${answers[1].key}`)).text);
        assert.equal((await purge(telling, { purge: { tenant } })).dropped, 1);
        await holds(redis, 3);
        const names = await namesThere();
        for (const [i, { key }] of answers.entries())
            assert.equal(
                names.some((name) => name.endsWith(key)),
                i % 2 === 0,
                `answer ${i}`,
            );
        await telling.stop({ quiet: true });
    });
});
