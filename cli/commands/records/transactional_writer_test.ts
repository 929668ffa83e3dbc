import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { NO_ANSWER } from "../../../client/testing/fake_cluster.ts";
import { FLOWS, setupTransactions } from "../../../client/testing/transaction_setup.ts";
import { TransactionOutcomeError } from "../../../client/mod.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { endTxn } from "../../../protocol/messages/mod.ts";
import { testContext } from "../../terminal/test_context.ts";
import { CommandTest, runIn } from "../testing.ts";
import { Deliveries } from "./produce_deliveries.ts";
import { TransactionalWriter } from "./transactional_writer.ts";

async function committed(test: CommandTest): Promise<string> {
  return await test.output("consume a -e --isolation read_committed");
}

Deno.test("produce --transactional-id writes its input as one transaction", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a");
  const text = await test.output("produce a --transactional-id t", { stdin: "1\n2\n3\n" });
  assertEquals(text.split("\n")[1]?.trim().split(/ +/), ["a", "0", "3", "0", "2"]);
  assertEquals(await committed(test), "1\n2\n3\n");
  // A marker follows the messages, and takes an offset.
  await using client = test.client();
  assertEquals((await client.admin().listOffsets("a"))[0]!.offset, 4);
});

Deno.test("produce --per writes transactions of so many messages", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a");
  const stdin = Array.from({ length: 10 }, (_, i) => `${i}\n`).join("");
  const text = await test.output("produce a --transactional-id t --per 4", { stdin });
  assertEquals(text.split("\n")[1]?.trim().split(/ +/), ["a", "0", "10", "0", "11"]);
  assertEquals(await committed(test), stdin);
  const offsets = await test.output("consume a -e --isolation read_committed -f %o\\n");
  assertEquals(offsets.split("\n").slice(3, 5), ["3", "5"]);
  await test.output("produce a --transactional-id t --per 1 -m x --count 2 --output json");
});

Deno.test("produce --transactional-id aborts when a message is refused", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a");
  const stdin = '{"value":"1"}\n{"value":"2","partition":7}\n{"value":"3"}\n';
  const line = "produce a --input json --keep-partitions --transactional-id t";
  const { code, stdout, stderr } = await test.run(line, { stdin });
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, "there is no partition 7");
  assertStringIncludes(stderr, "the last transaction was aborted");
  assertEquals(await committed(test), "");
  // With --per, what was committed before stays.
  const after = await test.run(`${line} --per 1`, { stdin });
  assertEquals(after.code, 1);
  assertEquals(await committed(test), "1\n");
});

Deno.test("produce --transactional-id aborts on Ctrl-C and on invalid input", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a");
  const invalid = await test.run("produce a --input json --transactional-id t", {
    stdin: '{"value":"1"}\n{"value":\n',
  });
  assertEquals(invalid.code, 1);
  assertStringIncludes(invalid.stderr, "the last transaction was aborted");
  const context = test.context();
  const typed = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("1\n"));
    },
    pull() {
      context.stop.abort(new DOMException("Ctrl-C", "AbortError"));
    },
  });
  const { code } = await runIn(
    { ...context, stdin: typed } as typeof context,
    "produce a --transactional-id t",
  );
  assertEquals(code, 130);
  assertEquals(await committed(test), "");
});

Deno.test("TransactionalWriter.abort() does not call a transaction aborted that may be committed", async () => {
  for (const isInterrupted of [true, false]) {
    await using test = setupTransactions(FLOWS[1]);
    const context = testContext();
    using deliveries = new Deliveries(context, "table", () => {}, true);
    const writer = new TransactionalWriter(test.producer, deliveries, Infinity, context.signal);
    await writer.write([{ topic: "a", value: "1" }]);
    test.cluster.once(endTxn, async (_request, { usual }) => {
      const answer = await usual();
      if (!isInterrupted) return { ...answer, errorCode: ErrorCode.UNKNOWN_SERVER_ERROR };
      context.stop.abort(new DOMException("Ctrl-C", "AbortError"));
      return NO_ANSWER;
    });
    const error = await assertRejects(() => writer.commit());
    assertEquals(error === context.signal.reason, isInterrupted);
    assertEquals(error instanceof TransactionOutcomeError, !isInterrupted);
    assertEquals(await writer.abort(), "unknown");
    assertEquals(await writer.abort(), undefined);
    assertEquals(await test.committed(), ["1"]);
  }
  await using test = setupTransactions(FLOWS[1]);
  const context = testContext();
  using deliveries = new Deliveries(context, "table", () => {}, true);
  const writer = new TransactionalWriter(test.producer, deliveries, Infinity, context.signal);
  await writer.write([{ topic: "a", value: "1" }]);
  assertEquals(await writer.abort(), "aborted");
});

Deno.test("produce refuses flags that transactions do not allow", async () => {
  await using test = await CommandTest.start();
  const lines = [
    "produce a -m x --per 2",
    "produce a -m x --transaction-timeout 5s",
    "produce a -m x --transactional-id t --acks 1",
    ["produce", "a", "-m", "x", "--transactional-id", ""],
  ];
  for (const line of lines) assertEquals((await test.run(line)).code, 2, `${line}`);
});

Deno.test("consume --isolation ends at the last stable offset, also as a member of a group", async () => {
  await using test = await CommandTest.start({ "group.initial.rebalance.delay.ms": 0 });
  await using client = test.client();
  await client.admin().createTopic({ name: "a" });
  await test.output("produce a -m before");
  await using producer = client.producer({ transactionalId: "t" });
  await using transaction = await producer.begin();
  await transaction.send({ topic: "a", value: "open" });
  await test.output("produce a -m after");
  const all = "before\nopen\nafter\n";
  assertEquals(await test.output("consume a -e"), all);
  assertEquals(await test.output("consume a -e --isolation read_uncommitted"), all);
  assertEquals(await test.output("consume a -e --read-committed"), "before\n");
  const { stdout } = await test.run("consume a -e -g g --isolation read_committed");
  assertEquals(stdout, "before\n");
  await transaction.abort();
  assertEquals(await test.output("consume a -e --isolation read_committed"), "before\nafter\n");
  assertEquals((await test.run("consume a --isolation both")).code, 2);
  const both = await test.run("consume a --read-committed --isolation read_uncommitted");
  assertEquals(both.code, 2);
});
