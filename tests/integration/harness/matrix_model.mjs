// What the gateway owes its clients when the first answer of an upstream fails: every fault, at every position, for
// every kind of request. A model of its own: nothing in it is taken from the program.

// ---- what is asked for ----

const chat = (more = {}) => ({
    messages: [{ role: "user", content: "Say something." }],
    thinking: { type: "disabled" },
    ...more,
});
const tools = [
    {
        type: "function",
        function: { name: "look_up", parameters: { type: "object", properties: { city: { type: "string" } } } },
    },
];

// One choice has its finish_reason then, and the other has not: 2 × (a role, 8 tokens) and one end.
const BETWEEN_ENDS = "event-19";

// `middles`: the positions inside its text. `goesOn`: a broken one can be gone on with.
export const KINDS = {
    thinking: {
        body: chat({ thinking: { type: "enabled" } }),
        middles: ["mid-reasoning", "mid-content"],
        goesOn: true,
    },
    chat: { body: chat(), middles: ["mid-content"], goesOn: true },
    tool: { body: chat({ tools, tool_choice: "required" }), middles: ["mid-tool-call"] },
    choices: { body: chat({ n: 2 }), middles: ["mid-content", BETWEEN_ENDS] },
    logprobs: { body: chat({ logprobs: true, top_logprobs: 2 }), middles: ["mid-content"] },
    completion: {
        path: "/v1/completions",
        body: { prompt: "def f(" },
        middles: ["mid-content"],
        goesOn: true,
        alwaysPlain: true, // only chats are made as streams
    },
};

// How it is asked for: as a stream, as a plain answer which the gateway makes as a stream, or really as a plain one.
export const WAYS = ["stream", "ride", "plain"];

// ---- where it breaks ----

const BEFORE = ["before-headers", "during-headers", "after-headers", "first-event"];
const AFTER = ["last-chunk", "before-done"];

// How far the answer is then: "nothing" (no token), "text" (some), "over" (it has said its end).
function progressAt(way, position) {
    if (way === "plain") return "nothing"; // a plain answer is nothing before it is whole
    if (position === "before-done") return "over";
    return BEFORE.includes(position) ? "nothing" : "text";
}

// The simulator takes positions inside a text, in a plain answer, for half of its bytes.
function positionsOf(kind, way) {
    if (way === "plain") return ["before-headers", "during-headers", "after-headers", "mid-content"];
    return [...BEFORE, ...KINDS[kind].middles, ...AFTER];
}

// ---- faults that have a position ----

const HEAD = ["before-headers", "during-headers"];
const inHead = (position) => HEAD.includes(position);

// The gateway's word for it, or several where time decides.
const wordOfCut = ({ position }) => (position === "before-headers" ? "reset" : "cut");
const wordOfSilence = ({ way, position, progress }) => {
    if (way === "plain") return inHead(position) ? "first_byte_timeout" : "idle_timeout";
    return progress === "text" ? "idle_timeout" : "first_token_timeout";
};
// What has shown that it lives and then ends without a word has too much to do.
function wordOfEnd({ way, position, progress }) {
    if (way === "plain") return position === "after-headers" ? "empty_answer" : "bad_json";
    if (progress === "text") return "cut";
    return position === "first-event" ? "busy" : "empty_stream";
}
const isMiddle = (position) => position.startsWith("mid-");
const isText = (position, way) => way !== "plain" && isMiddle(position);
const isEvent = (position) => !inHead(position);

// name → {word(cell), at(position, way)}: the positions where it makes sense; everywhere without.
const BREAKS = {
    eof: { word: wordOfCut },
    reset: { word: wordOfCut },
    end: { word: wordOfEnd, at: isEvent },
    stall: { word: wordOfSilence },
    // a plain answer's empty lines are waited for to the end of the total time: see the tests of timers
    "stall-with-comments": { word: wordOfSilence, at: (position, way) => isEvent(position) && way !== "plain" },
    "half-event": { word: wordOfCut, at: isEvent },
    // what comes in one piece with bytes that are no HTTP may be lost with them, and an end must not be
    "bad-chunk": { word: () => "bad_answer", at: (position) => isEvent(position) && position !== "before-done" },
    "bad-utf8": { word: () => "bad_event", at: isText },
    "huge-event=5": { word: () => "event_too_large", at: isText, flood: true },
    "bad-json": { word: ({ way }) => (way === "plain" ? "bad_json" : "bad_event"), at: isEvent },
    "error-first-event": { told: true, word: ({ way }) => (way === "plain" ? "busy" : "error_event"), at: isEvent },
    "error-mid-stream": { told: true, word: ({ way }) => (way === "plain" ? "busy" : "error_event"), at: isEvent },
    "error-then-done": { told: true, word: ({ way }) => (way === "plain" ? "busy" : "error_event"), at: isEvent },
};

