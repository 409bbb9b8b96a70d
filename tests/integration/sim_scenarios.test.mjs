// Each scenario of dsgate-sim puts exactly the bytes on the wire that it promises.
import assert from "node:assert/strict";
import net from "node:net";
import { describe, test } from "node:test";
import {
    ask,
    bodyOf,
    chat,
    chunks,
    control,
    events,
    exchange,
    joined,
    play,
    post,
    rawRequest,
    serveForTests,
    sim,
    streamOf,
    unchunk,
    user,
} from "./harness/sim_client.mjs";

serveForTests();

// However the network gathered them, some piece ends in the middle of a line.
const cutInsideLines = (pieces) =>
    assert.ok(
        pieces.slice(0, -1).some((piece) => !String(piece).endsWith("\n")),
        `${pieces.length} pieces`,
    );

describe("error scenarios", () => {
    const busy = {
        error: {
            message:
                "Service is too busy. We advise users to temporarily switch to alternative LLM API service providers.",
            type: "service_unavailable_error",
            param: null,
            code: "service_unavailable_error",
        },
    };
    const rows = [
        ["busy", 503, (b) => assert.deepEqual(JSON.parse(b), busy)],
        [
            "rate-limit",
            429,
            (b) =>
                assert.match(
                    JSON.parse(b).error.message,
                    /^Too many requests\. Your current concurrency is 26, which exceeds your concurrency limit of 25/,
                ),
        ],
        ["tpm-limit", 429, (b) => assert.equal(JSON.parse(b).error.message, "Rate limit reached for TPM")],
        ["server-error", 500, (b) => assert.equal(typeof JSON.parse(b).error.message, "string")],
        ["gateway-timeout", 504, (b) => assert.match(b, /^<html>/)],
        ["html-error", 502, (b) => assert.match(b, /502 Bad Gateway/)],
        ["error-200", 200, (b) => assert.equal(JSON.parse(b).code, 336501)],
        ["error-integer-code", 429, (b) => assert.equal(JSON.parse(b).error.code, 429)],
        ["error-flat", 503, (b) => assert.equal(JSON.parse(b).code, 50508)],
        ["error-bare-string", 504, (b) => assert.equal(JSON.parse(b), "Gateway Timeout")],
        ["empty-200", 200, (b) => assert.equal(b, "")],
        ["busy-200", 200, (b) => assert.deepEqual(JSON.parse(b), busy)],
        ["html", 200, (b) => assert.match(b, /^<html>/)],
        ["418", 418, (b) => assert.equal(typeof JSON.parse(b).error.message, "string")],
    ];
    for (const [scenario, status, check] of rows) {
        test(scenario, async () => {
            for (const stream of [false, true]) {
                const answer = await post("/v1/chat/completions", chat({ stream }), { "x-sim-scenario": scenario });
                assert.equal(answer.status, status);
                assert.equal(answer.headers.get("retry-after"), null);
                check(await answer.text());
            }
        });
    }

    test("retry-after in seconds and as a date", async () => {
        const seconds = await post("/chat/completions", chat({ model: "sim:busy+retry-after=7" }));
        assert.equal(seconds.status, 503);
        assert.equal(seconds.headers.get("retry-after"), "7");
        const date = await post("/chat/completions", chat({ model: "sim:retry-after-date=60" }));
        assert.equal(date.status, 429);
        const wait = Date.parse(date.headers.get("retry-after")) - Date.parse(date.headers.get("date"));
        assert.ok(wait >= 59000 && wait <= 61000, `${wait} ms`);
    });

    test("fail-first counts for each model and key; ratio follows the seed", async () => {
        const status = async (key) =>
            (
                await post("/chat/completions", chat({ model: "deepseek-flash@fail-first=2" }), {
                    authorization: `Bearer ${key}`,
                })
            ).status;
        assert.deepEqual(
            [await status("a"), await status("a"), await status("a"), await status("b")],
            [503, 503, 200, 503],
        );
        const share = async () => {
            await control("reset");
            let word = "";
            for (let i = 0; i < 40; i++)
                word +=
                    (await post("/chat/completions", chat(), { "x-sim-scenario": "ratio=0.5+500" })).status === 500
                        ? "x"
                        : ".";
            return word;
        };
        const first = await share();
        assert.equal(await share(), first);
        assert.ok(/x/.test(first) && /\./.test(first), first);
    });
});

