import { assertEquals, assertNotEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { DiskFullError } from "../../../storage/errors.ts";
import { TestCoordinator, text, turn } from "../testing.ts";
import type { ClassicGroup } from "./classic_group.ts";

function group(test: TestCoordinator): ClassicGroup {
  return test.shard.group("g") as ClassicGroup;
}

Deno.test("joinGroup() makes the first member leader and gives it all members", async () => {
  await using test = await TestCoordinator.start({ "group.initial.rebalance.delay.ms": 3000 });
  const a = test.join({ protocols: [["range", "a's topics"]] });
  const b = test.join({ protocols: [["range", "b's topics"]] });
  test.clock.advance(5999);
  await turn();
  assertEquals(a.value, undefined, "b came within the initial delay, which therefore begins anew");
  test.clock.advance(1);
  const [first, second] = [await a.promise, await b.promise];
  assertEquals(first.errorCode, ErrorCode.NONE);
  assertEquals(first.generationId, 1);
  assertEquals(first.protocolType, "consumer");
  assertEquals(first.protocolName, "range");
  assertEquals(first.leader, first.memberId);
  assertEquals(second.leader, first.memberId);
  assertEquals(first.members!.map(({ memberId, metadata }) => [memberId, text(metadata)]), [
    [first.memberId, "a's topics"],
    [second.memberId, "b's topics"],
  ]);
  assertEquals(second.members, []);
  assertEquals(group(test).state, "CompletingRebalance");
});

Deno.test("joinGroup() delays the first rebalance no longer than the rebalance timeout", async () => {
  await using test = await TestCoordinator.start({ "group.initial.rebalance.delay.ms": 3000 });
  const first = test.join({ rebalanceTimeoutMs: 7000 });
  for (let ms = 0; ms < 6999; ms += 1000) {
    test.clock.advance(Math.min(1000, 6999 - ms));
    test.join({ rebalanceTimeoutMs: 7000 });
  }
  await turn();
  assertEquals(first.value, undefined);
  test.clock.advance(2001);
  await turn();
  assertEquals(first.value?.generationId, 1);
});

Deno.test("joinGroup() asks a new dynamic member to join with the id it is given (KIP-394)", async () => {
  await using test = await TestCoordinator.start();
  const asked = await test.join({ apiVersion: 4, clientId: "app" }).promise;
  assertEquals(asked.errorCode, ErrorCode.MEMBER_ID_REQUIRED);
  assertEquals(asked.memberId.startsWith("app-"), true);
  assertEquals(group(test).members.size, 0);
  const join = test.join({ apiVersion: 4, memberId: asked.memberId });
  test.clock.advance(0);
  assertEquals((await join.promise).errorCode, ErrorCode.NONE);
  assertEquals(group(test).pendingMembers.size, 0);
});

Deno.test("joinGroup() forgets an id that nobody joins with, and then completes a rebalance", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({});
  await test.join({ apiVersion: 4, sessionTimeoutMs: 6000 }).promise;
  const again = test.join({ memberId: ids[0]! });
  await turn();
  assertEquals(again.value, undefined, "it waits for the member that was given an id");
  test.clock.advance(6000);
  await turn();
  assertEquals(again.value?.generationId, 2);
});

