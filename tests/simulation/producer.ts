/**
 * A careful producer: it keeps several batches in flight to a partition, retries failed ones in order, and
 * starts again with another producer id when its sequence is broken.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { initProducerId } from "../../protocol/messages/transactions/init_producer_id.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import type { ResponseOf } from "../../protocol/schema/schema.ts";
import { type Lane, Lanes, type ProducerIds, type Sending } from "./lane.ts";
import type { PartitionModel } from "./partition_model.ts";
import { check } from "./violation.ts";
import { Client, liveTopics, REQUEST_TIMEOUT_MS, type World } from "./world.ts";

/** Probability that an acknowledged batch is sent again, as if the network had kept a copy. */
const ECHO_PROBABILITY = 0.1;

/** The options of a producer. */
export interface ProducerOptions {
  readonly isIdempotent: boolean;
  readonly acks: -1 | 0 | 1;
}

type ProducedPartition = ResponseOf<
  typeof produce
>["responses"][number]["partitionResponses"][number];

/** A producer. */
export class Producer extends Client {
  readonly #options: ProducerOptions;
  readonly #producerIds: ProducerIds;
  readonly #lanes: Lanes<PartitionModel> = new Lanes();
  #producerId = -1;
  #isIdentifying = false;

  /** @param producerIds The ids that any producer was ever given. */
  constructor(name: string, world: World, options: ProducerOptions, producerIds: ProducerIds) {
    super(name, world);
    this.#options = options;
    this.#producerIds = producerIds;
  }

  /** Sends a batch, retries some, or gets a producer id. */
  act(): void {
    const { machine, random } = this.world;
    if (!machine.isUp) return;
    if (this.#options.isIdempotent && this.#producerId < 0) {
      if (!this.#isIdentifying) machine.spawn(() => this.#identify());
      return;
    }
    const topics = liveTopics(this.world);
    if (topics.length === 0) return;
    const lane = this.#lanes.of(random.pick(random.pick(topics).partitions));
    if (lane.mustResend) {
      if (lane.inFlight > 0) return;
      lane.mustResend = false;
      for (const sending of lane.unresolved.slice()) this.#send(lane, sending);
      return;
    }
    if (lane.acknowledged !== undefined && lane.inFlight === 0 && random.chance(ECHO_PROBABILITY)) {
      this.#send(lane, lane.acknowledged.sending);
      return;
    }
    for (let i = 1 + random.below(3); i > 0; i--) {
      if (lane.hasRoom) this.#send(lane, this.#draw(lane));
    }
  }

  async #identify(): Promise<void> {
    this.#isIdentifying = true;
    const response = await this.request(initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    });
    this.#isIdentifying = false;
    if (response === undefined) return;
    const { errorCode, producerId } = response;
    this.note("requests a producer id", errorCode);
    if (errorCode !== ErrorCode.NONE) return;
    this.#producerIds.add(producerId);
    this.#producerId = producerId;
    this.#lanes.clear();
  }

  #draw(lane: Lane<PartitionModel>): Sending {
    const { world } = this;
    const batch = world.book.draw(world.random, world.machine.clock.now(), {
      ...this.#options,
      configVersion: lane.partition.topic.configVersion,
      onLost: () => lane.hasGap = true,
    });
    const sending = lane.next(batch, this.#producerId);
    if (this.#options.acks !== 0) lane.unresolved.push(sending);
    return sending;
  }

  #send(lane: Lane<PartitionModel>, sending: Sending): void {
    const { topic, index } = lane.partition;
    const { batch, identity } = sending;
    batch.attempts++;
    const request = {
      acks: this.#options.acks,
      timeoutMs: REQUEST_TIMEOUT_MS,
      topicData: [{
        topicId: topic.id,
        partitionData: [{ index, records: this.world.book.encode(batch, identity) }],
      }],
    };
    if (this.#options.acks === 0) return this.connection?.send(produce, 13, request);
    lane.inFlight++;
    this.world.machine.spawn(async () => {
      const response = await this.request(produce, 13, request);
      lane.inFlight--;
      if (this.#lanes.get(lane.partition) !== lane) return;
      if (response === undefined) lane.mustResend = true;
      else this.#receive(lane, sending, response.responses[0]!.partitionResponses[0]!);
    });
  }

  #receive(
    lane: Lane<PartitionModel>,
    sending: Sending,
    { errorCode, errorMessage = null, baseOffset }: ProducedPartition,
  ): void {
    const { partition, unresolved } = lane;
    const slot = unresolved.indexOf(sending);
    const ids = sending.batch.records.map(({ id }) => id);
    this.note(
      `sends ${ids[0]} to ${ids.at(-1)} to ${partition}, ${baseOffset}`,
      errorCode,
      this.#allowed(lane, sending),
      errorMessage,
    );
    switch (errorCode) {
      case ErrorCode.NONE:
        this.#checkEcho(lane, sending, baseOffset);
        partition.acknowledge(sending.batch, baseOffset);
        lane.acknowledge(sending, baseOffset);
        break;
      case ErrorCode.UNKNOWN_TOPIC_ID:
      case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
        if (partition.topic.state === "live") lane.mustResend = true;
        else this.#lanes.delete(partition);
        break;
      case ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER:
        // An earlier batch failed, and is sent again first.
        if (slot > 0) lane.mustResend = true;
        else this.#producerId = -1;
        break;
      default:
        lane.mustResend = true;
    }
  }

  /** Checks that a batch sent again gets its acknowledged offset, while the log has the batch. */
  #checkEcho(
    { acknowledged, partition }: Lane<PartitionModel>,
    sending: Sending,
    baseOffset: number,
  ): void {
    if (sending !== acknowledged?.sending || !this.#options.isIdempotent) return;
    const isGone = acknowledged.baseOffset < partition.bounds.logStartOffset ||
      partition.mayBeDeleted(acknowledged.baseOffset) ||
      !sending.batch.records[0]!.offsets.has(acknowledged.baseOffset);
    check(
      isGone || baseOffset === acknowledged.baseOffset,
      () =>
        `${this.name} got offset ${acknowledged.baseOffset} for a batch to ${partition}, then ${baseOffset}`,
    );
  }

  /** Returns the errors that the answer may have. */
  #allowed(lane: Lane<PartitionModel>, { batch }: Sending): number[] {
    const { topic } = lane.partition;
    const allowed: number[] = [ErrorCode.REQUEST_TIMED_OUT, ErrorCode.NOT_LEADER_OR_FOLLOWER];
    if (topic.state !== "live" || this.world.machine.hasFailed) {
      allowed.push(ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    }
    const isFirst = lane.unresolved[0]?.batch === batch;
    const isNew = batch.attempts === 1;
    if (!isFirst || !isNew || lane.hasGap) allowed.push(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER);
    return allowed;
  }
}
