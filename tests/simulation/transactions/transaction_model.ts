/**
 * The model of a transaction: what its producer wrote and requested, and what is known of its outcome.
 *
 * Nobody tells the outcome alone: the answer to a commit does, and so does every place where a record or an
 * offset of the transaction is visible or is missing. All of them must agree, which is what makes a
 * transaction atomic.
 *
 * @module
 */

import { check } from "../violation.ts";

/** A record that was sent. */
export interface WrittenRecord {
  /** A unique number; later records have higher ones. */
  readonly id: number;
  readonly key: string;
  /** Who sent it. The records of one writer are in order. */
  readonly writer: string;
  /** The partition to which it was sent, and no other. */
  readonly partition: string;
  /** The transaction that it is part of; none for a plain record. */
  readonly transaction: TransactionModel | undefined;
  /** Where it is, once that is known. */
  offset: number | undefined;
}

/** How a transaction ended. */
export type Outcome = "committed" | "aborted";

/** One transaction. */
export class TransactionModel {
  readonly name: string;
  readonly records: WrittenRecord[] = [];
  /** The offset that it commits for its group: a unique number, later ones are higher. */
  groupOffset: number | undefined;
  #mayCommit = false;
  #known: { readonly outcome: Outcome; readonly evidence: string } | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /** The outcome, if it is known. */
  get outcome(): Outcome | undefined {
    return this.#known?.outcome;
  }

  /** Whether a request to commit it was ever sent. */
  get mayCommit(): boolean {
    return this.#mayCommit;
  }

  /** Records that a request to commit it is sent. */
  requestCommit(): void {
    this.#mayCommit = true;
  }

  /**
   * Records evidence of the outcome.
   *
   * @throws {Violation} If nobody requested a commit, or other evidence contradicts.
   */
  decide(outcome: Outcome, evidence: string): void {
    check(
      outcome === "aborted" || this.#mayCommit,
      () => `${evidence}, though nobody requested to commit ${this}`,
    );
    check(
      (this.#known?.outcome ?? outcome) === outcome,
      () => `${evidence}, so ${this} is ${outcome}; it is not, since ${this.#known!.evidence}`,
    );
    this.#known ??= { outcome, evidence };
  }

  toString(): string {
    return this.name;
  }
}
