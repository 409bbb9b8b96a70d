// A certificate authority for one test run, and what it signs.
import { execFileSync } from "node:child_process";
import path from "node:path";
import { temporaryFolder } from "./program.mjs";

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];

export class Authority {
    constructor() {
        this.folder = temporaryFolder();
        this.certificate = path.join(this.folder, "ca.pem");
        this.key = path.join(this.folder, "ca.key");
        this.#openssl("ca", "-addext", "basicConstraints=critical,CA:TRUE");
    }

    // {cert_file, key_file} for a server of these names, or for a client.
    sign(name, names = `DNS:${name}`) {
        this.#openssl(
            name,
            "-CA",
            this.certificate,
            "-CAkey",
            this.key,
            "-addext",
            `subjectAltName=${names}`,
            "-addext",
            "basicConstraints=CA:FALSE",
        );
        return { cert_file: path.join(this.folder, `${name}.pem`), key_file: path.join(this.folder, `${name}.key`) };
    }

    #openssl(name, ...more) {
        const files = ["-keyout", path.join(this.folder, `${name}.key`), "-out", path.join(this.folder, `${name}.pem`)];
        execFileSync("openssl", ["req", "-x509", "-subj", `/CN=${name}`, ...newKey, ...files, ...more], {
            stdio: "pipe",
        });
    }
}
