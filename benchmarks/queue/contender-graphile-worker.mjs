// graphile-worker 0.18 with its local queue and batched completion, as its performance page recommends.

import { Logger, makeWorkerUtils, run } from "./peers/node_modules/graphile-worker/dist/index.js";
import pg from "./peers/node_modules/pg/esm/index.mjs";

import { progressTable } from "./progress-table.mjs";

export async function openGraphileWorker(address, writeProgress) {
  const pool = new pg.Pool({ ...address, max: 10 });
  pool.on("error", () => undefined); // its sessions are ended with its database
  const logger = new Logger(() => () => undefined);
  const utils = await makeWorkerUtils({ pgPool: pool, logger });
  await utils.migrate();
  await pool.query(progressTable);
  let runner;
  return {
    name: "graphile-worker",
    async submit(number) {
      await utils.addJob("benchmark", { number });
    },
    async work({ concurrency, onStarted }) {
      runner = await run({
        pgPool: pool, logger, noHandleSignals: true,
        preset: { worker: { concurrentJobs: concurrency, localQueue: { size: concurrency + 1 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
        taskList: {
          async benchmark(payload, helpers) {
            onStarted(payload.number);
            await writeProgress((text, values) => pool.query(text, values), helpers.job.id);
          },
        },
      });
    },
    /** Finished jobs are deleted. */
    async isBusy() {
      const { rows } = await pool.query("select exists (select from graphile_worker._private_jobs) as busy");
      return rows[0].busy;
    },
    async close() {
      await runner?.stop();
      await utils.release();
      await pool.end();
    },
  };
}
