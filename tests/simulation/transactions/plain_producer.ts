/**
 * An idempotent producer without transactions, beside those with them.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { initProducerId } from "../../../protocol/messages/transactions/init_producer_id.ts";
import { REQUEST_TIMEOUT_MS } from "../world.ts";
import type { ProducerPair } from "./transaction_book.ts";
import type { WrittenRecord } from "./transaction_model.ts";
import { Participant, type SharedPartition } from "./transaction_world.ts";

/** A producer with one batch in flight, which it sends until it is acknowledged. */
export class PlainProducer extends Participant {
  #pair: ProducerPair | undefined;
  #unresolved:
    | { partition: SharedPartition; records: WrittenRecord[]; sequence: number }
    | undefined;
  readonly #sequences: Map<SharedPartition, number> = new Map();
  #isBusy = false;

  /** Sends a batch, unless one is in flight. */
  act(): void {
    const { world } = this;
    if (!world.isUp || this.#isBusy) return;
    this.#isBusy = true;
    world.spawn(async () => {
      if (this.#pair === undefined) await this.#init();
      else await this.#produce(this.#pair);
      this.#isBusy = false;
    });
  }

  async #init(): Promise<void> {
    const response = await this.wire.request("any", initProducerId, 5, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    });
    if (response === undefined) return;
    const { errorCode, producerId, producerEpoch } = response;
    if (this.mustRepeat("any", "requests a producer id", errorCode)) return;
    this.#pair = { producerId, producerEpoch };
    this.world.book.give(this.#pair, this.name);
  }

  async #produce(pair: ProducerPair): Promise<void> {
    const { world } = this;
    const { partition, records, sequence } = this.#unresolved ??= this.#draw();
    const to = { leaderOf: partition };
    const bytes = world.book.encode(records, world.nowMs, pair, sequence);
    const response = await this.wire.request(to, produce, 12, {
      acks: -1,
      timeoutMs: REQUEST_TIMEOUT_MS,
      topicData: [{
        name: partition.topic,
        partitionData: [{ index: partition.index, records: bytes }],
      }],
    });
    if (response === undefined) return;
    const { errorCode, baseOffset } = response.responses[0]!.partitionResponses[0]!;
    const what = `sends ${records[0]!.id} to ${records.at(-1)!.id} to ${partition.view}`;
    if (this.mustRepeat(to, `${what}, ${baseOffset}`, errorCode)) return;
    if (errorCode === ErrorCode.NONE) partition.view.acknowledge(records, baseOffset);
    this.#unresolved = undefined;
  }

  #draw() {
    const { random, book, partitions } = this.world;
    const partition = random.pick(partitions);
    const records = Array.from(
      { length: 1 + random.below(3) },
      () => book.write(this.name, partition.view.name, undefined),
    );
    const sequence = this.#sequences.get(partition) ?? 0;
    this.#sequences.set(partition, sequence + records.length);
    return { partition, records, sequence };
  }
}
