// The official OpenAI SDK, unchanged, talks to DeepSeek through the gateway.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import OpenAI from "openai";
import { FAST, Gateway, SIMULATOR_KEY, Simulator, chat, eventually, upstream } from "./harness.mjs";

let simulator, gateway, client;

const thinking = { thinking: { type: "enabled" } };
const weather = {
    tools: [
        {
            type: "function",
            function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
        },
    ],
    tool_choice: "required",
};

before(async () => {
    simulator = await Simulator.start(...FAST);
    gateway = await Gateway.start({ upstreams: [upstream(simulator)] });
    client = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: "of-the-client", maxRetries: 2 });
});
beforeEach(() => simulator.reset());
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

async function gather(stream) {
    const all = { content: "", reasoning: "", chunks: 0, finish: null, usage: null, calls: [] };
    for await (const chunk of stream) {
        const delta = chunk.choices[0]?.delta ?? {};
        all.chunks++;
        all.content += delta.content ?? "";
        all.reasoning += delta.reasoning_content ?? "";
        all.finish ??= chunk.choices[0]?.finish_reason;
        all.usage ??= chunk.usage;
        for (const call of delta.tool_calls ?? []) addCall(all.calls, call);
    }
    return all;
}

function addCall(calls, { index, id, function: part }) {
    calls[index] ??= { id, name: "", arguments: "" };
    calls[index].name += part.name ?? "";
    calls[index].arguments += part.arguments ?? "";
}

function checkUsage(usage) {
    assert.ok(usage.prompt_tokens > 0);
    assert.ok(usage.completion_tokens > 0);
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    assert.equal(usage.prompt_cache_hit_tokens + usage.prompt_cache_miss_tokens, usage.prompt_tokens);
}

describe("chat completions", () => {
    test("a plain answer with its usage and request id", async () => {
        const answer = await client.chat.completions.create(chat());
        assert.equal(answer.object, "chat.completion");
        assert.equal(answer.choices[0].finish_reason, "stop");
        assert.ok(answer.choices[0].message.content.length > 0);
        checkUsage(answer.usage);
        assert.match(answer._request_id, /^[0-9a-f]{32}$/);
    });

    test("a stream says the same as a plain answer", async () => {
        const plain = await client.chat.completions.create(chat());
        const streamed = await gather(
            await client.chat.completions.create(chat({ stream: true, stream_options: { include_usage: true } })),
        );
        assert.equal(streamed.content, plain.choices[0].message.content);
        assert.equal(streamed.finish, "stop");
        assert.ok(streamed.chunks > 2, `${streamed.chunks} chunks`);
        checkUsage(streamed.usage);
    });

    test("usage on a chunk of its own, as other providers send it", async () => {
        const stream = await client.chat.completions.create(
            chat({ model: "deepseek-flash@usage-separate", stream: true, stream_options: { include_usage: true } }),
        );
        checkUsage((await gather(stream)).usage);
    });

    test("thinking mode keeps reasoning_content, plain and streamed", async () => {
        const { message } = (await client.chat.completions.create(chat(thinking))).choices[0];
        assert.ok(message.reasoning_content.length > 0);
        assert.ok(message.content.length > 0);
        const streamed = await gather(await client.chat.completions.create(chat({ ...thinking, stream: true })));
        assert.equal(streamed.reasoning, message.reasoning_content);
        assert.equal(streamed.content, message.content);
    });

    test("tools: calls, their arguments, and the answer to their results", async () => {
        const { message, finish_reason } = (await client.chat.completions.create(chat(weather))).choices[0];
        const [call] = message.tool_calls;
        assert.equal(finish_reason, "tool_calls");
        assert.equal(call.function.name, "get_weather");
        assert.equal(typeof JSON.parse(call.function.arguments), "object");
        const messages = [...chat().messages, message, { role: "tool", tool_call_id: call.id, content: "22 degrees" }];
        const second = await client.chat.completions.create(chat({ tools: weather.tools, messages }));
        assert.equal(second.choices[0].finish_reason, "stop");
        assert.deepEqual(JSON.parse((await simulator.last()).body).messages, messages);
    });

    test("tools in a stream: two calls whose arguments come in pieces", async () => {
        const call = chat({ ...weather, model: "deepseek-flash@tool-call=2", stream: true });
        const { finish, calls } = await gather(await client.chat.completions.create(call));
        assert.equal(finish, "tool_calls");
        assert.deepEqual(
            calls.map((call) => call.name),
            ["get_weather", "get_weather"],
        );
        for (const { arguments: text } of calls) assert.equal(typeof JSON.parse(text).city, "string");
        assert.notEqual(calls[0].id, calls[1].id);
    });

    test("chat prefix completion below /beta", async () => {
        const beta = new OpenAI({ baseURL: `${gateway.url}/beta`, apiKey: "x" });
        const messages = [...chat().messages, { role: "assistant", content: "```python\n", prefix: true }];
        const answer = await beta.chat.completions.create(chat({ messages, stop: ["```"] }));
        assert.ok(answer.choices[0].message.content.length > 0);
        assert.equal((await simulator.last()).target, "/beta/chat/completions");
    });

    test("FIM completion below /beta", async () => {
        const beta = new OpenAI({ baseURL: `${gateway.url}/beta`, apiKey: "x" });
        const answer = await beta.completions.create({
            model: "deepseek-flash",
            prompt: "def fib(n):",
            suffix: "return n",
            max_tokens: 32,
        });
        assert.equal(answer.object, "text_completion");
        assert.ok(answer.choices[0].text.length > 0);
    });
});

