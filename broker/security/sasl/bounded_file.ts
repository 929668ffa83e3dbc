/**
 * Reads a file.
 *
 * @throws {RangeError} If it has more than `maxBytes`.
 */
export async function readBoundedFile(url: URL, maxBytes: number): Promise<string> {
  const { size } = await Deno.stat(url);
  if (size > maxBytes) throw new RangeError(`The file has ${size} bytes, at most ${maxBytes}`);
  return await Deno.readTextFile(url);
}
