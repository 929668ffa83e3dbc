/**
 * Hosts of rules: an address, a range of addresses, or all.
 *
 * Addresses are compared by value. One address has many spellings (`::1`, `0:0:0:0:0:0:0:1`), and an
 * IPv4 address can also be written as an IPv6 one (`::ffff:10.0.0.1`): a rule about one of them
 * concerns them all. Ranges (CIDR) are those of Kafka 4.3 (KIP-1276).
 *
 * @module
 */

/** An address: 4 bytes, also if it was written as an IPv4-mapped IPv6 address, or 16. */
export type Address = Uint8Array;

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
/** Leading bits of IPv4-mapped addresses. */
const MAPPED_BITS = 96;

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

/** Parses an IPv4 or IPv6 address, with or without a zone; undefined if the text is none. */
export function parseAddress(text: string): Address | undefined {
  if (text.length > 64) return undefined;
  return text.includes(":") ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): Uint8Array | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  return bytes.every((byte) => byte <= 255) ? Uint8Array.from(bytes) : undefined;
}

function parseV6(text: string): Uint8Array | undefined {
  const percent = text.indexOf("%");
  let rest = percent < 0 ? text : text.slice(0, percent);
  const lastColon = rest.lastIndexOf(":");
  if (rest.includes(".")) {
    const v4 = parseV4(rest.slice(lastColon + 1));
    if (v4 === undefined) return undefined;
    const [a, b, c, d] = v4 as unknown as [number, number, number, number];
    rest = `${rest.slice(0, lastColon + 1)}${(a << 8 | b).toString(16)}:${
      (c << 8 | d).toString(16)
    }`;
  }
  const halves = rest.split("::");
  if (halves.length > 2) return undefined;
  const [left, right] = halves.map((half) => half === "" ? [] : half.split(":"));
  const given = [...left!, ...right ?? []];
  if (right === undefined ? given.length !== 8 : given.length > 7) return undefined;
  if (!given.every((group) => /^[\da-fA-F]{1,4}$/.test(group))) return undefined;
  const groups = [...left!, ...Array(8 - given.length).fill("0"), ...right ?? []];
  const bytes = new Uint8Array(16);
  groups.forEach((group, index) => {
    const value = parseInt(group, 16);
    bytes[index * 2] = value >> 8;
    bytes[index * 2 + 1] = value & 0xff;
  });
  return hasSamePrefix(bytes, MAPPED_PREFIX, MAPPED_BITS) ? bytes.slice(12) : bytes;
}

const MAPPED_PREFIX: Uint8Array = Uint8Array.from([...Array(10).fill(0), 0xff, 0xff, 0, 0, 0, 0]);

/** The IPv4-mapped IPv6 address of an IPv4 address. */
function mapped(address: Address): Address {
  const bytes = MAPPED_PREFIX.slice();
  bytes.set(address, 12);
  return bytes;
}

function hasSamePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = bits & 7;
  return rest === 0 || a[whole]! >> (8 - rest) === b[whole]! >> (8 - rest);
}
