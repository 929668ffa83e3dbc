/**
 * Measures what groups of one kind cost a broker, in one run.
 *
 * First a tenth of the groups joins and leaves, so that compiling code and the first growth of the heap do
 * not count as the cost of groups. Memory is the resident memory of the process; a broker with a debugger
 * collects its garbage first, others include it.
 *
 * @module
 */

import { apiVersions } from "../../../protocol/messages/cluster/api_versions.ts";
import { Histogram } from "../../../cli/commands/bench/histogram.ts";
import { collectGarbage } from "../brokers/heap_probe.ts";
import { measureHeartbeats } from "./heartbeat_load.ts";
import { LoadConnection } from "../load/load_connection.ts";
import {
  awaitCoordinator,
  checkAssignments,
  checkStable,
  describeTopic,
  forgetGroups,
  type GroupKind,
  type GroupTopic,
  type LoadGroup,
} from "./load_group.ts";
import { describeUsage } from "../report/outcome.ts";
import { cpuSecondsOf, residentBytes } from "../brokers/process_usage.ts";
import { median } from "../report/report.ts";
import { LoadTopic, type Target } from "../load/target.ts";
import type { Timing } from "../load/window.ts";

const API_VERSIONS_VERSION = 3;
/** Connections that are opened at the same time. */
const CONNECT_BATCH = 100;
/** Connections that send heartbeats. */
const BUSY_CONNECTIONS = 64;
/** Time for a broker to settle before its memory is read. */
const SETTLE_MS = 1500;
/** Rebalances of the large group before measuring. */
const UNCOUNTED_REBALANCES = 3;
const MAX_MESSAGE_BYTES = 1_048_588;

/** The size of the load. */
export interface GroupPlan {
  readonly groupCount: number;
  readonly memberCount: number;
  /** Partitions of the topic that these groups read. */
  readonly partitions: number;
  readonly largeMemberCount: number;
  readonly largePartitions: number;
  /** How often the large group rebalances. */
  readonly rebalances: number;
  /** Connections of the small groups, for kinds whose members need their own. */
  readonly connectionCount: number;
  /** When to measure heartbeats. */
  readonly timing: Timing;
}

/** A broker, and the address of its debugger, if it has one. */
export interface GroupTarget extends Target {
  readonly inspector: string | undefined;
}

/** Memory of a broker in bytes. */
interface Memory {
  readonly resident: number;
  /** Objects and buffers. */
  readonly live: number;
}

/** The costs; NaN if not known. */
export interface GroupCosts {
  readonly stableSeconds: number;
  readonly joinMicros: number;
  readonly memberKb: number;
  /** Objects and buffers only, without free space around them. */
  readonly liveMemberKb: number;
  readonly connectionKb: number;
  readonly beatsPerSecond: number;
  readonly beatMicros: number;
  readonly rebalanceMs: number;
  readonly notes: Readonly<
    Record<"joinNote" | "memoryNote" | "beatNote" | "rebalanceNote", string>
  >;
}

/** Runs the load on a broker. */
export async function measureGroups(
  target: GroupTarget,
  kind: GroupKind,
  plan: GroupPlan,
): Promise<GroupCosts> {
  const small = await measureSmallGroups(target, kind, plan);
  const large = await measureLargeGroup(target, kind, plan);
  return { ...small, ...large, notes: { ...small.notes, ...large.notes } };
}

/** Many groups of a few members each. */
async function measureSmallGroups(target: GroupTarget, kind: GroupKind, plan: GroupPlan) {
  const { groupCount, memberCount, partitions, timing } = plan;
  await using topic = await createTopic(target, partitions);
  using control = await LoadConnection.connect(target.address);
  const groupTopic = await describeTopic(control, topic.name);
  const width = kind.connectionsFor(memberCount);
  const count = width === 1 ? BUSY_CONNECTIONS : plan.connectionCount;
  const unconnected = await settledMemory(target);
  using pool = await connect(target, Math.max(width, count - count % width));
  const connected = await settledMemory(target);
  const lanes = lanesOf(pool.connections, width);
  const busy = pool.connections.slice(0, BUSY_CONNECTIONS);

  const warmUp = makeGroups(kind, Math.ceil(groupCount / 10), memberCount, groupTopic, lanes);
  await awaitCoordinator(control, warmUp.map(({ groupId }) => groupId));
  await inLanes(lanes.length, warmUp, (group) => group.join());
  await check(kind, control, warmUp, lanes.length, partitions);
  await measureHeartbeats(target, kind, busy, framesOf(warmUp), timing);
  await disband(control, warmUp, lanes.length);

  const groups = makeGroups(kind, groupCount, memberCount, groupTopic, lanes);
  await awaitCoordinator(control, groups.map(({ groupId }) => groupId));
  const before = await settledMemory(target);
  const beforeCpu = usedBy(target);
  const startMs = performance.now();
  await inLanes(lanes.length, groups, (group) => group.join());
  const stableSeconds = (performance.now() - startMs) / 1000;
  const joinSeconds = usedBy(target) - beforeCpu;
  await check(kind, control, groups, lanes.length, partitions);
  const window = await measureHeartbeats(target, kind, busy, framesOf(groups), timing);
  const after = await settledMemory(target);
  await disband(control, groups, lanes.length);

  const allMembers = groupCount * memberCount;
  const beatsPerSecond = window.answered / window.seconds;
  return {
    stableSeconds,
    joinMicros: joinSeconds / allMembers * 1e6,
    memberKb: (after.resident - before.resident) / allMembers / 1000,
    liveMemberKb: (after.live - before.live) / allMembers / 1000,
    connectionKb: width === 1
      ? NaN
      : (connected.resident - unconnected.resident) / pool.connections.length / 1000,
    beatsPerSecond,
    beatMicros: window.brokerCores / beatsPerSecond * 1e6,
    notes: {
      joinNote: [
        `${pool.connections.length.toLocaleString("en-US")} connections`,
        ...(Number.isNaN(joinSeconds) ? [] : [`broker used ${joinSeconds.toFixed(1)} s of CPU`]),
      ].join(", "),
      memoryNote: `${megabytes(before.resident)} before, ${megabytes(after.resident)} after`,
      beatNote: `${busy.length} connections, ${describeUsage(window)}`,
    },
  };
}

