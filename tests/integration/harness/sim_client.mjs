// A client for the tests of dsgate-sim itself, without the gateway: over fetch, and over raw sockets, because HTTP
// clients hide just what these tests are about.
import net from "node:net";
import { after, before, beforeEach } from "node:test";
import { Program } from "./program.mjs";
import { unframe } from "./raw.mjs";
import { Simulator } from "./simulator.mjs";

// ---- the program ----

// With fixed times, so that equal requests have equal answers.
export const startSimulator = (...options) =>
    Simulator.start("--token-ms", "0", "--first-token-ms", "0", "--created", "1764660903", ...options);

export const runToEnd = (...options) => Program.run("dsgate-sim", options);

export let sim;

// One simulator for a file of tests, as new before each of them.
export function serveForTests() {
    before(async () => {
        sim = await startSimulator();
    });
    beforeEach(() => sim.reset());
    after(() => sim.stop());
}

// ---- talking to it ----

export const user = (content) => [{ role: "user", content }];
export const chat = (more = {}) => ({ model: "deepseek-flash", messages: user("Hello"), ...more });
export const url = (where, port = sim.port) => `http://127.0.0.1:${port}${where}`;

export function post(where, body, headers = {}) {
    return fetch(url(where), {
        method: "POST",
        headers: { authorization: "Bearer sk-test", "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
    });
}

export async function control(what, body) {
    const answer = await fetch(url(`/_sim/${what}`), { method: "POST", body: body && JSON.stringify(body) });
    return { status: answer.status, body: await answer.json() };
}
export const ask = async (what) => (await fetch(url(`/_sim/${what}`))).json();

export function rawRequest(body, headers = {}, where = "/v1/chat/completions") {
    const text = JSON.stringify(body);
    const fields = {
        host: "sim",
        authorization: "Bearer sk-test",
        "content-length": Buffer.byteLength(text),
        ...headers,
    };
    return `POST ${where} HTTP/1.1\r\n${Object.entries(fields)
        .map(([n, v]) => `${n}: ${v}\r\n`)
        .join("")}\r\n${text}`;
}

// Everything that comes until the connection ends: how it ended, and the bytes in the pieces in which they were read.
// `enough`: leave as soon as it says so.
export function exchange(request, enough = () => false) {
    return new Promise((resolve) => {
        const socket = net.connect(sim.port, "127.0.0.1");
        const pieces = [];
        let ended = "open";
        const text = () => Buffer.concat(pieces).toString("latin1");
        socket.on("connect", () => socket.write(request));
        socket.on("data", (bytes) => {
            pieces.push(bytes);
            if (enough(text())) socket.destroy();
        });
        socket.on("end", () => {
            ended = "eof";
        });
        socket.on("error", (error) => {
            ended = error.code;
        });
        socket.on("close", () => resolve({ ended, pieces, raw: text(), bytes: Buffer.concat(pieces) }));
    });
}

export const play = (scenario, body, headers = {}, enough) =>
    exchange(rawRequest(body, { "x-sim-scenario": scenario, ...headers }), enough);

export const bodyOf = (raw) => raw.slice(raw.indexOf("\r\n\r\n") + 4);

// A chunked answer's body as text; `complete`: whether the last chunk was there.
export function unchunk(raw) {
    const { body, ...end } = unframe(bodyOf(raw));
    return { body: end.complete ? Buffer.from(body, "latin1").toString() : body, ...end };
}

export const events = (body) =>
    body
        .split("\n\n")
        .filter((e) => e.includes("data: "))
        .map((e) => e.slice(e.indexOf("data: ") + 6));
export const chunks = (body) =>
    events(body)
        .filter((e) => e !== "[DONE]")
        .map((e) => JSON.parse(e));
export const joined = (list, field) => list.map((c) => c.choices[0]?.delta[field] ?? "").join("");

export async function streamOf(body, headers, where = "/v1/chat/completions") {
    const answer = await post(where, { stream: true, ...body }, headers);
    return { answer, text: await answer.text() };
}
