/**
 * IP addresses as values. One address has many spellings.
 *
 * @module
 */

/** An address: 4 bytes, also if it was written as an IPv4-mapped IPv6 address, or 16. */
export type Address = Uint8Array;

/** Leading bits that IPv4-mapped addresses have in common. */
export const MAPPED_BITS = 96;

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
export function mapped(address: Address): Address {
  const bytes = MAPPED_PREFIX.slice();
  bytes.set(address, 12);
  return bytes;
}

/** Whether two addresses have their first bits in common. */
export function hasSamePrefix(a: Uint8Array, b: Uint8Array, bits: number): boolean {
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = bits & 7;
  return rest === 0 || a[whole]! >> (8 - rest) === b[whole]! >> (8 - rest);
}

/**
 * Names the addresses that a client can choose from: an IPv4 address is alone, of an IPv6 address the
 * first 64 bits count. A host that is no address is its own name.
 */
export function addressGroup(host: string): string {
  const address = parseAddress(host);
  if (address === undefined) return host;
  return address.length === 4 ? address.join(".") : `${address.slice(0, 8).join(".")}/64`;
}
