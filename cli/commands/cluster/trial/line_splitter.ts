/**
 * Splits a stream of text into lines.
 *
 * @module
 */

/** Longer lines are cut: they are the output of programs, or typing. */
const MAX_LENGTH = 10_000;

/** The lines of a stream, without their ends; the last one need not have an end. */
export async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    rest = lines.pop()!.slice(0, MAX_LENGTH);
    yield* lines;
  }
  if (rest !== "") yield rest;
}
