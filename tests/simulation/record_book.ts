/**
 * All records of a simulation, to compare what is read with what was written.
 *
 * @module
 */

import type { Random } from "../../protocol/random_testing.ts";
import { RecordBatchBuilder, recordBatches } from "../../protocol/records/mod.ts";
import type { ModelBatch, ModelRecord } from "./model.ts";
import type { FoundRecord } from "./partition_model.ts";
import { check } from "./violation.ts";

const KEY_COUNT = 6;
const MAX_RECORDS = 5;
const MAX_VALUE_SIZE = 150;
/** How much older than its batch a record may be. */
const MAX_AGE_MS = 300;
const TOMBSTONE_PROBABILITY = 0.1;

const DECODER = new TextDecoder();

/** A producer's id and epoch, as its batches carry them. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/** Makes records and recognizes them. */
export class RecordBook {
  readonly #records: Map<number, ModelRecord> = new Map();

  /** How many records there are. */
  get count(): number {
    return this.#records.size;
  }

  /** Makes a batch of new records. */
  draw(random: Random, nowMs: number, batch: Omit<ModelBatch, "records" | "attempts">): ModelBatch {
    const records: ModelRecord[] = [];
    const made: ModelBatch = { ...batch, records, attempts: 0 };
    for (let i = 1 + random.below(MAX_RECORDS); i > 0; i--) {
      const id = this.#records.size;
      const size = random.below(MAX_VALUE_SIZE);
      const record: ModelRecord = {
        id,
        key: `key-${random.below(KEY_COUNT)}`,
        value: random.chance(TOMBSTONE_PROBABILITY) ? null : `${id}:`.padEnd(size, `${id % 10}`),
        timestamp: nowMs - random.below(MAX_AGE_MS),
        madeMs: nowMs,
        batch: made,
        offsets: new Set(),
      };
      this.#records.set(id, record);
      records.push(record);
    }
    return made;
  }

  /** Encodes a batch. */
  encode({ records }: ModelBatch, identity?: ProducerIdentity): Uint8Array {
    const builder = new RecordBatchBuilder(identity ?? {});
    for (const { id, key, value, timestamp } of records) {
      builder.append(timestamp, key, value, [{ key: "id", value: String(id) }]);
    }
    return builder.build();
  }

  /** Decodes records from an offset on. Each must have been written, and be unchanged. */
  decode(bytes: Uint8Array, fromOffset: number, isLogAppendTime: boolean): FoundRecord[] {
    const found: FoundRecord[] = [];
    for (const batch of recordBatches(bytes)) {
      batch.ensureValid();
      for (const { offset, key, value, timestamp, headers } of batch.records()) {
        if (offset < fromOffset) continue;
        const id = Number(DECODER.decode(headers[0]!.value!));
        const record = this.#records.get(id);
        check(
          record !== undefined,
          () => `Offset ${offset} has record ${id}, which was never written`,
        );
        const text = value === null ? null : DECODER.decode(value);
        check(
          DECODER.decode(key!) === record.key && text === record.value,
          () => `Record ${id} at offset ${offset} is not what was written`,
        );
        check(
          isLogAppendTime || timestamp === record.timestamp,
          () => `Record ${id} was written with timestamp ${record.timestamp}, and has ${timestamp}`,
        );
        found.push({ offset, timestamp, record });
      }
    }
    return found;
  }
}
