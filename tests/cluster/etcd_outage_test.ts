/**
 * Tests of a cluster of processes whose etcd is away for longer than sessions last: what brokers lead is
 * served on, by the same leaders; what changes metadata is refused, and works again afterwards.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { Client, KafkaError } from "../../client/mod.ts";
import { BrokerCluster } from "../support/broker/broker_cluster.ts";
import { GroupLoad } from "../support/groups/group_load.ts";
import { WorkingGroup } from "../support/groups/working_group.ts";
import { testWith } from "../support/outside.ts";
import { within } from "../support/within.ts";

const PARTITIONS = 6;
const FLAGS = [
  ...["--offsets-topic-num-partitions", "6"],
  ...["--group-initial-rebalance-delay-ms", "100ms"],
  ...["--min-insync-replicas", "2"],
];
const BROKERS = [1, 2, 3];
const MEMBERS = [0, 1, 2];
const MAJORITY = [0, 1];

/** Resolves when a condition holds. */
async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const waiting = (async () => {
    while (!await condition()) await new Promise((resolve) => setTimeout(resolve, 20));
  })();
  await within(waiting, what);
}

/** The leaders and epochs of all partitions, also of groups. */
async function leadersOf(client: Client, topic: string): Promise<string[]> {
  const topics = await client.admin().describeTopics([topic, "__consumer_offsets"]);
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ leaderId, leaderEpoch }, i) => `${name}-${i} ${leaderId} ${leaderEpoch}`)
  );
}

/** Resolves when each broker has noticed that etcd is away. */
async function untilNoticed(cluster: BrokerCluster): Promise<void> {
  const hasNoticed = (id: number) =>
    cluster.broker(id).log.some((line) => line.includes("Cannot reach the metadata store"));
  await until(() => BROKERS.every(hasNoticed), "brokers to notice that etcd is away");
}

testWith("etcd", "Clients are served on while etcd is away for long", async (path, t) => {
  await using cluster = await BrokerCluster.start({ etcd: path, flags: FLAGS });
  const { addresses } = cluster;
  await using client = new Client({ brokers: addresses });
  const topic = "work";
  await client.admin().createTopic({ name: topic, partitions: PARTITIONS, replicas: 3 });
  await client.admin().createTopic({ name: "others", replicas: 3 });
  await using producer = client.producer({ idempotence: true });
  await using load = new GroupLoad(producer, topic, PARTITIONS);
  const options = { kind: "sdk" as const, kcat: "", address: addresses[0]!, topic, groupId: topic };
  await using group = new WorkingGroup(options, PARTITIONS);
  group.add(1, "sdk with KIP-848", addresses[0]);
  group.add(1, "sdk with KIP-848", addresses[1]);
  await group.untilShared();
  const untilWritten = async (count: number) => {
    const before = load.ends;
    await until(
      () => load.ends.every((end, partition) => end >= before[partition]! + count),
      "writes to all partitions",
    );
  };
  const leaders = await leadersOf(client, topic);

  await t.step("all members are stopped (SIGSTOP)", async () => {
    for (const member of MEMBERS) cluster.etcd.pause(member);
    await untilNoticed(cluster);
    await untilWritten(20);
    const { ends } = load;
    await group.untilCommitted(client.admin(), (offset, partition) => offset >= ends[partition]!);
    // Producers that begin now get their ids.
    await using late = client.producer({ idempotence: true });
    await late.send({ topic: "others", value: "late" });
    await using hasty = new Client({ brokers: addresses[1]!, retry: { attempts: 1 } });
    const refused = await hasty.admin().createTopic({ name: "refused" })
      .then(() => undefined, (error) => error);
    assertEquals(refused instanceof KafkaError && refused.code, "NOT_CONTROLLER");
    assertStringIncludes(refused.message, "The metadata store does not answer");
  });

  await t.step("a majority is killed", async () => {
    for (const member of MAJORITY) await cluster.etcd.kill(member);
    cluster.etcd.resume(2);
    await untilWritten(20);
  });

  await t.step("etcd is back", async () => {
    for (const member of MAJORITY) cluster.etcd.restart(member);
    await untilWritten(20);
    const admin = client.admin();
    await until(
      () => admin.createTopic({ name: "accepted" }).then(() => true, () => false),
      "a topic",
    );
    // All sessions may have ended with etcd; nobody was elected for that.
    assertEquals(await leadersOf(client, topic), leaders);
  });
  await load.stop();
  await group.untilProcessed(load.ends);
  group.assertProcessed(load.written);
});
