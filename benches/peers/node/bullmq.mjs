// BullMQ for Node: `addBulk`, and one worker with many handlers at once.

import { Queue, Worker } from "bullmq";
import { batches, customer, options, result, tally } from "./common.mjs";

const { store, jobs, concurrency } = options({ store: "redis://127.0.0.1:7001", jobs: 50_000, concurrency: 100 });
const url = new URL(store);
const connection = { host: url.hostname, port: Number(url.port), maxRetriesPerRequest: null };

const queue = new Queue("customers", { connection, defaultJobOptions: { removeOnComplete: true } });
let begun = performance.now();
for (const numbers of batches(jobs, 1_000)) {
  await queue.addBulk(numbers.map((n) => ({ name: "create", data: customer(n) })));
}
const enqueueMs = performance.now() - begun;

const counted = tally(jobs);
begun = performance.now();
const worker = new Worker("customers", async () => counted.count(), { connection, concurrency });
await counted.all;
const drainMs = performance.now() - begun;
const settings = `addBulk 1000, concurrency ${concurrency}, removeOnComplete`;
console.log(result("bullmq-node", settings, jobs, enqueueMs, drainMs));
await worker.close();
await queue.close();