describe("shape scenarios", () => {
    const streamed = async (scenario, body = chat()) =>
        chunks((await streamOf(body, { "x-sim-scenario": scenario })).text);

    test("usage-separate and usage-none", async () => {
        const asked = chat({ stream_options: { include_usage: true } });
        const list = await streamed("usage-separate", asked);
        assert.deepEqual(list.at(-1).choices, []);
        assert.equal(list.at(-1).usage.completion_tokens, 48);
        assert.equal(list.at(-2).usage, null);
        assert.ok((await streamed("usage-separate")).every((c) => !("usage" in c)));
        assert.ok((await streamed("usage-none", asked)).every((c) => !("usage" in c)));
    });

    test("reasoning-field", async () => {
        const list = await streamed("reasoning-field");
        assert.ok(joined(list, "reasoning").length > 0);
        assert.ok(list.every((c) => !("reasoning_content" in c.choices[0].delta)));
    });

    for (const [scenario, finish] of [
        ["exhausted", "insufficient_system_resource"],
        ["aborted", "aborted"],
        ["filtered", "content_filter"],
        ["finish=eos", "eos"],
    ]) {
        test(scenario, async () => {
            assert.equal((await streamed(scenario)).at(-1).choices[0].finish_reason, finish);
            const body = await (await post("/chat/completions", chat(), { "x-sim-scenario": scenario })).json();
            assert.equal(body.choices[0].finish_reason, finish);
        });
    }

    test("empty-content", async () => {
        const list = await streamed("empty-content");
        assert.equal(joined(list, "content") + joined(list, "reasoning_content"), "");
        assert.equal(list.at(-1).choices[0].finish_reason, "stop");
    });

    test("tool-call calls without being asked", async () => {
        const tools = [
            { type: "function", function: { name: "f" } },
            { type: "function", function: { name: "g" } },
        ];
        const list = await streamed("tool-call=2", chat({ tools }));
        assert.deepEqual(
            list
                .flatMap((c) => c.choices[0].delta.tool_calls ?? [])
                .map((t) => t.function.name)
                .filter(Boolean),
            ["f", "g"],
        );
    });

    test("huge: so many megabytes, streamed and whole", async () => {
        for (const stream of [true, false]) {
            const answer = await post("/chat/completions", chat({ stream }), { "x-sim-scenario": "huge=3" });
            const length = (await answer.arrayBuffer()).byteLength;
            assert.ok(length > 2.5e6 && length < 6e6, `${length} bytes`);
        }
    });
});

describe("waiting scenarios", () => {
    const soon = { "x-sim-keep-alive-ms": "1" };

    test("keepalive-then-answer: comments in a stream, empty lines before JSON", async () => {
        const { text } = await streamOf(chat(), { ...soon, "x-sim-scenario": "keepalive-then-answer=3" });
        assert.ok(text.startsWith(": keep-alive\n\n".repeat(3) + "data: "));
        assert.ok(text.endsWith("data: [DONE]\n\n"));
        const json = await (
            await post("/chat/completions", chat(), { ...soon, "x-sim-scenario": "keepalive-then-answer=3" })
        ).text();
        assert.ok(json.startsWith('\n\n\n{"id"'));
    });

    test("keepalive-then-close cuts, whitespace-only ends properly", async () => {
        const cut = await play("keepalive-then-close=2", chat({ stream: true }), soon);
        assert.equal(cut.ended, "eof");
        assert.deepEqual(unchunk(cut.raw), { body: ": keep-alive\n\n".repeat(2), complete: false, rest: "" });
        const white = await post("/chat/completions", chat(), { ...soon, "x-sim-scenario": "whitespace-only=4" });
        assert.equal(white.status, 200);
        assert.equal(await white.text(), "\n\n\n\n");
    });

    test("blank-lines even in a stream", async () => {
        const { text } = await streamOf(chat(), { ...soon, "x-sim-scenario": "blank-lines=2" });
        assert.ok(text.startsWith("\n\ndata: "));
    });
});

