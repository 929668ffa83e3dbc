/**
 * Request handlers: functions from a decoded request and its context to a response.
 *
 * Handlers do no I/O on the connection. They reach the broker's components through the context, so
 * tests can call them with plain objects.
 *
 * @module
 */

import type {
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
} from "../protocol/messages/security/sasl_authenticate.ts";
import type {
  SaslHandshakeRequest,
  SaslHandshakeResponse,
} from "../protocol/messages/security/sasl_handshake.ts";
import type { FrameChannel } from "../protocol/frames/channel.ts";
import type { Api, RequestOf, ResponseTo } from "../protocol/schema/schema.ts";
import type { VersionRange } from "../protocol/schema/version_range.ts";
import type { BatchValidations } from "./validation/batch_validations.ts";
import type { Clock } from "./time/clock.ts";
import type { ClusterState } from "./cluster/cluster_state.ts";
import type { RequestedElections } from "./controller/requested_elections.ts";
import type { HeartbeatManager } from "./controller/heartbeat_manager.ts";
import type { ReassignmentManager } from "./controller/reassignment_manager.ts";
import type { ForwardingManager } from "./cluster/forwarding_manager.ts";
import type { DiskSpace } from "./disk_space.ts";
import type { BrokerConfig } from "./settings/config.ts";
import type { FetchSessions } from "./fetch_sessions.ts";
import type { GroupCoordinator } from "./groups/group_coordinator.ts";
import type { Logger } from "./logger.ts";
import type { MemoryBudget } from "./memory_budget.ts";
import type { BrokerCounters } from "./metrics/broker_counters.ts";
import type { ProducerIds } from "./producer_ids.ts";
import type { ReplicaSessions } from "./replication/replica_sessions.ts";
import type { ClientTelemetry } from "./telemetry/client_telemetry.ts";
import type { AccessRule } from "./security/access_rule.ts";
import type { AuditLog } from "./security/audit/audit_log.ts";
import type { Authorizer } from "./security/authorizer.ts";
import type { Quotas } from "./security/quotas/quotas.ts";
import type { Session } from "./security/session.ts";
import type { Timeouts } from "./time/timeouts.ts";
import type { TopicRegistry } from "./topics/topic_registry.ts";
import type { MarkerWriter } from "./transactions/markers/marker_writer.ts";
import type { TransactionCoordinator } from "./transactions/transaction_coordinator.ts";
import type { TransactionVerifier } from "./transactions/verification/transaction_verifier.ts";
import type { Turns } from "./network/turns.ts";

