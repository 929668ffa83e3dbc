import { assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { endTxn, offsetFetch, produce, txnOffsetCommit } from "../../protocol/messages/mod.ts";
import { DqueueError, KafkaError, UsageError } from "../errors.ts";
import { refuse, setup, texts, write } from "../testing/client_setup.ts";
import { FakeClassicGroup } from "../testing/fake_classic_group.ts";
import { NO_ANSWER } from "../testing/fake_cluster.ts";
import { FakeTransactions } from "../testing/fake_transactions.ts";
import { type Flow, FLOWS } from "../testing/transaction_setup.ts";
import { ProducerFencedError } from "../transactions/mod.ts";
import type { TransformFunction, TransformOptions } from "./transform_options.ts";

/** A cluster with topics `a` and `b` of one partition, and a group and a coordinator. */
function setupTransform(flow: Flow = FLOWS[1]) {
  const test = setup(
    { topics: { a: 1, b: 1 }, features: flow.features },
    { timeoutMs: 200 },
  );
  const group = new FakeClassicGroup(test.cluster);
  const transactions = new FakeTransactions(test.cluster, group);
  const retries: DqueueError[] = [];
  return {
    ...test,
    group,
    transactions,
    /** The errors after which a transaction was repeated. */
    retries,
    transform(run: TransformFunction, options: Partial<TransformOptions> = {}) {
      return test.client.transform({
        from: "a",
        to: "b",
        group: "g",
        transactionalId: "t",
        onRetry: (error) => retries.push(error),
        ...options,
      }, run);
    },
    /** Resolves with the committed values of `b` once there are `count`. */
    async outputs(count: number): Promise<string[]> {
      await using consumer = test.client.consumer({ isolation: "read_committed" });
      await consumer.subscribe("b");
      const found: string[] = [];
      while (found.length < count) found.push(...texts(await consumer.poll()));
      return found;
    },
  };
}

for (const flow of FLOWS) {
  Deno.test(`Transform writes what its function makes, with the offsets: ${flow.name}`, async () => {
    await using test = setupTransform(flow);
    write(test.cluster, "a", 0, ["1", "2", "3"]);
    const work = test.transform((message) => `made of ${message.text()}`);
    assertEquals(await test.outputs(3), ["made of 1", "made of 2", "made of 3"]);
    write(test.cluster, "a", 0, ["4"]);
    assertEquals((await test.outputs(4)).at(-1), "made of 4");
    await work.stop();
    assertEquals(test.group.committed.get("a-0"), 4);
    assertEquals(work.processedCount, 4);
    assertEquals(test.group.memberId, undefined);
    assertEquals(test.retries, []);
  });
}

Deno.test("Transform takes one message, several, none and values from its function", async () => {
  await using test = setupTransform();
  write(test.cluster, "a", 0, ["none", "undefined", "one", "many", "bytes", "elsewhere"]);
  test.cluster.createTopic("c", 1);
  await using work = test.transform(async (message) => {
    await Promise.resolve();
    switch (message.text()) {
      case "none":
        return null;
      case "undefined":
        return undefined;
      case "one":
        return { value: "1", key: "k" };
      case "many":
        return ["2", { value: "3" }];
      case "bytes":
        return Uint8Array.of(52);
      default:
        return { topic: "c", value: "5" };
    }
  });
  assertEquals(await test.outputs(4), ["1", "2", "3", "4"]);
  await work.stop();
  assertEquals(test.cluster.log("c").values(), ["5"]);
});

/** What fails once, after some messages were written. */
const FAILURES: readonly [name: string, fail: (test: ReturnType<typeof setupTransform>) => void][] =
  [
    ["a produce request times out at the coordinator", ({ cluster }) => {
      cluster.once(produce, refuse(ErrorCode.INVALID_PRODUCER_EPOCH));
    }],
    ["the transaction is aborted by the coordinator", ({ cluster, transactions }) => {
      cluster.once(produce, async (_request, { usual }) => {
        const answer = await usual();
        transactions.timeOut("t");
        return answer;
      });
    }],
    ["the group refuses the offsets", ({ cluster }) => {
      cluster.once(txnOffsetCommit, ({ topics }) => ({
        topics: topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({
            partitionIndex,
            errorCode: ErrorCode.ILLEGAL_GENERATION,
          })),
        })),
      }));
    }],
    ["the commit is executed, and not answered", ({ cluster }) => {
      cluster.once(endTxn, async (_request, { usual }) => {
        await usual();
        return NO_ANSWER;
      });
      // The connection must not stay blocked.
      cluster.once(endTxn, () => NO_ANSWER);
    }],
    ["the offsets are unstable for a while", ({ cluster }) => {
      cluster.once(produce, refuse(ErrorCode.TRANSACTION_ABORTABLE));
      cluster.once(offsetFetch, ({ groups }) => ({
        groups: [{
          groupId: groups[0]!.groupId,
          errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT,
          topics: [],
        }],
      }));
    }],
  ];

