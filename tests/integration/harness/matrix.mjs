// Plays the cells of the matrix: asks, reads what came, and compares it with what the model says.
import assert from "node:assert/strict";
import http from "node:http";
import { KINDS } from "./matrix_model.mjs";

// ---- a client that notices everything ----

const SILENCE_MS = 60_000;

const agent = new http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

// {status, headers, text, cut}; `cut`: the connection ended before the answer did.
export function post(url, body, headers = {}) {
    const bytes = Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
        const options = { method: "POST", agent, headers: { "Content-Length": bytes.length, ...headers } };
        const request = http.request(url, options, (response) => {
            const pieces = [];
            const done = (cut) => {
                const text = Buffer.concat(pieces).toString("utf8");
                resolve({ status: response.statusCode, headers: response.headers, text, cut });
            };
            response.on("data", (piece) => pieces.push(piece));
            response.on("end", () => done(false));
            response.on("error", () => done(true));
        });
        request.setTimeout(SILENCE_MS, () => request.destroy(new Error(`silent for ${SILENCE_MS} ms`)));
        request.on("error", reject);
        request.end(bytes);
    });
}

export const pathOf = (cell) => KINDS[cell.kind].path ?? "/v1/chat/completions";

export function bodyOf(cell) {
    const stream = cell.way === "stream" && { stream: true, stream_options: { include_usage: true } };
    return { model: cell.model, ...KINDS[cell.kind].body, ...stream };
}

// So many at a time, in order.
export async function inFlight(most, list, run) {
    const waiting = list.values();
    const worker = async () => {
        for (const item of waiting) await run(item);
    };
    await Promise.all(Array.from({ length: Math.min(most, list.length) }, worker));
}

// ---- what the simulator says itself ----

// The answer to the same request without the gateway, and without the fault, or with one that is harmless. Answers
// depend on the request alone.
function ask(simulator, cell, scenario) {
    const headers = { Authorization: "Bearer sk-reference", "x-sim-scenario": scenario };
    return post(simulator.url + pathOf(cell), bodyOf(cell), headers);
}

// ---- what came ----

// Two long texts whose difference can be read.
function assertSame(got, wanted) {
    if (got === wanted) return;
    let at = 0;
    while (got[at] === wanted[at]) at++;
    const near = (text) => JSON.stringify(text.slice(Math.max(0, at - 60), at + 100));
    assert.fail(`at ${at} of ${got.length} (${wanted.length}): ${near(got)} for ${near(wanted)}`);
}

const eventsOf = (text) =>
    text
        .split("\n\n")
        .map((event) => event.replace(/^(:.*)?\n/gm, ""))
        .filter((event) => event && !event.startsWith(":"));

const DONE = "data: [DONE]";

// A stream without signs of life.
const spoken = (text) => eventsOf(text).join("\n\n");

const joined = (chunks, member) =>
    chunks.map(({ choices: [choice] }) => (member === "text" ? choice?.text : choice?.delta?.[member]) ?? "").join("");

const MEMBERS = ["content", "reasoning_content", "text"];

const parse = (event) => JSON.parse(event.replace(/^data: /, ""));

function checkBroken({ text, cut, status }, reference, { kind }) {
    assert.equal(status, 200);
    assert.ok(cut, "the connection must not end as if the answer were whole");
    const events = eventsOf(text);
    assert.ok(!events.includes(DONE), "a broken stream has no [DONE]");
    const last = parse(events.at(-1));
    assert.equal(typeof last.error?.message, "string", `the last event is no error: ${events.at(-1)}`);
    const chunks = events.slice(0, -1).map(parse);
    const all = eventsOf(reference.text)
        .filter((event) => event !== DONE)
        .map(parse);
    assert.ok(chunks.length > 0 && chunks.length < all.length, `${chunks.length} chunks of ${all.length}`);
    for (const member of MEMBERS) {
        const said = joined(chunks, member);
        assert.equal(said, joined(all, member).slice(0, said.length), `${member} is no beginning of the right one`);
    }
    const ends = chunks.filter(({ choices: [choice] }) => choice?.finish_reason).length;
    assert.ok(ends < (KINDS[kind].body.n ?? 1), `a broken stream has ${ends} finish_reasons`);
    assert.deepEqual([...new Set(chunks.map(({ id }) => id))], [all[0].id]);
}

