/**
 * A transactional id, whose producers fence each other.
 *
 * @module
 */

import type { GroupView } from "./group_view.ts";

/** A producer with the id. */
export interface FencedProducer {
  /** Whether another one may have fenced it. */
  mayBeFenced: boolean;
  /** The same for the id and epoch that it has requested. */
  willBeFenced: boolean;
}

/** A transactional id, and who requested it. */
export class TransactionalId {
  readonly name: string;
  /** The group whose offsets its transactions commit. */
  readonly group: GroupView;
  readonly #producers: Set<FencedProducer> = new Set();
  /** Requests to initialize that may be under way, by producer. */
  readonly #requests: Map<FencedProducer, number> = new Map();

  constructor(name: string, group: GroupView) {
    this.name = name;
    this.group = group;
  }

  /** A producer sends a request to initialize, which fences the others. */
  beginRequest(producer: FencedProducer): void {
    this.#producers.add(producer);
    for (const other of this.#producers) {
      if (other !== producer) other.mayBeFenced = other.willBeFenced = true;
    }
    producer.willBeFenced = [...this.#requests.keys()].some((other) => other !== producer);
    this.#requests.set(producer, (this.#requests.get(producer) ?? 0) + 1);
  }

  /** The request was answered, or its connection has ended. */
  endRequest(producer: FencedProducer): void {
    const left = this.#requests.get(producer)! - 1;
    if (left > 0) this.#requests.set(producer, left);
    else this.#requests.delete(producer);
  }

  toString(): string {
    return this.name;
  }
}
