// A worker's request to a server that never answers, in a process that optimizes at once and collects garbage all the time.
// node --expose-gc --always-turbofan held-request.mjs URL; prints the code of the failure.

import { ServerLink } from "../../packages/server/dist/worker/http-source/server-link.js";

const link = new ServerLink({ url: process.argv[2], token: "token", workerId: "worker", onRefused: () => undefined });
const collecting = setInterval(() => globalThis.gc(), 20);
const { signal } = new AbortController();
const code = await link.open("claim", { body: {}, timeoutMs: 500, signal }).catch((error) => error.code);
clearInterval(collecting);
console.log(code);
await link.close();