// The simulator's ids depend on the request, and so on its `stream`.
const withoutId = (text) => text.trim().replace(/"id":"[-0-9a-f]{36}"/, '"id":""');

// [DONE] is the upstream's to say: one that ends without it, after its finish_reason, has said enough.
function checkWhole({ status, text, cut }, reference, cell) {
    assert.equal(status, 200, `status ${status}: ${text.slice(0, 200)}`);
    assert.ok(!cut, "cut");
    if (cell.way === "ride") assertSame(withoutId(text), withoutId(reference.text));
    else if (cell.way === "plain") assertSame(text.trim(), reference.text.trim());
    else if (cell.progress === "over")
        assertSame(spoken(text).replace(`\n\n${DONE}`, ""), spoken(reference.text).replace(`\n\n${DONE}`, ""));
    else assertSame(spoken(text), spoken(reference.text));
}

function checkUpstreams({ status, text, cut }, reference, { expected }) {
    assert.ok(!cut, "cut");
    const wanted = expected.status ?? reference.status;
    assert.equal(status, wanted, `status ${status} for ${wanted}: ${text.slice(0, 200)}`);
    assertSame(text, reference.text);
}

// What is told of an upstream that breaks, or, where the model says so, of one that is busy.
function checkError({ status, text, cut }, _reference, { expected }) {
    const { error } = JSON.parse(text);
    assert.ok(!cut, "cut");
    if (expected.status) {
        assert.equal(status, expected.status);
        assert.equal(error.code, "upstream_busy");
    } else {
        assert.ok(status === 502 || status === 504, `status ${status}`);
        assert.match(error.code, /^upstream_(unreachable|bad_answer|cut|timeout)$/);
    }
}

const checks = { whole: checkWhole, broken: checkBroken, "upstream's": checkUpstreams, error: checkError };

// What the client has to get: the answer of `scenario`, asked for directly.
const referenceOf = ({ expected, scenario }) =>
    expected.answer === "upstream's" ? scenario : (expected.like ?? "");

// Where the fault came in one piece with what was good, so that nothing had been shown, the model allows for that.
export async function checkAnswer(cell, answer, simulator) {
    if (cell.expected.unseen) cell.unseen = !answer.cut;
    if (cell.unseen) cell.expected = cell.expected.unseen;
    checks[cell.expected.answer](answer, await ask(simulator, cell, referenceOf(cell)), cell);
}

// ---- what was logged ----

const countOf = (line, words, attempts) =>
    `${line.attempts} attempts for ${attempts}: ${words}; ${line.error}; ${line.detail}`;

// `reasons` null: whatever each of them was. Attempts of which nothing had been shown may come before the one that is
// told, where their number is not.
function checkAttempts(line, { reasons, attempts = line.attempts }) {
    const words = line.reasons?.split(",") ?? [];
    assert.equal(line.attempts, attempts, countOf(line, words, attempts));
    assert.equal(words.length, reasons?.length ?? attempts, `reasons: ${words}`);
    reasons?.forEach((allowed, i) => assert.ok(allowed.split("|").includes(words[i]), `${words[i]} for ${allowed}`));
}

// A kept connection that breaks before the answer is tried again on a fresh one, unseen.
export function checkLog({ expected }, line) {
    if (expected.restarts && line.attempts === 1) return checkAttempts(line, { reasons: [], attempts: 1 });
    checkAttempts(line, expected);
    if (expected.continued !== undefined) assert.equal(line.continued ?? 0, expected.continued ? 1 : 0, "continued");
    assert.equal(Boolean(line.cut), expected.answer === "broken", "cut");
}
