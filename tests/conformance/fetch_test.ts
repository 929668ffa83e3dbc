/**
 * Conformance tests of Fetch and ListOffsets.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { CompressionType } from "../../protocol/compression/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  deleteRecords,
  fetch,
  listOffsets,
  ListOffsetsTimestamp,
  offsetForLeaderEpoch,
} from "../../protocol/messages/mod.ts";
import type { ResponseOf } from "../../protocol/schema/schema.ts";
import { randomUuid } from "../../protocol/primitives/uuid.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { baseOffsetsOf, batchOf, FIRST_TIMESTAMP, recordsOf } from "../support/protocol/records.ts";
import {
  append,
  createTopic,
  deleteTopic,
  FETCH_BY_NAME,
  fetchRequest,
  read,
} from "../support/protocol/requests.ts";

const READ_COMMITTED = 1;

/** Runs `use` with a connection to a broker that has a topic `t` with these batches. */
async function withBatches(
  batches: readonly (readonly string[])[],
  use: (connection: RawConnection, local: LocalBroker, topicId: string) => Promise<void>,
): Promise<void> {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  const topicId = await createTopic(connection, "t");
  for (const values of batches) await append(connection, "t", batchOf(values));
  await use(connection, local, topicId);
}

function valuesOf(records: Uint8Array | null): string[] {
  return recordsOf(records).map(({ value }) => value);
}

Deno.test("Fetch from the middle of a batch returns the batch that holds the offset", async (t) => {
  const batches = [["a", "b", "c"], ["d"], ["e", "f", "g", "h"]];
  await withBatches(batches, async (connection, local) => {
    const check = async (on: RawConnection) => {
      const expected = [0, 0, 0, 3, 4, 4, 4, 4];
      for (const [offset, baseOffset] of expected.entries()) {
        const { records } = await read(on, "t", offset);
        assertEquals(baseOffsetsOf(records)[0], baseOffset, `from offset ${offset}`);
        assertEquals(valuesOf(records).at(-1), "h");
      }
    };
    await t.step("from memory", () => check(connection));
    await t.step("from disk", async () => {
      await local.restart();
      using again = await RawConnection.connect(local.address);
      await check(again);
    });
  });
});

Deno.test("Fetch returns the first batch whole even above every limit (KIP-74)", async () => {
  const large = "x".repeat(10_000);
  await withBatches([[large], ["next"]], async (connection, local) => {
    const check = async (on: RawConnection) => {
      for (const options of [{ maxBytes: 1 }, { partitionMaxBytes: 1 }, { maxBytes: 0 }]) {
        const { records } = await read(on, "t", 0, options);
        assertEquals(valuesOf(records), [large]);
      }
    };
    await check(connection);
    await local.restart();
    using again = await RawConnection.connect(local.address);
    await check(again);
  });
});

Deno.test("Fetch applies its limits in the order of the request", async () => {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "t", { partitions: 3 });
  const batch = batchOf(["x".repeat(1000)]);
  for (let partition = 0; partition < 3; partition++) {
    for (let count = 0; count < 5; count++) await append(connection, "t", batch, { partition });
  }
  const sizes = async (order: number[], maxBytes: number, partitionMaxBytes: number) => {
    const partitions = order.map((partition) => ({ partition, fetchOffset: 0, partitionMaxBytes }));
    const { responses } = await connection.request(fetch, FETCH_BY_NAME, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes,
      topics: [{ topic: "t", partitions }],
    });
    return responses[0]!.partitions.map(({ partitionIndex, records }) => [
      partitionIndex,
      records!.length / batch.length,
    ]);
  };
  const size = batch.length;
  assertEquals(await sizes([2, 0, 1], 100 * size, 2 * size), [[2, 2], [0, 2], [1, 2]]);
  assertEquals(await sizes([2, 0, 1], 3 * size, 2 * size), [[2, 2], [0, 1], [1, 0]]);
  assertEquals(await sizes([1, 2, 0], 1, 2 * size), [[1, 1], [2, 0], [0, 0]]);
});

