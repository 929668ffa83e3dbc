/**
 * Decides which brokers are dead, from what this broker has heard of them. No I/O, no timers.
 *
 * A broker is dead if it has been silent for too long, or if nothing listens at its address any
 * more. A wrong decision costs the move of leaders, never a record: whether a broker may change
 * something is decided by the metadata store alone.
 *
 * The controller decides for the other brokers. For the controller the others do: each that finds
 * it dead says so, and a majority of them decides.
 *
 * @module
 */

import type { Suspicion } from "../cluster/suspicions.ts";
/** Time without a heartbeat, or an answer to one, after which a broker is dead. */
export const SILENCE_MS = 1250;
/**
 * Delay of this process's own timers from which on the silence of others says nothing: it was
 * paused, and what they have sent meanwhile has not been read yet.
 */
export const MAX_LATE_MS = 250;

/** A registered broker. */
export interface Registered {
  readonly id: number;
  /** The broker epoch. */
  readonly epoch: number;
}

interface Watched {
  readonly epoch: number;
  /** When it was last heard of. */
  heardMs: number;
  isRefused: boolean;
}

/** What this broker has heard of others. All times are those of `Clock.monotonic()`. */
export class Liveness {
  readonly #watched: Map<number, Watched> = new Map();

  /** Watches these brokers and no others. A new one has been heard of now. */
  watch(brokers: Iterable<Registered>, nowMs: number): void {
    const before = new Map(this.#watched);
    this.#watched.clear();
    for (const { id, epoch } of brokers) {
      const known = before.get(id);
      const isSame = known?.epoch === epoch;
      this.#watched.set(id, isSame ? known : { epoch, heardMs: nowMs, isRefused: false });
    }
  }

  /** A broker has sent a heartbeat, or has answered one. */
  heard({ id, epoch }: Registered, nowMs: number): void {
    const watched = this.#watched.get(id);
    if (watched?.epoch !== epoch) return;
    watched.heardMs = nowMs;
    watched.isRefused = false;
  }

  /** Nothing listens at a broker's address. */
  refused({ id, epoch }: Registered): void {
    const watched = this.#watched.get(id);
    if (watched?.epoch === epoch) watched.isRefused = true;
  }

  /** This process may have been paused: the silence of others begins now. */
  restart(nowMs: number): void {
    for (const watched of this.#watched.values()) watched.heardMs = nowMs;
  }

  /** The brokers that are dead. */
  dead(nowMs: number): Registered[] {
    return Array.from(this.#watched, ([id, { epoch, heardMs, isRefused }]) => ({
      id,
      epoch,
      isDead: isRefused || nowMs - heardMs >= SILENCE_MS,
    })).filter(({ isDead }) => isDead).map(({ id, epoch }) => ({ id, epoch }));
  }

  /** When the next broker is dead if nothing is heard of it; Infinity if none is watched. */
  get nextMs(): number {
    let nextMs = Infinity;
    for (const { heardMs } of this.#watched.values()) {
      nextMs = Math.min(nextMs, heardMs + SILENCE_MS);
    }
    return nextMs;
  }
}

/**
 * Whether a majority of the other registered brokers says that the controller is dead.
 *
 * @param brokerIds The registered brokers.
 */
export function isCondemned(
  controller: { readonly id: number; readonly epoch: number },
  brokerIds: Iterable<number>,
  suspicions: Iterable<Suspicion>,
): boolean {
  const others = new Set(brokerIds);
  others.delete(controller.id);
  const voters = new Set<number>();
  for (const { voterId, accusedId, controllerEpoch } of suspicions) {
    if (accusedId !== controller.id || controllerEpoch !== controller.epoch) continue;
    if (others.has(voterId)) voters.add(voterId);
  }
  return voters.size > others.size / 2;
}
