/**
 * `@platformatic/kafka`, as tests use it.
 *
 * @module
 */

export * from "npm:@platformatic/kafka@2.12.1";

/** What its clients are made with to reach the broker at `host:port`. */
export function platformaticOptions(address: string) {
  return { clientId: "platformatic", bootstrapBrokers: [address], retries: 1, retryDelay: 10 };
}
