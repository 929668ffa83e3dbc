/**
 * Finds the coordinator of a group, and sends requests to it.
 *
 * A group's coordinator is the leader of its partition of `__consumer_offsets`, and moves with it.
 * Errors that such a move may explain cause another lookup.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import {
  CoordinatorType,
  findCoordinator,
} from "../../protocol/messages/groups/find_coordinator.ts";
import type { Api, DecodedFields, Fields } from "../../protocol/schema/schema.ts";
import type { ClientCore } from "../connection/client_core.ts";
import type { BrokerNode } from "../connection/cluster_metadata.ts";
import type { RequestBody, RequestOptions } from "../connection/connection.ts";
import type { ConnectionLane } from "../connection/connection_lane.ts";
import { KafkaError, refreshesMetadata, UnsupportedVersionError } from "../errors.ts";

/** The first version with several keys (KIP-699). */
const FIRST_VERSION_WITH_MANY_KEYS = 4;

/** A broker, with the groups it coordinates. */
export interface CoordinatedGroups {
  readonly node: BrokerNode;
  readonly groupIds: string[];
}

/**
 * Looks up the coordinators of groups.
 *
 * @returns The coordinators, each with its groups.
 * @throws {KafkaError} If a group has no coordinator at the moment, or its id is invalid.
 */
export async function findCoordinators(
  core: ClientCore,
  groupIds: readonly string[],
  signal?: AbortSignal,
): Promise<CoordinatedGroups[]> {
  const found = await askForAll(core, groupIds, signal);
  const byNode = new Map<number, CoordinatedGroups>();
  for (const { key, nodeId, host, port, errorCode, errorMessage } of found) {
    if (errorCode !== ErrorCode.NONE) {
      throw new KafkaError(`find the coordinator of group "${key}"`, errorCode, errorMessage);
    }
    const coordinated = byNode.get(nodeId);
    if (coordinated !== undefined) coordinated.groupIds.push(key);
    else byNode.set(nodeId, { node: { id: nodeId, host, port, rack: null }, groupIds: [key] });
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
  groupIds: readonly string[],
  signal: AbortSignal | undefined,
): Promise<readonly Found[]> {
  const keyType = CoordinatorType.group;
  try {
    const options = { signal, minVersion: FIRST_VERSION_WITH_MANY_KEYS };
    const body = { keyType, coordinatorKeys: groupIds };
    return (await core.requestAny(findCoordinator, body, options)).coordinators;
  } catch (error) {
    if (!(error instanceof UnsupportedVersionError)) throw error;
  }
  const options = { signal, maxVersion: FIRST_VERSION_WITH_MANY_KEYS - 1 };
  return await Promise.all(groupIds.map(async (key): Promise<Found> => {
    const body = (version: number) => (version === 0 ? { key } : { key, keyType });
    return { key, ...await core.requestAny(findCoordinator, body, options) };
  }));
}

/** The coordinator of one group, looked up on demand. */
export class GroupCoordinator {
  readonly #core: ClientCore;
  readonly #groupId: string;
  #node: BrokerNode | undefined;
  #finding: Promise<BrokerNode> | undefined;

  constructor(core: ClientCore, groupId: string) {
    this.#core = core;
    this.#groupId = groupId;
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
      const node = this.#node ?? await this.#find();
      const connection = await lane.connection(node, options.signal);
      return await connection.request(api, body, options);
    } catch (error) {
      this.onError(error);
      throw error;
    }
  }

  /** Handles an error, whether thrown by a request or read in its response. */
  onError(error: unknown): void {
    if (refreshesMetadata(error)) this.forget();
  }

  #find(): Promise<BrokerNode> {
    return this.#finding ??= findCoordinators(this.#core, [this.#groupId], this.#core.closing)
      .then((found) => this.#node = found[0]!.node)
      .finally(() => this.#finding = undefined);
  }
}
