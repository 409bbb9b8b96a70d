// Upstreams that are a name for many endpoints: these come and go while requests are under way, and no request fails.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { FAST, Gateway, chat, eventually, freePort, upstream } from "./harness.mjs";
import { DnsServer } from "./harness/dns_server.mjs";
import { Program } from "./harness/program.mjs";

// A simulator at 127.0.0.2, 127.0.0.3 …: endpoints of an A record share their port.
class Endpoint {
    static async start(host, port, ...options) {
        const endpoint = new Endpoint();
        Object.assign(endpoint, { host, port, url: `http://${host}:${port}` });
        endpoint.program = new Program("dsgate-sim", ["--listen", `${host}:${port}`, ...FAST, ...options]);
        await endpoint.program.listensAt({ port, host });
        return endpoint;
    }

    async served() {
        return (await (await fetch(`${this.url}/_sim/stats`)).json()).requests;
    }

    async stop() {
        this.program.signal("SIGTERM");
        assert.deepEqual(await this.program.exit(), { code: 0, signal: null }, this.program.stderr);
    }
}

let dns, port, endpoints;

before(async () => {
    dns = await DnsServer.start();
    port = await freePort();
    endpoints = await Promise.all([2, 3, 4].map((n) => Endpoint.start(`127.0.0.${n}`, port)));
});
beforeEach(() => dns.names.clear());
after(async () => {
    await Promise.all(endpoints.map((endpoint) => endpoint.stop()));
    await dns.stop();
});

const discovered = (records, more = {}) =>
    upstream(
        { url: `http://models.test:${port}` },
        { name: "pool", discover: { records, server: dns.address, ...more } },
    );
const start = (...upstreams) => Gateway.start({ upstreams });

async function post(gateway, more) {
    const response = await gateway.post("/v1/chat/completions", chat(more));
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
}

// How many of `count` requests each endpoint served.
async function shares(gateway, count) {
    const served = () => Promise.all(endpoints.map((endpoint) => endpoint.served()));
    const before = await served();
    await Promise.all(Array.from({ length: count }, () => post(gateway)));
    const now = await served();
    return now.map((n, i) => n - before[i]);
}

// The lines of the daemon's log that say which endpoints came and went: {came: [address, …], went: [address, …]}.
function changes(gateway) {
    const addresses = (part) => (part ?? "").split(", ").filter(Boolean);
    return [
        ...gateway.program.stderr.matchAll(/'pool' has \d+ endpoints?: (?:(\S.*?) came)?(?:; )?(?:(\S.*?) went)?$/gm),
    ].map(([, came, went]) => ({ came: addresses(came), went: addresses(went) }));
}

const at = (...hosts) => hosts.map((host) => `${host}:${port}`);

// The n-th change, counted from 1, must be this one.
async function changed(gateway, n, came, went = []) {
    await eventually(`change ${n} is told`, () => changes(gateway).length >= n);
    assert.deepEqual(changes(gateway)[n - 1], { came: at(...came), went: at(...went) });
}

const count = (gateway, pattern) => (gateway.program.stderr.match(pattern) ?? []).length;

// Clients that ask one after the other until they are told to stop, whose answers must all be whole.
function load(gateway) {
    let stopped = false,
        answers = 0;
    const client = async (stream) => {
        while (!stopped) {
            const text = await post(gateway, { stream });
            if (stream) assert.match(text, /data: \[DONE\]\s*$/);
            answers++;
        }
    };
    const clients = Promise.all([true, true, false, false].map(client));
    clients.catch(() => (stopped = true));
    return {
        more: (n) => {
            const goal = answers + n;
            return eventually("answers under load", () => stopped || answers >= goal);
        },
        stop: () => {
            stopped = true;
            return clients;
        },
    };
}

