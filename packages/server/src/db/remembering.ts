// A session inside a transaction: what it is to announce waits for the commit.

import type pg from "pg";

import { announcePrefix } from "./announcer.ts";
import type { AnnouncingResult } from "./announcer.ts";
import type { Prepared, Queryable } from "./queryable.ts";
import { failureOf } from "./statement-failure.ts";

/** Keeps the answers which have something to announce in `answers`. Throws as `failureOf` says. */
export function remembering(client: pg.PoolClient, answers: AnnouncingResult[]): Queryable {
  return {
    async query<Row extends object>(statement: string | Prepared, values: unknown[] = []) {
      // pg's row type is an index signature; ours are interfaces of the same shape.
      const more = typeof statement === "string" ? { text: statement } : statement;
      const answer = await client.query<Row & pg.QueryResultRow>({ ...more, values }).catch((error: unknown) => {
        throw failureOf(error);
      });
      if (answer.fields?.some(({ name }) => name.startsWith(announcePrefix))) answers.push(answer);
      return answer;
    },
  };
}
