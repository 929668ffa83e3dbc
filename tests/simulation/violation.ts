/** What ends a simulation early: a promise that was broken. */
export class Violation extends Error {
  override name = "Violation";
}

/** Throws a violation unless something holds. */
export function check(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Violation(message());
}
