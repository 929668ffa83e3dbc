import { assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { offsetCommit } from "../../protocol/messages/mod.ts";
import { coreOf } from "../client.ts";
import { KafkaError, TimeoutError } from "../errors.ts";
import { Coordinator } from "../connection/coordinator.ts";
import type { Committer } from "./group_offsets.ts";
import { OffsetCommitter } from "./offset_committer.ts";
import { setup } from "../testing/client_setup.ts";
import { NO_ANSWER } from "../testing/fake_cluster.ts";
import { FakeClassicGroup } from "../testing/fake_classic_group.ts";

/** A member of generation 1 that commits. */
function setupCommitter() {
  const test = setup();
  const group = new FakeClassicGroup(test.cluster);
  group.memberId = "m";
  group.generation = 1;
  const core = coreOf(test.client);
  const committer: Committer = {
    groupId: "g",
    memberId: "m",
    generation: 1,
    groupInstanceId: null,
    isModern: false,
  };
  const refused: string[] = [];
  const offsets = new OffsetCommitter(
    core,
    new Coordinator(core, "group", "g"),
    "g",
    { committer, onCommitRefused: ({ code }) => void refused.push(code) },
  );
  const commit = (offset: number, options = {}) =>
    offsets.commit(() => [{ topic: "a", partition: 0, offset }], options);
  return { ...test, group, offsets, commit, refused };
}

Deno.test("OffsetCommitter.commit() sends one request at a time, regardless of failures", async () => {
  await using test = setupCommitter();
  test.cluster.once(offsetCommit, () => NO_ANSWER);
  const first = assertRejects(() => test.commit(1, { timeoutMs: 50 }), TimeoutError);
  const second = test.commit(2);
  await first;
  await second;
  assertEquals(test.group.committed.get("a-0"), 2);
});

Deno.test("OffsetCommitter.commit() waits for earlier commits within its own time limit", async () => {
  await using test = setupCommitter();
  test.cluster.once(offsetCommit, () => NO_ANSWER);
  const ending = new AbortController();
  const stuck = test.commit(1, { signal: ending.signal }).catch((error) => error);
  await assertRejects(() => test.commit(2, { timeoutMs: 20 }), TimeoutError);
  // An aborted commit must not let the next one overtake the first.
  const third = test.commit(3);
  assertEquals(test.cluster.received(offsetCommit).length, 1);
  ending.abort(new DOMException("Enough", "AbortError"));
  assertEquals((await stuck).message, "Enough");
  await third;
  assertEquals(test.group.committed.get("a-0"), 3);
});

Deno.test("OffsetCommitter.commit() determines the offsets at each attempt", async () => {
  await using test = setupCommitter();
  let offset = 1;
  test.cluster.once(offsetCommit, () => {
    offset = 2;
    return {
      topics: [{
        name: "a",
        partitions: [{ partitionIndex: 0, errorCode: ErrorCode.COORDINATOR_LOAD_IN_PROGRESS }],
      }],
    };
  });
  await test.offsets.commit(() => [{ topic: "a", partition: 0, offset }], {});
  assertEquals(test.group.committed.get("a-0"), 2);
  assertEquals(test.refused, []);
});

Deno.test("OffsetCommitter.commit() reports that the member has to rejoin, and does not retry", async () => {
  await using test = setupCommitter();
  test.group.generation = 2;
  const error = await assertRejects(() => test.commit(1), KafkaError);
  assertEquals(error.code, "ILLEGAL_GENERATION");
  assertEquals(test.refused, ["ILLEGAL_GENERATION"]);
  assertEquals(test.cluster.received(offsetCommit).length, 1);
});

Deno.test("OffsetCommitter.commit() rejects immediately for a deleted topic", async () => {
  await using test = setupCommitter();
  const errorCode = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  test.cluster.on(offsetCommit, () => ({
    topics: [{ name: "a", partitions: [{ partitionIndex: 0, errorCode }] }],
  }));
  const error = await assertRejects(() => test.commit(1), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
  assertEquals(test.cluster.received(offsetCommit).length, 1);
});

Deno.test("OffsetCommitter.fetch() returns offsets in the order of the partitions, −1 where there is none", async () => {
  await using test = setupCommitter();
  test.group.committed.set("a-1", 7);
  const partitions = [2, 1].map((partition) => ({ topic: "a", partition }));
  const found = await test.offsets.fetch(partitions, {});
  assertEquals(found.map(({ partition, offset }) => [partition, offset]), [[2, -1], [1, 7]]);
});
