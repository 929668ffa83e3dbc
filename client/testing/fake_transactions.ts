/**
 * The transaction coordinator of a fake cluster, and the partition leaders' part of transactions, in
 * both flows: with `transaction.version` 2 finalized and without.
 *
 * Transactions complete within the request that ends them. Tests fail single requests with the
 * cluster's `once()`.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  CoordinatorType,
  endTxn,
  findCoordinator,
  initProducerId,
  produce,
  txnOffsetCommit,
} from "../../protocol/messages/mod.ts";
import { RecordBatch } from "../../protocol/records/record_batch.ts";
import type { FakeCluster } from "./fake_cluster.ts";
import type { FakeCoordinator } from "./fake_coordinator.ts";

/** The first versions of the flow in which requests add their partitions by themselves. */
const FIRST_IMPLICIT = { produce: 12, endTxn: 5, txnOffsetCommit: 5 };

interface FakeTransaction {
  producerId: number;
  epoch: number;
  /** The epoch before the last bump of this producer; −1 if another one has bumped it. */
  lastEpoch: number;
  state: "Empty" | "Ongoing" | "CompleteCommit" | "CompleteAbort";
  /** The partitions, as in `a-0`. */
  readonly partitions: Set<string>;
  /** The offsets by topic and partition. */
  readonly offsets: Map<string, number>;
}

/** A transaction coordinator. */
export class FakeTransactions {
  /** The broker that coordinates all transactional ids. */
  coordinatorId = 0;
  readonly ids = new Map<string, FakeTransaction>();
  readonly #cluster: FakeCluster;
  readonly #group: FakeCoordinator | undefined;

