import { assert, assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import {
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  deleteGroups,
  describeGroups,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  syncGroup,
} from "../../../protocol/messages/mod.ts";
import type { Api, RequestTo, ResponseOf } from "../../../protocol/schema/schema.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { MemoryFileSystem } from "../../../storage/mod.ts";
import { type GroupBroker, startGroupBroker } from "../../groups/broker_testing.ts";
import { HandlerTable } from "../mod.ts";
import { OFFSETS_TOPIC } from "../../groups/offsets_topic.ts";
import { subscription, text } from "../../groups/testing.ts";

const encoder = new TextEncoder();
const HANDLERS = new HandlerTable();

function call<A extends Api>(
  { broker }: GroupBroker,
  api: A,
  apiVersion: number,
  request: RequestTo<A>,
): Promise<ResponseOf<A>> {
  const handler = HANDLERS.get(api.key)!;
  return broker.call(api, handler, apiVersion, request);
}

/** A broker that can store groups, with a topic "t" of two partitions. */
async function start(options: Parameters<typeof startGroupBroker>[0] = {}): Promise<GroupBroker> {
  const started = await startGroupBroker(options);
  if (started.broker.topics.get("t") === undefined) {
    await started.broker.createTopic("t", { partitions: 2 });
    await call(started, findCoordinator, 0, { key: "g" });
  }
  await started.groups.loaded();
  return started;
}

/** Lets a single member join, in one version of all requests. Returns its id and generation. */
async function join(
  started: GroupBroker,
  groupId: string,
  apiVersion = 9,
): Promise<{ memberId: string; generationId: number }> {
  const request = {
    groupId,
    sessionTimeoutMs: 10_000,
    memberId: "",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: subscription("t") }],
  };
  const first = await joining(started, apiVersion, request);
  if (first.errorCode !== ErrorCode.MEMBER_ID_REQUIRED) return first;
  return await joining(started, apiVersion, { ...request, memberId: first.memberId });
}

async function joining(
  started: GroupBroker,
  apiVersion: number,
  request: RequestTo<typeof joinGroup>,
): Promise<ResponseOf<typeof joinGroup>> {
  const joined = call(started, joinGroup, apiVersion, request);
  started.broker.clock.advance(0);
  return await joined;
}

async function sync(
  started: GroupBroker,
  groupId: string,
  { memberId, generationId }: { memberId: string; generationId: number },
  apiVersion = 5,
) {
  return await call(started, syncGroup, apiVersion, {
    groupId,
    generationId,
    memberId,
    protocolType: apiVersion >= 5 ? "consumer" : null,
    protocolName: apiVersion >= 5 ? "range" : null,
    assignments: [{ memberId, assignment: encoder.encode("mine") }],
  });
}

async function commitTo(
  started: GroupBroker,
  apiVersion: number,
  topic: { name?: string; topicId?: string },
  rest: Partial<RequestTo<typeof offsetCommit>> = {},
) {
  const response = await call(started, offsetCommit, apiVersion, {
    groupId: "g",
    memberId: "",
    ...rest,
    topics: [{
      ...topic,
      partitions: [{ partitionIndex: 1, committedOffset: apiVersion, committedMetadata: "m" }],
    }],
  });
  return response.topics[0]!.partitions[0]!.errorCode;
}

Deno.test("FindCoordinator creates __consumer_offsets and returns this broker, in every version", async (t) => {
  await using started = await startGroupBroker();
  for (let version = 0; version <= 6; version++) {
    await t.step(`version ${version}`, async () => {
      const request = version < 4 ? { key: "g" } : { coordinatorKeys: ["g", "h"] };
      const response = await call(started, findCoordinator, version, request);
      const found = version < 4 ? [response] : response.coordinators;
      assertEquals(found.length, version < 4 ? 1 : 2);
      for (const { errorCode, nodeId, host, port } of found) {
        assertEquals([errorCode, nodeId, host, port], [0, 1, "localhost", 9092]);
      }
    });
  }
  const topic = started.broker.topics.get(OFFSETS_TOPIC)!;
  assertEquals([topic.isInternal, topic.partitions.length], [true, 3]);
  assertEquals(topic.config.get("cleanup.policy"), ["compact"]);
});

