/**
 * Records what consumers observe of a group, and checks invariants.
 *
 * @module
 */

/** Number of partitions of the simulated groups' topic. */
export const PARTITION_COUNT = 6;

/** An invariant is violated. */
export class InvariantError extends Error {
  override name = "InvariantError";
}

/** The ledger of one group. */
export class Ledger {
  /** Owners of partitions by generation. */
  readonly #owners: Map<number, Map<number, string>> = new Map();
  /** The highest acknowledged commit by partition. */
  readonly #acknowledged: number[] = new Array(PARTITION_COUNT).fill(-1);

  /** Records an assignment. */
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

  /** Records an acknowledged commit. */
  acknowledged(partition: number, offset: number): void {
    this.#acknowledged[partition] = Math.max(this.#acknowledged[partition]!, offset);
  }

  /** Checks a fetched offset: it must not be below the acknowledged one. */
  read(partition: number, offset: number): void {
    const least = this.#acknowledged[partition]!;
    if (offset < least) {
      throw new InvariantError(
        `committed offset of partition ${partition} went back from ${least} to ${offset}`,
      );
    }
  }
}
