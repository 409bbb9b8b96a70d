// Clients that are slow, rude or gone. Whatever they send, the very next request to the same process is served.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { FAST, Gateway, RawClient, Simulator, chat, eventually, request, upstream } from "./harness.mjs";

let simulator, gateway;
const body = JSON.stringify(chat());
const call = (headers = {}, text = body) => request("POST", "/v1/chat/completions", { headers, body: text });

before(async () => {
    simulator = await Simulator.start(...FAST);
    gateway = await Gateway.start({
        limits: { headers: "8KB", header_count: 50, body: "64KB" },
        upstreams: [upstream(simulator)],
    });
});
beforeEach(() => simulator.reset());
afterEach(() => gateway.serves());
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

const connect = (to = gateway) => RawClient.connect(to.address);

const upstreamSaw = async () => (await simulator.stats()).requests;

describe("deadlines are totals: bytes that keep coming do not move them", () => {
    let strict;
    before(async () => {
        const timeouts = { request_head: "300ms", request_body: "300ms", keep_alive: "300ms", write: "300ms" };
        strict = await Gateway.start({ timeouts, upstreams: [upstream(simulator)] });
    });
    afterEach(() => strict.serves());
    after(() => strict.stop({ quiet: true }));

    // Sends a piece at a time until the gateway has had enough.
    async function drip(client, piece) {
        await eventually("the gateway ends it", () => {
            if (!client.ended) client.send(piece);
            return client.ended;
        });
        return client.whole();
    }

    test("a slow request line", async () => {
        const { text } = await drip((await connect(strict)).send("POST /v1/"), "x");
        assert.match(text, /^HTTP\/1\.1 408 /);
    });

    test("slow headers", async () => {
        const { text } = await drip(
            (await connect(strict)).send("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-Slow: "),
            "x",
        );
        assert.match(text, /^HTTP\/1\.1 408 /);
    });

    test("a slow body", async () => {
        const { text } = await drip((await connect(strict)).send(call({ "Content-Length": 60_000 }, "{")), " ");
        assert.match(text, /^HTTP\/1\.1 408 /);
        assert.equal(await upstreamSaw(), 0);
    });

    test("a slow chunked body", async () => {
        const head = request("POST", "/v1/chat/completions", { headers: { "Transfer-Encoding": "chunked" } });
        const { text } = await drip((await connect(strict)).send(head), "1\r\n \r\n");
        assert.match(text, /^HTTP\/1\.1 408 /);
    });

    test("a connection that never says anything", async () => {
        const { text } = await (await connect(strict)).whole();
        assert.equal(text, "");
    });

    test("a connection that is idle after a request", async () => {
        const client = (await connect(strict)).send(call());
        assert.equal((await client.answer()).status, 200);
        assert.deepEqual(await client.whole(), { text: "", ended: "end" });
    });

    test("a client that does not read its answer, of which little is kept meanwhile", async () => {
        const resident = async () => (await strict.metrics()).process_resident_memory_bytes;
        const before = await resident();
        const client = await connect(strict);
        client.socket.pause();
        client.send(call({}, JSON.stringify(chat({ model: "deepseek-flash@huge=64", stream: true }))));
        const line = await strict.logged((entry) => entry.model === "deepseek-flash@huge=64");
        assert.equal(line.client_gone, true);
        assert.ok((await resident()) - before < 8 * 1024 * 1024);
        await eventually("the simulator sees the abort", async () => (await simulator.stats()).aborted_by_client === 1);
        client.close();
    });
});

