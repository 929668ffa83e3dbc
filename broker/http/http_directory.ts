/**
 * Where the brokers of a cluster serve HTTP, in the metadata store: `http/<id>`.
 *
 * An entry stays when its broker stops, and counts only for the process that wrote it.
 *
 * @module
 */

import type { BrokerParts } from "../broker.ts";
import { decodeValue, encodeValue } from "../cluster/topic_state.ts";
import { formatHostPort, type HostPort } from "../settings/listener.ts";

/** The value of a broker's key. */
interface HttpValue extends HostPort {
  /** Whether it is HTTPS; left out if not. */
  readonly isSecure?: boolean;
  /** The process; left out where no other broker uses the store. */
  readonly incarnation?: string | undefined;
}

/** How long a look-up may take, so that a request does not wait for a store that is away. */
const TIMEOUT_MS = 2000;
/** Addresses that a broker is not reached at. */
const WILDCARDS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** Writes and reads the addresses. */
export class HttpDirectory {
  readonly #parts: BrokerParts;
  #announced: Promise<void> | undefined;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** Lets other brokers know where this one serves HTTP, if there are others. */
  announce(address: HostPort, isSecure: boolean): void {
    const { context: { cluster, logger } } = this.#parts;
    if (cluster.incarnation === undefined && cluster.brokers.length < 2) return;
    this.#announced = this.#write(address, isSecure).catch((error) => {
      logger.warn("Cannot let other brokers know where HTTP is served", { error });
    });
  }

  /** Resolves when an announcement has been made, or failed. */
  async announced(): Promise<void> {
    await this.#announced;
  }

  /**
   * Where another broker serves HTTP, such as `http://10.0.0.2:8080`; undefined if it does not, or that is
   * not known.
   */
  async originOf(nodeId: number): Promise<string | undefined> {
    const { store, context: { cluster } } = this.#parts;
    const broker = cluster.broker(nodeId);
    if (broker === undefined || nodeId === cluster.nodeId) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, TIMEOUT_MS, undefined);
      });
      const entry = await Promise.race([store.get(keyOf(nodeId)), late]);
      if (entry === undefined) return undefined;
      const { isSecure, incarnation, ...address } = decodeValue<HttpValue>(entry);
      if (incarnation !== broker.incarnation) return undefined;
      return `${isSecure === true ? "https" : "http"}://${formatHostPort(address)}`;
    } catch {
      // The store is away.
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  async #write({ host, port }: HostPort, isSecure: boolean): Promise<void> {
    const { store, context: { cluster } } = this.#parts;
    const { nodeId, incarnation } = cluster;
    const reached = WILDCARDS.has(host) ? cluster.broker(nodeId)?.host ?? host : host;
    const value: HttpValue = {
      host: reached,
      port,
      incarnation,
      ...(isSecure ? { isSecure } : {}),
    };
    await store.commit([{ key: keyOf(nodeId), value: encodeValue(value) }]);
  }
}

function keyOf(nodeId: number): string {
  return `http/${nodeId}`;
}