/** One group of many members, which another member repeatedly joins and leaves. */
async function measureLargeGroup(target: Target, kind: GroupKind, plan: GroupPlan) {
  const { largeMemberCount, largePartitions, rebalances } = plan;
  await using topic = await createTopic(target, largePartitions);
  using control = await LoadConnection.connect(target.address);
  const groupTopic = await describeTopic(control, topic.name);
  using pool = await connect(target, kind.connectionsFor(largeMemberCount + 1));
  const groups = makeGroups(kind, 1, largeMemberCount, groupTopic, [pool.connections]);
  const [group] = groups as [LoadGroup];
  await awaitCoordinator(control, [group.groupId]);
  await group.join();
  await check(kind, control, groups, 1, largePartitions);
  const times: number[] = [];
  let cpu = 0;
  for (let i = -UNCOUNTED_REBALANCES; i < rebalances; i++) {
    const beforeCpu = usedBy(target);
    const startMs = performance.now();
    await group.grow();
    const tookMs = performance.now() - startMs;
    const usedCpu = usedBy(target) - beforeCpu;
    await check(kind, control, groups, 1, largePartitions);
    if (i >= 0) {
      times.push(tookMs);
      cpu += usedCpu;
    }
    await group.shrink();
    await check(kind, control, groups, 1, largePartitions);
  }
  await disband(control, groups, 1);
  const latencies = new Histogram();
  for (const ms of times) latencies.record(ms);
  const notes = [
    `${pool.connections.length} connections`,
    `${times.length} times`,
    `longest ${latencies.maxMs.toFixed(0)} ms`,
    ...(Number.isNaN(cpu)
      ? []
      : [`broker used ${(cpu / times.length * 1000).toFixed(0)} ms of CPU each`]),
  ];
  return { rebalanceMs: median(times), notes: { rebalanceNote: notes.join(", ") } };
}

function createTopic(target: Target, partitions: number): Promise<LoadTopic> {
  const options = { partitions, flush: "default", maxMessageBytes: MAX_MESSAGE_BYTES };
  return LoadTopic.create(target, options);
}

/** Opens connections, each of which is used once. */
async function connect(target: Target, count: number) {
  const connections: LoadConnection[] = [];
  while (connections.length < count) {
    const batch = Math.min(CONNECT_BATCH, count - connections.length);
    connections.push(...await Promise.all(Array.from({ length: batch }, () => open(target))));
  }
  return {
    connections,
    [Symbol.dispose]() {
      for (const connection of connections) connection.close();
    },
  };
}

async function open({ address }: Target): Promise<LoadConnection> {
  const connection = await LoadConnection.connect(address);
  await connection.request(apiVersions, API_VERSIONS_VERSION, {
    clientSoftwareName: "bench",
    clientSoftwareVersion: "1",
  });
  return connection;
}

/** Divides connections into parts, each large enough for a group. */
function lanesOf(connections: readonly LoadConnection[], width: number): LoadConnection[][] {
  const count = Math.floor(connections.length / width);
  return Array.from({ length: count }, (_, i) => connections.slice(i * width, (i + 1) * width));
}

function makeGroups(
  kind: GroupKind,
  count: number,
  memberCount: number,
  topic: GroupTopic,
  lanes: readonly (readonly LoadConnection[])[],
): LoadGroup[] {
  const run = crypto.randomUUID().slice(0, 8);
  return Array.from({ length: count }, (_, i) => {
    const groupId = `bench-${run}-${i}`;
    return kind.create(groupId, memberCount, topic, lanes[i % lanes.length]!);
  });
}

/** Runs a step for all groups: lanes in parallel, the groups of a lane one by one. */
async function inLanes(
  laneCount: number,
  groups: readonly LoadGroup[],
  act: (group: LoadGroup) => Promise<void>,
): Promise<void> {
  await Promise.all(Array.from({ length: laneCount }, async (_, lane) => {
    for (let i = lane; i < groups.length; i += laneCount) await act(groups[i]!);
  }));
}

/** @throws {Error} If a group is not in the expected state. */
async function check(
  kind: GroupKind,
  control: LoadConnection,
  groups: readonly LoadGroup[],
  laneCount: number,
  partitions: number,
): Promise<void> {
  await inLanes(laneCount, groups, (group) => group.confirm());
  for (const group of groups) checkAssignments(group, partitions);
  await checkStable(kind, control, groups);
}

async function disband(
  control: LoadConnection,
  groups: readonly LoadGroup[],
  laneCount: number,
): Promise<void> {
  await inLanes(laneCount, groups, (group) => group.leave());
  await forgetGroups(control, groups);
}

function framesOf(groups: readonly LoadGroup[]): Uint8Array[] {
  return groups.flatMap((group) => group.heartbeatFrames());
}

async function settledMemory({ pids: [pid], inspector }: GroupTarget): Promise<Memory> {
  const heap = inspector === undefined ? undefined : await collectGarbage(inspector);
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return {
    resident: (pid === undefined ? undefined : residentBytes(pid)) ?? NaN,
    live: heap === undefined ? NaN : heap.usedSize + heap.backingStorageSize,
  };
}

function usedBy({ pids }: Target): number {
  return cpuSecondsOf(pids) ?? NaN;
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`;
}
