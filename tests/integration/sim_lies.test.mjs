// dsgate-sim plays upstreams that lie, and such that send too much of something.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
    bodyOf,
    chat,
    chunks,
    events,
    joined,
    play,
    post,
    serveForTests,
    streamOf,
    unchunk,
    url,
} from "./harness/sim_client.mjs";

serveForTests();

describe("lies", () => {
    const streamed = async (scenario, body = chat()) => streamOf(body, { "x-sim-scenario": scenario });
    const whole = async (scenario) => post("/chat/completions", chat(), { "x-sim-scenario": scenario });

    test("usage-negative", async () => {
        const list = chunks((await streamed("usage-negative")).text);
        assert.equal(list.at(-1).usage.completion_tokens, -49);
        assert.equal((await (await whole("usage-negative")).json()).usage.completion_tokens, -49);
    });

    test("two-done", async () => {
        const list = events((await streamed("two-done")).text);
        assert.deepEqual(list.slice(-2), ["[DONE]", "[DONE]"]);
        assert.notEqual(list.at(-3), "[DONE]");
    });

    test("changing-ids: no two chunks have the same id, or the same model", async () => {
        const list = chunks((await streamed("changing-ids")).text);
        for (const member of ["id", "model"]) assert.equal(new Set(list.map((c) => c[member])).size, list.length);
    });

    test("wrong-type", async () => {
        const { answer, text } = await streamed("wrong-type");
        assert.equal(answer.headers.get("content-type"), "application/json");
        assert.equal(events(text).at(-1), "[DONE]");
        const json = await whole("wrong-type");
        assert.match(json.headers.get("content-type"), /^text\/plain/);
        assert.equal((await json.json()).choices.length, 1);
    });

    test("html says so", async () =>
        assert.equal((await whole("html")).headers.get("content-type"), "text/html"));

    test("bad-utf8 spoils one event, or the text of a whole answer", async () => {
        const bytes = Buffer.from([0xc3, 0x28, 0xff, 0xed, 0xa0, 0x80]);
        const got = await play("bad-utf8@event-3", chat({ stream: true }), { connection: "close" });
        const { body, complete } = unchunk(got.raw);
        assert.equal(complete, true);
        assert.equal(got.bytes.indexOf(bytes), got.bytes.lastIndexOf(bytes));
        assert.match(events(body)[3], /"reasoning_content":"\ufffd\(/);
        assert.equal(chunks(body).length, 50);
        const plain = await play("bad-utf8", chat(), { connection: "close" });
        assert.match(unchunk(plain.raw).body, /"content":"\ufffd\(.*\}$/s);
        assert.ok(plain.bytes.includes(bytes));
    });

    test("huge-event: one event of so many megabytes, then the rest", async () => {
        const list = chunks((await streamed("huge-event=3@first-event")).text);
        const lengths = list.map((c) => JSON.stringify(c).length);
        assert.equal(lengths.filter((n) => n > 3e6 && n < 3.001e6).length, 1);
        assert.equal(joined(list, "reasoning_content").length > 3e6, true);
        assert.equal(list.length, 50);
        assert.ok((await (await whole("huge-event=3")).json()).choices[0].message.content.length > 3e6);
    });

    test("short-length announces exactly N bytes fewer than come", async () => {
        for (const stream of [true, false]) {
            const got = await play("short-length=10", chat({ stream }));
            const announced = Number(got.raw.match(/Content-Length: (\d+)/i)[1]);
            assert.equal(Buffer.from(bodyOf(got.raw), "latin1").length - announced, 10);
        }
    });

    test("continue-100: N interim responses, then the answer", async () => {
        const got = await play("continue-100=3", chat({ stream: true }));
        assert.match(got.raw, /^(HTTP\/1\.1 100 Continue\r\n\r\n){3}HTTP\/1\.1 200 OK\r\n/);
        assert.ok(got.raw.includes("data: [DONE]"));
    });

    test("continue-100=0 and endless-blank go on as long as the client does, up to 64 MB", async () => {
        const interim = await play("continue-100=0", chat(), {}, (raw) => raw.length > 1e6);
        assert.equal(interim.raw.replaceAll("HTTP/1.1 100 Continue\r\n\r\n", "").length < 25, true);
        const blank = await fetch(url("/chat/completions"), {
            method: "POST",
            headers: { authorization: "Bearer k", "x-sim-scenario": "endless-blank" },
            body: JSON.stringify(chat()),
        });
        let length = 0;
        await assert.rejects(async () => {
            for await (const piece of blank.body) {
                assert.equal(Buffer.from(piece).every((byte) => byte === 10), true);
                length += piece.length;
            }
        });
        assert.equal(blank.status, 200);
        assert.ok(length > 63e6 && length <= 2 ** 26, `${length}`);
    });
});
