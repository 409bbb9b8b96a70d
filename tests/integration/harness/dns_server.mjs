// A DNS server on a free port of 127.0.0.1, over UDP and TCP, whose records a test changes while it runs.
import dgram from "node:dgram";
import net from "node:net";
import { freePort } from "./program.mjs";

const TYPES = { A: 1, SRV: 33 };
const [ANSWER, TRUNCATED, NO_NAME] = [0x8180, 0x8380, 0x8183];
const UDP_MAX = 1232;
const QUESTION = Buffer.from([0xc0, 12]); // the name in the question, by a pointer

const u16 = (...values) => Buffer.concat(values.map((value) => Buffer.from([value >> 8, value & 255])));
const u32 = (value) => u16(value >>> 16, value & 0xffff);
const encodeName = (name) =>
    Buffer.concat([
        ...name.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
        u16(0).subarray(1),
    ]);

function record(owner, type, ttl, data) {
    return Buffer.concat([owner, u16(type, 1), u32(ttl), u16(data.length), data]);
}

const encodeAddress = (address) => Buffer.from(address.split(".").map(Number));

function head(id, flags, answers, additional = 0) {
    return u16(id, flags, 1, answers, 0, additional);
}

function readQuestion(message) {
    const labels = [];
    let at = 12;
    for (; message[at]; at += message[at] + 1) labels.push(message.toString("latin1", at + 1, at + 1 + message[at]));
    return {
        id: message.readUInt16BE(0),
        name: labels.join(".").toLowerCase(),
        type: message.readUInt16BE(at + 1),
        bytes: message.subarray(12, at + 5),
    };
}

export class DnsServer {
    names = new Map();
    asked = 0;

    static async start() {
        const server = new DnsServer();
        server.port = await freePort();
        server.udp = dgram.createSocket("udp4");
        server.udp.on("message", (message, { port, address }) => {
            const answer = server.answer(message, UDP_MAX);
            if (answer) server.udp.send(answer, port, address);
        });
        await new Promise((resolve) => server.udp.bind(server.port, "127.0.0.1", resolve));
        server.tcp = net.createServer((socket) => {
            socket.on("error", () => socket.destroy());
            socket.once("data", (framed) => {
                const answer = server.answer(framed.subarray(2), 65_535);
                if (answer) socket.end(Buffer.concat([u16(answer.length), answer]));
            });
        });
        await new Promise((resolve) => server.tcp.listen(server.port, "127.0.0.1", resolve));
        return server;
    }

    get address() {
        return `127.0.0.1:${this.port}`;
    }

    // {a: [address, …]}, {srv: [{priority, weight, port, target, address}, …]} (the address is added to the answer),
    // {fault: "garbage"} or {fault: "silence"}; a name that is not set does not exist.
    set(name, what) {
        this.names.set(name, { ttl: 1, ...what });
    }

    answer(message, most) {
        const question = readQuestion(message);
        const known = this.names.get(question.name);
        this.asked++;
        if (known?.fault === "silence") return null;
        if (!known) return Buffer.concat([head(question.id, NO_NAME, 0), question.bytes]);
        if (known.fault === "garbage")
            return Buffer.concat([
                head(question.id, ANSWER, 3),
                question.bytes,
                Buffer.from("\xc0\xff\xff garbage", "latin1"),
            ]);
        const { answers, additional } = this.records(known, question.type);
        const whole = Buffer.concat([
            head(question.id, ANSWER, answers.length, additional.length),
            question.bytes,
            ...answers,
            ...additional,
        ]);
        return whole.length <= most ? whole : Buffer.concat([head(question.id, TRUNCATED, 0), question.bytes]);
    }

    records({ a = [], srv = [], ttl }, type) {
        const answers =
            type === TYPES.A
                ? a.map((address) => record(QUESTION, TYPES.A, ttl, encodeAddress(address)))
                : type === TYPES.SRV
                  ? srv.map(({ priority, weight, port, target }) =>
                        record(
                            QUESTION,
                            TYPES.SRV,
                            ttl,
                            Buffer.concat([u16(priority, weight, port), encodeName(target)]),
                        ),
                    )
                  : [];
        const additional =
            type === TYPES.SRV
                ? srv.map(({ target, address }) => record(encodeName(target), TYPES.A, ttl, encodeAddress(address)))
                : [];
        return { answers, additional };
    }

    async stop() {
        await new Promise((resolve) => this.udp.close(resolve));
        await new Promise((resolve) => this.tcp.close(resolve));
    }
}
