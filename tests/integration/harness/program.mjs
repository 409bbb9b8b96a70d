// Programs under test: started on free ports, watched, ended by their process id, and judged by how they end.
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

export const BUILD = path.resolve(process.env.DSGATE_BUILD ?? "build");

// The longest that anything here may take on a busy machine. Nothing waits that long when all is well.
export const PATIENCE_MS = 20_000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// Asks again and again until `probe` gives something true; its last complaint is the reason when it never does.
export async function eventually(what, probe, within = PATIENCE_MS) {
    const end = Date.now() + within;
    for (let complaint = "never true"; ; await pause(5)) {
        try {
            const result = await probe();
            if (result) return result;
        } catch (error) {
            complaint = error.message;
        }
        if (Date.now() > end) throw new Error(`${what}: not within ${within} ms: ${complaint}`);
    }
}

export async function within(what, promise, ms = PATIENCE_MS) {
    let timer;
    const late = new Promise((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
    });
    try {
        return await Promise.race([promise, late]);
    } finally {
        clearTimeout(timer);
    }
}

// ---- places ----

function isFree(port) {
    return new Promise((resolve) => {
        const server = net.createServer();
        server.once("error", () => resolve(false));
        server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
}

// Below the range from which the kernel takes the ports of outgoing connections, so that none of them comes in between.
// One after the other from a random place: no port is given twice, although none is taken yet when it is given.
const [firstPort, portCount] = [12_000, 20_000];
let nextPort = Math.floor(Math.random() * portCount);

export async function freePort() {
    for (;;) {
        const port = firstPort + (nextPort++ % portCount);
        if (await isFree(port)) return port;
    }
}

const folders = [];

export function temporaryFolder() {
    folders.push(fs.mkdtempSync(path.join(os.tmpdir(), "dsgate-test-")));
    return folders.at(-1);
}

export function connects(where) {
    return new Promise((resolve) => {
        const socket = net.connect(where);
        socket.once("connect", () => resolve(socket.destroy() && true));
        socket.once("error", () => resolve(false));
    });
}

// ---- programs ----

// Sanitizers end a program at their first finding, with a status that no program has of its own.
const SANITIZERS = {
    ASAN_OPTIONS: "exitcode=99",
    TSAN_OPTIONS: "exitcode=99:halt_on_error=1",
    UBSAN_OPTIONS: "exitcode=99:print_stacktrace=1",
};

// It takes equal numbers in different tables of descriptors for the same descriptor.
export const THREAD_SANITIZER = fs.readFileSync(path.join(BUILD, "dsgate")).includes("__tsan_init");

// `more` has sanitizers' options to add, and variables to set.
function environment(more = {}) {
    const all = { ...process.env, ...more };
    for (const [name, ours] of Object.entries(SANITIZERS))
        all[name] = [ours, process.env[name], more[name]].filter(Boolean).join(":");
    return all;
}

const programs = [];

// A finding must not be missed because the program ended, or was left running, without anybody asking how.
function endAll() {
    for (const { name, child, finding, findingTold } of programs) {
        child.kill("SIGKILL");
        if (!finding || findingTold) continue;
        console.error(`${name}: ${finding}`);
        process.exitCode = 1;
    }
    for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
}
process.once("exit", endAll);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));

export class Program {
    // `file`: of a program that is not ours. `descriptors`: the most that it may have open.
    constructor(name, args, { file = path.join(BUILD, name), env, folder = temporaryFolder(), descriptors } = {}) {
        this.name = name;
        this.folder = folder;
        this.stderrFile = path.join(folder, `${name}.stderr`);
        this.stdoutFile = path.join(folder, `${name}.stdout`);
        const out = fs.openSync(this.stdoutFile, "a"),
            err = fs.openSync(this.stderrFile, "a");
        const command = [file, ...args];
        if (descriptors) command.unshift("sh", "-c", `ulimit -n ${descriptors}; exec "$0" "$@"`);
        this.child = spawn(command[0], command.slice(1), {
            stdio: ["ignore", out, err],
            env: environment(env),
        });
        fs.closeSync(out);
        fs.closeSync(err);
        this.child.unref(); // a test that fails must not wait for what it has left running
        programs.push(this);
        this.sent = new Set();
        this.exited = once(this.child, "exit").then(([code, signal]) => {
            if (signal && !this.sent.has(signal)) console.error(this.stderr);
            return { code, signal };
        });
    }

    get pid() {
        return this.child.pid;
    }
    get stderr() {
        return fs.readFileSync(this.stderrFile, "utf8");
    }
    get stdout() {
        return fs.readFileSync(this.stdoutFile, "utf8");
    }
    // A sanitizer's report, if there is one.
    get finding() {
        return /^.*(?:Sanitizer:|runtime error:)[^]*/m.exec(this.stderr)?.[0];
    }
    get hasEnded() {
        return this.child.exitCode !== null || this.child.signalCode !== null;
    }

    async listensAt(where) {
        await eventually(`${this.name} listens`, () => {
            if (this.hasEnded) throw new Error(`it has ended: ${this.stderr}`);
            return connects(where);
        });
    }

    signal(name) {
        this.sent.add(name);
        this.child.kill(name);
    }

    // How it ended; a sanitizer's finding fails the test.
    async exit() {
        const end = await within(`${this.name} ends`, this.exited);
        this.findingTold = true;
        if (this.finding) throw new Error(`${this.name}: ${this.finding}`);
        return end;
    }

    // What a program run by hand says: {code, stdout, stderr}.
    static async run(name, args, options) {
        const program = new Program(name, args, options);
        const { code } = await program.exit();
        return { code, stdout: program.stdout, stderr: program.stderr };
    }
}
