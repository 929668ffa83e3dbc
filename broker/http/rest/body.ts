/**
 * Reads the bodies of requests, with bounds.
 *
 * @module
 */

import { MemoryBudget } from "../../memory_budget.ts";
import { HttpError } from "../http_error.ts";

/** How long a client may pause within a body. */
const MAX_PAUSE_MS = 30_000;

/** Most bytes of all bodies that are read as a whole. Others wait. */
export const MAX_BODIES_BYTES: number = 64 * 1024 * 1024;
/** Most of those of one user at one address, who keeps no others waiting so. */
export const MAX_BODIES_OF_USER_BYTES: number = 16 * 1024 * 1024;

/** Bounds the memory of bodies that are read as a whole, until their requests are answered. */
export class BodyMemory {
  readonly #shared: MemoryBudget;
  readonly #own: MemoryBudget;
  readonly #held: WeakMap<Request, number> = new WeakMap();

  /**
   * @param shared What all users have together.
   * @param maxBytes The most of it for this one. Default: all.
   */
  constructor(shared: MemoryBudget, maxBytes: number = shared.limit) {
    this.#shared = shared;
    this.#own = new MemoryBudget(maxBytes);
  }

  /** Bytes held by requests that are not answered. */
  get held(): number {
    return this.#own.acquired;
  }

  /** Waits until there is room for the body of a request. */
  async acquire(request: Request, bytes: number, signal: AbortSignal): Promise<void> {
    await this.#own.acquire(bytes, signal);
    try {
      await this.#shared.acquire(bytes, signal);
    } catch (error) {
      this.#own.release(bytes);
      throw error;
    }
    this.#held.set(request, (this.#held.get(request) ?? 0) + bytes);
  }

  /** Gives back what a request held. */
  release(request: Request): void {
    const bytes = this.#held.get(request) ?? 0;
    this.#own.release(bytes);
    this.#shared.release(bytes);
    this.#held.delete(request);
  }
}

/** What reading a body takes. */
export interface BodyOptions {
  readonly maxBytes: number;
  readonly memory: BodyMemory;
  /** Ends the wait for memory. */
  readonly signal: AbortSignal;
}

/**
 * Reads a body as text. Its memory is held until the request is answered.
 *
 * @throws {HttpError} 413 if it is too large, 408 if the client does not send the rest, 400 if it is
 *   not UTF-8.
 */
export async function readBody(
  request: Request,
  { maxBytes, memory, signal }: BodyOptions,
): Promise<string> {
  const length = request.headers.get("content-length");
  // What has no length may have any.
  const declared = length === null ? maxBytes : Number(length);
  if (declared > maxBytes) throw tooLarge(maxBytes);
  if (request.body !== null) await memory.acquire(request, declared, signal);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunksOf(request, MAX_PAUSE_MS)) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return decode(bytes);
}

/**
 * The chunks of a body as they arrive.
 *
 * @param closing Ends the body where it is.
 * @throws {HttpError} 408 if the client pauses for longer than `maxPauseMs`.
 */
export async function* chunksOf(
  { body }: Request,
  maxPauseMs: number,
  closing?: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  if (body === null) return;
  const reader = body.getReader();
  const cancel = () => reader.cancel().catch(() => {});
  closing?.addEventListener("abort", cancel);
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    for (;;) {
      const late = Promise.withResolvers<never>();
      timer = setTimeout(() => {
        late.reject(
          new HttpError(408, `The rest of the body did not come within ${maxPauseMs} ms`),
        );
      }, maxPauseMs);
      const { value, done } = await Promise.race([reader.read(), late.promise]);
      clearTimeout(timer);
      if (done) return;
      yield value;
    }
  } finally {
    clearTimeout(timer);
    closing?.removeEventListener("abort", cancel);
    // After the end it does nothing; before that the client learns that nobody reads on.
    await cancel();
  }
}

/** Most bytes of a body that are read although nobody needs them, and how long that may take. */
const MAX_DRAINED_BYTES = 256 * 1024;
const MAX_DRAIN_MS = 1000;

/**
 * Reads the body of a request that was refused before, if it is small: the connection can only be used again
 * after its end.
 */
export async function drain(request: Request): Promise<void> {
  const length = Number(request.headers.get("content-length") ?? Infinity);
  if (request.body === null || request.bodyUsed || !(length <= MAX_DRAINED_BYTES)) return;
  try {
    const untilMs = performance.now() + MAX_DRAIN_MS;
    for await (const _ of chunksOf(request, MAX_DRAIN_MS)) {
      // One that sends a byte now and then would never end.
      if (performance.now() > untilMs) break;
    }
  } catch {
    // The client has gone, or does not send the rest.
  }
}

/** @throws {HttpError} 400 if the bytes are not UTF-8. */
export function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new HttpError(400, "The body is not UTF-8");
  }
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, `The body is larger than ${maxBytes} bytes`);
}
