import { assertEquals, assertThrows } from "@std/assert";
import { RECORD_BATCH_OVERHEAD, RecordBatch } from "./record_batch.ts";
import { RecordBatchBuilder } from "./record_batch_builder.ts";
import { MalformedRecordError, RecordWalk, type RecordWalkOptions } from "./record_walk.ts";
import { MAX_VARLONG_SIZE, sizeOfVarint, writeVarint, writeVarlong } from "./varint.ts";

function walkOver(bytes: Uint8Array, options: Partial<RecordWalkOptions> = {}): RecordWalk {
  return new RecordWalk(bytes, 0, {
    recordCount: 1,
    baseTimestamp: 1000,
    earliestTimestamp: -Infinity,
    latestTimestamp: Infinity,
    needsKeys: false,
    ...options,
  });
}

function varint(value: number): number[] {
  const bytes = new Uint8Array(sizeOfVarint(value));
  writeVarint(bytes, 0, value);
  return [...bytes];
}

function varlong(value: number): number[] {
  const bytes = new Uint8Array(MAX_VARLONG_SIZE);
  return [...bytes.subarray(0, writeVarlong(bytes, 0, value))];
}

interface Fields {
  readonly delta?: number[];
  readonly offset?: number[];
  readonly key?: number[];
  readonly value?: number[];
  readonly headers?: number[];
  /** Error added to the length. */
  readonly off?: number;
}

const HEADERS = [{ key: "a", value: "b" }, { key: "c", value: null }];
const NO_BYTES = varint(-1);

/** A record as bytes, valid unless fields say otherwise. */
function record(fields: Fields = {}): number[] {
  const { delta = [0], offset = [0], key = NO_BYTES, value = [2, 65], headers = [0], off = 0 } =
    fields;
  const body = [0, ...delta, ...offset, ...key, ...value, ...headers];
  return [...varint(body.length + off), ...body];
}

Deno.test("RecordWalk accepts batches of RecordBatchBuilder, and finds the latest timestamp", () => {
  for (const sizes of [[0], [1, 100, 10_000], [8191, 8192, 2 ** 20, 2 ** 21 + 1]]) {
    for (const steps of [1, 7, Infinity]) {
      const builder = new RecordBatchBuilder();
      for (const [index, size] of sizes.entries()) {
        const key = index % 2 === 0 ? null : "key";
        builder.append(5000 - 3 * index, key, new Uint8Array(size), HEADERS);
        builder.append(5000 + 2 ** 22 * index, key, null);
      }
      const batch = new RecordBatch(builder.build());
      const { recordCount, baseTimestamp, bytes } = batch;
      const walk = new RecordWalk(bytes, RECORD_BATCH_OVERHEAD, {
        recordCount,
        baseTimestamp,
        earliestTimestamp: 0,
        latestTimestamp: 2 ** 40,
        needsKeys: false,
      });
      while (!walk.walk(steps));
      assertEquals(walk.maxTimestamp, 5000 + 2 ** 22 * (sizes.length - 1));
      assertEquals(walk.unfitCount, 0);
    }
  }
});

Deno.test("RecordWalk accepts offset deltas of every width", () => {
  const builder = new RecordBatchBuilder();
  for (let index = 0; index < 1_050_000; index++) builder.append(1, null, null);
  const { bytes, recordCount } = new RecordBatch(builder.build());
  const walk = new RecordWalk(bytes, RECORD_BATCH_OVERHEAD, {
    recordCount,
    baseTimestamp: 1,
    earliestTimestamp: 0,
    latestTimestamp: 1,
    needsKeys: false,
  });
  assertEquals(walk.walk(recordCount - 1), false);
  assertEquals(walk.walk(1), true);
});

