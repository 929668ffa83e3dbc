import { assertEquals, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { silentLogger } from "../logger.ts";
import { LedShards } from "./led_shards.ts";
import { Shard } from "./shard.ts";
import { MemoryTopic } from "./testing.ts";

class TestShard extends Shard {
  constructor(index: number) {
    super({ index, topic: "t", what: "things", logger: silentLogger });
  }
  protected override async replay(): Promise<void> {}
  protected override stop(): void {}
}

/** Shards of a topic with two partitions, and what loads what they need. */
function start(isCreated: boolean) {
  const topic = new MemoryTopic("t", [0, 1], isCreated);
  const loads: PromiseWithResolvers<void>[] = [];
  let isLoaded = false;
  const shards = new LedShards<number, TestShard>({
    topic,
    logger: silentLogger,
    prepare() {
      if (isLoaded) return undefined;
      const load = Promise.withResolvers<void>();
      loads.push(load);
      return load.promise.then(() => void (isLoaded = true));
    },
    open: (index) => new TestShard(index),
    onLoaded: () => {},
  });
  shards.start();
  return { topic, shards, loads };
}

function codeAt(shards: LedShards<number, TestShard>, index: number): number {
  return assertThrows(() => shards.activeAt(index), ApiError).code;
}

Deno.test("LedShards loads nothing without a topic", async () => {
  const { shards, loads } = start(false);
  await shards.loaded();
  assertEquals(loads.length, 0);
  assertEquals(codeAt(shards, 0), ErrorCode.NOT_COORDINATOR);
  await shards.close();
});

Deno.test("LedShards.findPartition() waits for what the shards of a new topic need", async () => {
  const { shards, loads } = start(false);
  const found = Promise.all([shards.findPartition("a"), shards.findPartition("a")]);
  while (loads.length === 0) await Promise.resolve();
  assertEquals(codeAt(shards, 0), ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  loads[0]!.resolve();
  const [index] = await found;
  assertEquals(shards.activeAt(index!).index, index);
  assertEquals(loads.length, 1);
  await shards.close();
});

Deno.test("LedShards is loading while what the shards of an existing topic need is loaded", async () => {
  const { topic, shards, loads } = start(true);
  assertEquals(codeAt(shards, 1), ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
  // Leaders that are elected meanwhile are followed.
  topic.elect(0, undefined);
  topic.elect(1, 7);
  assertEquals(loads.length, 1);
  loads[0]!.resolve();
  await shards.loaded();
  assertEquals(codeAt(shards, 0), ErrorCode.NOT_COORDINATOR);
  assertEquals(shards.activeAt(1).isActive, true);
  await shards.close();
});

Deno.test("LedShards loads again what could not be loaded", async () => {
  const { shards, loads } = start(true);
  loads[0]!.reject(new Error("cannot read"));
  await shards.loaded();
  assertEquals(codeAt(shards, 0), ErrorCode.NOT_COORDINATOR);
  const found = shards.findPartition("a");
  while (loads.length === 1) await Promise.resolve();
  loads[1]!.resolve();
  const index = await found;
  assertEquals(shards.activeAt(index).isActive, true);
  await shards.close();
});

Deno.test("LedShards.close() waits for what is being loaded, and opens nothing then", async () => {
  const { shards, loads } = start(true);
  const closed = shards.close();
  loads[0]!.resolve();
  await closed;
  assertEquals(shards.all, []);
});
