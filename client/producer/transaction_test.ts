import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  addPartitionsToTxn,
  endTxn,
  findCoordinator,
  initProducerId,
  produce,
} from "../../protocol/messages/mod.ts";
import { ClosedError, DqueueError, KafkaError, UsageError } from "../errors.ts";
import { refuse } from "../testing/client_setup.ts";
import { DISCONNECT, NO_ANSWER } from "../testing/fake_cluster.ts";
import {
  type Flow,
  FLOWS,
  setupTransactions,
  type TransactionSetup,
} from "../testing/transaction_setup.ts";
import {
  ProducerFencedError,
  TransactionAbortableError,
  TransactionOutcomeError,
} from "../transactions/mod.ts";

/** Runs a test in both flows. */
function inBothFlows(name: string, run: (flow: Flow) => Promise<void>): void {
  Deno.test(name, async (t) => {
    for (const flow of FLOWS) await t.step(flow.name, () => run(flow));
  });
}

/** The epoch, the first sequence number and the version of each Produce request. */
function produced({ cluster }: TransactionSetup) {
  return cluster.received(produce).map(({ body, version }) => ({
    transactionalId: body.transactionalId,
    partitions: body.topicData.flatMap(({ partitionData }) => partitionData.length),
    version,
  }));
}

inBothFlows(
  "Transaction.commit() makes all messages visible, in the cluster's flow",
  async (flow) => {
    await using test = setupTransactions(flow);
    const { producer, cluster } = test;
    for (const round of [1, 2]) {
      await using tx = await producer.begin();
      assertEquals(tx.state, "open");
      tx.send({ topic: "a", value: `a${round}` });
      await tx.sendBatch([{ topic: "b", value: `b${round}` }, { topic: "b", value: `c${round}` }]);
      assertEquals(await test.committed("a"), round === 1 ? [] : ["a1"]);
      await tx.commit();
      assertEquals(tx.state, "committed");
    }
    assertEquals(await test.committed("a"), ["a1", "a2"]);
    assertEquals(await test.committed("b"), ["b1", "c1", "b2", "c2"]);
    for (const { version, transactionalId } of produced(test)) {
      assertEquals(transactionalId, "t");
      assertEquals(version >= 12, flow.isImplicit);
    }
    for (const { version } of cluster.received(endTxn)) assertEquals(version >= 5, flow.isImplicit);
    const added = cluster.received(addPartitionsToTxn);
    assertEquals(added.length > 0, !flow.isImplicit);
    for (const { version } of added) assert(version <= 3);
    const epochs = cluster.log("a").batches.filter(({ isControl }) => !isControl)
      .map(({ producerEpoch, baseSequence }) => [producerEpoch, baseSequence]);
    // Each transaction of the newer flow has an epoch, in which the sequence starts over.
    assertEquals(epochs, flow.isImplicit ? [[0, 0], [1, 0]] : [[0, 0], [0, 1]]);
  },
);

inBothFlows(
  "Transaction.abort() hides all messages, and so does leaving the scope",
  async (flow) => {
    await using test = setupTransactions(flow);
    {
      await using tx = await test.producer.begin();
      await tx.send({ topic: "a", value: "aborted" });
      await tx.abort();
      assertEquals(tx.state, "aborted");
      // Again has no effect.
      await tx.abort();
    }
    {
      await using tx = await test.producer.begin();
      await tx.send({ topic: "a", value: "left" });
    }
    {
      await using tx = await test.producer.begin();
      tx.send({ topic: "a", value: "kept" });
      await tx.commit();
    }
    assertEquals(await test.committed(), ["kept"]);
    assertEquals(test.cluster.log("a").values(), ["aborted", "left", "kept"]);
  },
);

inBothFlows(
  "Transaction.abort() drops messages that are not written, and continues",
  async (flow) => {
    await using test = setupTransactions(flow);
    const tx = await test.producer.begin();
    const sent = tx.send({ topic: "a", value: "dropped" });
    await tx.abort();
    await assertRejects(() => sent, UsageError, "it was aborted");
    await using next = await test.producer.begin();
    await next.send({ topic: "a", value: "kept" });
    await next.commit();
    assertEquals(await test.committed(), ["kept"]);
  },
);

inBothFlows("Transaction ends without a request if nothing was sent", async (flow) => {
  await using test = setupTransactions(flow);
  await (await test.producer.begin()).commit();
  await (await test.producer.begin()).abort();
  assertEquals(test.cluster.received(endTxn), []);
});

