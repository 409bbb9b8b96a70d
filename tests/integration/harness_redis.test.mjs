// The Redis that tests of the cache use does what they believe it does.
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import tls from "node:tls";
import { describe, test } from "node:test";
import { Authority, RawClient, connects } from "./harness.mjs";
import { Redis } from "./harness/redis.mjs";

const port = (redis) => ({ host: "127.0.0.1", port: redis.port });

describe("a Redis of the tests' own", () => {
    test("replies of every kind", async () => {
        const redis = await Redis.start();
        const bytes = Buffer.from("\0\r\n$-1\r\n\xff", "latin1");
        assert.equal(await redis.command("SET", "k", bytes, "EX", 100), "OK");
        assert.equal(await redis.command("GET", "k"), bytes.toString("latin1"));
        assert.equal(await redis.command("GET", "none"), null);
        assert.equal(await redis.command("DEL", "k", "none"), 1);
        await redis.command("RPUSH", "list", "ä", "", "x".repeat(100_000));
        assert.deepEqual(await redis.command("LRANGE", "list", 0, -1), ["\xc3\xa4", "", "x".repeat(100_000)]);
        assert.deepEqual(await redis.command("SCAN", 0, "MATCH", "none*"), ["0", []]);
        await assert.rejects(redis.command("GET", "list"), /^Error: WRONGTYPE/);
        assert.ok((await redis.info("connected_clients")) >= 1);
        await redis.stop();
    });

    test("it listens at a port and a socket, and comes back there, empty", async () => {
        const redis = await Redis.start({ maxmemory: "2mb", "maxmemory-policy": "allkeys-lfu" });
        assert.deepEqual(await redis.command("CONFIG", "GET", "maxmemory-policy"), ["maxmemory-policy", "allkeys-lfu"]);
        for (const end of ["stop", "kill"]) {
            await redis.command("SET", "k", "v");
            const client = (await RawClient.connect(port(redis))).send("GET k\r\n");
            await client.until(/^\$1\r\nv\r\n$/);
            await redis[end]();
            await client.whole();
            assert.equal(await connects(port(redis)), false);
            assert.equal(await connects({ path: redis.socket }), false);
            await redis.restart();
            assert.equal(await connects(port(redis)), true);
            assert.equal(await redis.command("GET", "k"), null);
        }
        await redis.stop();
    });

    test("frozen, it takes connections and says nothing until it thaws", async () => {
        const redis = await Redis.start();
        await redis.freeze();
        const client = (await RawClient.connect(port(redis))).send("PING\r\n");
        const answer = redis.command("PING");
        assert.equal(await connects(port(redis)), true);
        assert.equal(client.received, "");
        redis.thaw();
        assert.equal(await answer, "PONG");
        await client.until(/^\+PONG\r\n$/);
        client.close();
        await redis.freeze();
        await redis.stop();
    });

    test("passwords and users", async () => {
        const guarded = await Redis.start({ requirepass: "secret" });
        const client = (await RawClient.connect(port(guarded))).send("GET k\r\n", "AUTH wrong\r\n");
        await client.until(/^-NOAUTH.*\r\n-WRONGPASS/);
        client.close();
        guarded.login = ["wrong"];
        await assert.rejects(guarded.command("PING"), /WRONGPASS/);
        guarded.login = ["secret"];
        await guarded.stop();
        const users = ["default off", "app on >secret ~dsgate:* +@all"];
        const shared = await Redis.start({ user: users }, { login: ["app", "secret"] });
        await assert.rejects(shared.command("GET", "others"), /NOPERM/);
        assert.equal(await shared.command("GET", "dsgate:k"), null);
        await shared.stop();
    });

    test("TLS at its port", async () => {
        const authority = new Authority();
        const files = authority.sign("localhost");
        const redis = await Redis.start({}, { tls: { ...files, ca_file: authority.certificate } });
        const client = tls.connect({
            ...port(redis),
            servername: "localhost",
            ca: fs.readFileSync(authority.certificate),
            cert: fs.readFileSync(files.cert_file),
            key: fs.readFileSync(files.key_file),
        });
        client.write("PING\r\n");
        const [reply] = await once(client, "data");
        assert.equal(reply.toString(), "+PONG\r\n");
        client.destroy();
        await redis.stop();
    });
});
