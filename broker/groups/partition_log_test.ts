import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  endTransactionMarker,
  RecordBatch,
  RecordBatchBuilder,
  recordBatches,
} from "../../protocol/records/mod.ts";
import { ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import { InvalidTransactionStateError, RecordBatchTooLargeError } from "../../storage/errors.ts";
import type { Verification } from "../../storage/log/producers/mod.ts";
import { TestBroker } from "../broker_testing.ts";
import type { Logger } from "../logger.ts";
import type { Partition } from "../topics/partition.ts";
import { PartitionLog } from "./partition_log.ts";
import type { GroupRecord, RecordOf } from "./records/group_record.ts";

const NOW_MS = 1_700_000_000_000;
const PRODUCER_EPOCH = 3;

function offset(partition: number, metadata = ""): RecordOf<"offsetCommit"> {
  return {
    kind: "offsetCommit",
    key: { group: "g", topic: "t", partition },
    value: {
      offset: partition,
      leaderEpoch: -1,
      metadata,
      commitTimestamp: NOW_MS,
      expireTimestamp: -1,
      topicId: ZERO_UUID,
    },
  };
}

async function open(broker: TestBroker, batchBytes = 1 << 20, configs = {}) {
  const partition = await broker.createTopic("__consumer_offsets", {
    isInternal: true,
    configs: new Map(Object.entries<string>(configs)),
  });
  const lines: string[] = [];
  const note = (message: string) => lines.push(message);
  const logger: Logger = { error: note, warn: note, info: note, debug: note };
  const { clock } = broker;
  return { log: new PartitionLog({ partition, batchBytes, clock, logger }), partition, lines };
}

async function replay(log: PartitionLog): Promise<GroupRecord[]> {
  const records: GroupRecord[] = [];
  await log.replay(
    { record: (record) => records.push(record), endTransaction: () => {} },
    new AbortController().signal,
  );
  return records;
}

async function batchCount(partition: Partition): Promise<number> {
  const { chunks } = await partition.log.read(0, { maxBytes: 1 << 20 });
  return chunks.reduce((count, chunk) => count + [...recordBatches(chunk)].length, 0);
}

Deno.test("PartitionLog replays what was appended, tombstones included", async () => {
  await using broker = await TestBroker.start();
  const { log } = await open(broker);
  const records = [offset(0), offset(1, "m"), { ...offset(0), value: null }];
  await log.append(records.slice(0, 2), { nowMs: NOW_MS, atomic: true }).committed;
  await log.append(records.slice(2), { nowMs: NOW_MS, atomic: true }).committed;
  assertEquals(await replay(log), records);
});

Deno.test("PartitionLog writes atomic records as one batch and splits others", async () => {
  await using broker = await TestBroker.start();
  const { log, partition } = await open(broker, 1024);
  const records = Array.from({ length: 20 }, (_, i) => offset(i, "x".repeat(200)));
  await log.append(records, { nowMs: NOW_MS, atomic: true }).committed;
  assertEquals(await batchCount(partition), 1);
  await log.append(records, { nowMs: NOW_MS, atomic: false }).committed;
  assertEquals(await batchCount(partition), 1 + 7);
  assertEquals((await replay(log)).length, 40);
});

Deno.test("PartitionLog rejects atomic records that do not fit into a segment", async () => {
  await using broker = await TestBroker.start();
  const { log } = await open(broker, 1 << 20, { "internal.segment.bytes": "1024" });
  const records = Array.from({ length: 20 }, (_, i) => offset(i, "x".repeat(200)));
  assertThrows(
    () => log.append(records, { nowMs: NOW_MS, atomic: true }),
    RecordBatchTooLargeError,
  );
  assertEquals(await replay(log), []);
});

Deno.test("PartitionLog logs and skips unreadable records", async () => {
  await using broker = await TestBroker.start();
  const { log, partition, lines } = await open(broker);
  const builder = new RecordBatchBuilder();
  builder.append(NOW_MS, Uint8Array.of(0, 99, 1), Uint8Array.of(0, 0));
  builder.append(NOW_MS, Uint8Array.of(0, 1, 0, 5), Uint8Array.of(0, 0));
  builder.append(NOW_MS, null, "no key");
  partition.append(new RecordBatch(builder.build()), {
    acks: 1,
    nowMs: NOW_MS,
    isInternal: true,
  });
  await log.append([offset(1)], { nowMs: NOW_MS, atomic: true }).committed;
  assertEquals(await replay(log), [offset(1)]);
  assertEquals(lines, [
    "Skipped group record of a later version",
    "Skipped malformed group record",
    "Skipped malformed group record",
  ]);
});

Deno.test("PartitionLog.replay() stops when its signal is aborted", async () => {
  await using broker = await TestBroker.start();
  const { log } = await open(broker);
  await log.append([offset(1)], { nowMs: NOW_MS, atomic: true }).committed;
  const signal = AbortSignal.abort(new Error("enough"));
  await assertRejects(
    () => log.replay({ record: () => {}, endTransaction: () => {} }, signal),
    Error,
    "enough",
  );
});

Deno.test("PartitionLog replays transactions: their records with producer and offset, and their ends", async () => {
  await using broker = await TestBroker.start();
  const { log, partition } = await open(broker);
  const append = (index: number, producerId?: number, producerEpoch = PRODUCER_EPOCH) => {
    const transaction = producerId === undefined ? undefined : {
      producerId,
      producerEpoch,
      verification: log.startVerification(producerId, producerEpoch),
    };
    return log.append([offset(index)], { nowMs: NOW_MS, atomic: false, transaction }).firstOffset;
  };
  const end = (producerId: number, isCommit: boolean) =>
    partition.append(
      endTransactionMarker({
        producerId,
        // KIP-890: markers have the epoch of the next transaction.
        producerEpoch: PRODUCER_EPOCH + 1,
        coordinatorEpoch: 0,
        isCommit,
        timestamp: NOW_MS,
      }),
      { acks: -1, nowMs: NOW_MS, isInternal: true },
    );
  assertEquals([append(0, 7), append(1, 8), append(2)], [0, 1, 2]);
  end(8, false);
  end(7, true);
  append(3, 8, PRODUCER_EPOCH + 1);
  const visited: unknown[] = [];
  await log.replay({
    record: ({ key }, { offset, producerId }) =>
      visited.push([(key as { partition: number }).partition, offset, producerId]),
    endTransaction: (producerId, isCommit) => visited.push([producerId, isCommit]),
  }, new AbortController().signal);
  assertEquals(visited, [[0, 0, 7], [1, 1, 8], [2, 2, -1], [8, false], [7, true], [3, 5, 8]]);
});

Deno.test("PartitionLog splits the records of a transaction, with one offset after the other", async () => {
  await using broker = await TestBroker.start();
  const { log, partition } = await open(broker, 1024);
  const records = Array.from({ length: 20 }, (_, i) => offset(i, "x".repeat(200)));
  const verification = log.startVerification(7, 0);
  const transaction = { producerId: 7, producerEpoch: 0, verification };
  assertEquals(log.append(records, { nowMs: NOW_MS, atomic: false, transaction }).firstOffset, 0);
  assertEquals(await batchCount(partition), 7);
  assertEquals(partition.logEndOffset, 20);
});

Deno.test("PartitionLog refuses records of a transaction that ended after its coordinator was asked", async () => {
  await using broker = await TestBroker.start();
  const { log, partition } = await open(broker);
  const verification = log.startVerification(7, 0);
  const marker = {
    producerId: 7,
    producerEpoch: 0,
    coordinatorEpoch: 0,
    isCommit: false,
    isTransactionV2: false,
    nowMs: NOW_MS,
  };
  partition.appendMarker(marker);
  const append = (verification: Verification | undefined) =>
    log.append([offset(1)], {
      nowMs: NOW_MS,
      atomic: false,
      transaction: { producerId: 7, producerEpoch: 0, verification },
    });
  assertThrows(() => append(verification), InvalidTransactionStateError);
  assertThrows(() => append(undefined), InvalidTransactionStateError);
  append(log.startVerification(7, 0));
  assertEquals(log.startVerification(7, 0), undefined, "the transaction is open");
  append(undefined);
  assertEquals((await replay(log)).length, 2);
});
