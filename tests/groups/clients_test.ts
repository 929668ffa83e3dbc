/**
 * Tests of groups with members of several clients, which share the work, die, and are replaced.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { compareMembers } from "../../client/group/assignor.ts";
import { resolveAssignors } from "../../client/group/assignors/mod.ts";
import { type Admin, type Assignor, Client, type TopicPartition } from "../../client/mod.ts";
import { GroupLoad } from "../support/groups/group_load.ts";
import type { MemberKind, SharedAssignor } from "../support/groups/group_member.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { concurrentSteps } from "../support/concurrent_steps.ts";
import { testWith } from "../support/outside.ts";
import { WorkingGroup } from "../support/groups/working_group.ts";

const TOPIC = "work";
const GROUP = "workers";
const PARTITIONS = 6;
const CONFIG = {
  "group.initial.rebalance.delay.ms": 100,
  "group.min.session.timeout.ms": 1000,
  "group.consumer.session.timeout.ms": 3000,
  "group.consumer.heartbeat.interval.ms": 200,
};

/** A broker with a topic that is being written, and a group that reads it. */
async function withGroup(
  options: { readonly kind: MemberKind; readonly kcat: string; readonly assignor?: SharedAssignor },
  run: (group: WorkingGroup, admin: Admin) => Promise<void>,
): Promise<void> {
  await using local = await LocalBroker.start({ config: CONFIG });
  const { address } = local;
  await using client = new Client({ brokers: address });
  const admin = client.admin();
  await admin.createTopic({ name: TOPIC, partitions: PARTITIONS });
  await using producer = client.producer();
  await using load = new GroupLoad(producer, TOPIC, PARTITIONS);
  await using group = new WorkingGroup(
    { ...options, address, topic: TOPIC, groupId: GROUP },
    PARTITIONS,
  );
  await run(group, admin);

  await load.stop();
  await group.untilProcessed(load.ends);
  await group.untilCommitted(admin, (offset, partition) => offset >= load.ends[partition]!);
  const ends = await admin.listOffsets(TOPIC, "latest");
  assertEquals(await group.committed(admin), ends.map(({ offset }) => offset));
  group.assertProcessed(load.written);
  group.assertOwnedOnce();
}

/** Runs three members, kills the first and adds another while messages are written. */
function replaceMember(kind: MemberKind, kcat = ""): Promise<void> {
  return withGroup({ kind, kcat }, async (group, admin) => {
    group.add(3);
    await group.untilShared();
    await group.untilCommitted(admin, (offset) => offset > 0);

    await group.members[0]!.kill();
    group.add(1);
    await group.untilShared();
  });
}

/** Runs two members of one client and two of another in one group, and kills the first. */
function mixMembers(
  kinds: readonly [MemberKind, MemberKind],
  assignor: SharedAssignor,
  kcat: string,
): Promise<void> {
  return withGroup({ kind: kinds[0], kcat, assignor }, async (group, admin) => {
    group.add(2);
    await group.untilShared();
    group.add(2, kinds[1]);
    await group.untilShared();
    await assertAssignedBy(assignor, admin);
    for (const { assignment } of group.members) assert(assignment!.partitions.length > 0);

    await group.members[0]!.kill();
    await group.untilShared();
    await assertAssignedBy(assignor, admin);
  });
}

/** Fails unless the assignment is what every member would have computed as leader. */
async function assertAssignedBy(name: SharedAssignor, admin: Admin): Promise<void> {
  const { members, assignor } = await admin.describeGroup(GROUP);
  assertEquals(assignor, name);
  const [{ assign }] = resolveAssignors([name]) as [Assignor];
  const expected = assign({
    members: members.map(({ memberId }) => ({
      memberId,
      groupInstanceId: null,
      topics: [TOPIC],
      ownedPartitions: [],
      generationId: -1,
      userData: null,
      rackId: null,
    })).sort(compareMembers),
    partitionCounts: new Map([[TOPIC, PARTITIONS]]),
  });
  for (const { memberId, assignment } of members) {
    assertEquals(sorted(assignment), sorted(expected.get(memberId)!), memberId);
  }
}

function sorted(partitions: readonly TopicPartition[]): number[] {
  return partitions.map(({ partition }) => partition).sort((a, b) => a - b);
}

Deno.test("GroupConsumer's group of three survives a kill, and every message is processed", () =>
  replaceMember("sdk"));

Deno.test("GroupConsumer's KIP-848 group survives a kill, and no partition ever has two owners", () =>
  replaceMember("sdk with KIP-848"));

Deno.test("kafkajs's group of three survives a kill, and every message is processed", () =>
  replaceMember("kafkajs"));

Deno.test("platformatic's group of three survives a kill, and every message is processed", () =>
  replaceMember("platformatic"));

Deno.test("platformatic's KIP-848 group survives a kill, and no partition ever has two owners", () =>
  replaceMember("platformatic with KIP-848"));

testWith(
  "kcat",
  "kcat's groups survive a kill, also with GroupConsumer, and every message is processed",
  (kcat, t) =>
    concurrentSteps(t, {
      "three of kcat": () => replaceMember("kcat", kcat),
      "GroupConsumer and kcat, divided by range": () => mixMembers(["sdk", "kcat"], "range", kcat),
      "kcat and GroupConsumer, divided by round-robin": () =>
        mixMembers(["kcat", "sdk"], "roundrobin", kcat),
    }),
);
