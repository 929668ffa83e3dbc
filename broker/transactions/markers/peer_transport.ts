/**
 * Brings markers to the leaders of partitions: to this broker without the network, to others with
 * WriteTxnMarkers.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  writeTxnMarkers,
  type WriteTxnMarkersRequest,
} from "../../../protocol/messages/transactions/write_txn_markers.ts";
import type { ClusterState } from "../../cluster/cluster_state.ts";
import type { Peers } from "../../peers/peers.ts";
import type { TopicPartition } from "../model/transaction_partitions.ts";
import type { MarkersForBroker, MarkerTransport } from "./marker_sender.ts";
import type { MarkerWriter } from "./marker_writer.ts";

/** Options of the transport. */
export interface PeerTransportOptions {
  readonly cluster: Pick<ClusterState, "nodeId" | "topic" | "broker">;
  readonly peers: Pick<Peers, "request">;
  readonly writer: Pick<MarkerWriter, "write">;
}

/** Time limit of a broker; markers wait until they are replicated. */
const TIMEOUT_MS = 30_000;

/** Writes markers here and on other brokers. */
export class PeerTransport implements MarkerTransport {
  readonly #options: PeerTransportOptions;

  constructor(options: PeerTransportOptions) {
    this.#options = options;
  }

  leaderOf({ topic, index }: TopicPartition): number | undefined {
    return this.#options.cluster.topic(topic)?.partitions[index]?.leaderId;
  }

  async write(brokerId: number, markers: readonly MarkersForBroker[]): Promise<number[][]> {
    const { cluster, writer } = this.#options;
    if (brokerId !== cluster.nodeId) return await this.#send(brokerId, markers);
    const written = markers.map((marker) =>
      marker.partitions.map((partition) => writer.write(marker, partition))
    );
    return await Promise.all(written.map((codes) => Promise.all(codes)));
  }

  async #send(brokerId: number, markers: readonly MarkersForBroker[]): Promise<number[][]> {
    const { cluster, peers } = this.#options;
    const peer = cluster.broker(brokerId);
    if (peer === undefined) throw new Error(`Broker ${brokerId} is not registered`);
    const version = writeTxnMarkers.versions.max;
    const request = { markers: markers.map(markerOf) };
    const answer = await peers.request(peer, writeTxnMarkers, version, request, TIMEOUT_MS);
    const codes = new Map<string, number>();
    for (const { producerId, topics } of answer.markers) {
      for (const { name, partitions } of topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          codes.set(`${producerId} ${partitionIndex} ${name}`, errorCode);
        }
      }
    }
    return markers.map(({ producerId, partitions }) =>
      partitions.map(({ topic, index }) =>
        codes.get(`${producerId} ${index} ${topic}`) ?? ErrorCode.UNKNOWN_SERVER_ERROR
      )
    );
  }
}

function markerOf(marker: MarkersForBroker): WriteTxnMarkersRequest["markers"][number] {
  const indexes = new Map<string, number[]>();
  for (const { topic, index } of marker.partitions) {
    const same = indexes.get(topic);
    if (same === undefined) indexes.set(topic, [index]);
    else same.push(index);
  }
  return {
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    transactionResult: marker.isCommit,
    topics: Array.from(indexes, ([name, partitionIndexes]) => ({ name, partitionIndexes })),
    coordinatorEpoch: marker.coordinatorEpoch,
    transactionVersion: marker.transactionVersion,
  };
}
