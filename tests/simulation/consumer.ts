/**
 * A consumer that follows partitions, or reads from any offset.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import type { PartitionModel } from "./partition_model.ts";
import { read } from "./reading.ts";
import { Client, liveTopics } from "./world.ts";

const MAX_IN_FLIGHT = 3;
const MAX_BYTES = 3000;
const MAX_WAIT_MS = 500;

/** A consumer. */
export class Consumer extends Client {
  readonly #positions: Map<PartitionModel, number> = new Map();
  #inFlight = 0;

  /** Reads from some partition. */
  act(): void {
    const { machine, random } = this.world;
    const topics = liveTopics(this.world);
    if (!machine.isUp || topics.length === 0 || this.#inFlight >= MAX_IN_FLIGHT) return;
    const partition = random.pick(random.pick(topics).partitions);
    const isFollowing = random.chance(0.5);
    const { highWatermark, logStartOffset } = partition.bounds;
    const offset = isFollowing
      ? this.#positions.get(partition) ?? logStartOffset
      : logStartOffset + random.below(highWatermark - logStartOffset + 2);
    const limits = {
      maxBytes: 1 + random.below(MAX_BYTES),
      maxWaitMs: random.chance(0.5) ? 0 : random.below(MAX_WAIT_MS),
    };
    machine.spawn(async () => {
      this.#inFlight++;
      const before = partition.bounds;
      const answer = await read(this, this.world.book, partition, offset, limits);
      this.#inFlight--;
      if (answer === undefined) return;
      const { errorCode, bounds, records, nextOffset } = answer;
      // Another client may have seen the log start offset first.
      const allowed: number[] = [ErrorCode.OFFSET_OUT_OF_RANGE];
      if (partition.isDamaged) allowed.push(ErrorCode.CORRUPT_MESSAGE);
      if (partition.topic.state !== "live" || machine.hasFailed) {
        allowed.push(ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
        allowed.push(ErrorCode.NOT_LEADER_OR_FOLLOWER);
      }
      this.note(`reads ${partition} from ${offset}, ${records.length} records`, errorCode, allowed);
      this.#positions.delete(partition);
      if (errorCode !== ErrorCode.NONE) return;
      partition.tell(bounds, before, machine.clock.now());
      partition.show(records);
      this.#positions.set(partition, nextOffset);
    });
  }
}
