/**
 * Tests of groups whose broker is killed.
 *
 * A member of each group dies with it. After the restart the groups must continue from their committed
 * offsets.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { GroupLoad } from "../support/groups/group_load.ts";
import type { GroupMember, MemberKind } from "../support/groups/group_member.ts";
import { testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { WAIT_LIMIT_MS } from "../support/within.ts";
import { WorkingGroup } from "../support/groups/working_group.ts";

const TOPIC = "work";
const PARTITIONS = 6;
const MEMBERS = 2;
const KINDS: readonly MemberKind[] = [
  "sdk",
  "sdk with KIP-848",
  "kafkajs",
  "kcat",
  "platformatic with KIP-848",
];
const FLAGS = [
  ["--group-initial-rebalance-delay-ms", "100"],
  ["--group-min-session-timeout-ms", "1000"],
  ["--group-consumer-session-timeout-ms", "3000"],
  ["--group-consumer-heartbeat-interval-ms", "200"],
].flat();

/** Starts a group of each kind. */
function startGroups(address: string, kcat: string, stack: AsyncDisposableStack): WorkingGroup[] {
  return KINDS.map((kind) => {
    const groupId = kind.replaceAll(" ", "-");
    const options = { kind, address, topic: TOPIC, groupId, kcat };
    const group = stack.use(new WorkingGroup(options, PARTITIONS));
    group.add(MEMBERS);
    return group;
  });
}

/**
 * Whether members of this client commit only their own partitions. Others retry a refused commit later,
 * when the partition has moved to another member: after the crash it has no owner, so the broker accepts
 * an offset far below the one committed since.
 */
function commitsOnlyItsOwn(kind: MemberKind): boolean {
  return kind !== "platformatic with KIP-848";
}

/**
 * Fails unless a member that joined after the restart starts at the offset that the group had committed
 * before. (Members that survived may repeat messages that were committed since they fetched them.)
 */
function assertGoesOn({ events }: GroupMember, committed: readonly number[]): void {
  let count = 0;
  for (const event of events) {
    if (event.type !== "message") continue;
    const { partition, offset } = event;
    assert(
      offset >= committed[partition]!,
      `${partition}:${offset} is processed again, ${committed[partition]} was committed`,
    );
    count++;
  }
  assert(count > 0);
}

testWith(
  "kcat",
  "Broker killed under load lets each group continue from its commits",
  async (kcat) => {
    await using folder = await TemporaryFolder.create();
    const data = folder.join("data");
    let broker = await BrokerProcess.start({ data, flags: FLAGS });
    try {
      const listen = broker.address;
      // A slow machine takes long to start the broker again.
      await using client = new Client({ brokers: listen, timeoutMs: WAIT_LIMIT_MS });
      const admin = client.admin();
      await admin.createTopic({ name: TOPIC, partitions: PARTITIONS });
      await using producer = client.producer();
      await using load = new GroupLoad(producer, TOPIC, PARTITIONS);
      await using stack = new AsyncDisposableStack();
      const groups = startGroups(listen, kcat, stack);
      await Promise.all(groups.map((group) => group.untilShared()));

      const committed = await Promise.all(
        groups.map((group) => group.untilCommitted(admin, (offset) => offset > 0)),
      );
      await broker.kill();
      await Promise.all(groups.map(({ members }) => members[0]!.kill()));
      broker = await BrokerProcess.start({ data, listen, flags: FLAGS });

      for (const [i, group] of groups.entries()) {
        group.add(1);
        if (!commitsOnlyItsOwn(KINDS[i]!)) continue;
        for (const [partition, offset] of (await group.committed(admin)).entries()) {
          assert(offset >= committed[i]![partition]!, `commit ${offset} of partition ${partition}`);
        }
      }
      await Promise.all(groups.map((group) => group.untilShared()));
      await load.stop();
      await Promise.all(groups.map(async (group) => {
        await group.untilProcessed(load.ends);
        await group.untilCommitted(admin, (offset, partition) => offset >= load.ends[partition]!);
      }));
      const last = (await admin.listOffsets(TOPIC, "latest")).map(({ offset }) => offset);
      for (const [i, group] of groups.entries()) {
        assertEquals(await group.committed(admin), last, KINDS[i]!);
        group.assertProcessed(load.written);
        group.assertOwnedOnce();
        if (commitsOnlyItsOwn(KINDS[i]!)) assertGoesOn(group.members.at(-1)!, committed[i]!);
      }
      assertEquals(broker.log.filter((line) => / ERROR /.test(line)), []);
    } finally {
      await broker[Symbol.asyncDispose]();
    }
  },
);