Deno.test("FindCoordinator rejects unsupported key types", async () => {
  await using started = await startGroupBroker();
  const code = async (version: number, keyType: number) =>
    (await call(started, findCoordinator, version, { coordinatorKeys: ["x"], keyType }))
      .coordinators[0]!.errorCode;
  assertEquals(await code(6, 2), ErrorCode.UNSUPPORTED_VERSION);
  assertEquals(await code(5, 2), ErrorCode.INVALID_REQUEST);
  assertEquals(await code(6, 3), ErrorCode.INVALID_REQUEST);
});

Deno.test("Group APIs return NOT_COORDINATOR before a coordinator was requested", async () => {
  await using started = await startGroupBroker();
  const code = ErrorCode.NOT_COORDINATOR;
  assertEquals((await join(started, "g") as ResponseOf<typeof joinGroup>).errorCode, code);
  const beat = { groupId: "g", memberId: "m", generationId: 1 };
  assertEquals((await call(started, heartbeat, 4, beat)).errorCode, code);
  assertEquals(
    (await call(started, describeGroups, 6, { groups: ["g"] })).groups[0]!.errorCode,
    code,
  );
  assertEquals(await call(started, listGroups, 5, {}), {
    throttleTimeMs: 0,
    errorCode: 0,
    groups: [],
  });
});

Deno.test("JoinGroup, SyncGroup, Heartbeat and LeaveGroup work together in every version", async (t) => {
  await using started = await start();
  for (let version = 0; version <= 9; version++) {
    await t.step(`JoinGroup version ${version}`, async () => {
      const groupId = `g${version}`;
      const joined = await join(started, groupId, version) as ResponseOf<typeof joinGroup>;
      const { memberId, generationId } = joined;
      assertEquals([joined.errorCode, generationId, joined.leader], [0, 1, memberId]);
      assertEquals(joined.protocolName, "range");
      assertEquals(joined.protocolType, version >= 7 ? "consumer" : null);
      assert(memberId.startsWith("test-"), memberId);
      const syncVersion = Math.min(version, 5);
      const synced = await sync(started, groupId, joined, syncVersion);
      assertEquals([synced.errorCode, text(synced.assignment)], [0, "mine"]);
      const beatVersion = Math.min(version, 4);
      const beat = await call(started, heartbeat, beatVersion, { groupId, memberId, generationId });
      assertEquals(beat.errorCode, ErrorCode.NONE);
      const leaveVersion = Math.min(version, 5);
      const leaving = leaveVersion < 3 ? { memberId } : { members: [{ memberId }] };
      const left = await call(started, leaveGroup, leaveVersion, { groupId, ...leaving });
      assertEquals([left.errorCode, left.members[0]?.errorCode ?? 0], [0, 0]);
      const again = await call(started, leaveGroup, leaveVersion, { groupId, ...leaving });
      assertEquals(again.errorCode || again.members[0]!.errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
    });
  }
});

Deno.test("JoinGroup below version 7 returns errors with an empty protocol name, not null", async () => {
  await using started = await start();
  const request = {
    groupId: "g",
    sessionTimeoutMs: 10_000,
    memberId: "nobody",
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: new Uint8Array(0) }],
  };
  for (const [version, name] of [[6, ""], [7, null]] as const) {
    const response = await call(started, joinGroup, version, request);
    assertEquals(response.errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
    assertEquals([response.protocolName, response.memberId], [name, "nobody"]);
  }
});

Deno.test("JoinGroup rejects an empty group id and session timeouts out of bounds", async () => {
  await using started = await start();
  const code = async (groupId: string, sessionTimeoutMs: number) =>
    (await call(started, joinGroup, 5, {
      groupId,
      sessionTimeoutMs,
      memberId: "",
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: new Uint8Array(0) }],
    })).errorCode;
  assertEquals(await code("", 10_000), ErrorCode.INVALID_GROUP_ID);
  assertEquals(await code("g", 5999), ErrorCode.INVALID_SESSION_TIMEOUT);
  assertEquals(await code("g", 1_800_001), ErrorCode.INVALID_SESSION_TIMEOUT);
  assertEquals(await code("g", 6000), ErrorCode.MEMBER_ID_REQUIRED);
});