describe("cut scenarios", () => {
    const beats = { reasoning: 16, content: 32 };
    // How many events come before the cut.
    const positions = [
        ["after-headers", 0],
        ["first-event", 1],
        ["mid-reasoning", 1 + beats.reasoning / 2],
        ["mid-content", 1 + beats.reasoning + beats.content / 2],
        ["last-chunk", 1 + beats.reasoning + beats.content],
        ["before-done", 2 + beats.reasoning + beats.content],
        ["event-5", 5],
    ];

    for (const [position, count] of positions) {
        test(`eof and reset @${position}`, async () => {
            for (const [fault, ended] of [
                ["eof", "eof"],
                ["reset", "ECONNRESET"],
            ]) {
                const got = await play(`${fault}@${position}`, chat({ stream: true }));
                const { body, complete } = unchunk(got.raw);
                assert.equal(got.ended, ended);
                assert.match(got.raw, /^HTTP\/1\.1 200 OK\r\n/);
                assert.equal(complete, false);
                assert.equal(events(body).length, count);
            }
        });
    }

    test("before and during the headers", async () => {
        assert.deepEqual(await play("eof@before-headers", chat()).then((g) => [g.ended, g.raw]), ["eof", ""]);
        assert.deepEqual(await play("reset@before-headers", chat()).then((g) => [g.ended, g.raw]), ["ECONNRESET", ""]);
        for (const [fault, ended] of [
            ["eof", "eof"],
            ["reset", "ECONNRESET"],
        ]) {
            const got = await play(`${fault}@during-headers`, chat());
            assert.equal(got.ended, ended);
            assert.match(got.raw, /^HTTP\/1\.1 200 OK\r\nContent-Type/);
            assert.ok(!got.raw.includes("\r\n\r\n"));
        }
    });

    test("mid-tool-call", async () => {
        const tools = [
            {
                type: "function",
                function: {
                    name: "f",
                    parameters: { type: "object", properties: { a: { type: "string" }, b: { type: "string" } } },
                },
            },
        ];
        const got = await play("eof@mid-tool-call", chat({ stream: true, tools, tool_choice: "required" }));
        const pieces = chunks(unchunk(got.raw).body)
            .flatMap((c) => c.choices[0].delta.tool_calls ?? [])
            .map((t) => t.function.arguments)
            .join("");
        assert.throws(() => JSON.parse(pieces));
        assert.ok(pieces.startsWith('{"a"'));
    });

    test("JSON answers are cut in their bytes", async () => {
        const got = await play("eof@mid-content", chat());
        assert.equal(unchunk(got.raw).complete, false);
        assert.ok(unchunk(got.raw).body.startsWith('{"id"'));
        const ended = await play("end@mid-content", chat({ stream: true }), { connection: "close" });
        assert.equal(unchunk(ended.raw).complete, true);
        assert.ok(!ended.raw.includes("[DONE]"));
    });

    test("half-event", async () => {
        const got = await play("half-event", chat({ stream: true }));
        const { body, complete } = unchunk(got.raw);
        assert.equal(complete, false);
        assert.ok(!body.endsWith("\n\n"));
        assert.throws(() => JSON.parse(body.slice(body.lastIndexOf("data: ") + 6)));
    });

    test("bad-json spoils one event and goes on", async () => {
        const { text } = await streamOf(chat(), { "x-sim-scenario": "bad-json@event-3" });
        const broken = events(text)
            .map((e, i) => {
                try {
                    if (e !== "[DONE]") JSON.parse(e);
                    return -1;
                } catch {
                    return i;
                }
            })
            .filter((i) => i >= 0);
        assert.deepEqual(broken, [3]);
        assert.equal(events(text).at(-1), "[DONE]");
    });
});

describe("errors inside a stream", () => {
    test("error-first-event, error-mid-stream, error-then-done", async () => {
        const list = async (scenario) => events((await streamOf(chat(), { "x-sim-scenario": scenario })).text);
        const first = await list("error-first-event");
        assert.equal(first.length, 1);
        assert.equal(JSON.parse(first[0]).error.type, "service_unavailable_error");
        const middle = await list("error-mid-stream");
        assert.equal(middle.length, 1 + 16 + 16 + 1);
        assert.ok(JSON.parse(middle.at(-1)).error);
        assert.deepEqual((await list("error-then-done@mid-reasoning")).slice(-1), ["[DONE]"]);
    });

    test("each dialect has its own", async () => {
        const last = async (where, body) =>
            chunks((await streamOf({ stream: true, model: "sim:error-mid-stream", ...body }, {}, where)).text).at(-1);
        assert.equal((await last("/anthropic/v1/messages", { max_tokens: 100, messages: user("x") })).type, "error");
        assert.equal((await last("/responses", { input: "x" })).type, "error");
    });

    test("without a stream: an error under HTTP 200", async () => {
        const answer = await post("/chat/completions", chat({ model: "sim:error-mid-stream" }));
        assert.equal(answer.status, 200);
        assert.ok((await answer.json()).error);
    });
});