inBothFlows(
  "Transaction.commit() fails if a message could not be sent, and the next succeeds",
  async (flow) => {
    await using test = setupTransactions(flow);
    const tx = await test.producer.begin();
    await tx.send({ topic: "a", value: "before" });
    test.cluster.once(produce, refuse(ErrorCode.MESSAGE_TOO_LARGE));
    // Nothing awaits it.
    tx.send({ topic: "b", value: "refused" });
    const error = await assertRejects(
      () => tx.commit(),
      TransactionAbortableError,
      "MESSAGE_TOO_LARGE",
    );
    assertEquals(error.retriable, false);
    assertInstanceOf(error.cause, KafkaError);
    assertEquals(tx.state, "failed");
    const late = await assertRejects(() => tx.send({ topic: "a", value: "late" }));
    assertEquals(late, error);
    assertEquals(await assertRejects(() => tx.commit()), error);
    assertEquals(test.cluster.received(endTxn), []);
    await tx.abort();
    await using next = await test.producer.begin();
    next.send({ topic: "a", value: "after" });
    next.send({ topic: "b", value: "after" });
    await next.commit();
    assertEquals(await test.committed("a"), ["after"]);
    assertEquals(await test.committed("b"), ["after"]);
  },
);

inBothFlows("Transaction.commit() fails for messages that were never accepted", async (flow) => {
  const wrong = { topic: "a", value: 42 as unknown as string };
  const cases: [
    string,
    (tx: Awaited<ReturnType<TransactionSetup["producer"]["begin"]>>) => void,
  ][] = [
    ["send() of a number", (tx) => void tx.send(wrong)],
    ["sendBatch() with a number", (tx) => void tx.sendBatch([{ topic: "a", value: "" }, wrong])],
    ["sendBatch() of no list", (tx) => void tx.sendBatch("x" as unknown as [])],
    ["an unknown topic", (tx) => void tx.send({ topic: "none", value: "" })],
    ["an unknown partition", (tx) => void tx.send({ topic: "a", partition: 7, value: "" })],
  ];
  for (const [name, send] of cases) {
    await using test = setupTransactions(flow);
    await using tx = await test.producer.begin();
    send(tx);
    await assertRejects(() => tx.commit(), TransactionAbortableError, undefined, name);
  }
});

inBothFlows("Transaction.commit() repeats an EndTxn without an answer as it was", async (flow) => {
  for (const isExecuted of [true, false]) {
    await using test = setupTransactions(flow);
    const tx = await test.producer.begin();
    await tx.send({ topic: "a", value: "1" });
    test.cluster.once(endTxn, async (_request, { usual }) => {
      if (isExecuted) await usual();
      return DISCONNECT;
    });
    await tx.commit();
    assertEquals(await test.committed(), ["1"]);
    const ends = test.cluster.received(endTxn);
    assertEquals(ends.length, 2);
    assertEquals(ends[0]!.body, ends[1]!.body);
    // In the older flow the first copy could end the next transaction, which has the same epoch.
    const inits = test.cluster.received(initProducerId).length;
    await using next = await test.producer.begin();
    assertEquals(test.cluster.received(initProducerId).length, inits + (flow.isImplicit ? 0 : 1));
    await next.send({ topic: "a", value: "2" });
    await next.commit();
    assertEquals(await test.committed(), ["1", "2"]);
  }
});

inBothFlows(
  "Transaction.commit() that is not answered in time can be called again",
  async (flow) => {
    await using test = setupTransactions(flow);
    await using tx = await test.producer.begin();
    await tx.send({ topic: "a", value: "1" });
    test.cluster.once(endTxn, async (_request, { usual }) => {
      await usual();
      return NO_ANSWER;
    });
    const error = await assertRejects(() => tx.commit({ timeoutMs: 20 }), TransactionOutcomeError);
    assertEquals(error.retriable, true);
    assertEquals(tx.state, "unknown");
    await assertRejects(() => test.producer.begin(), UsageError);
    test.cluster.disconnect();
    await tx.commit();
    assertEquals(tx.state, "committed");
    assertEquals(await test.committed(), ["1"]);
  },
);

