/** The topics that match a regular expression. */
export interface ResolvedRegex {
  /** In alphabetical order. */
  readonly topics: readonly string[];
  /** The revision of the newest topic considered. */
  readonly version: number;
  /** When it was resolved, in milliseconds since the epoch. */
  readonly timestampMs: number;
}
