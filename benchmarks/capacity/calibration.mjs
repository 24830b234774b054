// What calibrate.mjs and compare.mjs measure of PostgreSQL: the costs of statements and of listeners.

import { setTimeout as delay } from "node:timers/promises";

import { sessionsOf } from "@atelier/server/db/session";
import pg from "pg";

import { median } from "../flux/measure.mjs";
import { databaseMs } from "./processor-time.mjs";
import { StatementCosts } from "./statement-costs.mjs";

const many = 32;
const listeners = 20;
/** Those of many servers: by the time a session has its turn again, the processors' caches have served the others. One session alone takes
 *  little more than half the time for the same statement. */
const sessions = 16;
const [announcements, announcePauseMs] = [300, 2];

/** `postgres`: its `db` and `address`, its files in `cluster`. Calls `also` with what can measure more of it. */
export async function measureCosts(postgres, { cluster, waves, also = async () => ({}) }) {
  const Session = sessionsOf(postgres.address);
  const opened = Array.from({ length: sessions }, () => new Session(postgres.address));
  await Promise.all(opened.map((session) => session.connect()));
  try {
    const costs = new StatementCosts({ db: postgres.db, session: inTurns(opened) }, cluster);
    await costs.open();
    const statements = await costsOfStatements(costs, waves);
    const answers = [];
    for (let wave = 0; wave < waves; wave += 1) answers.push(await costs.answerMs());
    const databaseMsPerListener = await costOfListener(postgres, cluster);
    return { statements, answerMs: rounded(median(answers)), databaseMsPerListener, ...(await also(costs)) };
  } finally {
    await Promise.all(opened.map((session) => session.end()));
  }
}

/** Of each cost the median of several measurements. */
export function medianCosts(measured) {
  const medianOf = (costs) =>
    typeof costs[0] === "number" ? rounded(median(costs)) : Object.fromEntries(Object.keys(costs[0]).map((name) => [name, medianOf(costs.map((cost) => cost[name]))]));
  return medianOf(measured);
}

/** As `db` asks its sessions (db/queryable.ts), without announcing. */
function inTurns(opened) {
  let turn = 0;
  return {
    query(statement, values) {
      turn = (turn + 1) % opened.length;
      return opened[turn].query(typeof statement === "string" ? { text: statement, values } : { ...statement, values });
    },
  };
}

/** Of each kind: milliseconds of a statement of one task and of one of many, and what follows for any number of them. */
async function costsOfStatements(costs, waves) {
  const measured = { alone: [], shared: [] };
  // Sessions plan their statements first; of many tasks there are few in a wave.
  for (const size of [1, ...Array(sessions / 2).fill(many)]) await costs.wave(size);
  for (let wave = 0; wave < waves; wave += 1) {
    measured.alone.push(await costs.wave(1));
    measured.shared.push(await costs.wave(many));
  }
  const medianOf = (list, kind) => median(list.map((costs) => costs[kind]));
  return Object.fromEntries(
    Object.keys(measured.alone[0]).map((kind) => {
      const [alone, shared] = [medianOf(measured.alone, kind), medianOf(measured.shared, kind)];
      const perTask = Math.max(0, (shared - alone) / (many - 1));
      return [kind, { aloneMs: rounded(alone), [`of${many}Ms`]: rounded(shared), fixedMs: rounded(alone - perTask), perTaskMs: rounded(perTask) }];
    }),
  );
}

/** Milliseconds by which one more session that listens makes an announcement dearer. Each wakes for each: they come apart. */
async function costOfListener({ address }, cluster) {
  const connect = async () => {
    const client = new pg.Client(address);
    await client.connect();
    return client;
  };
  const teller = await connect();
  const announce = () =>
    databaseMs(cluster, async () => {
      for (let at = 0; at < announcements; at += 1) {
        await teller.query(`select pg_notify('atelier_event', $1)`, [String(at)]);
        await delay(announcePauseMs);
      }
    });
  const alone = await announce();
  const hearing = await Promise.all(Array.from({ length: listeners }, connect));
  for (const client of hearing) await client.query("listen atelier_event");
  const heard = await announce();
  await Promise.all([teller, ...hearing].map((client) => client.end()));
  return rounded((heard - alone) / announcements / listeners);
}

export function rounded(milliseconds) {
  return Math.round(milliseconds * 10_000) / 10_000;
}
