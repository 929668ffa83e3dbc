/**
 * What a request handler is: a function from a decoded request and its context to a response.
 *
 * Handlers do no I/O on the connection. What they need of the broker comes through the context, so
 * that each can be called in a test with plain objects.
 *
 * @module
 */

import type { Api, RequestOf, ResponseTo } from "../protocol/schema/schema.ts";
import type { VersionRange } from "../protocol/schema/version_range.ts";
import type { BatchValidations } from "./batch_validations.ts";
import type { Clock } from "./time/clock.ts";
import type { ClusterState } from "./cluster/cluster_state.ts";
import type { BrokerConfig } from "./settings/config.ts";
import type { FetchSessions } from "./fetch_sessions.ts";
import type { GroupCoordinator } from "./groups/group_coordinator.ts";
import type { Logger } from "./logger.ts";
import type { MemoryBudget } from "./memory_budget.ts";
import type { ProducerIds } from "./producer_ids.ts";
import type { Timeouts } from "./time/timeouts.ts";
import type { TopicRegistry } from "./topics/topic_registry.ts";
import type { Turns } from "./network/turns.ts";

/** The parts of a broker that handlers use; one for all its connections. */
export interface BrokerContext {
  readonly nodeId: number;
  readonly config: BrokerConfig;
  readonly cluster: ClusterState;
  readonly topics: TopicRegistry;
  readonly producerIds: ProducerIds;
  readonly fetchSessions: FetchSessions;
  readonly groups: GroupCoordinator;
  /** Memory that frames of requests under way may take. */
  readonly requestMemory: MemoryBudget;
  /** Memory that answers may take until clients have taken them. */
  readonly responseMemory: MemoryBudget;
  /** Where batches are validated that take long. */
  readonly validations: BatchValidations;
  readonly timeouts: Timeouts;
  /** Which connection may handle its next request. */
  readonly turns: Turns;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One request's surroundings. */
export interface RequestContext {
  readonly apiVersion: number;
  /** The client's name for itself; empty if it gave none. */
  readonly clientId: string;
  /** The other end, as `host:port`. */
  readonly peer: string;
  /** Aborted when the connection has ended or the broker stops: whoever waits gives up. */
  readonly signal: AbortSignal;
  readonly broker: BrokerContext;
  /** Says that the request's bytes are needed after the handler has returned its promise. */
  keepFrame(): void;
  /**
   * Calls `callback` when the client has taken the answer, or never will: nobody looks at the answer
   * any more, nor at what it is made of.
   */
  whenTaken(callback: () => void): void;
  /**
   * Claims memory for an answer that is about to be made, until it is encoded; to be called once. May
   * have to wait for others' answers to be taken.
   *
   * @returns `undefined` if there was memory at once. The promise rejects when the connection ends.
   */
  claim(bytes: number): Promise<void> | undefined;
  /**
   * Keeps the connection's next request from being handled before `work` is done: for what is to be
   * done in the order of the requests, and takes too long to be done at a stretch.
   */
  holdBack(work: Promise<unknown>): void;
}

/** A handler's answer that nothing is sent: what a client asked for with `acks=0`. */
export const NO_RESPONSE: unique symbol = Symbol("no response");

/** Answers requests of one API. */
export type Handle<A extends Api> = (
  request: RequestOf<A>,
  context: RequestContext,
) => Answer<A> | Promise<Answer<A>>;

/** What a handler gives back. */
export type Answer<A extends Api> = ResponseTo<A> | typeof NO_RESPONSE;

/** An API this broker serves. */
export interface ApiHandler<A extends Api = Api> {
  readonly api: A;
  /** What ApiVersions says, where that is more than what is accepted. */
  readonly advertised: VersionRange;
  readonly handle: Handle<A>;
}

/** Ties a handler to its API. */
export function handler<A extends Api>(
  api: A,
  handle: Handle<A>,
  advertised: VersionRange = api.versions,
): ApiHandler {
  return { api, advertised, handle } as unknown as ApiHandler;
}
