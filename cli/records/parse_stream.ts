/**
 * Runs a parser over a stream of bytes.
 *
 * A parser is a generator over a `ByteSource`: it yields what it has read, and undefined when it
 * needs more bytes. So it is written as if all bytes were there, and waits only where it must: for
 * a chunk, not for each thing in it.
 *
 * @module
 */

import { ByteSource } from "./byte_source.ts";

/** Things handed out at once, so that a large chunk does not become a large array. */
const MAX_BATCH_COUNT = 10_000;

/** A part of a parser: yields when it needs more bytes, returns what it read. */
export type Parse<T> = Generator<undefined, T, void>;

/**
 * Parses a stream to its end.
 *
 * @param stream the bytes; cancelled when the loop over the result is left
 * @param options `signal` stops the parsing: the generator then throws its reason
 * @param start starts the parser
 * @returns what the parser yields, in batches of what each chunk completed. If the parser throws,
 *   what it had read before comes first
 */
export async function* parseStream<T>(
  stream: ReadableStream<Uint8Array>,
  options: { signal?: AbortSignal },
  start: (source: ByteSource) => Iterator<T | undefined, void>,
): AsyncGenerator<T[], void, void> {
  const { signal } = options;
  signal?.throwIfAborted();
  const source = new ByteSource(stream);
  const stop = () => void source.cancel(signal?.reason).catch(() => {});
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const parser = start(source);
    for (;;) {
      const { batch, state, error } = nextBatch(parser);
      if (batch.length > 0) yield batch;
      if (state === "failed") throw error;
      if (state === "done") return;
      if (state === "starved") await source.fill();
      signal?.throwIfAborted();
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    await source.cancel().catch(() => {});
  }
}

/** What can be had without waiting, and why there is no more. */
function nextBatch<T>(parser: Iterator<T | undefined, void>): {
  batch: T[];
  state: "full" | "starved" | "done" | "failed";
  error?: unknown;
} {
  const batch: T[] = [];
  try {
    while (batch.length < MAX_BATCH_COUNT) {
      const { value, done } = parser.next();
      if (done) return { batch, state: "done" };
      if (value === undefined) return { batch, state: "starved" };
      batch.push(value);
    }
    return { batch, state: "full" };
  } catch (error) {
    return { batch, state: "failed", error };
  }
}
