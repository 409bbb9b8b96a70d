// Anthropic's SDK, unchanged, talks to DeepSeek's Anthropic API through the gateway.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { FAST, Gateway, SIMULATOR_KEY, Simulator, eventually, freePort, upstream } from "./harness.mjs";

let simulator, gateway, client;

before(async () => {
    simulator = await Simulator.start(...FAST);
    gateway = await Gateway.start({ upstreams: [upstream(simulator)] });
    client = new Anthropic({ baseURL: `${gateway.url}/anthropic`, apiKey: "of-the-client", maxRetries: 2 });
});
beforeEach(() => simulator.reset());
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

const ask = (more = {}) => ({
    model: "deepseek-flash",
    max_tokens: 256,
    messages: [{ role: "user", content: "Say something." }],
    thinking: { type: "disabled" },
    ...more,
});
const thinking = { thinking: { type: "enabled", budget_tokens: 1024 } };
const weather = {
    tools: [{ name: "get_weather", input_schema: { type: "object", properties: { city: { type: "string" } } } }],
    tool_choice: { type: "any" },
};
const block = (message, type) => message.content.find((part) => part.type === type);

for (const [name, path] of [
    ["/anthropic/v1/messages", "/anthropic"],
    ["/v1/messages", ""],
]) {
    test(`a plain answer of ${name} with its usage`, async () => {
        const message = await new Anthropic({ baseURL: gateway.url + path, apiKey: "of-the-client" }).messages.create(
            ask(),
        );
        assert.equal(message.type, "message");
        assert.equal(message.stop_reason, "end_turn");
        assert.ok(block(message, "text").text.length > 0);
        assert.ok(message.usage.input_tokens > 0);
        assert.ok(message.usage.output_tokens > 0);
        const { target, headers } = await simulator.last();
        assert.equal(target, "/anthropic/v1/messages");
        assert.equal(headers["x-api-key"], SIMULATOR_KEY);
        assert.match(headers["anthropic-version"], /^20\d\d-\d\d-\d\d$/);
    });
}

test("the request id is where the SDK looks for it", async () => {
    const message = await client.messages.create(ask());
    assert.match(message._request_id, /^[0-9a-f]{32}$/);
});

test("a stream says the same as a plain answer", async () => {
    const plain = await client.messages.create(ask());
    const stream = client.messages.stream(ask());
    let text = "";
    stream.on("text", (piece) => (text += piece));
    const message = await stream.finalMessage();
    assert.equal(text, block(plain, "text").text);
    assert.equal(block(message, "text").text, text);
    assert.equal(message.stop_reason, "end_turn");
    assert.equal(message.usage.output_tokens, plain.usage.output_tokens);
});

test("thinking, plain and streamed", async () => {
    const plain = await client.messages.create(ask(thinking));
    const streamed = await client.messages.stream(ask(thinking)).finalMessage();
    assert.ok(block(plain, "thinking").thinking.length > 0);
    assert.equal(block(streamed, "thinking").thinking, block(plain, "thinking").thinking);
    assert.equal(block(streamed, "text").text, block(plain, "text").text);
});

test("tools, plain and streamed", async () => {
    const plain = await client.messages.create(ask(weather));
    const streamed = await client.messages.stream(ask(weather)).finalMessage();
    assert.equal(plain.stop_reason, "tool_use");
    assert.equal(block(plain, "tool_use").name, "get_weather");
    assert.equal(typeof block(plain, "tool_use").input.city, "string");
    assert.equal(typeof block(streamed, "tool_use").input.city, "string");
});

// With one upstream the gateway can try but once, and leaves the SDK its own two retries.
const asked = (status) => (status === 429 || status >= 500 ? 3 : 1);

