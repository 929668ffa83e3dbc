import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  fetch,
  findCoordinator,
  heartbeat,
  joinGroup,
  leaveGroup,
  offsetCommit,
  offsetFetch,
  syncGroup,
} from "../../protocol/messages/mod.ts";
import { RecordBatchBuilder } from "../../protocol/records/record_batch_builder.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import { encodeAssignment } from "./membership/consumer_protocol.ts";
import { ClosedError, KafkaError, UsageError } from "../errors.ts";
import type { GroupConsumerOptions } from "./group_consumer_options.ts";
import { setup, texts, write } from "../testing/client_setup.ts";
import { DISCONNECT, NO_ANSWER } from "../testing/fake_cluster.ts";
import { pollAll, setupClassicGroup } from "../testing/group_setup.ts";

/** Waits until there are messages to return, and all other requests have been answered. */
async function untilBuffered(
  { consumer, untilBeats }: ReturnType<typeof setupClassicGroup>,
): Promise<void> {
  while (consumer.status.waitingFor !== "the program to ask for messages") await untilBeats(1);
  await untilBeats(10);
}

Deno.test("GroupConsumer continues when partitions change their leaders", async () => {
  await using test = setupClassicGroup();
  write(test.cluster, "a", 0, ["0"]);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["0"]);
  test.cluster.moveLeader("a", 0, 1);
  write(test.cluster, "a", 0, ["1"]);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["1"]);
  test.cluster.down.add(1);
  test.cluster.disconnect(1);
  test.cluster.moveLeader("a", 0, 0);
  write(test.cluster, "a", 0, ["2"]);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["2"]);
  assertEquals(test.events, ["assigned 2"]);
});

Deno.test("GroupConsumer continues when its leader epoch is outdated (KIP-320)", async () => {
  await using test = setupClassicGroup({}, { topics: { a: 1 } });
  await test.consumer.joinGroup();
  for (const errorCode of [ErrorCode.FENCED_LEADER_EPOCH, ErrorCode.UNKNOWN_LEADER_EPOCH]) {
    test.cluster.once(fetch, ({ topics }) => ({
      responses: topics.map(({ topic, topicId }) => ({
        topic,
        topicId,
        partitions: [{
          partitionIndex: 0,
          errorCode,
          highWatermark: -1,
          abortedTransactions: null,
          records: null,
        }],
      })),
    }));
    write(test.cluster, "a", 0, ["x"]);
    assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
  }
});

Deno.test("GroupConsumer follows its coordinator to another broker", async () => {
  await using test = setupClassicGroup();
  await test.consumer.joinGroup();
  test.group.coordinatorId = 1;
  await test.untilBeats(5);
  assertEquals(test.cluster.received(heartbeat).at(-1)!.nodeId, 1);
  write(test.cluster, "a", 0, ["x"]);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
  await test.consumer.commit();
  assertEquals(test.group.committed.get("a-0"), 1);
  assertEquals(test.events, ["assigned 2"]);
});

Deno.test("GroupConsumer continues after lost connections, and reports the retry", async () => {
  await using test = setupClassicGroup();
  await test.consumer.joinGroup();
  test.cluster.down.add(0).add(1);
  test.cluster.disconnect();
  await test.until(({ state }) => state === "retrying");
  const { waitingFor, error } = test.consumer.status;
  assertEquals([waitingFor, error?.code], ["the coordinator to answer heartbeats", "CONNECTION"]);
  test.cluster.down.clear();
  await test.until(({ state }) => state === "reading");
  write(test.cluster, "a", 1, ["x"]);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
  assertEquals(test.events, ["assigned 2"]);
});

Deno.test("GroupConsumer closes a connection on which a heartbeat is not answered", async () => {
  await using test = setupClassicGroup({ sessionTimeoutMs: 60 });
  await test.consumer.joinGroup();
  test.cluster.once(heartbeat, () => NO_ANSWER);
  await test.until(({ state }) => state === "retrying");
  await test.until(({ state }) => state === "reading");
  assertEquals(test.events, ["assigned 2"]);
});

Deno.test("GroupConsumer rebalances while a fetch waits at the broker, and continues", async () => {
  await using test = setupClassicGroup({ maxWaitMs: 4000 }, { topics: { a: 1 } });
  await test.consumer.joinGroup();
  await test.cluster.untilReceived(fetch, 1);
  test.group.isRebalancing = true;
  await test.until(() => test.events.length === 3);
  assertEquals(test.events, ["assigned 1", "revoked 1", "assigned 1"]);
  assertEquals(test.consumer.status.generation, 2);
  write(test.cluster, "a", 0, ["x"]);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
  assertEquals(test.consumer.position("a", 0), 1);
});

