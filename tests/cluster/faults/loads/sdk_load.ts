/**
 * Load by this project's SDK: an idempotent producer, and a group of two members.
 *
 * @module
 */

import { Client, type GroupConsumer, KafkaError } from "../../../../client/mod.ts";
import { loadArguments, Orders, Progress, tell, writeLine } from "./load_program.ts";

const { addresses, topic, partitions, name, pauseMs } = loadArguments();
/** Errors after which a value is certainly not in the log. */
const DEFINITE: ReadonlySet<string> = new Set(["MESSAGE_TOO_LARGE", "INVALID_RECORD"]);

const orders = new Orders();
const progress = new Progress(orders);
const client = new Client({
  brokers: addresses,
  clientId: name,
  timeoutMs: 120_000,
  retry: { initialBackoffMs: 50, maxBackoffMs: 500 },
});

async function produce(): Promise<void> {
  const producer = client.producer();
  const pending = new Set<Promise<void>>();
  for (let count = 0; !orders.isDraining; count++) {
    for (let partition = 0; partition < partitions; partition++) {
      const value = `${name}/${partition}/${count}`;
      tell({ type: "send", client: name, partition, value, time: Date.now() });
      const sending = producer.send({ topic, partition, value }).then(
        ({ offset }) => tell({ type: "sent", value, partition, offset, time: Date.now() }),
        (error) => {
          const isDefinite = error instanceof KafkaError && DEFINITE.has(String(error.code));
          const time = Date.now();
          tell({ type: "failed", value, isDefinite, error: String(error), time });
        },
      ).finally(() => pending.delete(sending));
      pending.add(sending);
    }
    await orders.pause(pauseMs);
    // An unavailable partition must not fill the memory.
    while (pending.size > 2000) await Promise.race(pending);
  }
  await Promise.all(pending);
  await producer.close();
}

class Member {
  readonly #id: string;
  readonly #consumer: GroupConsumer;
  #isDone = false;

  constructor(id: string) {
    this.#id = id;
    const tellAssignment = () => this.#tellAssignment();
    this.#consumer = client.groupConsumer({
      groupId: name,
      topics: topic,
      autoCommit: false,
      autoOffsetReset: "earliest",
      sessionTimeoutMs: 6000,
      onAssigned: tellAssignment,
      onRevoked: tellAssignment,
      onLost: tellAssignment,
    });
  }

  async run(): Promise<void> {
    while (!this.#isDone) {
      try {
        await this.#poll();
      } catch (error) {
        console.error(`${this.#id}: ${error}`);
        // It may continue at the offsets that were committed.
        this.#tellAssignment();
      }
    }
    await this.#consumer.close();
  }

  end(): void {
    this.#isDone = true;
  }

  async #poll(): Promise<void> {
    const messages = await this.#consumer.poll(500, { timeoutMs: 500 });
    const next = new Map<number, number>();
    for (const { partition, offset, ...message } of messages.map(described)) {
      const { value } = message;
      const event = { type: "polled", group: name, client: this.#id, partition, offset } as const;
      tell({ ...event, value, time: Date.now() });
      next.set(partition, offset + 1);
    }
    if (next.size === 0) return;
    await this.#consumer.commit();
    for (const [partition, offset] of next) {
      tell({ type: "committed", group: name, partition, offset, time: Date.now() });
      progress.note(partition, offset - 1);
    }
  }

  #tellAssignment(): void {
    const assigned = this.#consumer.assignment.map(({ partition }) => partition);
    const event = { type: "assigned", group: name, client: this.#id } as const;
    tell({ ...event, partitions: assigned, time: Date.now() });
  }
}

function described(message: { partition: number; offset: number; text(): string }) {
  return { partition: message.partition, offset: message.offset, value: message.text() };
}

const members = [new Member(`${name}-1`), new Member(`${name}-2`)];
const reading = members.map((member) => member.run());
await produce();
writeLine("drained");
await progress.done;
for (const member of members) member.end();
await Promise.all(reading);
await client.close();
Deno.exit(0);
