/**
 * Positions in several partitions, as the id of an event.
 *
 * A browser sends only the last id back, so that it must say everything: the next offset of every
 * partition. Up to eight are readable, as `0:17,1:4`; more are `v1.` with varints in base64url. An id that
 * ends in `!` is that of a stream which has ended.
 *
 * @module
 */

import { badRequest } from "../rest/fields.ts";

/** The next offset of each partition of a stream, in the order of its partitions. */
export type Positions = readonly number[];

/** Most partitions whose ids are readable. */
const MAX_READABLE = 8;
/** Most partitions of a stream: an id has a few bytes for each. */
export const MAX_PARTITIONS = 1000;
const PREFIX = "v1.";
const ENDED = "!";

/** The id of the event that leaves a reader at these positions. */
export function formatEventId(partitions: readonly number[], positions: Positions): string {
  if (partitions.length <= MAX_READABLE) {
    return partitions.map((partition, i) => `${partition}:${positions[i]}`).join(",");
  }
  const bytes: number[] = [];
  for (const [i, partition] of partitions.entries()) {
    pushVarint(bytes, partition - (i === 0 ? 0 : partitions[i - 1]!));
    pushVarint(bytes, positions[i]!);
  }
  return PREFIX + Uint8Array.from(bytes).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The id of the last event of a stream. */
export function formatEndId(partitions: readonly number[], positions: Positions): string {
  return formatEventId(partitions, positions) + ENDED;
}

/** Whether a stream that continues after an event has nothing more. */
export function isEndId(id: string): boolean {
  return id.endsWith(ENDED);
}

/**
 * The positions of an id, by partition.
 *
 * @throws {HttpError} 400 if it is none.
 */
export function parseEventId(id: string): Map<number, number> {
  const positions = id.startsWith(PREFIX) ? parseBinary(id.slice(PREFIX.length)) : parseText(id);
  if (positions === undefined) throw badRequest(`"${id}" is not the id of an event of a stream`);
  return positions;
}

function parseText(id: string): Map<number, number> | undefined {
  const positions = new Map<number, number>();
  for (const part of id.split(",")) {
    const [, partition, offset] = /^(\d{1,9}):(\d{1,16})$/.exec(part) ?? [];
    if (partition === undefined || !Number.isSafeInteger(Number(offset))) return undefined;
    positions.set(Number(partition), Number(offset));
  }
  return positions;
}

function parseBinary(text: string): Map<number, number> | undefined {
  let bytes: Uint8Array;
  try {
    bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch {
    return undefined;
  }
  const numbers: number[] = [];
  let value = 0;
  let factor = 1;
  for (const byte of bytes) {
    value += (byte & 0x7f) * factor;
    factor *= 128;
    if (!Number.isSafeInteger(value)) return undefined;
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = 0;
    factor = 1;
  }
  const isOdd = numbers.length % 2 !== 0 || factor !== 1;
  if (numbers.length === 0 || isOdd || numbers.length > 2 * MAX_PARTITIONS) {
    return undefined;
  }
  const positions = new Map<number, number>();
  let partition = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    partition += numbers[i]!;
    positions.set(partition, numbers[i + 1]!);
  }
  return positions;
}

function pushVarint(bytes: number[], value: number): void {
  while (value >= 0x80) {
    bytes.push((value % 128) | 0x80);
    value = Math.floor(value / 128);
  }
  bytes.push(value);
}
