/**
 * Tests of brokers of a cluster that are shut down and started again, one after the other, while
 * clients use it (KIP-631).
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { batchOf } from "../../broker/broker_testing.ts";
import { Cluster } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import * as messages from "../../protocol/messages/mod.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { within } from "../support/within.ts";

const TOPIC = "orders";
const PARTITIONS = 6;
const BROKERS = [1, 2, 3];
const CONFIG = { "offsets.topic.num.partitions": 3, "min.insync.replicas": 2 } as const;

interface Replication {
  readonly leaders: readonly number[];
  readonly isrs: readonly (readonly number[])[];
}

/** The leaders and ISRs of the topic, as a broker shows them. */
async function replication(cluster: Cluster, at: number): Promise<Replication> {
  using connection = await RawConnection.connect(cluster.addresses[at - 1]!);
  const { topics } = await connection.request(messages.metadata, 12, {
    topics: [{ name: TOPIC }],
    allowAutoTopicCreation: false,
  });
  const { partitions } = topics[0]!;
  return {
    leaders: partitions.map(({ leaderId }) => leaderId),
    isrs: partitions.map(({ isrNodes }) => isrNodes),
  };
}

/** Resolves when all replicas of all partitions are in sync. */
async function whole(cluster: Cluster, at: number): Promise<void> {
  const isWhole = (async () => {
    for (;;) {
      const { isrs } = await replication(cluster, at);
      if (isrs.every((isr) => isr.length === BROKERS.length)) return;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  await within(isWhole, "all replicas to be in sync");
}

Deno.test("Broker.close() leaves no partition that another could lead, and no ISR that waits for it", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS, replicas: 3 });
  await whole(cluster, 3);
  await cluster.stopBroker(1);
  const { leaders, isrs } = await replication(cluster, 3);
  assert(leaders.every((leader) => leader === 2 || leader === 3), `${leaders}`);
  for (const isr of isrs) assertEquals(isr.toSorted(), [2, 3]);
});

Deno.test("Broker.close() of the last broker that can lead does not wait for another", async () => {
  await using cluster = await Cluster.start({ brokers: 2, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, assignments: [[1, 2], [2, 1]] });
  await client.admin().createTopic({ name: "single", assignments: [[2], [1]] });
  await cluster.stopBroker(2);
  await cluster.stopBroker(1);
  await cluster.startBroker(1);
  assertEquals((await replication(cluster, 1)).leaders, [1, 1]);
});

class RefusalError extends Error {
  override name = "RefusalError";
}

/**
 * Sends to a partition, one request after the other, and follows the leaders that responses name without
 * any pause. Fails if a leader that was named refuses.
 */
class EagerProducer {
  readonly #cluster: Cluster;
  readonly #partition: number;
  #isOver = false;
  sent = 0;
  /** Leaders that were named. */
  moves = 0;
  readonly done: Promise<void>;

  constructor(cluster: Cluster, partition: number) {
    this.#cluster = cluster;
    this.#partition = partition;
    this.done = this.#run();
    this.done.catch(() => {});
  }

  end(): Promise<void> {
    this.#isOver = true;
    return this.done;
  }

  async #run(): Promise<void> {
    let named: number | undefined;
    while (!this.#isOver) {
      const leader = named ?? await this.#lookUp();
      try {
        using connection = await RawConnection.connect(this.#cluster.addresses[leader - 1]!);
        named = await this.#sendAll(connection, named);
      } catch (error) {
        if (error instanceof RefusalError) throw error;
        // The request was on its way when the connection was closed.
        named = undefined;
      }
    }
  }

  /** Sends until the broker names another leader, and returns that. */
  async #sendAll(connection: RawConnection, named: number | undefined): Promise<number> {
    for (let isFirst = true;; isFirst = false) {
      const { errorCode, currentLeader } = await this.#send(connection);
      if (errorCode === ErrorCode.NONE) {
        this.sent++;
        if (!this.#isOver) continue;
      } else {
        const isRefused = isFirst && named !== undefined;
        if (isRefused || errorCode !== ErrorCode.NOT_LEADER_OR_FOLLOWER) {
          throw new RefusalError(`Broker ${named} was named, and answers ${errorCode}`);
        }
        if (currentLeader.leaderId === -1) throw new RefusalError("No leader was named");
        this.moves++;
      }
      return currentLeader.leaderId;
    }
  }

  async #lookUp(): Promise<number> {
    const { nodeId } = this.#cluster.brokers[0]!;
    return (await replication(this.#cluster, nodeId)).leaders[this.#partition]!;
  }

  async #send(connection: RawConnection) {
    const { responses } = await connection.request(messages.produce, 10, {
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{
        name: TOPIC,
        partitionData: [{ index: this.#partition, records: batchOf(["v"]).bytes }],
      }],
    });
    return responses[0]!.partitionResponses[0]!;
  }
}

Deno.test("Broker.close() answers what was sent with the new leaders, which accept it at once", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS, replicas: 3 });
  await whole(cluster, 1);
  const producers = Array.from(
    { length: PARTITIONS },
    (_, index) => new EagerProducer(cluster, index),
  );
  for (const id of BROKERS) {
    const before = producers.map(({ sent }) => sent);
    await cluster.stopBroker(id);
    for (const [index, producer] of producers.entries()) {
      while (producer.sent < before[index]! + 5) {
        await Promise.race([producer.done, new Promise((resolve) => setTimeout(resolve, 1))]);
      }
    }
    await cluster.startBroker(id);
    await whole(cluster, BROKERS.find((broker) => broker !== id)!);
  }
  await within(Promise.all(producers.map((producer) => producer.end())), "the producers");
  assert(producers.some(({ moves }) => moves > 0));
});

Deno.test("Cluster restarts its brokers in turn, and a producer with acks=all notices nothing", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS, replicas: 3 });
  await whole(cluster, 1);
  const producer = client.producer();
  let isOver = false;
  let sent = 0;
  const producing = (async () => {
    while (!isOver) {
      await producer.send({ topic: TOPIC, partition: sent % PARTITIONS, value: `${sent}` });
      sent++;
    }
  })();
  for (const id of BROKERS) {
    const other = BROKERS.find((broker) => broker !== id)!;
    const before = sent;
    await cluster.stopBroker(id);
    // It continues without the broker, and with it.
    while (sent < before + 20) await new Promise((resolve) => setTimeout(resolve, 1));
    await cluster.startBroker(id);
    await whole(cluster, other);
  }
  isOver = true;
  await within(producing, "the producer");
  await using consumer = client.consumer();
  await consumer.subscribe(TOPIC);
  const values = new Set<number>();
  let read = 0;
  for await (const message of consumer) {
    values.add(Number(message.text()));
    if (++read === sent) break;
  }
  assertEquals(values.size, sent);
});
