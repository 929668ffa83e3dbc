/**
 * Checks the names of options, so that a misspelled one is an error and not silently ignored.
 *
 * @module
 */

import { suggest } from "../protocol/suggest.ts";
import { UsageError } from "./errors.ts";

/** All property names of a type; a missing one does not compile. */
export type Names<T> = { readonly [N in keyof Required<T>]: true };

/**
 * Checks that all options have known names.
 *
 * @param call The call they were passed to, as in `poll()`.
 * @throws {UsageError} If a name is unknown, with the closest known one; or if `options` is not an
 * object.
 */
export function ensureKnown(
  call: string,
  options: object,
  names: { readonly [name: string]: true },
): void {
  if (typeof options !== "object" || options === null) {
    throw new UsageError(
      `Cannot use ${JSON.stringify(options)} as options of ${call}: it must be an object`,
      `Known options are ${Object.keys(names).join(", ")}`,
    );
  }
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(names, name)) continue;
    const nearest = nearestName(name, Object.keys(names));
    throw new UsageError(
      `Cannot use option "${name}" of ${call}: it is unknown` +
        (nearest === undefined ? "" : `, did you mean "${nearest}"`),
      `Known options are ${Object.keys(names).join(", ")}`,
    );
  }
}

/** The known name nearest to `name`, which may lack the unit: `linger` is near to `lingerMs`. */
function nearestName(name: string, known: readonly string[]): string | undefined {
  const byName = new Map(known.map((one) => [one.replace(/Ms$/, ""), one]));
  for (const one of known) byName.set(one, one);
  const nearest = suggest(name, byName.keys());
  return nearest === undefined ? undefined : byName.get(nearest);
}