/** The components of a broker that handlers use, shared by all connections. */
export interface BrokerContext {
  readonly nodeId: number;
  readonly config: BrokerConfig;
  readonly cluster: ClusterState;
  readonly forwarding: ForwardingManager;
  readonly heartbeats: HeartbeatManager;
  readonly elections: RequestedElections;
  readonly reassignments: ReassignmentManager;
  readonly topics: TopicRegistry;
  readonly producerIds: ProducerIds;
  readonly fetchSessions: FetchSessions;
  readonly replicaSessions: ReplicaSessions;
  readonly groups: GroupCoordinator;
  readonly transactions: TransactionCoordinator;
  /** Writes the markers that end transactions. */
  readonly markers: MarkerWriter;
  /** Asks the coordinators of transactions. */
  readonly verifier: Pick<TransactionVerifier, "ensure">;
  /** Memory of request frames in progress. */
  readonly requestMemory: MemoryBudget;
  /** Memory of responses until clients have read them. */
  readonly responseMemory: MemoryBudget;
  /** Validates batches that take long. */
  readonly validations: BatchValidations;
  readonly timeouts: Timeouts;
  /** Decides which connection may handle its next request. */
  readonly turns: Turns;
  readonly counters: BrokerCounters;
  /** The space on the disk of the data folder. */
  readonly disk: DiskSpace;
  /** What clients push about themselves (KIP-714). */
  readonly telemetry: ClientTelemetry;
  /** Decides who may do what. */
  readonly authorizer: Authorizer;
  /** Limits what clients may do in a second. */
  readonly quotas: Quotas;
  /** Records denials and changes. */
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Lets the client of a connection authenticate again (KIP-368). */
export interface Reauthenticator {
  /** Begins; undefined if the client need not authenticate again, or has done so just now. */
  handshake(
    request: SaslHandshakeRequest,
    signal: AbortSignal,
  ): SaslHandshakeResponse | Promise<SaslHandshakeResponse> | undefined;
  /** Takes a token; undefined if no exchange has begun. */
  authenticate(
    request: SaslAuthenticateRequest,
    signal: AbortSignal,
  ): Promise<SaslAuthenticateResponse> | undefined;
}

/** The context of one request. */
export interface RequestContext {
  /** The name of the API, such as `CreateTopics`. */
  readonly api: string;
  readonly apiVersion: number;
  /** The client id; empty if the client sent none. */
  readonly clientId: string;
  /** The client's address, as `host:port`. */
  readonly peer: string;
  /** Who the client is, and how it is connected. */
  readonly session: Session;
  /** Lets the client authenticate again; undefined if its listener has no SASL. */
  readonly reauthenticator?: Reauthenticator | undefined;
  /** Aborted when the connection has ended or the broker stops. Waiting handlers must give up. */
  readonly signal: AbortSignal;
  readonly broker: BrokerContext;
  /** Keeps the request's bytes valid after the handler has returned its promise. */
  keepFrame(): void;
  /**
   * Calls `callback` when the response has been sent or discarded, so that its buffers can be
   * reused.
   */
  whenTaken(callback: () => void): void;
  /**
   * Claims memory for a response until it is encoded. Must be called at most once. May wait until
   * other responses have been sent.
   *
   * @returns `undefined` if memory was available immediately. The promise rejects when the
   * connection ends.
   */
  claim(bytes: number): Promise<void> | undefined;
  /**
   * Delays the connection's next request until `work` is done. For work that must happen in request
   * order but takes too long for one turn of the event loop.
   */
  holdBack(work: Promise<unknown>): void;
  /** Leaves `ms` milliseconds that the client asked to wait out of the request's duration. */
  waited(ms: number): void;
  /**
   * Lets `serve` have the connection once the response is sent; it ends with it. To be called before the
   * handler returns. Absent for a request that was forwarded.
   */
  takeOver?(serve: (taken: TakenConnection) => Promise<void>): void;
}

/** A connection that has been taken over from the handlers. */
export interface TakenConnection {
  /** What to send by. */
  readonly channel: FrameChannel;
  /** Resolves to the next frame; null once the connection has ended. */
  next(): Promise<Uint8Array | null>;
  /** Opens a connection within this process that acts for a client. */
  open(session: Session): FrameChannel;
}

/** Returned by a handler to send no response, as for Produce with `acks=0`. */
export const NO_RESPONSE: unique symbol = Symbol("no response");

/** Handles requests of one API. */
export type Handle<A extends Api> = (
  request: RequestOf<A>,
  context: RequestContext,
) => HandlerResult<A> | Promise<HandlerResult<A>>;

/** The result of a handler. */
export type HandlerResult<A extends Api> = ResponseTo<A> | typeof NO_RESPONSE;

/** What an API checks before it does something. */
export interface Access {
  /** The checks, whether `guard` or the handler itself makes them. */
  readonly rules: readonly AccessRule[];
  /** Adds checks to what serves the API. Everything is allowed while the authorizer is open. */
  guard<A extends Api>(handle: Handle<A>): Handle<A>;
}

/** An API that this broker serves. */
export interface ApiHandler<A extends Api = Api> {
  readonly api: A;
  /** The versions in ApiVersions, if they differ from the accepted ones. */
  readonly advertised: VersionRange;
  /** What `handle` checks; `undefined` as long as it is not loaded. */
  readonly access?: Access;
  readonly handle: Handle<A>;
}

/**
 * Creates the handler of an API.
 *
 * @param access What the API checks, with functions of `handlers/access/`.
 */
export function handler<A extends Api>(
  api: A,
  handle: Handle<A>,
  access: Access,
  advertised: VersionRange = api.versions,
): ApiHandler {
  return { api, advertised, access, handle: access.guard(handle) } as unknown as ApiHandler;
}
