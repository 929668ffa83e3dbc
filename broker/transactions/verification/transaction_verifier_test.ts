import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { silentLogger } from "../../logger.ts";
import { ManualClock } from "../../time/clock.ts";
import { TransactionVerifier } from "./transaction_verifier.ts";
import { TestCoordinators } from "./verification_testing.ts";

const { CONCURRENT_TRANSACTIONS, NETWORK_EXCEPTION } = ErrorCode;

function open() {
  const clock = new ManualClock();
  const here = new TestCoordinators();
  const there = new TestCoordinators();
  const verifier = new TransactionVerifier({
    nodeId: 0,
    coordinators: here,
    ask: (_, requests) => there.verifyOrAdd(requests),
    retryBackoffMs: () => 20,
    maxRetryMs: () => 100,
    clock,
    logger: silentLogger,
  });
  return { clock, here, there, verifier };
}

const ADD = { transactionalId: "x", producerId: 7, producerEpoch: 1, isVerifyOnly: false };
const VERIFY = { ...ADD, isVerifyOnly: true };

async function turn(): Promise<void> {
  for (let i = 0; i < 100; i++) await undefined;
}

/** The value of a promise, once it has one. */
function watch<T>(promise: Promise<T>): { value?: T } {
  const watched: { value?: T } = {};
  promise.then((value) => watched.value = value);
  return watched;
}

