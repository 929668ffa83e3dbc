/**
 * Waits for the brokers of a cluster to know each other.
 *
 * @module
 */

import { describeCluster } from "../../../protocol/messages/cluster/describe_cluster.ts";
import { LoadConnection } from "../load/load_connection.ts";

const RETRY_MS = 20;
const TIMEOUT_MS = 60_000;
const VERSION = 0;

/**
 * Resolves when each of these brokers lists all of them: before, a topic with a replica on each cannot be
 * created.
 *
 * @throws {Error} If that takes longer than a minute.
 */
export async function listed(addresses: readonly string[]): Promise<void> {
  const startedMs = performance.now();
  for (const address of addresses) {
    using connection = await LoadConnection.connect(address);
    while (true) {
      const { brokers } = await connection.request(describeCluster, VERSION, {});
      if (brokers.length >= addresses.length) break;
      if (performance.now() - startedMs > TIMEOUT_MS) {
        throw new Error(`Broker ${address} lists ${brokers.length} of ${addresses.length} brokers`);
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
