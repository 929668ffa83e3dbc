import { assert, assertEquals, assertThrows } from "@std/assert";
import { endTransactionMarker, type RecordBatch } from "../../../protocol/records/mod.ts";
import {
  InvalidProducerEpochError,
  InvalidRecordError,
  InvalidTransactionStateError,
  OutOfOrderSequenceError,
  TransactionCoordinatorFencedError,
} from "../../errors.ts";
import { batchOf, NOW_MS } from "../../log_testing.ts";
import { MemoryFileSystem } from "../../file_system/memory_file_system.ts";
import {
  type AppendOrigin,
  type ProducerCheckOptions,
  ProducerStateManager,
} from "./producer_state_manager.ts";

const MAX_SEQUENCE = 2 ** 31 - 1;
const DAY_MS = 24 * 60 * 60 * 1000;

/** A manager and the end offset of its log. */
class Producers {
  readonly fs = new MemoryFileSystem();
  manager = new ProducerStateManager(this.fs, "orders-3", [], DAY_MS);
  offset = 0;

  /** Checks a batch and, unless it is a duplicate, applies it; returns its first offset. */
  append(
    batch: RecordBatch,
    origin: AppendOrigin = "client",
    options: Partial<ProducerCheckOptions> = { verification: this.verify(batch) },
  ): number {
    const duplicate = this.manager.check([batch], { origin, ...options });
    if (duplicate !== undefined) return duplicate.firstOffset;
    batch.baseOffset = this.offset;
    this.offset = batch.nextOffset;
    this.manager.update(batch, () => batch);
    return batch.baseOffset;
  }

  /** Begins what a batch needs to open a transaction. */
  verify({ producerId, producerEpoch, baseSequence, isTransactional, isControl }: RecordBatch) {
    return isTransactional && !isControl
      ? this.manager.startVerification(producerId, producerEpoch, baseSequence)
      : undefined;
  }

  send(producerId: number, producerEpoch: number, baseSequence: number, count = 1): number {
    return this.append(dataOf(producerId, producerEpoch, baseSequence, count));
  }

  /** Reopens the state from its snapshots. */
  reopen(nowMs = NOW_MS): void {
    const snapshots = this.manager.snapshots;
    this.manager = new ProducerStateManager(this.fs, "orders-3", snapshots, DAY_MS);
    this.manager.load("", 0, this.offset, nowMs);
  }
}

function dataOf(
  producerId: number,
  producerEpoch: number,
  baseSequence: number,
  count = 1,
  isTransactional = false,
): RecordBatch {
  const values = Array.from({ length: count }, (_, i) => `${i}`);
  return batchOf(values, { producerId, producerEpoch, baseSequence, isTransactional });
}

/** A transaction marker of type 0, abort, or 1, commit. */
function markerOf(
  producerId: number,
  producerEpoch: number,
  type: 0 | 1,
  coordinatorEpoch: number,
) {
  const isCommit = type === 1;
  return endTransactionMarker({
    producerId,
    producerEpoch,
    isCommit,
    coordinatorEpoch,
    timestamp: NOW_MS,
  });
}

Deno.test("ProducerStateManager.check() returns the first offset of a batch that is sent again", () => {
  const producers = new Producers();
  for (let i = 0; i < 5; i++) assertEquals(producers.send(7, 0, i * 3, 3), i * 3);
  for (let i = 0; i < 5; i++) assertEquals(producers.send(7, 0, i * 3, 3), i * 3);
  assertEquals(producers.offset, 15);
});

Deno.test("ProducerStateManager.check() recognizes five batches; an older duplicate is out of order", () => {
  const producers = new Producers();
  for (let i = 0; i < 6; i++) producers.send(7, 0, i);
  assertEquals(producers.send(7, 0, 1), 1);
  assertThrows(() => producers.send(7, 0, 0), OutOfOrderSequenceError, "is 0, expected 6");
});

