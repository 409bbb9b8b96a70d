// What tests need of the world: the programs, and clients that misbehave.
export {
    BUILD,
    PATIENCE_MS,
    Program,
    THREAD_SANITIZER,
    connects,
    eventually,
    freePort,
    temporaryFolder,
    within,
} from "./harness/program.mjs";
export { Authority } from "./harness/certificates.mjs";
export { Gateway, chat, upstream } from "./harness/gateway.mjs";
export { RawClient, request, unframe } from "./harness/raw.mjs";
export { FAST, SIMULATOR_KEY, SLOW, Simulator } from "./harness/simulator.mjs";
