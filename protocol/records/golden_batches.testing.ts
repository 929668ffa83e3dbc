/**
 * Record batches of other clients, as base64. All contain {@linkcode goldenRecords}, except that
 * the JavaScript clients cannot write a null header value and write an empty one.
 *
 * @module
 */

/** The records in the batches. */
export const goldenRecords = [
  {
    key: "key-0",
    value: "value zero zero zero zero zero zero",
    timestamp: 1_700_000_000_000,
    headers: [
      { key: "h1", value: "one" },
      { key: "h2", value: null },
      { key: "h\u00e9", value: "" },
    ],
  },
  {
    key: null,
    value: "value one one one one one one one",
    timestamp: 1_700_000_000_123,
    headers: [],
  },
  { key: "", value: null, timestamp: 1_700_000_000_001, headers: [] },
  { key: "kl\u00fc", value: "x".repeat(300), timestamp: 1_700_000_100_000, headers: [] },
];

/** Batches by client and codec, in the order of the codec numbers. */
export const goldenBatches = {
  /** librdkafka 2.16.0 (confluent-kafka 2.16.1), as stored by its mock broker. */
  librdkafka: {
    none: decode(
      "AAAAAAAAAAAAAAHbAAAAAAIt8yOfAAAAAAADAAABi8/laAAAAAGLz+buoP//////////////////AAAABHwA" +
        "AAAKa2V5LTBGdmFsdWUgemVybyB6ZXJvIHplcm8gemVybyB6ZXJvIHplcm8GBGgxBm9uZQRoMgEGaMOpAFAA" +
        "9gECAUJ2YWx1ZSBvbmUgb25lIG9uZSBvbmUgb25lIG9uZSBvbmUADAACBAABAPIEAMCaDAYIa2zDvNgEeHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4AA==",
    ),
    gzip: decode(
      "AAAAAAAAAAAAAACWAAAAAALvklwiAAEAAAADAAABi8/laAAAAAGLz+buoP//////////////////AAAABB+L" +
        "CAAAAAAAAAOrYWBg4MpOrdQ1cCtLzClNVahKLcrHSbCxZBiy5eelsmQYMbJlHF7JEMDwjZGJ0QmiFSiBCzPw" +
        "MDCxMDAyfGJhODCLh40jO+fwnhssFaOAaMAAAOM83teqAQAA",
    ),
    snappy: decode(
      "AAAAAAAAAAAAAACXAAAAAAKLR84tAAIAAAADAAABi8/laAAAAAGLz+buoP//////////////////AAAABKoD" +
        "UHwAAAAKa2V5LTBGdmFsdWUgemVyb2IFAFwGBGgxBm9uZQRoMgEGaMOpAFAA9gECAUIJOwhvbmVeBABYAAwA" +
        "AgQAAQDyBADAmgwGCGtsw7zYBHj+AQD+AQD+AQD+AQCqAQAAAA==",
    ),
    lz4: decode(
      "AAAAAAAAAAAAAACfAAAAAAI+sB27AAMAAAADAAABi8/laAAAAAGLz+buoP//////////////////AAAABAQi" +
        "TRhgQIJfAAAA/wZ8AAAACmtleS0wRnZhbHVlIHplcm8FAAbyCQYEaDEGb25lBGgyAQZow6kAUAD2AQIBQjsA" +
        "L29uBAAG/wgADAACBAABAPIEAMCaDAYIa2zDvNgEeAEA/xVQeHh4eAAAAAAA",
    ),
    zstd: decode(
      "AAAAAAAAAAAAAACRAAAAAAL1kO1eAAQAAAADAAABi8/laAAAAAGLz+buoP//////////////////AAAABCi1" +
        "L/0AWL0CAHQEfAAAAAprZXktMEZ2YWx1ZSB6ZXJvBgRoMQZvbmUEaDIBBmjDqQBQAPYBAgFCb24ADAACBAAB" +
        "APIEAMCaDAYIa2zDvNgEeAAEAFFwatstjFfDiKXcAQ==",
    ),
  },
  /** kafka-python 3.0.12, `DefaultRecordBatchBuilder`: transactional, producer id 4711, epoch 3, sequence 2147483646. */
  kafkaPython: {
    none: decode(
      "AAAAAAAAAAAAAAHbAAAAAAK2K83qABAAAAADAAABi8/laAAAAAGLz+buoAAAAAAAABJnAAN////+AAAABHwA" +
        "AAAKa2V5LTBGdmFsdWUgemVybyB6ZXJvIHplcm8gemVybyB6ZXJvIHplcm8GBGgxBm9uZQRoMgEGaMOpAFAA" +
        "9gECAUJ2YWx1ZSBvbmUgb25lIG9uZSBvbmUgb25lIG9uZSBvbmUADAACBAABAPIEAMCaDAYIa2zDvNgEeHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4AA==",
    ),
    gzip: decode(
      "AAAAAAAAAAAAAACWAAAAAAKNpD1mABEAAAADAAABi8/laAAAAAGLz+buoAAAAAAAABJnAAN////+AAAABB+L" +
        "CAAf7ABrAv+rYWBg4MpOrdQ1cCtLzClNVahKLcrHSbCxZBiy5eelsmQYMbJlHF7JEMDwjZGJ0QmiFSiBCzPw" +
        "MDCxMDAyfGJhODCLh40jO+fwnhssFaOAaMAAAOM83teqAQAA",
    ),
    snappy: decode(
      "AAAAAAAAAAAAAACrAAAAAAISTXDYABIAAAADAAABi8/laAAAAAGLz+buoAAAAAAAABJnAAN////+AAAABIJT" +
        "TkFQUFkAAAAAAQAAAAEAAABmqgNQfAAAAAprZXktMEZ2YWx1ZSB6ZXJvYgUAXAYEaDEGb25lBGgyAQZow6kA" +
        "UAD2AQIBQgk7CG9uZV4EAFgADAACBAABAPIEAMCaDAYIa2zDvNgEeP4BAP4BAP4BAP4BAKoBAAAA",
    ),
    lz4: decode(
      "AAAAAAAAAAAAAACnAAAAAAJiifPqABMAAAADAAABi8/laAAAAAGLz+buoAAAAAAAABJnAAN////+AAAABAQi" +
        "TRhoQKoBAAAAAAAA5l8AAAD/BnwAAAAKa2V5LTBGdmFsdWUgemVybwUABvIJBgRoMQZvbmUEaDIBBmjDqQBQ" +
        "APYBAgFCOwAvb24EAAb/CAAMAAIEAAEA8gQAwJoMBghrbMO82AR4AQD/FVB4eHh4AAAAAAA=",
    ),
    zstd: decode(
      "AAAAAAAAAAAAAACSAAAAAAKctd1KABQAAAADAAABi8/laAAAAAGLz+buoAAAAAAAABJnAAN////+AAAABCi1" +
        "L/1gqgC9AgB0BHwAAAAKa2V5LTBGdmFsdWUgemVybwYEaDEGb25lBGgyAQZow6kAUAD2AQIBQm9uAAwAAgQA" +
        "AQDyBADAmgwGCGtsw7zYBHgABABRcGrbLYxXw4il3AE=",
    ),
  },
  /** @platformatic/kafka 2.12.1, `createRecordsBatch`: producer id 0. */
  platformatic: {
    none: decode(
      "AAAAAAAAAAAAAAHbAAAAAAKjrUkrAAAAAAADAAABi8/laAAAAAGLz+buoAAAAAAAAAAAAAAAAAAAAAAABHwA" +
        "AAAKa2V5LTBGdmFsdWUgemVybyB6ZXJvIHplcm8gemVybyB6ZXJvIHplcm8GBGgxBm9uZQRoMgAGaMOpAFAA" +
        "9gECAUJ2YWx1ZSBvbmUgb25lIG9uZSBvbmUgb25lIG9uZSBvbmUADAACBAABAPIEAMCaDAYIa2zDvNgEeHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4AA==",
    ),
    gzip: decode(
      "AAAAAAAAAAAAAACXAAAAAALFXl6WAAEAAAADAAABi8/laAAAAAGLz+buoAAAAAAAAAAAAAAAAAAAAAAABB+L" +
        "CAAAAAAAAAOrYWBg4MpOrdQ1cCtLzClNVahKLcrHSbCxZBiy5eelsmQYMbBlHF7JEMDwjZGJ0QmiNT8PJ2bg" +
        "YWBiYWBk+MTCcGAWDxtHds7hPTdYKkZBBbGAAQDW08ACqgEAAA==",
    ),
    snappy: decode(
      "AAAAAAAAAAAAAACXAAAAAAK76fM4AAIAAAADAAABi8/laAAAAAGLz+buoAAAAAAAAAAAAAAAAAAAAAAABKoD" +
        "UHwAAAAKa2V5LTBGdmFsdWUgemVyb2IFAFwGBGgxBm9uZQRoMgAGaMOpAFAA9gECAUIJOwhvbmVeBABYAAwA" +
        "AgQAAQDyBADAmgwGCGtsw7zYBHj+AQD+AQD+AQD+AQCqAQAAAA==",
    ),
    lz4: decode(
      "AAAAAAAAAAAAAACgAAAAAAJnj9tLAAMAAAADAAABi8/laAAAAAGLz+buoAAAAAAAAAAAAAAAAAAAAAAABAQi" +
        "TRhgQIJgAAAA/wZ8AAAACmtleS0wRnZhbHVlIHplcm8FAAbyCQYEaDEGb25lBGgyAAZow6kAUAD2AQIBQjsA" +
        "L29uBAAG/wgADAACBAABAPIEAMCaDAYIa2zDvNgEeAEA/xRgeHh4eHgAAAAAAA==",
    ),
    zstd: decode(
      "AAAAAAAAAAAAAACRAAAAAAJwtobsAAQAAAADAAABi8/laAAAAAGLz+buoAAAAAAAAAAAAAAAAAAAAAAABCi1" +
        "L/0AWL0CAHQEfAAAAAprZXktMEZ2YWx1ZSB6ZXJvBgRoMQZvbmUEaDIABmjDqQBQAPYBAgFCb24ADAACBAAB" +
        "APIEAMCaDAYIa2zDvNgEeAAEAFFwatstjFfDiKXcAQ==",
    ),
  },
  /** kafkajs 2.2.4, from a Produce v3 request; it sorts timestamps, so its base is the earliest. */
  kafkajs: {
    none: decode(
      "AAAAAAAAAAAAAAHbAAAAAAKPPbtNAAAAAAADAAABi8/laAAAAAGLz+buoP//////////AAAAAAAAAAAABHwA" +
        "AAAKa2V5LTBGdmFsdWUgemVybyB6ZXJvIHplcm8gemVybyB6ZXJvIHplcm8GBGgxBm9uZQRoMgAGaMOpAFAA" +
        "9gECAUJ2YWx1ZSBvbmUgb25lIG9uZSBvbmUgb25lIG9uZSBvbmUADAACBAABAPIEAMCaDAYIa2zDvNgEeHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4" +
        "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4AA==",
    ),
    gzip: decode(
      "AAAAAAAAAAAAAACXAAAAAALYAHUIAAEAAAADAAABi8/laAAAAAGLz+buoP//////////AAAAAAAAAAAABB+L" +
        "CAAAAAAAAAOrYWBg4MpOrdQ1cCtLzClNVahKLcrHSbCxZBiy5eelsmQYMbBlHF7JEMDwjZGJ0QmiNT8PJ2bg" +
        "YWBiYWBk+MTCcGAWDxtHds7hPTdYKkZBBbGAAQDW08ACqgEAAA==",
    ),
  },
};

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
