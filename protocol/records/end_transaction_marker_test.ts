import { assertEquals } from "@std/assert";
import { RecordBatch } from "./record_batch.ts";
import { RecordBatchBuilder } from "./record_batch_builder.ts";
import { endTransactionMarker, readEndTransactionMarker } from "./end_transaction_marker.ts";

Deno.test("endTransactionMarker() builds the bytes that Kafka writes", () => {
  const batch = endTransactionMarker({
    producerId: 5,
    producerEpoch: 1,
    coordinatorEpoch: 0,
    isCommit: false,
    timestamp: 0x1a229fd70c7,
  });
  batch.baseOffset = 8;
  batch.partitionLeaderEpoch = 0;
  const hex = [
    "0000000000000008", // base offset
    "00000042", // length
    "00000000", // leader epoch
    "02", // magic
    "........", // CRC
    "0030", // transactional, control
    "00000000", // last offset delta
    "000001a229fd70c7", // base timestamp
    "000001a229fd70c7", // max timestamp
    "0000000000000005", // producer id
    "0001", // producer epoch
    "ffffffff", // no sequence
    "00000001", // one record
    "20" + "00" + "00" + "00" + "08" + "00000000" + "0c" + "000000000000" + "00",
  ].join("");
  const actual = batch.bytes.toHex();
  assertEquals(actual.slice(0, 34) + "........" + actual.slice(42), hex);
  assertEquals(batch.bytes.length, 78);
  assertEquals(batch.isCrcValid(), true);
});

Deno.test("readEndTransactionMarker() reads what endTransactionMarker() builds", () => {
  for (const isCommit of [true, false]) {
    const marker = { producerId: 7, producerEpoch: 32767, coordinatorEpoch: 3, timestamp: 1 };
    const batch = endTransactionMarker({ ...marker, isCommit });
    assertEquals(readEndTransactionMarker(new RecordBatch(batch.bytes)), {
      isCommit,
      coordinatorEpoch: 3,
      timestamp: 1,
    });
  }
});

Deno.test("readEndTransactionMarker() finds no marker in other batches", () => {
  const batchOf = (key: Uint8Array | null, value: Uint8Array | null) => {
    const builder = new RecordBatchBuilder({ isControl: true, producerId: 1, producerEpoch: 0 });
    builder.append(1, key, value);
    return new RecordBatch(builder.build());
  };
  const value = new Uint8Array(6);
  assertEquals(readEndTransactionMarker(batchOf(Uint8Array.of(0, 0, 0, 2), value)), undefined);
  assertEquals(readEndTransactionMarker(batchOf(Uint8Array.of(0, 0), value)), undefined);
  assertEquals(readEndTransactionMarker(batchOf(null, value)), undefined);
  assertEquals(readEndTransactionMarker(batchOf(Uint8Array.of(0, 0, 0, 1), null)), undefined);
  assertEquals(
    readEndTransactionMarker(batchOf(Uint8Array.of(0, 0, 0, 1), new Uint8Array(2))),
    undefined,
  );
});
