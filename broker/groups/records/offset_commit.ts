/**
 * The record of a committed offset in `__consumer_offsets`: key types 0 and 1.
 *
 * Type 0, with value version 0, is what Kafka wrote before 0.9 and is only read. Value version 1 has a
 * time of its own at which the offset expires, 2 leaves that to the broker's setting (KIP-211), 3 adds
 * the leader epoch (KIP-320), 4 is flexible and adds the topic id (KIP-848). Version 4 is written, and
 * 1 where the client asked for a retention time.
 *
 * @module
 */

import {
  type Decoded,
  int32,
  int64,
  message,
  string,
  uuid,
} from "../../../protocol/schema/schema.ts";
import { ZERO_UUID } from "../../../protocol/primitives/uuid.ts";

export const legacyOffsetCommitKey = message("LegacyOffsetCommitKey", "0", "none", {
  group: string(),
  topic: string(),
  partition: int32(),
});

export const legacyOffsetCommitValue = message("LegacyOffsetCommitValue", "0", "none", {
  offset: int64(),
  metadata: string(),
  commitTimestamp: int64(),
});

export const offsetCommitKey = message("OffsetCommitKey", "0", "none", {
  group: string(),
  topic: string(),
  partition: int32(),
});

export const offsetCommitValue = message("OffsetCommitValue", "0-4", "4+", {
  offset: int64(),
  leaderEpoch: int32("3+", { default: -1, ignorable: true }),
  metadata: string(),
  commitTimestamp: int64(),
  /** −1 where the broker's setting decides. */
  expireTimestamp: int64("1", { default: -1, ignorable: true }),
  topicId: uuid("4+", { default: ZERO_UUID, tag: 0, ignorable: true }),
});

export type OffsetCommitValue = Decoded<typeof offsetCommitValue>;
