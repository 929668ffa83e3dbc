/**
 * Makes a connection whose client exceeds its quotas wait.
 *
 * The client is told in each response how long it should wait; as not all obey, the connection is not
 * read meanwhile (KIP-219). Requests that have been read are still served.
 *
 * @module
 */

import { addPartitionsToTxn } from "../../protocol/messages/transactions/add_partitions_to_txn.ts";
import { brokerHeartbeat } from "../../protocol/messages/cluster/broker_heartbeat.ts";
import { envelope } from "../../protocol/messages/cluster/envelope.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { offsetForLeaderEpoch } from "../../protocol/messages/records/offset_for_leader_epoch.ts";
import { Acks, produce } from "../../protocol/messages/records/produce.ts";
import { saslAuthenticate } from "../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../protocol/messages/security/sasl_handshake.ts";
import { writeTxnMarkers } from "../../protocol/messages/transactions/write_txn_markers.ts";
import type { Api, RequestOf, ResponseTo } from "../../protocol/schema/schema.ts";
import { inRange } from "../../protocol/schema/version_range.ts";
import { type BrokerContext, type HandlerResult, NO_RESPONSE } from "../handler.ts";
import { isCountedAsBroker } from "../handlers/access/ask.ts";
import { pause } from "../time/pause.ts";
import type { PendingRequest } from "./pending_request.ts";

/** Longest time that a connection is not read. What is owed then is owed by the next request. */
const MAX_MUTE_MS = 30_000;

const OF_AUTHENTICATION: ReadonlySet<number> = new Set([saslAuthenticate.key, saslHandshake.key]);
/** What brokers ask each other. */
const OF_BROKERS: ReadonlySet<number> = new Set([
  brokerHeartbeat.key,
  envelope.key,
  writeTxnMarkers.key,
]);

/** The first version of AddPartitionsToTxn that only brokers send. */
const FIRST_ADD_PARTITIONS_OF_BROKERS = 4;

/** Counts the requests of one connection, and mutes it. */
export class Throttling {
  readonly #broker: Pick<BrokerContext, "clock" | "quotas">;
  #mutedUntilMs = -Infinity;

  constructor(broker: Pick<BrokerContext, "clock" | "quotas">) {
    this.#broker = broker;
  }

  /** Until when the connection is not read, by the monotonic clock. */
  get mutedUntilMs(): number {
    return this.#mutedUntilMs;
  }

  /** Whether the connection must not be read now. */
  get isMuted(): boolean {
    return this.#mutedUntilMs > 0 && this.#leftMs > 0;
  }

  /** Resolves when the connection may be read again, or has ended. */
  async unmuted(ended: AbortSignal): Promise<void> {
    // A request that was answered meanwhile may have made it longer.
    while (this.isMuted && !ended.aborted) {
      await pause(this.#broker.clock, Math.ceil(this.#leftMs), ended);
    }
  }

  /**
   * Counts a request that is about to be handled.
   *
   * @param frameSize Size of the request in bytes.
   * @param beganMs When its decoding began, by the monotonic clock.
   */
  begin(pending: PendingRequest, frameSize: number, beganMs: number): void {
    if (isExempt(pending)) return;
    pending.time = { beganMs, usedMs: undefined };
    if (pending.handler.api.key !== produce.key) return;
    this.#mute(this.#broker.quotas.produced(pending, frameSize));
  }

  /** Notes that a request waits for something. */
  suspend({ time }: PendingRequest): void {
    if (time !== undefined) time.usedMs ??= this.#broker.clock.monotonic() - time.beganMs;
  }

  /** Adds to the answer of a request how long the client should wait. */
  answer(pending: PendingRequest, result: HandlerResult<Api>): HandlerResult<Api> {
    if (pending.time === undefined) return result;
    this.suspend(pending);
    const { handler: { api }, header: { apiVersion }, time: { usedMs } } = pending;
    if (!wantsNoAnswer(pending)) this.#mute(this.#broker.quotas.used(pending, usedMs!));
    if (result === NO_RESPONSE) return result;
    const { throttleTimeMs = 0 } = result as { throttleTimeMs?: number };
    this.#mute(throttleTimeMs);
    const leftMs = Math.ceil(this.#leftMs);
    if (leftMs <= throttleTimeMs || !tellsThrottle(api, apiVersion)) return result;
    return { ...result, throttleTimeMs: leftMs } as ResponseTo<Api>;
  }

  get #leftMs(): number {
    return this.#mutedUntilMs - this.#broker.clock.monotonic();
  }

  #mute(ms: number): void {
    if (ms <= 0) return;
    const untilMs = this.#broker.clock.monotonic() + Math.min(ms, MAX_MUTE_MS);
    this.#mutedUntilMs = Math.max(this.#mutedUntilMs, untilMs);
  }
}

/** What a client only claims to send as a broker is refused, and counts for its quotas. */
function isExempt(pending: PendingRequest): boolean {
  if (OF_AUTHENTICATION.has(pending.header.apiKey)) return true;
  return isOfBrokers(pending) && isCountedAsBroker(pending);
}

function isOfBrokers({ header: { apiKey, apiVersion }, request }: PendingRequest): boolean {
  if (OF_BROKERS.has(apiKey)) return true;
  if (apiKey === addPartitionsToTxn.key) return apiVersion >= FIRST_ADD_PARTITIONS_OF_BROKERS;
  if (apiKey === offsetForLeaderEpoch.key) {
    return (request as RequestOf<typeof offsetForLeaderEpoch>).replicaId >= 0;
  }
  if (apiKey !== fetch.key) return false;
  const { replicaId, replicaState } = request as RequestOf<typeof fetch>;
  return replicaId >= 0 || replicaState.replicaId >= 0;
}

/** Whether the client asked for no response (Produce with `acks=0`). */
function wantsNoAnswer({ header, request }: PendingRequest): boolean {
  return header.apiKey === produce.key && (request as RequestOf<typeof produce>).acks === Acks.none;
}

/** Whether responses of a version say how long to wait. */
function tellsThrottle(api: Api, apiVersion: number): boolean {
  const field = api.response.fields["throttleTimeMs"];
  return field !== undefined && inRange(apiVersion, field.versions);
}
