// Vercel's AI SDK with its DeepSeek provider, unchanged, through the gateway.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { createDeepSeek } from "@ai-sdk/deepseek";
import { APICallError, generateText, streamText, tool } from "ai";
import { z } from "zod";
import { FAST, Gateway, SLOW, Simulator, eventually, upstream } from "./harness.mjs";

let simulator, gateway, deepseek;

before(async () => {
    simulator = await Simulator.start(...FAST);
    gateway = await Gateway.start({ upstreams: [upstream(simulator)] });
    deepseek = createDeepSeek({ baseURL: `${gateway.url}/v1`, apiKey: "of-the-client" });
});
beforeEach(() => simulator.reset());
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

const ask = (model = "deepseek-flash", more = {}) => ({
    model: deepseek(model),
    prompt: "Say something.",
    maxRetries: 0,
    providerOptions: { deepseek: { thinking: { type: "disabled" } } },
    ...more,
});
const thinking = { providerOptions: { deepseek: { thinking: { type: "enabled" } } } };
const weather = {
    tools: { get_weather: tool({ description: "The weather", inputSchema: z.object({ city: z.string() }) }) },
    toolChoice: "required",
};

// A stream's parts; errors are parts too, so nothing is printed. A connection that ends without the end of its answer
// makes the stream throw as well, behind the part that says why.
async function partsOf(options) {
    const parts = [];
    try {
        for await (const part of streamText({ onError() {}, ...options }).fullStream) parts.push(part);
    } catch (error) {
        assert.equal(parts.at(-1).type, "error", `thrown without an error part: ${error.message}`);
    }
    return parts;
}

test("a plain answer with its usage and request id", async () => {
    const answer = await generateText(ask());
    assert.ok(answer.text.length > 0);
    assert.equal(answer.finishReason, "stop");
    assert.ok(answer.usage.inputTokens > 0);
    assert.ok(answer.usage.outputTokens > 0);
    assert.match(answer.response.headers["x-request-id"], /^[0-9a-f]{32}$/);
});

test("a stream says the same as a plain answer", async () => {
    const { text } = await generateText(ask());
    const parts = await partsOf(ask());
    assert.equal(
        parts
            .filter((part) => part.type === "text-delta")
            .map((part) => part.text)
            .join(""),
        text,
    );
    const finish = parts.find((part) => part.type === "finish");
    assert.equal(finish.finishReason, "stop");
    assert.ok(finish.totalUsage.outputTokens > 0);
});

test("thinking mode, plain and streamed", async () => {
    const answer = await generateText(ask("deepseek-v4-pro", thinking));
    assert.ok(answer.reasoningText.length > 0);
    const parts = await partsOf(ask("deepseek-v4-pro", thinking));
    assert.equal(
        parts
            .filter((part) => part.type === "reasoning-delta")
            .map((part) => part.text)
            .join(""),
        answer.reasoningText,
    );
});

test("tools, plain and streamed", async () => {
    const { toolCalls, finishReason } = await generateText(ask("deepseek-flash", weather));
    assert.equal(finishReason, "tool-calls");
    assert.equal(toolCalls[0].toolName, "get_weather");
    assert.equal(typeof toolCalls[0].input.city, "string");
    const parts = await partsOf(ask("deepseek-flash", weather));
    assert.equal(typeof parts.find((part) => part.type === "tool-call").input.city, "string");
});

describe("errors", () => {
    const refused = [
        ["context-length", 400, false, /maximum context length is 131072 tokens/],
        ["bad-key", 401, false, /Authentication Fails, Your api key: \*{4}0000 is invalid/],
        ["no-balance", 402, false, /Insufficient Balance/],
        ["422", 422, false, /./],
        ["rate-limit", 429, true, /Your current concurrency is 26/],
        ["server-error", 500, true, /Internal Server Error/],
        ["busy", 503, true, /Service is too busy. We advise users to temporarily switch/],
    ];
    for (const [scenario, status, isRetryable, message] of refused) {
        const check = (error) => {
            assert.ok(APICallError.isInstance(error), error.constructor.name);
            assert.equal(error.statusCode, status);
            assert.equal(error.isRetryable, isRetryable);
            assert.match(error.message, message);
            assert.match(error.responseHeaders["x-request-id"], /^[0-9a-f]{32}$/);
            return true;
        };
        test(`${status} in the upstream's words`, () =>
            assert.rejects(generateText(ask(`deepseek-flash@${scenario}`)), check));
        test(`${status} of a stream`, async () => {
            const parts = await partsOf(ask(`deepseek-flash@${scenario}`));
            check(parts.find((part) => part.type === "error").error);
        });
    }

    for (const cut of ["eof@mid-content", "half-event@mid-content", "error-mid-stream"]) {
        test(`a stream that is cut (${cut}) has an error part`, async () => {
            const parts = await partsOf(ask(`deepseek-flash@${cut}`, { headers: SLOW }));
            assert.ok(parts.some((part) => part.type === "text-delta"));
            assert.ok(parts.some((part) => part.type === "error"));
            assert.ok(!parts.some((part) => part.type === "finish" && part.finishReason === "stop"));
        });
    }
});

test("aborting a stream reaches the upstream", async () => {
    const controller = new AbortController();
    const { fullStream } = streamText({
        onError() {},
        ...ask("deepseek-flash@stall@mid-content", { abortSignal: controller.signal }),
    });
    for await (const part of fullStream) if (part.type === "text-delta") controller.abort();
    await eventually("the simulator sees the abort", async () => (await simulator.stats()).aborted_by_client === 1);
});
