// dsgate-sim's control endpoints and command line.
import assert from "node:assert/strict";
import net from "node:net";
import { describe, test } from "node:test";
import { Program, eventually } from "./harness.mjs";
import {
    ask,
    chat,
    control,
    exchange,
    post,
    rawRequest,
    runToEnd,
    serveForTests,
    sim,
    startSimulator,
    streamOf,
    url,
    user,
} from "./harness/sim_client.mjs";

serveForTests();

describe("control", () => {
    test("scenarios by model, by path and for a count", async () => {
        const status = async (model = "deepseek-flash") => (await post("/chat/completions", chat({ model }))).status;
        await control("scenario", { scenario: "busy", model: "deepseek-flash" });
        assert.deepEqual([await status(), await status("deepseek-v4-pro")], [503, 200]);
        await control("scenario", { scenario: "500", count: 1 });
        assert.deepEqual([await status("deepseek-v4-pro"), await status("deepseek-v4-pro")], [500, 200]);
        await control("scenario", { scenario: "502", path: "/models" });
        assert.equal((await fetch(url("/v1/models"), { headers: { authorization: "Bearer k" } })).status, 502);
        assert.equal((await ask("scenario")).length, 2);
        await control("reset");
        assert.equal(await status(), 200);
    });

    test("mistakes are explained", async () => {
        const message = async (what, body) => (await control(what, body)).body.error.message;
        assert.match(
            await message("scenario", { scenario: "eof@mid-contend" }),
            /no position 'mid-contend'; did you mean 'mid-content'/,
        );
        assert.match(
            await message("scenario", { scenari: "busy" }),
            /no member 'scenari' here; did you mean 'scenario'/,
        );
        assert.match(await message("scenario", {}), /'scenario' is missing/);
        assert.match(await message("limit", {}), /did you mean '\/_sim\/limits'/);
    });

    test("the concurrency limit gives the true 429, and room again when a stream ends", async () => {
        await control("limits", { concurrency: 2 });
        const leave = new AbortController();
        const hold = [1, 2].map(() =>
            fetch(url("/chat/completions"), {
                method: "POST",
                signal: leave.signal,
                headers: { authorization: "Bearer a" },
                body: JSON.stringify(chat({ model: "deepseek-flash@stall@first-event", stream: true })),
            }),
        );
        await Promise.all(hold);
        const refused = await post("/chat/completions", chat(), { authorization: "Bearer a" });
        const { error } = await refused.json();
        assert.equal(refused.status, 429);
        assert.match(
            error.message,
            /^Too many requests\. Your current concurrency is 3, which exceeds your concurrency limit of 2/,
        );
        assert.equal(error.type, "rate_limit_error");
        assert.equal(refused.headers.get("retry-after"), null);
        assert.equal((await post("/chat/completions", chat(), { authorization: "Bearer b" })).status, 200);
        leave.abort();
        while ((await ask("stats")).open_answers !== 0);
        assert.equal((await post("/chat/completions", chat(), { authorization: "Bearer a" })).status, 200);
    });

    test("a mix gives each part its share, by one draw a request", async () => {
        const spec = "ratio=0.3+500|ratio=0.2+501|fail-first=2+502";
        assert.equal((await control("scenario", { scenario: spec })).status, 200);
        const counts = {};
        for (let i = 0; i < 400; i++) {
            const { status } = await post("/chat/completions", chat());
            counts[status] = (counts[status] ?? 0) + 1;
        }
        assert.ok(counts[500] > 90 && counts[500] < 150, JSON.stringify(counts));
        assert.ok(counts[501] > 50 && counts[501] < 110, JSON.stringify(counts));
        assert.equal(counts[502], 2);
        assert.equal(counts[500] + counts[501] + counts[502] + counts[200], 400);
        assert.deepEqual(
            (await ask("stats")).statuses,
            Object.fromEntries(Object.entries(counts).sort()),
        );
    });

    test("@random cuts the same request elsewhere each time, and the same after a reset", async () => {
        const lengths = async () => {
            const list = [];
            for (let i = 0; i < 12; i++)
                list.push((await streamOf(chat(), { "x-sim-scenario": "end@random" })).text.split("data: ").length);
            return list;
        };
        const first = await lengths();
        assert.ok(new Set(first).size > 5, first.join());
        await control("reset");
        assert.deepEqual(await lengths(), first);
    });

    test("statistics: whole answers, answers by status, tokens, also of what the client broke off", async () => {
        await post("/chat/completions", chat()).then((a) => a.text());
        await post("/chat/completions", chat({ model: "sim:eof@mid-content", stream: true }))
            .then((a) => a.text())
            .catch(() => {});
        await post("/chat/completions", chat({ model: "sim:exhausted" })).then((a) => a.text());
        await post("/chat/completions", chat({ model: "sim:busy" })).then((a) => a.text());
        let stats = await ask("stats");
        assert.deepEqual(stats.statuses, { 200: 3, 503: 1 });
        assert.equal(stats.complete, 1);
        assert.equal(stats.finished, 3);
        assert.equal(stats.tokens, 48 + (16 + 16) + (16 + 16));
        assert.equal(stats.open_answers, 0);

        await exchange(
            rawRequest(chat({ model: "deepseek-flash@stall@mid-content", stream: true })),
            (raw) => raw.split("data: ").length > 1 + 32,
        );
        stats = await eventually("the client's leaving is noticed", async () => {
            const now = await ask("stats");
            return now.open_answers === 0 && now;
        });
        assert.equal(stats.aborted_by_client, 1);
        assert.equal(stats.tokens, 48 + 32 + 32 + 32);
    });

    test("a plain answer that the client does not wait for was generated in part", async () => {
        const began = performance.now();
        const waited = () => performance.now() - began;
        const socket = net.connect(sim.port, "127.0.0.1");
        socket.write(rawRequest(chat(), { "x-sim-token-ms": "1", "x-sim-tokens": "100000" }));
        await eventually("it has waited", async () => (await ask("stats")).open_answers === 1 && waited() > 50);
        socket.destroy();
        const { tokens } = await eventually("the client's leaving is noticed", async () => {
            const now = await ask("stats");
            return now.aborted_by_client === 1 && now;
        });
        assert.ok(tokens > 0 && tokens <= waited(), `${tokens} tokens in ${waited()} ms`);
    });

    test("the last request is kept to the byte", async () => {
        const body =
            '{ "model":"deepseek-flash",\t"messages":[{"role":"user","content":"\\u00e4 ä 🚀"}], "x_unknown": 1.50 }';
        const lines = [
            "POST /v1/chat/completions?x=%20 HTTP/1.1",
            "Host: sim",
            "authorization:Bearer  k ",
            "X-Odd:  two",
            "X-Odd: three",
            `Content-Length: ${Buffer.byteLength(body)}`,
            "Connection: close",
        ];
        const request = `${lines.join("\r\n")}\r\n\r\n`;
        await exchange(request + body);
        const last = await ask("last");
        assert.equal(Buffer.from(last.head_base64, "base64").toString(), request);
        assert.equal(Buffer.from(last.body_base64, "base64").toString(), body);
        const stats = await ask("stats");
        assert.equal(stats.requests, 1);
        assert.deepEqual(
            stats.last.headers.filter(([n]) => n === "x-odd"),
            [
                ["x-odd", "two"],
                ["x-odd", "three"],
            ],
        );
        assert.equal(stats.last.body_bytes, Buffer.byteLength(body));
    });
});

