/**
 * Group commit: one run of an operation serves all requests made before it began.
 *
 * At most one run is in progress and at most one is pending. A request made during a run is served
 * by the next one, because the current run may have started too early for it.
 *
 * @module
 */

/** Shares the runs of an asynchronous operation among its callers. */
export class GroupCommit {
  readonly #commit: () => Promise<void>;
  #current: Promise<void> | undefined;
  #next: PromiseWithResolvers<void> | undefined;

  /** @param commit The operation. Its runs do not overlap. */
  constructor(commit: () => Promise<void>) {
    this.#commit = commit;
  }

  /** The run in progress, if there is one. */
  get current(): Promise<void> | undefined {
    return this.#current;
  }

  /** Settles with the first run that begins now or later. */
  request(): Promise<void> {
    if (this.#current === undefined) return this.#begin();
    this.#next ??= Promise.withResolvers();
    return this.#next.promise;
  }

  #begin(): Promise<void> {
    const run = this.#commit();
    this.#current = run;
    // The first reaction, so that the next run has begun when callers of this one continue.
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
