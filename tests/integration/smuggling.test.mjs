// Requests that two programs could read differently, and requests that try to choose where they go. None of them
// reaches an upstream as anything but one clean request to the configured one; after each the next request to the same
// process is served.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { FAST, Gateway, RawClient, SIMULATOR_KEY, Simulator, chat, request, upstream } from "./harness.mjs";

let simulator, gateway;
const body = JSON.stringify(chat());
const call = (headers = {}, text = body) => request("POST", "/v1/chat/completions", { headers, body: text });

before(async () => {
    simulator = await Simulator.start(...FAST);
    gateway = await Gateway.start({ upstreams: [upstream(simulator)] });
});
beforeEach(() => simulator.reset());
afterEach(() => gateway.serves());
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

const connect = () => RawClient.connect(gateway.address);
const upstreamSaw = async () => (await simulator.stats()).requests;

describe("smuggling", () => {
    const line = "POST /v1/chat/completions HTTP/1.1\r\n";
    const chunked = `${line}Host: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const inner = request("GET", "/v1/models");
    const twoLengths = (first, second) =>
        `${line}Host: x\r\nContent-Length: ${first}\r\nContent-Length: ${second}\r\n\r\n{}${inner}`;
    const cases = {
        "Content-Length and Transfer-Encoding": call({ "Transfer-Encoding": "chunked" }),
        "two Content-Lengths that differ": twoLengths(2, 40),
        "two Content-Lengths that are the same": twoLengths(2, 2),
        "a list of Content-Lengths": call({ "Content-Length": "2, 2" }),
        "a signed Content-Length": call({ "Content-Length": "+2" }),
        "a hexadecimal Content-Length": call({ "Content-Length": "0x2" }),
        "a bare LF after the request line": `POST /v1/chat/completions HTTP/1.1\nHost: x\r\n\r\n${inner}`,
        "a bare LF after a header": `${line}Host: x\nX: y\r\n\r\n${inner}`,
        "a bare CR in a header": `${line}Host: x\r\nX: y\rz\r\n\r\n${inner}`,
        "a folded header": `${line}Host: x\r\nX: y\r\n z\r\n\r\n${inner}`,
        "a folded first header": `${line} Host: x\r\n\r\n${inner}`,
        "space before the colon": `${line}Host: x\r\nContent-Length : 2\r\n\r\n{}${inner}`,
        "a header without a name": `${line}Host: x\r\n: y\r\n\r\n${inner}`,
        "a header without a colon": `${line}Host: x\r\nContent-Length 2\r\n\r\n${inner}`,
        "NUL in a header": `${line}Host: x\r\nX: y\0z\r\n\r\n${inner}`,
        "NUL in the target": `GET /v1/\0 HTTP/1.1\r\nHost: x\r\n\r\n${inner}`,
        "no Host": `${line}\r\n${inner}`,
        "two Hosts": `${line}Host: x\r\nHost: y\r\n\r\n${inner}`,
        "a Host with a path": `${line}Host: x/y\r\n\r\n${inner}`,
        "two spaces in the request line": `POST  /v1/models HTTP/1.1\r\nHost: x\r\n\r\n${inner}`,
        "a tab in the request line": `POST\t/v1/models HTTP/1.1\r\nHost: x\r\n\r\n${inner}`,
        "a target that is no path": `POST v1/models HTTP/1.1\r\nHost: x\r\n\r\n${inner}`,
        "a chunk size with junk": `${chunked}5 junk\r\n{ "a"\r\n0\r\n\r\n${inner}`,
        "a chunk size with a sign": `${chunked}+5\r\n{ "a"\r\n0\r\n\r\n${inner}`,
        "a chunk size with 0x": `${chunked}0x5\r\n{ "a"\r\n0\r\n\r\n${inner}`,
        "no chunk size": `${chunked}\r\n{}\r\n0\r\n\r\n${inner}`,
        "a chunk size that ends in LF": `${chunked}2\n{}\r\n0\r\n\r\n${inner}`,
        "a chunk longer than it says": `${chunked}2\r\n{}}\r\n0\r\n\r\n${inner}`,
        "a folded trailer": `${chunked}2\r\n{}\r\n0\r\nX: y\r\n z\r\n\r\n${inner}`,
    };
    for (const [name, bytes] of Object.entries(cases)) {
        test(`${name}: 400`, async () => {
            assert.equal((await gateway.refuses(bytes)).status, 400);
            assert.equal(await upstreamSaw(), 0);
        });
    }

    const codings = [
        "gzip, chunked",
        "chunked, identity",
        "xchunked",
        "identity",
        "chunked, chunked",
        '"chunked"',
        "\x0bchunked",
    ];
    for (const coding of codings) {
        test(`Transfer-Encoding ${JSON.stringify(coding)} is refused`, async () => {
            const { status } = await gateway.refuses(
                `${line}Host: x\r\nTransfer-Encoding: ${coding}\r\n\r\n0\r\n\r\n${inner}`,
            );
            assert.ok(status === 400 || status === 501, `${status}`);
            assert.equal(await upstreamSaw(), 0);
        });
    }

    test("two Transfer-Encodings are refused", async () => {
        const { status } = await gateway.refuses(
            `${line}Host: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${inner}`,
        );
        assert.ok(status === 400 || status === 501, `${status}`);
    });

    for (const [name, status, bytes] of [
        ["an unknown version", 505, request("GET", "/v1/models").replace("HTTP/1.1", "HTTP/2.0")],
        ["an unknown expectation", 417, call({ Expect: "a-miracle" })],
        ["a TLS handshake on a plain port", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
        ["the preface of HTTP/2", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ]) {
        test(`${name}: ${status}`, async () => assert.equal((await gateway.refuses(bytes)).status, status));
    }
});

describe("what reaches the upstream", () => {
    test("every line of its head is clean, and framed once", async () => {
        const client = (await connect()).send(call({ "X-Text": "t\u00e9xt\twith tab", "X-Empty": "" }));
        assert.equal((await client.answer()).status, 200);
        const { head } = await simulator.last();
        for (const line of head.split("\r\n")) assert.doesNotMatch(line, /[\0\r\n]/);
        assert.equal(head.match(/^content-length:/gim).length, 1);
        assert.equal(head.match(/^host:/gim).length, 1);
        client.close();
    });

    test("hop-by-hop headers, and those that Connection names, end here", async () => {
        const hop = {
            Connection: "keep-alive, X-Mine",
            "X-Mine": "1",
            "Keep-Alive": "timeout=5",
            TE: "trailers",
            Upgrade: "h2c",
            "Proxy-Authorization": "Basic x",
        };
        const client = (await connect()).send(call(hop));
        assert.equal((await client.answer()).status, 200);
        const { headers } = await simulator.last();
        for (const name of ["x-mine", "keep-alive", "te", "upgrade", "proxy-authorization"])
            assert.equal(headers[name], undefined, name);
        client.close();
    });

    test("Connection can't take the key or the length away", async () => {
        const client = (await connect()).send(
            call({ Connection: "authorization, content-length, content-type, host" }),
        );
        assert.equal((await client.answer()).status, 200);
        const { headers } = await simulator.last();
        assert.equal(headers.authorization, `Bearer ${SIMULATOR_KEY}`);
        assert.equal(headers["content-type"], "application/json");
        client.close();
    });

    test("a model's name can't carry a line end", async () => {
        const client = (await connect()).send(call({}, JSON.stringify(chat({ model: "x\r\nX-Injected: 1" }))));
        assert.equal((await client.answer()).status, 400);
        assert.equal(await upstreamSaw(), 0);
        client.close();
    });

    const elsewhere = {
        "an absolute target with another host": ["http://elsewhere.test:81/v1/chat/completions", {}],
        "another Host": ["/v1/chat/completions", { Host: "elsewhere.test" }],
        "X-Dsgate-Upstream": ["/v1/chat/completions", { "X-Dsgate-Upstream": "http://elsewhere.test" }],
        "X-Forwarded-Host": [
            "/v1/chat/completions",
            { "X-Forwarded-Host": "elsewhere.test", Forwarded: "host=elsewhere.test" },
        ],
    };
    for (const [name, [target, headers]] of Object.entries(elsewhere)) {
        test(`${name} does not choose where it goes`, async () => {
            const client = (await connect()).send(request("POST", target, { headers, body }));
            assert.equal((await client.answer()).status, 200);
            const last = await simulator.last();
            assert.equal(last.headers.host, `127.0.0.1:${simulator.port}`);
            assert.equal(last.target, "/chat/completions");
            assert.equal(last.headers["x-dsgate-upstream"], undefined);
            client.close();
        });
    }

    const climbing = [
        "/v1/../user/balance",
        "/v1/%2e%2e/user/balance",
        "/v1/x/..%2f..%2fadmin",
        "/v1/files/..;/x",
        "/v1//models",
        "/v1/files/%5c..",
        "/v1/files/%00",
        "/v1/models/%0d%0aX:1",
        "/v1/%6dodels",
        "/v1/files/.",
    ];
    for (const target of climbing) {
        test(`${target} is refused`, async () => {
            const client = (await connect()).send(request("GET", target));
            const { status } = await client.answer();
            assert.ok(status === 400 || status === 404, `${status}`);
            assert.equal(await upstreamSaw(), 0);
            client.close();
        });
    }

    for (const bytes of [
        "CONNECT elsewhere.test:443 HTTP/1.1\r\nHost: elsewhere.test:443\r\n\r\n",
        request("TRACE", "/v1/models"),
        request("OPTIONS", "*"),
    ]) {
        test(`${bytes.split(" ")[0]} is refused`, async () => {
            const client = (await connect()).send(bytes);
            const { status } = await client.answer();
            assert.ok(status >= 400 && status < 500, `${status}`);
            assert.equal(await upstreamSaw(), 0);
            client.close();
        });
    }
});
