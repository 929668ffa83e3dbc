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
import {
  type ApiHandler,
  type BrokerContext,
  handler,
  type RequestContext,
} from "../../handler.ts";
import { TRANSACTIONS_TOPIC } from "../../transactions/transactions_topic.ts";
import { claimResponseMemory, sumOf, textBytes } from "../claim_response_memory.ts";
import { awaitEach } from "../each_item.ts";

type Marker = WriteTxnMarkersRequest["markers"][number];
type MarkerResult = WriteTxnMarkersResponse["markers"][number];

/** Sizes of a marker and of a partition in the response. */
const MARKER_BYTES = 16;
const PARTITION_BYTES = 8;

/** Serves WriteTxnMarkers. */
export const writeTxnMarkersHandler: ApiHandler = handler(writeTxnMarkers, handleWriteTxnMarkers);

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
  return { markers: await awaitEach(markers, (marker) => write(marker, context)) };
}

async function write(marker: Marker, { broker }: RequestContext): Promise<MarkerResult> {
  const { producerId, producerEpoch, coordinatorEpoch, transactionVersion } = marker;
  const ending = {
    producerId,
    producerEpoch,
    isCommit: marker.transactionResult,
    coordinatorEpoch,
    transactionVersion,
  };
  const isFromFuture = coordinatorEpoch > latestCoordinatorEpoch(broker);
  const topics = await awaitEach(marker.topics, async ({ name, partitionIndexes }) => ({
    name,
    partitions: await awaitEach(partitionIndexes, async (partitionIndex) => ({
      partitionIndex,
      errorCode: isFromFuture
        ? ErrorCode.INVALID_REQUEST
        : await broker.markers.write(ending, { topic: name, index: partitionIndex }),
    })),
  }));
  return { producerId, topics };
}

/** The highest epoch of a coordinator that this broker has heard of. */
function latestCoordinatorEpoch({ cluster }: BrokerContext): number {
  const partitions = cluster.topic(TRANSACTIONS_TOPIC)?.partitions ?? [];
  return partitions.reduce((latest, { leaderEpoch }) => Math.max(latest, leaderEpoch), 0);
}
