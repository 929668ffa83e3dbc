/**
 * Whether a request comes from a program of this machine. The address alone does not show it: a proxy here
 * passes on requests of others, and a page in a browser here may have had its name resolve to this machine.
 *
 * @module
 */

import { isLoopback } from "../settings/listener.ts";

/** What proxies add. One that adds nothing has to be named, to be told from a program of this machine. */
const OF_PROXIES = [
  "forwarded",
  "via",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
  "x-real-ip",
] as const;

/** Whether a request comes from this machine, and no proxy says that it passes it on. */
export function isOwnRequest({ headers }: Request, address: string): boolean {
  return isLoopback(address) && !OF_PROXIES.some((name) => headers.has(name));
}

/** Whether a request is for a name that only this machine can have. */
export function isForLoopback({ url }: Request): boolean {
  return isLoopback(new URL(url).hostname.replace(/^\[(.*)\]$/, "$1"));
}
