/**
 * Typed records of `__consumer_offsets` and their encoding.
 *
 *     key     int16 type, then the key of that type in version 0
 *     value   int16 version, then the value in that version; null for a tombstone
 *
 * @module
 */

import { codec } from "../../../protocol/schema/codec.ts";
import { MalformedMessageError, Reader } from "../../../protocol/primitives/reader.ts";
import type { Decoded, Message } from "../../../protocol/schema/schema.ts";
import { inRange } from "../../../protocol/schema/version_range.ts";
import { Writer } from "../../../protocol/primitives/writer.ts";
import { groupMetadataKey, groupMetadataValue } from "./classic_group.ts";
import {
  consumerGroupCurrentMemberAssignmentKey,
  consumerGroupCurrentMemberAssignmentValue,
  consumerGroupMemberMetadataKey,
  consumerGroupMemberMetadataValue,
  consumerGroupMetadataKey,
  consumerGroupMetadataValue,
  consumerGroupPartitionMetadataKey,
  consumerGroupPartitionMetadataValue,
  consumerGroupRegularExpressionKey,
  consumerGroupRegularExpressionValue,
  consumerGroupTargetAssignmentMemberKey,
  consumerGroupTargetAssignmentMemberValue,
  consumerGroupTargetAssignmentMetadataKey,
  consumerGroupTargetAssignmentMetadataValue,
} from "./consumer_group.ts";
import {
  legacyOffsetCommitKey,
  legacyOffsetCommitValue,
  offsetCommitKey,
  offsetCommitValue,
} from "./offset_commit.ts";

/**
 * The record kinds, with the type number in the key and the version in which values are written.
 */
export const RECORD_KINDS = {
  legacyOffsetCommit: {
    type: 0,
    key: legacyOffsetCommitKey,
    value: legacyOffsetCommitValue,
    version: 0,
  },
  offsetCommit: { type: 1, key: offsetCommitKey, value: offsetCommitValue, version: 4 },
  classicGroup: { type: 2, key: groupMetadataKey, value: groupMetadataValue, version: 3 },
  consumerGroup: {
    type: 3,
    key: consumerGroupMetadataKey,
    value: consumerGroupMetadataValue,
    version: 0,
  },
  consumerPartitions: {
    type: 4,
    key: consumerGroupPartitionMetadataKey,
    value: consumerGroupPartitionMetadataValue,
    version: 0,
  },
  consumerMember: {
    type: 5,
    key: consumerGroupMemberMetadataKey,
    value: consumerGroupMemberMetadataValue,
    version: 0,
  },
  consumerTarget: {
    type: 6,
    key: consumerGroupTargetAssignmentMetadataKey,
    value: consumerGroupTargetAssignmentMetadataValue,
    version: 0,
  },
  consumerTargetMember: {
    type: 7,
    key: consumerGroupTargetAssignmentMemberKey,
    value: consumerGroupTargetAssignmentMemberValue,
    version: 0,
  },
  consumerCurrentMember: {
    type: 8,
    key: consumerGroupCurrentMemberAssignmentKey,
    value: consumerGroupCurrentMemberAssignmentValue,
    version: 0,
  },
  consumerRegex: {
    type: 16,
    key: consumerGroupRegularExpressionKey,
    value: consumerGroupRegularExpressionValue,
    version: 0,
  },
} as const;

/** The name of a record kind. */
export type RecordKind = keyof typeof RECORD_KINDS;

/** A record of one kind. */
export interface RecordOf<K extends RecordKind> {
  readonly kind: K;
  readonly key: Readonly<Decoded<typeof RECORD_KINDS[K]["key"]>>;
  /** `null` for a tombstone. */
  readonly value: Readonly<Decoded<typeof RECORD_KINDS[K]["value"]>> | null;
}

/** A record of `__consumer_offsets`. */
export type GroupRecord = { [K in RecordKind]: RecordOf<K> }[RecordKind];

/** The encoded key and value of a record. */
export interface RecordBytes {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** A record of a type or version that only a later version knows. */
export class UnknownRecordError extends Error {
  override name = "UnknownRecordError";
}

const KIND_BY_TYPE: readonly (RecordKind | undefined)[] = (() => {
  const kinds: (RecordKind | undefined)[] = new Array(17).fill(undefined);
  for (const kind of Object.keys(RECORD_KINDS) as RecordKind[]) {
    kinds[RECORD_KINDS[kind].type] = kind;
  }
  return kinds;
})();

const KEY_VERSION = 0;

/** Only one version can carry an offset's own expiry time. */
const OFFSET_VERSION_WITH_EXPIRY = 1;

/** Encodes a record. */
export function encodeGroupRecord(record: GroupRecord): RecordBytes {
  const { type, key, value } = RECORD_KINDS[record.kind];
  return {
    key: encode(type, key, KEY_VERSION, record.key),
    value: record.value === null
      ? null
      : encode(valueVersion(record), value, valueVersion(record), record.value),
  };
}

function valueVersion(record: GroupRecord): number {
  if (record.kind === "offsetCommit" && record.value!.expireTimestamp !== -1) {
    return OFFSET_VERSION_WITH_EXPIRY;
  }
  return RECORD_KINDS[record.kind].version;
}

function encode(prefix: number, message: Message, version: number, value: unknown): Uint8Array {
  const writer = new Writer();
  writer.int16(prefix);
  codec(message, version).encode(writer, value as never);
  return writer.takeBytes();
}

/**
 * Decodes a record. Bytes fields are views into the input.
 *
 * @throws {UnknownRecordError} If the record was written by a later version.
 * @throws {MalformedMessageError} If the bytes are not a valid record.
 */
export function decodeGroupRecord(key: Uint8Array, value: Uint8Array | null): GroupRecord {
  const keyReader = new Reader(key);
  const type = keyReader.int16();
  const kind = KIND_BY_TYPE[type];
  if (kind === undefined) {
    throw new UnknownRecordError(`Cannot read group record: type ${type} is unknown`);
  }
  const { key: keyMessage, value: valueMessage } = RECORD_KINDS[kind];
  const record = {
    kind,
    key: codec(keyMessage as Message, KEY_VERSION).decode(keyReader),
    value: value === null ? null : decodeValue(kind, valueMessage as Message, value),
  };
  return record as unknown as GroupRecord;
}

function decodeValue(kind: RecordKind, message: Message, value: Uint8Array): unknown {
  const reader = new Reader(value);
  const version = reader.int16();
  if (version < 0) {
    throw new MalformedMessageError(`Cannot read ${kind} record: its version is ${version}`);
  }
  if (!inRange(version, message.versions)) {
    throw new UnknownRecordError(
      `Cannot read ${kind} record: its version is ${version}, the last known is ${message.versions.max}`,
    );
  }
  return codec(message, version).decode(reader);
}
