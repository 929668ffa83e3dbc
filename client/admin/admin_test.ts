import { assert, assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  ConfigOperation,
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  describeCluster,
  describeConfigs,
  describeLogDirs,
  incrementalAlterConfigs,
  metadata,
} from "../../protocol/messages/mod.ts";
import { RecordBatchBuilder } from "../../protocol/records/record_batch_builder.ts";
import type { Admin } from "./admin.ts";
import { KafkaError, TimeoutError, UnsupportedVersionError, UsageError } from "../errors.ts";
import { setup as setupClient } from "../testing/client_setup.ts";
import { DISCONNECT, type FakeCluster, type FakeClusterOptions } from "../testing/fake_cluster.ts";

interface Setup extends AsyncDisposable {
  readonly cluster: FakeCluster;
  readonly admin: Admin;
}

function setup(options: FakeClusterOptions = { topics: { a: 1 } }, timeoutMs = 5000): Setup {
  const own = setupClient(options, { timeoutMs });
  return {
    cluster: own.cluster,
    admin: own.client.admin(),
    [Symbol.asyncDispose]: () => own[Symbol.asyncDispose](),
  };
}

function write(cluster: FakeCluster, topic: string, partition: number, timestamps: number[]): void {
  const builder = new RecordBatchBuilder();
  for (const timestamp of timestamps) builder.append(timestamp, null, "value");
  cluster.log(topic, partition).append(builder.build());
}

Deno.test("Admin.createTopic() sends its arguments and returns the created topic", async () => {
  await using test = setup();
  const topic = await test.admin.createTopic({
    name: "new",
    partitions: 3,
    replicas: 1,
    configs: { "retention.ms": 1000, "cleanup.policy": "delete", "flush.ms": null },
  });
  assertEquals(topic, {
    name: "new",
    id: test.cluster.topics.get("new")!.id,
    partitions: 3,
    replicas: 1,
  });
  assertEquals(test.cluster.received(createTopics)[0]?.body.topics, [{
    name: "new",
    numPartitions: 3,
    replicationFactor: 1,
    assignments: [],
    configs: [
      { name: "retention.ms", value: "1000" },
      { name: "cleanup.policy", value: "delete" },
      { name: "flush.ms", value: null },
    ],
  }]);
});

Deno.test("Admin.createTopic() leaves omitted counts to the broker (KIP-464)", async () => {
  await using test = setup();
  await test.admin.createTopic({ name: "new" });
  const [request] = test.cluster.received(createTopics);
  const [topic] = request!.body.topics;
  assertEquals([topic!.numPartitions, topic!.replicationFactor], [-1, -1]);
  await using old = setup({ maxVersions: { 19: 3 } });
  await assertRejects(() => old.admin.createTopic({ name: "new" }), UnsupportedVersionError);
  await old.admin.createTopic({ name: "new", partitions: 1, replicas: 1 });
});

Deno.test("Admin.createTopic() accepts assignments instead of counts", async () => {
  await using test = setup();
  await test.admin.createTopic({ name: "new", assignments: [[0], [0]] });
  assertEquals(test.cluster.received(createTopics)[0]!.body.topics[0]!.assignments, [
    { partitionIndex: 0, brokerIds: [0] },
    { partitionIndex: 1, brokerIds: [0] },
  ]);
  await assertRejects(
    () => test.admin.createTopic({ name: "new", partitions: 1, assignments: [[0]] }),
    UsageError,
    'give "assignments", or "partitions" and "replicas", not both',
  );
});

Deno.test("Admin.createTopic() with validateOnly creates nothing", async () => {
  await using test = setup();
  await test.admin.createTopic({ name: "new" }, { validateOnly: true });
  assert(!test.cluster.topics.has("new"));
});

Deno.test("Admin.createTopic() throws the broker's error and message", async () => {
  await using test = setup();
  const error = await assertRejects(() => test.admin.createTopic({ name: "a" }), KafkaError);
  assertEquals(error.code, "TOPIC_ALREADY_EXISTS");
  assertEquals(error.errorCode, 36);
  assertEquals(
    error.message,
    "Cannot create topic \"a\": Topic 'a' already exists. (TOPIC_ALREADY_EXISTS)",
  );
  assert(!error.retriable);
  assert(error.advice.length > 0);
});

