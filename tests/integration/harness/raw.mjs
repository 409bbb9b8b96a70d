// A client that sends whatever bytes a test wants, and tells what came back and how the connection ended.
import assert from "node:assert/strict";
import net from "node:net";
import { eventually } from "./program.mjs";

export class RawClient {
    constructor(socket) {
        this.socket = socket;
        this.received = "";
        this.ended = null; // "end" (orderly), or the error's code
        socket.setEncoding("latin1");
        socket.on("data", (text) => (this.received += text));
        socket.on("end", () => (this.ended ??= "end"));
        socket.on("error", (error) => (this.ended ??= error.code));
        socket.on("close", () => (this.ended ??= "end"));
    }

    static connect(where) {
        return new Promise((resolve, reject) => {
            const socket = net.connect({ ...where, allowHalfOpen: true, noDelay: true });
            socket.once("error", reject);
            socket.once("connect", () => {
                socket.removeListener("error", reject);
                resolve(new RawClient(socket));
            });
        });
    }

    send(...parts) {
        for (const part of parts) this.socket.write(part, "latin1");
        return this;
    }

    finish() {
        this.socket.end();
    }

    // Gone without a farewell, as when a process dies.
    reset() {
        this.socket.resetAndDestroy();
    }
    close() {
        this.socket.destroy();
    }

    async until(pattern) {
        return eventually(`bytes like ${pattern}, after ${JSON.stringify(this.received.slice(-300))}`, () =>
            this.received.match(pattern),
        );
    }

    // All bytes until the peer closed, and how it did.
    async whole() {
        await eventually(`the end, after ${JSON.stringify(this.received.slice(-300))}`, () => this.ended);
        this.close();
        return { text: this.received, ended: this.ended };
    }

    // Takes one answer with a body of declared or chunked length off what was received.
    async answer() {
        const { head, rest } = await eventually("an answer's head", () => {
            const at = this.received.indexOf("\r\n\r\n");
            if (at < 0) assert.equal(this.ended, null, `ended in the head: ${this.received}`);
            return at >= 0 && { head: this.received.slice(0, at), rest: at + 4 };
        });
        const answer = parseHead(head);
        const end = await eventually("an answer's body", () => {
            const end = bodyEnd(answer, this.received, rest);
            if (end === null) assert.equal(this.ended, null, `ended in the body: ${this.received}`);
            return end;
        });
        answer.body = this.received.slice(rest, end);
        this.received = this.received.slice(end);
        return answer;
    }
}

function parseHead(head) {
    const [first, ...lines] = head.split("\r\n");
    const headers = Object.fromEntries(
        lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
    );
    return { status: Number(first.split(" ")[1]), headers };
}

// Where the answer's body ends, null while it is not all there.
function bodyEnd(answer, text, from) {
    if (answer.headers["transfer-encoding"] === "chunked") {
        const end = text.indexOf("0\r\n\r\n", from);
        return end < 0 ? null : end + 5;
    }
    const end = from + Number(answer.headers["content-length"] ?? 0);
    return text.length < end ? null : end;
}

// Takes chunked framing off a body; `complete`: whether the last chunk was there.
export function unframe(rest) {
    let body = "";
    for (;;) {
        const line = rest.indexOf("\r\n");
        const size = line > 0 ? Number.parseInt(rest.slice(0, line), 16) : Number.NaN;
        if (Number.isNaN(size) || rest.length < line + 2 + size) return { body, complete: false, rest };
        if (size === 0) return { body, complete: true, rest: "" };
        body += rest.slice(line + 2, line + 2 + size);
        rest = rest.slice(line + 4 + size);
    }
}

// The bytes of a request; a header whose value is null is left out.
export function request(method, target, { headers = {}, body = "" } = {}) {
    const fields = {
        Host: "gateway.test",
        ...(body && { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(body) }),
        ...headers,
    };
    const lines = Object.entries(fields)
        .filter(([, value]) => value !== null)
        .map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}