for (const [name, fail] of FAILURES) {
  for (const flow of FLOWS) {
    Deno.test(`Transform processes each message once when ${name}: ${flow.name}`, async () => {
      await using test = setupTransform(flow);
      write(test.cluster, "a", 0, ["1"]);
      const work = test.transform((message) => message.text());
      await test.outputs(1);
      fail(test);
      write(test.cluster, "a", 0, ["2", "3"]);
      if (name.includes("not answered")) {
        await test.cluster.untilReceived(endTxn, 2);
        await new Promise((resolve) => {
          const id = setInterval(() => {
            if (test.retries.length === 0) return;
            clearInterval(id);
            test.cluster.disconnect();
            resolve(undefined);
          }, 1);
        });
      }
      write(test.cluster, "a", 0, ["4"]);
      assertEquals(await test.outputs(4), ["1", "2", "3", "4"]);
      await work.stop();
      assertEquals(test.group.committed.get("a-0"), 4);
    });
  }
}

Deno.test("Transform ends with the error of its function, and commits nothing of the transaction", async () => {
  await using test = setupTransform();
  write(test.cluster, "a", 0, ["1", "2"]);
  const reason = new TypeError("no such customer");
  const work = test.transform((message) => {
    if (message.text() === "2") throw reason;
    return message.text();
  });
  assertEquals(await assertRejects(() => work.finished), reason);
  assertEquals(test.group.committed.get("a-0"), undefined);
  await work.close();
  // Again has no effect; the caller that awaits `finished` has the error.
  await work[Symbol.asyncDispose]();
  const next = test.transform((message) => message.text());
  assertEquals(await test.outputs(2), ["1", "2"]);
  await next.stop();
});

Deno.test("Transform ends when repeating would change nothing", async () => {
  await using test = setupTransform();
  write(test.cluster, "a", 0, ["1"]);
  test.cluster.once(produce, refuse(ErrorCode.MESSAGE_TOO_LARGE));
  const refused = await assertRejects(() => test.transform((message) => message.text()).finished);
  const { cause } = refused as Error;
  assertInstanceOf(cause, DqueueError);
  assertEquals(cause.code, "MESSAGE_TOO_LARGE");
  await assertRejects(
    () => test.transform(() => ({ topic: "none", value: "" })).finished,
    Error,
    "UNKNOWN_TOPIC_OR_PARTITION",
  );
  const { client } = test;
  const options = { from: "a", group: "g", transactionalId: "t" };
  await assertRejects(
    () => test.transform(() => null, { from: "none" }).finished,
    KafkaError,
    "UNKNOWN_TOPIC_OR_PARTITION",
  );
  await assertRejects(() => client.transform(options, () => "x").finished, UsageError, "no topic");
  assertEquals(test.retries, []);
});

Deno.test("Transform that is fenced by another instance ends, and tells why", async () => {
  await using test = setupTransform();
  const entered = Promise.withResolvers<void>();
  const fenced = Promise.withResolvers<void>();
  write(test.cluster, "a", 0, ["1"]);
  const work = test.transform(async (message) => {
    entered.resolve();
    await fenced.promise;
    return message.text();
  });
  await entered.promise;
  await using other = test.client.producer({ transactionalId: "t" });
  await using _ = await other.begin();
  fenced.resolve();
  await assertRejects(() => work.finished, ProducerFencedError);
});

Deno.test("Transform.stop() ends after the transaction in progress, also by a signal or with its client", async (t) => {
  const stops = ["stop()", "signal", "client.close()"] as const;
  for (const how of stops) {
    await t.step(how, async () => {
      await using test = setupTransform();
      const stopping = new AbortController();
      const entered = Promise.withResolvers<void>();
      const stopped = Promise.withResolvers<void>();
      write(test.cluster, "a", 0, ["1", "2"]);
      const work = test.transform(async (message) => {
        entered.resolve();
        await stopped.promise;
        return message.text();
      }, { signal: stopping.signal });
      await entered.promise;
      const ended = how === "stop()"
        ? work.stop()
        : how === "signal"
        ? (stopping.abort(), work.finished)
        : test.client.close();
      stopped.resolve();
      await ended;
      assertEquals(test.group.committed.get("a-0"), 2);
      assertEquals(test.cluster.log("b").values(), ["1", "2"]);
    });
  }
});

Deno.test("Transform without messages stops at once, and refuses invalid options", async () => {
  await using test = setupTransform();
  {
    await using _ = test.transform((message) => message.text());
  }
  const wrong: [Partial<TransformOptions>, string][] = [
    [{ transactionalId: "" }, "transactionalId"],
    [{ group: "" }, "groupId"],
    [{ to: "" }, '""'],
    [{ maxMessages: 0 }, "maxMessages"],
    [{ from: [] }, "topics"],
    [{ topic: "a" } as never, '"topic"'],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => test.transform(() => null, options), UsageError, message);
  }
});
