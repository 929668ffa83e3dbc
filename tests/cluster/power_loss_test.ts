/**
 * A test of a cluster of processes whose brokers are all killed at once, as by a power loss: what
 * producers and groups were told is there.
 *
 * The page cache survives `kill -9`; the simulator also drops what was not synced.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { BrokerCluster } from "../support/broker/broker_cluster.ts";
import { readTopic } from "../support/crash/loads.ts";
import { testWith } from "../support/outside.ts";
import { within } from "../support/within.ts";

const TOPIC = "orders";
const PARTITIONS = 6;
const BROKERS = [1, 2, 3];
/** More take longer, and find no more most of the time. */
const ROUNDS = Number(Deno.env.get("DQUEUE_TEST_POWER_LOSSES") ?? "1");
const GROUP = "readers";
const FLAGS = [
  ...["--min-insync-replicas", "2"],
  ...["--offsets-topic-num-partitions", "3"],
  ...["--offsets-topic-replication-factor", "3"],
];

/** Sends without pause, and remembers where each acknowledged value is. */
class Load {
  readonly #client: Client;
  readonly #prefix: string;
  readonly acknowledged: Map<string, { readonly partition: number; readonly offset: number }> =
    new Map();
  readonly committed: number[] = Array(PARTITIONS).fill(0);
  #isOver = false;
  readonly #running: Promise<unknown>;

  constructor(client: Client, prefix: string) {
    this.#client = client;
    this.#prefix = prefix;
    const producer = client.producer();
    const sending = Array.from({ length: PARTITIONS }, async (_, partition) => {
      for (let count = 0; !this.#isOver; count++) {
        const value = `${this.#prefix}/${partition}/${count}`;
        const { offset } = await producer.send({ topic: TOPIC, partition, value });
        this.acknowledged.set(value, { partition, offset });
      }
    });
    this.#running = Promise.all([...sending, this.#commit()]);
    this.#running.catch(() => {});
  }

  /** Commits what was acknowledged, as a program does that keeps its own account. */
  async #commit(): Promise<void> {
    while (!this.#isOver) {
      const ends = this.committed.slice();
      for (const { partition, offset } of this.acknowledged.values()) {
        ends[partition] = Math.max(ends[partition]!, offset + 1);
      }
      const offsets = ends.map((offset, partition) => ({ topic: TOPIC, partition, offset }));
      await this.#client.admin().alterGroupOffsets(GROUP, offsets);
      ends.forEach((offset, partition) => this.committed[partition] = offset);
    }
  }

  async until(count: number): Promise<void> {
    while (this.acknowledged.size < count || this.committed.some((offset) => offset === 0)) {
      await Promise.race([this.#running, new Promise((resolve) => setTimeout(resolve, 5))]);
    }
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }
}

testWith(
  "etcd",
  "BrokerCluster has everything that it acknowledged after all brokers are killed at once under load",
  async (etcd) => {
    await using cluster = await BrokerCluster.start({ etcd, members: 1, flags: FLAGS });
    await using client = new Client({
      brokers: cluster.addresses,
      retry: { initialBackoffMs: 20, maxBackoffMs: 200 },
    });
    await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS, replicas: 3 });
    const acknowledged = new Map<string, { partition: number; offset: number }>();
    for (let round = 0; round < ROUNDS; round++) {
      const load = new Load(client, `${round}`);
      await within(load.until(200), "the first values");
      await Promise.all(BROKERS.map((id) => cluster.kill(id)));
      const told = [...load.acknowledged];
      const committed = load.committed.slice();
      await Promise.all(BROKERS.map((id) => cluster.start(id)));
      await within(load.until(told.length + 100), "values after the restart", 60_000);
      await load.end();
      for (const [value, at] of load.acknowledged) acknowledged.set(value, at);
      const offsets = await client.admin().listGroupOffsets(GROUP);
      for (const { partition, offset } of offsets) assert(offset >= committed[partition]!);
    }
    const logs = await readTopic(client, TOPIC, PARTITIONS);
    const values = logs.map(({ messages }) =>
      new Map(messages.map((message) => [message.offset, message.text()]))
    );
    for (const [value, { partition, offset }] of acknowledged) {
      assertEquals(values[partition]!.get(offset), value);
    }
    for (const of of values) {
      assertEquals(new Set(of.values()).size, of.size, "each value is there once");
    }
  },
);
