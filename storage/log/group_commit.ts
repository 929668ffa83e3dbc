/**
 * Group commit: an operation that serves all who asked for it before it began.
 *
 * At most one is under way and at most one waits to begin. Whoever asks while one is under way gets
 * the next, since what they wait for may have come too late for this one.
 *
 * @module
 */

/** Shares runs of one asynchronous operation among those who ask for it. */
export class GroupCommit {
  readonly #commit: () => Promise<void>;
  #current: Promise<void> | undefined;
  #next: PromiseWithResolvers<void> | undefined;

  /** `commit` is never run twice at a time. */
  constructor(commit: () => Promise<void>) {
    this.#commit = commit;
  }

  /** The run that is under way. */
  get current(): Promise<void> | undefined {
    return this.#current;
  }

  /** Resolves or rejects with the first run that begins now or later. */
  request(): Promise<void> {
    if (this.#current === undefined) return this.#begin();
    this.#next ??= Promise.withResolvers();
    return this.#next.promise;
  }

  #begin(): Promise<void> {
    const run = this.#commit();
    this.#current = run;
    // The first reaction, so that whoever asks again when a run ends finds the next one begun.
    const end = () => this.#end();
    run.then(end, end);
    return run;
  }

  #end(): void {
    this.#current = undefined;
    const next = this.#next;
    if (next === undefined) return;
    this.#next = undefined;
    this.#begin().then(next.resolve, next.reject);
  }
}
