/**
 * Fetch: reads record batches, for consumers and followers, with or without a session (KIP-227).
 *
 * Version 4 is the oldest that Kafka 4 accepts, because it is the first to return batches of format
 * 2; it adds the isolation level (KIP-98). 5 adds log start offsets (KIP-107), 7 fetch sessions, 9
 * leader epochs (KIP-320), 10 allows zstd (KIP-110), 11 adds the rack and the preferred replica
 * (KIP-392), 12 is flexible and detects diverging logs (KIP-595), 13 identifies topics by id
 * (KIP-516), 14 may return OFFSET_MOVED_TO_TIERED_STORAGE (KIP-405), 15 moves the replica id into a
 * struct with an epoch (KIP-903), 16 adds the endpoints of leaders (KIP-951), 17 directory ids
 * (KIP-853), 18 the follower's high watermark (KIP-1166).
 *
 * From version 3 on, partitions are served in the order of the request.
 *
 * @module
 */

import { INT64_MAX } from "../../primitives/int64.ts";
import {
  api,
  array,
  int16,
  int32,
  int64,
  int8,
  records,
  type RequestOf,
  type ResponseTo,
  string,
  struct,
  uuid,
} from "../../schema/schema.ts";
import { ZERO_UUID } from "../../primitives/uuid.ts";

/** Which records consumers may read (KIP-98); also in ListOffsets. */
export const IsolationLevel = {
  /** All records up to the high watermark. */
  readUncommitted: 0,
  /** Up to the last stable offset; the client skips aborted transactions. */
  readCommitted: 1,
} as const;

/** Request and response of Fetch in all versions. */
export const fetch = api({
  key: 1,
  name: "Fetch",
  versions: "4-18",
  flexible: "12+",
  request: {
    clusterId: string("12+", { nullable: "12+", tag: 0, default: null, ignorable: true }),
    /**
     * The follower that sends the request, −1 for a consumer; from version 15 on in `replicaState`.
     */
    replicaId: int32("0-14", { default: -1 }),
    replicaState: struct("15+", {
      /** The follower that sends the request, −1 for a consumer. */
      replicaId: int32({ default: -1 }),
      replicaEpoch: int64({ default: -1 }),
    }, { tag: 1, default: {} }),
    /** How long the broker may wait for `minBytes`. */
    maxWaitMs: int32(),
    /** Minimum number of bytes to return before `maxWaitMs` has passed. */
    minBytes: int32(),
    /**
     * Maximum number of bytes to return; the first batch is returned even if it is larger (KIP-74).
     */
    maxBytes: int32({ default: 2147483647, ignorable: true }),
    /** One of `IsolationLevel`. */
    isolationLevel: int8({ default: 0, ignorable: true }),
    /** The session to continue, 0 for none or a new one. */
    sessionId: int32("7+", { default: 0, ignorable: true }),
    /** Counts the requests of a session: 0 opens one, −1 closes it or uses none. */
    sessionEpoch: int32("7+", { default: -1, ignorable: true }),
    /** The partitions to fetch; within a session only new and changed ones. */
    topics: array({
      topic: string("0-12", { default: "", ignorable: true }),
      topicId: uuid("13+", { default: ZERO_UUID, ignorable: true }),
      partitions: array({
        partition: int32(),
        /** The leader epoch known to the client, −1 if unknown. */
        currentLeaderEpoch: int32("9+", { default: -1, ignorable: true }),
        fetchOffset: int64(),
        /** The epoch of the follower's last record, −1 for none. */
        lastFetchedEpoch: int32("12+", { default: -1 }),
        /** The follower's log start offset, −1 for a consumer. */
        logStartOffset: int64("5+", { default: -1, ignorable: true }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid("17+", { tag: 0, default: ZERO_UUID, ignorable: true }),
        /**
         * The high watermark known to the follower: −1 for none, the default if it does not report
         * one. Kafka's default is 2^63 − 1, which is never sent.
         */
        highWatermark: int64("18+", { tag: 1, default: INT64_MAX, ignorable: true }),
      }),
    }),
    /** Partitions to remove from the session. */
    forgottenTopicsData: array("7+", {
      topic: string("7-12", { default: "", ignorable: true }),
      topicId: uuid("13+", { default: ZERO_UUID, ignorable: true }),
      partitions: array(int32()),
    }, { default: [] }),
    rackId: string("11+", { default: "", ignorable: true }),
  },
  response: {
    throttleTimeMs: int32({ default: 0, ignorable: true }),
    /** An error of the session. */
    errorCode: int16("7+", { default: 0, ignorable: true }),
    /** The session of this response, 0 for none. */
    sessionId: int32("7+", { default: 0 }),
    /** Within a session, only partitions with records or changes. */
    responses: array({
      topic: string("0-12", { default: "", ignorable: true }),
      topicId: uuid("13+", { default: ZERO_UUID, ignorable: true }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        /** The first offset of an open transaction, or the high watermark if there is none. */
        lastStableOffset: int64({ default: -1, ignorable: true }),
        logStartOffset: int64("5+", { default: -1, ignorable: true }),
        /** The point where the follower's log diverges from the leader's. */
        divergingEpoch: struct("12+", {
          epoch: int32({ default: -1 }),
          endOffset: int64({ default: -1 }),
        }, { tag: 0, default: {} }),
        currentLeader: struct("12+", {
          leaderId: int32({ default: -1 }),
          leaderEpoch: int32({ default: -1 }),
        }, { tag: 1, default: {} }),
        /** The snapshot to start from, for a follower whose offset is before the log start. */
        snapshotId: struct("12+", {
          endOffset: int64({ default: -1 }),
          epoch: int32({ default: -1 }),
        }, { tag: 2, default: {} }),
        /** Aborted transactions among the records; null unless isolation level 1 was requested. */
        abortedTransactions: array({
          producerId: int64(),
          firstOffset: int64(),
        }, { nullable: "4+", ignorable: true }),
        /** The replica to fetch from instead, −1 for this one. */
        preferredReadReplica: int32("11+", { default: -1 }),
        /** Whole batches, the first of which may begin before the requested offset. */
        records: records({ nullable: "0+" }),
      }),
    }),
    /** Endpoints of the leaders in `currentLeader`. */
    nodeEndpoints: array("16+", {
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: string({ nullable: "16+", default: null }),
    }, { tag: 0, default: [] }),
  },
});

/** A decoded Fetch request. */
export type FetchRequest = RequestOf<typeof fetch>;
/** A Fetch response to encode. */
export type FetchResponse = ResponseTo<typeof fetch>;
