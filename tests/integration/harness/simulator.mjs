// dsgate-sim: DeepSeek's API with faults on demand. Its control endpoints are asked directly, past the gateway.
import assert from "node:assert/strict";
import http from "node:http";
import https from "node:https";
import { text } from "node:stream/consumers";
import { Program, freePort } from "./program.mjs";

// Answers as quick as can be, and short.
export const FAST = ["--tokens", "16", "--token-ms", "1", "--first-token-ms", "1"];
// Fields of a request whose answer breaks: a fault that came together with the first token would leave nothing to show.
export const SLOW = { "x-sim-token-ms": "10" };

export const SIMULATOR_KEY = "sk-simulator-4f1c9a7e2b";

// fetch() can't be told to trust a certificate.
async function ask(url, method, body) {
    const response = await new Promise((resolve, reject) => {
        const { request } = url.startsWith("https:") ? https : http;
        request(url, { method, agent: false, rejectUnauthorized: false }, resolve).once("error", reject).end(body);
    });
    return { status: response.statusCode, text: await text(response) };
}

export class Simulator {
    static async start(...args) {
        const simulator = new Simulator();
        simulator.scheme = args.includes("--tls-cert") ? "https" : "http";
        simulator.port = await freePort();
        simulator.program = new Program("dsgate-sim", ["--listen", `127.0.0.1:${simulator.port}`, ...args]);
        await simulator.program.listensAt({ port: simulator.port, host: "127.0.0.1" });
        return simulator;
    }

    get url() {
        return `${this.scheme}://127.0.0.1:${this.port}`;
    }

    async control(path, { method = "GET", body } = {}) {
        const { status, text } = await ask(`${this.url}/_sim/${path}`, method, body && JSON.stringify(body));
        assert.equal(status, 200, `/_sim/${path}: ${text}`);
        return text && JSON.parse(text);
    }

    // Requests meet this scenario from now on; `scope` may name a model, a path, and for how many requests.
    scenario(scenario, scope = {}) {
        return this.control("scenario", { method: "POST", body: { scenario, ...scope } });
    }
    reset() {
        return this.control("reset", { method: "POST" });
    }
    stats() {
        return this.control("stats");
    }
    // The last request as it arrived; names of headers in lower case, a header that came twice is an array.
    async last() {
        const { head_base64, body_base64, summary } = await this.control("last");
        const headers = {};
        for (const [name, value] of summary.headers)
            headers[name] = name in headers ? [headers[name], value].flat() : value;
        const plain = (base64) => Buffer.from(base64, "base64").toString();
        return {
            method: summary.method,
            target: summary.target,
            headers,
            head: plain(head_base64),
            body: plain(body_base64),
        };
    }

    async stop() {
        this.program.signal("SIGTERM");
        assert.deepEqual(await this.program.exit(), { code: 0, signal: null }, this.program.stderr);
    }
}
