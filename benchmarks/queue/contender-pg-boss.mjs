// pg-boss 12: batches, bursts and LISTEN/NOTIFY as its documentation recommends for throughput and latency.

import { PgBoss } from "./peers/node_modules/pg-boss/dist/index.js";

import { progressTable } from "./progress-table.mjs";

const queue = "benchmark";

export async function openPgBoss(address, writeProgress) {
  const boss = new PgBoss({ ...address, max: 10, useListenNotify: true, supervise: false, schedule: false });
  boss.on("error", (error) => console.error("pg-boss:", error.message));
  await boss.start();
  await boss.createQueue(queue, { notify: true });
  const db = boss.getDb();
  await db.executeSql(progressTable);
  return {
    name: "pg-boss",
    async submit(number) {
      await boss.send(queue, { number });
    },
    async work({ concurrency, onStarted }) {
      // Four pollers that each take an eighth of the concurrency twice: fewer, larger batches were slower to start.
      const options = { batchSize: concurrency / 4, localConcurrency: 4, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true };
      await boss.work(queue, options, (jobs) => Promise.all(jobs.map(async (job) => {
        onStarted(job.data.number);
        await writeProgress((text, values) => db.executeSql(text, values), job.id);
      })));
    },
    async isBusy() {
      const { rows } = await db.executeSql(`select exists (select from pgboss.job where name = $1 and state <> 'completed') as busy`, [queue]);
      return rows[0].busy;
    },
    async close() {
      await boss.stop({ graceful: true, timeout: 5_000 });
    },
  };
}
