/**
 * Tests of the SDK's group consumer against our broker: membership, commits, callbacks and errors.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import {
  Client,
  ClosedError,
  type GroupConsumer,
  type GroupConsumerOptions,
  KafkaError,
  TimeoutError,
  UsageError,
} from "../../client/mod.ts";
import { CuttableBroker } from "../support/broker/embedded_broker.ts";
import {
  GROUP,
  GroupFixture,
  numbersOf,
  pollAll,
  TOPIC,
  valuesOf,
} from "../support/groups/group_fixture.ts";
import { within } from "../support/within.ts";

/** The ways in which members share partitions; the same promises hold for each. */
const WAYS: readonly [name: string, options: Partial<GroupConsumerOptions>][] = [
  ["eager", { assignors: ["roundrobin"] }],
  ["cooperative", { assignors: ["cooperative-sticky"] }],
  ["KIP-848", { protocol: "consumer" }],
];

/** Declares a test for each way. */
function testEach(
  name: string,
  run: (options: Partial<GroupConsumerOptions>, way: string) => Promise<void>,
): void {
  for (const [way, options] of WAYS) Deno.test(`${name} (${way})`, () => run(options, way));
}

Deno.test("GroupConsumer with round-robin assigns partitions 0 and 3 to c1, 1 to c2 and 2 to c3", async () => {
  await using fixture = await GroupFixture.start(4);
  const members = ["c1", "c2", "c3"].map((id) => fixture.member(id, { assignors: ["roundrobin"] }));
  await Promise.all(members.map((member) => member.joinGroup()));
  await fixture.untilShared(members, [2, 1, 1]);
  assertEquals(members.map(numbersOf), [[0, 3], [1], [2]]);
  const { state, assignor, members: described } = await fixture.client.admin().describeGroup(GROUP);
  assertEquals([state, assignor], ["Stable", "roundrobin"]);
  assertEquals(described.map(({ clientId }) => clientId).sort(), ["c1", "c2", "c3"]);
  assertEquals(described.flatMap(({ assignment }) => assignment).length, 4);
  for (const { memberId, clientId } of described) assert(memberId.startsWith(`${clientId}-`));
});

testEach("GroupConsumer without partitions takes over when an owner dies", async (options) => {
  await using fixture = await GroupFixture.start(2);
  const cut = new CuttableBroker(fixture.broker);
  const owner = fixture.member(
    "a",
    { ...options, sessionTimeoutMs: 300 },
    fixture.connect(cut, 500),
  );
  await owner.joinGroup();
  const others = ["b", "c"].map((id) => fixture.member(id, options));
  await Promise.all(others.map((member) => member.joinGroup()));
  await fixture.untilShared([owner, ...others], [0, 1, 1]);
  const standby = [owner, ...others].find(({ status }) => status.state === "standby")!;
  assertEquals(standby.status.waitingFor, "a partition that no other member has");
  cut.cut();
  await fixture.untilShared(others, [1, 1]);
});

testEach("GroupConsumer without partitions takes over when an owner leaves", async (options) => {
  await using fixture = await GroupFixture.start(2);
  const members = ["a", "b", "c"].map((id) => fixture.member(id, options));
  await Promise.all(members.map((member) => member.joinGroup()));
  await fixture.untilShared(members, [0, 1, 1]);
  for (const partition of [0, 1]) await fixture.send(partition, `${partition}`);
  const owner = members.find(({ assignment }) => assignment.length > 0)!;
  const [partition] = numbersOf(owner);
  assertEquals(valuesOf(await pollAll(owner, 1)), [`${partition}`]);
  await owner.commit();
  await owner.leaveGroup();
  const others = members.filter((member) => member !== owner);
  await fixture.untilShared(others, [1, 1]);
  await fixture.send(partition!, "more");
  const values = await Promise.all(others.map((member) => pollAll(member, 1)));
  assertEquals(values.flatMap(valuesOf).sort(), [`${1 - partition!}`, "more"]);
});

