/**
 * Checks passwords in clear against what is kept of them for SCRAM.
 *
 * That is meant to be slow, so little of it is done at once, off the event loop, and what was right is
 * remembered for a minute: connections that are lost together come back together.
 *
 * @module
 */

import {
  isEqualSecret,
  type ScramCredential,
  scramCredential,
  scramHmac,
  type ScramMechanism,
  scramSaltedPassword,
} from "../../../protocol/sasl/scram.ts";
import type { Clock } from "../../time/clock.ts";
import { isSameCredential } from "../credentials/user_credentials.ts";
import type { ScramCredentials } from "../credentials/user_record.ts";
import { PasswordTurns } from "./password_turns.ts";
import { fakeCredential, type LooksAt } from "./scram_server.ts";

/** Computations at once: a core stays free for the event loop. */
const MAX_AT_ONCE = Math.max(1, Math.min(4, navigator.hardwareConcurrency - 1));
/** Computations that wait. Beyond, passwords are refused, of the network that has the most. */
const MAX_WAITING = 256;
/** How long a right password is remembered. */
const REMEMBERED_MS = 60_000;
/** Most passwords that are remembered. */
const MAX_REMEMBERED = 10_000;
/** In the order of preference. */
const MECHANISMS: readonly ScramMechanism[] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/** Options of {@linkcode PasswordChecker}. */
export interface PasswordCheckerOptions {
  /** Looks up a user. */
  readonly credentialsOf: (user: string) => ScramCredentials | undefined;
  /** Makes up salts for others. */
  readonly fakeSaltSecret: () => Uint8Array;
  /** What users' credentials look like. Default: as new ones. */
  readonly looksAt?: LooksAt;
  readonly clock: Clock;
}

interface Remembered {
  readonly credential: ScramCredential;
  readonly untilMs: number;
}

/** Checks passwords. */
export class PasswordChecker {
  readonly #options: PasswordCheckerOptions;
  readonly #key: Uint8Array = crypto.getRandomValues(new Uint8Array(32));
  readonly #remembered: Map<string, Remembered> = new Map();
  readonly #turns: PasswordTurns = new PasswordTurns({
    maxAtOnce: MAX_AT_ONCE,
    maxWaiting: MAX_WAITING,
  });
  /** Number of computations so far. */
  computed = 0;

  constructor(options: PasswordCheckerOptions) {
    this.#options = options;
  }

  /**
   * Checks a password.
   *
   * @param network Where the client is, such as its address: networks take turns.
   * @returns A function that says whether it is still the user's password; undefined if it is wrong.
   */
  async check(
    user: string,
    password: string,
    network = "",
  ): Promise<(() => boolean) | undefined> {
    const credentials = this.#options.credentialsOf(user);
    const mechanism = MECHANISMS.find((name) => credentials?.has(name));
    const known = mechanism === undefined ? undefined : credentials!.get(mechanism);
    const memory = this.#memoryOf(user, password);
    const isCurrent = () =>
      isSameCredential(known!, this.#options.credentialsOf(user)?.get(mechanism!));
    if (known !== undefined && this.#remembers(memory, known)) return isCurrent;
    // The same work for users that do not exist.
    const { fakeSaltSecret, looksAt } = this.#options;
    const algorithm = mechanism ??
      MECHANISMS.find((name) => looksAt?.(name, 0) !== undefined) ?? MECHANISMS[0]!;
    const fake = fakeCredential(algorithm, fakeSaltSecret(), user, looksAt);
    const { salt, iterations } = known ?? fake;
    if (!await this.#turns.take(network)) return undefined;
    try {
      // Connections that come back together have the same password.
      if (known !== undefined && this.#remembers(memory, known)) return isCurrent;
      this.computed++;
      const salted = await scramSaltedPassword(algorithm, password, salt, iterations);
      const { storedKey } = scramCredential(algorithm, salted, salt, iterations);
      salted.fill(0);
      const isRight = isEqualSecret(storedKey, known?.storedKey ?? this.#key);
      if (!isRight || known === undefined) return undefined;
      this.#remember(memory, known);
      return isCurrent;
    } finally {
      this.#turns.leave();
    }
  }

  /** A password that cannot be read from memory. */
  #memoryOf(user: string, password: string): string {
    return scramHmac("SCRAM-SHA-256", this.#key, `${user}\0${password}`).toBase64();
  }

  /** A user whose record has changed has another credential. */
  #remembers(memory: string, credential: ScramCredential): boolean {
    const remembered = this.#remembered.get(memory);
    return remembered !== undefined && remembered.credential === credential &&
      remembered.untilMs > this.#options.clock.monotonic();
  }

  #remember(memory: string, credential: ScramCredential): void {
    this.#remembered.delete(memory);
    if (this.#remembered.size >= MAX_REMEMBERED) {
      this.#remembered.delete(this.#remembered.keys().next().value!);
    }
    const untilMs = this.#options.clock.monotonic() + REMEMBERED_MS;
    this.#remembered.set(memory, { credential, untilMs });
  }
}
