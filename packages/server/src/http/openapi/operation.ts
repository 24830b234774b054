// What a route says of itself: the schemas that it parses and answers with, which `/openapi.json` is made of.

import type { FastifyInstance } from "fastify";
import { z } from "zod";

import type { ErrorCode } from "../../errors.ts";

/** Who may call. `optional`: anybody, but a key that is given must be right. `worker`: whoever
 *  has a worker token. */
export type Access = "project" | "optional" | "open" | "worker";

export interface ReplyForm {
  readonly description: string;
  /** By media type: the schema of a JSON value, or what other bytes are. Absent: no body. */
  readonly content?: Readonly<Record<string, z.ZodType | "text" | "bytes">>;
}

export interface Operation {
  /** Unique name, in the style of a function: `taskDetail`. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** The group under which documents list it. */
  readonly tag: string;
  readonly access: Access;
  /** What the parameters of the path mean, by name. */
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: z.ZodObject;
  /** The schema that the body's fields are parsed by; they may come as JSON, as a form or as multipart. */
  readonly body?: z.ZodType;
  /** By HTTP status. Failures with registered codes are named in `failures` instead. */
  readonly replies: Readonly<Record<number, ReplyForm>>;
  /** Beyond those that every route of its kind has. */
  readonly failures?: readonly ErrorCode[];
}

/** A registered route with its operation, in the framework's spelling of paths (`/v1/Run/:owner/:model`). */
export interface DocumentedRoute {
  readonly method: string;
  readonly url: string;
  readonly operation: Operation;
}

declare module "fastify" {
  interface FastifyContextConfig {
    /** Every route has one (CONTRIBUTING.md, "Adding a route"). */
    operation?: Operation;
  }
}

/** From now on a route without an operation cannot be added; returns the list that grows with every route.
 *  Preflights and HEAD, which the framework adds by itself, are not operations of their own. */
export function collectOperations(app: FastifyInstance): readonly DocumentedRoute[] {
  const routes: DocumentedRoute[] = [];
  app.addHook("onRoute", ({ method, url, config }) => {
    const methods = [method].flat().filter((one) => one !== "HEAD" && one !== "OPTIONS");
    for (const one of methods) {
      const operation = config?.operation;
      if (!operation) throw new Error(`${one} ${url} has no operation: see CONTRIBUTING.md, "Adding a route"`);
      routes.push({ method: one, url, operation });
    }
  });
  return routes;
}

/** The address of a route in the spelling of OpenAPI. */
export function templateOf(url: string): string {
  return url.replaceAll(/:([A-Za-z]+)/g, "{$1}");
}
