/**
 * Who may have a password checked next, which takes a core for milliseconds: networks take turns, so that
 * one that guesses passwords keeps nobody else from logging in.
 *
 * @module
 */

/** Options of {@linkcode PasswordTurns}. */
export interface PasswordTurnsOptions {
  /** Checks at the same time. */
  readonly maxAtOnce: number;
  /** Checks that wait. Beyond, the newest of the network with the most is refused. */
  readonly maxWaiting: number;
}

/** Takes whether its turn has come; false if it is refused. */
type Waiter = (hasTurn: boolean) => void;

/** Turns of networks. */
export class PasswordTurns {
  readonly #options: PasswordTurnsOptions;
  /** Those that wait by network, in the order of the networks' turns; none is empty. */
  readonly #waiting: Map<string, Waiter[]> = new Map();
  #waitingCount = 0;
  #running = 0;

  constructor(options: PasswordTurnsOptions) {
    this.#options = options;
  }

  /** Number of checks that wait. */
  get waiting(): number {
    return this.#waitingCount;
  }

  /**
   * Resolves when its turn has come; call `leave()` then. Resolves to false if it is refused.
   *
   * @param network Where the client is, such as its address.
   */
  take(network: string): Promise<boolean> {
    if (this.#running < this.#options.maxAtOnce) {
      this.#running++;
      return Promise.resolve(true);
    }
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const own = this.#waiting.get(network) ?? [];
    this.#waiting.set(network, own);
    own.push(resolve);
    this.#waitingCount++;
    if (this.#waitingCount > this.#options.maxWaiting) this.#refuseOne();
    return promise;
  }

  /** Ends a turn, and gives it to another network. */
  leave(): void {
    const [first] = this.#waiting;
    if (first === undefined) {
      this.#running--;
      return;
    }
    const [network, waiters] = first;
    this.#waiting.delete(network);
    const next = waiters.shift()!;
    this.#waitingCount--;
    // Its next one comes after all other networks.
    if (waiters.length > 0) this.#waiting.set(network, waiters);
    next(true);
  }

  #refuseOne(): void {
    let most: [string, Waiter[]] | undefined;
    for (const each of this.#waiting) if (each[1].length > (most?.[1].length ?? 0)) most = each;
    const [network, waiters] = most!;
    const refused = waiters.pop()!;
    this.#waitingCount--;
    if (waiters.length === 0) this.#waiting.delete(network);
    refused(false);
  }
}
