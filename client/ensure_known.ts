/**
 * Holds options to the names they may have, so that a mistyped one is told instead of passed over.
 *
 * @module
 */

import { didYouMean } from "../protocol/suggest.ts";
import { UsageError } from "./errors.ts";

/** All names of a type, of which none may be left out. */
export type Names<T> = { readonly [N in keyof Required<T>]: true };

/**
 * Checks that options have no other names than they may.
 *
 * @param call What they were given to, as in `poll()`.
 * @throws {UsageError} If one has, with the known name that is nearest; or if they are no object.
 */
export function ensureKnown(
  call: string,
  options: object,
  names: { readonly [name: string]: true },
): void {
  if (typeof options !== "object" || options === null) {
    throw new UsageError(
      `Cannot use ${JSON.stringify(options)} as options of ${call}: an object is needed`,
      `Known are ${Object.keys(names).join(", ")}`,
    );
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    throw new UsageError(
      `Cannot use option "${name}" of ${call}: there is none of that name` +
        didYouMean(name, Object.keys(names)),
      `Known are ${Object.keys(names).join(", ")}`,
    );
  }
}