// ---- faults of the whole answer ----

// Answers that another upstream mends. `status`: what is passed on where nobody does, in the upstream's own words.
const retried = (word, status) => ({ word, status });
// … another one alone: who has said so would say it again.
const refused = (word, status) => ({ word, status, final: true });
const ERRORS = {
    busy: retried("busy", 503),
    "rate-limit": retried("rate", 429),
    "tpm-limit": retried("rate", 429),
    "server-error": retried("error", 500),
    "gateway-timeout": retried("timeout", 504),
    "html-error": retried("error", 502),
    "error-200": retried("busy|rate|error", 502),
    "busy-200": retried("busy", 503),
    "error-integer-code": retried("rate", 429),
    "error-flat": retried("busy", 503),
    "error-bare-string": retried("timeout", 504),
    "error-huawei": retried("rate", 429),
    "error-throttling": retried("rate", 429),
    "not-found": refused("model", 404),
    404: refused("model", 404),
    429: retried("rate", 429),
    500: retried("error", 500),
    502: retried("error", 502),
    503: retried("busy", 503),
    504: retried("timeout", 504),
    "429+retry-after=1": retried("rate", 429),
    "503+retry-after-date=1": retried("busy", 503),
};
// The gateway's key, which rests then.
const KEYS = {
    "no-key": refused("key", 401),
    "bad-key": refused("key", 401),
    "error-string": refused("key", 401),
    "no-balance": refused("balance", 402),
    "error-overdue": refused("balance", 403),
    401: refused("key", 401),
    402: refused("balance", 402),
    403: refused("access", 403),
};
// The client's own mistakes: passed on as they are, after one attempt.
const MISTAKES = ["context-length", "error-sglang", "400", "413", "422"];

// On a busy machine it is not read fast enough to be found endless.
const wordOfFlood = ({ way }) => `bad_answer|${way === "plain" ? "first_byte" : "first_token"}_timeout`;

// No answers at all, or none that can be read: where nobody mends it the gateway has an error of its own.
const BROKEN = {
    hang: { word: ({ way }) => (way === "plain" ? "first_byte_timeout" : "first_token_timeout") },
    html: { word: () => "html" },
    "empty-200": { word: () => "empty_answer" },
    "whitespace-only=3": { word: () => "busy" },
    "keepalive-then-close=3": { word: () => "busy" },
    "header-garbage": { word: () => "bad_answer" },
    "bad-length=10": { word: () => "cut", ways: ["plain"] },
    "short-length=10": { word: () => "bad_json", ways: ["plain"] },
    "wrong-type": { word: () => "bad_json", ways: ["stream", "ride"] },
    "slow-headers=20": { word: ({ way }) => (way === "plain" ? "first_byte_timeout" : "first_token_timeout") },
    "continue-100=0": { word: wordOfFlood, flood: true },
    "endless-headers": { word: wordOfFlood, flood: true },
    "endless-blank": {
        word: ({ way }) => (way === "plain" ? "cut|busy|idle_timeout" : "cut|busy|first_token_timeout"),
        flood: true,
    },
};

// Odd, but whole: passed on after one attempt, as the upstream would have told it to the client itself.
const HARMLESS = {
    "keepalive-then-answer=3": {},
    "blank-lines=3": {},
    "continue-100=3": {},
    "slow-headers=1": {},
    "drip=7": {},
    "two-done": {},
    "bad-length=10": { ways: ["stream", "ride"] },
    "short-length=10": { ways: ["stream", "ride"], progress: "over" },
    "changing-ids": { like: "changing-ids", ways: ["stream", "plain"] },
    filtered: { like: "filtered" },
    "usage-separate": { like: "usage-separate" },
    "usage-none": { like: "usage-none", ways: ["stream", "plain"] },
    "usage-negative": { like: "usage-negative" },
    "reasoning-field": { like: "reasoning-field" },
    "finish=length": { like: "finish=length" },
    "finish=eos": { like: "finish=eos" },
};

// ---- cells ----

const RETRIES = 5; // attempts of a request, at most

const mends = (cell, progress) => progress === "nothing" || cell.way !== "stream" || KINDS[cell.kind].goesOn;

// What a client that asked for a stream, and has a part of it, sees of a failure: the part, and an error.
const broken = { answer: "broken" };
const whole = { answer: "whole" };

function expectFailing(cell, told) {
    const seen = cell.way === "stream" && cell.progress === "text";
    const common = { attempts: RETRIES, reasons: null };
    if (seen) return { ...common, ...broken };
    if (!told) return { ...common, answer: "error" };
    return { ...common, answer: cell.way === "plain" ? "upstream's" : "error", status: 503 };
}

