/**
 * Followers of which nothing is heard, although the cluster has them: the network between them and this
 * leader is cut. Appends need not wait for them until `replica.lag.time.max.ms` is over.
 *
 * A follower sends its next fetch as soon as it has an answer and that is on its disk, so one that has been
 * answered and does not fetch is silent. The time that this process stood still does not count: what others
 * have sent meanwhile has not been read yet.
 *
 * @module
 */

import type { ReplicaSessions } from "./replica_sessions.ts";

/** Interval of the checks. */
export const SILENCE_CHECK_MS = 250;
/** Time without a fetch after which a follower is silent. */
const SILENCE_MS = 1250;
/**
 * The same for the controller. It does not hear of this broker either, and deposes it; the next leader needs
 * the controller in sync.
 */
const CONTROLLER_SILENCE_MS = 2 * SILENCE_MS;

/** The silent followers of one broker. All times are those of `Clock.monotonic()`. */
export class SilentFollowers {
  readonly #sessions: Pick<ReplicaSessions, "of">;
  #silent: ReadonlySet<number> = new Set();
  #checkedMs = -Infinity;
  /** Since when this process has not stood still. */
  #runningMs = -Infinity;

  constructor(sessions: Pick<ReplicaSessions, "of">) {
    this.#sessions = sessions;
  }

  /**
   * Looks who is silent.
   *
   * @param controllerId -1 if there is none.
   * @returns Whether that has changed.
   */
  check(brokers: Iterable<number>, controllerId: number, nowMs: number): boolean {
    if (nowMs - this.#checkedMs > 2 * SILENCE_CHECK_MS) this.#runningMs = nowMs;
    this.#checkedMs = nowMs;
    const before = this.#silent;
    this.#silent = new Set([...brokers].filter((id) => {
      const maxMs = id === controllerId ? CONTROLLER_SILENCE_MS : SILENCE_MS;
      return this.#silentMs(id, nowMs) > maxMs;
    }));
    return before.symmetricDifference(this.#silent).size > 0;
  }

  /** Whether a broker was silent at the last check, as a follower. */
  has(broker: number): boolean {
    return this.#silent.has(broker);
  }

  #silentMs(id: number, nowMs: number): number {
    const heardMs = this.#sessions.of(id)?.heardMs(nowMs) ?? -Infinity;
    return nowMs - Math.max(heardMs, this.#runningMs);
  }
}