describe("other endpoints", () => {
    test("models", async () => {
        const narrow = await Gateway.start({ upstreams: [upstream(simulator, { models: undefined })] });
        const models = [];
        for await (const model of new OpenAI({ baseURL: `${narrow.url}/v1`, apiKey: "x" }).models.list())
            models.push(model.id);
        assert.deepEqual(models.slice(0, 3), ["deepseek-flash", "deepseek-v4-flash", "deepseek-v4-pro"]);
        assert.equal(
            (await new OpenAI({ baseURL: narrow.url, apiKey: "x" }).models.retrieve("deepseek-flash")).id,
            "deepseek-flash",
        );
        await narrow.stop();
    });

    test("embeddings", async () => {
        const answer = await client.embeddings.create({
            model: "deepseek-flash",
            input: ["one", "two"],
            dimensions: 8,
        });
        assert.equal(answer.data.length, 2);
        assert.equal(answer.data[1].embedding.length, 8);
        assert.ok(answer.data[1].embedding.every((number) => Math.abs(number) <= 1));
    });

    test("balance", async () => {
        const answer = await client.get("/user/balance");
        assert.equal(answer.is_available, true);
    });

    test("responses, plain", async () => {
        const answer = await client.responses.create({ model: "deepseek-flash", input: "Say something." });
        assert.equal(answer.status, "completed");
        assert.ok(answer.output_text.length > 0);
        assert.ok(answer.usage.output_tokens > 0);
    });

    test("responses, streamed", async () => {
        const types = [];
        let text = "",
            final;
        for await (const event of await client.responses.create({
            model: "deepseek-flash",
            input: "Say something.",
            stream: true,
        })) {
            types.push(event.type);
            if (event.type === "response.output_text.delta") text += event.delta;
            if (event.type === "response.completed") final = event.response;
        }
        assert.equal(types[0], "response.created");
        assert.equal(types.at(-1), "response.completed");
        assert.ok(text.length > 0);
        assert.equal(final.status, "completed");
    });
});

// With one upstream the gateway can try but once, and leaves the SDK its own two retries.
const asked = (status) => (status === 429 || status >= 500 ? 3 : 1);

describe("errors", () => {
    const refused = [
        ["context-length", OpenAI.BadRequestError, 400, /maximum context length is 131072 tokens/],
        ["bad-key", OpenAI.AuthenticationError, 401, /Authentication Fails, Your api key: \*{4}0000 is invalid/],
        ["no-balance", OpenAI.APIError, 402, /Insufficient Balance/],
        ["422", OpenAI.UnprocessableEntityError, 422, /./],
        ["rate-limit", OpenAI.RateLimitError, 429, /Your current concurrency is 26/],
        ["server-error", OpenAI.InternalServerError, 500, /Internal Server Error/],
        ["busy", OpenAI.InternalServerError, 503, /Service is too busy. We advise users to temporarily switch/],
    ];
    for (const stream of [false, true]) {
        for (const [scenario, kind, status, message] of refused) {
            const what = stream ? `${status} of a stream` : `${status}`;
            test(`${what} in the upstream's words, asked ${asked(status)}`, async () => {
                await assert.rejects(
                    client.chat.completions.create(chat({ model: `deepseek-flash@${scenario}`, stream })),
                    (error) => {
                        assert.ok(error instanceof kind, error.constructor.name);
                        assert.equal(error.status, status);
                        assert.match(error.message, message);
                        assert.equal(typeof error.error.message, "string");
                        assert.match(error.requestID, /^[0-9a-f]{32}$/);
                        return true;
                    },
                );
                assert.equal((await simulator.stats()).requests, asked(status));
            });
        }
    }

    test("the gateway's own: unknown model, with names that are near", async () => {
        const narrow = await Gateway.start({ upstreams: [upstream(simulator, { models: undefined })] });
        const call = new OpenAI({ baseURL: narrow.url, apiKey: "x" }).chat.completions.create(
            chat({ model: "deepseek-flush" }),
        );
        await assert.rejects(call, (error) => {
            assert.ok(error instanceof OpenAI.NotFoundError);
            assert.equal(error.code, "model_not_found");
            assert.equal(error.param, "model");
            assert.match(error.message, /deepseek-flush.*[Dd]id you mean.*deepseek-flash/);
            return true;
        });
        await narrow.stop();
    });

    test("nobody listens at two upstreams: 502 that the SDK does not try again", async () => {
        const nowhere = { base_url: "http://127.0.0.1:9" };
        const lost = await Gateway.start({
            upstreams: [upstream(simulator, { name: "a", ...nowhere }), upstream(simulator, { name: "b", ...nowhere })],
        });
        const call = new OpenAI({ baseURL: lost.url, apiKey: "x" }).chat.completions.create(chat());
        await assert.rejects(call, (error) => {
            assert.equal(error.status, 502);
            assert.equal(error.code, "upstream_unreachable");
            assert.equal(error.headers.get("x-should-retry"), "false");
            return true;
        });
        await lost.stop();
        assert.equal(lost.accessLog.length, 1);
    });

    for (const cut of [
        "eof@mid-content",
        "reset@mid-content",
        "half-event@mid-content",
        "bad-chunk@mid-content",
        "error-mid-stream",
        "end@mid-content",
    ]) {
        test(`a stream that is cut (${cut}) raises`, async () => {
            const stream = await client.chat.completions.create(chat({ model: `deepseek-flash@${cut}`, stream: true }));
            await assert.rejects(gather(stream), OpenAI.APIError);
        });
    }
});

