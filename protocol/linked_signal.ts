/**
 * A signal that is aborted with the first of several, for as long as something uses it.
 *
 * `AbortSignal.any` keeps something of each call for as long as its signals live, which is for ever with
 * the signals of a broker or a client.
 *
 * @module
 */

/** Links a signal to others; `using` releases its listeners. */
export class LinkedSignal implements Disposable {
  readonly #controller = new AbortController();
  readonly #sources: readonly AbortSignal[];
  readonly #onAbort = ({ target }: Event) => {
    this.#controller.abort((target as AbortSignal).reason);
  };

  /** @param sources Those that abort the signal, each with its reason. */
  constructor(...sources: readonly (AbortSignal | undefined)[]) {
    this.#sources = sources.filter((source) => source !== undefined);
    for (const source of this.#sources) {
      if (source.aborted) this.#controller.abort(source.reason);
      else source.addEventListener("abort", this.#onAbort);
    }
  }

  /** Aborted with the first of the sources. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Releases the listeners: the signal is not aborted any more. */
  [Symbol.dispose](): void {
    for (const source of this.#sources) source.removeEventListener("abort", this.#onAbort);
  }
}
