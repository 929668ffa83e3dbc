/** Describes a value in an error message: null, or its type. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value !== "object") return `a ${typeof value}`;
  return Array.isArray(value) ? "a list" : value.constructor?.name ?? "an object";
}
