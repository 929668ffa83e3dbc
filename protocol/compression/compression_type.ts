/**
 * Kafka's codecs by their number in the attributes of a record batch and by their name in settings.
 *
 * @module
 */

/** Kafka's number for each codec. */
export const CompressionType = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;

/** Name of a codec, as in `compression.type`. */
export type CompressionName = keyof typeof CompressionType;

/** Number of a codec. */
export type CompressionType = typeof CompressionType[CompressionName];

const NAMES = Object.keys(CompressionType) as CompressionName[];

/** Returns the name of a codec, or `undefined` if the number is unknown. */
export function compressionName(type: number): CompressionName | undefined {
  return NAMES[type];
}

/** Returns the number of a codec, or `undefined` if the name is unknown. */
export function compressionType(name: string): CompressionType | undefined {
  return Object.hasOwn(CompressionType, name)
    ? CompressionType[name as CompressionName]
    : undefined;
}
