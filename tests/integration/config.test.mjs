// The config as an operator meets it: mistakes told before they hurt, and changes taken as a whole or not at all.
import assert from "node:assert/strict";
import { once } from "node:events";
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import {
    Gateway,
    Program,
    SIMULATOR_KEY,
    Simulator,
    chat,
    connects,
    eventually,
    freePort,
    temporaryFolder,
    upstream,
} from "./harness.mjs";

let simulator;

before(async () => {
    simulator = await Simulator.start("--tokens", "100", "--token-ms", "5");
});
beforeEach(() => simulator.reset());
after(() => simulator.stop());

function fileOf(text) {
    const file = path.join(temporaryFolder(), "dsgate.yaml");
    fs.writeFileSync(file, text);
    return file;
}

async function holdPort() {
    const holder = net.createServer().listen(0, "127.0.0.1");
    await once(holder, "listening");
    return { port: holder.address().port, release: () => holder.close() };
}

const checked = (text) => Program.run("dsgate", ["check", "-c", fileOf(text)]);
const minimal = 'upstreams: [{name: a, base_url: "http://127.0.0.1:9"}]\n';

describe("dsgate check", () => {
    test("a good file: exit code 0", async () => {
        const { code, stdout, stderr } = await checked(minimal);
        assert.equal(code, 0);
        assert.match(stdout, /1 upstream/);
        assert.equal(stderr, "");
    });

    test("an empty file: DeepSeek with the key of the environment", async () => {
        assert.equal((await checked("")).code, 0);
    });

    test("all mistakes at once, each with its place and what was meant", async () => {
        const { code, stderr } = await checked(
            [
                "listn: 127.0.0.1:8585",
                "timeouts: {connect: 5 parsecs}",
                "limits:",
                "  headers: 99GB",
                "upstreams:",
                "  - name: a",
                "    preset: deepsek",
                "    weight: 0",
                "  - name: a",
                "    base_url: http://127.0.0.1:9",
                "    api_key: ${DSGATE_TEST_NOT_SET}",
            ].join("\n"),
        );
        assert.equal(code, 1);
        const found = [
            /:1:1: .*'listn'.*did you mean 'listen'/,
            /:2:21: connect: .*expected 1ms to 24h/,
            /:4:12: headers: '99GB'.*expected 1KB to 1MB/,
            /:7:13: preset: .*did you mean 'deepseek'/,
            /:8:13: weight: '0'.*expected 1 to 1000/,
            /:9:11: name: 'a' /,
            /:11:14: .*'DSGATE_TEST_NOT_SET' is not set/,
        ];
        for (const line of found) assert.match(stderr, line);
        assert.match(stderr, /^dsgate: [78] mistakes in the config$/m);
    });

    const broken = {
        "no YAML": "upstreams: [\n",
        "a list": "[]\n",
        "an alias bomb":
            "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n",
        binary: "\0\x01\x02",
        "admin on the API's address": `${minimal}listen: 127.0.0.1:8586\n`,
        "a certificate without its key": `${minimal}listen: {address: "127.0.0.1:8585", tls: {cert_file: /etc/hostname}}\n`,
        "TLS for http": 'upstreams: [{name: a, base_url: "http://x", tls: {insecure: true}}]\n',
        "a key in the URL": 'upstreams: [{name: a, base_url: "http://user:pass@x"}]\n',
        "a key with a line end": 'upstreams: [{name: a, base_url: "http://x", api_key: "a\\r\\nb"}]\n',
        "a key file that is not there": 'upstreams: [{name: a, base_url: "http://x", api_key_file: /nonexistent}]\n',
    };
    for (const [name, text] of Object.entries(broken)) {
        test(`${name}: exit code 1 and a place`, async () => {
            const { code, stderr } = await checked(text);
            assert.equal(code, 1, stderr);
            assert.match(stderr, /dsgate\.yaml(:\d+:\d+)?: ./);
        });
    }

    test("a file that is not there", async () => {
        const { code, stderr } = await Program.run("dsgate", ["check", "-c", "/nonexistent.yaml"]);
        assert.equal(code, 1);
        assert.match(stderr, /nonexistent\.yaml: cannot be read: No such file/);
    });

    test("a wrong command line: exit code 2", async () => {
        for (const args of [["frob"], ["--frob"], ["run", "too", "much"]])
            assert.equal((await Program.run("dsgate", args)).code, 2);
    });

    test("a config file as a bare argument: exit code 2, and how to give it", async () => {
        const file = fileOf(minimal);
        const late = await Program.run("dsgate", ["check", file]);
        assert.equal(late.code, 2);
        assert.ok(late.stderr.includes(`given with -c: dsgate check -c ${file}\n`), late.stderr);
        const alone = await Program.run("dsgate", [file]);
        assert.equal(alone.code, 2);
        assert.match(alone.stderr, /no command '.*'; a config file is given with -c\n/);
    });

    const cannotStart = {
        "a certificate that is not there": 'listen: {address: "127.0.0.1:0", tls: {cert_file: /no/c, key_file: /no/k}}\n',
        "a folder of a Unix socket that is not there": 'admin: {listen: "unix:/no/admin.sock"}\n',
        "a folder of the access log that is not there": "log: {access: /no/access.log}\n",
    };
    for (const [name, text] of Object.entries(cannotStart)) {
        test(`${name}: neither checks nor starts`, async () => {
            const others = ["listen: 127.0.0.1:0\n", "admin: {listen: off}\n"].filter(
                (line) => line.split(":")[0] !== text.split(":")[0],
            );
            const file = fileOf(`${minimal}${text}${others.join("")}`);
            for (const command of ["check", "run"]) {
                const { code, stderr } = await Program.run("dsgate", [command, "-c", file]);
                assert.equal(code, 1, stderr);
                assert.match(stderr, /'?\/no\/.*No such file/);
            }
        });
    }

    test("an upstream's authority that is not there: neither checks nor starts", async () => {
        const file = fileOf(
            'listen: 127.0.0.1:0\nadmin: {listen: off}\nupstreams: [{name: a, base_url: "https://x", tls: {ca_file: /no/ca}}]\n',
        );
        for (const command of ["check", "run"]) {
            const { code, stderr } = await Program.run("dsgate", [command, "-c", file]);
            assert.equal(code, 1, stderr);
            assert.match(stderr, /upstream 'a': .*\/no\/ca.*No such file/);
        }
    });

    test("whatever would keep it from starting, all at once, and each with what to do", async () => {
        const { code, stdout, stderr } = await checked(`${minimal}${Object.values(cannotStart).join("")}`);
        assert.equal(code, 1);
        assert.equal(stdout, "");
        for (const line of stderr.trim().split("\n").slice(0, -1))
            assert.match(line, /dsgate\.yaml: (listen|admin\.listen|log\.access).*: .*; expected ./);
        assert.match(stderr, /^dsgate: 4 reasons not to start$/m);
    });

    test("an admin port for everyone is a warning", async () => {
        const { code, stdout, stderr } = await checked(`${minimal}admin: {listen: 0.0.0.0:8586}\n`);
        assert.equal(code, 0);
        assert.match(stdout, /the config is right/);
        assert.match(stderr, /dsgate\.yaml: warning: admin\.listen 0\.0\.0\.0:8586: other machines can reach it/);
    });

    test("mistakes never quote a key", async () => {
        const { code, stderr } = await checked(
            'upstreams: [{name: a, base_url: "http://x", api_key: "sk-topsecret\\u0001", api_key_file: /etc/hostname}]\n',
        );
        assert.equal(code, 1);
        assert.doesNotMatch(stderr, /topsecret/);
    });
});

describe("starting", () => {
    test("a config with a mistake does not start", async () => {
        const { code, stderr } = await Program.run("dsgate", ["run", "-c", fileOf("upstreams: 1\n")]);
        assert.equal(code, 1);
        assert.match(stderr, /:1:12: /);
    });

    test("an address that is taken does not start, and says which", async () => {
        const { port, release } = await holdPort();
        const { code, stderr } = await Program.run("dsgate", [
            "-c",
            fileOf(`${minimal}listen: 127.0.0.1:${port}\nadmin: {listen: off}\n`),
        ]);
        release();
        assert.equal(code, 1);
        assert.match(stderr, new RegExp(`${port}.*in use`));
    });

    test("the environment alone is enough", async () => {
        const [port, adminPort] = [await freePort(), await freePort()];
        const env = {
            DEEPSEEK_API_KEY: SIMULATOR_KEY,
            DEEPSEEK_BASE_URL: simulator.url,
            DSGATE_LISTEN: `127.0.0.1:${port}`,
            DSGATE_ADMIN: `127.0.0.1:${adminPort}`,
        };
        const program = new Program("dsgate", [], { env });
        await program.listensAt({ host: "127.0.0.1", port });
        const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
            method: "POST",
            body: JSON.stringify(chat()),
        });
        assert.equal((await response.json()).object, "chat.completion");
        assert.equal((await simulator.last()).headers.authorization, `Bearer ${SIMULATOR_KEY}`);
        program.signal("SIGTERM");
        assert.deepEqual(await program.exit(), { code: 0, signal: null });
        assert.match(program.stdout, /"path":"\/v1\/chat\/completions"/);
    });

    test("without a key the client's own passes through", async () => {
        const gateway = await Gateway.start({ upstreams: [upstream(simulator, { api_key: undefined })] });
        assert.equal(
            (await gateway.post("/v1/chat/completions", chat(), { headers: { Authorization: "Bearer sk-mine" } }))
                .status,
            200,
        );
        assert.equal((await simulator.last()).headers.authorization, "Bearer sk-mine");
        await gateway.stop();
    });

    test("api_key_file, whose final newline is no part of the key", async () => {
        const gateway = await Gateway.start({
            upstreams: [upstream(simulator, { api_key: undefined, api_key_file: fileOf("sk-from-a-file\n") })],
        });
        await gateway.serves();
        assert.equal((await simulator.last()).headers.authorization, "Bearer sk-from-a-file");
        await gateway.stop();
    });
});

