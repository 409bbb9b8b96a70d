// Upstreams that answer garbage, too much, too little, or nothing. The client hears a clear error, or the connection
// ends short of a proper end; it never hangs, is never told that a part is the whole, and the next request is served.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, test } from "node:test";
import { Gateway, Simulator, THREAD_SANITIZER, chat, upstream, within } from "./harness.mjs";

// Time-outs that slow answers must stay below.
const SLOWER = THREAD_SANITIZER ? 3 : 1;

let simulator, gateway;

before(async () => {
    simulator = await Simulator.start(
        "--created",
        "1764660903",
        "--prefix-cache",
        "0",
        "--tokens",
        "16",
        "--token-ms",
        "1",
        "--first-token-ms",
        "1",
        "--keep-alive-ms",
        "20",
    );
    gateway = await Gateway.start({
        timeouts: {
            connect: "5s",
            first_byte: `${1500 * SLOWER}ms`,
            first_token: `${2000 * SLOWER}ms`,
            idle: `${1500 * SLOWER}ms`,
            total: `${5000 * SLOWER}ms`,
            commit: "20s",
        },
        upstreams: [upstream(simulator)],
    });
});
beforeEach(() => simulator.reset());
afterEach(() => gateway.serves());
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

const ask = (scenario, more) => chat({ model: `deepseek-flash@${scenario}`, thinking: { type: "enabled" }, ...more });

async function receive(response) {
    const decoder = new TextDecoder();
    let text = "";
    try {
        for await (const piece of response.body) text += decoder.decode(piece, { stream: true });
        return { status: response.status, headers: response.headers, text, whole: true };
    } catch {
        return { status: response.status, headers: response.headers, text, whole: false };
    }
}

const post = (scenario, more, headers) =>
    within(scenario, gateway.post("/v1/chat/completions", ask(scenario, more), { headers }).then(receive));
const direct = (scenario, more) =>
    within(
        scenario,
        fetch(`${simulator.url}/chat/completions`, {
            method: "POST",
            headers: { "Content-Type": "application/json", Authorization: "Bearer sk-x" },
            body: JSON.stringify(ask(scenario, more)),
        }).then(receive),
    );

// ---- what a client may be left with ----

const eventsOf = (text) =>
    text
        .split("\n\n")
        .filter((event) => event.startsWith("data: "))
        .map((event) => event.slice(6));

function checkError(answer, status, code) {
    const { error } = JSON.parse(answer.text);
    assert.equal(answer.status, status);
    assert.equal(typeof error.message, "string");
    assert.equal(error.code, code);
    assert.equal(answer.headers.get("x-should-retry"), null, "one upstream: the client may well try again");
    assert.match(answer.headers.get("x-request-id"), /^[0-9a-f]{32}$/);
}

// Told inside the stream, as the last thing, and without the stream's proper end.
function checkErrorEvent(answer, code) {
    const events = eventsOf(answer.text);
    assert.equal(answer.status, 200);
    assert.ok(events.length > 2, answer.text);
    assert.equal(JSON.parse(events.at(-1)).error.code, code, answer.text.slice(-300));
    assert.ok(!events.includes("[DONE]"));
    assert.equal(answer.whole, false, "the framing ends as if all were well");
}

// Signs of life before the first token are for the gateway: until then another upstream may take over.
const withoutSigns = (text) => text.replace(/^(\n|: keep-alive\n)+/, "");

const outcomes = {
    whole: async (answer, scenario, more) => {
        assert.equal(answer.status, 200, answer.text);
        assert.ok(answer.whole, "the framing ends short of its end");
        assert.equal(answer.text, withoutSigns((await direct(scenario, more)).text));
    },
    unreachable: (answer) => checkError(answer, 502, "upstream_unreachable"),
    bad: (answer) => checkError(answer, 502, "upstream_bad_answer"),
    busy: (answer) => checkError(answer, 503, "upstream_busy"),
    cut: (answer) => checkError(answer, 502, "upstream_cut"),
    late: (answer) => checkError(answer, 504, "upstream_timeout"),
    cutEvent: (answer) => checkErrorEvent(answer, "upstream_cut"),
    lateEvent: async (answer) => {
        checkErrorEvent(answer, "upstream_timeout");
        const id = answer.headers.get("x-request-id");
        assert.equal(
            (await gateway.logged((entry) => entry.request_id === id)).error,
            "idle_timeout",
            "comments are no progress",
        );
    },
    badEvent: (answer) => checkErrorEvent(answer, "upstream_bad_answer"),
    // The upstream's own error (it is busy), as it came, but not under a status of success; a stream's status is out
    // already. Nothing comes behind it.
    told: async (answer, scenario, more) => {
        assert.equal(answer.status, more?.stream ? 200 : 503);
        assert.equal(answer.text, (await direct(scenario, more)).text.replace("data: [DONE]\n\n", ""));
        assert.match(answer.text, /"error"/);
    },
};