Deno.test("GroupConsumer reads batches larger than all its limits", async () => {
  await using test = setupClassicGroup({ maxPartitionBytes: 10, maxBytes: 10, prefetchBytes: 10 });
  for (const partition of [0, 1]) {
    for (let i = 0; i < 3; i++) write(test.cluster, "a", partition, ["x".repeat(1000)]);
  }
  assertEquals((await pollAll(test.consumer, 6)).length, 6);
});

Deno.test("GroupConsumer continues to fetch when the program polls late", async () => {
  await using test = setupClassicGroup(
    { prefetchBytes: 100, maxPartitionBytes: 100, maxWaitMs: 5 },
    {
      topics: { a: 1 },
    },
  );
  for (let i = 0; i < 10; i++) write(test.cluster, "a", 0, [`${i}`, "x".repeat(90)]);
  await test.consumer.joinGroup();
  // No fetch is sent while this much is buffered.
  await test.cluster.untilReceived(heartbeat, 10);
  assertEquals(test.cluster.received(fetch).length, 1);
  assertEquals(test.consumer.status.waitingFor, "the program to ask for messages");
  assertEquals((await pollAll(test.consumer, 20)).length, 20);
});

Deno.test("GroupConsumer continues while a paused partition fills the buffer", async () => {
  await using test = setupClassicGroup({ prefetchBytes: 100, maxWaitMs: 5 });
  write(test.cluster, "a", 0, ["held back", "x".repeat(90)]);
  await test.consumer.joinGroup();
  await untilBuffered(test);
  test.consumer.pause("a", 0);
  write(test.cluster, "a", 1, ["x"]);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
  test.consumer.resume("a", 0);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["held back"]);
});

Deno.test("GroupConsumer continues when a partition that fills the buffer is revoked", async () => {
  await using test = setupClassicGroup({
    assignors: ["cooperative-sticky"],
    prefetchBytes: 100,
    maxWaitMs: 5,
  });
  write(test.cluster, "a", 0, ["x".repeat(200)]);
  await test.consumer.joinGroup();
  await untilBuffered(test);
  write(test.cluster, "a", 1, ["x"]);
  const assignment = encodeAssignment([{ topic: "a", partition: 1 }]);
  test.cluster.on(syncGroup, () => ({ errorCode: ErrorCode.NONE, assignment }));
  test.group.isRebalancing = true;
  await test.until(() => test.consumer.assignment.length === 1);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
});

Deno.test("GroupConsumer lets the program finish in spite of a further rebalance", async () => {
  await using test = setupClassicGroup({ assignors: ["cooperative-sticky"] });
  write(test.cluster, "a", 0, ["x"]);
  await pollAll(test.consumer, 1);
  const assignment = encodeAssignment([{ topic: "a", partition: 1 }]);
  test.cluster.on(syncGroup, () => ({ errorCode: ErrorCode.NONE, assignment }));
  test.group.isRebalancing = true;
  await test.until(({ state, generation }) => state === "rebalancing" && generation === 2);
  test.group.isRebalancing = true;
  await test.untilBeats(3);
  assertEquals(test.events, ["assigned 2"]);
  assertEquals(await test.consumer.poll(1, { timeoutMs: 0 }), []);
  await test.until(({ state, generation }) => state === "reading" && generation === 3);
  assertEquals(test.events, ["assigned 2", "revoked 1"]);
  assertEquals(test.group.committed.get("a-0"), 1);
});

Deno.test("GroupConsumer reports which callback of the program it waits for", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using test = setupClassicGroup({ onAssigned: () => promise });
  const joining = test.consumer.joinGroup();
  await test.until(({ waitingFor }) => waitingFor === "onAssigned to return");
  resolve();
  await joining;
  assertEquals(test.consumer.status.waitingFor, "messages");
});

Deno.test("GroupConsumer commits past tombstones and skipped batches at the end", async () => {
  await using test = setupClassicGroup({}, { topics: { a: 1 } });
  const tombstone = new RecordBatchBuilder();
  tombstone.append(1, "key", null);
  test.cluster.log("a").append(tombstone.build());
  const [message] = await pollAll(test.consumer, 1);
  assertEquals(message!.value, null);
  const control = new RecordBatchBuilder({ isControl: true, isTransactional: true, producerId: 7 });
  control.append(1, new Uint8Array([0, 0, 0, 1]), new Uint8Array(6));
  test.cluster.log("a").append(control.build());
  const polling = test.consumer.poll(1, { timeoutMs: 5000 });
  await test.group.untilCommitted("a-0", 2);
  write(test.cluster, "a", 0, ["x"]);
  assertEquals(texts(await polling), ["x"]);
});

