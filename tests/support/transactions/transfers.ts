/**
 * Money that moves between accounts, each transfer in a transaction over two partitions.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type Client,
  type Producer,
  ProducerFencedError,
  SendBatchError,
  TransactionAbortableError,
  TransactionOutcomeError,
} from "../../../client/mod.ts";
import type { Random } from "../../../protocol/random_testing.ts";
import { within } from "../within.ts";

/** The topic of the transfers, and its partitions. */
export const TOPIC = "accounts";
export const PARTITIONS = 5;
const ACCOUNTS = 24;
/** Time limit of each wait. */
export const LIMIT_MS = 120_000;

/** What a program knows of a transfer. */
type Outcome = "committed" | "aborted" | "unknown";

/** A part of a transfer, as it is in the topic. */
interface Leg {
  readonly transfer: number;
  readonly amount: number;
}

/** All transfers. */
export class Bank {
  readonly outcomes: Map<number, Outcome> = new Map();
  readonly #random: Random;
  #next = 0;
  #waiting: { readonly count: number; readonly resolve: () => void } | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /** How many transfers are known to be committed. */
  get committed(): number {
    return this.outcomes.values().filter((outcome) => outcome === "committed").toArray().length;
  }

  /** Waits until so many more transfers are committed. */
  async untilCommitted(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting = { count: this.committed + count, resolve };
    await within(promise, `${count} more transfers`, LIMIT_MS);
  }

  /** Makes one transfer. */
  async transfer(producer: Producer): Promise<void> {
    const id = this.#next++;
    const from = this.#random.below(ACCOUNTS);
    const to = (from + 1 + this.#random.below(ACCOUNTS - 1)) % ACCOUNTS;
    const amount = 1 + this.#random.below(100);
    const isAborted = this.#random.chance(0.15);
    this.outcomes.set(id, "unknown");
    // Leaving the scope aborts what was not committed.
    await using transaction = await producer.begin();
    await transaction.sendBatch([
      messageOf(from, { transfer: id, amount: -amount }),
      messageOf(to, { transfer: id, amount }),
    ]);
    if (isAborted) {
      await transaction.abort();
      this.outcomes.set(id, "aborted");
      return;
    }
    for (;;) {
      try {
        await transaction.commit();
        break;
      } catch (error) {
        // The commit may have happened: asking again tells.
        if (!(error instanceof TransactionOutcomeError)) throw error;
      }
    }
    this.outcomes.set(id, "committed");
    if (this.#waiting !== undefined && this.committed >= this.#waiting.count) {
      this.#waiting.resolve();
      this.#waiting = undefined;
    }
  }
}

function messageOf(account: number, leg: Leg) {
  return {
    topic: TOPIC,
    partition: account % PARTITIONS,
    key: String(account),
    value: JSON.stringify(leg),
  };
}

/** Makes transfers until it is stopped, whatever happens to the broker. */
export class Teller {
  readonly #client: Client;
  readonly #bank: Bank;
  readonly #transactionalId: string;
  #isOver = false;
  #running: Promise<void> = Promise.resolve();

  constructor(client: Client, bank: Bank, transactionalId: string) {
    this.#client = client;
    this.#bank = bank;
    this.#transactionalId = transactionalId;
  }

  start(): void {
    this.#isOver = false;
    this.#running = this.#run();
    this.#running.catch(() => {});
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await within(this.#running, `${this.#transactionalId} to stop`, LIMIT_MS);
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      await using producer = this.#client.producer({ transactionalId: this.#transactionalId });
      try {
        while (!this.#isOver) {
          try {
            await this.#bank.transfer(producer);
          } catch (error) {
            // The transaction is aborted; if the producer is fenced, the next one tells.
            const isAborted = error instanceof TransactionAbortableError ||
              error instanceof SendBatchError;
            if (!isAborted) throw error;
          }
        }
      } catch (error) {
        // Two tellers share an id, and fence each other.
        if (!(error instanceof ProducerFencedError)) throw error;
      }
    }
  }
}

/** Reads all parts of transfers that readers of an isolation see, by transfer. */
async function legsOf(client: Client): Promise<Map<number, Leg[]>> {
  const isolationLevel = "read_committed";
  await using consumer = client.consumer({ isolationLevel });
  const ends = await client.admin().listOffsets(TOPIC, "latest", { isolationLevel });
  const legs: Leg[] = [];
  for (const { partition, offset: end } of ends) {
    for (let offset = 0; offset < end;) {
      const { messages, nextOffset } = await consumer.fetchFrom(TOPIC, partition, offset);
      legs.push(...messages.map((message) => JSON.parse(message.text()) as Leg));
      offset = nextOffset;
    }
  }
  return Map.groupBy(legs, ({ transfer }) => transfer);
}

/** Waits until no transaction is open. */
async function settled(client: Client): Promise<void> {
  const admin = client.admin();
  const ends = async (isolationLevel: "read_committed" | "read_uncommitted") => {
    const found = await admin.listOffsets(TOPIC, "latest", { isolationLevel });
    return found.map(({ offset }) => offset).join();
  };
  const wait = async () => {
    while (await ends("read_committed") !== await ends("read_uncommitted")) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await within(wait(), "all transactions to end", LIMIT_MS);
}

/** Compares what a reader sees with what the tellers know. */
export async function audit(client: Client, bank: Bank): Promise<void> {
  await settled(client);
  const legs = await legsOf(client);
  let sum = 0;
  for (const [transfer, parts] of legs) {
    assertEquals(parts.length, 2, `transfer ${transfer} is torn or doubled`);
    for (const { amount } of parts) sum += amount;
    assert(bank.outcomes.get(transfer) !== "aborted", `transfer ${transfer} was aborted`);
  }
  assertEquals(sum, 0);
  for (const [transfer, outcome] of bank.outcomes) {
    if (outcome === "committed") assert(legs.has(transfer), `transfer ${transfer} is lost`);
  }
}