describe("aborting", () => {
    async function abortsReach(start) {
        await start();
        await eventually("the simulator sees the abort", async () => (await simulator.stats()).aborted_by_client === 1);
        await gateway.isQuiet();
    }

    test("a stream: by leaving the loop", () =>
        abortsReach(async () => {
            const stream = await client.chat.completions.create(
                chat({ model: "deepseek-flash@stall@mid-content", stream: true }),
            );
            for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
        }));

    test("a stream: by its controller", () =>
        abortsReach(async () => {
            const stream = await client.chat.completions.create(
                chat({ model: "deepseek-flash@stall@mid-content", stream: true }),
            );
            for await (const chunk of stream) if (chunk.choices[0].delta.content) stream.controller.abort();
        }));

    test("a plain answer that is waited for", () =>
        abortsReach(async () => {
            const controller = new AbortController();
            const call = client.chat.completions.create(chat({ model: "deepseek-flash@hang" }), {
                signal: controller.signal,
            });
            await eventually("the request is upstream", async () => (await simulator.stats()).requests === 1);
            controller.abort();
            await assert.rejects(call, OpenAI.APIUserAbortError);
        }));
});

describe("transparency", () => {
    test("the gateway's key goes upstream, not the client's", async () => {
        await client.chat.completions.create(chat());
        const { headers } = await simulator.last();
        assert.equal(headers.authorization, `Bearer ${SIMULATOR_KEY}`);
        assert.ok(!JSON.stringify(headers).includes("of-the-client"));
        assert.equal(headers["x-stainless-lang"], "js");
        assert.equal(headers["x-stainless-timeout"], undefined);
    });

    test("fields that the gateway does not know arrive in their order", async () => {
        const body = chat({ chat_template_kwargs: { deep: [1, 2.5, "é"] }, zeta: 1, alpha: null });
        await client.chat.completions.create(body);
        assert.equal((await simulator.last()).body, JSON.stringify(body));
    });

    test("a long prompt arrives byte by byte as it was sent", async () => {
        const messages = [{ role: "user", content: '长 \u0000\\"\n prompt '.repeat(40_000) }];
        await client.chat.completions.create(chat({ messages }));
        assert.equal((await simulator.last()).body, JSON.stringify(chat({ messages })));
    });

    test("many streams at once, none of which loses an event", async () => {
        const expected = await client.chat.completions.create(chat());
        const streams = Array.from({ length: 300 }, () =>
            client.chat.completions.create(chat({ stream: true })).then(gather),
        );
        for (const { content, finish } of await Promise.all(streams)) {
            assert.equal(content, expected.choices[0].message.content);
            assert.equal(finish, "stop");
        }
    });

    test("failover from a busy upstream is invisible", async () => {
        const second = await Simulator.start();
        await simulator.scenario("busy");
        const both = await Gateway.start({
            upstreams: [upstream(simulator, { name: "first" }), upstream(second, { name: "second" })],
        });
        const impatient = new OpenAI({ baseURL: both.url, apiKey: "x", maxRetries: 0 });
        const ways = new Set();
        for (let i = 0; i < 6; i++) {
            const { data, response } = await impatient.chat.completions
                .create(chat({ stream: i % 2 === 1 }))
                .withResponse();
            if (i % 2) assert.equal((await gather(data)).finish, "stop");
            assert.equal(response.headers.get("x-dsgate-upstream"), "second");
            ways.add(response.headers.get("x-dsgate-attempts"));
        }
        assert.ok(ways.has("2"), "no request met the busy one first");
        assert.deepEqual((await second.stats()).requests, 6);
        await both.stop({ quiet: true });
        await second.stop();
    });
});
