/**
 * Asks brokers how far their replicas of partitions reach.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  DEBUGGING_REPLICA,
  listOffsets,
  ListOffsetsTimestamp,
} from "../../protocol/messages/records/list_offsets.ts";
import type { Peer, Peers } from "../peers/peers.ts";

/** A partition, by its topic's name. */
export interface PartitionName {
  readonly topic: string;
  readonly index: number;
}

/** The end of a replica. */
export interface ReplicaEnd {
  readonly brokerId: number;
  /** The epoch of the last record, -1 if there is none. */
  readonly leaderEpoch: number;
  /** The log end offset. */
  readonly offset: number;
}

const VERSION = 7;
const TIMEOUT_MS = 2000;

/** The ends of the replicas that a broker has of some partitions; none if it does not respond. */
export async function replicaEnds(
  peers: Peers,
  broker: Peer,
  partitions: readonly PartitionName[],
): Promise<readonly (PartitionName & ReplicaEnd)[]> {
  const topics = Map.groupBy(partitions, ({ topic }) => topic);
  try {
    const response = await peers.request(broker, listOffsets, VERSION, {
      replicaId: DEBUGGING_REPLICA,
      topics: Array.from(topics, ([name, of]) => ({
        name,
        partitions: of.map(({ index }) => ({
          partitionIndex: index,
          timestamp: ListOffsetsTimestamp.latest,
        })),
      })),
    }, TIMEOUT_MS);
    return response.topics.flatMap(({ name, partitions }) =>
      partitions.filter(({ errorCode }) => errorCode === ErrorCode.NONE)
        .map(({ partitionIndex, leaderEpoch, offset }) => ({
          topic: name,
          index: partitionIndex,
          brokerId: broker.id,
          leaderEpoch,
          offset,
        }))
    );
  } catch {
    return [];
  }
}
