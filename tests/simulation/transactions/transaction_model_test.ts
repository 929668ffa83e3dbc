/**
 * Histories made by hand, each with one anomaly that the model must find.
 *
 * @module
 */

import { assertEquals, assertThrows } from "@std/assert";
import { GroupView, NO_OFFSET } from "./group_view.ts";
import { PartitionView, type SeenRecord } from "./partition_view.ts";
import { TransactionBook } from "./transaction_book.ts";
import type { TransactionModel, WrittenRecord } from "./transaction_model.ts";
import { Violation } from "../violation.ts";

/** Two partitions, in which a test writes what it likes. */
class History {
  readonly book = new TransactionBook();
  readonly left = new PartitionView("left");
  readonly right = new PartitionView("right");

  /** Writes an acknowledged record. */
  write(view: PartitionView, offset: number, transaction?: TransactionModel): SeenRecord {
    const record = this.book.write("producer", view.name, transaction);
    view.acknowledge([record], offset);
    return { offset, record };
  }

  begin(): TransactionModel {
    return this.book.begin("producer");
  }

  /** A transaction whose commit was acknowledged, with a record at offset 0 of both partitions. */
  committed(): { transaction: TransactionModel; left: SeenRecord; right: SeenRecord } {
    const transaction = this.begin();
    const [left, right] = [
      this.write(this.left, 0, transaction),
      this.write(this.right, 0, transaction),
    ];
    transaction.requestCommit();
    transaction.decide("committed", "the commit was acknowledged");
    return { transaction, left, right };
  }
}

/** Reads offsets 0 to `next` with `read_committed`. */
function show(view: PartitionView, next: number, ...seen: readonly SeenRecord[]): void {
  view.showCommitted({ from: 0, next, seen });
}

function assertViolation(act: () => void, message: string): void {
  assertThrows(act, Violation, message);
}

Deno.test("PartitionView accepts committed transactions and plain records", () => {
  const history = new History();
  const { left, right } = history.committed();
  const plain = history.write(history.left, 2);
  show(history.left, 3, left, plain);
  show(history.right, 2, right);
  history.left.showCommitted({ from: 1, next: 3, seen: [plain] });
  for (const view of [history.left, history.right]) {
    view.checkSettled(history.book.recordsOf(view.name));
  }
  assertEquals(history.left.visible, [left, plain]);
});

Deno.test("PartitionView finds an aborted read (G1a)", () => {
  const history = new History();
  const transaction = history.begin();
  const record = history.write(history.left, 0, transaction);
  transaction.decide("aborted", "the abort was acknowledged");
  assertViolation(() => show(history.left, 1, record), "nobody requested to commit");
});

Deno.test("PartitionView finds an aborted read of a commit that was given up", () => {
  const history = new History();
  const transaction = history.begin();
  const record = history.write(history.left, 0, transaction);
  transaction.requestCommit();
  transaction.decide("aborted", "the producer heard so");
  assertViolation(() => show(history.left, 1, record), "since the producer heard so");
});

Deno.test("PartitionView finds a read of a transaction that is open", () => {
  const history = new History();
  const record = history.write(history.left, 0, history.begin());
  assertViolation(() => show(history.left, 1, record), "nobody requested to commit");
});

Deno.test("PartitionView finds a torn transaction, whatever its producer knows", () => {
  const history = new History();
  const transaction = history.begin();
  const left = history.write(history.left, 0, transaction);
  history.write(history.right, 0, transaction);
  transaction.requestCommit();
  show(history.left, 2, left);
  assertViolation(() => show(history.right, 2), "record 1 at offset 0 of right is not visible");
});

Deno.test("PartitionView finds a lost transaction", () => {
  const history = new History();
  history.committed();
  assertViolation(() => show(history.left, 2), "it is not, since the commit was acknowledged");
});