Deno.test("GroupConsumer returns messages that arrived while a partition was paused", async () => {
  await using test = setupClassicGroup({}, { topics: { a: 1 } });
  await test.consumer.joinGroup();
  await test.cluster.untilReceived(fetch, 1);
  test.consumer.pause("a");
  write(test.cluster, "a", 0, ["0"]);
  assertEquals(await test.consumer.poll(1, { timeoutMs: 20 }), []);
  write(test.cluster, "a", 0, ["1"]);
  test.consumer.resume("a");
  assertEquals(texts(await pollAll(test.consumer, 2)), ["0", "1"]);
});

Deno.test("GroupConsumer.close() ends every wait of a member", async (t) => {
  const waits: readonly [name: string, api: Api][] = [
    ["finding the coordinator", findCoordinator],
    ["the others to join", joinGroup],
    ["the leader to assign", syncGroup],
    ["committed offsets", offsetFetch],
    ["a heartbeat", heartbeat],
    ["a commit", offsetCommit],
  ];
  for (const [name, api] of waits) {
    await t.step(name, async () => {
      await using test = setupClassicGroup({}, { topics: { a: 1 }, timeoutMs: 300 });
      test.cluster.on(api, () => NO_ANSWER);
      write(test.cluster, "a", 0, ["x"]);
      const joining = test.consumer.joinGroup().catch((error) => error);
      await test.cluster.untilReceived(api, 1);
      await test.consumer.close();
      const error = await joining;
      if (api !== heartbeat && api !== offsetCommit) assert(error instanceof ClosedError);
      assertEquals(test.consumer.status.state, "left");
      if (api !== findCoordinator) assertEquals(test.group.memberId, undefined);
    });
  }
});

Deno.test("GroupConsumer.leaveGroup() while joining sends the member id to the coordinator", async () => {
  await using test = setupClassicGroup();
  let joins = 0;
  test.cluster.on(joinGroup, ({ memberId }) => {
    if (joins++ > 0) return NO_ANSWER;
    const errorCode = ErrorCode.MEMBER_ID_REQUIRED;
    return { errorCode, protocolName: "", leader: "", memberId: memberId || "mine" };
  });
  const joining = assertRejects(() => test.consumer.joinGroup(), DOMException, "has left");
  await test.cluster.untilReceived(joinGroup, 2);
  await test.consumer.leaveGroup();
  await joining;
  assertEquals(test.cluster.received(leaveGroup)[0]!.body.members[0]!.memberId, "mine");
});

Deno.test("GroupConsumer unknown to the coordinator drops its partitions and joins as a new member", async () => {
  await using test = setupClassicGroup();
  await test.consumer.joinGroup();
  test.group.memberId = undefined;
  await test.until(({ memberId }) => memberId === "member-2");
  await test.until(({ state }) => state === "reading");
  assertEquals(test.events, ["assigned 2", "lost 2", "assigned 2"]);
});

Deno.test("GroupConsumer of an earlier generation drops its partitions and rejoins with its member id", async () => {
  await using test = setupClassicGroup();
  await test.consumer.joinGroup();
  test.group.generation += 5;
  await test.until(({ generation, state }) => generation === 7 && state === "reading");
  assertEquals(test.consumer.status.memberId, "member-1");
  assertEquals(test.events, ["assigned 2", "lost 2", "assigned 2"]);
});

Deno.test("GroupConsumer joins in spite of temporary errors", async (t) => {
  const troubles: readonly [name: string, api: Api, answer: unknown][] = [
    ["no coordinator yet", findCoordinator, {
      coordinators: [{
        key: "g",
        nodeId: -1,
        host: "",
        port: -1,
        errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE,
      }],
    }],
    ["coordinator loading", joinGroup, {
      errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
      protocolName: "",
      leader: "",
      memberId: "",
    }],
    ["connection lost in join", joinGroup, DISCONNECT],
    ["connection lost in sync", syncGroup, DISCONNECT],
    ["rebalance in sync", syncGroup, {
      errorCode: ErrorCode.REBALANCE_IN_PROGRESS,
      assignment: new Uint8Array(0),
    }],
    ["no longer a member in sync", syncGroup, {
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
      assignment: new Uint8Array(0),
    }],
    ["offsets unstable", offsetFetch, {
      groups: [{ groupId: "g", errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT, topics: [] }],
    }],
    ["connection lost in fetch of offsets", offsetFetch, DISCONNECT],
  ];
  for (const [name, api, answer] of troubles) {
    await t.step(name, async () => {
      await using test = setupClassicGroup();
      write(test.cluster, "a", 0, ["x"]);
      test.cluster.once(api, () => answer as typeof DISCONNECT);
      await test.consumer.joinGroup();
      assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
    });
  }
});

