/**
 * Tests of clients that go on while brokers of a cluster of processes, whose topics have three replicas,
 * are killed and started again.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { BrokerCluster } from "../support/broker/broker_cluster.ts";
import { GroupLoad } from "../support/groups/group_load.ts";
import type { MemberKind } from "../support/groups/group_member.ts";
import { WorkingGroup } from "../support/groups/working_group.ts";
import { outside, testWith } from "../support/outside.ts";
import { within } from "../support/within.ts";

const PARTITIONS = 6;
const FLAGS = [
  ...["--offsets-topic-num-partitions", "6"],
  ...["--group-initial-rebalance-delay-ms", "100ms"],
  ...["--group-min-session-timeout-ms", "1s"],
  ...["--group-consumer-session-timeout-ms", "3s"],
  ...["--group-consumer-heartbeat-interval-ms", "200ms"],
  ...["--min-insync-replicas", "2"],
];

/** Waits until all replicas of all partitions are in sync. */
async function untilWhole(client: Client): Promise<void> {
  const admin = client.admin();
  const isWhole = async () => {
    const names = (await admin.listTopics({ internal: true })).map(({ name }) => name);
    const topics = await admin.describeTopics(names);
    return topics.every(({ partitions }) => partitions.every(({ isr }) => isr.length === 3));
  };
  const waiting = (async () => {
    while (!await isWhole()) await new Promise((resolve) => setTimeout(resolve, 50));
  })();
  await within(waiting, "all replicas to be in sync");
}

/** Kills the broker that coordinates a group, while it reads what is written. */
async function survive(
  cluster: BrokerCluster,
  client: Client,
  kinds: readonly [MemberKind, MemberKind],
  kcat: string,
): Promise<void> {
  const { addresses } = cluster;
  const admin = client.admin();
  const topic = `work-${crypto.randomUUID()}`;
  await admin.createTopic({ name: topic, partitions: PARTITIONS, replicas: 3 });
  await using producer = client.producer({ idempotence: true });
  await using load = new GroupLoad(producer, topic, PARTITIONS);
  const options = { kind: kinds[0], kcat, address: addresses[0]!, topic, groupId: topic };
  await using group = new WorkingGroup(options, PARTITIONS);
  for (const [at, kind] of kinds.entries()) group.add(1, kind, addresses[at]);
  await group.untilShared();
  await group.untilCommitted(admin, (offset) => offset > 0);
  const { coordinator: { id: coordinatorId } } = await admin.describeGroup(topic);
  await cluster.kill(coordinatorId);
  const before = load.ends;
  await within(
    (async () => {
      // Every partition takes writes again.
      while (load.ends.some((end, partition) => end < before[partition]! + 20)) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })(),
    "writes to all partitions",
  );
  await cluster.start(coordinatorId);
  await load.stop();
  await group.untilProcessed(load.ends);
  await group.untilCommitted(admin, (offset, partition) => offset >= load.ends[partition]!);
  group.assertProcessed(load.written);
  const ends = await admin.listOffsets(topic, "latest");
  assertEquals(ends.map(({ offset }) => offset), load.ends);
  await untilWhole(client);
}

const GROUPS: readonly (readonly [MemberKind, MemberKind])[] = [
  ["sdk", "kcat"],
  ["sdk with KIP-848", "sdk with KIP-848"],
  ["kafkajs", "kafkajs"],
  ["platformatic", "platformatic"],
  ["platformatic with KIP-848", "platformatic with KIP-848"],
];

testWith(
  ["etcd", "kcat"].find((program) => outside(program) === undefined) ?? "etcd",
  "Groups of all clients lose nothing while the broker that coordinates them is killed and started again",
  async (_, t) => {
    const [etcd, kcat] = [outside("etcd")!, outside("kcat")!];
    await using cluster = await BrokerCluster.start({ etcd, members: 1, flags: FLAGS });
    await using client = new Client({ brokers: cluster.addresses });
    for (const kinds of GROUPS) {
      await t.step([...new Set(kinds)].join(" and "), () => survive(cluster, client, kinds, kcat));
    }
  },
);