describe("SIGHUP", () => {
    let gateway;
    before(async () => {
        gateway = await Gateway.start({ upstreams: [upstream(simulator, { name: "old" })] });
    });
    after(() => gateway.stop({ quiet: true }));

    const servedBy = async () => (await gateway.post("/v1/chat/completions", chat())).headers.get("x-dsgate-upstream");

    test("a mistake: told in the log, and all stays as it was", async () => {
        gateway.write({ upstreams: [upstream(simulator, { name: "new", wieght: 3 })] });
        assert.equal(await gateway.reload(), false);
        assert.match(gateway.program.stderr, /'wieght'.*did you mean 'weight'/);
        assert.equal(await servedBy(), "old");
    });

    test("an address that can't be had: all stays as it was, the other new addresses too", async () => {
        const { port, release } = await holdPort(),
            fresh = await freePort();
        const listen = [`127.0.0.1:${gateway.port}`, `127.0.0.1:${fresh}`, `127.0.0.1:${port}`];
        gateway.write({ listen, upstreams: [upstream(simulator, { name: "new" })] });
        assert.equal(await gateway.reload(), false);
        release();
        assert.equal(await servedBy(), "old");
        assert.equal(await connects({ host: "127.0.0.1", port: fresh }), false);
    });

    test("a good file counts from the next request on, a stream under way keeps the old one", async () => {
        const stream = await gateway.post("/v1/chat/completions", chat({ stream: true }));
        const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
        let text = (await reader.read()).value;

        const another = await Simulator.start();
        const fresh = await freePort();
        gateway.write({
            listen: [`127.0.0.1:${gateway.port}`, `127.0.0.1:${fresh}`],
            upstreams: [upstream(another, { name: "new" })],
        });
        assert.equal(await gateway.reload(), true);
        assert.equal(await servedBy(), "new");
        assert.equal(await connects({ host: "127.0.0.1", port: fresh }), true);
        assert.ok(!text.includes("[DONE]"), "the stream was over before the reload");

        for (let piece; !(piece = await reader.read()).done;) text += piece.value;
        assert.match(text, /data: \[DONE\]\n\n$/);
        assert.equal(stream.headers.get("x-dsgate-upstream"), "old");

        gateway.write({ upstreams: [upstream(simulator, { name: "old" })] });
        assert.equal(await gateway.reload(), true);
        assert.equal(await connects({ host: "127.0.0.1", port: fresh }), false);
        await another.stop();
    });

    test("the access log is opened again, for log rotation", async () => {
        fs.renameSync(gateway.accessFile, `${gateway.accessFile}.1`);
        assert.equal(await gateway.reload(), true);
        await gateway.serves();
        await eventually("a line in the new file", () => gateway.accessLog.length === 1);
    });
});