testEach("GroupConsumer continues after a restart of the broker", async (options) => {
  await using fixture = await GroupFixture.start(2);
  const mine = { ...options, sessionTimeoutMs: 20_000 };
  const members = ["a", "b"].map((id) => fixture.member(id, mine));
  await Promise.all(members.map((member) => member.joinGroup()));
  await fixture.untilShared(members, [1, 1]);
  const polling = members.map((member) => pollAll(member, 1));
  await fixture.broker.stop();
  await fixture.until(
    () => members.every(({ status: { state } }) => state === "retrying"),
    "the members to try again",
  );
  for (const { status } of members) {
    assertEquals(status.waitingFor, "the coordinator to answer heartbeats");
  }
  await fixture.broker.start();
  for (const partition of [0, 1]) await fixture.send(partition, `${partition}`);
  assertEquals((await Promise.all(polling)).flatMap(valuesOf).sort(), ["0", "1"]);
  await Promise.all(members.map((member) => member.commit()));
  assertEquals(await fixture.committed(2), [1, 1]);
  await fixture.untilShared(members, [1, 1]);
  // The group's state is stored, so no member had to give up partitions.
  assertEquals(fixture.events.filter(({ type }) => type === "lost"), []);
});

testEach(
  "GroupConsumer after a crash repeats uncommitted messages and skips none",
  async (options) => {
    await using fixture = await GroupFixture.start(2);
    const sent = Array.from({ length: 20 }, (_, i) => `v${i}`);
    await fixture.send(0, ...sent.slice(0, 10));
    await fixture.send(1, ...sent.slice(10));
    const cut = new CuttableBroker(fixture.broker);
    const mine = { ...options, sessionTimeoutMs: 300 };
    const first = fixture.member("a", mine, fixture.connect(cut, 500));
    const done = valuesOf(await pollAll(first, 4));
    await first.poll(4);
    // The second batch is being processed when the process dies.
    cut.cut();
    const committed = (await fixture.committed(2)).map((offset) => Math.max(0, offset));
    assert(committed[0]! + committed[1]! <= done.length, `${committed}`);

    await using second = fixture.member("b", options);
    const again = valuesOf(await pollAll(second, 20 - committed[0]! - committed[1]!));
    const expected = [...sent.slice(committed[0]!, 10), ...sent.slice(10 + committed[1]!)];
    assertEquals(again.sort(), expected.sort());
  },
);

testEach(
  "GroupConsumer auto-commits only messages that the program has processed",
  async (options) => {
    await using fixture = await GroupFixture.start(1);
    await fixture.send(0, "a", "b", "c");
    const consumer = fixture.member("a", { ...options, autoCommitIntervalMs: 60_000 });
    const iterator = consumer[Symbol.asyncIterator]();
    assertEquals((await iterator.next()).value.text(), "a");
    assertEquals((await iterator.next()).value.text(), "b");
    // The program is processing "b", so only "a" is processed.
    await consumer.leaveGroup();
    assertEquals(await fixture.committed(1), [1]);
    assertEquals(await iterator.next(), { done: true, value: undefined });

    await consumer.joinGroup();
    assertEquals(valuesOf(await consumer.poll(1)), ["b"]);
    await consumer.commit();
    await consumer.close();
    assertEquals(await fixture.committed(1), [2]);
  },
);

testEach(
  "GroupConsumer commits its first position, so that nothing after it is skipped",
  async (options) => {
    await using fixture = await GroupFixture.start(1);
    await fixture.send(0, "old");
    const latest = { ...options, autoOffsetReset: "latest" } as const;
    const first = fixture.member("a", latest);
    await first.joinGroup();
    await first.close();
    await fixture.send(0, "new");
    await using second = fixture.member("b", latest);
    assertEquals(valuesOf(await pollAll(second, 1)), ["new"]);
  },
);

testEach(
  "GroupConsumer lets the program finish and commits before partitions are given up",
  async (options) => {
    await using fixture = await GroupFixture.start(2);
    await fixture.send(0, "a", "b");
    await fixture.send(1, "c", "d");
    const committed: number[][] = [];
    const first = fixture.member("a", {
      ...options,
      autoCommitIntervalMs: 60_000,
      onRevoked: async () => void committed.push(await fixture.committed(2)),
    });
    await pollAll(first, 4);
    const second = fixture.member("b", { ...options, autoCommitIntervalMs: 60_000 });
    const joining = second.joinGroup();
    await fixture.until(() => first.status.state === "rebalancing", "the rebalance");
    assertEquals(first.status.waitingFor, "the program to finish the messages it has");
    assertEquals(committed, []);
    // The next poll says that all four are processed.
    const polling = first.poll(1, { timeoutMs: 20_000 });
    await joining;
    await fixture.untilShared([first, second], [1, 1]);
    assertEquals(committed.length, 1);
    const revoked = fixture.events.find(({ type }) => type === "revoked")!;
    for (const partition of revoked.partitions) assertEquals(committed[0]![partition], 2);
    await fixture.send(0, "e");
    await fixture.send(1, "f");
    const [mine, others] = await Promise.all([polling, pollAll(second, 1)]);
    assertEquals([...valuesOf(mine), ...valuesOf(others)].sort(), ["e", "f"]);
  },
);