Deno.test("Admin.createTopics() gives each topic its own result", async () => {
  await using test = setup();
  const results = await test.admin.createTopics([{ name: "b" }, { name: "a" }, { name: "c" }]);
  assertEquals(
    results.map(({ name, topic, error }) => [name, topic?.name, error?.code]),
    [["b", "b", undefined], ["a", undefined, "TOPIC_ALREADY_EXISTS"], ["c", "c", undefined]],
  );
  await assertRejects(
    () => test.admin.createTopics([{ name: "d" }, { name: "d" }]),
    UsageError,
    '"d" is given twice',
  );
});

Deno.test("Admin.createTopics() asks the controller, and finds it again after it moved", async () => {
  await using test = setup({ brokers: 2 });
  await test.admin.createTopic({ name: "first" });
  test.cluster.controllerId = 1;
  await test.admin.createTopic({ name: "second" });
  const nodes = test.cluster.received(createTopics).map(({ nodeId }) => nodeId);
  assertEquals(nodes, [0, 0, 1]);
});

Deno.test("Admin.createTopics() retries only throttled topics (KIP-599)", async () => {
  await using test = setup();
  test.cluster.once(createTopics, async (request, { usual }) => {
    const { topics } = await usual();
    test.cluster.topics.delete("b");
    return {
      topics: topics.map((topic) =>
        topic.name === "b" ? { name: "b", errorCode: ErrorCode.THROTTLING_QUOTA_EXCEEDED } : topic
      ),
      throttleTimeMs: request.topics.length,
    };
  });
  const results = await test.admin.createTopics([{ name: "b" }, { name: "c" }]);
  assertEquals(results.map(({ error }) => error), [undefined, undefined]);
  assertEquals(
    test.cluster.received(createTopics).map(({ body }) => body.topics.map(({ name }) => name)),
    [["b", "c"], ["b"]],
  );
});

Deno.test("Admin.createTopics() keeps the results so far when the others time out", async () => {
  await using test = setup({ topics: {} }, 100);
  test.cluster.on(createTopics, (request) => ({
    topics: request.topics.map(({ name }) => ({
      name,
      errorCode: name === "b" ? ErrorCode.THROTTLING_QUOTA_EXCEEDED : 0,
    })),
  }));
  const [b, c] = await test.admin.createTopics([{ name: "b" }, { name: "c" }]);
  assert(b!.error instanceof TimeoutError);
  assertEquals(c!.error, undefined);
});

