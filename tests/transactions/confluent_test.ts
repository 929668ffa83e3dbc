/**
 * Tests of transactions of librdkafka, on which many clients are built, by confluent-kafka for Python.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { TransactionBroker } from "../support/broker/transaction_broker.ts";
import {
  CONFLUENT_PROGRAM,
  observationsOf,
  pythonWithConfluent,
} from "../support/clients/observations.ts";
import { testWithPath } from "../support/outside.ts";

testWithPath(
  "confluent-kafka for Python",
  pythonWithConfluent(),
  "librdkafka commits, aborts, is fenced, times out, and commits offsets in transactions",
  async (python) => {
    await using broker = await TransactionBroker.start();
    const args = [CONFLUENT_PROGRAM, broker.address, broker.topic];
    const found = await observationsOf(python, args);
    const { "commit after the timeout": late, read_committed, read_uncommitted, ...others } = found;
    assertEquals(others, {
      "commit": "ok",
      "abort": "ok",
      "commit after an abort": "ok",
      "commit of a zombie": "_FENCED, fatal",
      "commit of its successor": "ok",
      "commit of a successor": "ok",
      "offsets, read": "10",
      // RD_KAFKA_OFFSET_INVALID: there is none.
      "offsets after an abort": "-1001",
      "offsets after a commit": "10",
      "offsets of a member that left": "UNKNOWN_MEMBER_ID, abort",
      "abort after that": "ok",
    });
    // The client counts the time as well, and may be the first to give up.
    assertMatch(late!, /^(_FENCED, fatal|_TIMED_OUT, abort)$/);
    const committed = Object.fromEntries(
      [
        ...["committed 0", "committed 1", "in time", "successor", "transformed"],
        ...Array.from({ length: 20 }, (_, i) => `row ${i}`),
      ].map((value) => [value, 1]),
    );
    assertEquals(JSON.parse(read_committed!), committed);
    // What is sent before it fails may or may not arrive.
    const all = JSON.parse(read_uncommitted!) as Record<string, number>;
    assertEquals({ ...all, ...committed }, all);
    assertEquals([all["no, aborted"], all["no, too late"], all["no, of a zombie"]], [2, 1, 1]);
  },
);
