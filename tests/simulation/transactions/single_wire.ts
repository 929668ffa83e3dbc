/**
 * The connections of a participant to the only broker.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  CoordinatorType,
  findCoordinator,
} from "../../../protocol/messages/groups/find_coordinator.ts";
import type { Api, RequestTo, ResponseOf } from "../../../protocol/schema/schema.ts";
import type { Connection } from "../connection.ts";
import type { Destination, Wire } from "./transaction_world.ts";

/** What makes connections. */
export interface Connector {
  connect(): Connection | undefined;
}

/** A connection, opened again if needed. */
export class SingleWire implements Wire {
  readonly #connector: Connector;
  #connection: Connection | undefined;
  /** Whose coordinator was found. A broker makes the topic of coordinators when it is asked for one. */
  readonly #found: Set<string> = new Set();

  constructor(connector: Connector) {
    this.#connector = connector;
  }

  async request<A extends Api>(
    to: Destination,
    api: A,
    version: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A> | undefined> {
    if (!await this.#find(to)) return undefined;
    return await this.#connect()?.request(api, version, request);
  }

  prepare<A extends Api>(
    _to: Destination,
    api: A,
    version: number,
    request: RequestTo<A>,
  ): () => void {
    return () => void this.#connector.connect()?.request(api, version, request);
  }

  async #find(to: Destination): Promise<boolean> {
    if (to === "any" || "leaderOf" in to) return true;
    const { coordinatorOf } = to;
    const [key, keyType] = "group" in coordinatorOf
      ? [coordinatorOf.group, CoordinatorType.group]
      : [coordinatorOf.transactionalId, CoordinatorType.transaction];
    if (this.#found.has(`${keyType} ${key}`)) return true;
    const answer = await this.#connect()?.request(findCoordinator, 3, { key, keyType });
    if (answer?.errorCode !== ErrorCode.NONE) return false;
    this.#found.add(`${keyType} ${key}`);
    return true;
  }

  #connect(): Connection | undefined {
    if (this.#connection === undefined || this.#connection.isOver) {
      this.#connection = this.#connector.connect();
    }
    return this.#connection;
  }

  forget(): void {
    this.#found.clear();
  }

  disconnect(): void {
    this.#connection?.cut();
  }
}
