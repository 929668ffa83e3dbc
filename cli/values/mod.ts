/**
 * Values as people write them: amounts of bytes, durations, and Kafka's settings with units.
 *
 * @module
 */

export * from "./bytes.ts";
export * from "./duration.ts";
export * from "./units.ts";
