/**
 * The statements of brokers that the controller is dead, as the metadata store has them:
 *
 *     suspects/<controller's broker id>/<voter's broker id>   the controller epoch
 *
 * A statement belongs to the session of the broker that made it, and names the controller epoch, so
 * it says nothing about a later controller.
 *
 * @module
 */

import type { MetadataChange, MetadataEntry, MetadataSession } from "../metadata/metadata_store.ts";

/** A broker's statement that the controller is dead. */
export interface Suspicion {
  /** The broker that says so. */
  readonly voterId: number;
  /** The controller's broker id. */
  readonly accusedId: number;
  readonly controllerEpoch: number;
}

/** Prefix of the keys of suspicions. */
export const SUSPECTS_PREFIX = "suspects/";

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder();

/** The statements in the store. */
export class Suspicions {
  readonly #byKey: Map<string, Suspicion> = new Map();

  /** All of them. */
  all(): Iterable<Suspicion> {
    return this.#byKey.values();
  }

  /** Applies a key in the store. */
  update(key: string, entry: MetadataEntry | undefined): void {
    if (entry === undefined) {
      this.#byKey.delete(key);
      return;
    }
    const [, accused, voter] = key.split("/");
    const { controllerEpoch } = JSON.parse(DECODER.decode(entry.value));
    this.#byKey.set(key, {
      voterId: Number(voter),
      accusedId: Number(accused),
      controllerEpoch,
    });
  }
}

/** States that the controller is dead. */
export function accusation(
  { voterId, accusedId, controllerEpoch }: Suspicion,
  session: MetadataSession,
): MetadataChange {
  const value = ENCODER.encode(JSON.stringify({ controllerEpoch }));
  return { key: keyOf(voterId, accusedId), value, session };
}

/** Withdraws a broker's statement. */
export function withdrawal({ voterId, accusedId }: Suspicion): MetadataChange {
  return { key: keyOf(voterId, accusedId), value: null };
}

/** Removes all statements against a broker. */
export function dismissal(accusedId: number): MetadataChange {
  return { prefix: `${SUSPECTS_PREFIX}${accusedId}/`, value: null };
}

function keyOf(voterId: number, accusedId: number): string {
  return `${SUSPECTS_PREFIX}${accusedId}/${voterId}`;
}
