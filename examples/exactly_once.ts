/**
 * Books transfers between accounts, and writes a notice of each booking: each once, whatever fails.
 *
 * A transfer is one transaction of two messages. The notices are made by a transform: what it
 * writes and how far it has read are one transaction, too, so that a crash loses and repeats nothing.
 *
 * Start a broker with `deno task start`, then:
 *
 *     deno run --allow-net examples/exactly_once.ts [HOST:PORT]
 *
 * Ctrl-C ends it after the transaction in progress.
 */

import { Client, KafkaError } from "../client/mod.ts";

const [address = "localhost:9092"] = Deno.args;
await using client = new Client({ brokers: address });
for (const name of ["bookings", "notices"]) {
  try {
    await client.admin().createTopic({ name, partitions: 3, replicas: 1 });
  } catch (error) {
    if (!(error instanceof KafkaError && error.code === "TOPIC_ALREADY_EXISTS")) throw error;
  }
}

{
  await using producer = client.producer({ transactionalId: "transfers-1" });
  for (const amount of [10, 20, -1]) {
    await using tx = await producer.begin();
    tx.send({ topic: "bookings", key: "ann", value: `${-amount}` });
    tx.send({ topic: "bookings", key: "bob", value: `${amount}` });
    if (amount < 0) {
      // Leaving the scope without a commit aborts: readers of committed messages see neither.
      console.log(`refused to transfer ${amount}`);
      continue;
    }
    await tx.commit();
    console.log(`transferred ${amount}`);
  }
}

await using work = client.transform(
  { from: "bookings", to: "notices", group: "notifier", transactionalId: "notifier-1" },
  // Only what it returns is undone if the transaction is aborted, so it has no other effects.
  (booking) => {
    const amount = Number(booking.text());
    return `${booking.keyText()} ${amount < 0 ? "pays" : "receives"} ${Math.abs(amount)}`;
  },
);
Deno.addSignalListener("SIGINT", () => work.stop());

await using reader = client.consumer({ isolation: "read_committed" });
await reader.subscribe("notices");
work.finished.catch(() => {}).finally(() => reader.close());
for await (const notice of reader) console.log(`notice: ${notice.text()}`);
await work.finished;
