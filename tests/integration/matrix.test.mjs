// Every fault of the simulator at every position, for streams and plain calls, with one upstream and with three; the
// model of what must come of it is in harness/matrix_model.mjs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { THREAD_SANITIZER } from "./harness.mjs";
import { UPSTREAMS, cells, keyCells } from "./harness/matrix_model.mjs";
import { gateways, named, run, serveMatrix, startGateway, upstream } from "./harness/matrix_run.mjs";

const AT_A_TIME = THREAD_SANITIZER ? 128 : 256;

// ThreadSanitizer looks for what threads do to each other, which is the same in all cells: a third of them is enough.
const isPlayed = ({ flood }, i) => !flood && (!THREAD_SANITIZER || i % 3 === 0);
const all = named(cells().filter(isPlayed));
const ofKeys = named(keyCells());

serveMatrix();

for (const which of UPSTREAMS) {
    const list = all.filter((cell) => cell.upstreams === which);
    test(`${which}: ${list.length} cells`, () => run(gateways[which], list, AT_A_TIME));
}

// A refused key rests for a minute, so each of these has upstreams of its own.
for (const which of ["three", "failing"])
    test(`keys that are refused: ${which}`, async () => {
        const list = ofKeys.filter((cell) => cell.upstreams === which);
        const copies = which === "three" ? ["a", "b", "c"] : ["a"];
        const upstreams = list.flatMap(({ model }) => copies.map((copy) => upstream(`${copy}-${model}`, model)));
        const gateway = await startGateway(upstreams);
        await run(gateway, list, AT_A_TIME);
        await gateway.stop({ quiet: true });
    });

// Where the client has a part already, most must end as broken streams, and not as answers that were begun anew because
// the fault had come in one piece with what was good.
test("what can't be gone on with is told", () => {
    const broken = all.filter(({ unseen, expected }) => unseen !== undefined || expected.answer === "broken");
    const begunAnew = broken.filter(({ unseen }) => unseen);
    assert.ok(begunAnew.length < broken.length / 4, `${begunAnew.length} of ${broken.length} were begun anew`);
});