Deno.test("Fetch answers unknown offsets, topics and epochs with Kafka's errors", async () => {
  await withBatches([["a", "b", "c"]], async (connection) => {
    const codeOf = async (...[topic, offset, options]: Parameters<typeof fetchRequest>) =>
      (await read(connection, topic, offset, options)).errorCode;
    assertEquals(await codeOf("t", 3), ErrorCode.NONE);
    assertEquals(await codeOf("t", 4), ErrorCode.OFFSET_OUT_OF_RANGE);
    assertEquals(await codeOf("t", -1), ErrorCode.OFFSET_OUT_OF_RANGE);
    await connection.request(deleteRecords, 2, {
      topics: [{ name: "t", partitions: [{ partitionIndex: 0, offset: 2 }] }],
      timeoutMs: 1000,
    });
    assertEquals(await codeOf("t", 1), ErrorCode.OFFSET_OUT_OF_RANGE);
    const { records, logStartOffset, highWatermark } = await read(connection, "t", 2);
    assertEquals([valuesOf(records).at(-1), logStartOffset, highWatermark], ["c", 2, 3]);

    assertEquals(await codeOf("unknown", 0), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    assertEquals(await codeOf("t", 0, { partition: 1 }), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const epoch = (currentLeaderEpoch: number) => codeOf("t", 2, { currentLeaderEpoch });
    assertEquals(await epoch(0), ErrorCode.NONE);
    assertEquals(await epoch(1), ErrorCode.UNKNOWN_LEADER_EPOCH);
  });
});

Deno.test("Fetch by topic id accepts only the topic's own id (KIP-516)", async () => {
  await withBatches([["a"]], async (connection, _local, topicId) => {
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }];
    const fetchById = async (topicId: string) => {
      const request = { maxWaitMs: 0, minBytes: 1, topics: [{ topicId, partitions }] };
      const { responses } = await connection.request(fetch, 13, request);
      assertEquals(responses[0]!.topicId, topicId);
      return responses[0]!.partitions[0]!;
    };
    assertEquals(valuesOf((await fetchById(topicId)).records), ["a"]);
    assertEquals((await fetchById(randomUuid())).errorCode, ErrorCode.UNKNOWN_TOPIC_ID);

    await deleteTopic(connection, "t");
    const recreated = await createTopic(connection, "t");
    assertNotEquals(recreated, topicId);
    assertEquals((await fetchById(topicId)).errorCode, ErrorCode.UNKNOWN_TOPIC_ID);
    const { records, highWatermark } = await fetchById(recreated);
    assertEquals([records, highWatermark], [new Uint8Array(0), 0]);
    assertEquals((await append(connection, "t", batchOf(["new"]))).baseOffset, 0);
    assertEquals(valuesOf((await fetchById(recreated)).records), ["new"]);
  });
});

Deno.test("Fetch waits until minBytes are there, and no longer", async () => {
  await withBatches([], async (connection, local) => {
    using writer = await RawConnection.connect(local.address);
    const one = batchOf(["one"]);
    const options = { maxWaitMs: 60_000, minBytes: one.length + 1 };
    await connection.send(fetch, FETCH_BY_NAME, fetchRequest("t", 0, options));
    await append(writer, "t", one);
    await append(writer, "t", batchOf(["two"]));
    const { responses } = await connection.receive(fetch);
    assertEquals(valuesOf(responses[0]!.partitions[0]!.records), ["one", "two"]);
  });
});

Deno.test("Fetch answers with empty records, not null, after maxWaitMs", async () => {
  await withBatches([["a"]], async (connection) => {
    for (const maxWaitMs of [0, 1, 50]) {
      const answer = await read(connection, "t", 1, { maxWaitMs });
      assertEquals([answer.errorCode, answer.highWatermark], [ErrorCode.NONE, 1]);
      assertEquals(answer.records, new Uint8Array(0));
    }
    const enough = await read(connection, "t", 0, { minBytes: 1_000_000, maxWaitMs: 50 });
    assertEquals(valuesOf(enough.records), ["a"]);
  });
});

Deno.test("Fetch that waits is answered immediately when its topic is deleted", async () => {
  await withBatches([], async (connection, local) => {
    using other = await RawConnection.connect(local.address);
    await connection.send(fetch, FETCH_BY_NAME, fetchRequest("t", 0, { maxWaitMs: 60_000 }));
    await other.request(listOffsets, 7, { topics: [] });
    await deleteTopic(other, "t");
    const { errorCode } = (await connection.receive(fetch)).responses[0]!.partitions[0]!;
    const expected: number[] = [
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ErrorCode.NOT_LEADER_OR_FOLLOWER,
    ];
    assert(expected.includes(errorCode), `error ${errorCode}`);
  });
});

