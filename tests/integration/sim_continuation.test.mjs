// A cut answer goes on at another dsgate-sim, in each dialect's own way; choices and logprobs, plain and streamed.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { chat, chunks, events, joined, startSimulator, url, user } from "./harness/sim_client.mjs";

// With this seed the text has quotes, line breaks, Chinese and emoji. Nothing is remembered, so usage stays the same.
const OPTIONS = ["--tokens", "60", "--seed", "4", "--prefix-cache", "0"];

// ---- two simulators that share nothing but the seed ----

function twoOf(...options) {
    const pair = {};
    before(async () => {
        pair.first = await startSimulator(...OPTIONS, ...options);
        pair.second = await startSimulator(...OPTIONS, ...options);
    });
    after(() => Promise.all([pair.first.stop(), pair.second.stop()]));
    return pair;
}

const ask = (sim, where, body) =>
    fetch(url(where, sim.port), {
        method: "POST",
        headers: { authorization: "Bearer sk-test" },
        body: JSON.stringify(body),
    });
const plain = async (sim, where, body) => (await ask(sim, where, body)).json();
const stream = async (sim, where, body) => {
    const text = await (
        await ask(sim, where, { ...body, stream: true, stream_options: { include_usage: true } })
    ).text();
    assert.equal(events(text).at(-1), "[DONE]");
    return chunks(text);
};
const usageOf = (list) => list.at(-1).usage;
const finishOf = (list) => list.map((c) => c.choices[0]?.finish_reason).filter(Boolean);

// The pieces of one text as they were streamed, so that cuts lie where a broken stream's would.
const pieces = (list, field) => list.map((c) => c.choices[0]?.delta?.[field] ?? c.choices[0]?.[field]).filter(Boolean);

const behind = (content, more = {}) => [...user("Hello"), { role: "assistant", content, ...more }];
const CUTS = [1, 7, 30, 59, 60];

// A stream's first `cut` pieces, then what goes on from them: the same text, and usage that adds up.
async function goesOn(pair, { where = "/v1/chat/completions", goOnAt = where, field = "content", body, goOn }) {
    const whole = await stream(pair.first, where, body);
    const texts = pieces(whole, field);
    assert.equal(texts.length, 60);
    for (const cut of CUTS) {
        const given = texts.slice(0, cut).join("");
        const rest = await stream(pair.second, goOnAt, goOn(given));
        assert.deepEqual(pieces(rest, field), texts.slice(cut));
        assert.deepEqual(finishOf(rest), ["stop"]);
        assert.equal(usageOf(rest).completion_tokens, 60 - cut);
        assert.equal(usageOf(rest).prompt_tokens, usageOf(whole).prompt_tokens + cut);
        const answer = await plain(pair.second, goOnAt, goOn(given));
        assert.equal(answer.choices[0].message?.content ?? answer.choices[0].text, texts.slice(cut).join(""));
        assert.deepEqual(answer.usage, usageOf(rest));
    }
    return texts.join("");
}

// ---- each dialect ----

