/**
 * Answers to requests that may list very many things: their size is bounded before they are made, and
 * the loop gets its turns while they are.
 *
 * @module
 */

import { runSliced } from "../../storage/time_slice.ts";
import { AnswerRoom } from "../answer_room.ts";
import type { RequestContext } from "../handler.ts";

/** UTF-8 takes at most so many bytes for a unit of a string. */
const BYTES_PER_UNIT = 3;
/** Items between two steps. */
const ITEMS_PER_STEP = 64;

/**
 * Makes an answer in steps.
 *
 * @param bytes What it takes encoded, at most.
 * @throws {ApiError} INVALID_REQUEST if the broker has no memory for an answer of that size.
 */
export async function slicedAnswer<T>(
  bytes: number,
  steps: Generator<void, T>,
  context: RequestContext,
): Promise<T> {
  const room = new AnswerRoom(context);
  room.require(bytes);
  await room.claim();
  return await runSliced(steps);
}

/** Calls `use` with each item, in steps. */
export function* eachInSteps<T>(
  items: Iterable<T>,
  use: (item: T) => void,
): Generator<void, void> {
  let count = 0;
  for (const item of items) {
    use(item);
    if (++count % ITEMS_PER_STEP === 0) yield;
  }
}

/** `items.map(map)`, in steps. */
export function* mapInSteps<T, R>(
  items: Iterable<T>,
  map: (item: T) => R,
): Generator<void, R[]> {
  const mapped: R[] = [];
  for (const item of items) {
    mapped.push(map(item));
    if (mapped.length % ITEMS_PER_STEP === 0) yield;
  }
  return mapped;
}

/** `items.map(map)` for items that are made in steps themselves. */
export function* mapDeepInSteps<T, R>(
  items: Iterable<T>,
  map: (item: T) => Generator<void, R>,
): Generator<void, R[]> {
  const mapped: R[] = [];
  for (const item of items) {
    mapped.push(yield* map(item));
    if (mapped.length % ITEMS_PER_STEP === 0) yield;
  }
  return mapped;
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
