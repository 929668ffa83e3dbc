/**
 * The time that a request takes of the event loop.
 *
 * @module
 */

/** The time that a request takes of the event loop. */
export interface RequestTime {
  /** When it began, by the monotonic clock. */
  readonly beganMs: number;
  /** How long it took until it waited for something; undefined before. */
  usedMs: number | undefined;
}
