import { assert, assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import type { metadata } from "../../protocol/messages/topics/metadata.ts";
import type { ResponseOf } from "../../protocol/schema/schema.ts";
import { randomUuid } from "../../protocol/primitives/uuid.ts";
import { ClusterMetadata, type MetadataSource } from "./cluster_metadata.ts";
import { ConnectionError, KafkaError } from "../errors.ts";

type Response = ResponseOf<typeof metadata>;

const ID = randomUuid();

/** A response with one topic of one partition. */
function response(leaderId: number, leaderEpoch: number, topicId = ID): Response {
  return {
    throttleTimeMs: 0,
    brokers: [0, 1].map((nodeId) => ({ nodeId, host: `broker-${nodeId}`, port: 9092, rack: null })),
    clusterId: "cluster",
    controllerId: 1,
    topics: [{
      errorCode: 0,
      name: "a",
      topicId,
      isInternal: false,
      partitions: [{
        errorCode: 0,
        partitionIndex: 0,
        leaderId,
        leaderEpoch,
        replicaNodes: [0, 1],
        isrNodes: [leaderId],
        offlineReplicas: [],
      }],
      topicAuthorizedOperations: 0,
    }],
    clusterAuthorizedOperations: 0,
    errorCode: 0,
  };
}

/** Metadata whose source returns `answers` in turn, and the arguments of its calls. */
function scripted(answers: (Response | Error)[], maxAgeMs = 60_000) {
  const asked: [readonly string[], boolean][] = [];
  const source: MetadataSource = (topics, create) => {
    asked.push([topics, create]);
    const answer = answers.shift()!;
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
  return { metadata: new ClusterMetadata(source, maxAgeMs), asked };
}

Deno.test("ClusterMetadata is empty before the first refresh", () => {
  const { metadata } = scripted([]);
  assertEquals(metadata.brokers, []);
  assertEquals(metadata.controller, undefined);
  assertEquals(metadata.clusterId, null);
  assertEquals(metadata.topic("a"), undefined);
  assertEquals(metadata.leader("a", 0), undefined);
  assert(!metadata.isFresh("a"));
});

Deno.test("ClusterMetadata.refresh() updates brokers, controller and topics", async () => {
  const { metadata, asked } = scripted([response(0, 3)]);
  let updates = 0;
  metadata.onUpdate(() => updates++);
  assertEquals(await metadata.refresh(["a"]), new Map());
  assertEquals(asked, [[["a"], false]]);
  assertEquals(metadata.brokers.map(({ id }) => id), [0, 1]);
  assertEquals(metadata.controller?.id, 1);
  assertEquals(metadata.clusterId, "cluster");
  assertEquals(metadata.leader("a", 0)?.host, "broker-0");
  assertEquals(metadata.topic("a")?.partitions[0], {
    partition: 0,
    leaderId: 0,
    leaderEpoch: 3,
    replicas: [0, 1],
    isr: [0],
    offlineReplicas: [],
  });
  assert(metadata.isFresh("a"));
  assertEquals(updates, 1);
});

Deno.test("ClusterMetadata.refresh() sends one request at a time and combines the next", async () => {
  const { metadata, asked } = scripted([response(0, 0), response(0, 0), response(0, 0)]);
  const first = metadata.refresh(["a"]);
  await Promise.resolve();
  await Promise.all([first, metadata.refresh(["b"]), metadata.refresh(["c", "b"])]);
  assertEquals(asked, [[["a"], false], [["b", "c"], false]]);
});

Deno.test("ClusterMetadata.refresh() keeps requests that allow auto-creation apart", async () => {
  const { metadata, asked } = scripted([response(0, 0), response(0, 0)]);
  await Promise.all([metadata.refresh(["a"], true), metadata.refresh(["b"])]);
  assertEquals(asked, [[["a"], true], [["b"], false]]);
});

Deno.test("ClusterMetadata.refresh() succeeds after a failed request", async () => {
  const failure = new Error("no answer");
  const { metadata } = scripted([failure, response(0, 0)]);
  const failing = metadata.refresh(["a"]);
  assertEquals(await assertRejects(() => failing), failure);
  await metadata.refresh(["a"]);
  assert(metadata.isFresh("a"));
});

Deno.test("ClusterMetadata ignores a leader of an older epoch of the same topic id (KIP-320)", async () => {
  const older = response(1, 2);
  const { metadata } = scripted([
    response(0, 3),
    older,
    response(1, 4),
    response(0, 0, randomUuid()),
  ]);
  const leaders: (number | undefined)[] = [];
  for (let i = 0; i < 4; i++) {
    await metadata.refresh(["a"]);
    leaders.push(metadata.leader("a", 0)?.id);
  }
  assertEquals(leaders, [0, 0, 1, 0]);
});

Deno.test("ClusterMetadata removes a deleted topic", async () => {
  const gone = response(0, 3);
  gone.topics[0] = {
    ...gone.topics[0]!,
    errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    partitions: [],
  };
  const { metadata } = scripted([response(0, 3), gone]);
  await metadata.refresh(["a"]);
  const errors = await metadata.refresh(["a"]);
  assertEquals(errors, new Map([["a", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]]));
  assertEquals(metadata.topic("a"), undefined);
});

Deno.test("ClusterMetadata adds partitions missing in a response", async () => {
  const partial = response(0, 0);
  partial.topics[0]!.partitions[0]!.partitionIndex = 2;
  const { metadata } = scripted([partial]);
  await metadata.refresh(["a"]);
  assertEquals(metadata.topic("a")!.partitions.map(({ leaderId }) => leaderId), [-1, -1, 0]);
});

Deno.test("ClusterMetadata.isFresh() is false for old and invalidated topics", async () => {
  const aged = scripted([response(0, 0)], 0);
  await aged.metadata.refresh(["a"]);
  assert(!aged.metadata.isFresh("a"));
  const { metadata } = scripted([response(0, 0), response(0, 0)]);
  await metadata.refresh(["a"]);
  metadata.invalidate("a");
  assert(!metadata.isFresh("a"));
  await metadata.refresh(["a"]);
  assert(metadata.isFresh("a"));
  metadata.forgetController();
  assertEquals(metadata.controller, undefined);
});

Deno.test("ClusterMetadata.updateLeader() applies only a newer leader (KIP-951)", async () => {
  const { metadata } = scripted([response(0, 3)]);
  await metadata.refresh(["a"]);
  const nodes = [{ nodeId: 7, host: "broker-7", port: 1, rack: null }];
  assert(!metadata.updateLeader("a", 0, { leaderId: 1, leaderEpoch: 3 }, []));
  assert(!metadata.updateLeader("a", 0, { leaderId: -1, leaderEpoch: -1 }, []));
  assert(!metadata.updateLeader("a", 9, { leaderId: 1, leaderEpoch: 9 }, []));
  assert(!metadata.updateLeader("b", 0, { leaderId: 1, leaderEpoch: 9 }, []));
  assert(!metadata.updateLeader("a", 0, { leaderId: 7, leaderEpoch: 4 }, []));
  assert(metadata.updateLeader("a", 0, { leaderId: 7, leaderEpoch: 4 }, nodes));
  assertEquals(metadata.leader("a", 0)?.host, "broker-7");
});

Deno.test("ClusterMetadata.update() removes all brokers when the client has to bootstrap again (KIP-1102)", async () => {
  const restart = { ...response(0, 0), errorCode: ErrorCode.REBOOTSTRAP_REQUIRED };
  const { metadata } = scripted([response(0, 0), restart]);
  await metadata.refresh();
  await assertRejects(
    () => metadata.refresh(),
    ConnectionError,
    "asks the client to bootstrap again",
  );
  assertEquals(metadata.brokers, []);
});

Deno.test("ClusterMetadata.update() throws for a response with a top-level error", async () => {
  const failed = { ...response(0, 0), errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED };
  const { metadata } = scripted([failed]);
  await assertRejects(() => metadata.refresh(), KafkaError, "CLUSTER_AUTHORIZATION_FAILED");
});

Deno.test("ClusterMetadata.onUpdate() returns a function that unregisters the listener", async () => {
  const { metadata } = scripted([response(0, 0)]);
  let updates = 0;
  metadata.onUpdate(() => updates++)();
  await metadata.refresh();
  assertEquals(updates, 0);
});
