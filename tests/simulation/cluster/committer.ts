/**
 * A consumer of a group that commits offsets, and looks up what it committed.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { findCoordinator } from "../../../protocol/messages/groups/find_coordinator.ts";
import { offsetCommit } from "../../../protocol/messages/groups/offset_commit.ts";
import { offsetFetch } from "../../../protocol/messages/groups/offset_fetch.ts";
import { check } from "../violation.ts";
import { ClusterClient, type ClusterWorld, liveTopics } from "./client.ts";
import type { ClusterMachine } from "./cluster_machine.ts";
import type { ClusterPartition } from "./model.ts";

const NO_OFFSET = -1;

/** A committer, with one request in flight. */
export class ClusterCommitter extends ClusterClient {
  /** By partition the possible offsets: of the last commit, and of unanswered ones. */
  readonly #possible: Map<ClusterPartition, readonly number[]> = new Map();
  #isBusy = false;
  #coordinator: ClusterMachine | undefined;

  constructor(groupId: string, world: ClusterWorld) {
    super(groupId, world);
  }

  /** Commits an offset, or looks one up. */
  act(): void {
    const { random } = this.world;
    const topics = liveTopics(this.world);
    if (topics.length === 0 || this.#isBusy) return;
    const partition = random.pick(random.pick(topics).partitions);
    const act = random.chance(0.7)
      ? () => this.#commit(partition, random.below(1000))
      : () => this.#fetch([partition]);
    this.world.spawn(async () => {
      this.#isBusy = true;
      await this.#findCoordinator();
      if (this.#coordinator !== undefined) await act();
      this.#isBusy = false;
    });
  }

  /** Looks up all offsets, which must be the committed ones; returns whether that was possible. */
  async verify(): Promise<boolean> {
    if (this.#isBusy) return false;
    await this.#findCoordinator();
    for (const partition of [...this.#possible.keys()]) {
      if (partition.topic.state !== "live") this.#possible.delete(partition);
    }
    return this.#coordinator !== undefined && await this.#fetch([...this.#possible.keys()]);
  }

  async #findCoordinator(): Promise<void> {
    if (this.#coordinator !== undefined) return;
    const broker = this.world.random.pick(this.world.machines);
    const answer = await this.request(broker, findCoordinator, 3, { key: this.name });
    if (answer === undefined) return;
    const { errorCode, nodeId } = answer.response;
    this.note(`finds its coordinator ${nodeId}`, errorCode);
    if (errorCode === ErrorCode.NONE) this.#coordinator = this.machine(nodeId);
  }

  async #commit(partition: ClusterPartition, committedOffset: number): Promise<void> {
    const before = this.#possible.get(partition) ?? [NO_OFFSET];
    this.#possible.set(partition, [...before, committedOffset]);
    const { topic, index } = partition;
    const answer = await this.request(this.#coordinator!, offsetCommit, 9, {
      groupId: this.name,
      memberId: "",
      topics: [{ name: topic.name, partitions: [{ partitionIndex: index, committedOffset }] }],
    });
    if (answer === undefined) {
      this.#coordinator = undefined;
      return;
    }
    const { errorCode } = answer.response.topics[0]!.partitions[0]!;
    this.note(`commits ${committedOffset} of ${partition}`, errorCode);
    if (errorCode !== ErrorCode.NONE) {
      this.#coordinator = undefined;
      return;
    }
    this.checkCoordinator(answer, this.name);
    // What was unanswered before may still be on its way to a broker that does not run.
    const late = before.slice(1);
    this.#possible.set(partition, [committedOffset, ...late]);
  }

  async #fetch(partitions: readonly ClusterPartition[]): Promise<boolean> {
    const answer = await this.request(this.#coordinator!, offsetFetch, 7, {
      groupId: this.name,
      topics: partitions.map(({ topic, index }) => ({
        name: topic.name,
        partitionIndexes: [index],
      })),
      requireStable: true,
    });
    if (answer === undefined) {
      this.#coordinator = undefined;
      return false;
    }
    const { response } = answer;
    this.note("looks offsets up", response.errorCode);
    if (response.errorCode !== ErrorCode.NONE) {
      this.#coordinator = undefined;
      return false;
    }
    this.checkCoordinator(answer, this.name);
    response.topics.forEach(({ partitions: [found] }, i) => {
      const partition = partitions[i]!;
      const { committedOffset, errorCode } = found!;
      // A topic that is being deleted takes its offsets with it.
      if (partition.topic.state !== "live" || errorCode !== ErrorCode.NONE) return;
      const possible = this.#possible.get(partition) ?? [NO_OFFSET];
      check(
        possible.includes(committedOffset),
        () =>
          `${this.name} finds ${committedOffset} for ${partition}, not ${possible.join(" or ")}`,
      );
    });
    return true;
  }
}
