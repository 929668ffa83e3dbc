/**
 * Tests of other clients on replicated topics: groups while leaders and coordinators move, `acks=all` with
 * too few replicas, and the requests of old clients.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Cluster } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import * as messages from "../../protocol/messages/mod.ts";
import { Kafka, logLevel } from "../support/clients/kafkajs.ts";
import { Kcat } from "../support/clients/kcat.ts";
import {
  platformaticOptions,
  Producer,
  stringSerializers,
} from "../support/clients/platformatic.ts";
import { GroupLoad } from "../support/groups/group_load.ts";
import type { MemberKind } from "../support/groups/group_member.ts";
import { WorkingGroup } from "../support/groups/working_group.ts";
import { outside, testWith } from "../support/outside.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf, recordsOf } from "../support/protocol/records.ts";
import { produceRequest } from "../support/protocol/requests.ts";
import { within } from "../support/within.ts";

const BROKERS = [1, 2, 3];
const PARTITIONS = 3;
const CONFIG = {
  "offsets.topic.num.partitions": 3,
  "group.initial.rebalance.delay.ms": 100,
  "group.min.session.timeout.ms": 1000,
} as const;

/** Resolves when all replicas of a topic are in sync, as a broker shows it. */
async function whole(client: Client, topic: string): Promise<void> {
  const isWhole = (async () => {
    while (true) {
      const { partitions } = await client.admin().describeTopic(topic);
      if (partitions.every(({ isr }) => isr.length === BROKERS.length)) return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  await within(isWhole, `all replicas of ${topic} to be in sync`);
}

testWith(
  "kcat",
  "Groups of kafkajs, platformatic and kcat miss nothing while all leaders and their coordinator move",
  async (kcat) => {
    await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
    await using client = new Client({ brokers: cluster.addresses });
    const admin = client.admin();
    const kinds: MemberKind[] = ["kafkajs", "platformatic", "kcat"];
    await using resources = new AsyncDisposableStack();
    const working = await Promise.all(kinds.map(async (kind, at) => {
      const topic = `work-${kind}`;
      await admin.createTopic({
        name: topic,
        partitions: PARTITIONS,
        replicas: 3,
        configs: { "min.insync.replicas": "2" },
      });
      const producer = resources.use(client.producer({ idempotence: true }));
      const load = resources.use(new GroupLoad(producer, topic, PARTITIONS));
      const options = { kind, kcat, address: cluster.addresses[at]!, topic, groupId: topic };
      const group = resources.use(new WorkingGroup(options, PARTITIONS));
      group.add(1);
      await group.untilShared();
      return { kind, topic, load, group };
    }));
    for (const id of BROKERS) {
      await cluster.stopBroker(id);
      const isLeading = async (topic: string) =>
        (await admin.describeTopic(topic)).partitions.some(({ leaderId }) => leaderId === id);
      for (const topic of [...working.map(({ topic }) => topic), "__consumer_offsets"]) {
        assertEquals(await isLeading(topic), false, `${topic} after broker ${id}`);
      }
      await cluster.startBroker(id);
      for (const topic of [...working.map(({ topic }) => topic), "__consumer_offsets"]) {
        await whole(client, topic);
      }
    }
    await Promise.all(working.map(async ({ kind, load, group }) => {
      await load.stop();
      await group.untilProcessed(load.ends);
      group.assertProcessed(load.written);
      const isCommitted = (offset: number, partition: number) => offset >= load.ends[partition]!;
      // kcat commits every five seconds.
      if (kind !== "kcat") await group.untilCommitted(admin, isCommitted);
    }));
  },
);

Deno.test("kafkajs and platformatic are refused with NOT_ENOUGH_REPLICAS, and served once there are enough", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  const topic = "orders";
  await client.admin().createTopic({
    name: topic,
    assignments: [[1, 2, 3]],
    configs: { "min.insync.replicas": "3" },
  });
  await whole(client, topic);
  await cluster.stopBroker(3);
  const kafkaJs = new Kafka({
    brokers: [cluster.addresses[0]!],
    logLevel: logLevel.NOTHING,
    retry: { retries: 1, initialRetryTime: 5 },
  }).producer({ allowAutoTopicCreation: false });
  await kafkaJs.connect();
  const platformatic = new Producer({
    ...platformaticOptions(cluster.addresses[0]!),
    serializers: stringSerializers,
  });
  const sends: Record<string, (acks: number, value: string) => Promise<unknown>> = {
    kafkajs: (acks, value) => kafkaJs.send({ topic, acks, messages: [{ value }] }),
    platformatic: (acks, value) =>
      platformatic.send({ acks, messages: [{ topic, value, partition: 0 }] }),
  };
  try {
    for (const [name, send] of Object.entries(sends)) {
      const error = await assertRejects(() => send(-1, `${name} refused`));
      const told = Deno.inspect(error, { depth: 10 });
      assert(/NOT_ENOUGH_REPLICAS|in-sync replicas/.test(told), told);
      // It does not ask for replicas.
      await send(1, `${name} by the leader`);
    }
    await cluster.startBroker(3);
    await whole(client, topic);
    for (const [name, send] of Object.entries(sends)) await send(-1, `${name} by all`);
  } finally {
    await platformatic.close();
    await kafkaJs.disconnect();
  }
  await using consumer = client.consumer();
  await consumer.subscribe(topic);
  const values: string[] = [];
  for await (const message of consumer) if (values.push(message.text()) === 4) break;
  assertEquals(values, [
    "kafkajs by the leader",
    "platformatic by the leader",
    "kafkajs by all",
    "platformatic by all",
  ]);
});

testWith(
  "kcat",
  "kcat is refused with NOT_ENOUGH_REPLICAS, and waits until there are enough",
  async () => {
    const kcat = outside("kcat")!;
    await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
    await using client = new Client({ brokers: cluster.addresses });
    await client.admin().createTopic({
      name: "orders",
      assignments: [[1, 2, 3]],
      configs: { "min.insync.replicas": "3" },
    });
    await whole(client, "orders");
    await cluster.stopBroker(3);
    const producer = new Kcat(kcat, cluster.addresses[0]!);
    const settings = (retries: number) =>
      ["acks=all", `retries=${retries}`, "retry.backoff.ms=50"].flatMap((each) => ["-X", each]);
    const refused = await producer.attempt(["-P", "-t", "orders", ...settings(0)], "refused\n");
    assert(/NOT_ENOUGH_REPLICAS|in-sync replicas/i.test(refused.stderr), refused.stderr);
    const waiting = producer.produce("orders", "late\n", settings(10_000));
    await cluster.startBroker(3);
    await waiting;
    const consumed = await new Kcat(kcat, cluster.addresses[1]!).consume("orders");
    assertEquals(new TextDecoder().decode(consumed), "late\n");
  },
);

Deno.test("A cluster serves the requests of librdkafka 0.11 on replicated topics", async () => {
  await using cluster = await Cluster.start({ brokers: 3, config: CONFIG });
  await using client = new Client({ brokers: cluster.addresses });
  const topic = "orders";
  await client.admin().createTopic({ name: topic, assignments: [[2, 3, 1]] });
  using first = await RawConnection.connect(cluster.addresses[0]!);
  const known = await first.request(messages.apiVersions, 0, {});
  assertEquals(known.errorCode, ErrorCode.NONE);
  // It asks for everything that it uses, of all brokers that it learns of.
  for (const version of [0, 1, 2, 4]) {
    const { brokers, topics } = await first.request(messages.metadata, version, {
      topics: [{ name: topic }],
    });
    assertEquals(brokers.map(({ nodeId }) => nodeId).sort(), BROKERS);
    const { leaderId, replicaNodes, isrNodes } = topics[0]!.partitions[0]!;
    assertEquals([leaderId, replicaNodes, isrNodes.toSorted()], [2, [2, 3, 1], BROKERS]);
  }
  using leader = await RawConnection.connect(cluster.addresses[1]!);
  const request = produceRequest(topic, batchOf(["a", "b"]));
  const errorOf = async (connection: RawConnection) => {
    const { responses } = await connection.request(messages.produce, 3, request);
    return responses[0]!.partitionResponses[0]!.errorCode;
  };
  assertEquals(await errorOf(first), ErrorCode.NOT_LEADER_OR_FOLLOWER);
  assertEquals(await errorOf(leader), ErrorCode.NONE);
  const offsets = await leader.request(messages.listOffsets, 1, {
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
  });
  assertEquals(offsets.topics[0]!.partitions[0]!.offset, 2);
  const fetched = await leader.request(messages.fetch, 4, {
    maxWaitMs: 100,
    minBytes: 1,
    maxBytes: 1 << 20,
    topics: [{
      topic,
      partitions: [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1 << 20 }],
    }],
  });
  const { errorCode, highWatermark, records } = fetched.responses[0]!.partitions[0]!;
  assertEquals([errorCode, highWatermark], [ErrorCode.NONE, 2]);
  assertEquals(recordsOf(records!).map(({ value }) => value), ["a", "b"]);

  // Its groups find their coordinator among three, whose offsets have three replicas.
  const groupId = "g";
  const found = (async () => {
    while (true) {
      const { errorCode, nodeId } = await first.request(messages.findCoordinator, 0, {
        key: groupId,
      });
      if (errorCode === ErrorCode.NONE) return nodeId;
      assertEquals(errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  const coordinatorId = await within(found, "the coordinator");
  using coordinator = await RawConnection.connect(cluster.addresses[coordinatorId - 1]!);
  const join = async () => {
    while (true) {
      const joined = await coordinator.request(messages.joinGroup, 0, {
        groupId,
        sessionTimeoutMs: 10_000,
        memberId: "",
        protocolType: "consumer",
        protocols: [{ name: "range", metadata: new Uint8Array(0) }],
      });
      if (joined.errorCode !== ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) return joined;
    }
  };
  const { generationId, memberId } = await within(join(), "the group");
  const member = { groupId, generationId, memberId };
  const synced = await coordinator.request(messages.syncGroup, 0, {
    ...member,
    assignments: [{ memberId, assignment: Uint8Array.of(1) }],
  });
  assertEquals([synced.errorCode, [...synced.assignment]], [ErrorCode.NONE, [1]]);
  const beat = await coordinator.request(messages.heartbeat, 0, member);
  assertEquals(beat.errorCode, ErrorCode.NONE);
  const committed = await coordinator.request(messages.offsetCommit, 2, {
    groupId,
    memberId,
    generationIdOrMemberEpoch: generationId,
    topics: [{
      name: topic,
      partitions: [{ partitionIndex: 0, committedOffset: 2, committedMetadata: "" }],
    }],
  });
  assertEquals(committed.topics[0]!.partitions[0]!.errorCode, ErrorCode.NONE);
  const partitions = await coordinator.request(messages.offsetFetch, 1, {
    groupId,
    topics: [{ name: topic, partitionIndexes: [0] }],
  });
  assertEquals(partitions.topics[0]!.partitions[0]!.committedOffset, 2);
  const { topics } = await first.request(messages.metadata, 4, {
    topics: [{ name: "__consumer_offsets" }],
  });
  for (const { replicaNodes } of topics[0]!.partitions) {
    assertEquals(replicaNodes.toSorted(), BROKERS);
  }
  const left = await coordinator.request(messages.leaveGroup, 0, { groupId, memberId });
  assertEquals(left.errorCode, ErrorCode.NONE);
});
