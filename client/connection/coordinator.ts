/**
 * Finds the coordinator of a group or a transactional id, and sends requests to it.
 *
 * A coordinator is the leader of the partition of `__consumer_offsets` or `__transaction_state` that
 * the key belongs to, and moves with it. Errors that such a move may explain cause another lookup.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  CoordinatorType,
  findCoordinator,
} from "../../protocol/messages/groups/find_coordinator.ts";
import type { Api, DecodedFields, Fields } from "../../protocol/schema/schema.ts";
import type { ClientCore } from "./client_core.ts";
import type { BrokerNode } from "./cluster_metadata.ts";
import type { BrokerConnection, RequestBody, RequestOptions } from "./connection.ts";
import type { ConnectionLane } from "./connection_lane.ts";
import { KafkaError, refreshesMetadata, UnsupportedVersionError } from "../errors.ts";

/** The first version with several keys (KIP-699). */
const FIRST_VERSION_WITH_MANY_KEYS = 4;

/** The first version with types of keys (KIP-98). */
const FIRST_VERSION_WITH_TYPES = 1;

/** What a coordinator coordinates, with the words for messages. */
export type CoordinatedKind = "group" | "transactional id";

/** A broker, with the keys it coordinates: groups or transactional ids. */
export interface Coordinated {
  readonly node: BrokerNode;
  readonly keys: string[];
}

/**
 * Looks up coordinators.
 *
 * @param kind What the keys are.
 * @returns The coordinators, each with its keys.
 * @throws {KafkaError} If a key has no coordinator at the moment, or is invalid.
 */
export async function findCoordinators(
  core: ClientCore,
  kind: CoordinatedKind,
  keys: readonly string[],
  signal?: AbortSignal,
): Promise<Coordinated[]> {
  const found = await askForAll(core, kind, keys, signal);
  const byNode = new Map<number, Coordinated>();
  for (const { key, nodeId, host, port, errorCode, errorMessage } of found) {
    if (errorCode !== ErrorCode.NONE) {
      throw new KafkaError(`find the coordinator of ${kind} "${key}"`, errorCode, errorMessage);
    }
    const coordinated = byNode.get(nodeId);
    if (coordinated !== undefined) coordinated.keys.push(key);
    else byNode.set(nodeId, { node: { id: nodeId, host, port, rack: null }, keys: [key] });
  }
  return [...byNode.values()];
}

interface Found {
  readonly key: string;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

async function askForAll(
  core: ClientCore,
  kind: CoordinatedKind,
  keys: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly Found[]> {
  const keyType = kind === "group" ? CoordinatorType.group : CoordinatorType.transaction;
  try {
    const options = { signal, minVersion: FIRST_VERSION_WITH_MANY_KEYS };
    const body = { keyType, coordinatorKeys: keys };
    return (await core.requestAny(findCoordinator, body, options)).coordinators;
  } catch (error) {
    if (!(error instanceof UnsupportedVersionError)) throw error;
  }
  const options = {
    signal,
    maxVersion: FIRST_VERSION_WITH_MANY_KEYS - 1,
    minVersion: kind === "group" ? 0 : FIRST_VERSION_WITH_TYPES,
  };
  return await Promise.all(keys.map(async (key): Promise<Found> => {
    const body = (version: number) => (version === 0 ? { key } : { key, keyType });
    return { key, ...await core.requestAny(findCoordinator, body, options) };
  }));
}

/** The coordinator of one group or transactional id, looked up on demand. */
export class Coordinator {
  readonly #core: ClientCore;
  readonly #kind: CoordinatedKind;
  readonly #key: string;
  #node: BrokerNode | undefined;
  #finding: Promise<BrokerNode> | undefined;

  constructor(core: ClientCore, kind: CoordinatedKind, key: string) {
    this.#core = core;
    this.#kind = kind;
    this.#key = key;
  }

  /** The broker; undefined if it has to be looked up. */
  get node(): BrokerNode | undefined {
    return this.#node;
  }

  /** Makes the next request look up the coordinator again. */
  forget(): void {
    this.#node = undefined;
  }

  /**
   * Sends a request to the coordinator.
   *
   * @param lane The connections to use: requests that wait for other members need their own.
   * @throws {DqueueError} If it cannot be found or reached, or does not respond.
   */
  async request<Req extends Fields, Res extends Fields>(
    lane: ConnectionLane,
    api: Api<Req, Res>,
    body: RequestBody<Req>,
    options: RequestOptions = {},
  ): Promise<DecodedFields<Res>> {
    try {
      const connection = await this.connection(lane, options.signal);
      return await connection.request(api, body, options);
    } catch (error) {
      this.onError(error);
      throw error;
    }
  }

  /**
   * The connection to the coordinator. The caller reports failures to `onError()`.
   *
   * @throws {DqueueError} If it cannot be found or reached.
   */
  async connection(lane: ConnectionLane, signal?: AbortSignal): Promise<BrokerConnection> {
    return await lane.connection(this.#node ?? await this.#find(), signal);
  }

  /** Handles an error, whether thrown by a request or read in its response. */
  onError(error: unknown): void {
    if (refreshesMetadata(error)) this.forget();
  }

  #find(): Promise<BrokerNode> {
    return this.#finding ??= this.#ask().finally(() => this.#finding = undefined);
  }

  async #ask(): Promise<BrokerNode> {
    const keys = [this.#key];
    const found = await findCoordinators(this.#core, this.#kind, keys, this.#core.closing);
    return this.#node = found[0]!.node;
  }
}
