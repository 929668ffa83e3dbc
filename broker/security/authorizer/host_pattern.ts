/**
 * Hosts of rules: an address, a range of addresses, or all.
 *
 * Addresses are compared by value. One address has many spellings (`::1`, `0:0:0:0:0:0:0:1`), and an
 * IPv4 address can also be written as an IPv6 one (`::ffff:10.0.0.1`): a rule about one of them
 * concerns them all. Ranges (CIDR) are those of Kafka 4.3 (KIP-1276).
 *
 * @module
 */

import {
  type Address,
  hasSamePrefix,
  mapped,
  MAPPED_BITS,
  parseAddress,
} from "../../../protocol/ip_address.ts";

/** The addresses that a rule concerns. */
export interface HostPattern {
  /** Whether it concerns every address, and connections without one. */
  readonly isAny: boolean;
  /** An address of the range; undefined if no address is concerned, as with a host name. */
  readonly address: Address | undefined;
  /** Leading bits that an address has in common with `address`. */
  readonly bits: number;
}

/** A host that is written like a range and is none. */
export class HostPatternError extends Error {
  override name = "HostPatternError";
}

const ANY: HostPattern = { isAny: true, address: undefined, bits: 0 };
const V4_BITS = 32;
const V6_BITS = 128;

/**
 * Parses the host of a rule. A text that is neither an address nor a range, such as a host name, matches
 * no client: rules are compared with addresses only, as in Kafka.
 *
 * @throws {HostPatternError} If the text has a slash but is not a range.
 */
export function parseHostPattern(text: string): HostPattern {
  if (text === "*") return ANY;
  const slash = text.indexOf("/");
  if (slash < 0) {
    const address = parseAddress(text);
    return { isAny: false, address, bits: (address?.length ?? 0) * 8 };
  }
  const [head, tail] = [text.slice(0, slash), text.slice(slash + 1)];
  const address = parseAddress(head);
  if (address === undefined) {
    throw new HostPatternError(`Invalid host ${text}: "${head}" is not an IP address`);
  }
  const isMapped = address.length === 4 && head.includes(":");
  const most = address.length === 4 && !isMapped ? V4_BITS : V6_BITS;
  const bits = /^\d{1,3}$/.test(tail) ? Number(tail) : NaN;
  if (!(bits <= most)) {
    throw new HostPatternError(`Invalid host ${text}: the prefix length must be from 0 to ${most}`);
  }
  if (!isMapped) return { isAny: false, address, bits };
  if (bits >= MAPPED_BITS) return { isAny: false, address, bits: bits - MAPPED_BITS };
  // Such a range has IPv6 addresses too.
  return { isAny: false, address: mapped(address), bits };
}

/** Whether a rule concerns an address; undefined stands for none, as within this process. */
export function matchesHost(pattern: HostPattern, address: Address | undefined): boolean {
  if (pattern.isAny) return true;
  const { bits } = pattern;
  if (pattern.address === undefined || address === undefined) return false;
  let compared = address;
  if (pattern.address.length !== address.length) {
    // IPv4 addresses are among the IPv6 ones of a range that holds all of them.
    if (address.length !== 4 || bits > MAPPED_BITS) return false;
    compared = mapped(address);
  }
  return hasSamePrefix(pattern.address, compared, bits);
}
