/**
 * Records of `__transaction_state`: the state of a transactional id.
 *
 *     key     int16 0, then the transactional id
 *     value   int16 version, then the state in that version; null once the id has expired
 *
 * Value version 1 is flexible (KIP-890); it is written, and 0 is read. Kafka 4.2 writes tag 2 alone. Here,
 * tags 0 and 1 are written too, or a crash would forget the next producer id that a client knows, and two
 * tags of this program: without the last epoch a repeated InitProducerId would be refused after another
 * coordinator was elected (KAFKA-20357). Kafka skips them.
 *
 * @module
 */

import { MalformedMessageError, Reader } from "../../../protocol/primitives/reader.ts";
import { Writer } from "../../../protocol/primitives/writer.ts";
import { codec } from "../../../protocol/schema/codec.ts";
import {
  array,
  bool,
  type Decoded,
  int16,
  int32,
  int64,
  int8,
  message,
  string,
} from "../../../protocol/schema/schema.ts";
import { inRange } from "../../../protocol/schema/version_range.ts";
import {
  isPrepared,
  NO_PARTITIONS,
  NONE,
  STATE_NAMES,
  type Transaction,
  TRANSACTION_V2,
  type TransactionPartitions,
  TransactionState,
} from "../model/mod.ts";

export const transactionLogKey = message("TransactionLogKey", "0", "none", {
  transactionalId: string(),
});

export const transactionLogValue = message("TransactionLogValue", "0-1", "1+", {
  producerId: int64(),
  /** The producer id before the last rotation. */
  previousProducerId: int64("1+", { default: NONE, tag: 0, ignorable: false }),
  /** The producer id after a transaction that exhausts the epochs. */
  nextProducerId: int64("1+", { default: NONE, tag: 1, ignorable: false }),
  producerEpoch: int16(),
  nextProducerEpoch: int16("1+", { default: NONE, tag: 3, ignorable: false }),
  transactionTimeoutMs: int32(),
  transactionStatus: int8(),
  /** Null for an id that has no transaction yet. */
  transactionPartitions: array({
    topic: string(),
    partitionIds: array(int32()),
  }, { nullable: "0+" }),
  transactionLastUpdateTimestampMs: int64(),
  transactionStartTimestampMs: int64(),
  clientTransactionVersion: int16("1+", { default: 0, tag: 2, ignorable: false }),
  /** Specific to this program: the epoch of the pair that a repeated request has. */
  lastProducerEpoch: int16("1+", { default: NONE, tag: 100, ignorable: false }),
  /** Specific to this program: whether the coordinator aborted the transaction. */
  isFenced: bool("1+", { default: false, tag: 101, ignorable: false }),
});

type Value = Decoded<typeof transactionLogValue>;

/** The state of a transactional id, or that it has expired. */
export interface TransactionRecord {
  readonly transactionalId: string;
  /** `undefined` for a tombstone. */
  readonly transaction: Transaction | undefined;
}

/** A record of a type or version that only a later version knows. */
export class UnknownTransactionRecordError extends Error {
  override name = "UnknownTransactionRecordError";
}

const KEY_TYPE = 0;
const VALUE_VERSION = 1;

/** Encodes a record. */
export function encodeTransactionRecord(
  { transactionalId, transaction }: TransactionRecord,
): { readonly key: Uint8Array; readonly value: Uint8Array | null } {
  const key = new Writer();
  key.int16(KEY_TYPE);
  codec(transactionLogKey, 0).encode(key, { transactionalId });
  return {
    key: key.takeBytes(),
    value: transaction === undefined ? null : encodeValue(transaction),
  };
}

