import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import { STATE_NAMES } from "./model/mod.ts";
import { TestTransactions, turn } from "./testing.ts";

type Pair = [number, number];
const FIRST: Pair = [100, 0];
const SECOND: Pair = [100, 1];
const THIRD: Pair = [100, 2];

function stateOf({ coordinator }: TestTransactions, id = "x"): string | undefined {
  const transaction = coordinator.transaction(id);
  return transaction && STATE_NAMES[transaction.state];
}

function statesIn({ log }: TestTransactions): (string | undefined)[] {
  return log.records.map(({ transaction }) => transaction && STATE_NAMES[transaction.state]);
}

Deno.test("TransactionCoordinator commits a transaction: each state is written, and markers before its end", async () => {
  await using test = await TestTransactions.start();
  assertEquals(await test.init(), "0 (100, 0)");
  assertEquals(await test.add(FIRST, [0]), 0);
  assertEquals(await test.add(FIRST, [0, 1]), 0);
  assertEquals(await test.add(FIRST, [1, 0]), 0);
  assertEquals(await test.end(FIRST), "0 (100, 1)");
  await turn();
  assertEquals(test.transport.written, ["t-0: commit 100/1 v2 by 0", "t-1: commit 100/1 v2 by 0"]);
  assertEquals(statesIn(test), ["Empty", "Ongoing", "Ongoing", "PrepareCommit", "CompleteCommit"]);
  assertEquals(await test.end(FIRST), "0 (100, 1)");
  assertEquals(await test.add(SECOND), 0);
  assertEquals(await test.end(FIRST), "90");
});

Deno.test("TransactionCoordinator keeps the epoch for producers without KIP-890", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  const [codes] = await test.coordinator.verifyOrAdd([{
    transactionalId: "x",
    producerId: 100,
    producerEpoch: 0,
    partitions: [{ topic: "t", index: 0 }],
    isVerifyOnly: false,
    isTransactionV2: false,
  }]);
  assertEquals(codes, [0]);
  const abort = () => test.end(FIRST, false, { isTransactionV2: false });
  assertEquals(await abort(), "0");
  await turn();
  assertEquals(test.transport.written, ["t-0: abort 100/0 v0 by 0"]);
  assertEquals(await abort(), "0 (100, 0)");
  assertEquals(await test.end(FIRST, true, { isTransactionV2: false }), "48");
});

Deno.test("TransactionCoordinator answers when a state is committed, and refuses other changes until then", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  test.log.isHeld = true;
  let answered = false;
  const added = test.add(FIRST).finally(() => answered = true);
  await turn();
  assertEquals(answered, false);
  assertEquals(stateOf(test), "Empty");
  assertEquals(await test.add(FIRST), ErrorCode.CONCURRENT_TRANSACTIONS);
  assertEquals(await test.end(FIRST), "51");
  assertEquals(await test.init(), "51");
  test.log.release();
  assertEquals(await added, 0);
  assertEquals(stateOf(test), "Ongoing");
  // Not a single marker is sent before the end is committed.
  const ended = test.end(FIRST);
  await turn();
  assertEquals(test.transport.requests, []);
  test.log.release();
  assertEquals(await ended, "0 (100, 1)");
  await turn();
  assertEquals(test.transport.written.length, 1);
  // The next transaction begins though it is not committed that this one is complete.
  assertEquals(stateOf(test), "CompleteCommit");
  const next = test.add(SECOND);
  test.log.release();
  assertEquals(await next, 0);
});

Deno.test("TransactionCoordinator tells what waits for the end of a transaction when it is complete", async () => {
  await using test = await TestTransactions.start();
  const { coordinator, transport } = test;
  await test.init();
  assertEquals(coordinator.whenSettled("x"), undefined);
  assertEquals(coordinator.whenSettled("unknown"), undefined);
  await test.add(FIRST);
  const gate = Promise.withResolvers<void>();
  transport.gate = gate.promise;
  await test.end(FIRST);
  assertEquals(await test.add(SECOND), ErrorCode.CONCURRENT_TRANSACTIONS);
  let isSettled = false;
  const settled = coordinator.whenSettled("x")!.then(() => isSettled = true);
  await turn();
  assertEquals(isSettled, false);
  gate.resolve();
  await settled;
  assertEquals(await test.add(SECOND), 0);
});

