// Identical calls at the same time cost one, however many they are, and whoever of them is slow or leaves.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { RawClient, SLOW, THREAD_SANITIZER, eventually, request, unframe, upstream, within } from "./harness.mjs";
import { ask, asked, cachingGateway, direct, newQuestion, steadySimulator } from "./harness/cache.mjs";

let simulator, gateway;

before(async () => {
    simulator = await steadySimulator("--keep-alive-ms", "60000");
    gateway = await cachingGateway(simulator, { cache: { memory: "1GB", entry: "16MB" } });
});
beforeEach(() => simulator.reset());
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

const calls = async () => (await simulator.stats()).requests;
const haveJoined = (n, where = gateway) =>
    eventually(`${n} have joined`, async () => (await where.metrics()).dsgate_cache_followers === n);
const begins = () => eventually("the call is upstream", async () => (await calls()) === 1);

async function connect(body, headers) {
    const client = await RawClient.connect(gateway.address);
    return client.send(request("POST", "/v1/chat/completions", { headers, body: JSON.stringify(body) }));
}
const connectMany = (n, ...what) => Promise.all(Array.from({ length: n }, () => connect(...what)));

// The upstream takes so long that there is time to join.
const LATE = { "x-sim-first-token-ms": 300 };

// Of a stream in chunks or of a known length: what the client has of it.
const payload = ({ headers, body }) => (headers["transfer-encoding"] === "chunked" ? unframe(body).body : body);

// All of them get the same, and all of it: by where it came from.
async function allGet(clients, expected) {
    const counts = {};
    for (const client of clients) {
        const answer = await client.answer();
        client.close();
        const from = answer.headers["x-dsgate-cache"];
        counts[from] = (counts[from] ?? 0) + 1;
        assert.equal(answer.status, 200);
        assert.ok(payload(answer) === expected, `${from}: ${answer.body.length} bytes that are not the upstream's`);
    }
    return counts;
}

const bytes = async (question) => Buffer.from(await direct(simulator, question)).toString("latin1");

