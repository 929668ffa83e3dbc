/**
 * Output of the codecs of other programs, as base64.
 *
 * @module
 */

/** `abcdefghij` repeated 4,000 times. */
export const content: Uint8Array = new TextEncoder().encode("abcdefghij".repeat(4000));

/** Words in an irregular order. */
export const text: Uint8Array = new TextEncoder().encode(makeText());

function makeText(): string {
  const words = "alpha beta gamma delta orders payment customer shipped 1234 99.50".split(" ");
  let state = 1n;
  return Array.from({ length: 300 }, () => {
    state = (state * 1103515245n + 12345n) % 2n ** 31n;
    return words[Number((state >> 16n) % 10n)];
  }).join(" ");
}

export const golden = {
  /** CPython 3.11.7, `gzip.compress(content, mtime=0)`. */
  gzip: decode(
    "H4sIAAAAAAACA+3GSQEAIAgAsKx4INo/gEHYXosx185T94WZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZ" +
      "mZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZmZWft9iKSR7kCcAAA=",
  ),
  /** python-snappy 0.7.3, `snappy.compress(content)`. */
  snappyRaw: decode(
    "wLgCJGFiY2RlZmdoaWr+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+" +
      "CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+CgD+Cg" +
      "D+CgD+CgD+CgD+CgD+CgDWCgA=",
  ),
  /** kafka-python 3.0.12, `snappy_encode(content)`: two blocks of at most 32 KiB. */
  snappyXerial: decode(
    "glNOQVBQWQAAAAABAAAAAQAABg6AgAIkYWJjZGVmZ2hpav4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP" +
      "4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4KAP4K" +
      "AP4KAP4KAP4KAP4KAP4KAP4KANYKAAAAAWDAOCRpamFiY2RlZmdo/goA/goA/goA/goA/goA/goA/goA/goA/g" +
      "oA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA" +
      "/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/g" +
      "oA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA" +
      "/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/g" +
      "oA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA/goA1goA",
  ),
  /**
   * python-lz4 4.4.5, four times the content in linked 64 KiB blocks with block and content
   * checksums.
   */
  lz4Linked: decode(
    "BCJNGFRArhQBAACvYWJjZGVmZ2hpagoA//////////////////////////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////////////" +
      "/////////////////////////////95QYmNkZWZ/NX3PCgEAAA/6//////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////////////" +
      "///////////////////////////////////////////////////oUGhpamFiHNcXRnsAAAAPCgD///////////" +
      "//////////////////////////////////////////////////////////////////////////////////////" +
      "/////////////////////////////////////////////////////1lQZmdoaWonbLrSAAAAANwO8z8=",
  ),
  /** kafka-python 3.0.12, `lz4_encode(content)`: with content size. */
  lz4KafkaPython: decode(
    "BCJNGGhAQJwAAAAAAABYsAAAAK9hYmNkZWZnaGlqCgD///////////////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////+6UGZnaG" +
      "lqAAAAAA==",
  ),
  /** python-lz4 4.4.5, `lz4.frame.compress(content, store_size=False)`. */
  lz4Plain: decode(
    "BCJNGGBAgrAAAACvYWJjZGVmZ2hpagoA//////////////////////////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////ulBmZ2hpagAAAAA=",
  ),
  /** kafka-python 3.0.12, `lz4_encode_old_kafka(content)`: the header checksum of KAFKA-3160. */
  lz4OldHeader: decode(
    "BCJNGGBAGrAAAACvYWJjZGVmZ2hpagoA//////////////////////////////////////////////////////" +
      "//////////////////////////////////////////////////////////////////////////////////////" +
      "////////////////////////////////////////////////////////////////////ulBmZ2hpagAAAAA=",
  ),
  /** python-zstandard 0.25.0, with content size. */
  zstdSize: decode(
    "KLUv/WBAm5UAAFBhYmNkZWZnaGlqAQAznOoFCQ==",
  ),
  /** python-zstandard 0.25.0, a stream flushed once: no content size, two blocks. */
  zstdStream: decode(
    "KLUv/QBYlAAAUGFiY2RlZmdoaWoBAAOnfEECRQAACGEBACz1DoQ=",
  ),
  /** python-zstandard 0.25.0, a stream: checksum, no content size. */
  zstdStreamChecksum: decode(
    "KLUv/QRYlQAAUGFiY2RlZmdoaWoBADOc6gUJD9MNcA==",
  ),
  /** python-zstandard 0.25.0, level 19 of `text`, with checksum: Huffman literals, FSE tables. */
  zstdText: decode(
    "KLUv/WTEBh0LACIEDhGwPexJRHIXKSZigmm3PBzziI1kbBVhbIdT0rTszmuDAecss3e8qv8bk8uz0c7XXvmXp2" +
      "u1hQwRgKOo0YdK+78BEBCBQYzZeRFUNCLAAkKwJDPSFu4dsUDYzpUTKIspKGy4xvH6hCnbZNhd8e533KQAnurq" +
      "C2LI5YxUBtiWJzvTNtSpxTnOJL7WC4H8Liqs9oTDsB5W8mdNGX5L5jKVii2YRd3SU8WI9V46ALHvNx5dl7BfiU" +
      "D12i6/W3AI5f+QmVmR9WXjOAN0NIxNatz0ty3YlNUG3pXM3AOTr+osIjlamVoYoQJ5+SbhQr5BN9U1p9mQnnhu" +
      "kMwOuTkKaPFLth/3Br0uvcJjx6w09uqay/4ix3g/EFlFdpJ2TcUtOVhhBOFyRgzzDqNAWTo/wpFCmwhjy1BK6D" +
      "YrAQh0ExDgZ6NQdhCD94ER7y3ePGwaPp5kluENy1x2yOM0hsSF9RUs9wf9LuhT",
  ),
};

function decode(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