Deno.test("TransactionCoordinator.whenSettled() ends with its signal, and forgets who waited", async () => {
  await using test = await TestTransactions.start();
  const { coordinator, transport } = test;
  await test.init();
  await test.add(FIRST);
  const gate = Promise.withResolvers<void>();
  transport.gate = gate.promise;
  await test.end(FIRST);
  const ended = new AbortController();
  const order: string[] = [];
  const first = coordinator.whenSettled("x", ended.signal)!.then(() => order.push("aborted"));
  const second = coordinator.whenSettled("x")!.then(() => order.push("settled"));
  ended.abort();
  await first;
  await coordinator.whenSettled("x", ended.signal);
  await turn();
  assertEquals(order, ["aborted"]);
  gate.resolve();
  await second;
  assertEquals(order, ["aborted", "settled"]);
});

Deno.test("TransactionCoordinator verifies partitions, also while a state is being written", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  await test.add(FIRST, [0]);
  test.log.isHeld = true;
  const adding = test.add(FIRST, [1]);
  const request = {
    transactionalId: "x",
    producerId: 100,
    producerEpoch: 0,
    partitions: [{ topic: "t", index: 0 }, { topic: "t", index: 1 }],
    isVerifyOnly: true,
  };
  const verified = await test.coordinator.verifyOrAdd([
    request,
    { ...request, producerId: 5 },
    { ...request, transactionalId: "unknown" },
  ]);
  assertEquals(verified, [[0, ErrorCode.TRANSACTION_ABORTABLE], [49, 49], [49, 49]]);
  test.log.release();
  await adding;
});

Deno.test("TransactionCoordinator does not add a partition that it does not know, which would get no marker", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  test.transport.leaders.set("t-7", undefined);
  assertEquals(await test.add(FIRST, [0, 7]), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  assertEquals(stateOf(test), "Empty");
});

Deno.test("TransactionCoordinator has changed nothing if a state could not be written", async () => {
  await using test = await TestTransactions.start();
  const failures: [number, number][] = [
    [ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE],
    [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NOT_COORDINATOR],
    [ErrorCode.RECORD_LIST_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR],
  ];
  await test.init();
  await test.add(FIRST);
  for (const [failure, answered] of failures) {
    test.log.nextFailure = new ApiError(failure);
    assertEquals(await test.end(FIRST), String(answered));
    test.log.nextFailure = new ApiError(failure);
    assertEquals(await test.init(), String(answered));
  }
  // Fences that failed have not used up epochs (KAFKA-9666).
  assertEquals(await test.init(), "51");
  await turn();
  assertEquals(await test.init(), "0 (100, 2)");
});

Deno.test("TransactionCoordinator stops serving when it is not known whether a state was committed, until it is loaded again", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  await test.add(FIRST);
  for (const isKept of [true, false]) {
    test.log.isHeld = true;
    const ended = test.end(FIRST);
    await turn();
    test.log.fail(new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER), isKept);
    assertEquals(await ended, String(ErrorCode.NOT_COORDINATOR));
    assertEquals(await test.end(FIRST), String(ErrorCode.NOT_COORDINATOR));
    assertEquals(test.transport.requests.length, isKept ? 0 : 1);
    test.log.isHeld = false;
    test.topic.elect(0, isKept ? 1 : 3);
    await test.coordinator.loaded();
    await turn();
    if (isKept) {
      // The record was there: the new leader ends the transaction, and a repeated request is answered.
      assertEquals(test.transport.written, ["t-0: commit 100/1 v2 by 1"]);
      assertEquals(await test.end(FIRST), "0 (100, 1)");
      await test.add(SECOND);
      FIRST[1] = 1;
    } else {
      assertEquals(stateOf(test), "Ongoing");
      assertEquals(await test.end(FIRST), "0 (100, 2)");
      FIRST[1] = 0;
    }
  }
});

