/**
 * Tests of leaders that change in a cluster: when brokers stop, and when an operator asks (KIP-460).
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Cluster } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import * as messages from "../../protocol/messages/mod.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { within } from "../support/within.ts";

const TOPIC = "orders";
const PREFERRED = 0;
const UNCLEAN = 1;
const CONFIG = { "offsets.topic.num.partitions": 3 } as const;

interface Leadership {
  readonly leader: number;
  readonly epoch: number;
  readonly isr: readonly number[];
}

/** The leader of the topic's only partition, as a broker shows it. */
async function leadership(cluster: Cluster, at: number): Promise<Leadership> {
  using connection = await RawConnection.connect(cluster.addresses[at - 1]!);
  const { topics } = await connection.request(messages.metadata, 12, {
    topics: [{ name: TOPIC }],
    allowAutoTopicCreation: false,
  });
  const { leaderId: leader, leaderEpoch: epoch, isrNodes } = topics[0]!.partitions[0]!;
  return { leader, epoch, isr: isrNodes.toSorted() };
}

/** Resolves when a broker shows a state. */
async function until(
  cluster: Cluster,
  at: number,
  check: (state: Leadership) => boolean,
): Promise<Leadership> {
  const found = (async () => {
    for (;;) {
      const state = await leadership(cluster, at);
      if (check(state)) return state;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return await within(found, "the leadership");
}

/** Asks a broker for an election of the topic's only partition. */
async function elect(cluster: Cluster, at: number, electionType: number): Promise<number> {
  using connection = await RawConnection.connect(cluster.addresses[at - 1]!);
  const { replicaElectionResults } = await connection.request(messages.electLeaders, 2, {
    electionType,
    topicPartitions: [{ topic: TOPIC, partitions: [0] }],
    timeoutMs: 10_000,
  });
  return replicaElectionResults[0]!.partitionResult[0]!.errorCode;
}

async function create(cluster: Cluster, minInSync: number): Promise<void> {
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({
    name: TOPIC,
    assignments: [[1, 2, 3]],
    configs: { "min.insync.replicas": String(minInSync) },
  });
}

async function send(cluster: Cluster, at: number, value: string): Promise<void> {
  await using client = new Client({ brokers: cluster.addresses[at - 1]! });
  await client.producer().send({ topic: TOPIC, value });
}

async function read(cluster: Cluster, at: number, count: number): Promise<string[]> {
  await using client = new Client({ brokers: cluster.addresses[at - 1]! });
  await using consumer = client.consumer();
  await consumer.subscribe(TOPIC);
  const values: string[] = [];
  for await (const message of consumer) {
    if (values.push(message.text()) === count) break;
  }
  return values;
}

Deno.test("Cluster elects the next replica in sync when a leader is stopped or killed, and loses nothing", async (t) => {
  for (const end of ["stopBroker", "killBroker"] as const) {
    await t.step(end, async () => {
      await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
      await create(cluster, 2);
      await send(cluster, 3, "a");
      await cluster[end](1);
      const elected = await until(cluster, 3, ({ leader }) => leader === 2);
      assertEquals(elected.isr, [2, 3]);
      await send(cluster, 3, "b");
      await cluster.startBroker(1);
      await until(cluster, 3, ({ isr }) => isr.length === 3);
      await cluster[end](2);
      await until(cluster, 3, ({ leader }) => leader === 1);
      assertEquals(await read(cluster, 3, 2), ["a", "b"]);
      await send(cluster, 3, "c");
    });
  }
});

Deno.test("ElectLeaders makes the preferred replica lead again through any broker (KIP-460)", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await create(cluster, 1);
  assertEquals(await elect(cluster, 3, PREFERRED), ErrorCode.ELECTION_NOT_NEEDED);
  await cluster.stopBroker(1);
  await until(cluster, 3, ({ leader }) => leader === 2);
  assertEquals(await elect(cluster, 3, PREFERRED), ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE);
  await send(cluster, 3, "a");
  await cluster.startBroker(1);
  await until(cluster, 3, ({ isr }) => isr.length === 3);
  assertEquals(await elect(cluster, 3, UNCLEAN), ErrorCode.ELECTION_NOT_NEEDED);
  assertEquals(await elect(cluster, 3, PREFERRED), ErrorCode.NONE);
  const { leader, isr } = await until(cluster, 3, ({ leader }) => leader !== 2);
  assertEquals([leader, isr], [1, [1, 2, 3]]);
  assertEquals(await read(cluster, 2, 1), ["a"]);
});

Deno.test("ElectLeaders elects uncleanly the replica that reaches farthest, and only if no other can lead", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await create(cluster, 1);
  await send(cluster, 1, "a");
  await cluster.stopBroker(2);
  await until(cluster, 1, ({ isr }) => isr.length === 2);
  await send(cluster, 1, "b");
  await cluster.stopBroker(3);
  await until(cluster, 1, ({ isr }) => isr.length === 1);
  await send(cluster, 1, "c");
  await cluster.killBroker(1);
  await cluster.startBroker(2);
  await cluster.startBroker(3);
  await until(cluster, 2, ({ leader }) => leader === -1);
  assertEquals(await elect(cluster, 2, PREFERRED), ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE);
  assertEquals((await leadership(cluster, 2)).leader, -1);
  assertEquals(await elect(cluster, 2, UNCLEAN), ErrorCode.NONE);
  await until(cluster, 2, ({ leader, isr }) => leader === 3 && isr.length === 2);
  await send(cluster, 2, "d");
  assertEquals(await read(cluster, 2, 3), ["a", "b", "d"]);
  // The former leader cuts what was lost.
  await cluster.startBroker(1);
  await until(cluster, 2, ({ isr }) => isr.length === 3);
  assertEquals(await elect(cluster, 2, PREFERRED), ErrorCode.NONE);
  await until(cluster, 2, ({ leader }) => leader === 1);
  assertEquals(await read(cluster, 2, 3), ["a", "b", "d"]);
});

Deno.test("ElectLeaders makes a former leader start again, if the elected one ends before its log start", async () => {
  for (const before of [5, 6]) {
    await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
    await create(cluster, 1);
    await send(cluster, 1, "a");
    for (const id of [2, 3]) await cluster.stopBroker(id);
    await until(cluster, 1, ({ isr }) => isr.length === 1);
    for (const value of ["b", "c", "d", "e", "f"]) await send(cluster, 1, value);
    {
      await using client = new Client({ brokers: cluster.addresses[0]! });
      await client.admin().deleteRecords(TOPIC, { 0: before });
    }
    await cluster.killBroker(1);
    await cluster.startBroker(2);
    await until(cluster, 2, ({ leader }) => leader === -1);
    assertEquals(await elect(cluster, 2, UNCLEAN), ErrorCode.NONE);
    await until(cluster, 2, ({ leader }) => leader === 2);
    await send(cluster, 2, "x");
    await cluster.startBroker(1);
    await until(cluster, 2, ({ isr }) => isr.length === 2);
    for (const value of ["y", "z", "u", "v", "w"]) await send(cluster, 2, value);
    assertEquals(await elect(cluster, 2, PREFERRED), ErrorCode.NONE);
    await until(cluster, 2, ({ leader }) => leader === 1);
    // What the former leader deleted, it need not copy.
    assertEquals(await read(cluster, 1, 6), ["x", "y", "z", "u", "v", "w"]);
  }
});

Deno.test("ElectLeaders without a live replica answers ELIGIBLE_LEADERS_NOT_AVAILABLE", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, assignments: [[1, 2]] });
  await cluster.stopBroker(1);
  await cluster.stopBroker(2);
  await until(cluster, 3, ({ leader }) => leader === -1);
  assertEquals(await elect(cluster, 3, UNCLEAN), ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE);
});
