/**
 * Why a port cannot be opened, in words.
 *
 * @module
 */

/** Why an address cannot be bound; undefined if the error is about something else. */
export function bindProblem(error: unknown): string | undefined {
  if (error instanceof Deno.errors.AddrInUse) return "the address is in use";
  if (error instanceof Deno.errors.AddrNotAvailable) return "this machine has no such address";
  if (error instanceof Deno.errors.NotCapable) return "Deno was not allowed to";
  if (error instanceof Deno.errors.PermissionDenied) return "the system does not allow it";
  return undefined;
}
