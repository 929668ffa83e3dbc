/**
 * PEM (RFC 7468): blocks of base64 with a label.
 *
 * @module
 */

/** A block. */
export interface PemBlock {
  /** Such as `CERTIFICATE`. */
  readonly label: string;
  /** The content; that of an encrypted key in OpenSSL's traditional form is without its headers. */
  readonly bytes: Uint8Array;
  /** The whole block, from the first dash to the last. */
  readonly text: string;
}

/** Text that is not PEM; the message says why. */
export class PemError extends Error {
  override name = "PemError";
}

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----\s((?:(?!-----)[\s\S])*)-----END ([A-Z0-9 ]+)-----/g;
/** Headers of OpenSSL's traditional form, which an empty line ends. */
const HEADERS = /^(?:[A-Za-z-]+:.*\r?\n(?:[ \t].*\r?\n)*)+\r?\n/;

/**
 * Parses all blocks of a text. What is between them is ignored, such as the description that OpenSSL
 * writes.
 *
 * @throws {PemError} If a block is damaged.
 */
export function parsePem(text: string): PemBlock[] {
  const blocks = Array.from(text.matchAll(BLOCK), ([whole, label, body, end]) => {
    if (label !== end) throw new PemError(`a block begins as ${label} and ends as ${end}`);
    const base64 = body!.replace(HEADERS, "").replace(/\s+/g, "");
    try {
      return { label: label!, bytes: Uint8Array.fromBase64(base64), text: `${whole}\n` };
    } catch {
      throw new PemError(`the content of a block of ${label} is not base64`);
    }
  });
  const begun = text.match(/-----BEGIN /g)?.length ?? 0;
  if (begun > blocks.length) throw new PemError("a block is cut off");
  return blocks;
}
