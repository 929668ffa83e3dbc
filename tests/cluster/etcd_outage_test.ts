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
async function untilNoticed(cluster: BrokerCluster, count: number): Promise<void> {
  const notices = (id: number) =>
    cluster.broker(id).log.filter((line) => line.includes("Cannot reach the metadata store"));
  await until(
    () => BROKERS.every((id) => notices(id).length >= count),
    "brokers to notice that etcd is away",
  );
}

interface Outage {
  readonly name: string;
  begin(cluster: BrokerCluster): Promise<void> | void;
  end(cluster: BrokerCluster): Promise<void> | void;
}

const OUTAGES: readonly Outage[] = [
  {
    name: "all members are stopped (SIGSTOP)",
    begin: ({ etcd }) => MEMBERS.forEach((member) => etcd.pause(member)),
    end: ({ etcd }) => MEMBERS.forEach((member) => etcd.resume(member)),
  },
  {
    name: "a majority is killed",
    begin: async ({ etcd }) => {
      await etcd.kill(0);
      await etcd.kill(1);
    },
    end: ({ etcd }) => {
      etcd.restart(0);
      etcd.restart(1);
    },
  },
];

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
  let outages = 0;
  for (const { name, begin, end } of OUTAGES) {
    await t.step(name, async () => {
      const leaders = await leadersOf(client, topic);
      await begin(cluster);
      await untilNoticed(cluster, ++outages);
      await untilWritten(20);
      const { ends } = load;
      await group.untilCommitted(client.admin(), (offset, partition) => offset >= ends[partition]!);
      // Producers that begin now get their ids.
      await using late = client.producer({ idempotence: true });
      await late.send({ topic: "others", value: "late" });
      await using hasty = new Client({ brokers: addresses[1]!, retry: { attempts: 1 } });
      const refused = await hasty.admin().createTopic({ name: `t${outages}` })
        .then(() => undefined, (error) => error);
      assertEquals(refused instanceof KafkaError && refused.code, "NOT_CONTROLLER");
      assertStringIncludes(refused.message, "The metadata store does not answer");
      await end(cluster);
      await untilWritten(20);
      const admin = client.admin();
      await until(
        () => admin.createTopic({ name: `t${outages}` }).then(() => true, () => false),
        "a topic",
      );
      // All sessions may have ended with etcd; nobody was elected for that.
      assertEquals(await leadersOf(client, topic), leaders);
    });
  }
  await load.stop();
  await group.untilProcessed(load.ends);
  group.assertProcessed(load.written);
});