function encodeValue(transaction: Transaction): Uint8Array {
  const { state, partitions } = transaction;
  const writer = new Writer();
  writer.int16(VALUE_VERSION);
  codec(transactionLogValue, VALUE_VERSION).encode(writer, {
    producerId: transaction.producerId,
    previousProducerId: transaction.previousProducerId,
    nextProducerId: transaction.nextProducerId,
    producerEpoch: transaction.producerEpoch,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: state,
    transactionPartitions: state === TransactionState.empty
      ? null
      : Array.from(partitions, ([topic, indexes]) => ({ topic, partitionIds: [...indexes] })),
    transactionLastUpdateTimestampMs: transaction.updateMs,
    transactionStartTimestampMs: transaction.startMs,
    clientTransactionVersion: transaction.clientVersion,
    lastProducerEpoch: transaction.lastProducerEpoch,
    isFenced: transaction.isFenced,
  });
  return writer.takeBytes();
}

/**
 * Decodes a record, also one that Kafka has written.
 *
 * @throws {UnknownTransactionRecordError} If the record was written by a later version.
 * @throws {MalformedMessageError} If the bytes are not a valid record.
 */
export function decodeTransactionRecord(
  key: Uint8Array,
  value: Uint8Array | null,
): TransactionRecord {
  const keyReader = new Reader(key);
  const type = keyReader.int16();
  if (type !== KEY_TYPE) {
    throw new UnknownTransactionRecordError(
      `Cannot read transaction record: type ${type} is unknown`,
    );
  }
  const { transactionalId } = codec(transactionLogKey, 0).decode(keyReader);
  return {
    transactionalId,
    transaction: value === null ? undefined : transactionOf(decodeTransactionValue(value)),
  };
}

/**
 * Decodes the value of a record.
 *
 * @throws {UnknownTransactionRecordError} If the record was written by a later version.
 * @throws {MalformedMessageError} If the bytes are not a valid value.
 */
export function decodeTransactionValue(bytes: Uint8Array): Value {
  const reader = new Reader(bytes);
  const version = reader.int16();
  const { max } = transactionLogValue.versions;
  if (version > max) {
    throw new UnknownTransactionRecordError(
      `Cannot read transaction record: its version is ${version}, the last known is ${max}`,
    );
  }
  if (!inRange(version, transactionLogValue.versions)) {
    throw new MalformedMessageError(`Cannot read transaction record: its version is ${version}`);
  }
  return codec(transactionLogValue, version).decode(reader);
}

function transactionOf(value: Value): Transaction {
  const { transactionStatus: status } = value;
  if (status < 0 || status >= STATE_NAMES.length) {
    throw new MalformedMessageError(`Cannot read transaction record: its state is ${status}`);
  }
  const transaction: Transaction = {
    producerId: value.producerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: value.lastProducerEpoch,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    timeoutMs: value.transactionTimeoutMs,
    state: status as TransactionState,
    partitions: partitionsOf(value),
    startMs: value.transactionStartTimestampMs,
    updateMs: value.transactionLastUpdateTimestampMs,
    clientVersion: value.clientTransactionVersion,
    isFenced: value.isFenced,
  };
  return { ...transaction, lastProducerEpoch: lastEpochOf(transaction) };
}

/** The last epoch, which Kafka does not write: the end of a KIP-890 transaction bumps it by one. */
function lastEpochOf(transaction: Transaction): number {
  const { state, clientVersion, producerEpoch, lastProducerEpoch } = transaction;
  const hasEnded = isPrepared(transaction) || state >= TransactionState.completeCommit;
  const isKnown = lastProducerEpoch !== NONE || clientVersion < TRANSACTION_V2 || !hasEnded;
  return isKnown ? lastProducerEpoch : producerEpoch - 1;
}

function partitionsOf({ transactionPartitions }: Value): TransactionPartitions {
  if (transactionPartitions === null || transactionPartitions.length === 0) return NO_PARTITIONS;
  const partitions = new Map<string, Set<number>>();
  for (const { topic, partitionIds } of transactionPartitions) {
    const indexes = partitions.get(topic) ?? new Set();
    partitions.set(topic, indexes);
    for (const index of partitionIds) indexes.add(index);
  }
  return partitions;
}