testEach(
  "GroupConsumer.commit() is refused for partitions that moved to other members",
  async (options) => {
    await using fixture = await GroupFixture.start(2);
    await fixture.send(0, "a");
    await fixture.send(1, "b");
    // A program that does not poll within max.poll.interval.ms.
    const first = fixture.member("a", { ...options, autoCommit: false, rebalanceTimeoutMs: 30 });
    await pollAll(first, 2);
    const second = fixture.member("b", { ...options, autoCommit: false });
    await second.joinGroup();
    await fixture.untilShared([first, second], [1, 1]);
    const [theirs] = numbersOf(second);
    const error = await assertRejects(() => first.commitOffset(TOPIC, theirs!, 1), KafkaError);
    assertEquals(error.code, "ILLEGAL_GENERATION");
    assertEquals((await fixture.committed(2))[theirs!], -1);
    // The new owner repeats uncommitted messages.
    assertEquals((await pollAll(second, 1)).map(({ partition }) => partition), [theirs]);
  },
);

Deno.test("GroupConsumer with a cooperative assignor keeps partitions that do not move (KIP-429)", async () => {
  await using fixture = await GroupFixture.start(4);
  const options: Partial<GroupConsumerOptions> = { assignors: ["cooperative-sticky"] };
  const first = fixture.member("a", options);
  await first.joinGroup();
  const second = fixture.member("b", options);
  await second.joinGroup();
  await fixture.untilShared([first, second], [2, 2]);
  const [assigned, revoked, ...rest] = fixture.events;
  assertEquals(assigned, { member: "a", type: "assigned", partitions: [0, 1, 2, 3] });
  assertEquals([revoked!.member, revoked!.type, revoked!.partitions.length], ["a", "revoked", 2]);
  assertEquals(rest, [{ member: "b", type: "assigned", partitions: revoked!.partitions }]);
});

testEach(
  "GroupConsumer that is not polled leaves the group, and joins again with the next poll",
  async (options) => {
    await using fixture = await GroupFixture.start(1);
    await fixture.send(0, "a");
    const slow = fixture.member("a", { ...options, maxPollIntervalMs: 100 });
    assertEquals(valuesOf(await pollAll(slow, 1)), ["a"]);
    const standby = fixture.member("b", options);
    // The program is still processing "a", so the other member repeats it.
    assertEquals(valuesOf(await pollAll(standby, 1)), ["a"]);
    await fixture.until(() => slow.status.state === "left", "the slow member to leave");
    assert(slow.status.waitingFor.startsWith("the program to ask for messages"));
    await standby.commit();
    await standby.close();
    await fixture.send(0, "b");
    assertEquals(valuesOf(await pollAll(slow, 1)), ["b"]);
  },
);

testEach(
  "GroupConsumer that waits for messages does not leave the group, however long it waits",
  async (options) => {
    await using fixture = await GroupFixture.start(1);
    const consumer = fixture.member("a", { ...options, maxPollIntervalMs: 40 });
    await consumer.joinGroup();
    const polling = consumer.poll(1, { timeoutMs: 20_000 });
    // Several times the interval, on the consumer's clock.
    const { promise, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 200);
    await promise;
    await fixture.send(0, "a");
    assertEquals(valuesOf(await polling), ["a"]);
    assertEquals(fixture.events.map(({ type }) => type), ["assigned"]);
  },
);

Deno.test("GroupConsumer with an instance id gets its partitions back after a restart (KIP-345)", async () => {
  for (const protocol of ["classic", "consumer"] as const) {
    await using fixture = await GroupFixture.start(2);
    const options = { protocol, sessionTimeoutMs: 20_000 };
    const first = fixture.member("a", { ...options, groupInstanceId: "one" });
    const second = fixture.member("b", { ...options, groupInstanceId: "two" });
    await first.joinGroup();
    await second.joinGroup();
    await fixture.untilShared([first, second], [1, 1]);
    const [had] = numbersOf(second);
    await second.close();
    const count = fixture.events.length;
    await using back = fixture.member("c", { ...options, groupInstanceId: "two" });
    await back.joinGroup();
    await fixture.untilShared([first, back], [1, 1]);
    assertEquals(fixture.events.slice(count), [
      { member: "c", type: "assigned", partitions: [had!] },
    ], protocol);
  }
});

