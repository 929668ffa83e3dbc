/**
 * The state and base class that the participants of a simulation share.
 *
 * @module
 */

import type { Random } from "../../protocol/random_testing.ts";
import type { RequestTo, ResponseOf } from "../../protocol/schema/schema.ts";
import { ErrorCode, errorInfo } from "../../protocol/errors.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import type { Connection } from "./connection.ts";
import type { Machine } from "./machine.ts";
import type { TopicModel } from "./model.ts";
import type { RecordBook } from "./record_book.ts";
import { check } from "./violation.ts";

/** Timeout of requests, in milliseconds. */
export const REQUEST_TIMEOUT_MS = 3000;

/** The shared state of a simulation. */
export interface World {
  readonly machine: Machine;
  readonly book: RecordBook;
  /** Topics that exist or may exist. */
  readonly topics: TopicModel[];
  /** The random numbers of the current step. */
  readonly random: Random;
  /** Records an event. */
  trace(event: string): void;
}

/** A participant with a connection to the broker. */
export class Client {
  readonly name: string;
  protected readonly world: World;
  #connection: Connection | undefined;

  constructor(name: string, world: World) {
    this.name = name;
    this.world = world;
  }

  /** The connection, opened again if needed; nothing while no broker runs. */
  protected get connection(): Connection | undefined {
    if (this.#connection === undefined || this.#connection.isOver) {
      this.#connection = this.world.machine.connect();
    }
    return this.#connection;
  }

  /** Sends a request and returns its answer; nothing if there will be none. */
  async request<A extends Api>(
    api: A,
    version: number,
    request: RequestTo<A>,
  ): Promise<ResponseOf<A> | undefined> {
    return await this.connection?.request(api, version, request);
  }

  /** Cuts the connection, with any requests in flight. */
  disconnect(): void {
    this.#connection?.cut();
  }

  /** Records an outcome, which must be one of those allowed. */
  protected note(
    what: string,
    errorCode: number,
    allowed: readonly number[] = [],
    errorMessage: string | null = null,
  ): void {
    const { machine } = this.world;
    const answer = errorMessage === null
      ? nameOf(errorCode)
      : `${nameOf(errorCode)} (${errorMessage})`;
    this.world.trace(`${this.name} ${what}: ${answer}`);
    const isFailure = errorCode === ErrorCode.KAFKA_STORAGE_ERROR && machine.hasFailed;
    check(
      errorCode === ErrorCode.NONE || allowed.includes(errorCode) || isFailure,
      () => `${this.name} ${what} and was answered ${answer}`,
    );
  }
}

/** The name of an error code. */
export function nameOf(errorCode: number): string {
  return errorInfo(errorCode).name;
}

/** Returns the topics that certainly exist. */
export function liveTopics(world: World): TopicModel[] {
  return world.topics.filter(({ state }) => state === "live");
}
