import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { addPartitionsToTxn } from "../../../protocol/messages/transactions/add_partitions_to_txn.ts";
import { describeTransactions } from "../../../protocol/messages/transactions/describe_transactions.ts";
import { listTransactions } from "../../../protocol/messages/transactions/list_transactions.ts";
import type { RequestTo } from "../../../protocol/schema/schema.ts";
import { TestBroker } from "../../broker_testing.ts";
import { describeTransactionsHandler } from "./describe_transactions.ts";
import { listTransactionsHandler } from "./list_transactions.ts";
import { addPartitionsToTxnHandler } from "./transactions.ts";

Deno.test("AddPartitionsToTxn finds no transactional id, and attempts nothing if a partition is unknown", async (t) => {
  await using broker = await TestBroker.start();
  await broker.createTopic("t");
  for (let version = 0; version <= 5; version++) {
    await t.step(`version ${version}`, async () => {
      const codes = async (...partitions: number[]) => {
        const topics = [{ name: "t", partitions }];
        const transaction = { transactionalId: "x", producerId: 1, producerEpoch: 0, topics };
        const answer = await broker.call(
          addPartitionsToTxn,
          addPartitionsToTxnHandler,
          version,
          version < 4
            ? { v3AndBelowTransactionalId: "x", v3AndBelowTopics: topics }
            : { transactions: [transaction] },
        );
        const results = version < 4
          ? answer.resultsByTopicV3AndBelow
          : answer.resultsByTransaction[0]!.topicResults;
        return results[0]!.resultsByPartition.map((result) => result.partitionErrorCode);
      };
      assertEquals(await codes(0), [ErrorCode.INVALID_PRODUCER_ID_MAPPING]);
      assertEquals(await codes(0, 9), [
        ErrorCode.OPERATION_NOT_ATTEMPTED,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ]);
    });
  }
});

Deno.test("DescribeTransactions returns no transactional id (KIP-664)", async () => {
  await using broker = await TestBroker.start();
  const { transactionStates } = await broker.call(
    describeTransactions,
    describeTransactionsHandler,
    0,
    { transactionalIds: ["a", ""] },
  );
  const found = transactionStates.map(({ transactionalId, errorCode }) => [
    transactionalId,
    errorCode,
  ]);
  assertEquals(found, [
    ["a", ErrorCode.TRANSACTIONAL_ID_NOT_FOUND],
    ["", ErrorCode.INVALID_REQUEST],
  ]);
});

Deno.test("ListTransactions returns none, lists unknown states and rejects invalid patterns", async () => {
  await using broker = await TestBroker.start();
  const list = (version: number, filters: Partial<RequestTo<typeof listTransactions>>) =>
    broker.call(listTransactions, listTransactionsHandler, version, {
      stateFilters: [],
      producerIdFilters: [],
      ...filters,
    });
  for (const version of [0, 1, 2]) {
    const answer = await list(version, {
      stateFilters: ["Ongoing", "Sleeping", "ongoing", "Sleeping", "PrepareEpochFence"],
    });
    assertEquals(answer.errorCode, ErrorCode.NONE);
    assertEquals(answer.unknownStateFilters, ["Sleeping", "ongoing"]);
    assertEquals(answer.transactionStates, []);
  }
  const code = async (transactionalIdPattern: string) =>
    (await list(2, { transactionalIdPattern })).errorCode;
  assertEquals(await code("orders-.*"), ErrorCode.NONE);
  assertEquals(await code(""), ErrorCode.NONE);
  assertEquals(await code("("), ErrorCode.INVALID_REGULAR_EXPRESSION);
  assertEquals(await code("(?=a)"), ErrorCode.INVALID_REGULAR_EXPRESSION);
});
