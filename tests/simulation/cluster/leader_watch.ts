/**
 * Who serves clients as the leader of a partition while brokers do not reach the metadata store.
 *
 * A broker past its deadline may answer as long as all that could replace it follow it. Once another serves
 * the partition in a later epoch, it may do so for a moment longer.
 *
 * @module
 */

import { FOLLOWED_MS } from "../../../broker/replication/leader_fence.ts";
import { check } from "../violation.ts";
import type { Answer } from "./client.ts";
import type { ClusterMachine } from "./cluster_machine.ts";
import type { Timeline } from "./timeline.ts";

/** A broker that serves a partition in an epoch. */
export interface ServedPartition {
  readonly topicId: string;
  readonly index: number;
  readonly leaderEpoch: number;
}

const INTERVAL_MS = 50;
/** Clocks are a little too fast or too slow. */
const SLACK_MS = 50;

/** Watches the leaders. */
export class LeaderWatch {
  readonly #machines: readonly ClusterMachine[];
  readonly #timeline: Timeline;
  /** When a broker was first seen to serve a partition in an epoch, by both. */
  readonly #since: Map<string, Map<number, { readonly by: ClusterMachine; readonly ms: number }>> =
    new Map();

  constructor(machines: readonly ClusterMachine[], timeline: Timeline) {
    this.#machines = machines;
    this.#timeline = timeline;
  }

  /** Begins to look. */
  start(): void {
    this.#timeline.after(INTERVAL_MS, () => {
      if (this.#machines.some(({ isPastDeadline }) => isPastDeadline)) this.#look();
      this.start();
    });
  }

  /** Fails if a broker answered as the leader of a partition though another had replaced it. */
  check({ broker, pastDeadlineMs }: Answer<unknown>, topicId: string, index: number): void {
    if (pastDeadlineMs === undefined) return;
    const leaderEpoch = broker.leaderEpochOf(topicId, index);
    if (leaderEpoch === undefined) return;
    for (const [epoch, { by, ms }] of this.#since.get(keyOf(topicId, index)) ?? []) {
      check(
        epoch <= leaderEpoch || by === broker || pastDeadlineMs <= ms + FOLLOWED_MS + SLACK_MS,
        () =>
          `${broker.name} answered as leader of ${topicId}-${index} in epoch ${leaderEpoch} past its ` +
          `deadline, ${pastDeadlineMs - ms} ms after ${by.name} in epoch ${epoch}`,
      );
    }
  }

  #look(): void {
    for (const machine of this.#machines) {
      for (const { topicId, index, leaderEpoch } of machine.served()) {
        const key = keyOf(topicId, index);
        let epochs = this.#since.get(key);
        if (epochs === undefined) this.#since.set(key, epochs = new Map());
        if (epochs.has(leaderEpoch)) continue;
        epochs.set(leaderEpoch, { by: machine, ms: this.#timeline.nowMs });
      }
    }
  }
}

function keyOf(topicId: string, index: number): string {
  return `${index} ${topicId}`;
}