describe("deepseek", () => {
    const pair = twoOf();
    const beta = "/beta/chat/completions";

    test("prefix:true below /beta, and the text is a hard one", async () => {
        const text = await goesOn(pair, {
            where: "/chat/completions",
            goOnAt: beta,
            body: chat({ max_tokens: 1000 }),
            goOn: (given) => chat({ messages: behind(given, { prefix: true }) }),
        });
        for (const hard of ['"', "\n", /[一-龥]/u, /\p{Emoji_Presentation}/u])
            assert.ok(text.match(hard), `${hard} in ${text}`);
    });

    test("reasoning goes on, then comes the content", async () => {
        const whole = await stream(pair.first, "/chat/completions", chat());
        const thoughts = pieces(whole, "reasoning_content");
        for (const cut of [1, 13, thoughts.length]) {
            const given = thoughts.slice(0, cut).join("");
            const messages = behind("", { reasoning_content: given, prefix: true });
            const rest = await stream(pair.second, beta, chat({ messages }));
            assert.deepEqual(pieces(rest, "reasoning_content"), thoughts.slice(cut));
            assert.equal(joined(rest.slice(0, -1), "content"), joined(whole.slice(0, -1), "content"));
            assert.equal(usageOf(rest).prompt_tokens, usageOf(whole).prompt_tokens + cut);
            assert.equal(usageOf(rest).completion_tokens, usageOf(whole).completion_tokens - cut);
        }
    });

    test("reasoning and a part of the content", async () => {
        const { choices, usage } = await plain(pair.first, "/chat/completions", chat());
        const { content, reasoning_content } = choices[0].message;
        const given = content.slice(0, content.indexOf(" ", 50));
        const messages = behind(given, { reasoning_content, prefix: true });
        const rest = await plain(pair.second, beta, chat({ messages }));
        assert.equal(given + rest.choices[0].message.content, content);
        assert.equal(rest.choices[0].message.reasoning_content, "");
        assert.equal(rest.usage.prompt_tokens + rest.usage.completion_tokens, usage.total_tokens);
    });

    test("a prompt that is longer by the completion so far", async () => {
        for (const where of ["/completions", "/beta/completions"])
            await goesOn(pair, {
                where,
                field: "text",
                body: { model: "deepseek-flash", prompt: 'def "größe"(\n' },
                goOn: (given) => ({ model: "deepseek-flash", prompt: `def "größe"(\n${given}` }),
            });
    });

    test("prefix:true elsewhere is refused; others' ways are ignored", async () => {
        const refused = await ask(
            pair.first,
            "/v1/chat/completions",
            chat({ messages: behind("x", { prefix: true }) }),
        );
        assert.equal(refused.status, 400);
        assert.match((await refused.json()).error.message, /^prefix is only available when using beta api/);
        const text = async (more) =>
            (await plain(pair.first, "/chat/completions", chat(more))).choices[0].message.content;
        const whole = await text({});
        assert.equal(await text({ prefix: whole.slice(0, 9) }), whole);
        assert.equal(
            await text({ messages: behind("x"), continue_final_message: true, add_generation_prompt: false }),
            await text({ messages: behind("x") }),
        );
    });
});

describe("huawei", () => {
    const pair = twoOf("--dialect", "huawei");
    test("prefix:true at the usual path", () =>
        goesOn(pair, { body: chat(), goOn: (given) => chat({ messages: behind(given, { prefix: true }) }) }));
    test("errors in its shape", async () =>
        assert.deepEqual(await plain(pair.first, "/chat/completions", chat({ model: "gpt-4" })), {
            error_code: "ModelArts.81001",
            error_msg: "Model Not Exist",
        }));
});

describe("siliconflow", () => {
    const pair = twoOf("--dialect", "siliconflow");
    test("errors are flat, under 200, too", async () => {
        const busy = { code: 50508, message: /^Service is too busy/, data: null };
        for (const scenario of ["busy", "error-mid-stream"]) {
            const body = await plain(pair.first, "/chat/completions", chat({ model: `sim:${scenario}` }));
            assert.deepEqual({ ...body, message: busy.message }, busy);
            assert.match(body.message, busy.message);
        }
    });
    test("a top-level prefix", () => goesOn(pair, { body: chat(), goOn: (prefix) => chat({ prefix }) }));
});

describe("vllm", () => {
    const pair = twoOf("--dialect", "vllm");
    const goOn = { continue_final_message: true, add_generation_prompt: false };
    test("continue_final_message; `reasoning`; usage on a chunk of its own", async () => {
        await goesOn(pair, { body: chat(), goOn: (given) => chat({ messages: behind(given), ...goOn }) });
        const list = await stream(pair.first, "/v1/chat/completions", chat());
        assert.ok(joined(list, "reasoning").length > 0);
        assert.deepEqual(list.at(-1).choices, []);
    });
    test("errors have integers as codes, in a stream, too", async () => {
        const text = await (
            await ask(pair.first, "/v1/chat/completions", chat({ model: "sim:error-mid-stream", stream: true }))
        ).text();
        assert.equal(chunks(text).at(-1).error.code, 503);
        assert.equal((await plain(pair.first, "/v1/chat/completions", chat({ model: "sim:busy" }))).error.code, 503);
    });
    test("not with a generation prompt", async () => {
        const answer = await ask(
            pair.first,
            "/v1/chat/completions",
            chat({ messages: behind("x"), continue_final_message: true }),
        );
        assert.equal(answer.status, 400);
        const { error } = await answer.json();
        assert.match(error.message, /^Cannot set both `continue_final_message`/);
        assert.equal(error.code, 400);
    });
});

