import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { TestCoordinator, text, turn } from "../testing.ts";
import type { ClassicGroup } from "./classic_group.ts";

function group(test: TestCoordinator): ClassicGroup {
  return test.shard.group("g") as ClassicGroup;
}

Deno.test("completeJoin() removes dynamic members that do not join in time", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ rebalanceTimeoutMs: 20_000 }, { rebalanceTimeoutMs: 30_000 });
  const join = test.join({ rebalanceTimeoutMs: 10_000 });
  for (let s = 0; s < 29; s++) {
    test.clock.advance(1000);
    for (const id of ids) {
      assertEquals(test.heartbeat(id, 1), ErrorCode.REBALANCE_IN_PROGRESS);
    }
  }
  await turn();
  assertEquals(join.value, undefined);
  test.clock.advance(1000);
  const joined = await join.promise;
  assertEquals(joined.generationId, 2);
  assertEquals(joined.leader, joined.memberId);
  assertEquals([...group(test).members.keys()], [joined.memberId]);
  assertEquals(test.heartbeat(ids[0]!, 1), ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("completeJoin() elects a leader among the members that joined", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ groupInstanceId: "static" }, {});
  const join = test.join({ memberId: ids[1]!, protocols: [["range", "changed"]] });
  for (let s = 0; s < 6; s++) {
    test.clock.advance(10_000 - 1);
    test.heartbeat(ids[0]!, 1, "static");
  }
  test.clock.advance(10);
  const joined = await join.promise;
  assertEquals(joined.generationId, 2);
  assertEquals(joined.leader, ids[1], "the static leader keeps its place, but not the lead");
  assertEquals([...group(test).members.keys()], ids);
});

Deno.test("Session removes a member when it expires and rebalances the others", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ sessionTimeoutMs: 6000 }, { sessionTimeoutMs: 30_000 });
  test.clock.advance(5999);
  assertEquals(test.heartbeat(ids[1]!, 1), ErrorCode.NONE);
  test.clock.advance(1);
  assertEquals(test.heartbeat(ids[1]!, 1), ErrorCode.REBALANCE_IN_PROGRESS);
  assertEquals(test.heartbeat(ids[0]!, 1), ErrorCode.UNKNOWN_MEMBER_ID);
  const again = await test.join({ memberId: ids[1]! }).promise;
  assertEquals([again.generationId, again.leader], [2, ids[1]]);
});

Deno.test("heartbeat() extends the session", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ sessionTimeoutMs: 6000 });
  for (let beat = 0; beat < 100; beat++) {
    test.clock.advance(5999);
    assertEquals(test.heartbeat(ids[0]!, 1), ErrorCode.NONE);
  }
  test.clock.advance(6000);
  assertEquals(test.heartbeat(ids[0]!, 1), ErrorCode.UNKNOWN_MEMBER_ID);
  assertEquals(group(test).state, "Empty");
});

