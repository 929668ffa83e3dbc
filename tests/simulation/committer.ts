/**
 * A client that commits offsets for a group without being a member.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { findCoordinator } from "../../protocol/messages/groups/find_coordinator.ts";
import { offsetCommit } from "../../protocol/messages/groups/offset_commit.ts";
import { offsetFetch } from "../../protocol/messages/groups/offset_fetch.ts";
import type { PartitionModel } from "./partition_model.ts";
import { check } from "./violation.ts";
import { Client, liveTopics, type World } from "./world.ts";

const NO_OFFSET = -1;

/** Errors that a failing or loading coordinator may answer. */
const NOT_READY = [
  ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  ErrorCode.COORDINATOR_NOT_AVAILABLE,
  ErrorCode.NOT_COORDINATOR,
];

/** Commits offsets of one group, with one request in flight. */
export class Committer extends Client {
  /** By partition the possible offsets: of the last commit, and of unanswered ones. */
  readonly #possible: Map<PartitionModel, readonly number[]> = new Map();
  #isBusy = false;
  #isCoordinatorKnown = false;

  constructor(groupId: string, world: World) {
    super(groupId, world);
  }

  /** Commits an offset, or looks one up. */
  act(): void {
    const { machine, random } = this.world;
    const topics = liveTopics(this.world);
    if (!machine.isUp || topics.length === 0 || this.#isBusy) return;
    const partition = random.pick(random.pick(topics).partitions);
    const act = random.chance(0.7)
      ? () => this.#commit(partition, random.below(1000))
      : () => this.#fetch([partition]);
    machine.spawn(async () => {
      this.#isBusy = true;
      await this.#findCoordinator();
      if (this.#isCoordinatorKnown) await act();
      this.#isBusy = false;
    });
  }

  /** Fetches all offsets, which must be the committed ones. Returns whether there was an answer. */
  async verify(): Promise<boolean> {
    await this.#findCoordinator();
    if (!this.#isCoordinatorKnown) return false;
    for (const { topic } of this.#possible.keys()) {
      if (topic.state === "live") continue;
      for (const partition of topic.partitions) this.#possible.delete(partition);
    }
    return await this.#fetch([...this.#possible.keys()]);
  }

  async #findCoordinator(): Promise<void> {
    if (this.#isCoordinatorKnown) return;
    const response = await this.request(findCoordinator, 3, { key: this.name });
    if (response === undefined) return;
    this.note("finds its coordinator", response.errorCode, NOT_READY);
    this.#isCoordinatorKnown = response.errorCode === ErrorCode.NONE;
  }

  async #commit(partition: PartitionModel, committedOffset: number): Promise<void> {
    const before = this.#possible.get(partition) ?? [NO_OFFSET];
    this.#possible.set(partition, [...before, committedOffset]);
    const { topic, index } = partition;
    const response = await this.request(offsetCommit, 9, {
      groupId: this.name,
      memberId: "",
      topics: [{ name: topic.name, partitions: [{ partitionIndex: index, committedOffset }] }],
    });
    if (response === undefined) return;
    const { errorCode } = response.topics[0]!.partitions[0]!;
    this.note(`commits ${committedOffset} of ${partition}`, errorCode, [
      ...NOT_READY,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    if (errorCode === ErrorCode.NONE) this.#possible.set(partition, [committedOffset]);
  }

  async #fetch(partitions: readonly PartitionModel[]): Promise<boolean> {
    const response = await this.request(offsetFetch, 7, {
      groupId: this.name,
      topics: partitions.map(({ topic, index }) => ({
        name: topic.name,
        partitionIndexes: [index],
      })),
      requireStable: true,
    });
    if (response === undefined) return false;
    this.note(`looks offsets up`, response.errorCode, NOT_READY);
    if (response.errorCode !== ErrorCode.NONE) return false;
    response.topics.forEach(({ partitions: [answer] }, i) => {
      const partition = partitions[i]!;
      const { committedOffset, errorCode } = answer!;
      // A topic that is being deleted takes its offsets with it.
      if (partition.topic.state !== "live" || errorCode !== ErrorCode.NONE) return;
      const possible = this.#possible.get(partition) ?? [NO_OFFSET];
      check(
        possible.includes(committedOffset),
        () =>
          `${this.name} finds ${committedOffset} for ${partition}, not ${possible.join(" or ")}`,
      );
      this.#possible.set(partition, [committedOffset]);
    });
    return true;
  }
}
