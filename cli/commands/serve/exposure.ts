/**
 * What those who start a broker should know about the addresses it listens on.
 *
 * @module
 */

import type { HostPort } from "../../../broker/mod.ts";

/** What others can do through an address; undefined if only this machine can reach it. */
export function exposureOf({ host }: HostPort): string | undefined {
  const isLoopback = host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
  if (isLoopback) return undefined;
  return "Listening beyond this machine without authentication: all who reach the address can read, " +
    "write and delete everything";
}