describe("silence", () => {
    test("hang: not a byte; the client's leaving is counted", async () => {
        const socket = net.connect(sim.port, "127.0.0.1");
        socket.write(rawRequest(chat({ model: "sim:hang" })));
        while ((await ask("stats")).open_answers !== 1);
        socket.destroy();
        while ((await ask("stats")).open_answers !== 0);
        const stats = await ask("stats");
        assert.equal(stats.aborted_by_client, 1);
        assert.equal(socket.bytesRead, 0);
    });

    test("stall@mid-reasoning stops after half the reasoning; with a time it goes on", async () => {
        const half = 1 + 8;
        const got = await play("stall", chat({ stream: true }), {}, (raw) => events(unchunk(raw).body).length >= half);
        assert.equal(events(unchunk(got.raw).body).length, half);
        const { text } = await streamOf(chat(), { "x-sim-scenario": "stall=20" });
        assert.equal(events(text).length, 51);
    });

    test("stall-with-comments keeps commenting", async () => {
        const got = await play(
            "stall-with-comments@first-event",
            chat({ stream: true }),
            { "x-sim-keep-alive-ms": "1" },
            (raw) => raw.split(": keep-alive").length > 10,
        );
        assert.equal(events(unchunk(got.raw).body).length, 1);
    });
});

describe("broken HTTP", () => {
    test("header-garbage", async () => {
        const got = await play("header-garbage", chat());
        assert.match(got.raw, /\r\nthis line is no header\r\nBad Name: 1\r\n: nameless\r\nX-Control: a\x01\r\n/);
    });

    test("endless-headers", async () => {
        const got = await play("endless-headers", chat(), {}, (raw) => raw.length > 300000);
        assert.ok(!got.raw.includes("\r\n\r\n"));
    });

    test("bad-chunk", async () => {
        const got = await play("bad-chunk@first-event", chat({ stream: true }));
        const { body, rest } = unchunk(got.raw);
        assert.equal(events(body).length, 1);
        assert.ok(rest.startsWith("zz\r\n"));
        assert.equal(got.ended, "eof");
    });

    test("bad-length announces exactly N bytes more than come", async () => {
        for (const stream of [true, false]) {
            const got = await play("bad-length=10", chat({ stream }));
            const announced = Number(got.raw.match(/Content-Length: (\d+)/i)[1]);
            assert.equal(announced - Buffer.from(bodyOf(got.raw), "latin1").length, 10);
        }
    });

    test("slow-headers: a byte at a time, then the answer", async () => {
        const got = await play("slow-headers=1", chat({ stream: true }));
        cutInsideLines(got.pieces);
        assert.equal(events(unchunk(got.raw).body).at(-1), "[DONE]");
    });

    test("drip cuts anywhere, and the whole is right", async () => {
        const got = await play("drip=40", chat({ stream: true }), { "x-sim-tokens": "4", "x-sim-token-ms": "1" });
        const { body, complete } = unchunk(got.raw);
        assert.equal(complete, true);
        assert.equal(events(body).at(-1), "[DONE]");
        cutInsideLines(got.pieces);
    });

    test("early-response comes before the body, and ends with a reset of the scenarios", async () => {
        assert.equal((await control("scenario", { scenario: "early-response" })).status, 200);
        const head = rawRequest(chat()).split("\r\n\r\n")[0];
        let got;
        do
            got = await exchange(
                `${head.replace(/content-length: \d+/, "content-length: 1000000")}\r\n\r\n{"mod`,
                (raw) => raw.includes("too busy"),
            );
        while (!got.raw);
        assert.match(got.raw, /^HTTP\/1\.1 503 /);
        await control("reset");
        assert.equal((await post("/chat/completions", chat())).status, 200);
    });
});