describe("sglang", () => {
    const pair = twoOf("--dialect", "sglang");
    test("continue_final_message", () =>
        goesOn(pair, {
            body: chat(),
            goOn: (given) => chat({ messages: behind(given), continue_final_message: true }),
        }));
});

describe("llamacpp", () => {
    const pair = twoOf("--dialect", "llamacpp");
    const thinking = { type: "disabled" };
    test("a last assistant message, while not thinking", async () => {
        await goesOn(pair, {
            body: chat({ thinking }),
            goOn: (given) => chat({ thinking, messages: behind(given) }),
        });
        const refused = await ask(pair.first, "/v1/chat/completions", chat({ messages: behind("x") }));
        assert.equal(refused.status, 400);
        assert.match((await refused.json()).error.message, /prefill is incompatible with enable_thinking/);
    });
});

describe("ollama", () => {
    const pair = twoOf("--dialect", "ollama");
    test("goes on from nothing", async () => {
        const whole = (await plain(pair.first, "/v1/chat/completions", chat())).choices[0].message;
        assert.ok(whole.reasoning.length > 0);
        const messages = behind(whole.content.slice(0, 20), { prefix: true });
        const other = await plain(pair.first, "/v1/chat/completions", chat({ messages }));
        assert.ok(!whole.content.endsWith(other.choices[0].message.content));
    });
});

// ---- choices and logprobs ----

describe("choices and logprobs", () => {
    const pair = twoOf();

    // Puts a stream together as its plain answer would look.
    function assembled(list, n) {
        return Array.from({ length: n }, (_, index) => {
            const own = list.flatMap((c) => c.choices).filter((c) => c.index === index);
            const text = (field) => own.map((c) => c.delta[field] ?? "").join("");
            const tokens = (field) => own.flatMap((c) => c.logprobs?.[field] ?? []);
            return {
                index,
                message: { role: "assistant", content: text("content"), reasoning_content: text("reasoning_content") },
                logprobs: { content: tokens("content"), reasoning_content: tokens("reasoning_content") },
                finish_reason: own.at(-1).finish_reason,
            };
        });
    }

    test("a stream and a plain answer say the same, choice by choice and token by token", async () => {
        const body = chat({ n: 3, logprobs: true, top_logprobs: 2 });
        const whole = await plain(pair.first, "/v1/chat/completions", body);
        const list = await stream(pair.second, "/v1/chat/completions", body);
        assert.deepEqual(assembled(list, 3), whole.choices);
        assert.deepEqual(usageOf(list), whole.usage);
        assert.equal(whole.usage.completion_tokens, 3 * 90);
        assert.equal(new Set(whole.choices.map((c) => c.message.content)).size, 3);
        assert.deepEqual(
            list.slice(0, 6).map((c) => c.choices[0].index),
            [0, 1, 2, 0, 1, 2],
        );
        for (const { message, logprobs } of whole.choices) {
            const bytes = (tokens) => Buffer.from(tokens.flatMap((t) => t.bytes)).toString();
            assert.equal(bytes(logprobs.content), message.content);
            assert.equal(bytes(logprobs.reasoning_content), message.reasoning_content);
            assert.ok(logprobs.content.every((t) => t.logprob < 0 && t.top_logprobs.length === 2));
        }
    });

    test("without thinking there is one list; top_logprobs may be empty", async () => {
        const body = chat({ logprobs: true, thinking: { type: "disabled" } });
        const { logprobs } = (await plain(pair.first, "/chat/completions", body)).choices[0];
        assert.deepEqual(Object.keys(logprobs), ["content"]);
        assert.deepEqual(Object.keys(logprobs.content[0]), ["token", "logprob", "bytes", "top_logprobs"]);
        assert.deepEqual(logprobs.content[0].top_logprobs, []);
    });

    test("calls of choices have ids of their own", async () => {
        const tools = [{ type: "function", function: { name: "f" } }];
        const body = chat({ n: 2, tools, tool_choice: "required" });
        const { choices } = await plain(pair.first, "/chat/completions", body);
        assert.notEqual(choices[0].message.tool_calls[0].id, choices[1].message.tool_calls[0].id);
        const list = await stream(pair.first, "/chat/completions", body);
        const ids = list
            .flatMap((c) => c.choices)
            .map((c) => c.delta.tool_calls?.[0].id)
            .filter(Boolean);
        assert.deepEqual(
            ids,
            choices.map((c) => c.message.tool_calls[0].id),
        );
    });
});
