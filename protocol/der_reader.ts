/**
 * Reads DER (ITU-T X.690), the form of certificates and key stores, element by element. It checks every
 * length, for the bytes come from others.
 *
 * @module
 */

/** Tags that certificates and key stores have. */
export const DerTag = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  generalString: 0x1b,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Bytes that are not DER, or not of the expected form. */
export class DerError extends Error {
  override name = "DerError";
}

/** An element. */
export interface DerElement<Buffer extends ArrayBufferLike = ArrayBufferLike> {
  /** The kind of the element, one of {@linkcode DerTag} or of the context. */
  readonly tag: number;
  /** What is in it. */
  readonly content: Uint8Array<Buffer>;
  /** The whole element: tag, length and content. */
  readonly bytes: Uint8Array<Buffer>;
}

/** Reads the elements that follow one another in some bytes. */
export class DerReader<Buffer extends ArrayBufferLike = ArrayBufferLike> {
  readonly #bytes: Uint8Array<Buffer>;
  #at = 0;

  constructor(bytes: Uint8Array<Buffer>) {
    this.#bytes = bytes;
  }

  /** Whether all elements have been read. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  /** The tag of the next element; undefined at the end. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#at];
  }

  /**
   * Reads an element.
   *
   * @param tag The tag that it must have. Default: any.
   * @throws {DerError} If it has another tag, is cut off, or has a form that DER does not allow.
   */
  read(tag?: number): DerElement<Buffer> {
    const start = this.#at;
    const found = this.#byte();
    if ((found & 0x1f) === 0x1f) throw new DerError("Tags of several bytes are not supported");
    if (tag !== undefined && found !== tag) {
      throw new DerError(`Expected an element with tag ${tag}, found ${found}`);
    }
    const size = this.#length();
    const end = this.#at + size;
    if (end > this.#bytes.length) throw new DerError("An element is longer than what contains it");
    const content = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return { tag: found, content, bytes: this.#bytes.subarray(start, end) };
  }

  /** Reads an element with elements inside. */
  readInto(tag: number): DerReader<Buffer> {
    return new DerReader(this.read(tag).content);
  }

  #length(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    const digits = first & 0x7f;
    if (digits === 0 || digits > 3) throw new DerError(`A length has ${digits} bytes`);
    let size = 0;
    for (let i = 0; i < digits; i++) size = size << 8 | this.#byte();
    return size;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new DerError("An element is cut off");
    this.#at++;
    return byte;
  }
}

/** Formats the content of an object identifier in dotted form. */
export function formatObjectIdentifier(content: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    if (arc > Number.MAX_SAFE_INTEGER / 256) throw new DerError("An identifier has a huge number");
    arc = arc * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    if (arcs.length > 0) arcs.push(arc);
    else arcs.push(Math.min(Math.floor(arc / 40), 2), arc - 40 * Math.min(Math.floor(arc / 40), 2));
    arc = 0;
  }
  if (arcs.length === 0 || content.at(-1)! >= 0x80) throw new DerError("An identifier is cut off");
  return arcs.join(".");
}
