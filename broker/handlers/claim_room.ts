/**
 * Memory for an answer that may list very many things, claimed before any of it is made.
 *
 * @module
 */

import { AnswerRoom } from "../answer_room.ts";
import type { RequestContext } from "../handler.ts";

/** UTF-8 takes at most so many bytes for a unit of a string. */
const BYTES_PER_UNIT = 3;

/**
 * Resolves once there is memory for an answer.
 *
 * @param bytes What it takes encoded, at most.
 * @throws {ApiError} INVALID_REQUEST if the broker never has memory for an answer of that size.
 */
export async function claimRoom(bytes: number, context: RequestContext): Promise<void> {
  const room = new AnswerRoom(context);
  room.require(bytes);
  await room.claim();
}

/** What a text takes in an answer, at most. */
export function textBytes(text: string | null): number {
  return (text ?? "").length * BYTES_PER_UNIT + BYTES_PER_UNIT;
}

/** The sum of what items take. */
export function sumOf<T>(items: Iterable<T>, bytesOf: (item: T) => number): number {
  let sum = 0;
  for (const item of items) sum += bytesOf(item);
  return sum;
}
