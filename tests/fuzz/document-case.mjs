// One request made from the OpenAPI document, and what is wrong with its answer.

import { Agent, request } from "node:http";

import { encode } from "./encodings.mjs";
import { nameFiles } from "./file-values.mjs";
import { nearValue, oddText, rightValue, wrongValue } from "./values.mjs";

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const answerMs = 30_000;
/** A held run waits for its turn behind the others that were sent. */
const heldMs = 300_000;

export function makeDocumentCase(random, { document, tasks, files = [], headersOf }) {
  const [template, method] = random.pick(operationsOf(document));
  const operation = document.paths[template][method];
  const body = operation.requestBody ? bodyOf(random, { operation, document, tasks, files }) : undefined;
  const headers = {
    ...random.weighted([[6, headersOf("signing")], [3, headersOf("keyOnly")], [1, {}], [0.5, { "x-api-key": oddHeader(random) }]]),
    ...(body?.type && { "content-type": body.type }),
    ...(body?.encoding && { "content-encoding": body.encoding }),
    ...(random.chance(0.1) && { [random.pick(["accept", "origin", "x-nonce", "x-signature-v2", "x-timestamp", "range", "if-none-match"])]: oddHeader(random) }),
  };
  return { template, method: method.toUpperCase(), path: pathOf(random, template, operation), headers, body: body?.body };
}

/** Sends it; returns what is wrong with the answer, or undefined. */
export async function runDocumentCase(made, { url, check }) {
  const answer = await send(url, made);
  if (answer.status >= 500) return `HTTP ${answer.status}: ${answer.body.slice(0, 300)}`;
  const problem = check({
    method: made.method,
    route: made.template,
    status: answer.status,
    contentType: answer.contentType,
    body: answer.body,
  });
  return problem;
}

let known;
function operationsOf(document) {
  // The socket is no request of this kind; it has cases of its own.
  known ??= Object.entries(document.paths)
    .filter(([path]) => path !== "/v1")
    .flatMap(([path, methods]) => Object.keys(methods).flatMap((method) => Array.from({ length: method === "post" ? 4 : 1 }, () => [path, method])));
  return known;
}

function bodyOf(random, { operation, document, tasks, files }) {
  const { schema } = operation.requestBody.content["application/json"];
  const resolve = (one) => (one.$ref ? document.components.schemas[one.$ref.split("/").at(-1)] : one);
  const make = random.weighted([[5, rightValue], [3, nearValue], [1, wrongValue]]);
  const fields = make(random, schema, resolve);
  if (typeof fields === "object" && fields !== null && !Array.isArray(fields)) {
    if (random.chance(0.6)) nameTask(random, fields, tasks);
    if (operation.operationId?.startsWith("run")) nameFiles(random, fields, files);
  }
  return encode(random, fields);
}

/** Tasks that exist, sometimes of the other project, and tasks that do not. */
function nameTask(random, fields, tasks) {
  const task = random.pick(tasks);
  for (const name of ["taskid", "tasktoken", "socketaccesstoken"]) {
    if (name in fields || random.chance(0.2)) fields[name] = random.weighted([[6, name === "taskid" ? task.taskid : task.token], [1, oddText(random)]]);
  }
}

const names = { owner: ["test", "Test", " Test "], model: ["fake", "more", "FAKE", "nothing"], file: ["test-fake-cover.jpeg"] };

function pathOf(random, template, operation) {
  const path = template.replaceAll(/\{([A-Za-z]+)\}/g, (_all, name) => {
    const text = random.chance(0.8) && names[name] ? random.pick(names[name]) : oddText(random).slice(0, 300);
    return random.chance(0.02) ? random.pick(["%zz", "%E0%A4%A", "%2f", "..%2f.."]) : encoded(text) || "x";
  });
  const query = (operation.parameters ?? []).filter((one) => one.in === "query").map((one) => `${one.name}=${random.pick(["true", "1", "", encoded(oddText(random))])}`);
  return query.length > 0 && random.chance(0.5) ? `${path}?${query.join("&")}` : path;
}

function encoded(text) {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, "")).replaceAll(".", "%2e");
}

function oddHeader(random) {
  return oddText(random).replaceAll(/[^\x20-\x7e]/g, "?").slice(0, 2_000);
}

function send(url, { method, path, headers, body }) {
  return new Promise((resolve, reject) => {
    const length = body ? { "content-length": body.length } : {};
    const timeout = path.includes("/sync") ? heldMs : answerMs;
    const sent = request(`${url}${path}`, { method, headers: { ...headers, ...length }, agent, timeout }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode, contentType: response.headers["content-type"], body: Buffer.concat(chunks).toString("utf8") }),
      );
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer within ${timeout} ms`)));
    sent.on("error", reject);
    sent.end(body);
  });
}
