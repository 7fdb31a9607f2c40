// graphile-worker with all the batching that its page on performance uses: a local queue of 500, completions together.

import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { batches, customer, options, result, tally } from "./common.mjs";

const { store, jobs, concurrency } = options({ store: "postgres://127.0.0.1/postgres", jobs: 50_000, concurrency: 24 });
const logger = new Logger(() => () => {});
const connectionString = store;

const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();
let begun = performance.now();
for (const numbers of batches(jobs, 1_000)) {
  await utils.addJobs(numbers.map((n) => ({ identifier: "create", payload: customer(n) })));
}
const enqueueMs = performance.now() - begun;
await utils.release();

const counted = tally(jobs);
begun = performance.now();
const runner = await run({
  logger,
  taskList: { create: async () => counted.count() },
  preset: {
    worker: {
      connectionString,
      concurrentJobs: concurrency,
      maxPoolSize: concurrency + 1,
      pollInterval: 2_000,
      localQueue: { size: 500 },
      completeJobBatchDelay: 0,
      failJobBatchDelay: 0,
    },
  },
});
await counted.all;
const drainMs = performance.now() - begun;
const settings = `addJobs 1000, concurrency ${concurrency}, localQueue 500, batched completions`;
console.log(result("graphile-worker", settings, jobs, enqueueMs, drainMs));
await runner.stop();