Deno.test("TransactionVerifier.ensure() asks once for each transaction of a turn", async () => {
  const { here, verifier } = open();
  here.codes.set("t-1", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const other = { ...ADD, transactionalId: "y", producerId: 8 };
  const codes = await Promise.all([
    verifier.ensure(ADD, "t", 0),
    verifier.ensure(ADD, "t", 1),
    verifier.ensure(ADD, "t", 0),
    verifier.ensure(other, "t", 0),
    verifier.ensure(VERIFY, "t", 0),
    verifier.ensure({ ...ADD, producerEpoch: 2 }, "t", 0),
  ]);
  assertEquals(codes, [0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0, 0, 0, 0]);
  assertEquals(here.asked, [
    "x 7/1 add t-0 t-1",
    "y 8/1 add t-0",
    "x 7/1 verify t-0",
    "x 7/2 add t-0",
  ]);
  await verifier.ensure(ADD, "t", 0);
  assertEquals(here.asked.length, 5, "answers are not kept: the log knows what is open");
});

Deno.test("TransactionVerifier.ensure() sends one request to the broker that coordinates", async () => {
  const { here, there, verifier } = open();
  here.nodeId = 3;
  there.codes.set("t-1", ErrorCode.PRODUCER_FENCED);
  const codes = await Promise.all([
    verifier.ensure(ADD, "t", 0),
    verifier.ensure({ ...ADD, transactionalId: "y" }, "t", 1),
    verifier.ensure({ ...ADD, producerEpoch: 2 }, "t", 2),
  ]);
  assertEquals(codes, [0, ErrorCode.PRODUCER_FENCED, 0]);
  // A transactional id is in a request once.
  assertEquals(there.asked, ["x 7/1 add t-0, y 7/1 add t-1", "x 7/2 add t-2"]);
  assertEquals(here.asked, []);
});

Deno.test("TransactionVerifier.ensure() waits until the coordinator here has ended the last transaction", async () => {
  const { here, clock, verifier } = open();
  const settled = Promise.withResolvers<void>();
  here.settling = settled.promise;
  here.code = CONCURRENT_TRANSACTIONS;
  const answer = watch(verifier.ensure(ADD, "t", 0));
  await turn();
  clock.advance(50);
  await turn();
  assertEquals([answer.value, here.asked.length], [undefined, 1]);
  here.code = ErrorCode.NONE;
  here.settling = undefined;
  settled.resolve();
  await turn();
  assertEquals([answer.value, here.asked.length], [0, 2]);
});

Deno.test("TransactionVerifier.ensure() waits no longer than the retries may take", async () => {
  const { here, clock, verifier } = open();
  here.settling = new Promise(() => {});
  here.code = CONCURRENT_TRANSACTIONS;
  const answer = watch(verifier.ensure(ADD, "t", 0));
  await turn();
  clock.advance(99);
  await turn();
  assertEquals(answer.value, undefined);
  clock.advance(1);
  await turn();
  assertEquals([answer.value, here.asked.length], [CONCURRENT_TRANSACTIONS, 2]);
});

Deno.test("TransactionVerifier.ensure() asks again at once if the coordinator has settled by now", async () => {
  const { here, clock, verifier } = open();
  here.code = CONCURRENT_TRANSACTIONS;
  const answer = watch(verifier.ensure(ADD, "t", 0));
  await turn();
  here.code = ErrorCode.NONE;
  clock.advance(1);
  await turn();
  assertEquals(answer.value, 0);
});

Deno.test("TransactionVerifier.ensure() asks another broker again after the backoff, and follows the coordinator", async () => {
  const { here, there, clock, verifier } = open();
  here.nodeId = 3;
  there.code = CONCURRENT_TRANSACTIONS;
  there.codes.set("t-1", ErrorCode.NONE);
  const answers = [0, 1].map((index) => watch(verifier.ensure(ADD, "t", index)));
  await turn();
  clock.advance(19);
  await turn();
  assertEquals(answers.map(({ value }) => value), [undefined, 0]);
  assertEquals(there.asked, ["x 7/1 add t-0 t-1"]);
  clock.advance(1);
  await turn();
  assertEquals(there.asked, ["x 7/1 add t-0 t-1", "x 7/1 add t-0"]);
  here.nodeId = 0;
  clock.advance(20);
  await turn();
  assertEquals([here.asked, answers[0]!.value], [["x 7/1 add t-0"], 0]);
});

Deno.test("TransactionVerifier.ensure() asks a broker again at once that has waited itself", async () => {
  const { here, there, clock, verifier } = open();
  here.nodeId = 3;
  there.code = CONCURRENT_TRANSACTIONS;
  const gate = Promise.withResolvers<void>();
  there.gate = gate.promise;
  const answer = watch(verifier.ensure(ADD, "t", 0));
  await turn();
  clock.advance(20);
  gate.resolve();
  await turn();
  assertEquals(there.asked.length >= 2, true);
  there.code = ErrorCode.NONE;
  clock.advance(20);
  await turn();
  assertEquals(answer.value, 0);
});

Deno.test("TransactionVerifier.ensure() does not ask again to verify, nor about other errors", async () => {
  const { here, verifier } = open();
  here.code = CONCURRENT_TRANSACTIONS;
  assertEquals(await verifier.ensure(VERIFY, "t", 0), CONCURRENT_TRANSACTIONS);
  for (const code of [14, 15, 16, 47, 48, 49, 90, 120]) {
    here.code = code;
    assertEquals(await verifier.ensure(ADD, "t", 0), code);
  }
  assertEquals(here.asked.length, 9);
});

Deno.test("TransactionVerifier.ensure() returns an error if nobody coordinates or responds", async () => {
  const { here, there, verifier } = open();
  here.nodeId = undefined;
  assertEquals(await verifier.ensure(ADD, "t", 0), ErrorCode.COORDINATOR_NOT_AVAILABLE);
  here.nodeId = 3;
  there.gate = Promise.reject(new Error("lost"));
  assertEquals(await verifier.ensure(ADD, "t", 0), NETWORK_EXCEPTION);
});

Deno.test("TransactionVerifier.ensure() returns NETWORK_EXCEPTION if a coordinator takes too long", async () => {
  const { here, there, clock, verifier } = open();
  here.gate = there.gate = new Promise(() => {});
  const local = watch(verifier.ensure(ADD, "t", 0));
  await turn();
  here.nodeId = 3;
  const remote = watch(verifier.ensure(ADD, "t", 0));
  await turn();
  clock.advance(9999);
  await turn();
  assertEquals([local.value, remote.value], [undefined, undefined]);
  clock.advance(1);
  await turn();
  assertEquals([local.value, remote.value], [NETWORK_EXCEPTION, NETWORK_EXCEPTION]);
});

Deno.test("TransactionVerifier.close() ends all waits", async () => {
  const { here, verifier } = open();
  here.code = CONCURRENT_TRANSACTIONS;
  here.settling = new Promise(() => {});
  const settling = verifier.ensure(ADD, "t", 0);
  await turn();
  here.gate = new Promise(() => {});
  const asking = verifier.ensure(ADD, "t", 1);
  await turn();
  verifier.close();
  assertEquals(await Promise.all([settling, asking]), [NETWORK_EXCEPTION, NETWORK_EXCEPTION]);
  assertEquals(await verifier.ensure(ADD, "t", 0), NETWORK_EXCEPTION);
});