Deno.test("PartitionView finds a commit that is acknowledged after its records were skipped", () => {
  const history = new History();
  const transaction = history.begin();
  history.write(history.left, 0, transaction);
  transaction.requestCommit();
  show(history.left, 2);
  assertViolation(
    () => transaction.decide("committed", "the commit was acknowledged"),
    "is not visible",
  );
});

Deno.test("PartitionView finds a last stable offset beyond an open transaction that commits later", () => {
  const history = new History();
  const transaction = history.begin();
  history.write(history.left, 3, transaction);
  const bounds = { lastStableOffset: 4, highWatermark: 4 };
  history.left.tell(bounds, history.left.bounds);
  transaction.requestCommit();
  assertViolation(
    () => transaction.decide("committed", "the commit was acknowledged"),
    "the last stable offset",
  );
});

Deno.test("PartitionView finds a record that is in the log twice", () => {
  const history = new History();
  const { left } = history.committed();
  assertViolation(
    () => show(history.left, 3, left, { ...left, offset: 1 }),
    "Record 0 is twice in left",
  );
});

Deno.test("PartitionView finds records that change places or partitions", () => {
  const history = new History();
  const { right } = history.committed();
  const other = { offset: 0, record: history.book.write("producer", "left", undefined) };
  assertViolation(() => show(history.left, 1, other), "Offset 0 of left had record 0");
  assertViolation(() => show(history.left, 1, right), "Record 1 was sent to right");
});

Deno.test("PartitionView finds a view that changes", () => {
  const history = new History();
  const { left } = history.committed();
  show(history.left, 2, left);
  assertViolation(() => show(history.left, 2), "was visible, and is no more");
  const late = history.begin();
  late.requestCommit();
  const record = history.book.write("producer", "left", late);
  assertViolation(
    () => show(history.left, 2, left, { offset: 1, record }),
    "was not visible, and is now",
  );
});

Deno.test("PartitionView finds a plain record that is gone", () => {
  const history = new History();
  history.write(history.left, 0);
  assertViolation(() => show(history.left, 1), "Plain record 0 at offset 0 of left is not visible");
  const uncommitted = { from: 0, next: 1, seen: [] };
  assertViolation(
    () => history.left.showUncommitted(uncommitted),
    "Record 0 at offset 0 of left is gone",
  );
});

Deno.test("PartitionView finds a late write of a transaction that ended", () => {
  const history = new History();
  show(history.left, 5);
  const transaction = history.begin();
  transaction.requestCommit();
  transaction.decide("committed", "the commit was acknowledged");
  assertViolation(() => history.write(history.left, 4, transaction), "was not visible");
});

Deno.test("PartitionView finds bounds that go back or cross", () => {
  const { left } = new History();
  left.tell({ lastStableOffset: 3, highWatermark: 5 }, left.bounds);
  const tell = (lastStableOffset: number, highWatermark: number) => () =>
    left.tell({ lastStableOffset, highWatermark }, left.bounds);
  assertViolation(tell(2, 5), "The last stable offset of left went back from 3 to 2");
  assertViolation(tell(3, 4), "The high watermark of left went back from 5 to 4");
  assertViolation(tell(6, 5), "The last stable offset of left is 6, its high watermark 5");
});

Deno.test("PartitionView finds records out of order", () => {
  const history = new History();
  const first = history.book.write("producer", "left", undefined);
  const second = history.book.write("producer", "left", undefined);
  const seen = [{ offset: 0, record: second }, { offset: 1, record: first }];
  show(history.left, 2, ...seen);
  assertViolation(
    () => history.left.checkSettled(history.book.recordsOf("left")),
    "left has record 0 of producer after 1",
  );
});

Deno.test("PartitionView finds a committed record that no reader has seen", () => {
  const history = new History();
  const transaction = history.begin();
  history.book.write("producer", "left", transaction);
  transaction.requestCommit();
  transaction.decide("committed", "the commit was acknowledged");
  assertViolation(
    () => history.left.checkSettled(history.book.recordsOf("left")),
    "is committed, and its record 0 is not in left",
  );
});

