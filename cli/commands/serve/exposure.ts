/**
 * Warnings about the addresses that a broker listens on.
 *
 * @module
 */

import type { HostPort } from "../../../broker/mod.ts";

/** The warning for an address; undefined if only this machine can reach it. */
export function exposureOf({ host }: HostPort): string | undefined {
  const isLoopback = host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
  if (isLoopback) return undefined;
  return "Listening on the network without authentication: everyone who can reach the address can " +
    "read, write and delete everything";
}