Deno.test("SyncGroup requires protocol type and name in version 5 (KIP-559)", async () => {
  await using started = await start();
  const { memberId, generationId } = await join(started, "g");
  const request = { groupId: "g", memberId, generationId, assignments: [] };
  const response = await call(started, syncGroup, 5, request);
  assertEquals(response.errorCode, ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
});

Deno.test("OffsetCommit and OffsetFetch work together in every version", async (t) => {
  await using started = await start();
  const topicId = started.broker.topics.get("t")!.id;
  for (let version = 2; version <= 10; version++) {
    await t.step(`version ${version}`, async () => {
      const topic = version < 10 ? { name: "t" } : { topicId };
      assertEquals(await commitTo(started, version, topic), ErrorCode.NONE);
      const partitionIndexes = [0, 1];
      const asked = version < 8
        ? { groupId: "g", topics: [{ name: "t", partitionIndexes }] }
        : { groups: [{ groupId: "g", topics: [{ ...topic, partitionIndexes }] }] };
      const all = version < 8
        ? { groupId: "g", topics: null }
        : { groups: [{ groupId: "g", topics: null }, { groupId: "none", topics: null }] };
      const fetched = await call(started, offsetFetch, version, asked);
      const [found] = version < 8 ? fetched.topics : fetched.groups[0]!.topics;
      assertEquals(
        found!.partitions.map((p) => [p.committedOffset, p.metadata, p.errorCode]),
        [[-1, "", 0], [version, "m", 0]],
      );
      const everything = await call(started, offsetFetch, version, all);
      const topics = version < 8 ? everything.topics : everything.groups[0]!.topics;
      assertEquals(topics.length, 1);
      assertEquals(topics[0]!.partitions.map((p) => p.committedOffset), [version]);
      if (version < 8) return;
      assertEquals(everything.groups[1]!.topics, []);
      const [named] = everything.groups[0]!.topics;
      assertEquals(
        [named!.name, named!.topicId],
        version < 10 ? ["t", ZERO_UUID] : ["", topicId],
      );
    });
  }
});

Deno.test("OffsetCommit rejects unknown topics and partitions and commits the others", async () => {
  await using started = await start();
  const response = await call(started, offsetCommit, 9, {
    groupId: "g",
    memberId: "",
    topics: [
      {
        name: "t",
        partitions: [
          { partitionIndex: 0, committedOffset: -2 },
          { partitionIndex: 2, committedOffset: 1 },
          { partitionIndex: -1, committedOffset: 1 },
        ],
      },
      { name: "none", partitions: [{ partitionIndex: 0, committedOffset: 1 }] },
    ],
  });
  const codes = Object.fromEntries(response.topics.map(({ name, partitions }) => [
    name,
    Object.fromEntries(partitions.map((p) => [p.partitionIndex, p.errorCode])),
  ]));
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  assertEquals(codes, { t: { 0: 0, 2: unknown, [-1]: unknown }, none: { 0: unknown } });
  const topicId = "AAECAwQFBgcICQoLDA0ODw";
  assertEquals(await commitTo(started, 10, { topicId }), ErrorCode.UNKNOWN_TOPIC_ID);
});

Deno.test("OffsetFetch returns errors where its version has a field for them", async () => {
  await using started = await startGroupBroker();
  const code = ErrorCode.NOT_COORDINATOR;
  const request = { groupId: "g", topics: [{ name: "t", partitionIndexes: [0] }] };
  const first = await call(started, offsetFetch, 1, request);
  assertEquals(first.topics[0]!.partitions[0]!.errorCode, code);
  assertEquals((await call(started, offsetFetch, 2, request)).errorCode, code);
  const groups = [{ groupId: "g", topics: null }];
  assertEquals((await call(started, offsetFetch, 8, { groups })).groups[0]!.errorCode, code);
});

Deno.test("OffsetFetch distinguishes topics by id in version 10", async () => {
  await using started = await start();
  const topicId = "AAECAwQFBgcICQoLDA0ODw";
  const groups = [{ groupId: "g", topics: [{ topicId, partitionIndexes: [0] }] }];
  const fetched = await call(started, offsetFetch, 10, { groups });
  const [topic] = fetched.groups[0]!.topics;
  assertEquals(topic!.topicId, topicId);
  assertEquals(topic!.partitions[0]!.errorCode, ErrorCode.UNKNOWN_TOPIC_ID);
});

Deno.test("OffsetDelete returns a result for every partition (KIP-496)", async () => {
  await using started = await start();
  await commitTo(started, 9, { name: "t" });
  const remove = (groupId: string) =>
    call(started, offsetDelete, 0, {
      groupId,
      topics: [
        { name: "t", partitions: [{ partitionIndex: 1 }, { partitionIndex: 2 }] },
        { name: "none", partitions: [{ partitionIndex: 0 }] },
      ],
    });
  const { errorCode, topics } = await remove("g");
  assertEquals(errorCode, ErrorCode.NONE);
  assertEquals(topics.map(({ partitions }) => partitions.map((p) => p.errorCode)), [[0, 3], [3]]);
  assertEquals((await remove("none")).errorCode, ErrorCode.GROUP_ID_NOT_FOUND);
  assertEquals((await remove("")).errorCode, ErrorCode.INVALID_GROUP_ID);
});

Deno.test("DescribeGroups returns members in every version, and unknown groups as dead", async (t) => {
  await using started = await start();
  const joined = await join(started, "g");
  await sync(started, "g", joined);
  for (let version = 0; version <= 6; version++) {
    await t.step(`version ${version}`, async () => {
      const { groups } = await call(started, describeGroups, version, {
        groups: ["g", "none"],
        includeAuthorizedOperations: version >= 3,
      });
      const [group, none] = groups;
      assertEquals(
        [group!.groupState, group!.protocolType, group!.protocolData],
        ["Stable", "consumer", "range"],
      );
      const [member] = group!.members;
      assertEquals(
        [member!.memberId, member!.clientId, member!.clientHost],
        [joined.memberId, "test", "/test"],
      );
      assertEquals(text(member!.memberAssignment), "mine");
      assertEquals(member!.memberMetadata, subscription("t"));
      assertEquals(group!.authorizedOperations, version >= 3 ? 0b110101001000 : -(2 ** 31));
      assertEquals(none!.groupState, "Dead");
      assertEquals(none!.errorCode, version >= 6 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE);
    });
  }
});

Deno.test("ListGroups filters by state and type", async () => {
  await using started = await start();
  const joined = await join(started, "stable");
  await sync(started, "stable", joined);
  await commitTo(started, 9, { name: "t" }, { groupId: "simple" });
  await beat(started, { groupId: "modern" });
  const list = async (request: RequestTo<typeof listGroups> = {}, version = 5) =>
    (await call(started, listGroups, version, request)).groups
      .map(({ groupId, protocolType, groupState, groupType }) =>
        [groupId, protocolType, groupState, groupType].join(" ")
      ).sort();
  const [modern, simple, stable] = [
    "modern consumer Stable consumer",
    "simple  Empty classic",
    "stable consumer Stable classic",
  ];
  assertEquals(await list(), [modern, simple, stable]);
  assertEquals(await list({ statesFilter: ["stable"] }), [modern, stable]);
  assertEquals(await list({ statesFilter: ["Empty", "Dead"] }), [simple]);
  assertEquals(await list({ typesFilter: ["Classic"] }), [simple, stable]);
  assertEquals(await list({ typesFilter: ["share"] }), []);
  assertEquals(await list({}, 0), ["modern consumer  ", "simple   ", "stable consumer  "]);
});

Deno.test("DeleteGroups deletes empty groups with their offsets", async (t) => {
  await using started = await start();
  const joined = await join(started, "used");
  await sync(started, "used", joined);
  for (let version = 0; version <= 2; version++) {
    await t.step(`version ${version}`, async () => {
      await commitTo(started, 9, { name: "t" });
      const groupsNames = ["g", "used", "none", "g"];
      const { results } = await call(started, deleteGroups, version, { groupsNames });
      assertEquals(results, [
        { groupId: "g", errorCode: ErrorCode.NONE },
        { groupId: "used", errorCode: ErrorCode.NON_EMPTY_GROUP },
        { groupId: "none", errorCode: ErrorCode.GROUP_ID_NOT_FOUND },
      ]);
      const fetched = await call(started, offsetFetch, 7, { groupId: "g", topics: null });
      assertEquals(fetched.topics, []);
    });
  }
});

/** A KIP-848 heartbeat that joins. */
async function beat(
  started: GroupBroker,
  request: Partial<RequestTo<typeof consumerGroupHeartbeat>> = {},
  apiVersion = 1,
): Promise<ResponseOf<typeof consumerGroupHeartbeat>> {
  return await call(started, consumerGroupHeartbeat, apiVersion, {
    groupId: "g",
    memberId: "m",
    memberEpoch: 0,
    rebalanceTimeoutMs: 30_000,
    subscribedTopicNames: ["t"],
    topicPartitions: [],
    ...request,
  });
}

Deno.test("ConsumerGroupHeartbeat and ConsumerGroupDescribe work together in every version", async (t) => {
  await using started = await start();
  const topicId = started.broker.topics.get("t")!.id;
  for (const version of [0, 1]) {
    await t.step(`version ${version}`, async () => {
      const groupId = `g${version}`;
      const joined = await beat(started, { groupId, memberId: version === 0 ? "" : "m" }, version);
      assertEquals([joined.errorCode, joined.memberEpoch], [0, 1]);
      const topicPartitions = [{ topicId, partitions: [0, 1] }];
      assertEquals(joined.assignment, { topicPartitions });
      const request = { groupIds: [groupId, "none", ""], includeAuthorizedOperations: true };
      const { groups } = await call(started, consumerGroupDescribe, version, request);
      assertEquals(groups.map(({ errorCode }) => errorCode), [
        ErrorCode.NONE,
        ErrorCode.GROUP_ID_NOT_FOUND,
        ErrorCode.INVALID_GROUP_ID,
      ]);
      const [member] = groups[0]!.members;
      assertEquals(member!.assignment.topicPartitions, [
        { topicId, topicName: "t", partitions: [0, 1] },
      ]);
      assertEquals(member!.memberType, version === 0 ? -1 : 1);
    });
  }
  const broken = await beat(started, { memberId: "" });
  assertEquals(broken.errorCode, ErrorCode.INVALID_REQUEST);
  assert(broken.errorMessage!.includes("MemberId"), broken.errorMessage!);
  assertEquals((await beat(started, { groupId: "" })).errorCode, ErrorCode.INVALID_REQUEST);
});

Deno.test("Group APIs respond when groups and offsets are on disk", async () => {
  const fs = new MemoryFileSystem();
  const before = await start({ fs });
  const joined = await join(before, "g");
  await sync(before, "g", joined);
  assertEquals(await commitTo(before, 9, { name: "t" }, { groupId: "simple" }), 0);
  const modern = await beat(before, { groupId: "modern" });
  await before.stop();
  await before.broker.directory.close();

  await using after = await start({ fs, clock: before.broker.clock });
  const { memberId, generationId } = joined;
  const beating = await call(after, heartbeat, 4, { groupId: "g", memberId, generationId });
  assertEquals(beating.errorCode, ErrorCode.NONE);
  const again = await call(after, consumerGroupHeartbeat, 1, {
    groupId: "modern",
    memberId: "m",
    memberEpoch: modern.memberEpoch,
  });
  assertEquals([again.errorCode, again.memberEpoch], [0, 1]);
  const fetched = await call(after, offsetFetch, 7, { groupId: "simple", topics: null });
  assertEquals(fetched.topics[0]!.partitions[0]!.committedOffset, 9);
});

Deno.test("Group APIs return COORDINATOR_LOAD_IN_PROGRESS during loading, except Heartbeat", async () => {
  const fs = new MemoryFileSystem();
  const before = await start({ fs });
  await commitTo(before, 9, { name: "t" });
  await before.stop();
  await before.broker.directory.close();
  await using after = await startGroupBroker({ fs });
  const loading = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  const beating = call(after, heartbeat, 4, { groupId: "g", memberId: "m", generationId: 1 });
  const listing = call(after, listGroups, 5, {});
  const described = call(after, describeGroups, 6, { groups: ["g"] });
  assertEquals((await beating).errorCode, ErrorCode.NONE);
  assertEquals((await listing).errorCode, loading);
  assertEquals((await described).groups[0]!.errorCode, loading);
  await after.groups.loaded();
  assertEquals((await call(after, listGroups, 5, {})).errorCode, ErrorCode.NONE);
});

Deno.test("DeleteTopics deletes committed offsets", async () => {
  await using started = await start();
  await commitTo(started, 9, { name: "t" });
  await started.broker.topics.deleteTopic(started.broker.topics.get("t")!);
  const fetched = await call(started, offsetFetch, 7, { groupId: "g", topics: null });
  assertEquals(fetched.topics, []);
});

Deno.test("OffsetCommit splits many offsets into batches within the size limit", async () => {
  await using started = await start({ config: { "message.max.bytes": 2048 } });
  await started.broker.createTopic("wide", { partitions: 200 });
  const response = await call(started, offsetCommit, 9, {
    groupId: "g",
    memberId: "",
    topics: [{
      name: "wide",
      partitions: Array.from({ length: 200 }, (_, i) => ({
        partitionIndex: i,
        committedOffset: i,
        committedMetadata: "x".repeat(100),
      })),
    }],
  });
  assertEquals(response.topics[0]!.partitions.every(({ errorCode }) => errorCode === 0), true);
  const fetched = await call(started, offsetFetch, 7, { groupId: "g", topics: null });
  assertEquals(fetched.topics[0]!.partitions.length, 200);
});
