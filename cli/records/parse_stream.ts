/**
 * Runs a parser over a stream of bytes.
 *
 * A parser is a generator over a `ByteSource`: it yields results, and undefined when it needs more
 * bytes. It is written as if all bytes were available, and waits once per chunk, not for each
 * result.
 *
 * @module
 */

import { ByteSource } from "./byte_source.ts";

/** Maximum number of results per batch, so a large chunk does not become a large array. */
const MAX_BATCH_COUNT = 10_000;

/** Part of a parser: yields when it needs more bytes, returns its result. */
export type Parse<T> = Generator<undefined, T, void>;

/**
 * Parses a stream to its end.
 *
 * @param stream The bytes; cancelled when the caller leaves its loop over the result.
 * @param options `signal` stops parsing: the generator then throws its reason.
 * @param start Starts the parser.
 * @returns Results of the parser, in batches of those completed by each chunk. If the parser
 *   throws, earlier results are yielded first.
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

/** The results available without waiting, and why there are no more. */
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
