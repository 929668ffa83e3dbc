/**
 * The connections of a participant with transactions to the brokers of a cluster, whose leaders and
 * coordinators it looks up.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  CoordinatorType,
  findCoordinator,
} from "../../../protocol/messages/groups/find_coordinator.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import type { Api, RequestTo, ResponseOf } from "../../../protocol/schema/schema.ts";
import type { Destination, Wire } from "../transactions/transaction_world.ts";
import { ClusterClient, type ClusterWorld } from "./client.ts";
import type { ClusterMachine } from "./cluster_machine.ts";

/** Connections to all brokers. */
export class TransactionWire implements Wire {
  readonly #world: ClusterWorld;
  readonly #name: string;
  #client: ClusterClient;
  #clients = 0;
  /** Who leads or coordinates, by destination. */
  readonly #known: Map<string, ClusterMachine> = new Map();

  constructor(name: string, world: ClusterWorld) {
    this.#world = world;
    this.#name = name;
    this.#client = this.#newClient();
  }

  #newClient(): ClusterClient {
    return new ClusterClient(`${this.#name} ${this.#clients++}`, this.#world);
  }

  request<A extends Api>(
    to: Destination,
    api: A,
    version: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A> | undefined> {
    return this.#request(this.#client, to, api, version, request);
  }

  async #request<A extends Api>(
    client: ClusterClient,
    to: Destination,
    api: A,
    version: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A> | undefined> {
    const broker = await this.#find(client, to);
    if (broker === undefined) return undefined;
    const answer = await client.request(broker, api, version, request);
    if (answer === undefined) this.forget(to);
    return answer?.response;
  }

  prepare<A extends Api>(
    to: Destination,
    api: A,
    version: number,
    request: RequestTo<A>,
  ): () => void {
    const client = this.#newClient();
    return () =>
      this.#world.spawn(async () => void await this.#request(client, to, api, version, request));
  }

  async #find(client: ClusterClient, to: Destination): Promise<ClusterMachine | undefined> {
    const any = this.#world.random.pick(this.#world.machines);
    if (to === "any") return any;
    const known = this.#known.get(keyOf(to));
    if (known !== undefined) return known;
    const id = "leaderOf" in to
      ? await this.#leaderId(client, any, to.leaderOf)
      : await this.#coordinatorId(client, any, to.coordinatorOf);
    const found = id === undefined ? undefined : client.machine(id);
    if (found !== undefined) this.#known.set(keyOf(to), found);
    return found;
  }

  async #leaderId(
    client: ClusterClient,
    broker: ClusterMachine,
    { topic, index }: { readonly topic: string; readonly index: number },
  ): Promise<number | undefined> {
    const answer = await client.request(broker, metadata, 12, {
      topics: [{ name: topic }],
      allowAutoTopicCreation: false,
    });
    return answer?.response.topics[0]?.partitions
      .find(({ partitionIndex }) => partitionIndex === index)?.leaderId;
  }

  async #coordinatorId(
    client: ClusterClient,
    broker: ClusterMachine,
    of: { readonly group: string } | { readonly transactionalId: string },
  ): Promise<number | undefined> {
    const [key, keyType] = "group" in of
      ? [of.group, CoordinatorType.group]
      : [of.transactionalId, CoordinatorType.transaction];
    const answer = await client.request(broker, findCoordinator, 3, { key, keyType });
    return answer?.response.errorCode === ErrorCode.NONE ? answer.response.nodeId : undefined;
  }

  forget(to: Destination): void {
    if (to !== "any") this.#known.delete(keyOf(to));
  }

  /** From now on it has other connections; what it has sent arrives or not. */
  disconnect(): void {
    this.#client = this.#newClient();
  }
}

function keyOf(to: Exclude<Destination, "any">): string {
  if ("leaderOf" in to) return `${to.leaderOf.topic}-${to.leaderOf.index}`;
  const { coordinatorOf: of } = to;
  return "group" in of ? `group ${of.group}` : `transactions ${of.transactionalId}`;
}
