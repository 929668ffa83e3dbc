/**
 * A member of a group of one on a fake cluster, for tests.
 *
 * @module
 */

import { assert } from "@std/assert";
import { consumerGroupHeartbeat } from "../../protocol/messages/groups/consumer_group_heartbeat.ts";
import { heartbeat } from "../../protocol/messages/groups/heartbeat.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import type { GroupConsumer } from "../group/group_consumer.ts";
import type { GroupConsumerOptions, GroupConsumerStatus } from "../group/group_consumer_options.ts";
import type { Message } from "../consumer/message.ts";
import { type ClientSetup, setup } from "./client_setup.ts";
import { FakeClassicGroup } from "./fake_classic_group.ts";
import type { FakeCluster, FakeClusterOptions } from "./fake_cluster.ts";
import { FakeModernGroup } from "./fake_modern_group.ts";

/** A member and its group. */
export interface GroupSetup<Group> extends ClientSetup {
  readonly group: Group;
  readonly consumer: GroupConsumer;
  /** The callbacks of the member, as in `assigned 2`. */
  readonly events: readonly string[];
  /** Resolves once the member's status satisfies a condition. */
  until(condition: (status: GroupConsumerStatus) => boolean): Promise<void>;
  /** Resolves when `count` more heartbeats have been received. */
  untilBeats(count: number): Promise<void>;
}

/** Options of the setup. */
export interface GroupSetupOptions extends FakeClusterOptions {
  /** The client's timeout, in milliseconds. */
  readonly timeoutMs?: number;
}

/**
 * Creates a classic group, by default on two brokers with one of topic `a`'s two partitions each.
 */
export function setupClassicGroup(
  options: Partial<GroupConsumerOptions> = {},
  setupOptions?: GroupSetupOptions,
): GroupSetup<FakeClassicGroup> {
  return setupGroup((cluster) => new FakeClassicGroup(cluster), heartbeat, options, setupOptions);
}

/**
 * Creates a KIP-848 group, by default on two brokers with one of topic `a`'s two partitions each.
 */
export function setupModernGroup(
  options: Partial<GroupConsumerOptions> = {},
  setupOptions?: GroupSetupOptions,
): GroupSetup<FakeModernGroup> {
  const modern = { ...options, protocol: "consumer" } as const;
  const makeGroup = (cluster: FakeCluster) => new FakeModernGroup(cluster);
  return setupGroup(makeGroup, consumerGroupHeartbeat, modern, setupOptions);
}

function setupGroup<Group>(
  makeGroup: (cluster: FakeCluster) => Group,
  beat: Api,
  options: Partial<GroupConsumerOptions>,
  { timeoutMs = 5000, ...clusterOptions }: GroupSetupOptions = { topics: { a: 2 }, brokers: 2 },
): GroupSetup<Group> {
  const test = setup(clusterOptions, { timeoutMs });
  const group = makeGroup(test.cluster);
  const events: string[] = [];
  const checks = new Set<() => void>();
  const record = (name: string) => (partitions: readonly unknown[]) => {
    events.push(`${name} ${partitions.length}`);
  };
  const consumer = test.client.groupConsumer({
    groupId: "g",
    topics: "a",
    sessionTimeoutMs: 1000,
    heartbeatIntervalMs: 5,
    autoCommitIntervalMs: 5,
    onAssigned: record("assigned"),
    onRevoked: record("revoked"),
    onLost: record("lost"),
    ...options,
    onStatus: (status) => {
      options.onStatus?.(status);
      for (const check of [...checks]) check();
    },
  });
  const until = (condition: (status: GroupConsumerStatus) => boolean) =>
    new Promise<void>((resolve) => {
      const check = () => {
        if (!condition(consumer.status)) return;
        checks.delete(check);
        resolve();
      };
      checks.add(check);
      check();
    });
  const untilBeats = (count: number) =>
    test.cluster.untilReceived(beat, test.cluster.received(beat).length + count);
  return { ...test, group, consumer, events, until, untilBeats };
}

/** Polls until `count` messages have arrived. */
export async function pollAll(consumer: GroupConsumer, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    const polled = await consumer.poll(count - messages.length, { timeoutMs: 10_000 });
    assert(polled.length > 0, `${messages.length} of ${count} messages have arrived`);
    messages.push(...polled);
  }
  return messages;
}