describe("a stream", () => {
    const MANY = THREAD_SANITIZER ? 300 : 1_000;

    // Half of them come while there is nothing yet, the others while it comes; of both, every tenth does not read on
    // before the quick ones are done.
    test(`${MANY} at once are one call, and every client gets every byte`, async () => {
        const question = newQuestion({ model: "deepseek-flash@stall=600@mid-content", stream: true });
        const expected = await bytes(question);
        await simulator.reset();
        const clients = await connectMany(MANY / 2, question);
        await clients[0].until(/"delta":\{"content":"/);
        clients.push(...(await connectMany(MANY / 2, question)));
        const isSlow = (_, i) => i % 10 === 9;
        for (const client of clients.filter(isSlow)) client.socket.pause();
        const quick = await allGet(
            clients.filter((...one) => !isSlow(...one)),
            expected,
        );
        for (const client of clients.filter(isSlow)) client.socket.resume();
        const slow = await allGet(clients.filter(isSlow), expected);
        assert.equal(await calls(), 1);
        assert.equal(quick.miss, 1);
        // Where the machine is slow, the last ones come too late to join.
        assert.ok(quick.joined + slow.joined >= MANY / 4, JSON.stringify({ quick, slow }));
    });

    // More than sockets take, and not more than may be kept. Who comes first is the one that the upstream is asked for.
    for (const [which, stalls] of [
        ["that has come first", (i) => i === 0],
        ["that have come later", (i) => i > 0],
    ])
        test(`a client that does not read (${which}) holds nobody up, and gets the rest later`, async () => {
            const question = newQuestion({ model: "deepseek-flash@huge=12", stream: true });
            const expected = await bytes(question);
            await simulator.reset();
            const clients = [];
            for (let i = 0; i < 4; i++) {
                clients.push(await connect(question, LATE));
                if (stalls(i)) clients[i].socket.pause();
                await begins();
            }
            await allGet(
                clients.filter((_, i) => !stalls(i)),
                expected,
            );
            for (const client of clients) client.socket.resume();
            await allGet(
                clients.filter((_, i) => stalls(i)),
                expected,
            );
            assert.equal(await calls(), 1);
        });

    // For those who have a part of it inside of the stream, for others before it.
    test("that breaks, breaks for all, and is not kept", async () => {
        const question = newQuestion({ model: "deepseek-flash@eof@mid-content", stream: true });
        const clients = await connectMany(4, question, { ...LATE, ...SLOW, connection: "close" });
        await haveJoined(3);
        for (const client of clients) {
            const { text } = await client.whole();
            assert.match(text, /The upstream broke off in the middle of its answer/);
            assert.doesNotMatch(text, /\[DONE\]/);
        }
        assert.equal(await calls(), 1);
        await gateway.isQuiet();
        assert.equal((await gateway.metrics()).dsgate_cache_flights, 0);
        assert.equal((await ask(gateway, question)).cache, "miss");
    });
});

describe("plain calls", () => {
    test("and streams at once, in the form that each of them wants", async () => {
        const question = newQuestion({ model: "deepseek-flash@stall=300@mid-content" });
        const both = [question, { ...question, stream: true }];
        const answers = [ask(gateway, question)];
        await begins();
        for (const body of [...both, ...both]) answers.push(ask(gateway, body));
        const got = await Promise.all(answers);
        assert.deepEqual(
            got.map(({ cache }) => cache),
            ["miss", "joined", "joined", "joined", "joined"],
        );
        assert.equal(got[1].text, got[0].text);
        assert.equal(got[3].text, got[0].text);
        assert.equal(got[4].text, got[2].text);
        assert.match(got[2].text, /data: \[DONE\]\n\n$/);
        assert.equal(await calls(), 1);
    });

    // The fault is the client's: it is the answer to the same question. Else each has tries of its own left: none here.
    // They wait for their turn, as errors come at once.
    for (const [scenario, status] of [
        ["context-length", 400],
        ["busy", 503],
    ])
        test(`all hear of the failure ${status}`, async () => {
            const narrow = await cachingGateway(simulator, {
                upstreams: [upstream(simulator, { max_concurrency: 1 })],
            });
            const holder = new AbortController();
            const { signal } = holder;
            const hanging = newQuestion({ model: "deepseek-flash@hang" });
            const held = narrow.post("/v1/chat/completions", hanging, { signal });
            await begins();
            const question = newQuestion({ model: `deepseek-flash@${scenario}` });
            const answers = Array.from({ length: 4 }, () => ask(narrow, question));
            await haveJoined(3, narrow);
            holder.abort();
            await assert.rejects(held, { name: "AbortError" });
            for (const answer of await Promise.all(answers)) assert.equal(answer.status, status, answer.text);
            assert.equal(await calls(), 2);
            await narrow.stop({ quiet: true });
        });
});

describe("who leaves", () => {
    const question = () => newQuestion({ model: "deepseek-flash@stall=500@mid-content", stream: true });
    const abortedUpstream = async () => (await simulator.stats()).aborted_by_client;

    // Begun by one client, and joined by three.
    async function four(body) {
        const lead = await connect(body);
        await lead.until(/"delta":\{"content":"/);
        const others = await connectMany(3, body);
        await haveJoined(3);
        return { lead, others };
    }

    for (const goes of ["close", "reset"])
        test(`the first one (${goes}): the others get everything, and it is kept`, async () => {
            const body = question();
            const expected = await bytes(body);
            await simulator.reset();
            const { lead, others } = await four(body);
            lead[goes]();
            assert.deepEqual(await allGet(others, expected), { joined: 3 });
            await asked(gateway, "hit-memory", body);
            assert.deepEqual([await calls(), await abortedUpstream()], [1, 0]);
        });

    test("all of them, the first one first: the call is given up", async () => {
        const body = newQuestion({ model: "deepseek-flash@stall@mid-content", stream: true });
        const { lead, others } = await four(body);
        for (const client of [lead, others[0]]) client.close();
        await haveJoined(2);
        for (const client of others.slice(1)) client.close();
        await eventually("the call is given up", async () => (await abortedUpstream()) === 1);
        await gateway.isQuiet();
        assert.equal(await calls(), 1);
    });

    test("one that has joined: nobody else notices", async () => {
        const body = question();
        const expected = await bytes(body);
        await simulator.reset();
        const { lead, others } = await four(body);
        others[1].reset();
        await haveJoined(2);
        await allGet([lead, others[0], others[2]], expected);
        assert.equal(await calls(), 1);
    });

    test("the gateway, at its end: what is under way comes to its end first", async () => {
        const ending = await cachingGateway(simulator);
        const body = question();
        const expected = await direct(simulator, body);
        await simulator.reset();
        const first = ending.post("/v1/chat/completions", body);
        await begins();
        const second = ending.post("/v1/chat/completions", body);
        await haveJoined(1, ending);
        const stopped = ending.stop();
        for (const answer of [await first, await second]) assert.equal(await answer.text(), expected);
        await within("it ends", stopped);
    });
});