describe("requests in pieces and in heaps", () => {
    test("byte by byte", async () => {
        const client = (await connect()).send(...call());
        assert.equal((await client.answer()).status, 200);
        client.close();
    });

    test("pipelined requests are answered in order", async () => {
        const names = ["first", "second", "third", "fourth"];
        const client = (await connect()).send(names.map((name) => call({ "x-request-id": name })).join(""));
        for (const name of names) assert.equal((await client.answer()).headers["x-request-id"], name);
        client.close();
    });

    test("a pipelined request after one that is refused is not served", async () => {
        await gateway.refuses("GET /v1/models HTTP/9.9\r\nHost: x\r\n\r\n", call());
        assert.equal(await upstreamSaw(), 0);
    });

    test("an unknown path costs the client its answer only, not its connection", async () => {
        const client = (await connect()).send(request("GET", "/nowhere"), call());
        assert.equal((await client.answer()).status, 404);
        assert.equal((await client.answer()).status, 200);
        client.close();
    });

    test("pipelined and gone", async () => {
        const hang = call({}, JSON.stringify(chat({ model: "deepseek-flash@hang" })));
        const client = (await connect()).send(hang + hang + hang);
        await eventually("the first one is upstream", async () => (await upstreamSaw()) === 1);
        client.reset();
        await gateway.isQuiet();
        assert.equal(await upstreamSaw(), 1);
    });

    for (const [name, bytes] of [
        ["head", call().slice(0, 40)],
        ["body", call().slice(0, -5)],
    ]) {
        test(`gone in the middle of the ${name}`, async () => {
            const client = (await connect()).send(bytes);
            client.finish();
            await client.whole();
            await gateway.isQuiet();
            assert.equal(await upstreamSaw(), 0);
        });
    }

    test("HTTP/1.0: the connection's end is the answer's end, unless it asks for more", async () => {
        const old = call().replace("HTTP/1.1", "HTTP/1.0"),
            streamed = call({}, JSON.stringify(chat({ stream: true }))).replace("HTTP/1.1", "HTTP/1.0");
        const once = await (await connect()).send(old).whole();
        assert.match(once.text, /^HTTP\/1\.1 200 /);
        const stream = await (await connect()).send(streamed).whole();
        assert.doesNotMatch(stream.text, /transfer-encoding/i);
        assert.match(stream.text, /data: \[DONE\]\n\n$/);
        const client = (await connect()).send(old.replace("Host", "Connection: keep-alive\r\nHost"));
        assert.equal((await client.answer()).headers.connection, "keep-alive");
        assert.equal((await client.send(call()).answer()).status, 200);
        client.close();
    });

    test("Expect: 100-continue is answered before the body comes", async () => {
        const [head, rest] = call({ Expect: "100-continue" }).split("\r\n\r\n");
        const client = (await connect()).send(head, "\r\n\r\n");
        assert.equal((await client.answer()).status, 100);
        assert.equal((await client.send(rest).answer()).status, 200);
        assert.equal((await simulator.last()).headers.expect, undefined);
        client.close();
    });

    test("a chunked body arrives whole, with a length", async () => {
        const head = request("POST", "/v1/chat/completions", {
            headers: { "Transfer-Encoding": "chunked", "Content-Type": "application/json" },
        });
        const chunks = [...body].map((byte) => `1;ext=1\r\n${byte}\r\n`).join("");
        const client = (await connect()).send(head, chunks, "0\r\nX-Trailer: 1\r\n\r\n");
        assert.equal((await client.answer()).status, 200);
        const last = await simulator.last();
        assert.equal(last.body, body);
        assert.equal(last.headers["content-length"], String(body.length));
        assert.equal(last.headers["x-trailer"], undefined);
        client.close();
    });
});

describe("too large", () => {
    const long = "x".repeat(9000);
    const many = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`X-${i}`, "1"]));
    const chunk = `4000\r\n${" ".repeat(0x4000)}\r\n`;
    const chunkedHead = request("POST", "/v1/chat/completions", { headers: { "Transfer-Encoding": "chunked" } });
    const cases = [
        ["request line", 414, request("GET", `/${long}`)],
        ["header", 431, call({ "X-Long": long })],
        ["number of headers", 431, call(many)],
        ["announced body", 413, call({ "Content-Length": 65_537 })],
        ["announced body beyond all numbers", 400, call({ "Content-Length": "99999999999999999999" })],
        ["chunked body", 413, chunkedHead + chunk.repeat(5)],
        ["chunk size beyond all numbers", 400, `${chunkedHead}${"f".repeat(17)}\r\n`],
    ];
    for (const [name, status, bytes] of cases) {
        test(`${name}: ${status}`, async () => {
            assert.equal((await gateway.refuses(bytes)).status, status);
            assert.equal(await upstreamSaw(), 0);
        });
    }
});