// scenario: outcome of a plain request, outcome of a stream
const families = {
    "nothing, or next to it": {
        hang: ["late", "late"],
        "eof@before-headers": ["unreachable", "unreachable"],
        "reset@before-headers": ["unreachable", "unreachable"],
        "eof@during-headers": ["cut", "cut"],
        "reset@during-headers": ["cut", "cut"],
        "eof@after-headers": ["cut", "cut"],
        "reset@after-headers": ["cut", "cut"],
        "stall@after-headers": ["late", "late"],
        "stall-with-comments@after-headers": ["late", "late"],
        "keepalive-then-close": ["cut", "cut"],
        "whitespace-only": ["bad", "cut"],
        "empty-200": ["bad", "bad"],
    },
    "too little": {
        "eof@mid-reasoning": ["cut", "cutEvent"],
        "eof@mid-content": ["cut", "cutEvent"],
        "eof@last-chunk": ["cut", "cutEvent"],
        "eof@event-3": ["cut", "cutEvent"],
        "reset@mid-content": ["cut", "cutEvent"],
        "half-event": ["cut", "cutEvent"],
        "end@mid-content": ["bad", "cutEvent"],
        "stall@mid-content": ["late", "lateEvent"],
        "stall-with-comments@mid-content": ["late", "lateEvent"],
        "bad-length": ["cut", "whole"],
    },
    garbage: {
        "header-garbage": ["bad", "bad"],
        "endless-headers": ["bad", "bad"],
        "bad-chunk": ["bad", "badEvent"],
        "error-first-event": ["told", "busy"],
    },
    "too much, or slowly": {
        "huge=3": ["whole", "whole"],
        "slow-headers=1": ["whole", "whole"],
        "slow-headers=1000": ["late", "late"],
        "drip=97": ["whole", "whole"],
    },
    "errors under HTTP 200, in the upstream's words": {
        "error-mid-stream": ["told", "told"],
        "error-then-done": ["told", "told"],
    },
    "odd, but answers": {
        "keepalive-then-answer=3": ["whole", "whole"],
        "blank-lines=3": ["whole", "whole"],
        "usage-separate": ["whole", "whole"],
        "usage-none": ["whole", "whole"],
        "reasoning-field": ["whole", "whole"],
        "empty-content": ["whole", "whole"],
        exhausted: ["cut", "cutEvent"],
        aborted: ["cut", "cutEvent"],
        filtered: ["whole", "whole"],
        "finish=eos": ["whole", "whole"],
        "eof@before-done": ["cut", "whole"],
    },
};

for (const [family, rows] of Object.entries(families)) {
    describe(family, { concurrency: 12 }, () => {
        for (const [scenario, expected] of Object.entries(rows)) {
            for (const stream of [false, true]) {
                const outcome = expected[Number(stream)];
                test(`${scenario}${stream ? ", streamed" : ""}: ${outcome}`, async () => {
                    const more = stream ? { stream: true, stream_options: { include_usage: true } } : {};
                    await outcomes[outcome](await post(scenario, more), scenario, more);
                });
            }
        }
    });
}

// What is wrong and spoils nothing goes on as it came, and the log says so.
describe("lies that spoil nothing", () => {
    const oddities = { "two-done": "ended_twice", "changing-ids": "changed_id", "usage-negative": "odd_usage" };
    for (const [scenario, oddity] of Object.entries(oddities)) {
        test(`${scenario}: ${oddity} in the log`, async () => {
            const answer = await post(scenario, { stream: true, stream_options: { include_usage: true } });
            assert.ok(answer.whole, answer.text.slice(-300));
            const id = answer.headers.get("x-request-id");
            assert.equal((await gateway.logged((entry) => entry.request_id === id)).oddity, oddity);
        });
    }
});

describe("error answers pass as they are, but never as success", () => {
    const scenarios = [
        "busy",
        "rate-limit",
        "tpm-limit",
        "bad-key",
        "no-balance",
        "context-length",
        "server-error",
        "not-found",
        "gateway-timeout",
        "html-error",
        "error-200",
        "error-integer-code",
        "error-flat",
        "error-bare-string",
        "error-string",
        "error-sglang",
        "error-huawei",
        "error-overdue",
        "error-throttling",
        "418",
        "599",
    ];
    for (const scenario of scenarios) {
        test(scenario, async () => {
            const answer = await post(scenario),
                original = await direct(scenario);
            assert.equal(answer.status, original.status === 200 ? 502 : original.status);
            assert.equal(answer.text, original.text);
            assert.equal(answer.headers.get("content-type"), original.headers.get("content-type"));
            assert.match(answer.headers.get("x-request-id"), /^[0-9a-f]{32}$/);
        });
    }

    for (const [scenario, pattern] of [
        ["retry-after=7", /^7$/],
        ["busy+retry-after=7", /^7$/],
        ["retry-after-date=7", / GMT$/],
    ]) {
        test(`${scenario}: Retry-After comes along`, async () =>
            assert.match((await post(scenario)).headers.get("retry-after"), pattern));
    }

    test("a 503 before the body has been sent", async () => {
        await simulator.scenario("early-response");
        const answer = await post("none", { messages: [{ role: "user", content: "x".repeat(2_000_000) }] });
        await simulator.reset();
        assert.ok(answer.status === 503 || answer.status === 502, `${answer.status}`);
        assert.equal(typeof JSON.parse(answer.text).error.message, "string");
    });
});

describe("the client's own deadline", () => {
    for (const [name, value] of [
        ["X-Dsgate-Timeout", "100ms"],
        ["x-stainless-timeout", "1"],
    ]) {
        test(`${name}: ${value} ends what an upstream would still be given time for`, async () => {
            const patient = await Gateway.start({ upstreams: [upstream(simulator)] });
            const answer = await patient
                .post("/v1/chat/completions", ask("hang"), { headers: { [name]: value } })
                .then(receive);
            checkError(answer, 504, "deadline_exceeded");
            await patient.stop({ quiet: true });
        });
    }

    test("one that is no time is told so", async () => {
        const answer = await post("none", {}, { "X-Dsgate-Timeout": "soon" });
        assert.equal(answer.status, 400);
        assert.equal(JSON.parse(answer.text).error.code, "invalid_header");
    });
});