Deno.test("heartbeat() rejects other generations and unknown members", async () => {
  await using test = await TestCoordinator.start();
  assertEquals(test.heartbeat("nobody", 1), ErrorCode.UNKNOWN_MEMBER_ID);
  const { ids } = await test.stable({});
  assertEquals(test.heartbeat(ids[0]!, 0), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(test.heartbeat(ids[0]!, 2), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(test.heartbeat(ids[0]!, 1, "instance"), ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("Session does not expire while the member waits for a response", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ sessionTimeoutMs: 6000 }, { sessionTimeoutMs: 60_000 });
  const join = test.join({ memberId: ids[0]!, sessionTimeoutMs: 6000 });
  test.clock.advance(50_000);
  await turn();
  assertEquals(join.value, undefined);
  assertEquals(group(test).members.has(ids[0]!), true);
  const other = test.join({ memberId: ids[1]!, sessionTimeoutMs: 60_000 });
  assertEquals((await join.promise).generationId, 2);
  assertEquals((await other.promise).generationId, 2);
  const sync = test.sync(ids[1]!, 2);
  test.clock.advance(5999);
  assertEquals(group(test).members.has(ids[0]!), true);
  test.clock.advance(1);
  assertEquals((await sync.promise).errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
  assertEquals([...group(test).members.keys()], [ids[1]]);
});

Deno.test("joinGroup() removes a new member that waits too long", async () => {
  await using test = await TestCoordinator.start();
  await test.stable({ rebalanceTimeoutMs: 2 ** 31 - 1, sessionTimeoutMs: 1_800_000 });
  const join = test.join({ sessionTimeoutMs: 6000 });
  test.clock.advance(299_999);
  await turn();
  assertEquals(join.value, undefined);
  test.clock.advance(1);
  assertEquals((await join.promise).errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("syncGroup() returns each member's assignment, empty for omitted members", async () => {
  await using test = await TestCoordinator.start();
  const joins = [test.join(), test.join(), test.join()];
  test.clock.advance(0);
  const ids = await Promise.all(joins.map(async ({ promise }) => (await promise).memberId));
  const early = test.sync(ids[1]!, 1);
  await turn();
  assertEquals(early.value, undefined);
  const leader = test.sync(ids[0]!, 1, { [ids[0]!]: "mine", [ids[1]!]: "yours" });
  assertEquals(text((await leader.promise).assignment), "mine");
  assertEquals(text((await early.promise).assignment), "yours");
  const late = await test.sync(ids[2]!, 1).promise;
  assertEquals(
    [late.errorCode, late.assignment.length, late.protocolType, late.protocolName],
    [ErrorCode.NONE, 0, "consumer", "range"],
  );
});

Deno.test("syncGroup() rejects requests that do not match the generation", async () => {
  await using test = await TestCoordinator.start();
  const code = async (...args: Parameters<TestCoordinator["sync"]>) =>
    (await test.sync(...args).promise).errorCode;
  assertEquals(await code("nobody", 1), ErrorCode.UNKNOWN_MEMBER_ID);
  const { ids } = await test.stable({}, {});
  assertEquals(await code("nobody", 1), ErrorCode.UNKNOWN_MEMBER_ID);
  assertEquals(await code(ids[0]!, 2), ErrorCode.ILLEGAL_GENERATION);
  const inconsistent = ErrorCode.INCONSISTENT_GROUP_PROTOCOL;
  assertEquals(await code(ids[0]!, 1, {}, { protocolType: "connect" }), inconsistent);
  assertEquals(await code(ids[0]!, 1, {}, { protocolName: "sticky" }), inconsistent);
  assertEquals(await code(ids[0]!, 1, {}, { protocolName: "range" }), ErrorCode.NONE);
  test.join({ memberId: ids[0]! });
  assertEquals(await code(ids[1]!, 1), ErrorCode.REBALANCE_IN_PROGRESS);
});

Deno.test("syncGroup() removes members that do not fetch their assignment in time", async () => {
  await using test = await TestCoordinator.start();
  const joins = [test.join(), test.join()];
  test.clock.advance(0);
  const [leader, follower] = await Promise.all(joins.map(async (j) => (await j.promise).memberId));
  await test.sync(leader!, 1).promise;
  for (let s = 0; s < 59; s++) {
    test.clock.advance(1000);
    assertEquals(test.heartbeat(leader!, 1), ErrorCode.NONE);
    assertEquals(test.heartbeat(follower!, 1), ErrorCode.NONE);
  }
  test.clock.advance(1000);
  assertEquals(test.heartbeat(leader!, 1), ErrorCode.REBALANCE_IN_PROGRESS);
  assertEquals(test.heartbeat(follower!, 1), ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("leaveGroup() rebalances the others, and leaves an empty group at last", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({}, {});
  assertEquals((await test.leave(ids[0]!)).members!.map(({ errorCode }) => errorCode), [
    ErrorCode.NONE,
  ]);
  assertEquals(test.heartbeat(ids[1]!, 1), ErrorCode.REBALANCE_IN_PROGRESS);
  assertEquals((await test.join({ memberId: ids[1]! }).promise).generationId, 2);
  test.leave(ids[1]!);
  assertEquals([group(test).state, group(test).generation], ["Empty", 3]);
  assertEquals(group(test).protocolType, "consumer");
});

Deno.test("leaveGroup() removes several members, each with its own result (KIP-345)", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({}, { groupInstanceId: "one" }, { groupInstanceId: "two" });
  const pending = (await test.join({ apiVersion: 4 }).promise).memberId;
  const left = await test.leave(
    ids[0]!,
    { instance: "one" },
    { instance: "two", memberId: "another" },
    { instance: "three" },
    "nobody",
    pending,
  );
  assertEquals(left.errorCode, ErrorCode.NONE);
  assertEquals(left.members!.map(({ errorCode }) => errorCode), [
    ErrorCode.NONE,
    ErrorCode.NONE,
    ErrorCode.FENCED_INSTANCE_ID,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.UNKNOWN_MEMBER_ID,
    ErrorCode.NONE,
  ]);
  assertEquals([...group(test).members.keys()], [ids[2]]);
});

Deno.test("leaveGroup() answers the member's waiting request", async () => {
  await using test = await TestCoordinator.start();
  const joins = [test.join(), test.join()];
  test.clock.advance(0);
  const ids = await Promise.all(joins.map(async ({ promise }) => (await promise).memberId));
  const sync = test.sync(ids[1]!, 1);
  test.leave(ids[1]!);
  assertEquals((await sync.promise).errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
  const join = test.join();
  await turn();
  const newcomer = [...group(test).members.keys()].at(-1)!;
  test.leave(newcomer);
  assertEquals((await join.promise).errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
});
