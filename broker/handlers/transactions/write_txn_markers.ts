/**
 * WriteTxnMarkers: ends transactions in the partitions that this broker leads (KIP-98). Versions 1 and 2.
 *
 * It is sent by the coordinators of transactions, and by an administrator that ends one which nobody
 * coordinates any more (KIP-664). Each partition is answered when its marker is committed. Unlike in Kafka,
 * no marker is taken with an epoch that no coordinator has: the partition would refuse those of the real
 * one afterwards, whose transaction could never end. Version 1 is flexible, 2 says whether the producer
 * bumps its epoch with every transaction (KIP-1228).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  writeTxnMarkers,
  type WriteTxnMarkersRequest,
  type WriteTxnMarkersResponse,
} from "../../../protocol/messages/transactions/write_txn_markers.ts";
import { TimeSlice } from "../../../storage/time_slice.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import {
  type ApiHandler,
  type BrokerContext,
  handler,
  type RequestContext,
} from "../../handler.ts";
import { TRANSACTIONS_TOPIC } from "../../transactions/transactions_topic.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";

type Marker = WriteTxnMarkersRequest["markers"][number];
type MarkerResult = WriteTxnMarkersResponse["markers"][number];

/** What a partition answers, known when its marker is committed. */
interface PartitionResult {
  readonly partitionIndex: number;
  errorCode: number;
}

/** Sizes of a marker and of a partition in the response. */
const MARKER_BYTES = 16;
const PARTITION_BYTES = 8;
/** Markers that wait to be committed at the same time. */
const AT_ONCE = 1000;

/** Serves WriteTxnMarkers. */
export const writeTxnMarkersHandler: ApiHandler = handler(
  writeTxnMarkers,
  handleWriteTxnMarkers,
  onCluster(AclOperation.clusterAction, AclOperation.alter),
);

async function handleWriteTxnMarkers(
  { markers }: WriteTxnMarkersRequest,
  context: RequestContext,
): Promise<WriteTxnMarkersResponse> {
  const bytes = sumOf(markers, ({ topics }) =>
    MARKER_BYTES +
    sumOf(
      topics,
      ({ name, partitionIndexes }) => textBytes(name) + partitionIndexes.length * PARTITION_BYTES,
    ));
  await claimResponseMemory(bytes, context);
  return { markers: await writeAll(markers, context) };
}

/** Writes up to a thousand markers at the same time: those of many transactions share a sync. */
async function writeAll(
  markers: readonly Marker[],
  { broker }: RequestContext,
): Promise<MarkerResult[]> {
  const latestEpoch = latestCoordinatorEpoch(broker);
  const slice = new TimeSlice();
  const begun: Promise<void>[] = [];
  const results: MarkerResult[] = [];
  for (const marker of markers) {
    const topics: MarkerResult["topics"][number][] = [];
    for (const { name, partitionIndexes } of marker.topics) {
      const partitions: PartitionResult[] = [];
      for (const partitionIndex of partitionIndexes) {
        const result = { partitionIndex, errorCode: ErrorCode.INVALID_REQUEST as number };
        partitions.push(result);
        if (marker.coordinatorEpoch <= latestEpoch) begun.push(write(marker, name, result, broker));
        if (begun.length === AT_ONCE) await Promise.all(begun.splice(0));
        if (slice.isOver) await slice.pause();
      }
      topics.push({ name, partitions });
    }
    results.push({ producerId: marker.producerId, topics });
  }
  await Promise.all(begun);
  return results;
}

async function write(
  { producerId, producerEpoch, coordinatorEpoch, transactionVersion, transactionResult }: Marker,
  topic: string,
  result: PartitionResult,
  { markers }: BrokerContext,
): Promise<void> {
  const isCommit = transactionResult;
  const ending = { producerId, producerEpoch, isCommit, coordinatorEpoch, transactionVersion };
  result.errorCode = await markers.write(ending, { topic, index: result.partitionIndex });
}

/** The highest epoch of a coordinator that this broker knows. */
function latestCoordinatorEpoch({ cluster }: BrokerContext): number {
  const partitions = cluster.topic(TRANSACTIONS_TOPIC)?.partitions ?? [];
  return partitions.reduce((latest, { leaderEpoch }) => Math.max(latest, leaderEpoch), 0);
}
