/**
 * Finds where the logs of leader and follower part (KIP-101, KIP-595).
 *
 * @module
 */

/** An epoch and its end offset. */
export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}

/** The end of a follower's log. */
export interface FollowerEnd {
  /** The epoch of its last record, -1 if it has none. */
  readonly lastFetchedEpoch: number;
  readonly fetchOffset: number;
}

/**
 * The leader's answer to a follower whose log ends with records that the leader does not have.
 *
 * @param endOf The leader's largest epoch up to one, and its end.
 * @returns Undefined if the follower's log is a prefix of the leader's.
 */
export function divergence(
  { lastFetchedEpoch, fetchOffset }: FollowerEnd,
  endOf: (epoch: number) => EpochEnd,
): EpochEnd | undefined {
  if (lastFetchedEpoch < 0) return undefined;
  const { epoch, endOffset } = endOf(lastFetchedEpoch);
  return epoch < lastFetchedEpoch || endOffset < fetchOffset ? { epoch, endOffset } : undefined;
}

/**
 * The leader's answer to a follower without records whose log ends after the leader's: it had
 * records there and deleted them, and the leader was elected without them.
 *
 * @param leaderEnd The leader's epoch, and the end of its log.
 */
export function divergenceWithoutRecords(
  { lastFetchedEpoch, fetchOffset }: FollowerEnd,
  leaderEnd: EpochEnd,
): EpochEnd | undefined {
  return lastFetchedEpoch < 0 && fetchOffset > leaderEnd.endOffset ? leaderEnd : undefined;
}

/**
 * Where a follower cuts its log: the end of the epoch that the leader named, in the log in which it
 * ends first.
 *
 * @param ownEnd The end of the follower's largest epoch up to the leader's.
 */
export function truncationOffset(diverging: EpochEnd, ownEnd: number): number {
  return Math.min(Math.max(0, diverging.endOffset), ownEnd);
}

/** What decides whether a follower may cut its log. */
export interface Cut {
  readonly offset: number;
  readonly highWatermark: number;
  /** The epoch of the last record that is cut off. */
  readonly latestEpoch: number;
  /** The epoch of the last unclean election, -1 for none. */
  readonly uncleanEpoch: number;
}

/**
 * Whether a follower may cut its log. What is below its high watermark is committed, and may only go
 * where an operator elected a leader without it, which gave up records of earlier epochs.
 */
export function mayCut({ offset, highWatermark, latestEpoch, uncleanEpoch }: Cut): boolean {
  return offset >= highWatermark || latestEpoch < uncleanEpoch;
}
