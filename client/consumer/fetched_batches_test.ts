import { assertEquals } from "@std/assert";
import { RecordBatchBuilder } from "../../protocol/records/record_batch_builder.ts";
import { joinBytes } from "../../protocol/primitives/writer.ts";
import { fetchedBatches } from "./fetched_batches.ts";

function batch(baseOffset: number, count: number, options = {}): Uint8Array {
  const builder = new RecordBatchBuilder({ baseOffset, ...options });
  for (let i = 0; i < count; i++) builder.append(1, null, `${i}`);
  return builder.build();
}

function marker(baseOffset: number, producerId: number, type: number): Uint8Array {
  const builder = new RecordBatchBuilder({
    baseOffset,
    producerId,
    producerEpoch: 0,
    isTransactional: true,
    isControl: true,
  });
  builder.append(1, Uint8Array.of(0, 0, 0, type), new Uint8Array(6));
  return builder.build();
}

function joined(...batches: Uint8Array[]): Uint8Array {
  return joinBytes(batches, batches.reduce((size, { length }) => size + length, 0));
}

function places(
  bytes: Uint8Array,
  fetchOffset: number,
  aborted: { producerId: number; firstOffset: number }[] | null = null,
) {
  const { batches, nextOffset } = fetchedBatches(bytes, fetchOffset, aborted);
  return {
    batches: batches.map((one) => [one.batch.baseOffset, one.nextOffset]),
    nextOffset,
  };
}

Deno.test("fetchedBatches() returns the offset to continue at after each batch", () => {
  assertEquals(places(joined(batch(10, 3), batch(13, 2)), 10), {
    batches: [[10, 13], [13, 15]],
    nextOffset: 15,
  });
});

Deno.test("fetchedBatches() keeps the batch with the fetch offset and skips those before", () => {
  assertEquals(places(joined(batch(0, 3), batch(3, 3)), 4), { batches: [[3, 6]], nextOffset: 6 });
});

Deno.test("fetchedBatches() skips an incomplete batch", () => {
  const bytes = joined(batch(0, 3), batch(3, 3));
  assertEquals(places(bytes.subarray(0, bytes.length - 1), 0), {
    batches: [[0, 3]],
    nextOffset: 3,
  });
  assertEquals(places(bytes.subarray(0, 30), 0), { batches: [], nextOffset: 0 });
  assertEquals(places(new Uint8Array(0), 7), { batches: [], nextOffset: 7 });
});

Deno.test("fetchedBatches() skips control batches", () => {
  const bytes = joined(batch(0, 2), marker(2, 1, 1), batch(3, 1), marker(4, 1, 1));
  assertEquals(places(bytes, 0), { batches: [[0, 3], [3, 5]], nextOffset: 5 });
  assertEquals(places(marker(9, 1, 1), 9), { batches: [], nextOffset: 10 });
});

Deno.test("fetchedBatches() treats an unreadable marker as an abort marker", () => {
  const options = { producerId: 1, producerEpoch: 0, isTransactional: true };
  const unreadable = marker(2, 1, 0);
  new DataView(unreadable.buffer, unreadable.byteOffset).setInt16(21, 0x30 | 1);
  const bytes = joined(batch(0, 2, options), unreadable, batch(3, 2, options));
  assertEquals(places(bytes, 0, [{ producerId: 1, firstOffset: 0 }]), {
    batches: [[3, 5]],
    nextOffset: 5,
  });
});

Deno.test("fetchedBatches() skips batches emptied by compaction", () => {
  const empty = batch(0, 1);
  const view = new DataView(empty.buffer, empty.byteOffset);
  view.setInt32(8, 61 - 12);
  view.setInt32(57, 0);
  assertEquals(places(joined(empty.subarray(0, 61), batch(1, 1)), 0), {
    batches: [[1, 2]],
    nextOffset: 2,
  });
});