describe("too large, and really sent", () => {
    const much = " ".repeat(20_000_000);
    test("with a length: 413 can be read although the client is still writing", async () => {
        assert.equal((await gateway.refuses(call({}, much))).status, 413);
    });
    test("in chunks: the same", async () => {
        const chunked = request("POST", "/v1/chat/completions", { headers: { "Transfer-Encoding": "chunked" } });
        const chunk = `10000\r\n${" ".repeat(0x10000)}\r\n`;
        assert.equal((await gateway.refuses(chunked + chunk.repeat(300))).status, 413);
    });
    test("by an SDK's HTTP client", async () => {
        assert.equal((await gateway.post("/v1/chat/completions", much)).status, 413);
    });
});

describe("the admin port", () => {
    const admin = () => RawClient.connect({ host: "127.0.0.1", port: gateway.adminPort });
    const cases = {
        smuggling:
            request("GET", "/metrics", { headers: { "Content-Length": 1, "Transfer-Encoding": "chunked" } }) +
            "0\r\n\r\n",
        "a large body": request("GET", "/metrics", { headers: { "Content-Length": 5_000 } }),
        "a large head": request("GET", "/metrics", { headers: { "X-Long": "x".repeat(20_000) } }),
        "a write": request("POST", "/metrics"),
        "no HTTP": "hello\r\n\r\n",
    };
    for (const [name, bytes] of Object.entries(cases)) {
        test(`${name} is refused`, async () => {
            const client = (await admin()).send(bytes);
            const { status } = await client.answer();
            assert.ok(status >= 400 && status < 500, `${status}`);
            client.close();
            assert.equal((await gateway.admin("/healthz")).status, 200);
        });
    }

    test("pipelined pages come in order", async () => {
        const client = (await admin()).send(
            request("GET", "/healthz") + request("HEAD", "/metrics") + request("GET", "/version"),
        );
        assert.match((await client.answer()).body, /ok/);
        const [head] = await client.until(/HTTP[^]*?\r\n\r\n/);
        assert.match(head, /text\/plain/);
        client.received = client.received.slice(head.length);
        assert.match((await client.answer()).body, /dsgate/);
        client.close();
    });
});

describe("bodies that are no requests", () => {
    const cases = {
        "no JSON": "hello",
        nothing: "",
        "an array": "[]",
        "JSON with a tail": `${body}x`,
        "half of it": body.slice(0, -1),
        "nesting without end": `{"model":"m","messages":${"[".repeat(30_000)}`,
        "bytes that are no UTF-8": '{"model":"m\xff","messages":[]}',
        "two models": '{"model":"a","model":"b","messages":[]}',
        "no messages": '{"model":"deepseek-flash"}',
        "messages that are none": '{"model":"deepseek-flash","messages":"hello"}',
        "a model that is a number": '{"model":1,"messages":[]}',
        "a stream that is a word": '{"model":"deepseek-flash","messages":[],"stream":"yes"}',
    };
    for (const [name, text] of Object.entries(cases)) {
        test(`${name}: 400 on a connection that stays`, async () => {
            const client = (await connect()).send(call({ "Content-Length": text.length }, text), call());
            const answer = await client.answer();
            assert.equal(answer.status, 400);
            assert.equal(answer.headers["x-should-retry"], "false");
            assert.equal(JSON.parse(answer.body).error.type, "invalid_request_error");
            assert.equal((await client.answer()).status, 200);
            assert.equal(await upstreamSaw(), 1);
            client.close();
        });
    }
});