Deno.test("ProducerStateManager.check() recognizes a duplicate only by the same sequence range", () => {
  const producers = new Producers();
  producers.send(7, 0, 0, 3);
  for (const [sequence, count] of [[0, 2], [0, 4], [1, 2], [1, 3]] as const) {
    assertThrows(() => producers.send(7, 0, sequence, count), OutOfOrderSequenceError);
  }
});

Deno.test("ProducerStateManager.check() rejects a gap, and accepts the expected sequence after it", () => {
  const producers = new Producers();
  producers.send(7, 0, 0);
  assertThrows(
    () => producers.send(7, 0, 2),
    OutOfOrderSequenceError,
    'Cannot append to "orders-3": sequence of producer 7 is 2, expected 1',
  );
  assertEquals(producers.send(7, 0, 1), 1);
});

Deno.test("ProducerStateManager.check() accepts a sequence that wraps after 2147483647", () => {
  const producers = new Producers();
  producers.send(7, 0, MAX_SEQUENCE - 1);
  assertEquals(producers.send(7, 0, MAX_SEQUENCE, 3), 1);
  assertEquals(producers.manager.producers.get(7)?.lastSequence, 1);
  assertEquals(producers.send(7, 0, MAX_SEQUENCE, 3), 1);
  assertEquals(producers.send(7, 0, 2), 4);
  const exact = new Producers();
  exact.send(8, 0, MAX_SEQUENCE);
  assertThrows(() => exact.send(8, 0, 1), OutOfOrderSequenceError);
  assertEquals(exact.send(8, 0, 0), 1);
});

Deno.test("ProducerStateManager.check() requires a new epoch to start at sequence 0, and fences the old one", () => {
  const producers = new Producers();
  producers.send(7, 0, 0, 5);
  assertThrows(() => producers.send(7, 1, 5), OutOfOrderSequenceError, "new epoch 1 is 5");
  assertEquals(producers.send(7, 1, 0), 5);
  assertThrows(
    () => producers.send(7, 0, 5),
    InvalidProducerEpochError,
    "epoch of producer 7 is 0, the last seen is 1",
  );
  assertThrows(() => producers.send(7, 0, 0, 5), InvalidProducerEpochError);
  assertEquals(producers.send(7, 1, 1), 6);
});

Deno.test("ProducerStateManager.check() accepts any first sequence of an unknown producer", () => {
  const producers = new Producers();
  assertEquals(producers.send(7, 4, 1000), 0);
  assertThrows(() => producers.send(7, 4, 1002), OutOfOrderSequenceError);
});

Deno.test("ProducerStateManager.check() accepts every batch without a producer id", () => {
  const producers = new Producers();
  for (let i = 0; i < 3; i++) producers.append(batchOf(["a"]));
  // kafkajs sends epoch and sequence 0 with producer id -1.
  producers.append(batchOf(["a"], { producerId: -1, producerEpoch: 0, baseSequence: 0 }));
  producers.append(batchOf(["a"], { producerId: -1, producerEpoch: 0, baseSequence: 0 }));
  assertEquals(producers.offset, 5);
  assertEquals(producers.manager.producers.size, 0);
  assertEquals(producers.manager.endOffset, 5);
});

Deno.test("ProducerStateManager.check() checks batches of one append against each other", () => {
  const producers = new Producers();
  const check = (...batches: RecordBatch[]) =>
    producers.manager.check(batches, { origin: "client" });
  assertEquals(check(dataOf(7, 0, 0), dataOf(8, 0, 0), dataOf(7, 0, 1)), undefined);
  assertThrows(() => check(dataOf(7, 0, 0), dataOf(7, 0, 2)), OutOfOrderSequenceError);
  assertThrows(() => check(dataOf(7, 1, 0), dataOf(7, 0, 1)), InvalidProducerEpochError);
  assertEquals(producers.manager.producers.size, 0);
});

