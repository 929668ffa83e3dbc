/**
 * A consumer that follows partitions, reads from any offset, or looks up the end.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { ListOffsetsTimestamp } from "../../../protocol/messages/records/list_offsets.ts";
import { ClusterClient, liveTopics } from "./client.ts";
import type { ClusterPartition } from "./model.ts";
import { offsetOf, read } from "./reading.ts";

const MAX_BYTES = 3000;
const MAX_WAIT_MS = 500;

/** A consumer with one request in flight, so that no answer waits for that of another. */
export class ClusterConsumer extends ClusterClient {
  readonly #positions: Map<ClusterPartition, number> = new Map();
  #isBusy = false;

  /** Reads from some partition. */
  act(): void {
    const { random } = this.world;
    const topics = liveTopics(this.world);
    if (topics.length === 0 || this.#isBusy) return;
    const partition = random.pick(random.pick(topics).partitions);
    if (random.chance(0.15)) {
      this.world.spawn(() => this.#lookUp(partition));
      return;
    }
    const { promisedEnd, logStartOffset } = partition;
    const offset = random.chance(0.6)
      ? this.#positions.get(partition) ?? logStartOffset
      : logStartOffset + random.below(Math.max(0, promisedEnd - logStartOffset) + 2);
    const limits = {
      maxBytes: 1 + random.below(MAX_BYTES),
      maxWaitMs: random.chance(0.5) ? 0 : random.below(MAX_WAIT_MS),
    };
    this.world.spawn(async () => {
      this.#isBusy = true;
      const answer = await read(this, this.world.book, partition, offset, limits);
      this.#isBusy = false;
      if (answer === undefined) return;
      const { errorCode, records, nextOffset } = answer;
      this.note(`reads ${partition} from ${offset}, ${records.length} records`, errorCode, [
        ErrorCode.OFFSET_OUT_OF_RANGE,
      ]);
      this.#positions.delete(partition);
      if (errorCode === ErrorCode.NONE) this.#positions.set(partition, nextOffset);
      else if (errorCode !== ErrorCode.OFFSET_OUT_OF_RANGE) this.forgetLeader(partition);
    });
  }

  async #lookUp(partition: ClusterPartition): Promise<void> {
    this.#isBusy = true;
    const answer = await offsetOf(this, partition, ListOffsetsTimestamp.latest);
    this.#isBusy = false;
    if (answer === undefined) return;
    this.note(`looks up the end of ${partition}, ${answer.offset}`, answer.errorCode);
    if (answer.errorCode !== ErrorCode.NONE) this.forgetLeader(partition);
  }
}
