import { assertEquals, assertNotEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { DiskFullError } from "../../../storage/errors.ts";
import { TestCoordinator, text } from "../testing.ts";
import type { ClassicGroup } from "./classic_group.ts";

function group(test: TestCoordinator): ClassicGroup {
  return test.shard.group("g") as ClassicGroup;
}

Deno.test("joinGroup() returns a static member to its assignment without a rebalance (KIP-345)", async (t) => {
  for (const apiVersion of [8, 9]) {
    await t.step(`JoinGroup version ${apiVersion}`, async () => {
      await using test = await TestCoordinator.start();
      const { ids, leader } = await test.stable({ groupInstanceId: "one" }, {
        groupInstanceId: "two",
      });
      const back = await test.join({ groupInstanceId: "one", apiVersion }).promise;
      assertEquals([back.errorCode, back.generationId], [ErrorCode.NONE, 1]);
      assertNotEquals(back.memberId, ids[0]);
      assertEquals(back.memberId.startsWith("one-"), true);
      const isNew = apiVersion >= 9;
      // Only a client that can skip the assignment (KIP-814) may be told that it is the leader.
      assertEquals(back.leader, isNew ? back.memberId : leader);
      assertEquals(back.skipAssignment ?? false, isNew);
      assertEquals(back.members!.length, isNew ? 2 : 0);
      assertEquals(text((await test.sync(back.memberId, 1).promise).assignment), `for ${ids[0]}`);
      assertEquals(test.heartbeat(ids[1]!, 1, "two"), ErrorCode.NONE);
      assertEquals(test.heartbeat(ids[0]!, 1, "one"), ErrorCode.FENCED_INSTANCE_ID);
      assertEquals(test.heartbeat(ids[0]!, 1), ErrorCode.UNKNOWN_MEMBER_ID);
      await test.restart();
      assertEquals(test.heartbeat(back.memberId, 1, "one"), ErrorCode.NONE);
    });
  }
});

Deno.test("joinGroup() fences the previous instance of a static member, whatever it waits for", async () => {
  await using test = await TestCoordinator.start();
  const first = test.join({ groupInstanceId: "one" });
  const second = test.join({ groupInstanceId: "one" });
  assertEquals((await first.promise).errorCode, ErrorCode.FENCED_INSTANCE_ID);
  test.clock.advance(0);
  const { memberId } = await second.promise;
  await test.sync(memberId, 1).promise;
  const other = test.join({ groupInstanceId: "other" });
  const rejoined = test.join({ groupInstanceId: "one", memberId });
  await Promise.all([other.promise, rejoined.promise]);
  const sync = test.sync((await other.promise).memberId, 2, {}, { groupInstanceId: "other" });
  const third = test.join({ groupInstanceId: "other" });
  assertEquals((await sync.promise).errorCode, ErrorCode.FENCED_INSTANCE_ID);
  assertEquals(
    group(test).state,
    "PreparingRebalance",
    "the leader may be assigning to the old id",
  );
  const again = test.join({ groupInstanceId: "one", memberId });
  assertEquals((await again.promise).generationId, 3);
  assertEquals((await third.promise).generationId, 3);
});

Deno.test("joinGroup() rebalances if a static member needs another protocol", async () => {
  await using test = await TestCoordinator.start();
  await test.stable({ groupInstanceId: "one", protocols: ["range", "sticky"] });
  const back = test.join({ groupInstanceId: "one", protocols: ["sticky", "range"] });
  const joined = await back.promise;
  assertEquals([joined.generationId, joined.protocolName], [2, "sticky"]);
});

Deno.test("joinGroup() keeps the old static member if the new id cannot be written", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ groupInstanceId: "one" });
  test.log.nextFailure = new DiskFullError("Cannot write: the disk is full");
  const back = await test.join({ groupInstanceId: "one", protocols: ["range", "x"] }).promise;
  assertEquals(back.errorCode, ErrorCode.NOT_COORDINATOR);
  assertEquals(test.heartbeat(ids[0]!, 1, "one"), ErrorCode.NONE);
  assertEquals(group(test).supportsProtocols("consumer", [{ name: "x" }]), false);
  test.clock.advance(10_000);
  assertEquals(group(test).state, "Empty", "its session continues and expires");
});