Deno.test("GroupConsumer.poll() throws once the coordinator refuses the member permanently", async () => {
  await using test = setupClassicGroup();
  test.cluster.once(joinGroup, () => ({
    errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED,
    protocolName: "",
    leader: "",
    memberId: "",
  }));
  for (let i = 0; i < 2; i++) {
    const error = await assertRejects(() => test.consumer.poll(), KafkaError);
    assertEquals(error.code, "GROUP_AUTHORIZATION_FAILED");
  }
  assertEquals(test.consumer.status.state, "failed");
  await test.consumer.joinGroup();
  assertEquals(test.consumer.status.state, "reading");
});

Deno.test("GroupConsumer.commit() waits out a rebalance and commits the partitions it keeps", async () => {
  await using test = setupClassicGroup({ autoCommit: false });
  write(test.cluster, "a", 0, ["x"]);
  await pollAll(test.consumer, 1);
  test.cluster.once(offsetCommit, ({ topics }) => {
    test.group.isRebalancing = true;
    const errorCode = ErrorCode.REBALANCE_IN_PROGRESS;
    return {
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    };
  });
  await test.consumer.commit();
  assertEquals(test.group.committed.get("a-0"), 1);
});

Deno.test("GroupConsumer applies autoOffsetReset if the committed offset is out of range", async () => {
  await using test = setupClassicGroup({}, { topics: { a: 1 } });
  write(test.cluster, "a", 0, ["x"]);
  test.group.committed.set("a-0", 9);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
});

Deno.test("GroupConsumer.poll() throws without a position if autoOffsetReset is none", async () => {
  await using test = setupClassicGroup({ autoOffsetReset: "none" }, { topics: { a: 1 } });
  await assertRejects(() => pollAll(test.consumer, 1), UsageError, "has no position");
  await test.consumer.seek("a", 0, 0);
  write(test.cluster, "a", 0, ["x"]);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
});

Deno.test("GroupConsumer supports the oldest versions that Kafka 4 supports", async () => {
  await using test = setupClassicGroup({}, {
    topics: { a: 1 },
    maxVersions: { 8: 2, 9: 2, 10: 0, 11: 2, 12: 0, 13: 0, 14: 0 },
  });
  write(test.cluster, "a", 0, ["x"]);
  assertEquals(texts(await pollAll(test.consumer, 1)), ["x"]);
  await test.consumer.commit();
  await test.consumer.close();
  assertEquals(test.group.committed.get("a-0"), 1);
  assertEquals(test.group.memberId, undefined);
});

Deno.test("GroupConsumer reports each change of its status", async () => {
  const seen: string[] = [];
  await using test = setupClassicGroup({ onStatus: ({ state }) => void seen.push(state) });
  assertEquals(test.consumer.status.state, "left");
  assertEquals(test.consumer.status.waitingFor, "joinGroup() or the first poll()");
  await test.consumer.joinGroup();
  await test.consumer.close();
  assertEquals(seen.filter((state, i) => state !== seen[i - 1]), [
    "joining",
    "positioning",
    "reading",
    "left",
  ]);
});

Deno.test("GroupConsumer throws for invalid options", async () => {
  await using test = setup();
  const make = (options: Partial<GroupConsumerOptions>) => () =>
    test.client.groupConsumer({ groupId: "g", topics: "a", ...options });
  assertThrows(make({ groupId: "" }), UsageError, "groupId");
  assertThrows(make({ topics: [] }), UsageError, "topics");
  assertThrows(make({ heartbeatIntervalMs: 30_000 }), UsageError, "less than sessionTimeoutMs");
  assertThrows(make({ protocol: "new" as "classic" }), UsageError, "protocol");
  assertThrows(make({ assignors: ["best" as "range"] }), UsageError, "best");
  assertThrows(make({ maxPollIntervalMs: 0 }), UsageError, "maxPollIntervalMs");
});