// ---- the command line ----

describe("command line", () => {
    test("help, version and the list of scenarios", async () => {
        assert.match((await runToEnd("--version")).stdout, /^dsgate-sim \d+\.\d+\.\d+\n$/);
        assert.match((await runToEnd("--help")).stdout, /^usage: dsgate-sim /);
        const { code, stdout } = await runToEnd("--list-scenarios");
        assert.equal(code, 0);
        for (const name of ["busy", "drip=N", "eof@POSITION", "ratio=P"])
            assert.match(stdout, new RegExp(`^${name} +\\S`, "m"));
    });

    test("every listed scenario can be asked for", async () => {
        for (const { scenario } of await ask("scenarios")) {
            const spec = scenario.replace("@POSITION", "@mid-content").replace(/=[A-Z]+/, "=1");
            const { status, body } = await control("scenario", { scenario: spec, path: "/nowhere" });
            assert.equal(status, 200, `${spec}: ${JSON.stringify(body)}`);
        }
    });

    const mistakes = [
        [["--scenario", "bussy"], /did you mean 'busy'/],
        [["--tokens", "x"], /--tokens takes a number/],
        [["extra"], /'extra' is no option/],
        [["--tls-cert", "x"], /belong together/],
        [["--dialect", "vlm"], /there is no dialect 'vlm'; did you mean 'vllm'/],
        [["--scenario", "busy|eof"], /never met/],
        [["--model-scenario", "busy"], /MODEL=SPEC/],
    ];
    for (const [options, complaint] of mistakes) {
        test(`${options.join(" ")} is refused with status 2`, async () => {
            const { code, stderr } = await runToEnd(...options);
            assert.equal(code, 2);
            assert.match(stderr, complaint);
        });
    }

    test("port 0 is any free one, and it is told which", async () => {
        const other = new Program("dsgate-sim", ["--listen", "127.0.0.1:0"]);
        const [, port] = await eventually("it tells", () => other.stdout.match(/listens on 127\.0\.0\.1:(\d+)/));
        assert.equal((await fetch(url("/_sim/stats", port))).status, 200);
        other.signal("SIGTERM");
        assert.deepEqual(await other.exit(), { code: 0, signal: null });
    });

    test("a port that is taken is an error", async () => {
        const { code, stderr } = await runToEnd("--listen", `127.0.0.1:${sim.port}`);
        assert.equal(code, 1);
        assert.match(stderr, new RegExp(String(sim.port)));
    });

    test("several workers share models, keys, scenarios", async () => {
        const other = await startSimulator(
            "--workers",
            "3",
            "--key",
            "only",
            "--model",
            "mine",
            "--model-scenario",
            "mine=busy",
        );
        const status = async (key, model) =>
            (
                await fetch(url("/chat/completions", other.port), {
                    method: "POST",
                    headers: { authorization: `Bearer ${key}`, connection: "close" },
                    body: JSON.stringify(chat({ model })),
                })
            ).status;
        for (let i = 0; i < 6; i++) assert.equal(await status("only", "mine"), 503);
        assert.equal(await status("only", "deepseek-flash"), 200);
        assert.equal(await status("another", "deepseek-flash"), 401);
        await other.stop();
    });
});
