/**
 * Values with units: amounts of bytes, and Kafka's settings.
 *
 * @module
 */

export * from "./bytes.ts";
export * from "./units.ts";