Deno.test("Fetch with several failed partitions is answered immediately and in full", async () => {
  await withBatches([["a"]], async (connection) => {
    const partition = (partition: number, fetchOffset: number) => ({
      partition,
      fetchOffset,
      partitionMaxBytes: 1000,
    });
    const { responses } = await connection.request(fetch, FETCH_BY_NAME, {
      maxWaitMs: 60_000,
      minBytes: 1,
      topics: [
        { topic: "t", partitions: [partition(0, 1), partition(7, 0)] },
        { topic: "u", partitions: [partition(0, 0)] },
      ],
    });
    assertEquals(
      responses.map(({ topic, partitions }) => [topic, partitions.map((p) => p.errorCode)]),
      [
        ["t", [ErrorCode.NONE, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
        ["u", [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
      ],
    );
  });
});

Deno.test("Fetch lists aborted transactions for READ_COMMITTED only (KIP-98)", async () => {
  await withBatches([["a"]], async (connection) => {
    const fetchWith = async (isolationLevel: number) => {
      const request = { ...fetchRequest("t", 0), isolationLevel };
      return (await connection.request(fetch, 12, request)).responses[0]!.partitions[0]!;
    };
    assertEquals((await fetchWith(0)).abortedTransactions, null);
    const committed = await fetchWith(READ_COMMITTED);
    assertEquals(committed.abortedTransactions, []);
    assertEquals(committed.lastStableOffset, 1);
    assertEquals(valuesOf(committed.records), ["a"]);
  });
});

Deno.test("Fetch within a session returns only changed partitions (KIP-227)", async () => {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "t", { partitions: 2 });
  const want = (partition: number, fetchOffset: number) => ({
    partition,
    fetchOffset,
    partitionMaxBytes: 100_000,
  });
  const ask = async (
    sessionId: number,
    sessionEpoch: number,
    partitions: ReturnType<typeof want>[],
    forgotten: number[] = [],
  ) => {
    const answer = await connection.request(fetch, FETCH_BY_NAME, {
      maxWaitMs: 0,
      minBytes: 1,
      sessionId,
      sessionEpoch,
      topics: partitions.length === 0 ? [] : [{ topic: "t", partitions }],
      forgottenTopicsData: forgotten.length === 0 ? [] : [{ topic: "t", partitions: forgotten }],
    });
    return { ...answer, found: foundIn(answer) };
  };
  const first = await ask(0, 0, [want(0, 0), want(1, 0)]);
  assertEquals(first.found, [[0, []], [1, []]]);
  const { sessionId } = first;
  assertNotEquals(sessionId, 0);
  assertEquals((await ask(sessionId, 1, [])).found, [], "no news");

  await append(connection, "t", batchOf(["a"]), { partition: 1 });
  assertEquals((await ask(sessionId, 2, [])).found, [[1, ["a"]]]);
  assertEquals((await ask(sessionId, 3, [want(1, 1)])).found, [], "read already");
  assertEquals((await ask(sessionId, 3, [])).errorCode, ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  assertEquals((await ask(sessionId, 5, [])).errorCode, ErrorCode.INVALID_FETCH_SESSION_EPOCH);
  assertEquals(
    (await ask(sessionId + 1, 1, [])).errorCode,
    ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  );

  await append(connection, "t", batchOf(["b"]), { partition: 0 });
  await append(connection, "t", batchOf(["c"]), { partition: 1 });
  assertEquals((await ask(sessionId, 4, [], [0])).found, [[1, ["c"]]], "0 is forgotten");
  const closing = await ask(sessionId, -1, [want(0, 0)]);
  assertEquals([closing.sessionId, closing.found], [0, [[0, ["b"]]]]);
  assertEquals((await ask(sessionId, 5, [])).errorCode, ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
});

function foundIn({ responses }: ResponseOf<typeof fetch>): [partition: number, values: string[]][] {
  return responses.flatMap(({ partitions }) =>
    partitions.map(({ partitionIndex, records }) =>
      [partitionIndex, valuesOf(records)] as [number, string[]]
    )
  );
}

Deno.test("ListOffsets by time finds the first record at or after it, inside a batch too", async (t) => {
  for (const [codec, compression] of Object.entries(CompressionType)) {
    await t.step(codec, async () => {
      await withBatches([], async (connection) => {
        // Timestamps 0 to 4, 10 to 14 and, earlier again, 5 to 9 after FIRST_TIMESTAMP.
        for (const start of [0, 10, 5]) {
          const values = ["a", "b", "c", "d", "e"];
          const timestamp = FIRST_TIMESTAMP + start;
          await append(connection, "t", batchOf(values, { timestamp, compression }));
        }
        const find = async (timestamp: number) => {
          const partitions = [{ partitionIndex: 0, timestamp }];
          const { topics } = await connection.request(listOffsets, 7, {
            topics: [{ name: "t", partitions }],
          });
          const { errorCode, offset, timestamp: found } = topics[0]!.partitions[0]!;
          assertEquals(errorCode, ErrorCode.NONE);
          return [offset, found === -1 ? -1 : found - FIRST_TIMESTAMP];
        };
        const at = (time: number) => find(FIRST_TIMESTAMP + time);
        assertEquals(await find(0), [0, 0]);
        assertEquals(await at(0), [0, 0]);
        assertEquals(await at(3), [3, 3]);
        assertEquals(await at(4), [4, 4]);
        assertEquals(await at(5), [5, 10]);
        assertEquals(await at(12), [7, 12]);
        assertEquals(await at(14), [9, 14]);
        assertEquals(await at(15), [-1, -1]);
        assertEquals(await find(ListOffsetsTimestamp.earliest), [0, -1]);
        assertEquals(await find(ListOffsetsTimestamp.latest), [15, -1]);
        assertEquals(await find(ListOffsetsTimestamp.maxTimestamp), [9, 14]);
      });
    });
  }
});

Deno.test("ListOffsets by time searches all segments, also after a restart", async () => {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "t", { configs: { "internal.segment.bytes": "1024" } });
  const count = 60;
  for (let index = 0; index < count; index++) {
    const timestamp = FIRST_TIMESTAMP + 10 * index;
    await append(connection, "t", batchOf(["x".repeat(100)], { timestamp }));
  }
  const check = async (on: RawConnection) => {
    for (let index = 0; index < count; index++) {
      const partitions = [{ partitionIndex: 0, timestamp: FIRST_TIMESTAMP + 10 * index - 5 }];
      const { topics } = await on.request(listOffsets, 7, { topics: [{ name: "t", partitions }] });
      assertEquals(topics[0]!.partitions[0]!.offset, index);
    }
  };
  await check(connection);
  await local.restart();
  using again = await RawConnection.connect(local.address);
  await check(again);
});

Deno.test("ListOffsets answers every requested partition", async () => {
  await withBatches([["a"]], async (connection) => {
    const partition = (partitionIndex: number) => ({ partitionIndex, timestamp: -1 });
    const { topics } = await connection.request(listOffsets, 7, {
      topics: [
        { name: "unknown", partitions: [partition(0)] },
        { name: "t", partitions: [partition(1), partition(0)] },
      ],
    });
    const missing = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    assertEquals(
      topics.map(({ name, partitions }) => [
        name,
        partitions.map((p) => [p.partitionIndex, p.errorCode, p.offset]),
      ]),
      [
        ["unknown", [[0, missing, -1]]],
        ["t", [[1, missing, -1], [0, ErrorCode.NONE, 1]]],
      ],
    );
  });
});

Deno.test("OffsetForLeaderEpoch returns the end of the current epoch and of no later one", async () => {
  await withBatches([["a", "b"]], async (connection) => {
    const endOf = async (leaderEpoch: number) => {
      const partitions = [{ partition: 0, leaderEpoch }];
      const { topics } = await connection.request(offsetForLeaderEpoch, 4, {
        topics: [{ topic: "t", partitions }],
      });
      const { errorCode, leaderEpoch: epoch, endOffset } = topics[0]!.partitions[0]!;
      return [errorCode, epoch, endOffset];
    };
    assertEquals(await endOf(0), [ErrorCode.NONE, 0, 2]);
    assertEquals(await endOf(5), [ErrorCode.NONE, -1, -1]);
  });
});

Deno.test("Fetch from disk answers each of many clients with its own records", async () => {
  await using local = await LocalBroker.start({ config: { "batch.cache.bytes": 0 } });
  using connection = await RawConnection.connect(local.address);
  const partitions = 6;
  await createTopic(connection, "t", { partitions });
  const valueOf = (partition: number, i: number) => `${partition}:${i}:`.padEnd(20_000, ".");
  for (let partition = 0; partition < partitions; partition++) {
    for (let i = 0; i < 10; i++) {
      await append(connection, "t", batchOf([valueOf(partition, i)]), { partition });
    }
  }
  const readAll = async (partition: number) => {
    using own = await RawConnection.connect(local.address);
    for (let round = 0; round < 5; round++) {
      for (let offset = 0; offset < 10; offset += 5) {
        // The next request is sent before this one is answered.
        const requests = [offset, offset + 1].map((from) =>
          fetchRequest("t", from, { partition, partitionMaxBytes: 70_000 })
        );
        for (const request of requests) await own.send(fetch, FETCH_BY_NAME, request);
        for (const from of [offset, offset + 1]) {
          const { responses } = await own.receive(fetch);
          const values = valuesOf(responses[0]!.partitions[0]!.records);
          assertEquals(values, [0, 1, 2].map((i) => valueOf(partition, from + i)));
        }
      }
    }
  };
  await Promise.all(
    Array.from({ length: 3 * partitions }, (_, i) => readAll(i % partitions)),
  );
});