Deno.test("TransactionCoordinator resumes markers after a crash, and forgets nothing that was answered", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  await test.add(FIRST, [0, 1]);
  test.transport.failures.set("t-1", [ErrorCode.NOT_LEADER_OR_FOLLOWER]);
  await test.end(FIRST);
  await turn();
  assertEquals(test.transport.written.length, 1);
  await test.restart();
  await turn();
  assertEquals(test.transport.written.slice(1), [
    "t-0: commit 100/1 v2 by 0",
    "t-1: commit 100/1 v2 by 0",
  ]);
  assertEquals(await test.end(FIRST), "0 (100, 1)");
  assertEquals(await test.init(SECOND), "0 (100, 2)");
  await test.restart();
  // Kafka 4.2 has forgotten by now that this request is a repeated one (KAFKA-20357).
  assertEquals(await test.init(SECOND), "0 (100, 2)");
});

Deno.test("TransactionCoordinator remembers the next producer id over a crash while epochs are exhausted", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  const { transaction } = test.log.records[0]!;
  test.log.append({
    transactionalId: "x",
    transaction: { ...transaction!, producerEpoch: 32_766 },
  }, 0);
  await test.restart();
  const last: Pair = [100, 32_766];
  await test.add(last);
  test.transport.isDown = true;
  assertEquals(await test.end(last), "0 (101, 0)");
  await test.restart();
  test.transport.isDown = false;
  assertEquals(await test.end(last), "51");
  test.clock.advance(1000);
  await turn();
  assertEquals(test.transport.written, ["t-0: commit 100/32767 v2 by 0"]);
  assertEquals(await test.end(last), "0 (101, 0)");
  assertEquals(await test.add([101, 0]), 0);
});

Deno.test("TransactionCoordinator loads and unloads ids with the leadership of their partition", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  await test.add(FIRST);
  test.topic.elect(0, undefined);
  assertEquals(await test.add(FIRST, [1]), ErrorCode.NOT_COORDINATOR);
  assertEquals(await test.end(FIRST), "16");
  assertThrows(() => test.coordinator.transaction("x"), ApiError);
  const gate = Promise.withResolvers<void>();
  test.log.gate = gate.promise;
  test.topic.elect(0, 2);
  assertEquals(await test.end(FIRST), "14");
  assertEquals(test.coordinator.isLoading, true);
  gate.resolve();
  await test.coordinator.loaded();
  assertEquals(test.coordinator.isLoading, false);
  test.topic.unserved.add(0);
  assertEquals(await test.end(FIRST), "15");
  test.topic.unserved.clear();
  assertEquals(await test.end(FIRST), "0 (100, 1)");
  await turn();
  assertEquals(test.transport.written, ["t-0: commit 100/1 v2 by 2"]);
});

Deno.test("TransactionCoordinator sends no marker for a reign that has ended", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  await test.add(FIRST, [0, 1]);
  test.transport.failures.set("t-1", [ErrorCode.NOT_LEADER_OR_FOLLOWER]);
  await test.end(FIRST);
  await turn();
  test.topic.elect(0, undefined);
  test.clock.advance(100_000);
  await turn();
  assertEquals(test.transport.written.length, 1);
  assertEquals(statesIn(test).at(-1), "PrepareCommit");
});

Deno.test("TransactionCoordinator aborts transactions that take too long, counted from their first partition over restarts", async () => {
  await using test = await TestTransactions.start();
  await test.init(undefined, "x", 30_000);
  await test.add(FIRST);
  test.clock.advance(20_000);
  await test.add(FIRST, [1]);
  await test.restart();
  test.clock.advance(10_000);
  await turn();
  assertEquals(stateOf(test), "Ongoing");
  test.clock.advance(10_000);
  await turn();
  assertEquals(test.transport.written, ["t-0: abort 100/1 v2 by 0", "t-1: abort 100/1 v2 by 0"]);
  assertEquals(stateOf(test), "CompleteAbort");
  assertEquals(test.counters.timeouts, 1);
  assertEquals(await test.add(FIRST), ErrorCode.PRODUCER_FENCED);
  assertEquals(await test.end(FIRST, true), "90");
  await test.restart();
  assertEquals(await test.end(FIRST, true), "90");
  assertEquals(await test.end(FIRST, false), "0 (100, 1)");
});

Deno.test("TransactionCoordinator tries an abort again that could not be written, with the same epoch", async () => {
  await using test = await TestTransactions.start();
  await test.init(undefined, "x", 1000);
  await test.add(FIRST);
  for (let i = 0; i < 3; i++) {
    test.log.nextFailure = new ApiError(ErrorCode.NOT_ENOUGH_REPLICAS);
    test.clock.advance(10_000);
    await turn();
    assertEquals(stateOf(test), "Ongoing");
  }
  test.clock.advance(10_000);
  await turn();
  assertEquals(test.transport.written, ["t-0: abort 100/1 v2 by 0"]);
});

