/**
 * A signal that knows its listeners, for tests that none is left on it.
 *
 * @module
 */

/** A controller, and how many listeners its signal has. */
export class CountedAbortController extends AbortController {
  readonly #listeners: Set<unknown> = new Set();

  constructor() {
    super();
    const { signal } = this;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (type: string, listener: EventListener, options?: unknown) => {
      this.#listeners.add(listener);
      add(type, listener, options as AddEventListenerOptions);
    };
    signal.removeEventListener = (type: string, listener: EventListener) => {
      this.#listeners.delete(listener);
      remove(type, listener);
    };
  }

  /** How many listeners were added and not removed. */
  get listenerCount(): number {
    return this.#listeners.size;
  }
}
