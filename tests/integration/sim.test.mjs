// dsgate-sim tells the truth about DeepSeek's API. See also sim_scenarios and sim_control.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chat, chunks, events, joined, post, serveForTests, sim, streamOf, url, user } from "./harness/sim_client.mjs";

serveForTests();

describe("chat completions", () => {
    test("JSON has DeepSeek's shape and thinks by default", async () => {
        const answer = await post("/v1/chat/completions", chat());
        const body = await answer.json();
        assert.equal(answer.status, 200);
        assert.equal(answer.headers.get("content-type"), "application/json");
        assert.match(answer.headers.get("x-ds-trace-id"), /^[0-9a-f]{32}$/);
        assert.equal(answer.headers.get("x-request-id"), null);
        assert.deepEqual(Object.keys(body), [
            "id",
            "object",
            "created",
            "model",
            "system_fingerprint",
            "choices",
            "usage",
        ]);
        assert.equal(body.object, "chat.completion");
        assert.equal(body.created, 1764660903);
        assert.equal(body.choices[0].finish_reason, "stop");
        assert.ok(body.choices[0].message.reasoning_content.length > 0);
        assert.equal(body.usage.completion_tokens, 48);
        assert.equal(body.usage.completion_tokens_details.reasoning_tokens, 16);
        assert.equal(
            body.usage.prompt_cache_hit_tokens + body.usage.prompt_cache_miss_tokens,
            body.usage.prompt_tokens,
        );
    });

    test("the same request has the same bytes, on every path; another one has others", async () => {
        const bytes = async (where, body) => (await post(where, body)).text();
        const first = await bytes("/v1/chat/completions", chat());
        assert.equal(await bytes("/v1/chat/completions", chat()), first);
        assert.equal(await bytes("/chat/completions", chat()), first);
        assert.notEqual(await bytes("/chat/completions", chat({ messages: user("Good-bye") })), first);
    });

    test("a stream says the same as JSON: role, reasoning, content, finish with usage, [DONE]", async () => {
        const { answer, text } = await streamOf(chat());
        const list = chunks(text);
        const whole = (await (await post("/chat/completions", chat())).json()).choices[0].message;
        assert.equal(answer.headers.get("content-type"), "text/event-stream; charset=utf-8");
        assert.equal(events(text).at(-1), "[DONE]");
        assert.deepEqual(list[0].choices[0].delta, { role: "assistant", content: null, reasoning_content: "" });
        assert.equal(joined(list, "reasoning_content"), whole.reasoning_content);
        assert.equal(joined(list, "content"), whole.content);
        assert.equal(new Set(list.map((c) => `${c.id} ${c.created}`)).size, 1);
        assert.equal(list.at(-1).choices[0].finish_reason, "stop");
        assert.equal(list.at(-1).usage.completion_tokens, 48);
        assert.ok(list.slice(0, -1).every((c) => !("usage" in c)));
    });

    test("include_usage puts usage:null on the earlier chunks", async () => {
        const { text } = await streamOf(chat({ stream_options: { include_usage: true } }));
        const list = chunks(text);
        assert.ok(list.slice(0, -1).every((c) => c.usage === null));
        assert.equal(list.at(-1).usage.total_tokens, list.at(-1).usage.prompt_tokens + 48);
    });

    test("thinking can be turned off; max_tokens ends the answer with length", async () => {
        const body = await (
            await post("/chat/completions", chat({ thinking: { type: "disabled" }, max_tokens: 5 }))
        ).json();
        assert.equal(body.choices[0].message.reasoning_content, undefined);
        assert.equal(body.choices[0].finish_reason, "length");
        assert.equal(body.usage.completion_tokens, 5);
    });

    test("knobs in headers set length and pace", async () => {
        const answer = await post("/chat/completions", chat(), { "x-sim-tokens": "3" });
        assert.equal((await answer.json()).usage.completion_tokens, 5);
        const refused = await post("/chat/completions", chat(), { "x-sim-token-ms": "fast" });
        assert.equal(refused.status, 400);
        assert.match((await refused.json()).error.message, /x-sim-token-ms must be a number/);
    });

    test("the prefix cache hits in blocks of 64 tokens", async () => {
        const long = [{ role: "system", content: "a ".repeat(600) }];
        const usage = async (messages) => (await (await post("/chat/completions", chat({ messages }))).json()).usage;
        assert.equal((await usage([...long, ...user("one")])).prompt_cache_hit_tokens, 0);
        const second = await usage([...long, ...user("two, which is another question")]);
        assert.equal(second.prompt_cache_hit_tokens % 64, 0);
        assert.ok(second.prompt_cache_hit_tokens >= 256);
    });

    test("JSON mode answers JSON", async () => {
        const body = await (await post("/chat/completions", chat({ response_format: { type: "json_object" } }))).json();
        assert.equal(typeof JSON.parse(body.choices[0].message.content).answer, "string");
    });

    test("prefix:true goes on with the very answer that was cut", async () => {
        const whole = (await (await post("/beta/chat/completions", chat())).json()).choices[0].message.content;
        for (const cut of [1, 17, 40]) {
            const given = Array.from(whole).slice(0, cut).join("");
            const messages = [...user("Hello"), { role: "assistant", content: given, prefix: true }];
            const rest = (await (await post("/beta/chat/completions", chat({ messages }))).json()).choices[0].message;
            assert.equal(given + rest.content, whole);
        }
        const plain = await post(
            "/v1/chat/completions",
            chat({ messages: [...user("Hello"), { role: "assistant", content: "x", prefix: true }] }),
        );
        assert.equal(plain.status, 400);
    });
});