Deno.test("TransactionCoordinator forgets ids that were not used, but none with an open transaction", async () => {
  const expirationMs = 3 * 3600_000;
  await using test = await TestTransactions.start({
    "transactional.id.expiration.ms": expirationMs,
    "transaction.max.timeout.ms": 2 ** 31 - 1,
  });
  for (const id of ["idle", "open"]) await test.init(undefined, id, 2 ** 31 - 1);
  await test.add([101, 0], [0], "open");
  for (let hour = 0; hour < 2; hour++) {
    test.clock.advance(3600_000);
    await turn();
  }
  assertEquals(stateOf(test, "idle"), "Empty");
  test.log.isHeld = true;
  test.clock.advance(3600_000);
  await turn();
  // While it is being forgotten, nothing else may be written.
  assertEquals(await test.init(undefined, "idle"), "51");
  test.log.release();
  await turn();
  test.log.isHeld = false;
  assertEquals([stateOf(test, "idle"), stateOf(test, "open")], [undefined, "Ongoing"]);
  assertEquals(await test.end([100, 0], false, { id: "idle" }), "49");
  assertEquals(test.log.records.at(-1), { transactionalId: "idle", transaction: undefined });
  assertEquals(test.counters.expirations, 1);
  await test.restart();
  assertEquals(stateOf(test, "idle"), undefined);
  assertEquals(await test.init(undefined, "idle"), "0 (102, 0)");
});

Deno.test("TransactionCoordinator answers in time though a state cannot be committed, which holds later", async () => {
  await using test = await TestTransactions.start();
  assertEquals(await test.init(), "0 (100, 0)");
  test.log.isHeld = true;
  const answers = [test.add([100, 0]), test.init(undefined, "y")];
  await turn();
  test.clock.advance(10_000);
  assertEquals(await Promise.all(answers), [15, "15"]);
  assertEquals(await test.add([100, 0]), 51);
  const ended = test.end([100, 0], true);
  assertEquals(await ended, "51");
  test.log.release();
  await turn();
  assertEquals([stateOf(test, "x"), stateOf(test, "y")], ["Ongoing", "Empty"]);
  assertEquals(test.clock.timerCount, 2);
  const ending = test.end([100, 0], true);
  await turn();
  test.clock.advance(10_000);
  assertEquals(await ending, "15");
  test.log.release();
  test.log.isHeld = false;
  await turn();
  assertEquals(await test.end([100, 0], true), "0 (100, 1)");
});

Deno.test("TransactionCoordinator counts its ids by state, and knows the oldest open transaction", async () => {
  await using test = await TestTransactions.start({ "transaction.max.timeout.ms": 2 ** 31 - 1 });
  const startMs = test.clock.now();
  for (const [i, id] of ["a", "b", "c", "d"].entries()) {
    await test.init(undefined, id, 2 ** 31 - 1);
    if (i < 3) await test.add([100 + i, 0], [0], id);
    test.clock.advance(1000);
  }
  const told = () => {
    const { stateCounts, oldestStartMs } = test.coordinator;
    return [...stateCounts, oldestStartMs === undefined ? undefined : oldestStartMs - startMs];
  };
  assertEquals(told(), [1, 3, 0, 0, 0, 0, 0]);
  // What is added later does not make a transaction younger, nor its record older.
  await test.add([100, 0], [1], "a");
  assertEquals(told(), [1, 3, 0, 0, 0, 0, 0]);
  await test.restart();
  assertEquals(told(), [1, 3, 0, 0, 0, 0, 0]);
  await test.end([100, 0], true, { id: "a" });
  await turn();
  assertEquals(told(), [1, 2, 0, 0, 1, 0, 1000]);
  for (const id of ["b", "c"]) await test.init(undefined, id);
  await turn();
  assertEquals(told(), [1, 0, 0, 0, 1, 2, undefined]);
  await test.coordinator.close();
  assertEquals([told(), test.coordinator.memoryBytes], [[0, 0, 0, 0, 0, 0, undefined], 0]);
});

