/** Thrown when the broker breaks a promise; it ends the simulation. */
export class Violation extends Error {
  override name = "Violation";
}

/** Throws a violation unless something holds. */
export function check(condition: boolean, message: () => string): asserts condition {
  if (!condition) throw new Violation(message());
}