inBothFlows(
  "Producer.begin() after a commit without an answer initializes, and never aborts",
  async (flow) => {
    for (const isExecuted of [true, false]) {
      await using test = setupTransactions(flow);
      const tx = await test.producer.begin();
      await tx.send({ topic: "a", value: "1" });
      test.cluster.once(endTxn, async (_request, { usual }) => {
        if (isExecuted) await usual();
        return NO_ANSWER;
      });
      await assertRejects(() => tx.commit({ timeoutMs: 20 }), TransactionOutcomeError);
      test.cluster.disconnect();
      await assertRejects(() => tx.abort(), TransactionOutcomeError);
      await using next = await test.producer.begin();
      await next.send({ topic: "a", value: "2" });
      await next.commit();
      assertEquals(await test.committed(), isExecuted ? ["1", "2"] : ["2"]);
      // No abort followed the commit.
      assertEquals(test.cluster.received(endTxn).map(({ body }) => body.committed), [true, true]);
      assertEquals(test.cluster.received(initProducerId).at(-1)!.body.producerId, 1000);
    }
  },
);

inBothFlows(
  "Producer.begin() fences an earlier producer, which learns it from every call",
  async (flow) => {
    const calls: [string, (test: TransactionSetup) => Promise<unknown>][] = [
      ["commit()", async ({ producer, another }) => {
        const tx = await producer.begin();
        await tx.send({ topic: "a", value: "old" });
        await another().begin();
        await tx.commit();
      }],
      ["send() and commit()", async ({ producer, another }) => {
        const tx = await producer.begin();
        await another().begin();
        await assertRejects(() => tx.send({ topic: "a", value: "old" }), DqueueError);
        await assertRejects(() => tx.commit(), TransactionAbortableError);
        await tx.abort();
      }],
      ["abort()", async ({ producer, another }) => {
        const tx = await producer.begin();
        await tx.send({ topic: "a", value: "old" });
        await another().begin();
        await tx.abort();
      }],
      ["begin() with work", async ({ producer, another }) => {
        await (await producer.begin()).abort();
        await another().begin();
        const tx = await producer.begin();
        tx.send({ topic: "a", value: "old" });
        await tx.commit().catch((error) => {
          assertInstanceOf(error, TransactionAbortableError);
        });
        await tx.abort();
      }],
    ];
    for (const [name, call] of calls) {
      await using test = setupTransactions(flow);
      const error = await assertRejects(() => call(test), ProducerFencedError, undefined, name);
      assert(error.advice.startsWith("Stop this instance"));
      assertEquals(await assertRejects(() => test.producer.begin()), error, name);
      assertEquals(await test.committed(), [], name);
    }
  },
);

inBothFlows(
  "ProducerFencedError says that the last transaction may be committed only if a commit was not answered",
  async (flow) => {
    for (const isCommit of [true, false]) {
      await using test = setupTransactions(flow);
      const tx = await test.producer.begin();
      await tx.send({ topic: "a", value: "1" });
      test.cluster.once(endTxn, () => NO_ANSWER);
      const options = { timeoutMs: 20 };
      await assertRejects(() => isCommit ? tx.commit(options) : tx.abort(options));
      test.cluster.disconnect();
      if (isCommit) await assertRejects(() => tx.abort(), TransactionOutcomeError);
      await test.another().begin();
      const { message } = await assertRejects(() => test.producer.begin(), ProducerFencedError);
      assertEquals(message.includes("may be committed"), isCommit, message);
    }
  },
);

inBothFlows(
  "Producer.begin() aborts the transaction that an earlier producer left open",
  async (flow) => {
    await using test = setupTransactions(flow);
    const tx = await test.producer.begin();
    await tx.send({ topic: "a", value: "old" });
    await using next = await test.another().begin();
    await next.send({ topic: "a", value: "new" });
    await next.commit();
    assertEquals(await test.committed(), ["new"]);
  },
);

