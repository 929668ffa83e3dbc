/**
 * Values that are never shown: passwords and keys.
 *
 * @module
 */

/** What is shown instead. */
const HIDDEN = "[hidden]";

/**
 * A password or a key. As text, as JSON, in logs and in a debugger it is `[hidden]`.
 *
 * @example
 * ```ts
 * import { Secret } from "@dqueue/dqueue/broker";
 *
 * const password = new Secret("correct horse");
 * console.assert(`${password}` === "[hidden]");
 * console.assert(password.reveal() === "correct horse");
 * ```
 */
export class Secret {
  readonly #value: string;

  /** Keeps a value from being shown. */
  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself, for what needs it. It must not be stored or shown. */
  reveal(): string {
    return this.#value;
  }

  /** Hides the value. */
  toString(): string {
    return HIDDEN;
  }

  /** Hides the value. */
  toJSON(): string {
    return HIDDEN;
  }

  /** Hides the value in `Deno.inspect` and `console.log`. */
  [Symbol.for("Deno.customInspect")](): string {
    return HIDDEN;
  }

  /** Hides the value in `util.inspect`. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return HIDDEN;
  }
}
