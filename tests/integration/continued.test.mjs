// Client libraries read streams that broke and were gone on with, and answers of the next upstream, and notice nothing.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { createDeepSeek } from "@ai-sdk/deepseek";
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { Gateway, Simulator, upstream } from "./harness.mjs";

const FIXED = ["--seed", "4", "--created", "1764660903", "--prefix-cache", "0"];
const QUICK = ["--tokens", "16", "--token-ms", "5", "--first-token-ms", "0", "--keep-alive-ms", "50"];

let simulator, gateway, openai, deepseek, anthropic;
const direct = {};

// Without retries of their own: what they get is the gateway's doing.
function clientsOf(api) {
    const apiKey = "of-the-client";
    return {
        openai: new OpenAI({ baseURL: `${api}/v1`, apiKey, maxRetries: 0 }),
        deepseek: createDeepSeek({ baseURL: `${api}/v1`, apiKey }),
        anthropic: new Anthropic({ baseURL: `${api}/anthropic`, apiKey, maxRetries: 0 }),
    };
}

before(async () => {
    simulator = await Simulator.start(...FIXED, ...QUICK);
    gateway = await Gateway.start({
        upstreams: ["a", "b"].map((name) => upstream(simulator, { name })),
        timeouts: { first_token: "500ms", idle: "500ms", commit: "1m" },
        retries: { budget: "100%", floor: 1000 },
        routes: [{ match: { models: ["*"] }, retry: { base: "10ms" }, hedge: "off" }],
    });
    ({ openai, deepseek, anthropic } = clientsOf(gateway.url));
    Object.assign(direct, clientsOf(simulator.url));
});
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

// ---- what may happen to the first attempt ----

const AFTER_A_TOKEN = {
    "cut in the reasoning": "eof@mid-reasoning",
    "cut in the content": "eof@mid-content",
    "reset in the content": "reset@mid-content",
    "cut in an event": "half-event@mid-content",
    "cut before its end": "end@last-chunk",
    "silent in the reasoning": "stall@mid-reasoning",
    "silent but for comments": "stall-with-comments@mid-content",
    "an error event": "error-mid-stream@mid-content",
    exhausted: "exhausted",
};
const BEFORE_A_TOKEN = {
    busy: "busy",
    "a limit": "rate-limit",
    "reset before the headers": "reset@before-headers",
    "silent before the first token": "stall-with-comments@first-event",
    "an HTML page": "html",
    "nothing but blank lines": "whitespace-only=3",
    "empty content": "empty-content",
};
const ALL = { ...BEFORE_A_TOKEN, ...AFTER_A_TOKEN };

// The simulator counts requests of a model and scenario: the first one fails, the next goes on, as a fresh one would.
async function onceFailing(scenario, ask) {
    await simulator.scenario(`fail-first=1+${scenario}`);
    try {
        return await ask();
    } finally {
        await simulator.reset();
    }
}

// The gateway's own record of the request that came last.
async function lastLine(requestId) {
    return gateway.logged((line) => line.request_id === requestId);
}

// ---- openai ----

const question = {
    model: "deepseek-flash",
    messages: [{ role: "user", content: "Say something." }],
    stream_options: { include_usage: true },
};

async function chunksOf(client) {
    const { data, request_id } = await client.chat.completions.create({ ...question, stream: true }).withResponse();
    return { chunks: await Array.fromAsync(data), requestId: request_id };
}

// `final…` are the helper's own accumulation.
async function helped(client) {
    const stream = client.chat.completions.stream(question);
    const completion = await stream.finalChatCompletion();
    return { completion, content: await stream.finalContent(), usage: await stream.totalUsage() };
}

const plain = ({ stream_options, ...body }) => body;

