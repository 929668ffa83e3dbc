/**
 * Claims memory for a response that may list very many items, before any of it is built.
 *
 * @module
 */

import { ResponseBudget } from "./response_budget.ts";
import type { RequestContext } from "../handler.ts";

/** Maximum UTF-8 bytes per UTF-16 code unit. */
const BYTES_PER_UNIT = 3;

/**
 * Resolves when memory for a response is available.
 *
 * @param bytes Upper bound of the encoded size.
 * @throws {ApiError} INVALID_REQUEST if the size exceeds the broker's total memory for responses.
 */
export async function claimResponseMemory(bytes: number, context: RequestContext): Promise<void> {
  const budget = new ResponseBudget(context);
  budget.require(bytes);
  await budget.claim();
}

/** Upper bound of the encoded size of a string. */
export function textBytes(text: string | null): number {
  return (text ?? "").length * BYTES_PER_UNIT + BYTES_PER_UNIT;
}

/** Sums the sizes of items. */
export function sumOf<T>(items: Iterable<T>, bytesOf: (item: T) => number): number {
  let sum = 0;
  for (const item of items) sum += bytesOf(item);
  return sum;
}
