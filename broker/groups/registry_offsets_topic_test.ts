import { assert, assertEquals } from "@std/assert";
import { findCoordinator, offsetCommit, offsetFetch } from "../../protocol/messages/mod.ts";
import { MemoryFileSystem } from "../../storage/mod.ts";
import { type GroupBroker, startGroupBroker } from "./broker_testing.ts";
import { HandlerTable } from "../handlers/mod.ts";
import { OFFSETS_TOPIC } from "./offsets_topic.ts";

const CONFIG = {
  "offsets.topic.num.partitions": 1,
  "offsets.topic.segment.bytes": 4096,
  "log.segment.delete.delay.ms": 0,
};

const HANDLERS = new HandlerTable();
const handlerOf = (key: number) => HANDLERS.get(key)!;

async function commit(
  { broker }: GroupBroker,
  groupId: string,
  partitionIndex: number,
  committedOffset: number,
): Promise<void> {
  const response = await broker.call(offsetCommit, handlerOf(offsetCommit.key), 8, {
    groupId,
    memberId: "",
    generationIdOrMemberEpoch: -1,
    topics: [{ name: "t", partitions: [{ partitionIndex, committedOffset }] }],
  });
  assertEquals(response.topics[0]!.partitions[0]!.errorCode, 0);
}

async function committed({ broker }: GroupBroker, groupId: string): Promise<number[]> {
  const response = await broker.call(offsetFetch, handlerOf(offsetFetch.key), 8, {
    groups: [{ groupId, topics: [{ name: "t", partitionIndexes: [0, 1] }] }],
  });
  return response.groups[0]!.topics[0]!.partitions.map(({ committedOffset }) => committedOffset);
}

function offsetsLog({ broker }: GroupBroker) {
  return broker.topics.partition(OFFSETS_TOPIC, 0)!.log;
}

Deno.test("RegistryOffsetsTopic compacts the log and keeps its commits", async () => {
  const fs = new MemoryFileSystem();
  const started = await startGroupBroker({ fs, config: CONFIG });
  await started.broker.createTopic("t", { partitions: 2 });
  await started.broker.call(findCoordinator, handlerOf(findCoordinator.key), 0, { key: "g" });
  await started.groups.loaded();
  const groups = ["g", "h", "i"];
  for (let offset = 1; offset <= 300; offset++) {
    for (const group of groups) await commit(started, group, offset % 2, offset);
  }
  const { sizeInBytes } = offsetsLog(started);
  await started.broker.topics.compact(new AbortController().signal);
  assert(sizeInBytes > 20 * CONFIG["offsets.topic.segment.bytes"]);
  assert(offsetsLog(started).sizeInBytes < 2 * CONFIG["offsets.topic.segment.bytes"]);
  const copies = [fs.clone({ unsynced: "kept" }), fs.clone({ unsynced: "lost" })];
  await started[Symbol.asyncDispose]();
  for (const copy of [fs, ...copies]) {
    await using again = await startGroupBroker({ fs: copy, config: CONFIG });
    await again.groups.loaded();
    for (const group of groups) assertEquals(await committed(again, group), [300, 299]);
    await commit(again, "g", 0, 301);
  }
});

Deno.test("RegistryOffsetsTopic enables compaction of a topic created by an earlier version", async () => {
  const fs = new MemoryFileSystem();
  {
    await using started = await startGroupBroker({ fs, config: CONFIG });
    const configs = {
      "cleanup.policy": "delete",
      "retention.ms": "-1",
      "internal.segment.bytes": "5000",
    };
    await started.broker.createTopic(OFFSETS_TOPIC, {
      configs: new Map(Object.entries(configs)),
      isInternal: true,
    });
  }
  await using started = await startGroupBroker({ fs, config: CONFIG });
  const { config } = started.broker.topics.get(OFFSETS_TOPIC)!;
  assertEquals(Object.fromEntries(config.overrides), {
    "cleanup.policy": "compact",
    "flush": "commit",
    "internal.segment.bytes": "4096",
  });
});

Deno.test("RegistryOffsetsTopic keeps what it answers on disk, whatever log.flush.policy", async () => {
  const fs = new MemoryFileSystem();
  const config = { ...CONFIG, "log.flush.policy": "os" } as const;
  {
    await using started = await startGroupBroker({ fs, config });
    await started.groups.ensureTopic();
    const { config: created } = started.broker.topics.get(OFFSETS_TOPIC)!;
    assertEquals(created.get("flush"), "commit");
    await started.broker.topics.alterConfigs(
      OFFSETS_TOPIC,
      () => new Map([["cleanup.policy", "compact"], ["flush", "os"], ["segment.ms", "5000"]]),
    );
  }
  await using started = await startGroupBroker({ fs, config });
  const { overrides } = started.broker.topics.get(OFFSETS_TOPIC)!.config;
  assertEquals([overrides.get("flush"), overrides.get("segment.ms")], ["commit", "5000"]);
});