Deno.test("PartitionView lets compaction remove what a later record of the key replaces", () => {
  const book = new TransactionBook();
  const view = new PartitionView("compacted", true);
  const write = (offset: number): SeenRecord => {
    const record: WrittenRecord = book.write("producer", "compacted", undefined);
    view.acknowledge([record], offset);
    return { offset, record };
  };
  const records = [0, 1, 2, 3, 4, 5].map(write);
  const written = book.recordsOf("compacted");
  show(view, 6, ...records);
  // Records 0 and 5 have one key.
  show(view, 6, ...records.slice(1));
  view.checkSettled(written);
  show(view, 6, ...records.slice(2));
  assertViolation(
    () => view.checkSettled(written),
    "Record 1 at offset 1 of compacted was visible, and is no more",
  );
});

Deno.test("GroupView finds offsets that do not agree with the output", () => {
  const history = new History();
  const group = new GroupView("group");
  assertEquals(group.floor, NO_OFFSET);
  const transaction = history.begin();
  history.write(history.left, 0, transaction);
  group.send(transaction, 1);
  assertViolation(() => group.observe(1, group.floor), "nobody requested to commit");
  transaction.requestCommit();
  group.observe(1, group.floor);
  assertViolation(() => show(history.left, 2), "since group has its offset 1");
});

Deno.test("GroupView finds offsets that are lost, old, aborted or nobody's", () => {
  const history = new History();
  const group = new GroupView("group");
  const { transaction } = history.committed();
  group.send(transaction, 3);
  assertViolation(() => group.observe(NO_OFFSET, group.floor), "though 3 was before");
  group.observe(3, group.floor);
  const aborted = history.begin();
  group.send(aborted, 4);
  aborted.decide("aborted", "the abort was acknowledged");
  assertViolation(() => group.observe(4, group.floor), "nobody requested to commit");
  assertViolation(() => group.observe(5, group.floor), "which nobody committed");
  const later = history.begin();
  group.send(later, 6);
  later.requestCommit();
  later.decide("committed", "the commit was acknowledged");
  assertViolation(() => group.checkSettled(3), "though 6 was before");
  group.checkSettled(6);
});

Deno.test("TransactionBook finds an id and epoch that two producers have", () => {
  const { book } = new History();
  book.give({ producerId: 1, producerEpoch: 0 }, "first");
  book.give({ producerId: 1, producerEpoch: 0 }, "first");
  book.give({ producerId: 1, producerEpoch: 1 }, "second");
  assertViolation(
    () => book.give({ producerId: 1, producerEpoch: 0 }, "second"),
    "which first has",
  );
});

Deno.test("TransactionBook decodes what a reader sees, by the aborted transactions of an answer", () => {
  const { book } = new History();
  const batch = (producerId: number, offset: number, transaction?: TransactionModel) => {
    const record = book.write("producer", "left", transaction);
    const bytes = book.encode([record], 0, { producerId, producerEpoch: 0 }, 0);
    new DataView(bytes.buffer, bytes.byteOffset).setBigInt64(0, BigInt(offset));
    return bytes;
  };
  const transaction = book.begin("producer");
  const batches = [batch(1, 0, transaction), batch(2, 1, transaction), batch(2, 2)];
  const bytes = new Uint8Array(batches.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const each of batches) {
    bytes.set(each, at);
    at += each.length;
  }
  const decode = (...aborted: [number, number][]) =>
    book.decode(
      bytes,
      0,
      aborted.map(([producerId, firstOffset]) => ({ producerId, firstOffset })),
    ).seen.map(({ offset }) => offset);
  assertEquals(decode(), [0, 1, 2]);
  assertEquals(decode([2, 1]), [0, 2]);
  assertEquals(decode([2, 1], [1, 0]), [2]);
  assertEquals(decode([1, 3]), [0, 1, 2]);
  assertEquals(book.decode(bytes, 1, null).next, 3);
});