Deno.test("GroupConsumer fails for good when another member takes its instance id (KIP-345)", async () => {
  await using fixture = await GroupFixture.start(1);
  const first = fixture.member("a", { groupInstanceId: "one" });
  await first.joinGroup();
  const second = fixture.member("b", { groupInstanceId: "one" });
  await second.joinGroup();
  await fixture.until(() => first.status.state === "failed", "the first to fail");
  const error = await assertRejects(() => first.poll(), KafkaError);
  assertEquals(error.code, "FENCED_INSTANCE_ID");
  assertEquals(first.status.error, error);
  assertEquals(first.assignment, []);
});

testEach("GroupConsumer reads partitions that are added to its topic", async (options) => {
  await using fixture = await GroupFixture.start(1);
  const consumer = fixture.member("a", options);
  await consumer.joinGroup();
  await fixture.client.admin().createPartitions(TOPIC, 3);
  // Metadata is refreshed every few minutes; here it is refreshed immediately.
  const describing = fixture.client.consumer();
  await describing.subscribe(TOPIC);
  await describing.seek(TOPIC, 2, 0);
  await fixture.untilShared([consumer], [3]);
  await fixture.send(2, "new");
  assertEquals(valuesOf(await pollAll(consumer, 1)), ["new"]);
});

testEach("GroupConsumer.joinGroup() fails for a topic that does not exist", async (options) => {
  await using fixture = await GroupFixture.start(1);
  const consumer = fixture.member("a", { ...options, topics: [TOPIC, "none"] });
  const error = await assertRejects(() => consumer.joinGroup(), KafkaError);
  assertEquals(error.code, "UNKNOWN_TOPIC_OR_PARTITION");
  assertEquals(consumer.status.state, "left");
});

Deno.test("GroupConsumer is refused if the members have no assignor in common", async () => {
  await using fixture = await GroupFixture.start(1);
  await fixture.member("a", { assignors: ["range"] }).joinGroup();
  const other = fixture.member("b", { assignors: ["roundrobin"] });
  const error = await assertRejects(() => other.joinGroup(), KafkaError);
  assertEquals(error.code, "INCONSISTENT_GROUP_PROTOCOL");
});

Deno.test("GroupConsumer runs an assignor of the program's own", async () => {
  await using fixture = await GroupFixture.start(3);
  const last = {
    name: "last",
    assign: ({ members, partitionCounts }: {
      members: readonly { memberId: string }[];
      partitionCounts: ReadonlyMap<string, number>;
    }) =>
      new Map([[
        members[members.length - 1]!.memberId,
        [...partitionCounts].flatMap(([topic, count]) =>
          Array.from({ length: count }, (_, partition) => ({ topic, partition }))
        ),
      ]]),
  };
  const members = ["a", "b"].map((id) => fixture.member(id, { assignors: [last] }));
  await Promise.all(members.map((member) => member.joinGroup()));
  await fixture.untilShared(members, [0, 3]);
  assertEquals(members.map(numbersOf), [[], [0, 1, 2]]);
});

Deno.test("GroupConsumer fails with the error of its assignor", async () => {
  await using fixture = await GroupFixture.start(1);
  const broken = {
    name: "broken",
    assign: () => {
      throw new Error("no idea");
    },
  };
  const consumer = fixture.member("a", { assignors: [broken] });
  await assertRejects(
    () => consumer.joinGroup(),
    UsageError,
    'assignor "broken" has failed: no idea',
  );
});

testEach("GroupConsumer can seek in onAssigned, pause and resume", async (options) => {
  await using fixture = await GroupFixture.start(2);
  await fixture.send(0, "a", "b", "c");
  await fixture.send(1, "d");
  const consumer: GroupConsumer = fixture.member("a", {
    ...options,
    onAssigned: async () => {
      await consumer.seek(TOPIC, 0, 2);
      consumer.pause(TOPIC, 1);
    },
  });
  assertEquals(valuesOf(await pollAll(consumer, 1)), ["c"]);
  assertEquals(consumer.paused, [{ topic: TOPIC, partition: 1 }]);
  assertEquals(await consumer.poll(1, { timeoutMs: 0 }), []);
  consumer.pause(TOPIC);
  assertEquals(consumer.status.waitingFor, "resume() of its partitions");
  const polling = consumer.poll(1, { timeoutMs: 20_000 });
  consumer.resume(TOPIC);
  assertEquals(valuesOf(await polling), ["d"]);
  assertEquals(await consumer.seek(TOPIC, 0, "earliest"), 0);
  assertEquals(valuesOf(await pollAll(consumer, 3)), ["a", "b", "c"]);
  await assertRejects(() => consumer.seek(TOPIC, 7, 0), UsageError, "it is not assigned");
});

