/**
 * Watches the topics of a group for its leader: when one gets partitions, is deleted or is created,
 * the partitions have to be assigned again.
 *
 * @module
 */

import type { ClientCore } from "../connection/client_core.ts";

/** Watches topics. */
export class TopicWatch {
  readonly #core: ClientCore;
  readonly #onChange: () => void;
  #counts: ReadonlyMap<string, number> = new Map();
  #stopListening: (() => void) | undefined;
  #isRefreshing = false;

  /**
   * @param onChange Called when the number of partitions of a topic differs from the assigned one.
   */
  constructor(core: ClientCore, onChange: () => void) {
    this.#core = core;
    this.#onChange = onChange;
  }

  /**
   * Watches these topics with the assigned number of partitions; a topic that does not exist has
   * none.
   */
  watch(counts: ReadonlyMap<string, number>): void {
    this.#counts = counts;
    this.#stopListening ??= this.#core.metadata.onUpdate(() => this.#compare());
  }

  /** Refreshes the topics if their metadata are old. Failures are ignored until the next time. */
  refresh(): void {
    if (this.#isRefreshing) return;
    const old = [...this.#counts.keys()].filter((topic) => !this.#core.metadata.isFresh(topic));
    if (old.length === 0) return;
    this.#isRefreshing = true;
    this.#core.metadata.refresh(old).catch(() => {}).finally(() => this.#isRefreshing = false);
  }

  /** Stops watching. */
  stop(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#counts = new Map();
  }

  #compare(): void {
    for (const [topic, count] of this.#counts) {
      const now = this.#core.metadata.topic(topic)?.partitions.length ?? 0;
      if (now !== count) return this.#onChange();
    }
  }
}