describe("errors", () => {
    const refused = [
        ["context-length", Anthropic.BadRequestError, 400, /maximum context length is 131072 tokens/],
        ["bad-key", Anthropic.AuthenticationError, 401, /Authentication Fails/],
        ["no-balance", Anthropic.APIError, 402, /Insufficient Balance/],
        ["422", Anthropic.UnprocessableEntityError, 422, /./],
        ["rate-limit", Anthropic.RateLimitError, 429, /Your current concurrency is 26/],
        ["server-error", Anthropic.InternalServerError, 500, /Internal Server Error/],
        ["busy", Anthropic.InternalServerError, 503, /Service is too busy/],
    ];
    for (const stream of [false, true]) {
        for (const [scenario, kind, status, message] of refused) {
            test(`${status} ${stream ? "of a stream " : ""}in the upstream's words, asked ${asked(status)}`, async () => {
                await assert.rejects(
                    client.messages.create(ask({ model: `deepseek-flash@${scenario}`, stream })),
                    (error) => {
                        assert.ok(error instanceof kind, error.constructor.name);
                        assert.equal(error.status, status);
                        assert.match(error.message, message);
                        return true;
                    },
                );
                assert.equal((await simulator.stats()).requests, asked(status));
            });
        }
    }

    const raises = (call, kind, type, message) =>
        assert.rejects(call, (error) => {
            assert.ok(error instanceof kind, error.constructor.name);
            assert.equal(error.error.type, "error");
            assert.equal(error.type, type);
            assert.match(error.error.error.message, message);
            assert.match(error.requestID, /^[0-9a-f]{32}$/);
            return true;
        });

    test("the gateway's own have Anthropic's shape", async () => {
        const narrow = await Gateway.start({ upstreams: [upstream(simulator, { models: undefined })] });
        const call = new Anthropic({ baseURL: narrow.url, apiKey: "x" }).messages.create(
            ask({ model: "claude-sonnet" }),
        );
        await raises(call, Anthropic.NotFoundError, "not_found_error", /claude-sonnet/);
        await narrow.stop();
    });

    test("an upstream that can't be reached is an api_error", async () => {
        const base_url = `http://127.0.0.1:${await freePort()}`;
        const lost = await Gateway.start({ upstreams: [upstream(simulator, { base_url })] });
        const call = new Anthropic({ baseURL: lost.url, apiKey: "x", maxRetries: 0 }).messages.create(ask());
        await raises(call, Anthropic.InternalServerError, "api_error", /No upstream could be reached/);
        await lost.stop();
    });

    const invalid = [
        ["a missing member", { body: { model: "deepseek-flash" } }, Anthropic.BadRequestError, /'messages'/],
        ["a coding", { body: ask(), headers: { "content-encoding": "gzip" } }, Anthropic.APIError, /'gzip'/],
    ];
    for (const [name, options, kind, message] of invalid)
        test(`${name} is an invalid_request_error`, () =>
            raises(client.post("/v1/messages", options), kind, "invalid_request_error", message));

    for (const path of ["/anthropic/v1/complete", "/anthropic/v1/models"])
        test(`an unknown path has Anthropic's shape: ${path}`, () =>
            raises(
                new Anthropic({ baseURL: gateway.url, apiKey: "x" }).post(path, { body: {} }),
                Anthropic.NotFoundError,
                "not_found_error",
                /no such endpoint/,
            ));

    test("a stream that is cut ends in an api_error", () =>
        assert.rejects(
            client.messages.stream(ask({ model: "deepseek-flash@eof@mid-content" })).finalMessage(),
            (error) => {
                assert.equal(error.type, "api_error");
                return true;
            },
        ));

    for (const cut of ["eof@mid-content", "half-event@mid-content", "error-mid-stream"]) {
        test(`a stream that is cut (${cut}) raises`, () =>
            assert.rejects(
                client.messages.stream(ask({ model: `deepseek-flash@${cut}` })).finalMessage(),
                Anthropic.APIError,
            ));
    }
});

test("aborting a stream reaches the upstream", async () => {
    const stream = client.messages.stream(ask({ model: "deepseek-flash@stall@mid-content" }));
    stream.on("text", () => stream.abort());
    await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
    await eventually("the simulator sees the abort", async () => (await simulator.stats()).aborted_by_client === 1);
});