inBothFlows(
  "Transaction that took too long is aborted, and the producer continues",
  async (flow) => {
    const steps: [string, (test: TransactionSetup) => Promise<void>][] = [
      ["seen by commit()", async ({ producer, transactions }) => {
        const tx = await producer.begin();
        await tx.send({ topic: "a", value: "late" });
        transactions.timeOut("t");
        const error = await assertRejects(() => tx.commit(), TransactionAbortableError);
        assertEquals(error.retriable, true);
        assertEquals(tx.state, "aborted");
        await tx.abort();
      }],
      ["seen by send()", async ({ producer, transactions }) => {
        const tx = await producer.begin();
        await tx.send({ topic: "a", value: "in time" });
        transactions.timeOut("t");
        await assertRejects(() => tx.send({ topic: "a", value: "late" }), DqueueError);
        await assertRejects(() => tx.commit(), TransactionAbortableError);
        await tx.abort();
      }],
      ["seen by leaving the scope", async ({ producer, transactions }) => {
        await using tx = await producer.begin();
        await tx.send({ topic: "a", value: "late" });
        transactions.timeOut("t");
      }],
    ];
    for (const [name, step] of steps) {
      await using test = setupTransactions(flow);
      await step(test);
      await using next = await test.producer.begin();
      next.send({ topic: "a", value: "next" });
      await next.commit();
      assertEquals(await test.committed(), ["next"], name);
    }
  },
);

Deno.test("Transaction whose commit is refused as of another state was aborted by Kafka 4.2", async () => {
  await using test = setupTransactions(FLOWS[1]);
  const tx = await test.producer.begin();
  await tx.send({ topic: "a", value: "late" });
  test.transactions.timeOut("t");
  test.cluster.once(endTxn, () => ({ errorCode: ErrorCode.INVALID_TXN_STATE }));
  await assertRejects(() => tx.commit(), TransactionAbortableError);
  await using next = await test.producer.begin();
  await next.send({ topic: "a", value: "next" });
  await next.commit();
  assertEquals(await test.committed(), ["next"]);
});

inBothFlows("Producer retries what coordinators ask to retry", async (flow) => {
  const codes = [
    ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
    ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_COORDINATOR,
    ErrorCode.CONCURRENT_TRANSACTIONS,
  ];
  for (const errorCode of codes) {
    await using test = setupTransactions(flow);
    const { cluster } = test;
    const refused = { errorCode, producerId: -1, producerEpoch: -1 };
    cluster.once(initProducerId, () => refused);
    cluster.once(endTxn, () => refused);
    cluster.once(addPartitionsToTxn, ({ v3AndBelowTopics }) => ({
      resultsByTopicV3AndBelow: v3AndBelowTopics.map(({ name, partitions }) => ({
        name,
        resultsByPartition: partitions.map((partitionIndex) => ({
          partitionIndex,
          partitionErrorCode: errorCode,
        })),
      })),
    }));
    if (errorCode === ErrorCode.CONCURRENT_TRANSACTIONS) cluster.once(produce, refuse(errorCode));
    await using tx = await test.producer.begin();
    tx.send({ topic: "a", value: "1" });
    await tx.commit();
    assertEquals(await test.committed(), ["1"]);
  }
});

inBothFlows("Producer follows a coordinator that has moved", async (flow) => {
  const options = { topics: { a: 1, b: 1 }, brokers: 2 };
  await using test = setupTransactions(flow, {}, options);
  await using tx = await test.producer.begin();
  await tx.send({ topic: "a", value: "1" });
  test.transactions.coordinatorId = 1;
  await tx.commit();
  assertEquals(await test.committed(), ["1"]);
  assertEquals(test.cluster.received(endTxn).map(({ nodeId }) => nodeId), [0, 1]);
  assertEquals(
    test.cluster.received(findCoordinator).every(({ body }) => body.keyType === 1),
    true,
  );
});

inBothFlows("Producer preserves order and writes once when Produce has no answer", async (flow) => {
  await using test = setupTransactions(flow);
  const producer = test.another({ batchSize: 200, lingerMs: 0 });
  await using tx = await producer.begin();
  test.cluster.once(produce, async (_request, { usual }) => {
    await usual();
    return DISCONNECT;
  });
  const values = Array.from({ length: 40 }, (_, i) => `value number ${i} of many`);
  await tx.sendBatch(values.map((value) => ({ topic: "a", value })));
  await tx.commit();
  assertEquals(await test.committed(), values);
});

inBothFlows("Producer sends nothing between EndTxn and its answer", async (flow) => {
  await using test = setupTransactions(flow);
  await using tx = await test.producer.begin();
  await tx.send({ topic: "a", value: "1" });
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  test.cluster.once(endTxn, async (_request, { usual }) => {
    asked.resolve();
    await answer.promise;
    return await usual();
  });
  const committed = tx.commit();
  await asked.promise;
  const before = test.cluster.requests.length;
  assertEquals(tx.state, "ending");
  await assertRejects(() => tx.send({ topic: "a", value: "2" }), UsageError, "it is being ended");
  await assertRejects(() => test.producer.begin(), UsageError);
  await assertRejects(() => tx.commit(), UsageError);
  answer.resolve();
  await committed;
  assertEquals(test.cluster.requests.length, before);
  assertEquals(await test.committed(), ["1"]);
});

