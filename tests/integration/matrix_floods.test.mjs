// The cells of the matrix whose upstream sends megabytes, a few at a time.
import { test } from "node:test";
import { THREAD_SANITIZER } from "./harness.mjs";
import { UPSTREAMS, cells } from "./harness/matrix_model.mjs";
import { gateways, named, run, serveMatrix } from "./harness/matrix_run.mjs";

const AT_A_TIME = THREAD_SANITIZER ? 1 : 2;

const all = named(cells().filter(({ flood }) => flood));

serveMatrix();

// Five times as much is too slow for ThreadSanitizer.
for (const which of UPSTREAMS.filter((name) => name !== "failing" || !THREAD_SANITIZER)) {
    const list = all.filter((cell) => cell.upstreams === which);
    test(`${which}: ${list.length} cells`, () => run(gateways[which], list, AT_A_TIME));
}
