/**
 * Background work on a broker during a measurement, at a steady pace so that this program can still measure.
 *
 * @module
 */

import { fetch } from "../../../protocol/messages/records/fetch.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { RecordBatchBuilder } from "../../../protocol/records/mod.ts";
import { endOf } from "./fetch_load.ts";
import { decodeResponse, LoadConnection, requestFrame } from "./load_connection.ts";
import { sampleBatch, sampleValue } from "./record_batches.ts";
import { createTopics, expectNone, FETCH_VERSION, PRODUCE_VERSION, TIMEOUT_MS } from "./target.ts";

const SEGMENT_BYTES = 4 * 1024 * 1024;
const MANY_PER_REQUEST = 10;
const BATCH = { size: 1000, count: 100 };
const KEY_COUNT = 20_000;
const READ_BYTES = 1024 * 1024;

/** Work that is prepared on a broker, and then repeated until it is stopped. */
export interface Disturbance {
  readonly name: string;
  /** The name in a word or two. */
  readonly shortName: string;
  /** Prepares topics and records before anything is measured. */
  prepare(connection: LoadConnection): Promise<void>;
  /** A piece of work. */
  step(connection: LoadConnection): Promise<void>;
  /** The least time between the starts of two pieces, in milliseconds. */
  readonly everyMs: number;
}

/** Runs disturbances while `during` runs. */
export async function disturbed<T>(
  address: string,
  disturbances: readonly Disturbance[],
  during: () => Promise<T>,
): Promise<T> {
  let isOver = false;
  const working = disturbances.map(async (disturbance) => {
    using connection = await LoadConnection.connect(address);
    while (!isOver) {
      const startMs = performance.now();
      await disturbance.step(connection);
      const leftMs = disturbance.everyMs - (performance.now() - startMs);
      if (leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs));
    }
  });
  try {
    return await during();
  } finally {
    isOver = true;
    await Promise.all(working);
  }
}

/** Appends to the partitions of a large topic in turn. */
export function manyPartitions(count: number): Disturbance {
  const records = sampleBatch({ size: 100, count: 1 });
  let next = 0;
  const append = (connection: LoadConnection, size: number) => {
    const partitionData = Array.from(
      { length: size },
      () => ({ index: next++ % count, records: records.slice() }),
    );
    return send(connection, "many", partitionData);
  };
  return {
    name: `appends to ${count.toLocaleString("en-US")} partitions in turn`,
    shortName: `${count.toLocaleString("en-US")} partitions`,
    everyMs: 10,
    prepare: async (connection) => {
      await createTopics(connection, ["many"], count, {});
      for (let done = 0; done < count; done += 100) await append(connection, 100);
    },
    step: (connection) => append(connection, MANY_PER_REQUEST),
  };
}

/** Appends to a topic with short retention, so that segments are rolled and deleted. */
export function retention(): Disturbance {
  const records = sampleBatch(BATCH);
  return {
    name: "retention deletes segments",
    shortName: "retention",
    everyMs: 5,
    prepare: (connection) =>
      createTopics(connection, ["retained"], 1, {
        "segment.bytes": String(SEGMENT_BYTES),
        "retention.bytes": String(4 * SEGMENT_BYTES),
        "file.delete.delay.ms": "0",
      }),
    step: (connection) => send(connection, "retained", [{ index: 0, records }]),
  };
}

/** Appends records with repeated keys to a compacted topic. */
export function compaction(): Disturbance {
  const batches = Array.from({ length: KEY_COUNT / BATCH.count }, (_, i) => keyedBatch(i));
  let next = 0;
  return {
    name: "compaction",
    shortName: "compaction",
    everyMs: 5,
    prepare: (connection) =>
      createTopics(connection, ["compacted"], 1, {
        "cleanup.policy": "compact",
        "segment.bytes": String(SEGMENT_BYTES),
        "min.cleanable.dirty.ratio": "0.01",
        "file.delete.delay.ms": "0",
      }),
    step: (connection) =>
      send(connection, "compacted", [{ index: 0, records: batches[next++ % batches.length]! }]),
  };
}

function keyedBatch(index: number): Uint8Array {
  const value = sampleValue(BATCH.size);
  const builder = new RecordBatchBuilder();
  const nowMs = Date.now();
  for (let i = 0; i < BATCH.count; i++) {
    builder.append(nowMs, `key-${index * BATCH.count + i}`, value);
  }
  return builder.build();
}

/** Reads a log repeatedly from its start, almost all of it from files. */
export function coldRead(bytes: number): Disturbance {
  const records = sampleBatch({ size: 1000, count: 900 });
  const count = Math.ceil(bytes / records.length);
  const endOffset = count * 900;
  let offset = 0;
  return {
    name: `a cold read of ${Math.round(bytes / 1e9 * 10) / 10} GB`,
    shortName: "a cold read",
    everyMs: 4,
    prepare: async (connection) => {
      await createTopics(connection, ["cold"], 1, {});
      for (let i = 0; i < count; i++) await send(connection, "cold", [{ index: 0, records }]);
    },
    step: async (connection) => {
      const { responses } = await connection.request(fetch, FETCH_VERSION, {
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: READ_BYTES,
        topics: [{
          topic: "cold",
          partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: READ_BYTES }],
        }],
      });
      const { errorCode, records } = responses[0]!.partitions[0]!;
      expectNone(errorCode, "fetch");
      offset = endOf(records!, offset) % endOffset;
    },
  };
}

async function send(
  connection: LoadConnection,
  name: string,
  partitionData: readonly { readonly index: number; readonly records: Uint8Array }[],
): Promise<void> {
  await connection.send(
    requestFrame(produce, PRODUCE_VERSION, {
      acks: 1,
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name, partitionData }],
    }),
  );
  const { responses } = decodeResponse(produce, PRODUCE_VERSION, await connection.receive());
  for (const { errorCode } of responses[0]!.partitionResponses) expectNone(errorCode, "produce");
}
