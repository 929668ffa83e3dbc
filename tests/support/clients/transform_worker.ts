/**
 * An instance of a transform, as a process that can be killed and paused: copies messages from one topic
 * to another, and prints each that it is given. SIGTERM stops it.
 *
 *     transform_worker.ts HOST:PORT FROM TO TRANSACTIONAL_ID
 *
 * @module
 */

import { Client } from "../../../client/mod.ts";

const [address, from, to, transactionalId] = Deno.args as [string, string, string, string];
await using client = new Client({ brokers: address });
await using work = client.transform({
  from,
  to,
  group: "copiers",
  transactionalId,
  maxMessages: 20,
  transactionTimeoutMs: 1000,
  reading: { sessionTimeoutMs: 1000 },
  onRetry: (error) => console.error(`${transactionalId}: ${error.message}`),
}, (message) => {
  console.log(message.text());
  return message.text();
});
Deno.addSignalListener("SIGTERM", () => work.stop());
await work.finished;