Deno.test("joinGroup() refuses a member that nobody knows, in a group or without one", async () => {
  await using test = await TestCoordinator.start();
  const code = async (groupId: string) =>
    (await test.join({ groupId, memberId: "nobody" }).promise).errorCode;
  assertEquals(await code("none"), ErrorCode.UNKNOWN_MEMBER_ID);
  await test.stable({});
  assertEquals(await code("g"), ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("joinGroup() selects the protocol that most members prefer and all support", async () => {
  await using test = await TestCoordinator.start();
  const joins = [["range", "sticky"], ["sticky", "range"], ["only-mine", "sticky", "range"]]
    .map((protocols) => test.join({ protocols }));
  test.clock.advance(0);
  assertEquals((await joins[0]!.promise).protocolName, "sticky");
});

Deno.test("joinGroup() refuses protocols and protocol types that the group does not share", async () => {
  await using test = await TestCoordinator.start();
  const code = async (request: Parameters<TestCoordinator["join"]>[0]) =>
    (await test.join(request).promise).errorCode;
  assertEquals(await code({ protocols: [] }), ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  assertEquals(await code({ protocolType: "" }), ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  await test.stable({});
  assertEquals(
    await code({ protocols: ["RoundRobinAssigner"] }),
    ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
  );
  assertEquals(await code({ protocolType: "connect" }), ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
});

Deno.test("joinGroup() repeats its answer to a member that joins unchanged", async () => {
  await using test = await TestCoordinator.start();
  const joins = [test.join(), test.join()];
  test.clock.advance(0);
  const [leader, follower] = [await joins[0]!.promise, await joins[1]!.promise];
  assertEquals(await test.join({ memberId: leader.memberId }).promise, leader);
  assertEquals(await test.join({ memberId: follower.memberId }).promise, follower);
  assertEquals(group(test).state, "CompletingRebalance");
  await Promise.all([
    test.sync(leader.memberId, 1).promise,
    test.sync(follower.memberId, 1).promise,
  ]);
  assertEquals(await test.join({ memberId: follower.memberId }).promise, follower);
  assertEquals(group(test).state, "Stable");
});

Deno.test("joinGroup() rebalances when the leader joins again, or a follower with other metadata", async (t) => {
  await t.step("leader", async () => {
    await using test = await TestCoordinator.start();
    const { ids, leader } = await test.stable({}, {});
    test.join({ memberId: leader });
    assertEquals(group(test).state, "PreparingRebalance");
    assertEquals(test.heartbeat(ids[1]!, 1), ErrorCode.REBALANCE_IN_PROGRESS);
  });
  await t.step("follower", async () => {
    await using test = await TestCoordinator.start();
    const { ids } = await test.stable({}, {});
    test.join({ memberId: ids[1]!, protocols: [["range", "other topics"]] });
    assertEquals(group(test).state, "PreparingRebalance");
  });
  await t.step("while others wait for the assignment", async () => {
    await using test = await TestCoordinator.start();
    const joins = [test.join(), test.join()];
    test.clock.advance(0);
    const [leader, follower] = [await joins[0]!.promise, await joins[1]!.promise];
    const sync = test.sync(follower.memberId, 1);
    test.join({ memberId: leader.memberId, protocols: [["range", "other topics"]] });
    assertEquals((await sync.promise).errorCode, ErrorCode.REBALANCE_IN_PROGRESS);
  });
});

Deno.test("a rebalance ends without dynamic members that do not join in time", async () => {
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

Deno.test("a rebalance elects a leader among those who joined", async () => {
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

Deno.test("a member whose session ends is out at once, and the others are told", async () => {
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

Deno.test("heartbeats extend a session for as long as they come", async () => {
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

Deno.test("heartbeat() refuses other generations and unknown members", async () => {
  await using test = await TestCoordinator.start();
  assertEquals(test.heartbeat("nobody", 1), ErrorCode.UNKNOWN_MEMBER_ID);
  const { ids } = await test.stable({});
  assertEquals(test.heartbeat(ids[0]!, 0), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(test.heartbeat(ids[0]!, 2), ErrorCode.ILLEGAL_GENERATION);
  assertEquals(test.heartbeat(ids[0]!, 1, "instance"), ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("a member that waits for an answer of ours is not expected to send heartbeats", async () => {
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

Deno.test("a new member that is never answered does not wait for ever", async () => {
  await using test = await TestCoordinator.start();
  await test.stable({ rebalanceTimeoutMs: 2 ** 31 - 1, sessionTimeoutMs: 1_800_000 });
  const join = test.join({ sessionTimeoutMs: 6000 });
  test.clock.advance(299_999);
  await turn();
  assertEquals(join.value, undefined);
  test.clock.advance(1);
  assertEquals((await join.promise).errorCode, ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("syncGroup() hands each member what the leader assigned, and nothing to those left out", async () => {
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

Deno.test("syncGroup() refuses what does not belong to the generation", async () => {
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

Deno.test("members that do not fetch their assignment in time are out", async () => {
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

Deno.test("leaveGroup() rebalances the others, and the last one leaves an empty group", async () => {
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

Deno.test("leaveGroup() takes several members out, each with its own result (KIP-345)", async () => {
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

Deno.test("leaveGroup() answers what the member was waiting for", async () => {
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

Deno.test("a static member comes back under its own assignment without a rebalance (KIP-345)", async (t) => {
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
      // Only a client that can be told to skip the assignment (KIP-814) may learn that it leads.
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

Deno.test("a static member's second self fences the first, whatever that waits for", async () => {
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

Deno.test("a static member that needs another protocol starts a rebalance", async () => {
  await using test = await TestCoordinator.start();
  await test.stable({ groupInstanceId: "one", protocols: ["range", "sticky"] });
  const back = test.join({ groupInstanceId: "one", protocols: ["sticky", "range"] });
  const joined = await back.promise;
  assertEquals([joined.generationId, joined.protocolName], [2, "sticky"]);
});

Deno.test("a static member stays the old one if its new id cannot be written", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ groupInstanceId: "one" });
  test.log.nextFailure = new DiskFullError("Cannot write: the disk is full");
  const back = await test.join({ groupInstanceId: "one", protocols: ["range", "x"] }).promise;
  assertEquals(back.errorCode, ErrorCode.NOT_COORDINATOR);
  assertEquals(test.heartbeat(ids[0]!, 1, "one"), ErrorCode.NONE);
  assertEquals(group(test).supportsProtocols("consumer", [{ name: "x" }]), false);
  test.clock.advance(10_000);
  assertEquals(group(test).state, "Empty", "its session goes on, and ends");
});

Deno.test("group.max.size refuses new members, and rejoining ones over a lowered limit", async () => {
  await using test = await TestCoordinator.start({ "group.max.size": 2 });
  const { ids } = await test.stable({}, {});
  const refused = await test.join().promise;
  assertEquals([refused.errorCode, refused.memberId], [ErrorCode.GROUP_MAX_SIZE_REACHED, ""]);
  assertEquals(group(test).state, "Stable");
  test.join({ memberId: ids[0]! });
  const joins = [test.join(), test.join({ memberId: ids[1]! })];
  assertEquals(
    (await joins[1]!.promise).errorCode,
    ErrorCode.GROUP_MAX_SIZE_REACHED,
    "the newcomer joined this rebalance first",
  );
  assertEquals((await joins[0]!.promise).generationId, 2);
});

Deno.test("an assignment is handed out only once it is durable", async () => {
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

Deno.test("an assignment that cannot be written starts another rebalance", async () => {
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

Deno.test("an assignment of a generation that is over is not handed out", async () => {
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

Deno.test("a group survives a restart with its generation, members and assignment", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ sessionTimeoutMs: 6000 }, { groupInstanceId: "one" });
  test.clock.advance(5000);
  await test.restart();
  assertEquals(group(test).state, "Stable");
  test.clock.advance(5999);
  assertEquals(test.heartbeat(ids[0]!, 1), ErrorCode.NONE, "its session began anew");
  assertEquals(text((await test.sync(ids[0]!, 1).promise).assignment), `for ${ids[0]}`);
  assertEquals(test.heartbeat(ids[1]!, 1, "one"), ErrorCode.NONE);
  const rejoined = [
    test.join({ memberId: ids[0]! }),
    test.join({ memberId: ids[1]!, groupInstanceId: "one" }),
  ];
  assertEquals((await rejoined[0]!.promise).generationId, 2);
});

Deno.test("a restart during a rebalance brings the last assigned generation back", async () => {
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

Deno.test("closing the coordinator sends everybody who waits to look for another", async () => {
  const test = await TestCoordinator.start();
  const { ids } = await test.stable({}, {});
  const join = test.join();
  await test.coordinator.close();
  assertEquals((await join.promise).errorCode, ErrorCode.NOT_COORDINATOR);
  assertEquals(test.clock.timerCount, 0);
  assertEquals(ids.length, 2);
});

Deno.test("a log that fails after an append takes its groups out of service", async () => {
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
