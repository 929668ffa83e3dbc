import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { DiskFullError } from "../../../storage/errors.ts";
import { TestCoordinator, text, turn } from "../testing.ts";
import type { ClassicGroup } from "./classic_group.ts";

function group(test: TestCoordinator): ClassicGroup {
  return test.shard.group("g") as ClassicGroup;
}

Deno.test("syncGroup() returns the assignment only when it is durable", async () => {
  await using test = await TestCoordinator.start();
  const joins = [test.join(), test.join()];
  test.clock.advance(0);
  const ids = await Promise.all(joins.map(async ({ promise }) => (await promise).memberId));
  test.log.isHeld = true;
  const syncs = [test.sync(ids[0]!, 1, { [ids[0]!]: "mine" }), test.sync(ids[1]!, 1)];
  const repeated = test.sync(ids[0]!, 1, { [ids[0]!]: "something else" });
  await turn();
  assertEquals((await syncs[0]!.promise).errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
  assertEquals([repeated.value, syncs[1]!.value], [undefined, undefined]);
  assertEquals(group(test).state, "CompletingRebalance");
  test.log.release();
  assertEquals(text((await repeated.promise).assignment), "mine");
  await syncs[1]!.promise;
  assertEquals(group(test).state, "Stable");
});

Deno.test("syncGroup() starts another rebalance if the assignment cannot be written", async () => {
  await using test = await TestCoordinator.start();
  const joins = [test.join(), test.join()];
  test.clock.advance(0);
  const ids = await Promise.all(joins.map(async ({ promise }) => (await promise).memberId));
  const follower = test.sync(ids[1]!, 1);
  test.log.nextFailure = new DiskFullError("Cannot write: the disk is full");
  const leader = test.sync(ids[0]!, 1);
  assertEquals((await leader.promise).errorCode, ErrorCode.NOT_COORDINATOR);
  assertEquals((await follower.promise).errorCode, ErrorCode.NOT_COORDINATOR);
  assertEquals(group(test).state, "PreparingRebalance");
});

Deno.test("syncGroup() does not return the assignment of a past generation", async () => {
  await using test = await TestCoordinator.start();
  const joins = [test.join(), test.join()];
  test.clock.advance(0);
  const ids = await Promise.all(joins.map(async ({ promise }) => (await promise).memberId));
  test.log.isHeld = true;
  const sync = test.sync(ids[0]!, 1, { [ids[0]!]: "mine" });
  test.leave(ids[1]!);
  assertEquals((await sync.promise).errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
  test.log.release();
  await turn();
  assertEquals(group(test).state, "PreparingRebalance");
});

Deno.test("GroupShard.load() restores generation, members and assignment of a classic group", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ sessionTimeoutMs: 6000 }, { groupInstanceId: "one" });
  test.clock.advance(5000);
  await test.restart();
  assertEquals(group(test).state, "Stable");
  test.clock.advance(5999);
  assertEquals(test.heartbeat(ids[0]!, 1), ErrorCode.NONE, "its session was restarted");
  assertEquals(text((await test.sync(ids[0]!, 1).promise).assignment), `for ${ids[0]}`);
  assertEquals(test.heartbeat(ids[1]!, 1, "one"), ErrorCode.NONE);
  const rejoined = [
    test.join({ memberId: ids[0]! }),
    test.join({ memberId: ids[1]!, groupInstanceId: "one" }),
  ];
  assertEquals((await rejoined[0]!.promise).generationId, 2);
});

Deno.test("GroupShard.load() restores the last assigned generation after a restart during a rebalance", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({}, {});
  const newcomer = test.join();
  const others = ids.map((memberId) => test.join({ memberId }));
  await Promise.all([newcomer, ...others].map(({ promise }) => promise));
  assertEquals(group(test).generation, 2);
  await test.restart();
  assertEquals([group(test).generation, [...group(test).members.keys()]], [1, ids]);
  assertEquals(test.heartbeat(ids[0]!, 2), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(test.heartbeat((await newcomer.promise).memberId, 2), ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("GroupCoordinator.close() answers waiting requests with NOT_COORDINATOR", async () => {
  const test = await TestCoordinator.start();
  const { ids } = await test.stable({}, {});
  const join = test.join();
  await test.coordinator.close();
  assertEquals((await join.promise).errorCode, ErrorCode.NOT_COORDINATOR);
  assertEquals(test.clock.timerCount, 0);
  assertEquals(ids.length, 2);
});

Deno.test("GroupShard.fail() stops serving groups when the log fails after an append", async () => {
  await using test = await TestCoordinator.start();
  const join = test.join();
  test.clock.advance(0);
  const { memberId } = await join.promise;
  test.log.isHeld = true;
  const sync = test.sync(memberId, 1);
  test.log.fail(new Error("The disk is gone"));
  assertEquals((await sync.promise).errorCode, ErrorCode.NOT_COORDINATOR);
  assertEquals(test.shard.isActive, false);
});