inBothFlows("Producer.close() aborts the transaction that is open", async (flow) => {
  await using test = setupTransactions(flow);
  const tx = await test.producer.begin();
  await tx.send({ topic: "a", value: "1" });
  await test.producer.close();
  assertEquals(test.transactions.ids.get("t")!.state, "CompleteAbort");
  await assertRejects(() => tx.commit());
  await assertRejects(() => test.producer.begin());
});

Deno.test("Producer in the older flow adds the partitions of a turn with one request", async () => {
  await using test = setupTransactions(FLOWS[0], {}, { topics: { a: 3, b: 2 } });
  await using tx = await test.producer.begin();
  await Promise.all([0, 1, 2].map((partition) => tx.send({ topic: "a", partition, value: "1" })));
  await Promise.all([0, 1, 2].map((partition) => tx.send({ topic: "a", partition, value: "2" })));
  await tx.send({ topic: "b", partition: 1, value: "3" });
  await tx.commit();
  const added = test.cluster.received(addPartitionsToTxn).map(({ body }) => body.v3AndBelowTopics);
  assertEquals(added, [
    [{ name: "a", partitions: [0, 1, 2] }],
    [{ name: "b", partitions: [1] }],
  ]);
});

Deno.test("Producer changes the flow between transactions when the cluster does", async () => {
  await using test = setupTransactions(FLOWS[0]);
  const run = async (value: string) => {
    await using tx = await test.producer.begin();
    await tx.send({ topic: "a", value });
    await tx.commit();
  };
  await run("1");
  test.cluster.features = FLOWS[1].features;
  test.cluster.disconnect();
  await run("2");
  await run("3");
  assertEquals(await test.committed(), ["1", "2", "3"]);
  assertEquals(test.cluster.received(endTxn).at(-1)!.version, 5);
});

Deno.test("Producer with a transactional id takes no messages outside of transactions", async () => {
  await using test = setupTransactions(FLOWS[1]);
  await assertRejects(() => test.producer.send({ topic: "a", value: "" }), UsageError, '"t"');
  await assertRejects(() => test.producer.sendBatch([]), UsageError);
  assertThrows(() => test.producer.writable("a"), UsageError);
  const plain = test.client.producer();
  await assertRejects(() => plain.begin(), UsageError, "no transactionalId");
});

Deno.test("Producer refuses options that transactions do not allow", async () => {
  const wrong = [
    { transactionalId: "" },
    { transactionalId: "t", acks: 1 as const },
    { transactionalId: "t", idempotence: false },
    { transactionalId: "t", transactionTimeoutMs: 0 },
    { transactionTimeoutMs: 1000 },
  ];
  await using test = setupTransactions(FLOWS[1]);
  for (const options of wrong) assertThrows(() => test.client.producer(options), UsageError);
});

Deno.test("Producer.begin() fails with the coordinator's reason, and may be called again", async () => {
  await using test = setupTransactions(FLOWS[1]);
  for (
    const errorCode of [
      ErrorCode.INVALID_TRANSACTION_TIMEOUT,
      ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ]
  ) {
    test.cluster.once(initProducerId, () => ({ errorCode, producerId: -1, producerEpoch: -1 }));
    const error = await assertRejects(() => test.producer.begin(), KafkaError);
    assertEquals(error.errorCode, errorCode);
  }
  await using tx = await test.producer.begin();
  await tx.send({ topic: "a", value: "1" });
  await tx.commit();
});

inBothFlows(
  "Producer.begin() fails with a ClosedError if the producer is closed meanwhile",
  async (flow) => {
    await using test = setupTransactions(flow);
    const asked = Promise.withResolvers<void>();
    const closed = Promise.withResolvers<void>();
    test.cluster.once(initProducerId, async (_request, { usual }) => {
      asked.resolve();
      await closed.promise;
      return await usual();
    });
    const beginning = assertRejects(() => test.producer.begin(), ClosedError, "it is closed");
    await asked.promise;
    await test.producer.close();
    closed.resolve();
    await beginning;
  },
);
