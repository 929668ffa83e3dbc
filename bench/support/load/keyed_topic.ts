/**
 * A compacted topic with many records for each of many keys, which knows the records that should be left.
 *
 * The key of a record is derived from its offset, and its value starts with the offset. So every record can
 * be checked without keeping any.
 *
 * @module
 */

import { ConfigResourceType } from "../../../protocol/messages/configs/describe_configs.ts";
import { fetch } from "../../../protocol/messages/records/fetch.ts";
import {
  ConfigOperation,
  incrementalAlterConfigs,
} from "../../../protocol/messages/configs/incremental_alter_configs.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import {
  RECORD_BATCH_OVERHEAD,
  RecordBatchBuilder,
  recordBatches,
} from "../../../protocol/records/mod.ts";
import { decodeResponse, type LoadConnection, requestFrame } from "./load_connection.ts";
import { sampleValue } from "./record_batches.ts";
import { createTopics, expectNone, FETCH_VERSION, PRODUCE_VERSION, TIMEOUT_MS } from "./target.ts";

const RECORDS_PER_BATCH = 1000;
/** The most bytes of a record besides its value. */
const RECORD_OVERHEAD = 40;
const MAX_IN_FLIGHT = 8;
const FETCH_BYTES = 8 << 20;
const decoder = new TextDecoder();

/** The contents of the topic. */
export interface KeyedTopicOptions {
  readonly name: string;
  readonly records: number;
  readonly keys: number;
  /** Bytes of each value. */
  readonly size: number;
  readonly segmentBytes: number;
}

/** The topic, of one partition. */
export class KeyedTopic {
  readonly #connection: LoadConnection;
  readonly #options: KeyedTopicOptions;

  private constructor(connection: LoadConnection, options: KeyedTopicOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Creates it with all records. It is not compacted before `beginCompaction`. */
  static async create(
    connection: LoadConnection,
    options: KeyedTopicOptions,
  ): Promise<KeyedTopic> {
    const configs = {
      "cleanup.policy": "compact",
      "min.cleanable.dirty.ratio": "1",
      "segment.bytes": String(Math.max(1 << 20, options.segmentBytes)),
      "file.delete.delay.ms": "1000",
      "flush": "os",
    };
    await createTopics(connection, [options.name], 1, configs);
    const topic = new KeyedTopic(connection, options);
    await topic.#fill();
    return topic;
  }

  async #fill(): Promise<void> {
    const { records } = this.#options;
    let unanswered = 0;
    for (let offset = 0; offset < records || unanswered > 0;) {
      if (offset < records && unanswered < MAX_IN_FLIGHT) {
        const count = Math.min(RECORDS_PER_BATCH, records - offset);
        await this.#connection.send(this.#produceFrame(offset, count));
        offset += count;
        unanswered++;
      } else {
        const frame = await this.#connection.receive();
        const { responses } = decodeResponse(produce, PRODUCE_VERSION, frame);
        expectNone(responses[0]!.partitionResponses[0]!.errorCode, "produce");
        unanswered--;
      }
    }
  }

  #produceFrame(offset: number, count: number): Uint8Array {
    const { name, size } = this.#options;
    const builder = new RecordBatchBuilder({
      initialCapacity: RECORD_BATCH_OVERHEAD + count * (size + RECORD_OVERHEAD),
    });
    const nowMs = Date.now();
    const value = sampleValue(size);
    const view = new DataView(value.buffer);
    for (let at = offset; at < offset + count; at++) {
      view.setUint32(0, at);
      builder.append(nowMs, keyText(this.#keyAt(at)), value);
    }
    return requestFrame(produce, PRODUCE_VERSION, {
      acks: 1,
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name, partitionData: [{ index: 0, records: builder.build() }] }],
    });
  }

  /** Makes the broker compact the topic from now on. */
  async beginCompaction(): Promise<void> {
    const { responses } = await this.#connection.request(incrementalAlterConfigs, 1, {
      resources: [{
        resourceType: ConfigResourceType.topic,
        resourceName: this.#options.name,
        configs: [{
          name: "min.cleanable.dirty.ratio",
          configOperation: ConfigOperation.set,
          value: "0",
        }],
      }],
      validateOnly: false,
    });
    expectNone(responses[0]!.errorCode, "alter a topic");
  }

  /**
   * Reads and checks all records.
   *
   * @param cleanOffset Before it only the last record of each key should be left, from it on all records.
   * @returns The number of records.
   * @throws {Error} If a record is missing, wrong, or should not be there.
   */
  async check(cleanOffset: number): Promise<number> {
    const { records } = this.#options;
    const lastOffsets = this.#lastOffsets(cleanOffset);
    const isExpected = (offset: number) =>
      offset >= cleanOffset || lastOffsets[this.#keyAt(offset)] === offset;
    const value = sampleValue(this.#options.size);
    let next = 0;
    let count = 0;
    for await (const batch of this.#batches()) {
      for (const record of batch.records()) {
        while (next < record.offset && !isExpected(next)) next++;
        if (next !== record.offset || !isExpected(next)) {
          throw new Error(`Found offset ${record.offset}, expected ${next}`);
        }
        new DataView(value.buffer).setUint32(0, next);
        if (!isEqual(record.key, keyText(this.#keyAt(next))) || !isEqual(record.value, value)) {
          throw new Error(`The record at offset ${next} is not the expected one`);
        }
        next++;
        count++;
      }
    }
    while (next < records && !isExpected(next)) next++;
    if (next < records) throw new Error(`The record at offset ${next} is missing`);
    return count;
  }

  /** Returns the last offset of each key before `endOffset`. */
  #lastOffsets(endOffset: number): Uint32Array {
    const offsets = new Uint32Array(this.#options.keys);
    for (let offset = 0; offset < endOffset; offset++) offsets[this.#keyAt(offset)] = offset;
    return offsets;
  }

  async *#batches() {
    const { name, records } = this.#options;
    for (let offset = 0; offset < records;) {
      const { responses } = await this.#connection.request(fetch, FETCH_VERSION, {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: FETCH_BYTES,
        topics: [{
          topic: name,
          partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: FETCH_BYTES }],
        }],
      });
      const { errorCode, records: bytes } = responses[0]!.partitions[0]!;
      expectNone(errorCode, "fetch");
      if (bytes === null || bytes.length === 0) return;
      for (const batch of recordBatches(bytes)) {
        yield batch;
        offset = batch.nextOffset;
      }
    }
  }

  /** Returns the key of the record at an offset: pseudorandom, but always the same. */
  #keyAt(offset: number): number {
    let hash = Math.imul(offset ^ (offset >>> 15), 0x2c1b3c6d);
    hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39);
    return ((hash ^ (hash >>> 15)) >>> 0) % this.#options.keys;
  }
}

function keyText(key: number): string {
  return `key-${key}`;
}

function isEqual(bytes: Uint8Array | null, expected: string | Uint8Array): boolean {
  if (bytes === null) return false;
  if (typeof expected === "string") return decoder.decode(bytes) === expected;
  return bytes.length === expected.length && bytes.every((byte, i) => byte === expected[i]);
}
