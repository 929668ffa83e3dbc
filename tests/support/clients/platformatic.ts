/**
 * Options for clients of `@platformatic/kafka`.
 *
 * @module
 */

export * from "npm:@platformatic/kafka@2.12.1";

/** Returns the client options for the broker at `host:port`. */
export function platformaticOptions(address: string) {
  return { clientId: "platformatic", bootstrapBrokers: [address], retries: 1, retryDelay: 10 };
}