Deno.test("RecordWalk rejects malformed records, with their index", () => {
  const sound = record();
  const second = (fields: Fields) => [...sound, ...record({ offset: [2], ...fields })];
  const cases: Record<string, [number[], recordCount: number, recordIndex: number]> = {
    "fewer records than stated": [sound, 2, 1],
    "more records than stated": [second({}), 1, 1],
    "no bytes": [[], 1, 0],
    "garbage": [[9, 200, 201, 3, 3, 3, 9, 9, 9, 255], 1, 0],
    "zeros": [[0, 0, 0, 0, 0, 0, 0], 1, 0],
    "a length beyond the end": [record({ off: 50 }), 1, 0],
    "a length below zero": [record({ off: -40 }), 1, 0],
    "a length that is short": [record({ off: -1 }), 1, 0],
    "a length that takes in the next record": [[...record({ off: 1 }), ...sound], 2, 0],
    "bytes after the headers": [record({ headers: [0, 1] }), 1, 0],
    "an offset left out": [second({ offset: [4] }), 2, 1],
    "an offset twice": [second({ offset: [0] }), 2, 1],
    "an offset below zero": [second({ offset: [1] }), 2, 1],
    "a key size of -2": [record({ key: varint(-2) }), 1, 0],
    "a value size of -2": [record({ value: varint(-2) }), 1, 0],
    "a key beyond the record": [record({ key: varint(1000) }), 1, 0],
    "a value beyond the record": [second({ value: varint(2 ** 30) }), 2, 1],
    "a header count below zero": [record({ headers: varint(-1) }), 1, 0],
    "a header count beyond the record": [record({ headers: varint(2 ** 30) }), 1, 0],
    "headers that are not there": [record({ headers: [4, 2, 65, 1] }), 1, 0],
    "a header name that is null": [record({ headers: [2, 1, 2, 65] }), 1, 0],
    "a header value size of -2": [record({ headers: [2, 2, 65, 3] }), 1, 0],
    "a varint of six bytes": [record({ key: [0x80, 0x80, 0x80, 0x80, 0x80, 0] }), 1, 0],
    "a varlong of eleven bytes": [record({ delta: [...new Array(10).fill(0x80), 0] }), 1, 0],
  };
  for (const [name, [bytes, recordCount, recordIndex]] of Object.entries(cases)) {
    const walk = walkOver(new Uint8Array(bytes), { recordCount });
    const error = assertThrows(() => walk.walk(Infinity), MalformedRecordError, undefined, name);
    assertEquals(error.recordIndex, recordIndex, name);
  }
});

Deno.test("RecordWalk rejects a record truncated at any byte", () => {
  const bytes = new Uint8Array(
    record({ key: [6, 1, 2, 3], headers: [4, 2, 65, 2, 66, 2, 67, 1], delta: varlong(1e9) }),
  );
  assertEquals(walkOver(bytes).walk(Infinity), true);
  for (let size = 0; size < bytes.length; size++) {
    const walk = walkOver(bytes.slice(0, size));
    assertThrows(() => walk.walk(Infinity), MalformedRecordError);
  }
});

Deno.test("RecordWalk collects up to a thousand records without key or with timestamps out of range", () => {
  const times = [0, -5, 5, -2000, 10].map((delta, index) =>
    record({ delta: varlong(delta), offset: varint(index), key: index === 4 ? NO_BYTES : [0] })
  );
  const walk = walkOver(new Uint8Array(times.flat()), {
    recordCount: 5,
    baseTimestamp: 999,
    earliestTimestamp: 998,
    latestTimestamp: 1003,
    needsKeys: true,
  });
  assertEquals(walk.walk(Infinity), true);
  assertEquals(walk.unfit, [
    { index: 1, timestamp: 994 },
    { index: 2, timestamp: 1004 },
    { index: 3, timestamp: -1001 },
    { index: 4, timestamp: undefined },
  ]);

  const builder = new RecordBatchBuilder();
  for (let index = 0; index < 5000; index++) builder.append(1, null, null);
  const { bytes } = new RecordBatch(builder.build());
  const many = walkOver(bytes.subarray(RECORD_BATCH_OVERHEAD), {
    recordCount: 5000,
    needsKeys: true,
  });
  assertEquals(many.walk(Infinity), true);
  assertEquals([many.unfit.length, many.unfitCount], [1000, 5000]);
});

Deno.test("RecordWalk accepts timestamp -1, in range or not", () => {
  const walk = walkOver(new Uint8Array(record()), {
    baseTimestamp: -1,
    earliestTimestamp: 10,
    latestTimestamp: 20,
  });
  assertEquals(walk.walk(Infinity), true);
  assertEquals([walk.maxTimestamp, walk.unfitCount], [-1, 0]);
});

Deno.test("RecordWalk does not exceed maxSteps, even within the headers of one record", () => {
  const headers = [...varint(1000), ...Array.from({ length: 1000 }, () => [2, 65, 1]).flat()];
  const walk = walkOver(new Uint8Array(record({ headers })));
  for (let step = 0; step < 100; step++) assertEquals(walk.walk(10), false);
  assertEquals(walk.walk(10), true);
});
