/**
 * A client's properties as data, with the names that were used.
 *
 * @module
 */

import { UsageError } from "../errors.ts";

/** A config provider's variable: a Java client would read a file or the environment for it. */
const VARIABLE = /\$\{[^}]*:/;

/** The properties of one file. */
export class PropertiesFile {
  readonly #path: string;
  readonly #properties: ReadonlyMap<string, string>;
  readonly #used = new Set<string>();

  constructor(path: string, properties: ReadonlyMap<string, string>) {
    this.#path = path;
    this.#properties = properties;
  }

  /** All names. */
  get names(): string[] {
    return [...this.#properties.keys()];
  }

  /** Names that nothing has asked for. */
  get unused(): string[] {
    return this.names.filter((name) => !this.#used.has(name));
  }

  /**
   * The value of a property, trimmed. An empty value is none, as in Java, where it does not mean
   * something.
   *
   * @throws {UsageError} If a config provider would have it.
   */
  value(name: string, keepsEmpty = false): string | undefined {
    if (this.isElsewhere(name)) throw this.problem(name, ELSEWHERE);
    return this.#read(name, keepsEmpty);
  }

  /** Whether a config provider would have the value. */
  isElsewhere(name: string): boolean {
    return VARIABLE.test(this.#read(name) ?? "");
  }

  /** What names a file that a property has, for messages. */
  of(name: string): string {
    return `${name} in "${this.#path}"`;
  }

  /** An error that has no value that may be secret. */
  problem(name: string, reason: string): UsageError {
    return new UsageError(`Cannot use "${name}" in "${this.#path}": ${reason}`);
  }

  #read(name: string, keepsEmpty = false): string | undefined {
    this.#used.add(name);
    const value = this.#properties.get(name)?.trim();
    return value === "" && !keepsEmpty ? undefined : value;
  }
}

/** Why a value that a config provider has cannot be used. */
export const ELSEWHERE = "config providers are not supported, write the value itself";
