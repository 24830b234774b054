// The HTTP server's routes, headers and failures, without a socket: tests inject requests into it.

import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";

import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";

import { AtelierError } from "../errors.ts";
import { limits } from "../limits.ts";
import type { Log } from "../log.ts";
import { openStartEstimates } from "../tasks/start-estimates.ts";
import { addCatalogue } from "./catalogue.ts";
import { leaveBodiesUnread } from "./content-type.ts";
import { addCrossOriginAccess } from "./cross-origin.ts";
import { envelopeOf, sendFailure } from "./failure.ts";
import type { RouteContext } from "./http-deps.ts";
import { acceptBearerKeys } from "./mcp/bearer-key.ts";
import { addMcpRoute } from "./mcp/mcp-route.ts";
import { collectOperations } from "./openapi/operation.ts";
import { deliveryDetail } from "./routes/delivery-detail.ts";
import { deliveryList } from "./routes/delivery-list.ts";
import { deliveryRedeliver } from "./routes/delivery-redeliver.ts";
import { addHealthRoutes } from "./routes/health.ts";
import { fileUpload } from "./routes/file-upload.ts";
import { folderCreate } from "./routes/folder-create.ts";
import { inputOutputDelete } from "./routes/input-output-delete.ts";
import { addOpenApiRoute } from "./routes/openapi.ts";
import { run } from "./routes/run.ts";
import { addRunSyncRoute } from "./routes/run-sync.ts";
import { taskCancel } from "./routes/task-cancel.ts";
import { taskDetail } from "./routes/task-detail.ts";
import { addTaskEventsRoute } from "./routes/task-events.ts";
import { taskKill } from "./routes/task-kill.ts";
import { taskList } from "./routes/task-list.ts";
import { addStoredFileRoutes } from "./routes/stored-files.ts";
import { addUploadRoute } from "./routes/uploads.ts";
import { addSocket } from "./socket.ts";
import { addVisits, originOf } from "./visit.ts";
import { addWorkerApi } from "./worker-api/worker-api.ts";
import { addWireRoute } from "./wire-route.ts";

const deliveryRoutes = [deliveryList, deliveryDetail, deliveryRedeliver];

/** The wire's endpoints. All are POST; their paths are case-sensitive, as their clients write them. */
const taskRoutes = [taskDetail, taskCancel, taskKill, taskList, inputOutputDelete];
const wireRoutes = [run, ...taskRoutes, ...deliveryRoutes, fileUpload, folderCreate];

/** Builds the server; it listens only when told to. Every answer of `/v1` is the envelope, whatever was sent. */
export function buildServer(given: RouteContext): FastifyInstance {
  const context: RouteContext = { starts: openStartEstimates(given), ...given };
  const app = newApp(context.log);
  app.setErrorHandler((error, request, reply) => sendFailure(context.log, error, { request, reply }));
  app.setNotFoundHandler(() => {
    throw new AtelierError("ROUTE_UNKNOWN");
  });
  const operations = collectOperations(app);
  leaveBodiesUnread(app);
  addHeaders(app);
  addCrossOriginAccess(app);
  addAccessLog(app, context.log);
  acceptBearerKeys(app);
  const admitSocket = addVisits(app, context);
  for (const route of wireRoutes) addWireRoute(app, context, route);
  addRunSyncRoute(app, context);
  addTaskEventsRoute(app, context);
  addSocket(app, { ...context, admitSocket });
  addStoredFileRoutes(app, context);
  addUploadRoute(app, context);
  addMcpRoute(app, context);
  addHealthRoutes(app, context);
  addCatalogue(app, context);
  if (context.workerApi) addWorkerApi(app, context.workerApi);
  addOpenApiRoute(app, context, operations);
  return app;
}

function newApp(log: Log): FastifyInstance {
  return fastify({
    logger: false,
    genReqId: () => randomUUID(),
    requestTimeout: limits.requestMs,
    routerOptions: { maxParamLength: limits.pathSegmentCharacters },
    // Fastify's own refusals are not the envelope.
    return503OnClosing: false,
    forceCloseConnections: "idle",
    frameworkErrors: (error, request, reply) => sendFailure(log, error, { request, reply }),
    clientErrorHandler: answerBrokenRequest,
  });
}

/** Answers bytes that are not HTTP, headers that are too large, and requests that did not arrive in time. */
function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : "400 Bad Request";
  const body = JSON.stringify(envelopeOf(new AtelierError("BODY_INVALID")));
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json; charset=utf-8\r\nconnection: close`;
  socket.end(`${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function addHeaders(app: FastifyInstance): void {
  app.addHook("onRequest", (request, reply, done) => {
    reply.header("x-request-id", request.id).header("x-content-type-options", "nosniff");
    done();
  });
}

/** Routes, not URLs: the path of an output is its secret. */
function addAccessLog(app: FastifyInstance, log: Log): void {
  app.addHook("onResponse", (request, reply, done) => {
    const { method, id } = request;
    const elapsedMs = Math.round(reply.elapsedTime * 10) / 10;
    const route = request.routeOptions.url ?? "unknown";
    const { address, isSecure } = originOf(request) ?? {};
    log.debug({ requestId: id, method, route, status: reply.statusCode, elapsedMs, address, isSecure }, "http.answered");
    done();
  });
}
