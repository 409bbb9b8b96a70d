// dsgate itself, with a config of the test's own.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { SIMULATOR_KEY } from "./simulator.mjs";
import { RawClient, request } from "./raw.mjs";
import { Program, THREAD_SANITIZER, eventually, freePort, temporaryFolder } from "./program.mjs";

// An upstream that is a simulator: DeepSeek's preset, moved there, for any model name, since names choose scenarios.
// It never goes out by itself: most tests make it fail again and again.
export const patience = {
    health: { when: "never" },
    breaker: { failures: 0, failure_rate: "0%" },
    adaptive: false,
};

export function upstream(simulator, more = {}) {
    return {
        name: "sim",
        preset: "deepseek",
        base_url: simulator.url,
        api_key: SIMULATOR_KEY,
        models: { "*": "*" },
        ...patience,
        ...more,
    };
}

// Each upstream, and each of its keys, is asked once for a request, unless the test says otherwise: what fails is told at
// once. Plain calls are made as they are, so that requests can be compared byte for byte.
function once({ upstreams = [] }) {
    const chances = upstreams.map((one) => (one.discover ? 5 : (one.api_keys?.length ?? 1)));
    const attempts = Math.min(5, Math.max(1, chances.reduce((sum, n) => sum + n, 0)));
    return [{ match: { models: ["*"] }, retry: { attempts }, hedge: "off", plain: "off" }];
}

// So few that all workers share one table of descriptors.
const fewConnections = THREAD_SANITIZER ? { connections: 1_000 } : {};

export class Gateway {
    // `config` is laid over the harness's own. `listen` makes the API's listener of its address; other options are the
    // program's.
    static async start(config, { listen = (address) => address, ...options } = {}) {
        const gateway = new Gateway();
        gateway.listener = listen;
        gateway.folder = temporaryFolder();
        gateway.port = await freePort();
        gateway.adminPort = await freePort();
        gateway.accessFile = path.join(gateway.folder, "access.log");
        gateway.configFile = path.join(gateway.folder, "dsgate.yaml");
        gateway.write(config);
        gateway.program = new Program("dsgate", ["run", "-c", gateway.configFile], {
            folder: gateway.folder,
            ...options,
        });
        await gateway.program.listensAt({ port: gateway.adminPort, host: "127.0.0.1" });
        if (!config.listen) await gateway.program.listensAt(gateway.address);
        return gateway;
    }

    // JSON is YAML.
    write(config) {
        this.config = {
            listen: this.listener(`127.0.0.1:${this.port}`),
            admin: { listen: `127.0.0.1:${this.adminPort}` },
            workers: 2,
            routes: once(config),
            ...config,
            limits: { ...fewConnections, ...config.limits },
            log: { access: this.accessFile, ...config.log },
        };
        fs.writeFileSync(this.configFile, JSON.stringify(this.config, null, 2));
    }

    get url() {
        return `http://127.0.0.1:${this.port}`;
    }
    get adminUrl() {
        return `http://127.0.0.1:${this.adminPort}`;
    }
    get address() {
        return { host: "127.0.0.1", port: this.port };
    }

    // ---- a plain client ----

    post(target, body, { headers = {}, ...options } = {}) {
        const text = typeof body === "string" ? body : JSON.stringify(body);
        return fetch(this.url + target, {
            method: "POST",
            body: text,
            headers: { "Content-Type": "application/json", ...headers },
            ...options,
        });
    }

    // The proof that the same process still serves. On a connection of its own: a kept one may be about to be closed.
    async serves() {
        const client = await RawClient.connect(this.address);
        const { status, body } = await client
            .send(request("POST", "/v1/chat/completions", { body: JSON.stringify(chat()) }))
            .answer();
        client.close();
        assert.equal(status, 200, body);
        assert.ok(JSON.parse(body).choices[0].message.content.length > 0);
    }

    // The one answer to bytes after which the connection is closed, although more requests may have followed.
    async refuses(...bytes) {
        const client = (await RawClient.connect(this.address)).send(...bytes);
        const answer = await client.answer();
        const { text } = await client.whole();
        assert.equal(text, "", "something follows the refusal");
        assert.equal(answer.headers.connection, "close");
        assert.equal(typeof JSON.parse(answer.body).error.message, "string");
        return answer;
    }

    // ---- what it tells ----

    async admin(target) {
        const response = await fetch(this.adminUrl + target);
        return { status: response.status, text: await response.text() };
    }

    // {'name{label="value"}': number}. A request is counted a moment after its last byte: see isQuiet().
    async metrics() {
        const { status, text } = await this.admin("/metrics");
        assert.equal(status, 200);
        const samples = text.split("\n").filter((line) => line && !line.startsWith("#"));
        return Object.fromEntries(
            samples.map((line) => /(.*) (.*)/.exec(line).slice(1)).map(([k, v]) => [k, Number(v)]),
        );
    }

    get accessLog() {
        const lines = fs.existsSync(this.accessFile) ? fs.readFileSync(this.accessFile, "utf8").split("\n") : [];
        return lines.filter(Boolean).map((line) => JSON.parse(line));
    }

    // A line of the daemon's own log.
    async logLine(pattern) {
        return eventually(`a line like ${pattern} on stderr`, () => this.program.stderr.match(pattern));
    }

    // Lines are written a moment after their request has ended.
    async logged(matches) {
        return eventually("a line in the access log", () => this.accessLog.find(matches));
    }

    // Nothing is under way: no request, no call of an upstream, no waiting ticket.
    async isQuiet() {
        return eventually("the gateway has nothing under way", async () => {
            const metrics = await this.metrics();
            const underWay = Object.entries(metrics).filter(
                ([name, value]) => value && /^dsgate_(requests_in_flight|waiting|upstream_in_flight)/.test(name),
            );
            assert.deepEqual(underWay, []);
            return true;
        });
    }

    // ---- its changes and its end ----

    // Whether the new config was taken.
    async reload() {
        const verdicts = () => this.program.stderr.match(/reload refused|listens on/g);
        const before = verdicts().length;
        this.program.signal("SIGHUP");
        await eventually("the config was read again", () => verdicts().length > before);
        return verdicts().at(-1) === "listens on";
    }

    async stop({ quiet = false } = {}) {
        if (quiet) await this.isQuiet();
        this.program.signal("SIGTERM");
        assert.deepEqual(await this.program.exit(), { code: 0, signal: null }, this.program.stderr);
    }
}

// The body of a small request.
export function chat(more = {}) {
    return {
        model: "deepseek-flash",
        messages: [{ role: "user", content: "Say something." }],
        thinking: { type: "disabled" },
        ...more,
    };
}
