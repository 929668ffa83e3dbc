/**
 * Splits a body into the JSON values that stand one after the other in it.
 *
 * @module
 */

import { isBlank, JsonScanner } from "../../../protocol/json_scanner.ts";
import { HttpError } from "../http_error.ts";

/**
 * The bytes of each value, with any blanks between them or none.
 *
 * @param maxBytes Most bytes of one value.
 * @throws {HttpError} 413 if a value is larger, and what `chunks` throws. The values are not validated.
 */
export async function* jsonValues(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void> {
  let rest: Uint8Array = new Uint8Array(0);
  let scanner = new JsonScanner();
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : concat(rest, chunk);
    for (;;) {
      const size = scanner.scan(rest, false);
      if (size === undefined) break;
      if (size > maxBytes) throw tooLarge(maxBytes);
      yield rest.subarray(0, size);
      rest = rest.subarray(size);
      scanner = new JsonScanner();
    }
    if (rest.length > maxBytes) throw tooLarge(maxBytes);
  }
  if (!rest.every(isBlank)) yield rest;
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, `A record is larger than ${maxBytes} bytes`);
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
