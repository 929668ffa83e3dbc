/**
 * A careful producer: it keeps several batches in flight to the leader of a partition, and sends failed
 * ones again, in order, to the leader at that time.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { initProducerId } from "../../../protocol/messages/transactions/init_producer_id.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { type Lane, Lanes, type ProducerIds, type Sending } from "../lane.ts";
import { ClusterClient, type ClusterWorld, liveTopics, REQUEST_TIMEOUT_MS } from "./client.ts";
import type { ClusterPartition } from "./model.ts";

/** The options of a producer. */
export interface ClusterProducerOptions {
  readonly isIdempotent: boolean;
  readonly acks: -1 | 1;
}

/** A producer. */
export class ClusterProducer extends ClusterClient {
  readonly #options: ClusterProducerOptions;
  readonly #producerIds: ProducerIds;
  readonly #lanes: Lanes<ClusterPartition> = new Lanes();
  #producerId = -1;
  #isIdentifying = false;

  /** @param producerIds The ids that any producer was ever given. */
  constructor(
    name: string,
    world: ClusterWorld,
    options: ClusterProducerOptions,
    producerIds: ProducerIds,
  ) {
    super(name, world);
    this.#options = options;
    this.#producerIds = producerIds;
  }

  /** Whether all batches are acknowledged. */
  get isIdle(): boolean {
    return this.#lanes.values().every(({ partition, unresolved }) =>
      unresolved.length === 0 || partition.topic.state !== "live"
    );
  }

  /** The partitions that batches wait for. */
  get waitsFor(): string[] {
    return this.#lanes.values().filter(({ unresolved }) => unresolved.length > 0)
      .map(({ partition }) => `${partition}`).toArray();
  }

  /** Sends a batch, retries some, or gets a producer id. */
  act(): void {
    const { random } = this.world;
    if (this.#options.isIdempotent && this.#producerId < 0) {
      if (!this.#isIdentifying) this.world.spawn(() => this.#identify());
      return;
    }
    const topics = liveTopics(this.world);
    if (topics.length === 0) return;
    const lane = this.#lanes.of(random.pick(random.pick(topics).partitions));
    if (this.#retry(lane)) return;
    for (let i = 1 + random.below(3); i > 0; i--) {
      if (lane.hasRoom) this.#send(lane, this.#draw(lane));
    }
  }

  /** Retries what has failed. */
  retryAll(): void {
    if (this.#options.isIdempotent && this.#producerId < 0) {
      this.act();
      return;
    }
    for (const lane of this.#lanes.values()) {
      if (lane.partition.topic.state === "live") this.#retry(lane);
    }
  }

  #retry(lane: Lane<ClusterPartition>): boolean {
    if (!lane.mustResend) return false;
    if (lane.inFlight > 0) return true;
    lane.mustResend = false;
    this.world.spawn(async () => {
      // Batches are sent in order only if their leader is known beforehand.
      if (this.leaderOf(lane.partition) === undefined) await this.refresh();
      for (const sending of lane.unresolved.slice()) this.#send(lane, sending);
    });
    return true;
  }

  async #identify(): Promise<void> {
    this.#isIdentifying = true;
    const answer = await this.request(
      this.world.random.pick(this.world.machines),
      initProducerId,
      4,
      { transactionalId: null, transactionTimeoutMs: 0 },
    );
    this.#isIdentifying = false;
    if (answer === undefined) return;
    const { errorCode, producerId } = answer.response;
    this.note("requests a producer id", errorCode);
    if (errorCode !== ErrorCode.NONE) return;
    this.#producerIds.add(producerId);
    this.#producerId = producerId;
    this.#lanes.clear();
  }

  #draw(lane: Lane<ClusterPartition>): Sending {
    const { world } = this;
    const batch = world.book.draw(world.random, Math.floor(world.timeline.nowMs), {
      ...this.#options,
      producer: `${this.name} as ${this.#producerId}`,
      configVersion: 0,
      onLost: () => {},
    });
    const sending = lane.next(batch, this.#producerId);
    lane.unresolved.push(sending);
    return sending;
  }

  #send(lane: Lane<ClusterPartition>, sending: Sending): void {
    const { topic, index } = lane.partition;
    const { batch, identity } = sending;
    batch.attempts++;
    lane.inFlight++;
    this.world.spawn(async () => {
      const answer = await this.requestLeader(lane.partition, produce, 13, () => ({
        acks: this.#options.acks,
        timeoutMs: REQUEST_TIMEOUT_MS,
        topicData: [{
          topicId: topic.id,
          partitionData: [{ index, records: this.world.book.encode(batch, identity) }],
        }],
      }));
      lane.inFlight--;
      if (this.#lanes.get(lane.partition) !== lane) return;
      if (answer === undefined) {
        lane.mustResend = true;
        return;
      }
      const { errorCode, baseOffset } = answer.response.responses[0]!.partitionResponses[0]!;
      if (errorCode === ErrorCode.NONE && this.#options.acks === -1) {
        this.checkLeader(answer, lane.partition);
      }
      this.#receive(lane, sending, errorCode, baseOffset);
    });
  }

  #receive(
    lane: Lane<ClusterPartition>,
    sending: Sending,
    errorCode: number,
    baseOffset: number,
  ): void {
    const { partition, unresolved } = lane;
    const slot = unresolved.indexOf(sending);
    const ids = sending.batch.records.map(({ id }) => id);
    // An earlier batch failed, and is sent again first. Of batches that are in the log, a broker that
    // was started again knows the last one only, as Kafka's does.
    const mayBeOutOfOrder = slot !== 0 || sending.batch.attempts > 1 || partition.deleteLimit > 0;
    this.note(
      `sends ${ids[0]} to ${ids.at(-1)} to ${partition}, ${baseOffset}`,
      errorCode,
      mayBeOutOfOrder ? [ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER] : [],
    );
    switch (errorCode) {
      case ErrorCode.NONE:
        if (this.#options.acks === -1) partition.acknowledge(sending.batch, baseOffset);
        lane.acknowledge(sending, baseOffset);
        break;
      case ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
        if (slot > 0) lane.mustResend = true;
        else this.#producerId = -1;
        break;
      default:
        this.forgetLeader(partition);
        lane.mustResend = true;
    }
  }
}