  /** @param group The group whose offsets may be sent in transactions. */
  constructor(cluster: FakeCluster, group?: FakeCoordinator) {
    this.#cluster = cluster;
    this.#group = group;
    cluster.on(findCoordinator, ({ key, keyType, coordinatorKeys }, { version }) => {
      const nodeId = keyType === CoordinatorType.transaction
        ? this.coordinatorId
        : group?.coordinatorId ?? 0;
      const found = { nodeId, host: `broker-${nodeId}`, port: 9092, errorCode: ErrorCode.NONE };
      return version < 4
        ? found
        : { coordinators: coordinatorKeys.map((each) => ({ key: each ?? key, ...found })) };
    });
    cluster.on(initProducerId, async (request, { nodeId, usual }) => {
      if (request.transactionalId === null) return await usual();
      const errorCode = nodeId === this.coordinatorId
        ? this.#init(request.transactionalId, request)
        : ErrorCode.NOT_COORDINATOR;
      const known = this.ids.get(request.transactionalId);
      return errorCode === ErrorCode.NONE
        ? { errorCode, producerId: known!.producerId, producerEpoch: known!.epoch }
        : { errorCode, producerId: -1, producerEpoch: -1 };
    });
    cluster.on(addPartitionsToTxn, (request, { nodeId }) => {
      const topics = request.v3AndBelowTopics;
      const errorCode = this.#add(
        nodeId,
        request.v3AndBelowTransactionalId,
        request.v3AndBelowProducerId,
        request.v3AndBelowProducerEpoch,
        topics.flatMap(({ name, partitions }) => partitions.map((index) => `${name}-${index}`)),
      );
      return {
        resultsByTopicV3AndBelow: topics.map(({ name, partitions }) => ({
          name,
          resultsByPartition: partitions.map((partitionIndex) => ({
            partitionIndex,
            partitionErrorCode: errorCode,
          })),
        })),
      };
    });
    cluster.on(addOffsetsToTxn, ({ transactionalId, producerId, producerEpoch }, { nodeId }) => ({
      errorCode: this.#add(nodeId, transactionalId, producerId, producerEpoch, []),
    }));
    cluster.on(endTxn, (request, { nodeId, version }) => {
      const { transactionalId, producerId, producerEpoch, committed } = request;
      if (nodeId !== this.coordinatorId) return { errorCode: ErrorCode.NOT_COORDINATOR };
      const known = this.ids.get(transactionalId);
      if (known?.producerId !== producerId) {
        return { errorCode: ErrorCode.INVALID_PRODUCER_ID_MAPPING };
      }
      const errorCode = version < FIRST_IMPLICIT.endTxn
        ? this.#end(known, producerEpoch, committed)
        : this.#endAndBump(known, producerEpoch, committed);
      return errorCode === ErrorCode.NONE
        ? { errorCode, producerId: known.producerId, producerEpoch: known.epoch }
        : { errorCode };
    });
    cluster.on(produce, async ({ transactionalId, topicData }, { version, usual }) => {
      if (transactionalId === null) return await usual();
      const places = topicData.flatMap((topic) =>
        topic.partitionData.map(({ index }) => `${this.#nameOf(topic)}-${index}`)
      );
      const [epoch, producerId] = producerOf(topicData[0]!.partitionData[0]!.records!);
      const errorCode = this.#admit(
        transactionalId,
        producerId,
        epoch,
        places,
        version >= FIRST_IMPLICIT.produce,
      );
      if (errorCode === ErrorCode.NONE) return await usual();
      return {
        responses: topicData.map(({ name, topicId, partitionData }) => ({
          name,
          topicId,
          partitionResponses: partitionData.map(({ index }) => ({
            index,
            errorCode,
            baseOffset: -1,
          })),
        })),
      };
    });
    cluster.on(txnOffsetCommit, (request, { nodeId, version }) => {
      const { transactionalId, producerId, producerEpoch, memberId, generationId } = request;
      let errorCode = group!.errorFor(nodeId, memberId, generationId);
      const known = this.ids.get(transactionalId);
      if (errorCode === ErrorCode.NONE) {
        const isImplicit = version >= FIRST_IMPLICIT.txnOffsetCommit;
        errorCode = this.#admit(transactionalId, producerId, producerEpoch, [], isImplicit);
      }
      for (const { name, partitions } of request.topics) {
        for (const { partitionIndex, committedOffset } of partitions) {
          if (errorCode !== ErrorCode.NONE) continue;
          known!.offsets.set(`${name}-${partitionIndex}`, committedOffset);
        }
      }
      return {
        topics: request.topics.map(({ name, partitions }) => ({
          name,
          partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
        })),
      };
    });
  }

  /** Aborts the open transaction of an id, as the coordinator does after its timeout. */
  timeOut(transactionalId: string): void {
    this.#fence(this.ids.get(transactionalId)!);
  }

  #init(id: string, pair: { producerId: number; producerEpoch: number }): number {
    const known = this.ids.get(id);
    if (known === undefined) {
      this.ids.set(id, {
        producerId: this.#cluster.nextProducerId++,
        epoch: 0,
        lastEpoch: -1,
        state: "Empty",
        partitions: new Set(),
        offsets: new Map(),
      });
      return ErrorCode.NONE;
    }
    const isContinued = pair.producerId >= 0;
    if (isContinued && pair.producerId !== known.producerId) return ErrorCode.PRODUCER_FENCED;
    if (known.state === "Ongoing") {
      if (isContinued && pair.producerEpoch !== known.epoch) return ErrorCode.PRODUCER_FENCED;
      this.#fence(known);
      return ErrorCode.CONCURRENT_TRANSACTIONS;
    }
    if (isContinued && pair.producerEpoch === known.lastEpoch) return ErrorCode.NONE;
    if (isContinued && pair.producerEpoch !== known.epoch) return ErrorCode.PRODUCER_FENCED;
    known.lastEpoch = isContinued ? known.epoch++ : (known.epoch++, -1);
    known.state = "Empty";
    return ErrorCode.NONE;
  }

  #fence(known: FakeTransaction): void {
    known.lastEpoch = known.epoch++;
    this.#complete(known, false);
  }

  #add(
    nodeId: number,
    id: string,
    producerId: number,
    epoch: number,
    places: readonly string[],
  ): number {
    if (nodeId !== this.coordinatorId) return ErrorCode.NOT_COORDINATOR;
    const known = this.ids.get(id);
    if (known?.producerId !== producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
    if (known.epoch !== epoch) return ErrorCode.PRODUCER_FENCED;
    known.state = "Ongoing";
    for (const place of places) known.partitions.add(place);
    return ErrorCode.NONE;
  }

  /** What a partition leader finds out before it appends. */
  #admit(
    id: string,
    producerId: number,
    epoch: number,
    places: readonly string[],
    isImplicit: boolean,
  ): number {
    const known = this.ids.get(id);
    if (known?.producerId !== producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
    if (known.epoch !== epoch) return ErrorCode.INVALID_PRODUCER_EPOCH;
    if (!isImplicit) {
      const isPart = known.state === "Ongoing" &&
        places.every((each) => known.partitions.has(each));
      return isPart ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE;
    }
    known.state = "Ongoing";
    for (const place of places) known.partitions.add(place);
    return ErrorCode.NONE;
  }

  #end(known: FakeTransaction, epoch: number, isCommit: boolean): number {
    if (known.epoch !== epoch) return ErrorCode.PRODUCER_FENCED;
    if (known.state === "Ongoing") {
      this.#complete(known, isCommit);
      return ErrorCode.NONE;
    }
    return known.state === outcome(isCommit) ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE;
  }

  #endAndBump(known: FakeTransaction, epoch: number, isCommit: boolean): number {
    if (epoch === known.epoch - 1 && known.state.startsWith("Complete")) {
      if (known.state === outcome(isCommit)) return ErrorCode.NONE;
      // A commit after the coordinator has aborted: 90 since KAFKA-20785.
      return isCommit ? ErrorCode.PRODUCER_FENCED : ErrorCode.INVALID_TXN_STATE;
    }
    if (epoch !== known.epoch) return ErrorCode.PRODUCER_FENCED;
    if (known.state !== "Ongoing" && isCommit) return ErrorCode.INVALID_TXN_STATE;
    known.lastEpoch = known.epoch++;
    this.#complete(known, isCommit);
    return ErrorCode.NONE;
  }

  #complete(known: FakeTransaction, isCommit: boolean): void {
    for (const place of known.partitions) {
      const dash = place.lastIndexOf("-");
      const log = this.#cluster.log(place.slice(0, dash), Number(place.slice(dash + 1)));
      log.endTransaction(known.producerId, known.epoch, isCommit);
    }
    for (const [place, offset] of known.offsets) {
      if (isCommit) this.#group!.committed.set(place, offset);
    }
    known.partitions.clear();
    known.offsets.clear();
    known.state = outcome(isCommit);
  }

  #nameOf({ name, topicId }: { readonly name: string; readonly topicId: string }): string {
    if (name !== "") return name;
    return [...this.#cluster.topics.values()].find(({ id }) => id === topicId)!.name;
  }
}

function outcome(isCommit: boolean): "CompleteCommit" | "CompleteAbort" {
  return isCommit ? "CompleteCommit" : "CompleteAbort";
}

/** The epoch and the producer id of a batch. */
function producerOf(records: Uint8Array): [epoch: number, producerId: number] {
  const batch = new RecordBatch(records);
  return [batch.producerEpoch, batch.producerId];
}