testEach(
  "GroupConsumer.commitOffset() stores metadata, which fetchCommittedOffset() returns",
  async (options) => {
    await using fixture = await GroupFixture.start(1);
    await fixture.send(0, "a", "b", "c");
    const consumer = fixture.member("a", { ...options, autoCommit: false });
    assertEquals(await consumer.fetchCommittedOffset(TOPIC, 0), undefined);
    await pollAll(consumer, 3);
    assertEquals(consumer.committedLag(TOPIC, 0), undefined);
    await consumer.commitOffset(TOPIC, 0, 2, "two of three");
    const { offset, metadata } = (await consumer.fetchCommittedOffset(TOPIC, 0))!;
    assertEquals([offset, metadata], [2, "two of three"]);
    assertEquals(consumer.committedLag(TOPIC, 0), 1);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    consumer.commitAsync(resolve);
    assertEquals(await promise, undefined);
    assertEquals(consumer.committedLag(TOPIC, 0), 0);
    await assertRejects(
      () => consumer.commitOffset(TOPIC, 0, -1),
      UsageError,
      "it must be at least 0",
    );
  },
);

Deno.test("GroupConsumer.commitAsync() makes the next poll() throw an unhandled failure", async () => {
  await using fixture = await GroupFixture.start(1);
  await fixture.send(0, "a");
  const cut = new CuttableBroker(fixture.broker);
  await using client = new Client({ broker: cut, timeoutMs: 100 });
  const consumer = fixture.member("a", { autoCommit: false }, client);
  await pollAll(consumer, 1);
  cut.cut();
  consumer.commitAsync();
  for (;;) {
    const error = await consumer.poll(1, { timeoutMs: 5000 }).catch((error) => error);
    // Fetches fail as well.
    assertInstanceOf(error, TimeoutError);
    if (error.message.startsWith("Cannot commit offsets")) break;
  }
});

Deno.test("GroupConsumer reports the error that a callback threw", async () => {
  await using fixture = await GroupFixture.start(1);
  const consumer = fixture.member("a", {
    onAssigned: () => {
      throw new Error("not today");
    },
  });
  await assertRejects(() => pollAll(consumer, 1), Error, "not today");
  await fixture.send(0, "a");
  assertEquals(valuesOf(await pollAll(consumer, 1)), ["a"]);
});

testEach(
  "GroupConsumer.leaveGroup() ends iterators and streams, and joinGroup() starts again",
  async (options) => {
    await using fixture = await GroupFixture.start(1);
    const consumer = fixture.member("a", options);
    await consumer.joinGroup();
    const reader = consumer.readable.getReader();
    const reading = reader.read();
    const polling = consumer.poll(1, { timeoutMs: 20_000 });
    await Promise.all([
      consumer.leaveGroup(),
      assertRejects(() => polling, UsageError, "has left its group"),
    ]);
    assertEquals((await reading).done, true);
    assertEquals((await fixture.client.admin().describeGroup(GROUP)).members, []);
    await consumer.joinGroup();
    await fixture.send(0, "a");
    assertEquals(valuesOf(await pollAll(consumer, 1)), ["a"]);
    await consumer.close();
    await consumer.close();
    await assertRejects(() => consumer.poll(), ClosedError);
    await assertRejects(() => consumer.joinGroup(), ClosedError);
  },
);

testEach(
  "GroupConsumer.joinGroup() can be aborted, and removes the member from the group",
  async (options, way) => {
    await using fixture = await GroupFixture.start(1, {
      "group.initial.rebalance.delay.ms": 60_000,
    });
    if (way === "KIP-848") return;
    const consumer = fixture.member("a", options);
    const joining = consumer.joinGroup({ timeoutMs: 20_000, signal: AbortSignal.timeout(200) });
    await assertRejects(() => joining, DOMException);
    assertEquals(consumer.status.state, "left");
    await assertRejects(() => consumer.joinGroup({ timeoutMs: 50 }), TimeoutError);
    // The first member of a group waits for others, of which the aborted one is none.
    assertEquals((await fixture.client.admin().describeGroup(GROUP)).members, []);
    // Shutdown during a join.
    const again = assertRejects(() => consumer.joinGroup(), ClosedError);
    await within(consumer.close(), "the consumer to close", 10_000);
    await again;
  },
);
