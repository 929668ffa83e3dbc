/**
 * The codecs of Kafka, by the number that stands in a record batch's attributes and by the name
 * that stands in configs.
 *
 * @module
 */

/** Kafka's number for each codec. */
export const CompressionType = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** A codec's name, as in `compression.type`. */
export type CompressionName = keyof typeof CompressionType;

/** A codec's number. */
export type CompressionType = typeof CompressionType[CompressionName];

const NAMES = Object.keys(CompressionType) as CompressionName[];

/** The name of a codec; `undefined` if Kafka has none of that number. */
export function compressionName(type: number): CompressionName | undefined {
  return NAMES[type];
}

/** The number of a codec; `undefined` if Kafka has none of that name. */
export function compressionType(name: string): CompressionType | undefined {
  return Object.hasOwn(CompressionType, name)
    ? CompressionType[name as CompressionName]
    : undefined;
}