describe("A records", () => {
    test("endpoints come and go under load, and no request fails", async () => {
        dns.set("models.test", { a: ["127.0.0.3", "127.0.0.2"] });
        const gateway = await start(discovered("a"));
        await changed(gateway, 1, ["127.0.0.2", "127.0.0.3"]);
        const clients = load(gateway);
        await clients.more(50);
        for (const [i, [a, came, went]] of [
            [["127.0.0.3", "127.0.0.4"], ["127.0.0.4"], ["127.0.0.2"]],
            [["127.0.0.2"], ["127.0.0.2"], ["127.0.0.3", "127.0.0.4"]],
            [["127.0.0.4", "127.0.0.2"], ["127.0.0.4"], []],
        ].entries()) {
            dns.set("models.test", { a });
            await changed(gateway, i + 2, came, went);
            await clients.more(50);
        }
        await clients.stop();
        const [first, second, third] = await shares(gateway, 40);
        assert.equal(second, 0, "it has left");
        assert.ok(first > 0 && third > 0, `${first}, ${third}`);
        await gateway.stop({ quiet: true });
    });

    test("a stream outlives its endpoint's departure", async () => {
        const slow = await Endpoint.start("127.0.0.5", port, "--tokens", "60", "--token-ms", "100");
        dns.set("models.test", { a: ["127.0.0.5"] });
        const gateway = await start(discovered("a"));
        await changed(gateway, 1, ["127.0.0.5"]);
        const stream = post(gateway, { stream: true });
        await eventually("it is upstream", async () => (await slow.served()) === 1);
        dns.set("models.test", { a: ["127.0.0.2"] });
        await changed(gateway, 2, ["127.0.0.2"], ["127.0.0.5"]);
        await post(gateway);
        assert.equal(await slow.served(), 1);
        assert.match(await stream, /data: \[DONE\]\s*$/);
        await gateway.stop({ quiet: true });
        await slow.stop();
    });

    test("garbage, silence and nothing change nothing, and are told once", async () => {
        dns.set("models.test", { a: ["127.0.0.2"] });
        const gateway = await start(discovered("a"));
        await changed(gateway, 1, ["127.0.0.2"]);
        for (const [i, fault] of [{ fault: "garbage" }, { fault: "silence" }, { a: [] }].entries()) {
            dns.set("models.test", fault);
            await eventually(
                "the failure is told",
                () => count(gateway, /can't be had.*1 known endpoints stay/g) === i + 1,
            );
            const { asked } = dns;
            await eventually("it is asked for again", () => dns.asked > asked);
            assert.deepEqual(await shares(gateway, 5), [5, 0, 0]);
            assert.equal(count(gateway, /can't be had/g), i + 1);
            dns.set("models.test", { a: ["127.0.0.2"] });
            await eventually("it recovers", () => count(gateway, /are there again/g) === i + 1);
        }
        assert.equal(changes(gateway).length, 1);
        await gateway.stop({ quiet: true });
    });

    test("of a thousand addresses the first few are used, whatever their order", async () => {
        const others = Array.from({ length: 998 }, (_, i) => `127.1.${i >> 8}.${i & 255}`);
        const all = [...others, "127.0.0.3", "127.0.0.2"];
        dns.set("models.test", { a: all });
        const gateway = await start(discovered("a", { max_endpoints: 2 }));
        await gateway.logLine(/'pool' has more endpoints than the 2 that are used/);
        const { asked } = dns;
        dns.set("models.test", { a: all.toReversed() });
        await eventually("it is asked for again", () => dns.asked >= asked + 6);
        const [first, second, third] = await shares(gateway, 40);
        assert.ok(first > 0 && second > 0 && third === 0, `${first}, ${second}, ${third}`);
        assert.equal(changes(gateway).length, 1);
        assert.equal(count(gateway, /more endpoints than/g), 1);
        await gateway.stop({ quiet: true });
    });

    test("a request waits for the first endpoint", async () => {
        const gateway = await start(discovered("a"));
        await gateway.logLine(/'pool': A and AAAA records of 'models.test' can't be had: .*check discover.name/);
        assert.equal((await gateway.admin("/readyz")).status, 503);
        const answer = post(gateway);
        dns.set("models.test", { a: ["127.0.0.2"] });
        await answer;
        assert.equal((await gateway.admin("/readyz")).status, 200);
        await gateway.stop({ quiet: true });
    });

    test("a reload keeps what is known", async () => {
        dns.set("models.test", { a: ["127.0.0.2"] });
        const gateway = await start(discovered("a"));
        await changed(gateway, 1, ["127.0.0.2"]);
        dns.set("models.test", { fault: "silence" });
        gateway.write({ ...gateway.config, upstreams: [{ ...discovered("a"), weight: 7 }] });
        assert.ok(await gateway.reload());
        await post(gateway);
        await gateway.stop({ quiet: true });
    });
});

describe("SRV records", () => {
    const service = (n, priority, weight = 1) => ({
        priority,
        weight,
        port,
        target: `node-${n}.test`,
        address: `127.0.0.${n}`,
    });

    test("the lowest priority serves, and a change of priorities moves the requests", async () => {
        dns.set("_llm._tcp.test", { srv: [service(2, 10), service(3, 10), service(4, 20)] });
        const gateway = await start(discovered("srv", { name: "_llm._tcp.test" }));
        await changed(gateway, 1, ["127.0.0.2", "127.0.0.3", "127.0.0.4"]);
        const [first, second, third] = await shares(gateway, 40);
        assert.ok(first > 0 && second > 0 && third === 0, `${first}, ${second}, ${third}`);
        const clients = load(gateway);
        dns.set("_llm._tcp.test", { srv: [service(2, 20), service(3, 20), service(4, 10)] });
        await gateway.logLine(/'pool' has 3 endpoints: other weights or priorities/);
        await clients.more(20);
        await clients.stop();
        assert.deepEqual(await shares(gateway, 10), [0, 0, 10]);
        await gateway.stop({ quiet: true });
    });

    test("weights are shares", async () => {
        dns.set("_llm._tcp.test", { srv: [service(2, 10, 60000), service(3, 10, 20000)] });
        const gateway = await start(discovered("srv", { name: "_llm._tcp.test" }));
        await changed(gateway, 1, ["127.0.0.2", "127.0.0.3"]);
        let served = [0, 0];
        for (let i = 0; i < 80; i++) {
            const now = await shares(gateway, 1);
            served = served.map((n, j) => n + now[j]);
        }
        assert.ok(Math.abs(served[0] - 60) <= 2, `${served}`);
        await gateway.stop({ quiet: true });
    });
});
