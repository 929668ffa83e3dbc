/**
 * The offset that the transactions of one transactional id commit for a group, one after the other.
 *
 * @module
 */

import type { TransactionModel } from "./transaction_model.ts";
import { check } from "../violation.ts";

/** Returned by a coordinator without a committed offset. */
export const NO_OFFSET = -1;

/** The committed offset of a group for one partition. Each transaction commits a higher one. */
export class GroupView {
  readonly name: string;
  /** The transactions by the offset that they commit. */
  readonly #transactions: Map<number, TransactionModel> = new Map();
  #seen = NO_OFFSET;

  constructor(name: string) {
    this.name = name;
  }

  /** Records that a transaction is about to commit an offset. */
  send(transaction: TransactionModel, offset: number): void {
    this.#transactions.set(offset, transaction);
    transaction.groupOffset = offset;
  }

  /** The highest offset whose transaction is known to be committed, or that was seen. */
  get floor(): number {
    let floor = this.#seen;
    for (const [offset, { outcome }] of this.#transactions) {
      if (outcome === "committed") floor = Math.max(floor, offset);
    }
    return floor;
  }

  /**
   * Records an offset that the coordinator told as committed and stable.
   *
   * @param floor The floor at the time of the request.
   */
  observe(offset: number, floor: number): void {
    check(
      offset >= floor,
      () => `${this} has offset ${offset} committed, though ${floor} was before`,
    );
    if (offset === NO_OFFSET) return;
    const transaction = this.#transactions.get(offset);
    check(transaction !== undefined, () => `${this} has offset ${offset}, which nobody committed`);
    transaction.decide("committed", `${this} has its offset ${offset}`);
    this.#seen = Math.max(this.#seen, offset);
  }

  /** Checks the offset that is left once no transaction is open. */
  checkSettled(offset: number): void {
    this.observe(offset, this.floor);
    check(
      offset === this.floor,
      () => `${this} has offset ${offset}, and ${this.floor} is the last committed one`,
    );
  }

  toString(): string {
    return this.name;
  }
}
