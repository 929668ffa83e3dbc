/**
 * Sample messages of every kind, and the form in which they are compared.
 *
 * @module
 */

import { binaryText } from "./kcat.ts";
import { crc32c } from "../../../protocol/records/mod.ts";

/** A message to write. */
export interface SampleMessage {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [name: string, value: Uint8Array])[];
  readonly timestamp: number;
}

/** A message as a client read it, with keys and values as `shown()` returns them. */
export interface ReadMessage {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string | null])[];
  readonly timestamp: number;
}

const ENCODER = new TextEncoder();
const text = (value: string) => ENCODER.encode(value);
const ALL_BYTES = Uint8Array.from({ length: 256 }, (_, byte) => byte);
const NOON = 1_700_000_000_000;

/** Messages with and without keys, values and headers, of text and of other bytes, small and large. */
export const SAMPLE_MESSAGES: readonly SampleMessage[] = [
  { key: text("k"), value: text("v"), headers: [], timestamp: NOON },
  { key: null, value: text("no key"), headers: [], timestamp: NOON + 1 },
  { key: text("tombstone"), value: null, headers: [], timestamp: NOON + 2 },
  { key: text(""), value: text(""), headers: [["empty", text("")]], timestamp: NOON + 3 },
  { key: ALL_BYTES, value: ALL_BYTES, headers: [["bytes", ALL_BYTES]], timestamp: NOON + 4 },
  { key: text("naïve 🦕"), value: text("日本\n\0"), headers: [], timestamp: NOON - 5 },
  {
    key: text("headers"),
    value: text("two"),
    headers: [["first", text("1")], ["naïve", text("日本")]],
    timestamp: NOON + 6,
  },
  { key: text("large"), value: new Uint8Array(100_000).fill(120), headers: [], timestamp: NOON },
  { key: new Uint8Array(5000).fill(107), value: text("v"), headers: [], timestamp: NOON + 7 },
  { key: text("old"), value: text("1970"), headers: [], timestamp: 1 },
];

const LONG = 1000;

/**
 * Returns bytes, or binary text, as text with one character per byte; for long ones, size and checksum.
 */
export function shown(data: Uint8Array | string): string {
  const text = typeof data === "string" ? data : binaryText(data);
  if (text.length < LONG) return text;
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  return `${bytes.length} bytes with CRC ${crc32c(bytes)}`;
}

/** Returns the form of a message that a client must read. */
export function asRead({ key, value, headers, timestamp }: SampleMessage): ReadMessage {
  return {
    key: key && shown(key),
    value: value && shown(value),
    headers: headers.map(([name, value]) => [binaryText(name), shown(value)]),
    timestamp,
  };
}
