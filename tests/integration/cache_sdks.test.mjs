// Client libraries, unchanged, get answers from the cache in either form, and notice nothing: each is what the upstream
// itself would have said in that form.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { createDeepSeek } from "@ai-sdk/deepseek";
import { generateText, streamText, tool } from "ai";
import OpenAI from "openai";
import { z } from "zod";
import { cachingGateway, steadySimulator } from "./harness/cache.mjs";

let simulator, gateway, cached, direct;

// Without retries of their own. `from`: where the last answer came from; `space`: the part of the cache that they use,
// so that each test can ask for what another one has asked for.
function clientsOf(api) {
    const clients = {};
    const options = {
        apiKey: "of-the-client",
        maxRetries: 0,
        fetch: async (url, { body, ...more }) => {
            const cache = clients.space && { namespace: clients.space };
            const response = await fetch(url, { ...more, body: JSON.stringify({ ...JSON.parse(body), cache }) });
            clients.from = response.headers.get("x-dsgate-cache");
            return response;
        },
    };
    clients.openai = new OpenAI({ baseURL: `${api}/v1`, ...options });
    clients.beta = new OpenAI({ baseURL: `${api}/beta`, ...options });
    clients.deepseek = createDeepSeek({ baseURL: `${api}/v1`, ...options });
    clients.anthropic = new Anthropic({ baseURL: `${api}/anthropic`, ...options });
    return clients;
}

before(async () => {
    simulator = await steadySimulator();
    gateway = await cachingGateway(simulator);
    cached = clientsOf(gateway.url);
    direct = clientsOf(simulator.url);
});
after(async () => {
    await gateway.stop({ quiet: true });
    await simulator.stop();
});

// ---- what is compared ----

const isTelling = (value) => value !== null && value !== undefined && value !== "";

// The upstream's ids depend on the request, and so on its form; the cache's are those of the answer that it has. How an
// answer is cut into events is not compared.
const isId = (name) => /^(id|item_id|signature)$/.test(name);

function withoutIds(value) {
    const ids = new Set();
    const text = JSON.stringify(value, (name, inner) => {
        if (name === "_request_id") return undefined; // the gateway's
        if (!isId(name)) return inner;
        ids.add(inner);
        return "an id";
    });
    return { said: JSON.parse(text), ids: [...ids].sort() };
}
const inTurn = (list) => list.filter((one, i) => one !== list[i - 1]);

// Texts of deltas, one after the other; of lists, those with the same index; of anything else, what comes last.
function add(all, delta) {
    for (const [name, value] of Object.entries(delta)) {
        if (Array.isArray(value)) for (const item of value) add(((all[name] ??= [])[item.index ?? 0] ??= {}), item);
        else if (typeof value === "string" && /^(content|reasoning_content|arguments|text)$/.test(name))
            all[name] = (all[name] ?? "") + value;
        else if (value && typeof value === "object") add((all[name] ??= {}), value);
        else if (isTelling(value)) all[name] = value;
    }
    return all;
}

async function gather(stream) {
    const all = {};
    for await (const chunk of stream) add(all, chunk);
    return all;
}

// `ask.plain` and `ask.stream` give what a client got. Whichever of them is asked for first, both come from the cache
// then, each as the upstream would have said it.
function sameInBothForms(what, ask) {
    const forms = Object.keys(ask);
    for (const first of forms)
        test(`${what}: asked ${first} first`, async (t) => {
            cached.space = t.fullName;
            const expected = {};
            for (const form of forms) expected[form] = withoutIds(await ask[form](direct));
            const { ids } = expected[first];
            for (const [form, from] of [[first, "miss"], ...forms.map((form) => [form, "hit-memory"])]) {
                const got = withoutIds(await ask[form](cached));
                assert.deepEqual(got, { said: expected[form].said, ids }, `${form}, ${from}`);
                assert.equal(cached.from, from);
            }
        });
}

// ---- openai ----

const model = "deepseek-flash";
const messages = [{ role: "user", content: "Say something." }];
const thinking = { type: "enabled" };
const parameters = { type: "object", properties: { city: { type: "string" } } };
const weather = {
    tools: [{ type: "function", function: { name: "get_weather", parameters } }],
    tool_choice: "required",
};

