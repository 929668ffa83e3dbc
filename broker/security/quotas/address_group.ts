/**
 * Addresses that count as one.
 *
 * @module
 */

import { parseAddress } from "../authorizer/host_pattern.ts";

/**
 * Names the addresses that a client can choose from: an IPv4 address is alone, of an IPv6 address the
 * first 64 bits count. A host that is no address is its own name.
 */
export function addressGroup(host: string): string {
  const address = parseAddress(host);
  if (address === undefined) return host;
  return address.length === 4 ? address.join(".") : `${address.slice(0, 8).join(".")}/64`;
}