Deno.test("Admin.deleteTopic() deletes a topic, and throws for one that does not exist", async () => {
  await using test = setup();
  await test.admin.deleteTopic("a");
  assertEquals(test.cluster.topics.size, 0);
  const error = await assertRejects(() => test.admin.deleteTopic("a"), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
});

Deno.test("Admin.deleteTopics() gives each topic its own result, with every version", async (t) => {
  for (const version of [6, 5, 1]) {
    await t.step(`DeleteTopics ${version}`, async () => {
      await using test = setup({ topics: { a: 1, b: 1 }, maxVersions: { 20: version } });
      const results = await test.admin.deleteTopics(["a", "missing", "b"]);
      assertEquals(results.map(({ name, error }) => [name, error?.code]), [
        ["a", undefined],
        ["missing", "UNKNOWN_TOPIC_OR_PARTITION"],
        ["b", undefined],
      ]);
      assertEquals(test.cluster.received(deleteTopics)[0]!.version, version);
    });
  }
});

Deno.test("Admin.listTopics() sorts topics by name and lists internal ones only if asked", async () => {
  await using test = setup({ topics: { b: 2, a: 1, __offsets: 5 } });
  const topics = await test.admin.listTopics();
  assertEquals(topics.map(({ name, partitions, replicas }) => [name, partitions, replicas]), [
    ["a", 1, 1],
    ["b", 2, 1],
  ]);
  assertEquals(topics[0]!.id, test.cluster.topics.get("a")!.id);
  const all = await test.admin.listTopics({ internal: true });
  assertEquals(all.map(({ name, isInternal }) => [name, isInternal])[0], ["__offsets", true]);
  assert(test.cluster.received(metadata).every(({ body }) => body.topics === null));
});

Deno.test("Admin.describeTopic() describes partitions and never creates the topic", async () => {
  await using test = setup({ brokers: 2, topics: { a: 2 } });
  const topic = await test.admin.describeTopic("a");
  assertEquals(topic.partitions.map(({ partition, leaderId }) => [partition, leaderId]), [
    [0, 0],
    [1, 1],
  ]);
  const error = await assertRejects(() => test.admin.describeTopic("missing"), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
  assert(test.cluster.received(metadata).every(({ body }) => !body.allowAutoTopicCreation));
  assertEquals((await test.admin.describeTopics(["a"])).map(({ name }) => name), ["a"]);
});

Deno.test("Admin.createPartitions() adds partitions", async () => {
  await using test = setup();
  await test.admin.createPartitions("a", 4);
  assertEquals(test.cluster.topics.get("a")!.logs.length, 4);
  await test.admin.createPartitions("a", 5, { validateOnly: true, assignments: [[0]] });
  assertEquals(test.cluster.topics.get("a")!.logs.length, 4);
  assertEquals(test.cluster.received(createPartitions)[1]!.body.topics[0]!.assignments, [
    { brokerIds: [0] },
  ]);
  const error = await assertRejects(() => test.admin.createPartitions("a", 2), KafkaError);
  assertEquals(error.code, "INVALID_PARTITIONS");
});

Deno.test("Admin.describeConfigs() translates the broker's answer", async () => {
  await using test = setup();
  test.cluster.on(describeConfigs, (request) => ({
    results: request.resources.map(({ resourceType, resourceName }) => ({
      errorCode: 0,
      resourceType,
      resourceName,
      configs: [{
        name: "retention.ms",
        value: "1000",
        readOnly: false,
        configSource: 1,
        isSensitive: false,
        synonyms: [{ name: "log.retention.ms", value: "5", source: 4 }],
        configType: 5,
        documentation: "How long.",
      }, {
        name: "password",
        value: null,
        readOnly: true,
        configSource: 99,
        isSensitive: true,
        configType: 99,
      }],
    })),
  }));
  const [password, retention] = await test.admin.describeConfigs(
    { type: "topic", name: "a" },
    { names: ["retention.ms", "password"], synonyms: true, documentation: true },
  );
  assertEquals(retention, {
    name: "retention.ms",
    value: "1000",
    source: "topic",
    isReadOnly: false,
    isSensitive: false,
    type: "long",
    synonyms: [{ name: "log.retention.ms", value: "5", source: "staticBroker" }],
    documentation: "How long.",
  });
  assertEquals([password!.source, password!.type, password!.value], ["unknown", "unknown", null]);
  assertEquals(test.cluster.received(describeConfigs)[0]!.body, {
    resources: [{
      resourceType: 2,
      resourceName: "a",
      configurationKeys: ["retention.ms", "password"],
    }],
    includeSynonyms: true,
    includeDocumentation: true,
  });
});

Deno.test("Admin.describeConfigs() asks the broker the configs belong to", async () => {
  await using test = setup({ brokers: 3 });
  test.cluster.on(describeConfigs, (request) => ({
    results: request.resources.map(({ resourceType, resourceName }) => ({
      errorCode: 0,
      resourceType,
      resourceName,
      configs: [],
    })),
  }));
  await test.admin.describeConfigs({ type: "broker", name: "2" });
  await test.admin.describeConfigs({ type: "broker", name: "" });
  assertEquals(test.cluster.received(describeConfigs).map(({ nodeId }) => nodeId), [2, 0]);
  await assertRejects(
    () => test.admin.describeConfigs({ type: "broker", name: "two" }),
    UsageError,
    'Cannot address broker "two"',
  );
  await assertRejects(
    () => test.admin.describeConfigs({ type: "user" as "topic", name: "x" }),
    UsageError,
    'Cannot address "user"',
  );
});

Deno.test("Admin.alterConfigs() sets and resets values and changes lists (KIP-339)", async () => {
  await using test = setup();
  test.cluster.on(incrementalAlterConfigs, (request) => ({
    responses: request.resources.map(({ resourceType, resourceName }) => ({
      errorCode: resourceName === "a" ? 0 : ErrorCode.INVALID_CONFIG,
      errorMessage: "no such setting",
      resourceType,
      resourceName,
    })),
  }));
  await test.admin.alterConfigs({ type: "topic", name: "a" }, {
    "retention.ms": 5,
    "preallocate": true,
    "flush.ms": null,
    "cleanup.policy": { append: "compact" },
    "other.list": { subtract: "x" },
  });
  const [request] = test.cluster.received(incrementalAlterConfigs);
  assertEquals(
    request!.body.resources[0]!.configs.map(({ name, configOperation, value }) => [
      name,
      configOperation,
      value,
    ]),
    [
      ["retention.ms", ConfigOperation.set, "5"],
      ["preallocate", ConfigOperation.set, "true"],
      ["flush.ms", ConfigOperation.delete, null],
      ["cleanup.policy", ConfigOperation.append, "compact"],
      ["other.list", ConfigOperation.subtract, "x"],
    ],
  );
  const error = await assertRejects(
    () => test.admin.alterConfigs({ type: "topic", name: "b" }, { "no.such": 1 }),
    KafkaError,
  );
  assertEquals(
    error.message,
    'Cannot alter configs of topic "b": no such setting (INVALID_CONFIG)',
  );
});

Deno.test("Admin.listOffsets() looks up ends and timestamps in all or some partitions", async () => {
  await using test = setup({ brokers: 2, topics: { a: 3 } });
  write(test.cluster, "a", 0, [100, 200]);
  write(test.cluster, "a", 1, [300]);
  const offsets = async (...args: Parameters<Admin["listOffsets"]>) =>
    (await test.admin.listOffsets(...args)).map(({ partition, offset, timestamp }) => [
      partition,
      offset,
      timestamp,
    ]);
  assertEquals(await offsets("a"), [[0, 2, -1], [1, 1, -1], [2, 0, -1]]);
  assertEquals(await offsets("a", "earliest", { partitions: [1] }), [[1, 0, -1]]);
  assertEquals(await offsets("a", { timestamp: 150 }), [[0, 1, 200], [1, 0, 300], [2, -1, -1]]);
  await assertRejects(
    () => test.admin.listOffsets("a", "newest" as "latest"),
    UsageError,
    'Cannot look up offset at "newest"',
  );
  const error = await assertRejects(() => test.admin.listOffsets("missing"), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
});

Deno.test("Admin.listOffsets() finds partitions that were added after the topic was last described", async () => {
  await using test = setup({ topics: { a: 1 } });
  await test.admin.listOffsets("a");
  test.cluster.addPartitions("a", 3);
  write(test.cluster, "a", 2, [100]);
  const [found] = await test.admin.listOffsets("a", "latest", { partitions: [2] });
  assertEquals(found!.offset, 1);
  const error = await assertRejects(
    () => test.admin.listOffsets("a", "latest", { partitions: [3] }),
    KafkaError,
  );
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
});

Deno.test("Admin.listOffsets() throws if the broker is too old for the place (KIP-734)", async () => {
  await using test = setup({ topics: { a: 1 }, maxVersions: { 2: 6 } });
  await test.admin.listOffsets("a", "latest", { isolationLevel: "read_committed" });
  await assertRejects(
    () => test.admin.listOffsets("a", "maxTimestamp"),
    UnsupportedVersionError,
    "the request needs 7 to 11",
  );
});

Deno.test("Admin.deleteRecords() asks the leaders, also after they moved", async () => {
  await using test = setup({ brokers: 2, topics: { a: 2 } });
  write(test.cluster, "a", 0, [1, 2, 3]);
  write(test.cluster, "a", 1, [1, 2]);
  test.cluster.once(deleteRecords, () => DISCONNECT);
  assertEquals(await test.admin.deleteRecords("a", { 0: 2, 1: "latest" }), [
    { topic: "a", partition: 0, lowWatermark: 2 },
    { topic: "a", partition: 1, lowWatermark: 2 },
  ]);
  const error = await assertRejects(() => test.admin.deleteRecords("a", { 0: 9 }), KafkaError);
  assertEquals(error.code, "OFFSET_OUT_OF_RANGE");
  await assertRejects(
    () => test.admin.deleteRecords("a", { 0: -7 }),
    UsageError,
    'Cannot delete records of "a-0": offset is -7',
  );
});

Deno.test("Admin.describeCluster() returns brokers and controller, also of older brokers", async (t) => {
  for (const version of [2, -1]) {
    await t.step(`DescribeCluster ${version}`, async () => {
      await using test = setup({ brokers: 2, maxVersions: { 60: version } });
      test.cluster.controllerId = 1;
      assertEquals(await test.admin.describeCluster(), {
        clusterId: "fake",
        controllerId: 1,
        brokers: [
          { id: 0, host: "broker-0", port: 9092, rack: null },
          { id: 1, host: "broker-1", port: 9092, rack: null },
        ],
        fencedBrokers: [],
      });
      assertEquals(test.cluster.received(describeCluster).length, version < 0 ? 0 : 1);
    });
  }
});

Deno.test("Admin.describeCluster() returns fenced brokers on request, if the broker can (KIP-1073)", async () => {
  for (const version of [2, 1]) {
    await using test = setup({ brokers: 3, maxVersions: { 60: version } });
    const broker = (brokerId: number, isFenced: boolean) => {
      const address = { host: `broker-${brokerId}`, port: 9092, rack: null };
      return { brokerId, ...address, ...(version >= 2 ? { isFenced } : {}) };
    };
    test.cluster.on(describeCluster, () => ({
      errorCode: 0,
      clusterId: "fake",
      controllerId: 0,
      brokers: [broker(2, true), broker(0, false), broker(1, true)],
    }));
    const described = await test.admin.describeCluster({ includeFencedBrokers: true });
    const [request] = test.cluster.received(describeCluster);
    assertEquals(request!.body.includeFencedBrokers, version >= 2);
    assertEquals(
      [described.brokers, described.fencedBrokers].map((each) => each.map(({ id }) => id)),
      version >= 2 ? [[0], [1, 2]] : [[0, 1, 2], []],
    );
  }
});

Deno.test("Admin.describeLogDirs() asks each broker", async () => {
  await using test = setup({ brokers: 2, topics: { a: 1 } });
  test.cluster.on(describeLogDirs, (_request, { nodeId }) => ({
    results: [{
      errorCode: nodeId === 0 ? 0 : ErrorCode.KAFKA_STORAGE_ERROR,
      logDir: `/data/${nodeId}`,
      topics: [{ name: "a", partitions: [{ partitionIndex: 0, partitionSize: 7, offsetLag: 0 }] }],
    }],
  }));
  const dirs = await test.admin.describeLogDirs({ topics: ["a"] });
  assertEquals(dirs.map(({ brokerId, path, error }) => [brokerId, path, error?.code]), [
    [0, "/data/0", undefined],
    [1, "/data/1", "KAFKA_STORAGE_ERROR"],
  ]);
  assertEquals(dirs[0]!.replicas, [
    { topic: "a", partition: 0, sizeBytes: 7, offsetLag: 0, isFuture: false },
  ]);
  assertEquals((await test.admin.describeLogDirs({ brokers: [1] })).length, 1);
  assertEquals(test.cluster.received(describeLogDirs).map(({ body }) => body.topics), [
    [{ topic: "a", partitions: [0] }],
    [{ topic: "a", partitions: [0] }],
    null,
  ]);
});
