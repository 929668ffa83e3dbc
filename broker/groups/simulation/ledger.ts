/**
 * What the outside world knows of a group, and holds its coordinator to.
 *
 * @module
 */

/** Partitions of the topic that simulated groups read. */
export const PARTITION_COUNT = 6;

/** What must always hold does not. */
export class InvariantError extends Error {
  override name = "InvariantError";
}

/** The ledger of one group. */
export class Ledger {
  /** Who was given a partition, by generation. */
  readonly #owners: Map<number, Map<number, string>> = new Map();
  /** The highest offset whose commit was acknowledged, by partition. */
  readonly #acknowledged: number[] = new Array(PARTITION_COUNT).fill(-1);

  /** Notes that a member was told of its partitions. */
  assigned(generation: number, owner: string, partitions: readonly number[]): void {
    let owners = this.#owners.get(generation);
    if (owners === undefined) this.#owners.set(generation, owners = new Map());
    for (const partition of partitions) {
      const other = owners.get(partition) ?? owner;
      if (other !== owner) {
        throw new InvariantError(
          `partition ${partition} belongs to ${other} and to ${owner} in generation ${generation}`,
        );
      }
      owners.set(partition, owner);
    }
  }

  /** Notes that a commit was acknowledged. */
  acknowledged(partition: number, offset: number): void {
    this.#acknowledged[partition] = Math.max(this.#acknowledged[partition]!, offset);
  }

  /** Checks an offset that was read: it may be ahead of what was acknowledged, never behind. */
  read(partition: number, offset: number): void {
    const least = this.#acknowledged[partition]!;
    if (offset < least) {
      throw new InvariantError(
        `committed offset of partition ${partition} went back from ${least} to ${offset}`,
      );
    }
  }
}