// Bytes that are no HTTP may take with them what came in one piece, so that it can be all of it.
function expectBreak(cell, { word, told }) {
    const reason = word(cell), failing = cell.upstreams === "failing";
    if (cell.progress === "over") return { attempts: 1, reasons: [], ...whole };
    const again = { attempts: 2, reasons: [reason], ...whole };
    if (!mends(cell, cell.progress))
        return failing ? { reasons: null, ...broken } : { attempts: 1, reasons: [reason], unseen: again, ...broken };
    if (failing) return expectFailing(cell, told);
    const restarts = cell.position === "before-headers" && ["eof", "reset"].includes(cell.fault);
    const continued = cell.progress === "text" && Boolean(KINDS[cell.kind].goesOn);
    return { ...again, restarts, continued: cell.fault === "bad-chunk" ? undefined : continued };
}

function expectError(cell, { word, status, final }) {
    if (final && cell.upstreams !== "three") return { attempts: 1, reasons: [word], answer: "upstream's", status };
    if (cell.upstreams !== "failing") return { attempts: 2, reasons: [word], ...whole };
    return { attempts: RETRIES, reasons: Array(RETRIES).fill(word), answer: "upstream's", status };
}

function expectBroken(cell, { word }) {
    const reason = word(cell);
    if (cell.upstreams !== "failing") return { attempts: 2, reasons: [reason], ...whole };
    return { attempts: RETRIES, reasons: Array(RETRIES).fill(reason), answer: "error" };
}

const expectEmpty = (cell) =>
    cell.upstreams === "failing"
        ? { attempts: 2, reasons: ["empty_content"], answer: "whole", like: "empty-content" }
        : { attempts: 2, reasons: ["empty_content"], ...whole };

// Equal to the answer that the simulator gives directly, with this fault.
// Another model might have taken it: that is the reason which is told when the ladder has no rung for it.
const askedTooMuch = (fault) => (fault === "context-length" ? ["context_length"] : []);

const asItIs = (like) => ({ attempts: 1, reasons: [], ...whole, like });

// Half an answer that ends in a failure.
function expectUnfinished(cell, word) {
    const progress = cell.way === "plain" ? "nothing" : "text";
    return expectBreak({ ...cell, progress }, { word: () => word });
}

export const UPSTREAMS = ["three", "one", "failing"];

const fits = (row, way) => !row.ways || row.ways.includes(way);

function* breaks(kind, way) {
    for (const position of positionsOf(kind, way))
        for (const [fault, row] of Object.entries(BREAKS))
            if (fits(row, way) && (!row.at || row.at(position, way)))
                yield { fault, position, scenario: `${fault}@${position}`, progress: progressAt(way, position), row };
}

function* wholes(kind, way) {
    for (const [fault, row] of Object.entries(ERRORS)) yield { fault, expect: expectError, row };
    for (const [fault, row] of Object.entries(BROKEN)) if (fits(row, way)) yield { fault, expect: expectBroken, row };
    for (const [fault, row] of Object.entries(HARMLESS))
        if (fits(row, way)) yield { fault, expect: () => asItIs(row.like ?? ""), row };
    for (const fault of MISTAKES)
        yield { fault, expect: () => ({ attempts: 1, reasons: askedTooMuch(fault), answer: "upstream's" }), row: {} };
    yield { fault: "empty-content", expect: expectEmpty, row: {} };
    for (const fault of ["exhausted", "aborted"])
        yield { fault, expect: (cell) => expectUnfinished(cell, fault), row: {} };
}

const waysOf = (kind) => (KINDS[kind].alwaysPlain ? ["stream", "plain"] : WAYS);

// Megabytes are the same for every kind.
const FLOODED = "chat";

// All cells: {name, kind, way, upstreams, fault, scenario, expected}.
function* allCells() {
    for (const kind of Object.keys(KINDS))
        for (const way of waysOf(kind))
            for (const upstreams of UPSTREAMS) {
                const common = { kind, way, upstreams };
                for (const { row, ...rest } of breaks(kind, way)) {
                    const cell = { ...common, ...rest, flood: row.flood };
                    yield { ...cell, expected: expectBreak(cell, row) };
                }
                for (const { fault, expect, row } of wholes(kind, way)) {
                    const cell = { ...common, fault, scenario: fault, flood: row.flood, progress: row.progress };
                    yield { ...cell, expected: expect(cell, row) };
                }
            }
}

export const cells = () => [...allCells()].filter(({ flood, kind }) => !flood || kind === FLOODED);

// The gateway's key, which rests after a refusal.
export function* keyCells() {
    for (const way of ["stream", "ride"])
        for (const [fault, row] of Object.entries(KEYS))
            for (const upstreams of ["three", "failing"])
                yield { kind: "chat", way, fault, scenario: fault, upstreams, expected: expectError({ upstreams }, row) };
}