describe("openai", () => {
    for (const [what, scenario] of Object.entries(ALL)) {
        test(`${what}: the chunks of a whole stream`, async () => {
            const { chunks, requestId } = await onceFailing(scenario, () => chunksOf(openai));
            assert.deepEqual(chunks, (await chunksOf(direct.openai)).chunks);
            const { continued = 0 } = await lastLine(requestId);
            assert.equal(continued, what in AFTER_A_TOKEN ? 1 : 0);
        });

        test(`${what}: the helper's accumulation`, async () => {
            const got = await onceFailing(scenario, () => helped(openai));
            assert.deepEqual(got, await helped(direct.openai));
            assert.equal(got.completion.choices[0].finish_reason, "stop");
        });

        // Ids depend on the request, which has become a stream's.
        test(`${what}: a plain answer`, async () => {
            const ask = (client) => client.chat.completions.create(plain(question));
            const { id, ...got } = await onceFailing(scenario, () => ask(openai));
            const { id: other, ...wanted } = await ask(direct.openai);
            assert.deepEqual(got, wanted);
            assert.match(id, /^[-0-9a-f]{36}$/);
        });
    }

    test("inside a tool call a cut is an error", async () => {
        const tools = [{ type: "function", function: { name: "f", parameters: { type: "object" } } }];
        const body = { ...question, tools, tool_choice: "required", stream: true };
        const seen = [];
        await assert.rejects(
            onceFailing("eof@mid-tool-call", async () => {
                for await (const chunk of await openai.chat.completions.create(body)) seen.push(chunk);
            }),
            (error) => error instanceof OpenAI.APIError && /broke off/.test(error.message),
        );
        assert.ok(seen.some((chunk) => chunk.choices[0].delta.tool_calls));
        assert.ok(!seen.some((chunk) => chunk.choices[0].finish_reason));
    });
});

// ---- @ai-sdk/deepseek ----

const ask = (client) => ({ model: client("deepseek-flash"), prompt: "Say something.", maxRetries: 0 });

// Its own counts of bytes and times are not the answer's.
async function partsOf(client) {
    const parts = [];
    for await (const part of streamText({ onError() {}, ...ask(client) }).fullStream) {
        assert.notEqual(part.type, "error", String(part.error));
        parts.push(part);
    }
    const texts = (type) => parts.filter((part) => part.type === type).map((part) => part.text);
    const { finishReason, totalUsage } = parts.find((part) => part.type === "finish");
    return {
        order: parts.map(({ type }) => type),
        reasoning: texts("reasoning-delta"),
        content: texts("text-delta"),
        finishReason,
        totalUsage,
    };
}

async function wholeOf(client) {
    const { text, reasoningText, finishReason, usage } = await generateText(ask(client));
    return { text, reasoningText, finishReason, usage };
}

describe("@ai-sdk/deepseek", () => {
    for (const [what, scenario] of Object.entries(ALL)) {
        test(`${what}: streamText`, async () => {
            const got = await onceFailing(scenario, () => partsOf(deepseek));
            assert.deepEqual(got, await partsOf(direct.deepseek));
            assert.equal(got.finishReason, "stop");
            assert.ok(got.reasoning.length > 1 && got.content.length > 1);
        });
        test(`${what}: generateText`, async () => {
            const got = await onceFailing(scenario, () => wholeOf(deepseek));
            assert.deepEqual(got, await wholeOf(direct.deepseek));
        });
    }
});

// ---- @anthropic-ai/sdk: its streams can be failed over, not gone on with ----

const message = { model: "deepseek-flash", max_tokens: 100, messages: [{ role: "user", content: "Say something." }] };

describe("@anthropic-ai/sdk", () => {
    for (const [what, scenario] of Object.entries(BEFORE_A_TOKEN)) {
        test(`${what}: a whole stream`, async () => {
            const final = (client) => client.messages.stream(message).finalMessage();
            assert.deepEqual(await onceFailing(scenario, () => final(anthropic)), await final(direct.anthropic));
        });
        test(`${what}: a plain answer`, async () => {
            const create = (client) => client.messages.create(message);
            assert.deepEqual(await onceFailing(scenario, () => create(anthropic)), await create(direct.anthropic));
        });
    }

    test("a cut after the first token is an error", async () => {
        await assert.rejects(
            onceFailing("eof@mid-content", () => anthropic.messages.stream(message).finalMessage()),
            (error) => error instanceof Anthropic.AnthropicError,
        );
    });
});
