/**
 * Warnings about the addresses that a broker listens on.
 *
 * @module
 */

import { type HostPort, isLoopback } from "../../../broker/settings/listener.ts";

/** The warning for an address; undefined if only this machine can reach it. */
export function exposureOf({ host }: HostPort): string | undefined {
  if (isLoopback(host)) return undefined;
  return "Listening on the network without authentication: everyone who can reach the address can " +
    "read, write and delete everything";
}
