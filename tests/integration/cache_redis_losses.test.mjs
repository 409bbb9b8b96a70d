// A Redis that is slow, away, full, or does not let the gateway in: requests go on without it, and it is told once.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { Authority, connects, eventually } from "./harness.mjs";
import {
    ask,
    asked,
    cachingGateway,
    holds,
    newQuestion,
    redisGateway,
    redisOnly,
    redisStats,
    steadySimulator,
} from "./harness/cache.mjs";
import { Redis } from "./harness/redis.mjs";

let simulator;

before(async () => {
    simulator = await steadySimulator();
});
beforeEach(() => simulator.reset());
after(() => simulator.stop());

// A Redis, and a gateway that keeps answers nowhere else, for one test; both come to a good end.
function withRedis(work, server) {
    return async () => {
        const redis = await Redis.start(server);
        const gateway = await redisGateway(simulator, redis, { timeout: "50ms" });
        await work(gateway, redis);
        await gateway.stop({ quiet: true });
        if (!redis.program.hasEnded) await redis.stop();
    };
}

// Lines of the gateway's log about Redis, without their times, but for the one that it was found: of two workers one may
// write that while the other is a line ahead.
const told = (gateway) =>
    gateway.program.stderr
        .split("\n")
        .filter((line) => / Redis redis:/.test(line) && !line.endsWith("it keeps what is cached, too"))
        .map((line) => line.replace(/^\S+ (\w+) +Redis redis:\S+/, "$1"));

const LOAD = 8; // clients at once
const MOST = 2_000; // ms: far more than any deadline adds, far less than what a client would wait for Redis

// New questions, from several clients, until it is enough. None fails, none is slow.
async function loadUntil(gateway, enough) {
    let going = true;
    async function client() {
        while (going) {
            const began = performance.now();
            const { status, cache, text } = await ask(gateway, newQuestion());
            const took = performance.now() - began;
            assert.deepEqual([status, cache], [200, "miss"], text);
            assert.ok(took < MOST, `a request took ${took} ms`);
        }
    }
    const clients = Promise.all(Array.from({ length: LOAD }, client));
    const enoughOrFailed = Promise.race([eventually("it is enough", enough), clients]);
    await enoughOrFailed.finally(() => (going = false));
    await clients;
}

// Of a question that has been asked before.
const comesBack = (gateway, question) =>
    eventually("answers come from Redis again", async () => (await ask(gateway, question)).cache === "hit-redis");

describe("slow", () => {
    test(
        "frozen under load: a few wait for their deadline, all others do not ask, and it is told once",
        withRedis(async (gateway, redis) => {
            const question = newQuestion();
            await asked(gateway, "miss", question);
            await redis.freeze();
            await loadUntil(gateway, async () => (await redisStats(gateway)).skipped >= 300);
            const { up, timeouts, skipped, dropped } = await redisStats(gateway);
            // Five in a row, those that were under way beside them, and a trial now and then.
            assert.ok(timeouts >= 5 && timeouts <= 5 + LOAD + 5, `${timeouts} time-outs of ${timeouts + skipped}`);
            assert.equal(up, false);
            assert.ok(dropped >= 300 - LOAD, `${dropped} were not written`);
            assert.equal((await gateway.metrics()).dsgate_cache_redis_up, 0);
            redis.thaw();
            await comesBack(gateway, question);
            assert.equal((await redisStats(gateway)).up, true);
            const [away, back, ...more] = told(gateway);
            assert.equal(away, "warn does not answer within 50 ms: the cache goes on without it");
            assert.match(back, /^info answers again after \d+\.\d s$/);
            assert.deepEqual(more, []);
        }),
    );

    test(
        "CLIENT PAUSE: as if it were frozen, for a while",
        withRedis(async (gateway, redis) => {
            const question = newQuestion();
            await asked(gateway, "miss", question);
            await redis.command("CLIENT", "PAUSE", 500, "ALL");
            await loadUntil(gateway, async () => (await redisStats(gateway)).up === false);
            await comesBack(gateway, question);
            assert.equal(told(gateway).length, 2);
        }),
    );

    test(
        "a question of which it thinks for longer than the deadline is a miss, and no more",
        withRedis(async (gateway, redis) => {
            const question = newQuestion();
            await asked(gateway, "miss", question);
            await holds(redis, 1);
            await redis.freeze();
            await asked(gateway, "miss", question);
            redis.thaw();
            await comesBack(gateway, question);
            const { timeouts, hits, up } = await redisStats(gateway);
            assert.ok(timeouts >= 1);
            assert.deepEqual({ hits, up }, { hits: 1, up: true });
            assert.deepEqual(told(gateway), []);
        }),
    );
});

