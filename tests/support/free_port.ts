/**
 * Ports for programs that need to know theirs before they start, or that take it again after a restart.
 *
 * @module
 */

/** Below the ports that Linux, macOS and Windows choose where a program asks for any. */
const FIRST = 11_000;
const LAST = 32_000;

/**
 * A port that nobody listens on. Nobody else gets it by chance later, as happens with a port that the system
 * chose and that is closed for a moment.
 */
export function freePort(): number {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
