/**
 * Groups of clients that others have made: their members share the work, die, and are replaced.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Client } from "../client/mod.ts";
import { GroupLoad } from "./support/group_load.ts";
import type { MemberKind } from "./support/group_member.ts";
import { LocalBroker } from "./support/local_broker.ts";
import { testWith } from "./support/outside.ts";
import { WorkingGroup } from "./support/working_group.ts";

const TOPIC = "work";
const PARTITIONS = 6;
const CONFIG = {
  "group.initial.rebalance.delay.ms": 100,
  "group.min.session.timeout.ms": 1000,
  "group.consumer.session.timeout.ms": 3000,
  "group.consumer.heartbeat.interval.ms": 200,
};

/** Three members, of whom the first is killed and another comes, while messages are written. */
async function replaceMember(kind: MemberKind, kcat = ""): Promise<void> {
  await using local = await LocalBroker.start({ config: CONFIG });
  const { address } = local;
  await using client = new Client({ brokers: address });
  const admin = client.admin();
  await admin.createTopic({ name: TOPIC, partitions: PARTITIONS });
  await using producer = client.producer();
  await using load = new GroupLoad(producer, TOPIC, PARTITIONS);
  await using group = new WorkingGroup(
    { kind, address, topic: TOPIC, groupId: "workers", kcat },
    PARTITIONS,
  );
  group.add(3);
  await group.untilShared();
  await group.untilCommitted(admin, (offset) => offset > 0);

  await group.members[0]!.kill();
  group.add(1);
  await group.untilShared();

  await load.stop();
  await group.untilProcessed(load.ends);
  await group.untilCommitted(admin, (offset, partition) => offset >= load.ends[partition]!);
  const ends = await admin.listOffsets(TOPIC, "latest");
  assertEquals(await group.committed(admin), ends.map(({ offset }) => offset));
  group.assertProcessed(load.written);
  group.assertOwnedOnce();
}

Deno.test("kafkajs's group of three survives a kill, and every message is processed", () =>
  replaceMember("kafkajs"));

Deno.test("platformatic's group of three survives a kill, and every message is processed", () =>
  replaceMember("platformatic"));

Deno.test("platformatic's KIP-848 group survives a kill, and no partition ever has two owners", () =>
  replaceMember("platformatic with KIP-848"));

testWith(
  "kcat",
  "kcat's group of three survives a kill, and every message is processed",
  (kcat) => replaceMember("kcat", kcat),
);
