/**
 * Tests of transactions of Kafka's own client.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { TransactionBroker } from "../support/broker/transaction_broker.ts";
import {
  javaOptions,
  javaProgram,
  observationsOf,
  toolsWith,
} from "../support/clients/observations.ts";
import { testWithPath } from "../support/outside.ts";

testWithPath(
  "a Java compiler with Kafka's tools",
  toolsWith("kafka-clients"),
  "Kafka's client commits, aborts, is fenced, times out, and commits offsets in transactions",
  async (tool) => {
    await using broker = await TransactionBroker.start();
    const found = await observationsOf("java", [
      ...javaOptions(tool),
      javaProgram("Transactions"),
      broker.address,
      broker.topic,
    ]);
    const { "commit after the timeout": late, read_committed, read_uncommitted, ...others } = found;
    assertEquals(others, {
      "commit": "ok",
      "abort": "ok",
      "abort without data": "ok",
      "commit after an abort": "ok",
      "send of a zombie": "InvalidProducerEpochException",
      "commit of a zombie": "InvalidProducerEpochException",
      "commit of its successor": "ok",
      "send after the timeout": "InvalidProducerEpochException",
      "abort after the timeout": "ok",
      "commit after that": "ok",
      "too long a timeout": "KafkaException",
      "open, read_uncommitted end moves by": "2",
      "open, read_committed end moves by": "0",
      "open, state": "Ongoing 1 true",
      "open, start offset": "[0]",
      "open, listed": "[Ongoing]",
      "open, listed after an hour": "0",
      "committed, read_uncommitted end moves by": "3",
      "committed, state": "CompleteCommit",
      "unknown transactional id": "TransactionalIdNotFoundException",
      "offsets, read": "10",
      "offsets after an abort": "none",
      "offsets, stable for its member": "10",
      "offsets after a commit": "10",
      "offsets of an old generation": "CommitFailedException",
      "abort after that": "ok",
      "offsets of a stranger": "CommitFailedException",
      "offsets at the end": "10",
    });
    // Kafka 4.2 answers INVALID_TXN_STATE, later versions what applications can act on.
    assertMatch(late!, /^(InvalidTxnStateException|ProducerFencedException)$/);
    const committed = [
      ...["committed 0", "committed 1", "in time", "opened", "opened too", "successor"],
      ...["transformed", ...Array.from({ length: 20 }, (_, i) => `row ${i}`)],
    ];
    assertEquals(countsOf(read_committed!), onceEach(committed));
    const { "no, aborted": aborted, "no, too late": tooLate, ...rest } = countsOf(
      read_uncommitted!,
    );
    assertEquals([aborted, tooLate], [2, 2]);
    assertEquals(rest["no, of a zombie"], 1);
    for (const value of committed) assertEquals(rest[value], 1, value);
  },
);

/** Reads `{a=1, b=2}`, as Java prints a map. */
function countsOf(text: string): Record<string, number> {
  const entries = text.slice(1, -1).matchAll(/(?:^|, )((?:no, )?[^,=]+)=(\d+)/g);
  return Object.fromEntries(Array.from(entries, ([, value, count]) => [value!, Number(count)]));
}

function onceEach(values: readonly string[]): Record<string, number> {
  return Object.fromEntries(values.map((value) => [value, 1]));
}