Deno.test("ProducerStateManager.checkReplicated() accepts any sequence, and rejects unknown control batches", () => {
  const { manager } = new Producers();
  manager.checkReplicated([
    dataOf(7, 1, 0),
    dataOf(7, 1, 5),
    dataOf(7, 0, 5),
    markerOf(7, 1, 0, 3),
  ]);
  const unknown = batchOf(["a"], { producerId: 7, producerEpoch: 1, isControl: true });
  assertThrows(() => manager.checkReplicated([unknown]), InvalidRecordError);
});

Deno.test("ProducerStateManager tracks a transaction from its first batch to its marker", () => {
  const producers = new Producers();
  producers.append(batchOf(["a"]));
  producers.append(dataOf(7, 0, 0, 2, true));
  producers.append(dataOf(8, 0, 0, 1, true));
  assertEquals(producers.manager.transactions.firstOpenOffset, 1);
  assertThrows(
    () => producers.append(dataOf(7, 0, 2)),
    InvalidTransactionStateError,
    "one open since offset 1",
  );
  const marker = markerOf(7, 0, 0, 3);
  marker.baseOffset = producers.offset++;
  assertEquals(producers.manager.check([marker], { origin: "coordinator" }), undefined);
  assertEquals(producers.manager.update(marker, () => marker), {
    producerId: 7,
    firstOffset: 1,
    lastOffset: 4,
    isAborted: true,
    lastStableOffset: 3,
  });
  assertEquals(producers.manager.transactions.firstOpenOffset, 3);
  assertThrows(
    () => producers.append(markerOf(7, 0, 1, 2), "coordinator"),
    TransactionCoordinatorFencedError,
  );
  assertThrows(
    () => {
      producers.append(markerOf(7, 1, 1, 3), "coordinator");
      producers.append(dataOf(7, 0, 2, 1, true));
    },
    InvalidProducerEpochError,
  );
});

Deno.test("ProducerStateManager.load() restores one batch of each producer", () => {
  const producers = new Producers();
  for (let i = 0; i < 3; i++) producers.send(7, 2, i * 2, 2);
  producers.append(dataOf(8, 0, 0, 1, true));
  producers.manager.takeSnapshot("");
  producers.reopen();
  assertEquals(producers.manager.endOffset, 7);
  assertEquals(producers.manager.transactions.firstOpenOffset, 6);
  assertEquals(producers.send(7, 2, 4, 2), 4);
  assertThrows(() => producers.send(7, 2, 2, 2), OutOfOrderSequenceError);
  assertEquals(producers.send(7, 2, 6), 7);
});

Deno.test("ProducerStateManager.load() skips damaged snapshots and uses an older one", () => {
  const producers = new Producers();
  for (let i = 0; i < 4; i++) {
    producers.send(7, 0, i);
    producers.manager.takeSnapshot("");
  }
  producers.fs.writeFileSync("/00000000000000000004.snapshot", new Uint8Array(0));
  producers.fs.removeSync("/00000000000000000003.snapshot");
  producers.reopen();
  assertEquals(producers.manager.endOffset, 2);
  assertEquals(producers.manager.snapshots, [1, 2]);
  assertEquals(producers.manager.producers.get(7)?.lastSequence, 1);
  assertEquals(producers.manager.load("", 0, 1, NOW_MS), 1);
  assertEquals(producers.manager.load("", 2, 9, NOW_MS), 2);
  assertEquals(producers.manager.producers.size, 0);
});

Deno.test("ProducerStateManager.removeExpired() removes inactive producers without open transactions", () => {
  const producers = new Producers();
  producers.send(7, 0, 0);
  producers.append(dataOf(8, 0, 0, 1, true));
  producers.manager.takeSnapshot("");
  producers.manager.removeExpired(NOW_MS + DAY_MS - 1);
  assertEquals(producers.manager.producers.size, 2);
  producers.manager.removeExpired(NOW_MS + DAY_MS);
  assertEquals(Array.from(producers.manager.producers.keys()), [8]);
  producers.reopen(NOW_MS + DAY_MS);
  assertEquals(Array.from(producers.manager.producers.keys()), [8]);
  assert(producers.send(7, 0, 100) > 0);
});