Deno.test("TransactionCoordinator refuses ids beyond its memory, and forgets the longest unused early", async () => {
  const day = 24 * 3600_000;
  await using test = await TestTransactions.start({
    "transactional.ids.max.bytes": 1 << 20,
    "transaction.remove.expired.transaction.cleanup.interval.ms": 2 ** 31 - 1,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 2 ** 31 - 1,
  });
  const { coordinator, clock } = test;
  const name = (i: number) => `${i}`.padStart(6, "0") + "x".repeat(10_000);
  const fill = async (from: number) => {
    for (let i = from;; i++) {
      if (await test.init(undefined, name(i)) === "15") return i;
      assert(coordinator.memoryBytes <= 1 << 20);
    }
  };
  const count = await fill(0);
  assertEquals(count, 51);
  assertStringIncludes(test.lines.join(), "transactional.ids.max.bytes");
  await turn();
  // All of them may be in use; known ones are served.
  assertEquals(await test.init(undefined, name(0)), "0 (100, 1)");
  assertEquals(await test.init(undefined, name(count)), "15");
  clock.advance(2 * day);
  for (let i = 0; i < 40; i++) await test.init(undefined, name(i));
  assertEquals(await test.init(undefined, name(count)), "15");
  await turn();
  assertEquals(coordinator.transaction(name(45)), undefined);
  assertEquals(coordinator.transaction(name(0))?.producerId, 100);
  assert((await test.init(undefined, name(count))).startsWith("0"));
  assertEquals(test.lines.length, 2);
  // So do the partitions of open transactions.
  const indexes = Array.from({ length: 30_000 }, (_, index) => index);
  assertEquals(await test.add([100, 2], indexes, name(0)), 15);
  assertEquals(await test.add([100, 2], [0], name(0)), 0);
});

Deno.test("TransactionCoordinator ends an abort of nothing, and a transaction whose partitions are deleted", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  assertEquals(await test.end(FIRST, false), "0 (100, 1)");
  assertEquals(stateOf(test), "CompleteAbort");
  assertEquals(test.transport.requests, []);
  await test.add(SECOND, [0]);
  test.transport.leaders.set("t-0", undefined);
  assertEquals(await test.end(SECOND), "0 (100, 2)");
  await turn();
  assertEquals(stateOf(test), "CompleteCommit");
  assertEquals(await test.add(THIRD, [1]), 0);
});

Deno.test("TransactionCoordinator writes again that a transaction is complete, if that failed", async () => {
  await using test = await TestTransactions.start();
  await test.init();
  await test.add(FIRST);
  const gate = Promise.withResolvers<void>();
  test.transport.gate = gate.promise;
  await test.end(FIRST);
  await turn();
  test.log.nextFailure = new ApiError(ErrorCode.NOT_ENOUGH_REPLICAS);
  gate.resolve();
  await turn();
  assertEquals(stateOf(test), "PrepareCommit");
  test.clock.advance(1000);
  assertEquals(stateOf(test), "CompleteCommit");
  assertEquals(test.coordinator.waitingMarkerCount, 0);
});

Deno.test("TransactionCoordinator answers COORDINATOR_NOT_AVAILABLE while there are no producer ids", async () => {
  await using test = await TestTransactions.start();
  const { topic, transport, config, clock } = test;
  const { TransactionCoordinator } = await import("./transaction_coordinator.ts");
  await using coordinator = TransactionCoordinator.start({
    topic,
    transport,
    config,
    clock,
    producerIds: { next: () => Promise.reject(new Error("The store is away")) },
    logger: { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} },
  });
  await coordinator.loaded();
  const { errorCode } = await coordinator.initProducer("y", {
    timeoutMs: 1000,
    producer: undefined,
  });
  assertEquals(errorCode, ErrorCode.COORDINATOR_NOT_AVAILABLE);
});

Deno.test("TransactionCoordinator.close() leaves no timer", async () => {
  const test = await TestTransactions.start();
  await test.init();
  await test.add(FIRST);
  test.transport.isDown = true;
  await test.end(FIRST);
  await turn();
  assert(test.clock.timerCount > 0);
  await test.coordinator.close();
  await test.coordinator.close();
  assertEquals(test.clock.timerCount, 0);
});
