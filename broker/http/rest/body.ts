/**
 * Reads the bodies of requests, with bounds.
 *
 * @module
 */

import { HttpError } from "../http_error.ts";

/** How long a client may pause within a body. */
const MAX_PAUSE_MS = 30_000;

/**
 * Reads a body as text.
 *
 * @throws {HttpError} 413 if it is too large, 408 if the client does not send the rest, 400 if it is
 *   not UTF-8.
 */
export async function readBody(request: Request, maxBytes: number): Promise<string> {
  const declared = Number(request.headers.get("content-length") ?? 0);
  if (declared > maxBytes) throw tooLarge(maxBytes);
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

/** @throws {HttpError} 400 if the bytes are not UTF-8. */
export function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new HttpError(400, "The body is not UTF-8", { errorCode: 40002 });
  }
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, `The body is larger than ${maxBytes} bytes`);
}
