// A real Redis on a port and a Unix socket of its own, which can be frozen, killed, and come back at the same place.
import assert from "node:assert/strict";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { Program, eventually, freePort, temporaryFolder, within } from "./program.mjs";

// ---- its protocol (RESP2) ----

// Words are bytes, or whatever else is written as a text.
function encode(words) {
    const parts = [Buffer.from(`*${words.length}\r\n`)];
    for (const word of words) {
        const bytes = Buffer.isBuffer(word) ? word : Buffer.from(String(word));
        parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from("\r\n"));
    }
    return Buffer.concat(parts);
}

// The reply that begins at `at`, and where it ends; null while it is not all there. Texts are latin1, so that no byte
// is lost; a mistake is an Error.
function decode(text, at) {
    const lineEnd = text.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const line = text.slice(at + 1, lineEnd),
        next = lineEnd + 2;
    switch (text[at]) {
        case "+":
            return { value: line, end: next };
        case "-":
            return { value: new Error(line), end: next };
        case ":":
            return { value: Number(line), end: next };
        case "$":
            return decodeBulk(text, next, Number(line));
        case "*":
            return decodeArray(text, next, Number(line));
    }
    throw new Error(`no reply of a Redis: ${JSON.stringify(text.slice(at, at + 80))}`);
}

function decodeBulk(text, at, length) {
    if (length < 0) return { value: null, end: at };
    const end = at + length + 2;
    return text.length < end ? null : { value: text.slice(at, at + length), end };
}

function decodeArray(text, at, count) {
    const value = [];
    for (let i = 0; i < count; i++) {
        const item = decode(text, at);
        if (!item) return null;
        value.push(item.value);
        at = item.end;
    }
    return { value: count < 0 ? null : value, end: at };
}

// The replies to these commands, sent at once over a connection of their own.
function converse(where, commands) {
    return new Promise((resolve, reject) => {
        const socket = net.connect(where);
        const replies = [];
        let received = "";
        socket.setEncoding("latin1");
        socket.once("connect", () => socket.write(Buffer.concat(commands.map(encode))));
        socket.on("data", (bytes) => {
            received += bytes;
            for (let reply; replies.length < commands.length && (reply = decode(received, 0)); ) {
                replies.push(reply.value);
                received = received.slice(reply.end);
            }
            if (replies.length === commands.length) resolve(socket.destroy() && replies);
        });
        socket.once("error", reject);
        socket.once("close", () => reject(new Error("Redis has closed the connection")));
    });
}

// ---- the server ----

// Its config's lines; a list of values stands for a directive that comes several times.
function directives(options) {
    const lines = Object.entries(options).flatMap(([name, values]) => [values].flat().map((v) => `${name} ${v}\n`));
    return lines.join("");
}

export class Redis {
    // `options`: its config's, such as {maxmemory: "2mb", requirepass: "secret", user: ["app on >secret ~* +@all"]}.
    // `tls`: {cert_file, key_file} for the port, and `ca_file`, if clients have to show a certificate. `login` is what
    // command() says: [password], or [user, password].
    static async start(options = {}, { tls, login } = {}) {
        const redis = new Redis();
        redis.folder = temporaryFolder();
        redis.port = await freePort();
        redis.socket = path.join(redis.folder, "redis.sock");
        redis.login = login ?? (options.requirepass ? [options.requirepass] : null);
        redis.configFile = path.join(redis.folder, "redis.conf");
        fs.writeFileSync(redis.configFile, directives({ ...redis.#place(tls), ...options }));
        await redis.restart();
        return redis;
    }

    #place(tls) {
        const secure = tls && {
            "tls-port": this.port,
            "tls-cert-file": tls.cert_file,
            "tls-key-file": tls.key_file,
            "tls-auth-clients": tls.ca_file ? "yes" : "no",
            ...(tls.ca_file && { "tls-ca-cert-file": tls.ca_file }),
        };
        return {
            bind: "127.0.0.1",
            port: tls ? 0 : this.port,
            unixsocket: this.socket,
            dir: this.folder,
            save: '""', // nothing outlives it
            ...secure,
        };
    }

    get address() {
        return `127.0.0.1:${this.port}`;
    }

    // Past port and TLS, over the socket: what a command gives, mistakes as rejections.
    async command(...words) {
        const login = this.login ? [["AUTH", ...this.login]] : [];
        const replies = await within(`Redis answers ${words[0]}`, converse({ path: this.socket }, [...login, words]));
        for (const reply of replies) if (reply instanceof Error) throw reply;
        return replies.at(-1);
    }

    // A number of INFO: "used_memory", "connected_clients", "evicted_keys", …
    async info(name) {
        const value = (await this.command("INFO")).match(new RegExp(`^${name}:(.*)\r$`, "m"))?.[1];
        assert.ok(value !== undefined, `INFO has no ${name}`);
        return Number(value);
    }

    // ---- its ends and comebacks ----

    // At the same place, and empty.
    async restart() {
        const place = { file: "redis-server", folder: this.folder };
        this.program = new Program("redis-server", [this.configFile], place);
        await eventually("Redis answers", async () => {
            assert.ok(!this.program.hasEnded, `it has ended: ${this.program.stdout}${this.program.stderr}`);
            return (await this.command("PING")) === "PONG";
        });
    }

    // It keeps its connections, takes new ones, and says nothing.
    async freeze() {
        this.program.signal("SIGSTOP");
        await eventually("Redis is frozen", () => this.#state() === "T");
    }
    thaw() {
        this.program.signal("SIGCONT");
    }

    // As proc(5) says it.
    #state() {
        return /^State:\s+(.)/m.exec(fs.readFileSync(`/proc/${this.program.pid}/status`, "utf8"))[1];
    }

    async kill() {
        this.program.signal("SIGKILL");
        await this.program.exit();
    }

    async stop() {
        this.thaw();
        this.program.signal("SIGTERM");
        assert.deepEqual(await this.program.exit(), { code: 0, signal: null }, this.program.stdout);
    }
}
