// Gateways that keep answers, upstreams whose answers can be compared byte for byte, and what an answer tells of its
// origin.
import assert from "node:assert/strict";
import { Gateway, chat, upstream } from "./gateway.mjs";
import { FAST, SIMULATOR_KEY, Simulator } from "./simulator.mjs";
import { eventually } from "./program.mjs";

// Equal requests have equal answers. Later options count.
export const steadySimulator = (...more) =>
    Simulator.start("--seed", "4", "--created", "1764660903", "--prefix-cache", "0", ...FAST, ...more);

// One that asks its upstream once for a request, and keeps what comes. `route` is laid over its only route.
export const cachingConfig = (simulator, { route = {}, ...config } = {}) => ({
    upstreams: [upstream(simulator)],
    routes: [
        {
            match: { models: ["*"] },
            retry: { attempts: 1 },
            hedge: "off",
            plain: "off",
            ...route,
            cache: { mode: "always", ...route.cache },
        },
    ],
    ...config,
});

export const cachingGateway = (simulator, config, options) => Gateway.start(cachingConfig(simulator, config), options);

// What an upstream says to it, past all gateways.
export async function direct(simulator, body, target = "/v1/chat/completions") {
    const headers = { "content-type": "application/json", authorization: `Bearer ${SIMULATOR_KEY}` };
    const response = await fetch(simulator.url + target, { method: "POST", headers, body: JSON.stringify(body) });
    return response.text();
}

export const withKey = (key) => ({ authorization: `Bearer ${key}` });

// A question that nobody has asked before.
let questions = 0;
export const newQuestion = (more = {}) =>
    chat({ messages: [{ role: "user", content: `Say something, ${++questions}.` }], ...more });

// An answer, whole: its status, what the cache says of it, and its text.
export async function ask(gateway, body, headers = {}, target = "/v1/chat/completions") {
    const response = await gateway.post(target, body, { headers });
    const field = (name) => response.headers.get(name);
    return {
        status: response.status,
        cache: field("x-dsgate-cache"),
        key: field("x-dsgate-cache-key"),
        age: field("age"),
        type: field("content-type"),
        text: await response.text().catch(() => null), // it was cut
    };
}

// The answer, which must come from where it is said.
export async function asked(gateway, from, body, ...more) {
    const answer = await ask(gateway, body, ...more);
    assert.deepEqual([answer.status, answer.cache], [200, from], answer.text?.slice(0, 1000));
    assert.notEqual(answer.text, null, "the answer was cut");
    return answer;
}

// Only of what is kept, so that asking does not change it.
export const ONLY_KEPT = { "cache-control": "only-if-cached" };

export const isGone = (gateway, body) =>
    eventually("it is kept no more", async () => (await ask(gateway, body, ONLY_KEPT)).status === 504);

export async function purge(gateway, what, headers = { "content-type": "application/json" }) {
    const body = typeof what === "string" ? what : JSON.stringify(what);
    const response = await fetch(`${gateway.adminUrl}/cache`, { method: "POST", headers, body });
    return { status: response.status, ...(await response.json()) };
}

// ---- with a Redis ----

// `more`: of the cache's redis. Its deadline is so late that no slow machine misses it.
export const redisAt = (redis, more = {}) => ({ url: `redis://${redis.address}`, timeout: "5s", ...more });

// Nothing is kept elsewhere, so that what is given again has come from there.
export const redisOnly = (redis, more) => ({ memory: "0", redis: redisAt(redis, more) });

// Of its workers, and of the one that purges.
const CONNECTIONS = 3;

export const connectionsOf = async (redis) =>
    (await redis.command("CLIENT", "LIST")).split("\n").filter((line) => line.includes(" name=dsgate ")).length;

export const haveConnected = (redis, gateways = 1) =>
    eventually("they have connected", async () => (await connectionsOf(redis)) === gateways * CONNECTIONS);

// Connected to it, and to nothing else.
export async function redisGateway(simulator, redis, more) {
    const gateway = await cachingGateway(simulator, { cache: redisOnly(redis, more) });
    await haveConnected(redis);
    return gateway;
}

// What it counts of Redis.
export const redisStats = async (gateway) => JSON.parse((await gateway.admin("/cache")).text).redis;

// What is written is written a moment after its client has it.
export const holds = (redis, entries) =>
    eventually(`Redis holds ${entries}`, async () => (await redis.command("DBSIZE")) === entries);
