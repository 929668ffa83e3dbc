import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
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
  assertEquals(a.value, undefined, "b came within the initial delay, which therefore restarts");
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

Deno.test("joinGroup() delays the first rebalance by at most the rebalance timeout", async () => {
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

Deno.test("joinGroup() requires a new dynamic member to join with its assigned id (KIP-394)", async () => {
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

Deno.test("joinGroup() drops an unused member id and then completes the rebalance", async () => {
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

Deno.test("joinGroup() rejects an unknown member, in an existing group or a new one", async () => {
  await using test = await TestCoordinator.start();
  const code = async (groupId: string) =>
    (await test.join({ groupId, memberId: "nobody" }).promise).errorCode;
  assertEquals(await code("none"), ErrorCode.UNKNOWN_MEMBER_ID);
  await test.stable({});
  assertEquals(await code("g"), ErrorCode.UNKNOWN_MEMBER_ID);
});

Deno.test("joinGroup() selects the supported protocol that most members prefer", async () => {
  await using test = await TestCoordinator.start();
  const joins = [["range", "sticky"], ["sticky", "range"], ["only-mine", "sticky", "range"]]
    .map((protocols) => test.join({ protocols }));
  test.clock.advance(0);
  assertEquals((await joins[0]!.promise).protocolName, "sticky");
});

Deno.test("joinGroup() rejects protocols and protocol types that the group does not support", async () => {
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

Deno.test("joinGroup() repeats its response to a member that rejoins unchanged", async () => {
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

Deno.test("joinGroup() rejects members above group.max.size, and rejoining ones above a lowered limit", async () => {
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

Deno.test("joinGroup() drops a new member shortly after its client disconnects", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ sessionTimeoutMs: 60_000 });
  const client = new AbortController();
  const protocols = [["range", new Uint8Array(1_000_000)]] as const;
  const join = test.join({ protocols, sessionTimeoutMs: 1_800_000, signal: client.signal });
  await turn();
  assertEquals(group(test).members.size, 2);
  client.abort();
  assertEquals((await join.promise).errorCode, ErrorCode.NETWORK_EXCEPTION);
  assertEquals(group(test).members.size, 2, "the client may come back");
  test.clock.advance(10_000);
  assertEquals([...group(test).members.keys()], ids);
});

Deno.test("joinGroup() keeps a new member whose client reconnects", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ sessionTimeoutMs: 60_000 });
  const client = new AbortController();
  const { memberId } = await test.join({ apiVersion: 4, sessionTimeoutMs: 60_000 }).promise;
  test.join({ apiVersion: 4, memberId, sessionTimeoutMs: 60_000, signal: client.signal });
  await turn();
  const again = test.join({ apiVersion: 4, memberId, sessionTimeoutMs: 60_000 });
  client.abort();
  test.clock.advance(10_000);
  await turn();
  assertEquals([...group(test).members.keys()], [...ids, memberId]);
  assertEquals(again.value, undefined, "it waits for the others");
});

Deno.test("joinGroup() keeps an existing member for its session when its client disconnects", async () => {
  await using test = await TestCoordinator.start();
  const { ids } = await test.stable({ sessionTimeoutMs: 60_000 }, { sessionTimeoutMs: 60_000 });
  const client = new AbortController();
  const join = test.join({ memberId: ids[0]!, sessionTimeoutMs: 60_000, signal: client.signal });
  await turn();
  client.abort();
  await join.promise;
  test.clock.advance(30_000);
  assertEquals([...group(test).members.keys()], ids);
});
