/**
 * Reads the body of an HTTP response.
 *
 * @throws {RangeError} If it has more than `maxBytes`; the rest is not read.
 */
export async function readBoundedBody(
  { body }: Pick<Response, "body">,
  maxBytes: number,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new RangeError(`The answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return await new Blob(chunks as BlobPart[]).text();
}
