import { assert, assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import { FileSystemError, MemoryFileSystem, RecordTooLargeError } from "../../storage/mod.ts";
import { errorCodeOf } from "../api_error.ts";
import { batchOf, TestBroker, valuesFrom } from "../broker_testing.ts";
import { setText } from "../metadata/metadata_store_contract_testing.ts";
import { HeldSyncFileSystem } from "../held_sync_testing.ts";
import { createLogger, silentLogger } from "../logger.ts";
import type { Partition } from "./partition.ts";
import { MAX_PARTITIONS_PER_REQUEST, type NewTopic } from "./topic_registry.ts";

const NOW_MS = 1_700_000_000_000;

function append(partition: Partition, value: string, acks: -1 | 1 = 1) {
  return partition.append(batchOf([value]), { acks, nowMs: NOW_MS });
}

async function codeRejected(promise: Promise<unknown>): Promise<number> {
  return errorCodeOf(await assertRejects(() => promise), silentLogger);
}

function foldersOf(fs: MemoryFileSystem): string[] {
  return fs.readDirSync("/data").filter(({ isDirectory }) => isDirectory)
    .map(({ name }) => name.replace(/\.[0-9a-f]+-delete$/, "-delete"))
    .filter((name) => !name.startsWith("__cluster"))
    .sort();
}

/** Fails to create the folders of one partition. */
class UnwritableFileSystem extends MemoryFileSystem {
  unwritable = "";

  override mkdirSync(path: string): void {
    if (path.endsWith(this.unwritable)) {
      throw new FileSystemError("create folder", path, "ENOSPC", "there is no room");
    }
    super.mkdirSync(path);
  }
}

Deno.test("TopicRegistry.createTopic() creates a topic that is writable immediately", async () => {
  await using broker = await TestBroker.start({ config: { "num.partitions": 3 } });
  const created = await broker.topics.createTopic({ name: "orders" });
  assertEquals([created.partitions, created.replicationFactor], [3, 1]);
  const topic = broker.topics.get("orders")!;
  assertEquals(broker.topics.byId(created.id), topic);
  assertEquals([...broker.topics.all()], [topic]);
  assertEquals(topic.partitions.map((partition) => partition?.index), [0, 1, 2]);
  const partition = broker.topics.partition("orders", 2)!;
  assertEquals([partition.isLeader, partition.leaderEpoch, partition.isr], [true, 0, [1]]);
  assertEquals(append(partition, "x").baseOffset, 0);
});

Deno.test("TopicRegistry.createTopic() rejects what Kafka rejects, with its error codes", async () => {
  await using broker = await TestBroker.start();
  const { topics } = broker;
  await topics.createTopic({ name: "a.b" });
  const configs = (name: string, text: string) => ({ configs: new Map([[name, text]]) });
  const cases: [NewTopic, number][] = [
    [{ name: "a.b" }, ErrorCode.TOPIC_ALREADY_EXISTS],
    [{ name: "a_b" }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    [{ name: "a b" }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    [{ name: "x".repeat(250) }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    [{ name: "__consumer_offsets" }, ErrorCode.INVALID_TOPIC_EXCEPTION],
    [{ name: "c", partitions: 0 }, ErrorCode.INVALID_PARTITIONS],
    [{ name: "c", partitions: -2 }, ErrorCode.INVALID_PARTITIONS],
    [{ name: "c", partitions: MAX_PARTITIONS_PER_REQUEST + 1 }, ErrorCode.POLICY_VIOLATION],
    [{ name: "c", replicationFactor: 2 }, ErrorCode.INVALID_REPLICATION_FACTOR],
    [{ name: "c", replicationFactor: 0 }, ErrorCode.INVALID_REPLICATION_FACTOR],
    [{ name: "c", assignment: [[2]] }, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    [{ name: "c", assignment: [[1, 1]] }, ErrorCode.INVALID_REPLICA_ASSIGNMENT],
    [{ name: "c", assignment: [[1]], partitions: 1 }, ErrorCode.INVALID_REQUEST],
    [{ name: "c", ...configs("cleanup.policy", "shred") }, ErrorCode.INVALID_CONFIG],
    [{ name: "c", ...configs("no.such", "1") }, ErrorCode.INVALID_CONFIG],
  ];
  for (const [topic, code] of cases) {
    assertEquals(await codeRejected(topics.createTopic(topic)), code, JSON.stringify(topic));
  }
  assertEquals(Array.from(topics.all(), ({ name }) => name), ["a.b"]);
  await topics.createTopic({ name: "c", assignment: [[1], [1]] });
  assertEquals(topics.get("c")!.partitions.length, 2);
});

Deno.test("TopicRegistry.createTopic() only validates with validateOnly", async () => {
  await using broker = await TestBroker.start();
  const created = await broker.topics.createTopic({ name: "a" }, { validateOnly: true });
  assertEquals([created.id, created.partitions], [ZERO_UUID, 1]);
  assertEquals(broker.topics.get("a"), undefined);
  assertEquals(
    await codeRejected(broker.topics.createTopic({ name: "?" }, { validateOnly: true })),
    ErrorCode.INVALID_TOPIC_EXCEPTION,
  );
});

Deno.test("TopicRegistry.createTopic() creates one of several topics with colliding names", async () => {
  await using broker = await TestBroker.start();
  const { topics } = broker;
  const results = await Promise.allSettled(
    ["a.b", "a.b", "a_b", "c"].map((name) => topics.createTopic({ name })),
  );
  const codes = results.map((result) =>
    result.status === "fulfilled" ? 0 : errorCodeOf(result.reason, silentLogger)
  );
  assertEquals(codes, [
    0,
    ErrorCode.TOPIC_ALREADY_EXISTS,
    ErrorCode.INVALID_TOPIC_EXCEPTION,
    0,
  ]);
});

Deno.test("TopicRegistry.createTopic() leaves nothing if a folder cannot be created", async () => {
  const fs = new UnwritableFileSystem();
  fs.unwritable = "/orders-2";
  await using broker = await TestBroker.start({ fs });
  const creating = broker.topics.createTopic({ name: "orders", partitions: 3 });
  assertEquals(await codeRejected(creating), ErrorCode.KAFKA_STORAGE_ERROR);
  assertEquals([broker.topics.get("orders"), broker.cluster.topic("orders")], [
    undefined,
    undefined,
  ]);
  assertEquals(foldersOf(fs), ["orders-0-delete", "orders-1-delete"]);
  fs.unwritable = "/none";
  await broker.topics.createTopic({ name: "orders", partitions: 3 });
  assertEquals(broker.topics.get("orders")!.partitions.length, 3);
});

Deno.test("TopicRegistry.autoCreate() creates a topic once for concurrent calls", async () => {
  await using broker = await TestBroker.start({ config: { "num.partitions": 2 } });
  const { topics } = broker;
  const [first, second] = await Promise.all([
    topics.autoCreate("a", true),
    topics.autoCreate("a", true),
  ]);
  assertEquals(first, second);
  assertEquals(first.partitions.length, 2);
});

Deno.test("TopicRegistry.autoCreate() creates nothing that client, broker or name do not allow", async () => {
  await using broker = await TestBroker.start();
  const { topics } = broker;
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  assertEquals(await codeRejected(topics.autoCreate("a", false)), unknown);
  assertEquals(await codeRejected(topics.autoCreate("__consumer_offsets", true)), unknown);
  for (const isAllowed of [true, false]) {
    assertEquals(
      await codeRejected(topics.autoCreate("a/b", isAllowed)),
      ErrorCode.INVALID_TOPIC_EXCEPTION,
    );
  }
  await using strict = await TestBroker.start({ config: { "auto.create.topics.enable": false } });
  assertEquals(await codeRejected(strict.topics.autoCreate("a", true)), unknown);
});

Deno.test("TopicRegistry.deleteTopic() fails waiters, and a new topic of the same name starts empty", async () => {
  const fs = new HeldSyncFileSystem();
  await using broker = await TestBroker.start({ fs });
  const { topics } = broker;
  const partition = await broker.createTopic("orders");
  const { id } = topics.get("orders")!;
  append(partition, "old");
  let wakes = 0;
  partition.subscribe(() => wakes++);
  fs.hold();
  const { committed } = append(partition, "unflushed", -1);
  const deleting = topics.deleteTopic(topics.get("orders")!);
  assertEquals(await codeRejected(committed!), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  assertEquals(wakes, 1);
  await deleting;
  fs.release();
  assertEquals([topics.get("orders"), topics.byId(id)], [undefined, undefined]);
  assertEquals(partition.isLeader, false);
  const recreated = await broker.createTopic("orders");
  assertNotEquals(topics.get("orders")!.id, id);
  assertEquals([recreated.logStartOffset, recreated.logEndOffset], [0, 0]);
  append(recreated, "new");
  assertEquals(await valuesFrom(recreated, 0), ["new"]);
});

Deno.test("TopicRegistry.deleteTopic() removes files after file.delete.delay.ms", async () => {
  const fs = new MemoryFileSystem();
  await using broker = await TestBroker.start({ fs });
  const configs = new Map([["file.delete.delay.ms", "5000"]]);
  await broker.createTopic("orders", { partitions: 2, configs });
  await broker.topics.deleteTopic(broker.topics.get("orders")!);
  assertEquals(foldersOf(fs), ["orders-0-delete", "orders-1-delete"]);
  broker.clock.advance(4999);
  await broker.clock.yield();
  assertEquals(foldersOf(fs).length, 2);
  broker.clock.advance(1);
  await broker.topics.close();
  assertEquals(foldersOf(fs), []);
});

Deno.test("TopicRegistry.deleteTopic() rejects missing and internal topics, and delete.topic.enable=false", async () => {
  await using broker = await TestBroker.start();
  const { topics } = broker;
  await broker.createTopic("orders");
  await broker.createTopic("__consumer_offsets", { isInternal: true });
  const orders = topics.get("orders")!;
  await topics.deleteTopic(orders);
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  assertEquals(await codeRejected(topics.deleteTopic(orders)), unknown);
  assertEquals(
    await codeRejected(topics.deleteTopic(topics.get("__consumer_offsets")!)),
    ErrorCode.INVALID_TOPIC_EXCEPTION,
  );
  await using strict = await TestBroker.start({ config: { "delete.topic.enable": false } });
  await strict.createTopic("a");
  assertEquals(
    await codeRejected(strict.topics.deleteTopic(strict.topics.get("a")!)),
    ErrorCode.TOPIC_DELETION_DISABLED,
  );
});

Deno.test("TopicRegistry creates and deletes topics of one name in call order", async () => {
  const fs = new MemoryFileSystem();
  await using broker = await TestBroker.start({ fs });
  const { topics } = broker;
  const ids = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const { id } = await topics.createTopic({ name: "a", partitions: 3 });
    ids.add(id);
    append(topics.partition("a", 0)!, String(round));
    const deleting = topics.deleteTopic({ name: "a", id });
    if (round % 2 === 0) await deleting;
    else await Promise.all([deleting, topics.createTopic({ name: "b" + round })]);
  }
  assertEquals(ids.size, 20);
  assertEquals(topics.get("a"), undefined);
  assertEquals(foldersOf(fs).filter((name) => name === "a-0"), []);
});

Deno.test("TopicRegistry.createPartitions() only adds partitions", async () => {
  await using broker = await TestBroker.start();
  const { topics } = broker;
  const first = await broker.createTopic("a", { partitions: 2 });
  const invalid = ErrorCode.INVALID_PARTITIONS;
  for (const count of [2, 1, 0, -1]) {
    assertEquals(await codeRejected(topics.createPartitions("a", count)), invalid);
  }
  const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  assertEquals(await codeRejected(topics.createPartitions("b", 2)), unknown);
  const assignment = ErrorCode.INVALID_REPLICA_ASSIGNMENT;
  assertEquals(await codeRejected(topics.createPartitions("a", 4, [[1]])), assignment);
  assertEquals(await codeRejected(topics.createPartitions("a", 3, [[2]])), assignment);
  assertEquals(
    await codeRejected(topics.createPartitions("__consumer_offsets", 3)),
    ErrorCode.INVALID_TOPIC_EXCEPTION,
  );
  await topics.createPartitions("a", 3, null, { validateOnly: true });
  assertEquals(topics.get("a")!.partitions.length, 2);
  await topics.createPartitions("a", 3, [[1]]);
  await topics.createPartitions("a", 5);
  const { partitions } = topics.get("a")!;
  assertEquals(partitions.map((partition) => partition?.index), [0, 1, 2, 3, 4]);
  assertEquals(partitions[0], first);
  assertEquals(append(partitions[4]!, "x").baseOffset, 0);
});

Deno.test("TopicRegistry.alterConfigs() takes effect on running partitions", async () => {
  await using broker = await TestBroker.start();
  const { topics } = broker;
  const partition = await broker.createTopic("a", { partitions: 2 });
  append(partition, "x".repeat(300));
  await topics.alterConfigs("a", () => new Map([["max.message.bytes", "200"]]));
  assertEquals(topics.get("a")!.config.get("max.message.bytes"), 200);
  assertThrows(() => append(partition, "x".repeat(300)), RecordTooLargeError);
  await topics.alterConfigs("a", () => new Map(), { validateOnly: true });
  assertEquals(topics.get("a")!.config.get("max.message.bytes"), 200);
  await topics.alterConfigs("a", () => new Map());
  append(partition, "x".repeat(300));
  const bad = topics.alterConfigs("a", () => new Map([["retention.ms", "x"]]));
  assertEquals(await codeRejected(bad), ErrorCode.INVALID_CONFIG);
});

Deno.test("TopicRegistry applies cluster-wide settings that the topic does not override", async () => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a");
  await broker.createTopic("b", { configs: new Map([["max.message.bytes", "300"]]) });
  await broker.cluster.changeBrokerConfigs("all", () => new Map([["message.max.bytes", "200"]]));
  const bytesOf = (name: string) => broker.topics.get(name)!.config.get("max.message.bytes");
  assertEquals([bytesOf("a"), bytesOf("b")], [200, 300]);
  assertRejects(() => Promise.try(() => append(broker.topics.partition("a", 0)!, "x".repeat(220))));
});

Deno.test("TopicRegistry restores topics, settings and records after a restart", async () => {
  const fs = new MemoryFileSystem();
  const ids: string[] = [];
  {
    await using broker = await TestBroker.start({ fs });
    await broker.createTopic("a", { partitions: 3, configs: new Map([["segment.ms", "77"]]) });
    await broker.createTopic("b");
    ids.push(broker.topics.get("a")!.id, broker.topics.get("b")!.id);
    append(broker.topics.partition("a", 2)!, "x");
  }
  await using broker = await TestBroker.start({ fs });
  assertEquals([broker.topics.get("a")!.id, broker.topics.get("b")!.id], ids);
  assertEquals(broker.topics.get("a")!.config.get("segment.ms"), 77);
  const partition = broker.topics.partition("a", 2)!;
  assertEquals([partition.highWatermark, await valuesFrom(partition, 0)], [1, ["x"]]);
  assertEquals(append(partition, "y").baseOffset, 1);
});

Deno.test("TopicRegistry shows nothing after a crash that another crash could undo", async () => {
  const fs = new MemoryFileSystem();
  const broker = await TestBroker.start({ fs });
  append(await broker.createTopic("a"), "x");
  append(await broker.createTopic("b", { configs: new Map([["flush", "os"]]) }), "x");
  await using after = await TestBroker.start({ fs: fs.clone({ unsynced: "kept" }) });
  const [a, b] = ["a", "b"].map((name) => after.topics.partition(name, 0)!);
  assertEquals([a!.highWatermark, a!.log.flushedOffset], [1, 1]);
  assertEquals([b!.highWatermark, b!.log.flushedOffset], [1, 0]);
  await broker.close();
});

Deno.test("TopicRegistry creates missing logs of a crash at start", async () => {
  const fs = new MemoryFileSystem();
  const broker = await TestBroker.start({ fs });
  await broker.createTopic("a", { partitions: 2 });
  const crashed = fs.clone({ unsynced: "lost" });
  await broker.close();
  await using after = await TestBroker.start({ fs: crashed });
  assertEquals(after.topics.get("a")!.partitions.length, 2);
  assertEquals(append(after.topics.partition("a", 1)!, "x").baseOffset, 0);
});

Deno.test("TopicRegistry ignores an unidentified folder that was never flushed", async () => {
  const fs = new MemoryFileSystem();
  const broker = await TestBroker.start({ fs });
  append(await broker.createTopic("a"), "of an older topic, maybe");
  append(await broker.createTopic("b"), "flushed");
  await broker.topics.partition("b", 0)!.log.flush();
  await broker.topics.checkpoint();
  const crashed = fs.clone({ unsynced: "kept" });
  const checkpoint = "/data/recovery-point-offset-checkpoint";
  const text = new TextDecoder().decode(crashed.readFileSync(checkpoint));
  crashed.writeFileSync(checkpoint, new TextEncoder().encode(text.replace("a 0 1", "a 0 0")));
  for (const name of ["a-0", "b-0"]) crashed.removeSync(`/data/${name}/partition.metadata`);
  await using after = await TestBroker.start({ fs: crashed });
  const [a, b] = ["a", "b"].map((name) => after.topics.partition(name, 0)!);
  assertEquals([a!.logEndOffset, b!.logEndOffset], [0, 1]);
  assertEquals([a!.log.topicId, b!.log.topicId], [a!.topicId, b!.topicId]);
  await broker.close();
});

Deno.test("TopicRegistry deletes logs of a deleted topic that a crash restored", async () => {
  const fs = new MemoryFileSystem();
  const broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  await append(partition, "old", -1).committed;
  const { id } = broker.topics.get("a")!;
  await broker.topics.deleteTopic(broker.topics.get("a")!);
  const crashed = fs.clone({ unsynced: "lost" });
  assertEquals(foldersOf(crashed), ["a-0"]);
  {
    await using after = await TestBroker.start({ fs: crashed });
    assertEquals(foldersOf(crashed), ["a-0-delete"]);
    assertEquals([...after.cluster.deletedTopics.keys()], [id]);
    assertEquals((await after.createTopic("a")).logEndOffset, 0);
    await after.topics.checkpoint();
    assertEquals(after.cluster.deletedTopics.size, 0);
  }
  await using again = await TestBroker.start({ fs: crashed });
  assertEquals(foldersOf(crashed), ["a-0"]);
  assertEquals(again.cluster.deletedTopics.size, 0);
  await broker.close();
});

Deno.test("TopicRegistry logs and keeps a folder of an unknown topic", async () => {
  const fs = new MemoryFileSystem();
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  {
    await using broker = await TestBroker.start({ fs });
    append(await broker.createTopic("a"), "precious");
  }
  // Delete the metadata.
  await fs.remove("/data/__cluster_metadata-0");
  fs.removeSync("/data/segment-checkpoint");
  await using broker = await TestBroker.start({ fs, logger });
  assert(lines.some((line) => line.includes("unknown topic") && line.includes("/data/a-0")));
  const creating = broker.topics.createTopic({ name: "a" });
  assertEquals(await codeRejected(creating), ErrorCode.KAFKA_STORAGE_ERROR);
  assertEquals(foldersOf(fs), ["a-0"]);
  await broker.createTopic("b");
});

Deno.test("TopicRegistry.applyRetention() deletes old segments, moves the log start offset and wakes waiters", async () => {
  const fs = new MemoryFileSystem();
  await using broker = await TestBroker.start({ fs });
  const configs = new Map([["retention.ms", "10000"], ["internal.segment.bytes", "1024"]]);
  const partition = await broker.createTopic("a", { configs });
  for (let i = 0; i < 8; i++) append(partition, "x".repeat(400));
  let wakes = 0;
  partition.subscribe(() => wakes++);
  broker.clock.advance(10_000);
  await broker.topics.applyRetention();
  assertEquals([partition.logStartOffset, wakes], [0, 0]);
  broker.clock.advance(1);
  append(partition, "new");
  wakes = 0;
  await broker.topics.applyRetention();
  assertEquals(partition.logStartOffset > 0, true);
  assertEquals(wakes, 1);
  const deleted = () => fs.readDirSync("/data/a-0").filter(({ name }) => name.endsWith(".deleted"));
  assertEquals(deleted().length > 0, true);
  broker.clock.advance(60_000);
  await broker.topics.close();
  assertEquals(deleted(), []);
});

Deno.test("TopicRegistry follows leaders and ISRs of partitions that other brokers have", async () => {
  await using broker = await TestBroker.start();
  const commit = async (key: string, value: object) => {
    const revision = await broker.store.commit([setText(key, JSON.stringify(value))]);
    await broker.cluster.caughtUp(revision);
    await broker.topics.settled();
  };
  const id = "t1t1t1t1t1t1t1t1t1t1tA";
  await commit("topics/a", { id, replicas: [[2, 3], [1], [3, 2]], configs: {} });
  await commit(`partitions/${id}/0`, { leaderId: 3, leaderEpoch: 1, isr: [3] });
  await commit(`partitions/${id}/2`, { leaderId: 2, leaderEpoch: 4, isr: [2, 3] });
  const { partitions } = broker.topics.get("a")!.state;
  assertEquals(partitions.map(({ leaderId, isr }) => [leaderId, ...isr]), [
    [3, 3],
    [1, 1],
    [2, 2, 3],
  ]);
  await commit("topics/a", { id, replicas: [[2, 3], [1], [3, 2], [2]], configs: {} });
  await commit(`partitions/${id}/3`, { leaderId: 2, leaderEpoch: 7, isr: [2] });
  assertEquals(broker.topics.get("a")!.state.partitions[3]!.leaderEpoch, 7);
});
