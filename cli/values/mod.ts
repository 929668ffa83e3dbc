/**
 * Values with units: amounts of bytes, durations, and Kafka's settings.
 *
 * @module
 */

export * from "./bytes.ts";
export * from "./duration.ts";
export * from "./units.ts";