describe("tools", () => {
    const tools = [
        {
            type: "function",
            function: {
                name: "get_weather",
                parameters: {
                    type: "object",
                    properties: {
                        city: { type: "string" },
                        days: { type: "integer" },
                        unit: { type: "string", enum: ["C", "F"] },
                    },
                },
            },
        },
    ];

    test("arguments follow the schema, whole and streamed", async () => {
        const body = chat({ tools, messages: user("Please use tool") });
        const choice = (await (await post("/chat/completions", body)).json()).choices[0];
        const call = choice.message.tool_calls[0];
        const args = JSON.parse(call.function.arguments);
        assert.equal(choice.finish_reason, "tool_calls");
        assert.equal(call.function.name, "get_weather");
        assert.equal(typeof args.city, "string");
        assert.ok(Number.isInteger(args.days));
        assert.ok(["C", "F"].includes(args.unit));
        const list = chunks((await streamOf(body)).text)
            .map((c) => c.choices[0].delta.tool_calls?.[0])
            .filter(Boolean);
        assert.equal(list[0].function.name, "get_weather");
        assert.deepEqual(Object.keys(JSON.parse(list.map((t) => t.function.arguments).join(""))), [
            "city",
            "days",
            "unit",
        ]);
    });

    test("tool_choice: none calls nothing, required calls", async () => {
        const finish = async (tool_choice, content) =>
            (await (await post("/chat/completions", chat({ tools, tool_choice, messages: user(content) }))).json())
                .choices[0].finish_reason;
        assert.equal(await finish("none", "use tool"), "stop");
        assert.equal(await finish("auto", "Hello"), "stop");
        assert.equal(await finish("required", "Hello"), "tool_calls");
    });

    test("in thinking mode the reasoning of earlier calls must come back", async () => {
        const turn = (more) => [
            ...user("use tool"),
            {
                role: "assistant",
                content: "",
                tool_calls: [{ id: "a", type: "function", function: { name: "get_weather", arguments: "{}" } }],
                ...more,
            },
            { role: "tool", tool_call_id: "a", content: "sun" },
        ];
        const refused = await post("/chat/completions", chat({ tools, messages: turn({}) }));
        assert.equal(refused.status, 400);
        assert.match((await refused.json()).error.message, /reasoning_content/);
        assert.equal(
            (await post("/chat/completions", chat({ tools, messages: turn({ reasoning_content: "hm" }) }))).status,
            200,
        );
        assert.equal(
            (await post("/chat/completions", chat({ tools, thinking: { type: "disabled" }, messages: turn({}) })))
                .status,
            200,
        );
    });
});