Deno.test("fetchedBatches() skips aborted transactions, each up to its marker", () => {
  const written = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  const bytes = joined(
    batch(0, 1, written),
    batch(1, 1),
    marker(2, 1, 0),
    batch(3, 1, written),
    marker(4, 1, 1),
  );
  const aborted = [{ producerId: 1, firstOffset: 0 }];
  assertEquals(places(bytes, 0, aborted), { batches: [[1, 3], [3, 5]], nextOffset: 5 });
  assertEquals(places(bytes, 0), { batches: [[0, 1], [1, 3], [3, 5]], nextOffset: 5 });
});

/** A batch of one message of a transaction. */
function written(baseOffset: number, producerId: number): Uint8Array {
  return batch(baseOffset, 1, {
    producerId,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  });
}

const ABORT = 0;
const COMMIT = 1;

/** The base offsets of the batches that a read_committed reader returns. */
function committed(
  bytes: Uint8Array,
  fetchOffset: number,
  aborted: { producerId: number; firstOffset: number }[],
): number[] {
  return places(bytes, fetchOffset, aborted).batches.map(([baseOffset]) => baseOffset!);
}

Deno.test("fetchedBatches() accepts aborted transactions in the order of their markers, as Kafka sends them", () => {
  // Producer 1 begins first and ends last: its transaction is listed after that of producer 2.
  const bytes = joined(
    written(0, 1),
    written(1, 2),
    batch(2, 1),
    marker(3, 2, ABORT),
    written(4, 1),
    written(5, 2),
    marker(6, 2, COMMIT),
    marker(7, 1, ABORT),
    written(8, 1),
    marker(9, 1, COMMIT),
  );
  const aborted = [{ producerId: 2, firstOffset: 1 }, { producerId: 1, firstOffset: 0 }];
  assertEquals(committed(bytes, 0, aborted), [2, 5, 8]);
  assertEquals(committed(bytes, 0, aborted.toReversed()), [2, 5, 8], "in any order");
  assertEquals(places(bytes, 0, aborted).nextOffset, 10);
});

Deno.test("fetchedBatches() keeps several aborted transactions of one producer apart, in any order", () => {
  const bytes = joined(
    written(0, 1),
    marker(1, 1, ABORT),
    written(2, 1),
    marker(3, 1, COMMIT),
    written(4, 2),
    written(5, 1),
    marker(6, 1, ABORT),
    written(7, 1),
    marker(8, 2, ABORT),
    marker(9, 1, COMMIT),
  );
  const aborted = [
    { producerId: 1, firstOffset: 5 },
    { producerId: 2, firstOffset: 4 },
    { producerId: 1, firstOffset: 0 },
  ];
  assertEquals(committed(bytes, 0, aborted), [2, 7]);
  assertEquals(committed(bytes, 0, aborted.toReversed()), [2, 7]);
});

Deno.test("fetchedBatches() skips aborted batches when the beginning or the marker is in another fetch", () => {
  const bytes = joined(written(4, 1), written(5, 2), written(6, 1), written(7, 2));
  const aborted = [{ producerId: 2, firstOffset: 5 }, { producerId: 1, firstOffset: 0 }];
  assertEquals(committed(bytes, 4, aborted), [], "both markers come later");
  assertEquals(committed(bytes, 4, [{ producerId: 1, firstOffset: 0 }]), [5, 7]);
  const rest = joined(marker(8, 1, ABORT), written(9, 1), marker(10, 2, ABORT), written(11, 2));
  assertEquals(committed(rest, 8, aborted), [9, 11]);
});

Deno.test("fetchedBatches() applies a marker before the fetch offset", () => {
  const bytes = joined(written(0, 1), marker(1, 1, ABORT), written(2, 1), marker(3, 1, COMMIT));
  assertEquals(committed(bytes, 2, [{ producerId: 1, firstOffset: 0 }]), [2]);
});

Deno.test("fetchedBatches() keeps batches outside of a producer's aborted transactions", () => {
  const written = { producerId: 1, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  const aborted = [{ producerId: 1, firstOffset: 5 }];
  assertEquals(places(joined(batch(3, 2, written), batch(5, 1, written)), 3, aborted), {
    batches: [[3, 6]],
    nextOffset: 6,
  });
});