describe("away", () => {
    for (const end of ["stop", "kill"])
        test(
            `it ends (${end}) in mid-traffic and comes back: no request fails, and answers come from it again`,
            withRedis(async (gateway, redis) => {
                await loadUntil(gateway, async () => (await redisStats(gateway)).stored >= 20);
                const away = redis[end]();
                await loadUntil(gateway, () => told(gateway).length > 0);
                await away;
                assert.equal(await connects({ host: "127.0.0.1", port: redis.port }), false);
                assert.equal((await redisStats(gateway)).up, false);
                await redis.restart();
                await loadUntil(gateway, async () => (await redisStats(gateway)).up);
                const question = newQuestion();
                await asked(gateway, "miss", question);
                await comesBack(gateway, question);
                const [lost, back, ...more] = told(gateway);
                assert.match(lost, /^warn cannot be used \(.+\): the cache goes on without it$/);
                assert.match(back, /^info answers again after \d+\.\d s$/);
                assert.deepEqual(more, []);
            }),
        );

    test("it is not there at the start, and comes later", async () => {
        const redis = await Redis.start();
        await redis.stop();
        const gateway = await cachingGateway(simulator, { cache: redisOnly(redis) });
        const question = newQuestion();
        for (let i = 0; i < 2; i++) await asked(gateway, "miss", question);
        await gateway.logLine(/warn +Redis redis:\S+ cannot be used \(.*refused.*\): the cache goes on without it/);
        await redis.restart();
        await comesBack(gateway, question);
        const [, back, ...more] = told(gateway);
        assert.match(back, /^info answers again after/);
        assert.deepEqual(more, []);
        await gateway.stop({ quiet: true });
        await redis.stop();
    });
});

describe("it does not let the gateway in", () => {
    // None of the gateway's connections is of use; what is said of it, without the password.
    async function shutOut(redis, cache, said) {
        const gateway = await cachingGateway(simulator, { cache: { memory: "0", redis: cache } });
        const question = newQuestion();
        const [, reason] = await gateway.logLine(/warn +Redis \S+ cannot be used \((.*)\): the cache goes on/);
        assert.match(reason, said);
        for (let i = 0; i < 2; i++) await asked(gateway, "miss", question);
        const { up, skipped, dropped, stored } = await redisStats(gateway);
        assert.deepEqual({ up, skipped, dropped, stored }, { up: false, skipped: 2, dropped: 2, stored: 0 });
        return { gateway, question };
    }

    test("a wrong password: said without it, until it is right", async () => {
        const redis = await Redis.start({ requirepass: "s3cret-right" });
        const url = `redis://:s3cret-wrong@${redis.address}`;
        const { gateway, question } = await shutOut(redis, url, /WRONGPASS/);
        await redis.command("CONFIG", "SET", "requirepass", "s3cret-wrong");
        redis.login = ["s3cret-wrong"];
        await comesBack(gateway, question);
        await gateway.stop({ quiet: true });
        assert.doesNotMatch(gateway.program.stderr, /s3cret/);
        assert.equal(gateway.program.stderr.match(/cannot be used/g).length, 1);
        await redis.stop();
    });

    for (const [what, server, option, said] of [
        ["no password", [{ requirepass: "x" }], ({ address }) => `redis://${address}`, /NOAUTH/],
        ["a database that there is not", [{}], ({ address }) => `redis://${address}/99`, /DB index is out of range/],
    ])
        test(what, async () => {
            const redis = await Redis.start(...server);
            const { gateway } = await shutOut(redis, option(redis), said);
            await gateway.stop({ quiet: true });
            await redis.stop();
        });

    test("a certificate that nobody trusted has signed", async () => {
        const redis = await Redis.start({}, { tls: new Authority().sign("localhost") });
        const tls = { ca_file: new Authority().certificate };
        const { gateway } = await shutOut(redis, { url: `rediss://localhost:${redis.port}`, tls }, /certificate|TLS/i);
        await gateway.stop({ quiet: true });
        await redis.stop();
    });
});

describe("it is no good as a cache", () => {
    test(
        "full, and told to refuse what is new: said at the beginning and once more, counted, and requests go on",
        withRedis(
            async (gateway) => {
                await gateway.logLine(/warn +Redis \S+ refuses new answers once its memory is full .*allkeys-lfu/);
                const question = newQuestion();
                for (let i = 0; i < 3; i++) await asked(gateway, "miss", question);
                await gateway.logLine(/warn +Redis \S+ refuses commands of the cache: OOM/);
                for (let i = 0; i < 3; i++) await asked(gateway, "miss", question);
                await eventually("all refusals are counted", async () => (await redisStats(gateway)).errors === 6);
                const { up, misses } = await redisStats(gateway);
                assert.deepEqual({ up, misses }, { up: true, misses: 6 });
                assert.equal(told(gateway).length, 2);
            },
            { maxmemory: "1mb", "maxmemory-policy": "noeviction" },
        ),
    );

    for (const [policy, said] of [
        ["allkeys-random", /warn drops answers whether they are asked for or not \(maxmemory-policy allkeys-random\)/],
        ["volatile-ttl", /warn drops answers whether they are asked for or not \(maxmemory-policy volatile-ttl\)/],
        ["allkeys-lru", null],
        ["volatile-lfu", null],
    ])
        test(
            `told to make room by ${policy}: ${said ? "a warning" : "nothing"}`,
            withRedis(
                async (gateway, redis) => {
                    if (said) await eventually("it is said", () => told(gateway).length === 1);
                    await asked(gateway, "miss", newQuestion());
                    await holds(redis, 1);
                    assert.equal(told(gateway).length, said ? 1 : 0);
                    if (said) assert.match(told(gateway)[0], said);
                },
                { maxmemory: "64mb", "maxmemory-policy": policy },
            ),
        );
});
