/**
 * All records, transactions and producer ids of a simulation.
 *
 * @module
 */

import { RecordBatchBuilder, recordBatches } from "../../../protocol/records/mod.ts";
import type { SeenRecord } from "./partition_view.ts";
import { TransactionModel, type WrittenRecord } from "./transaction_model.ts";
import { check } from "../violation.ts";

const KEY_COUNT = 5;
/** Digits of a record's number, at most. */
const ID_LENGTH = 12;
/** Bytes of a large record: its batch takes too long to recompress at once. */
const LARGE = 17_000;
const DECODER = new TextDecoder();

/** A producer's id and epoch. */
export interface ProducerPair {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** An aborted transaction, as Fetch tells it. */
export interface AbortedRange {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** Makes records and transactions, and recognizes them. */
export class TransactionBook {
  readonly #records: WrittenRecord[] = [];
  readonly transactions: TransactionModel[] = [];
  readonly #owners: Map<string, string> = new Map();
  #numbers = 0;

  /** How many records were made. */
  get count(): number {
    return this.#records.length;
  }

  /** A number that is higher than all before. */
  nextNumber(): number {
    return this.#numbers++;
  }

  /** Begins a transaction. */
  begin(producer: string): TransactionModel {
    const transaction = new TransactionModel(
      `transaction ${this.transactions.length} of ${producer}`,
    );
    this.transactions.push(transaction);
    return transaction;
  }

  /** Makes a record for a partition. */
  write(
    writer: string,
    partition: string,
    transaction: TransactionModel | undefined,
  ): WrittenRecord {
    const id = this.#records.length;
    const key = `key-${id % KEY_COUNT}`;
    const record = { id, key, writer, partition, transaction, offset: undefined };
    this.#records.push(record);
    transaction?.records.push(record);
    return record;
  }

  /** The records that were sent to a partition. */
  recordsOf(partition: string): WrittenRecord[] {
    return this.#records.filter((record) => record.partition === partition);
  }

  /**
   * Records that a producer was given an id and epoch.
   *
   * @throws {Violation} If another producer has them.
   */
  give({ producerId, producerEpoch }: ProducerPair, producer: string): void {
    const pair = `${producerId}/${producerEpoch}`;
    const owner = this.#owners.get(pair);
    check(
      owner === undefined || owner === producer,
      () => `${producer} was given producer id and epoch ${pair}, which ${owner} has`,
    );
    this.#owners.set(pair, producer);
  }

  /**
   * Encodes a batch.
   *
   * @param isLarge Whether its records are large.
   */
  encode(
    records: readonly WrittenRecord[],
    timestamp: number,
    pair: ProducerPair,
    baseSequence: number,
    isLarge: boolean = false,
  ): Uint8Array {
    const isTransactional = records[0]!.transaction !== undefined;
    const builder = new RecordBatchBuilder({ ...pair, baseSequence, isTransactional });
    const length = isLarge ? LARGE : 0;
    for (const { id, key } of records) {
      builder.append(timestamp, key, String(id).padEnd(length), []);
    }
    return builder.build();
  }

  /** Decodes what a reader finds, without control records. */
  decode(
    bytes: Uint8Array,
    from: number,
    aborted: readonly AbortedRange[] | null,
  ): { seen: SeenRecord[]; next: number } {
    const seen: SeenRecord[] = [];
    const ranges = [...aborted ?? []].sort((a, b) => a.firstOffset - b.firstOffset);
    const abortedProducers = new Set<number>();
    let next = from;
    for (const batch of recordBatches(bytes)) {
      batch.ensureValid();
      next = Math.max(next, batch.nextOffset);
      const { producerId, lastOffset } = batch;
      while (ranges.length > 0 && ranges[0]!.firstOffset <= lastOffset) {
        abortedProducers.add(ranges.shift()!.producerId);
      }
      if (batch.isControl) {
        if (isAbort(batch.records())) abortedProducers.delete(producerId);
        continue;
      }
      if (batch.isTransactional && abortedProducers.has(producerId)) continue;
      for (const { offset, key, value } of batch.records()) {
        if (offset < from) continue;
        const record = this.#records[Number(DECODER.decode(value!.subarray(0, ID_LENGTH)))];
        check(
          record !== undefined && DECODER.decode(key!) === record.key,
          () => `Offset ${offset} has a record that was never written`,
        );
        seen.push({ offset, record });
      }
    }
    return { seen, next };
  }
}

function isAbort(records: Iterable<{ readonly key: Uint8Array | null }>): boolean {
  for (const { key } of records) return key![3] === 0;
  return false;
}