describe("other endpoints", () => {
    test("FIM is a text_completion without thinking", async () => {
        const body = { model: "deepseek-v4-pro", prompt: "def f(", suffix: "return x" };
        const whole = await (await post("/beta/completions", body)).json();
        assert.equal(whole.object, "text_completion");
        assert.equal(whole.usage.completion_tokens, 32);
        const { text } = await streamOf(body, {}, "/beta/completions");
        assert.equal(
            chunks(text)
                .map((c) => c.choices[0].text)
                .join(""),
            whole.choices[0].text,
        );
        assert.equal(events(text).at(-1), "[DONE]");
        assert.equal((await post("/beta/completions", { ...body, max_tokens: 4097 })).status, 400);
    });

    test("models and balance", async () => {
        const get = async (where) => fetch(url(where), { headers: { authorization: "Bearer k" } });
        const models = await (await get("/models")).json();
        assert.deepEqual(
            models.data.map((m) => m.id),
            ["deepseek-flash", "deepseek-v4-flash", "deepseek-v4-pro"],
        );
        assert.equal((await (await get("/v1/models/deepseek-v4-pro")).json()).owned_by, "deepseek");
        assert.equal((await get("/models/gpt-4")).status, 404);
        assert.equal((await (await get("/user/balance")).json()).balance_infos[0].total_balance, "110.00");
    });

    test("Anthropic messages: blocks open, fill and close in order", async () => {
        const body = {
            model: "deepseek-flash",
            max_tokens: 1000,
            messages: user("use tool"),
            tools: [{ name: "now", input_schema: { type: "object", properties: { zone: { type: "string" } } } }],
        };
        const headers = { authorization: "", "x-api-key": "sk-test" };
        const { text } = await streamOf(body, headers, "/anthropic/v1/messages");
        const list = chunks(text);
        assert.deepEqual(
            [...new Set(list.map((e) => e.type))],
            [
                "message_start",
                "content_block_start",
                "content_block_delta",
                "content_block_stop",
                "message_delta",
                "message_stop",
            ],
        );
        const starts = list.filter((e) => e.type === "content_block_start");
        assert.deepEqual(
            starts.map((e) => [e.index, e.content_block.type]),
            [
                [0, "thinking"],
                [1, "tool_use"],
            ],
        );
        const input = list
            .filter((e) => e.delta?.type === "input_json_delta")
            .map((e) => e.delta.partial_json)
            .join("");
        const whole = await (await post("/anthropic/v1/messages", body, headers)).json();
        assert.equal(list.find((e) => e.type === "message_delta").delta.stop_reason, "tool_use");
        assert.deepEqual(Object.keys(JSON.parse(input)), Object.keys(whole.content[1].input));
        assert.equal(whole.stop_reason, "tool_use");
    });

    test("Responses: numbered events, ending with response.completed and no [DONE]", async () => {
        const body = { model: "deepseek-flash", input: "Hello" };
        const { text } = await streamOf(body, {}, "/responses");
        const list = chunks(text);
        assert.ok(!text.includes("[DONE]"));
        assert.deepEqual(
            list.map((e) => e.sequence_number),
            list.map((_, i) => i),
        );
        assert.equal(list.at(-1).type, "response.completed");
        const message = list.at(-1).response.output.find((o) => o.type === "message").content[0].text;
        assert.equal(
            list
                .filter((e) => e.type === "response.output_text.delta")
                .map((e) => e.delta)
                .join(""),
            message,
        );
        const cut = await (await post("/responses", { ...body, max_output_tokens: 3 })).json();
        assert.equal(cut.status, "incomplete");
        assert.equal(cut.incomplete_details.reason, "max_output_tokens");
    });

    test("embeddings: equal inputs, equal vectors, as floats and as base64", async () => {
        const vectors = async (more) =>
            (await (await post("/v1/embeddings", { model: "any", ...more })).json()).data.map((d) => d.embedding);
        const [a, b, c] = await vectors({ input: ["x", "y", "x"], dimensions: 4 });
        assert.equal(a.length, 4);
        assert.deepEqual(a, c);
        assert.notDeepEqual(a, b);
        const [packed] = await vectors({ input: "x", dimensions: 4, encoding_format: "base64" });
        assert.ok(Math.abs(Buffer.from(packed, "base64").readFloatLE(0) - a[0]) < 1e-5);
    });
});

describe("refusals", () => {
    const refusals = [
        [
            "an invalid key",
            chat(),
            { authorization: "Bearer sk-invalid-0000" },
            401,
            "Authentication Fails, Your api key: ****0000 is invalid",
            "authentication_error",
        ],
        ["no balance", chat(), { authorization: "Bearer sk-broke" }, 402, "Insufficient Balance", "unknown_error"],
        ["an unknown model", chat({ model: "gpt-4" }), {}, 400, "Model Not Exist"],
        [
            "stream_options without stream",
            chat({ stream_options: {} }),
            {},
            400,
            "stream_options should be set along with stream = true",
        ],
        [
            "no messages",
            { model: "deepseek-flash" },
            {},
            422,
            /^Failed to deserialize the JSON body into the target type: missing field `messages` at line 1 column 26$/,
        ],
        [
            "the role developer",
            chat({ messages: [{ role: "developer", content: "x" }] }),
            {},
            422,
            /messages\[0\]\.role: unknown variant `developer`/,
        ],
        ["no JSON", '{"model":', {}, 400, /^Failed to parse the request body as JSON: /],
        [
            "max_tokens of 0",
            chat({ max_tokens: 0 }),
            {},
            400,
            "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]",
        ],
        ["max_tokens above the bound", chat({ max_tokens: 393217 }), {}, 400, /Invalid max_tokens/],
        ["17 stops", chat({ stop: Array(17).fill("x") }), {}, 400, /at most 16 stop/],
        ["a long user_id", chat({ user_id: "x".repeat(513) }), {}, 400, /user_id is 512/],
        ["a wild temperature", chat({ temperature: 3 }), {}, 400, /temperature is \[0, 2\.0\]/],
        [
            "an unknown scenario",
            chat({ model: "sim:bussy" }),
            {},
            400,
            /there is no scenario 'bussy'.*did you mean 'busy'/,
        ],
    ];
    for (const [name, body, headers, status, message, type = "invalid_request_error"] of refusals) {
        test(name, async () => {
            const answer = await post("/v1/chat/completions", body, headers);
            const { error } = await answer.json();
            assert.equal(answer.status, status);
            (message instanceof RegExp ? assert.match : assert.equal)(error.message, message);
            assert.equal(error.type, type);
            assert.equal(error.param, null);
        });
    }

    test("without a key: plain text", async () => {
        const answer = await fetch(url("/models"));
        assert.equal(answer.status, 401);
        assert.match(answer.headers.get("content-type"), /^text\/plain/);
        assert.equal(await answer.text(), "Authentication Fails (governor)");
    });

    test("unknown paths and methods", async () => {
        assert.equal((await post("/v1/chat", chat())).status, 404);
        assert.equal(
            (await fetch(url("/v1/chat/completions"), { headers: { authorization: "Bearer k" } })).status,
            405,
        );
    });
});