describe("openai: chat completions", () => {
    const questions = {
        "an answer": { thinking: { type: "disabled" } },
        reasoning: { thinking },
        "a tool call": { ...weather, thinking: { type: "disabled" } },
        "two tool calls after reasoning": { ...weather, thinking, model: `${model}@tool-call=2` },
        "a JSON object": { response_format: { type: "json_object" }, messages: [{ role: "user", content: "JSON" }] },
        "log probabilities": { logprobs: true, top_logprobs: 2, thinking: { type: "disabled" } },
        "an answer that is cut by its length": { max_tokens: 3, thinking: { type: "disabled" } },
        "usage in an event of its own": { model: `${model}@usage-separate` },
    };
    for (const [what, question] of Object.entries(questions)) {
        const body = { model, messages, ...question };
        const asStream = { ...body, stream: true, stream_options: { include_usage: true } };
        sameInBothForms(what, {
            plain: ({ openai }) => openai.chat.completions.create(body),
            stream: async ({ openai }) => gather(await openai.chat.completions.create(asStream)),
        });
    }

    test("who has not asked for the usage gets no event for it", async (t) => {
        cached.space = t.fullName;
        const body = { model: `${model}@usage-separate`, messages };
        await cached.openai.chat.completions.create(body);
        for await (const chunk of await cached.openai.chat.completions.create({ ...body, stream: true }))
            assert.equal(chunk.choices.length, 1);
        assert.equal(cached.from, "hit-memory");
    });

    test("the library's own way to put a stream together", async (t) => {
        cached.space = t.fullName;
        const body = { model, messages, ...weather };
        const plain = await cached.openai.chat.completions.create(body);
        const final = await cached.openai.chat.completions.stream(body).finalChatCompletion();
        assert.equal(cached.from, "hit-memory");
        assert.equal(final.choices[0].finish_reason, plain.choices[0].finish_reason);
        const called = ({ choices }) => choices[0].message.tool_calls.map((call) => [call.id, call.function.arguments]);
        assert.deepEqual(called(final), called(plain));
    });
});

describe("openai: other endpoints", () => {
    const fim = { model, prompt: "def fib(n):", suffix: "return n", max_tokens: 32 };
    const asStream = { ...fim, stream: true, stream_options: { include_usage: true } };
    sameInBothForms("completions", {
        plain: ({ beta }) => beta.completions.create(fim),
        stream: async ({ beta }) => gather(await beta.completions.create(asStream)),
    });

    for (const encoding_format of ["float", "base64"])
        sameInBothForms(`embeddings as ${encoding_format}`, {
            plain: ({ openai }) =>
                openai.embeddings.create({ model, input: ["one", "two"], dimensions: 8, encoding_format }),
        });

    for (const [what, question] of Object.entries({ "an answer": {}, reasoning: { reasoning: { effort: "high" } } })) {
        const body = { model, input: "Say something.", ...question };
        sameInBothForms(`responses: ${what}`, {
            plain: ({ openai }) => openai.responses.create(body),
            async stream({ openai }) {
                const events = [];
                for await (const event of await openai.responses.create({ ...body, stream: true })) events.push(event);
                const deltas = events.filter(({ type }) => type.endsWith(".delta"));
                return {
                    order: inTurn(events.map(({ type }) => type)),
                    said: deltas.map(({ delta }) => delta).join(""),
                    response: events.at(-1).response,
                };
            },
        });
    }
});

// ---- @anthropic-ai/sdk ----

describe("@anthropic-ai/sdk", () => {
    const questions = {
        "an answer": { thinking: { type: "disabled" } },
        thinking: { thinking: { type: "enabled", budget_tokens: 1024 } },
        "a tool call": { tools: [{ name: "get_weather", input_schema: parameters }], tool_choice: { type: "any" } },
    };
    for (const [what, question] of Object.entries(questions)) {
        const body = { model, messages, max_tokens: 256, ...question };
        sameInBothForms(what, {
            plain: ({ anthropic }) => anthropic.messages.create(body),
            async stream({ anthropic }) {
                const order = [];
                const stream = anthropic.messages.stream(body);
                stream.on("streamEvent", ({ type, delta }) => order.push(`${type} ${delta?.type ?? ""}`));
                return { final: await stream.finalMessage(), order: inTurn(order) };
            },
        });
    }
});

// ---- @ai-sdk/deepseek ----

describe("@ai-sdk/deepseek", () => {
    const off = { deepseek: { thinking: { type: "disabled" } } };
    const tools = { get_weather: tool({ description: "The weather", inputSchema: z.object({ city: z.string() }) }) };
    const questions = {
        "an answer": { providerOptions: off },
        reasoning: {},
        "a tool call": { tools, toolChoice: "required", providerOptions: off },
    };
    const called = ({ toolCallId, toolName, input }) => ({ id: toolCallId, toolName, input });
    for (const [what, question] of Object.entries(questions)) {
        const ask = ({ deepseek }) => ({
            model: deepseek(model),
            prompt: "Say something.",
            maxRetries: 0,
            ...question,
        });
        sameInBothForms(what, {
            async plain(clients) {
                const { text, reasoningText, toolCalls, finishReason, usage } = await generateText(ask(clients));
                return { text, reasoningText, calls: toolCalls.map(called), finishReason, usage };
            },
            async stream(clients) {
                const parts = [];
                for await (const part of streamText({ onError() {}, ...ask(clients) }).fullStream) parts.push(part);
                const all = (type, value) => parts.filter((part) => part.type === type).map(value);
                return {
                    order: inTurn(parts.map(({ type }) => type)),
                    text: all("text-delta", ({ text }) => text).join(""),
                    reasoning: all("reasoning-delta", ({ text }) => text).join(""),
                    calls: all("tool-call", called),
                    end: all("finish", ({ finishReason, totalUsage }) => ({ finishReason, totalUsage })),
                };
            },
        });
    }
});
