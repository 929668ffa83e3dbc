import { assertEquals, assertThrows } from "@std/assert";
import { CorruptRecordError, RecordBatch } from "../../protocol/records/mod.ts";
import { InvalidRecordError, InvalidTimestampError, RecordTooLargeError } from "../errors.ts";
import { batchOf, batchOfSize, configOf, NOW_MS } from "../log_testing.ts";
import { validateBatch } from "./validate_batch.ts";
import type { LogConfig } from "../log/log_config.ts";

function validate(batch: RecordBatch, config: Partial<LogConfig> = {}): RecordBatch {
  validateBatch("orders-3", batch, configOf(config), NOW_MS);
  return batch;
}

/** A batch with changed header fields and a correct CRC. */
function changed(change: (view: DataView) => void): RecordBatch {
  const batch = batchOf(["a", "b"]);
  const { bytes } = batch;
  change(new DataView(bytes.buffer, bytes.byteOffset));
  batch.setMaxTimestamp(batch.maxTimestamp);
  return batch;
}

Deno.test("validateBatch() accepts batches of clients, and leaves them unchanged", () => {
  const batch = batchOf(["a", "b"], { producerId: 7, producerEpoch: 0, baseSequence: 3 });
  const before = batch.bytes.slice();
  validate(batch);
  assertEquals(batch.bytes, before);
  // kafkajs sends epoch and sequence 0 with producer id -1.
  validate(batchOf(["a"], { producerId: -1, producerEpoch: 0, baseSequence: 0 }));
});

Deno.test("validateBatch() rejects a batch larger than max.message.bytes", () => {
  const batch = batchOfSize(10, 100);
  validate(batch, { maxMessageBytes: batch.sizeInBytes });
  assertThrows(
    () => validate(batch, { maxMessageBytes: batch.sizeInBytes - 1 }),
    RecordTooLargeError,
    `Cannot append to "orders-3": batch is ${batch.sizeInBytes} bytes, max.message.bytes is ${
      batch.sizeInBytes - 1
    }`,
  );
});

Deno.test("validateBatch() rejects a flipped bit anywhere after the CRC", () => {
  const { bytes } = batchOf(["abc"]);
  for (let position = 17; position < bytes.length; position++) {
    const damaged = bytes.slice();
    damaged[position]! ^= 1;
    assertThrows(() => validate(new RecordBatch(damaged)), CorruptRecordError);
  }
});

Deno.test("validateBatch() rejects contradictory headers", () => {
  for (
    const batch of [
      changed((view) => view.setInt32(23, 5)), // last offset delta
      changed((view) => view.setInt32(57, 5)), // record count
      changed((view) => {
        view.setInt32(23, -1);
        view.setInt32(57, 0);
      }),
      batchOf(["a"], { producerId: 7, producerEpoch: 0, baseSequence: -1 }),
      batchOf(["a"], { producerId: 7, producerEpoch: -1, baseSequence: 0 }),
      batchOf(["a"], { isTransactional: true }),
      batchOf(["a"], { isControl: true }),
    ]
  ) assertThrows(() => validate(batch), InvalidRecordError, 'Cannot append to "orders-3"');
});

Deno.test("validateBatch() sets the time of the append with LogAppendTime", () => {
  const batch = validate(batchOf([{ value: "a", timestamp: 5 }]), {
    messageTimestampType: "LogAppendTime",
  });
  assertEquals([batch.timestampType, batch.maxTimestamp], [1, NOW_MS]);
  assertEquals(Array.from(batch.records(), (record) => record.timestamp), [NOW_MS]);
  assertEquals(batch.isCrcValid(), true);
  for (const messageTimestampType of ["CreateTime", "LogAppendTime"] as const) {
    assertThrows(
      () => validate(batch, { messageTimestampType }),
      InvalidTimestampError,
      `message.timestamp.type is ${messageTimestampType}`,
    );
  }
});

Deno.test("validateBatch() rejects timestamps later than message.timestamp.after.max.ms", () => {
  const hour = 60 * 60 * 1000;
  validate(batchOf([{ value: "a", timestamp: NOW_MS + hour }]));
  assertThrows(
    () => validate(batchOf(["a", { value: "b", timestamp: NOW_MS + hour + 1 }])),
    InvalidTimestampError,
    `Timestamp ${NOW_MS + hour + 1} of message with offset 1 is out of range`,
  );
});

Deno.test("validateBatch() rejects timestamps older than message.timestamp.before.max.ms, if it is set", () => {
  const old = () => batchOf(["a", { value: "b", timestamp: NOW_MS - 1001 }, "c"]);
  validate(old());
  validate(old(), { messageTimestampBeforeMaxMs: 1001 });
  validate(batchOf([{ value: "a", timestamp: -1 }]), { messageTimestampBeforeMaxMs: 1000 });
  assertThrows(() => validate(old(), { messageTimestampBeforeMaxMs: 1000 }), InvalidTimestampError);
});

Deno.test("validateBatch() requires keys on a compacted log, and names records without one", () => {
  const batch = batchOf([{ key: "k", value: "a" }, { key: null, value: "b" }]);
  validate(batch);
  const error = assertThrows(
    () => validate(batch, { cleanupPolicy: ["compact", "delete"] }),
    InvalidRecordError,
  );
  assertEquals(error.recordErrors, [{
    batchIndex: 1,
    message: "Compacted topic cannot accept message without key in topic partition orders-3",
  }]);
  validate(batchOf([{ key: "", value: "a" }]), { cleanupPolicy: ["compact"] });
});
