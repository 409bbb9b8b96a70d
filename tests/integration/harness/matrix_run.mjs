// The gateways that the matrix is played on, with one upstream and with three, and a run of some of its cells.
import assert from "node:assert/strict";
import { after, before } from "node:test";
import { Gateway, patience } from "./gateway.mjs";
import { bodyOf, checkAnswer, checkLog, inFlight, pathOf, post } from "./matrix.mjs";
import { THREAD_SANITIZER, eventually } from "./program.mjs";
import { SIMULATOR_KEY, Simulator } from "./simulator.mjs";

// Short for who waits for them, long for a busy machine.
const SECOND_MS = THREAD_SANITIZER ? 2000 : 1000, TOKEN_MS = THREAD_SANITIZER ? 10 : 3;
const TIMEOUTS = {
    first_token: `${SECOND_MS}ms`,
    first_byte: `${SECOND_MS + 500}ms`,
    idle: `${SECOND_MS}ms`,
    commit: "1m",
};
const RULES = { retry: { base: "10ms", cap: "50ms" }, hedge: "off" };

// Tokens come one by one, so that what is before a fault has been shown when it comes; and nothing depends on the time,
// so that answers to equal requests are equal byte by byte.
const PACE = ["--tokens", "8", "--token-ms", `${TOKEN_MS}`, "--first-token-ms", "0", "--keep-alive-ms", "50"];
const FIXED = ["--seed", "4", "--created", "1764660903", "--prefix-cache", "0", "--any-model", "--workers", "2"];

export let simulator;
export const gateways = {};

// All upstreams are one simulator, which knows by that which of a request's attempts is the first.
export const upstream = (name, model = "*") => ({
    name,
    preset: "deepseek",
    base_url: simulator.url,
    api_key: SIMULATOR_KEY,
    models: { [model]: model },
    ...patience,
});

export const startGateway = (upstreams) =>
    Gateway.start({
        upstreams,
        timeouts: TIMEOUTS,
        retries: { budget: "100%", floor: 1000 },
        routes: [
            { match: { models: ["plain-*"] }, plain: "off", ...RULES },
            { match: { models: ["*"] }, ...RULES },
        ],
    });

export const named = (list) => [...list].map((cell, i) => ({ ...cell, model: `${cell.way}-${i}` }));

// For a file of tests.
export function serveMatrix() {
    before(async () => {
        simulator = await Simulator.start(...PACE, ...FIXED);
        gateways.three = await startGateway(["a", "b", "c"].map((name) => upstream(name)));
        gateways.one = gateways.failing = await startGateway([upstream("a")]);
    });
    after(async () => {
        await Promise.all([gateways.three, gateways.one].map((gateway) => gateway.stop({ quiet: true })));
        await simulator.stop();
    });
}

// ---- a run ----

const problem = ({ kind, way, upstreams, scenario }, error) =>
    `${kind}/${way}/${upstreams} ${scenario}: ${error.message.split("\n")[0]}`;

async function play(gateway, cell) {
    const scenario = cell.upstreams === "failing" ? cell.scenario : `fail-first=1+${cell.scenario}`;
    const answer = await post(gateway.url + pathOf(cell), bodyOf(cell), { "x-sim-scenario": scenario });
    await checkAnswer(cell, answer, simulator);
}

async function linesOf(gateway, list) {
    const wanted = new Set(list.map((cell) => cell.model));
    const lines = await eventually("all are logged", () => {
        const found = gateway.accessLog.filter((line) => wanted.has(line.model));
        return found.length >= wanted.size && found;
    });
    return new Map(lines.map((line) => [line.model, line]));
}

export async function run(gateway, list, atATime) {
    const problems = [];
    const judge = async (cell, check) => {
        try {
            await check();
        } catch (error) {
            problems.push(problem(cell, error));
        }
    };
    await simulator.reset(); // it knows of a few thousand requests which is the first
    await inFlight(atATime, list, (cell) => judge(cell, () => play(gateway, cell)));
    await gateway.isQuiet();
    const lines = await linesOf(gateway, list);
    for (const cell of list) await judge(cell, () => checkLog(cell, lines.get(cell.model)));
    assert.equal(problems.length, 0, `${problems.length} problems:\n${problems.join("\n")}`);
}
