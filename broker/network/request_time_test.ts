import { assertEquals } from "@std/assert";
import { brokerHeartbeat } from "../../protocol/messages/cluster/broker_heartbeat.ts";
import { envelope } from "../../protocol/messages/cluster/envelope.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { offsetForLeaderEpoch } from "../../protocol/messages/records/offset_for_leader_epoch.ts";
import { Acks, produce } from "../../protocol/messages/records/produce.ts";
import { saslAuthenticate } from "../../protocol/messages/security/sasl_authenticate.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import { NO_RESPONSE } from "../handler.ts";
import { silentLogger } from "../logger.ts";
import { type Authorizer, openAuthorizer } from "../security/authorizer.ts";
import { TestAuthorizer } from "../security/authorizer_testing.ts";
import { formatQuotaRecord, quotaKey } from "../security/quotas/quota_entity.ts";
import { QuotaView } from "../security/quotas/quota_view.ts";
import { Quotas } from "../security/quotas/quotas.ts";
import { SecurityRecords } from "../security/security_records.ts";
import { EMBEDDED_SESSION, type Session } from "../security/session.ts";
import { ManualClock } from "../time/clock.ts";
import type { PendingRequest } from "./pending_request.ts";
import { Throttling } from "./throttling.ts";

const ALICE: Session = {
  ...EMBEDDED_SESSION,
  principal: { type: "User", name: "alice" },
  host: "10.0.0.1",
};

/** A connection whose user may take a tenth of a core. */
class World {
  readonly clock = new ManualClock();
  readonly throttling: Throttling;
  authorizer: Authorizer = openAuthorizer;

  constructor() {
    const records = new SecurityRecords(() => Promise.resolve());
    const entity = { user: "alice" };
    const value = formatQuotaRecord({ entity, values: { "request_percentage": 10 } });
    records.apply(quotaKey(entity), { value, revision: 1, created: 1 });
    const { clock } = this;
    const quotas = new Quotas(new QuotaView(records, silentLogger), clock);
    this.throttling = new Throttling({ clock, quotas });
  }

  /** Has a request take time before it waits, and then wait; returns what its answer says. */
  serve(
    api: Api,
    usedMs: number,
    { request = {}, session = ALICE, waitMs = 0, isAnswered = true, apiVersion = api.versions.max }:
      {
        readonly request?: object;
        readonly session?: Session;
        readonly waitMs?: number;
        readonly isAnswered?: boolean;
        readonly apiVersion?: number;
      } = {},
  ): number {
    const pending = {
      handler: { api },
      header: { apiKey: api.key, apiVersion },
      request,
      session,
      broker: {
        authorizer: this.authorizer,
        cluster: { interBrokerListeners: new Set(["INTERNAL"]) },
      },
      clientId: "app",
      time: undefined,
    } as unknown as PendingRequest;
    this.throttling.begin(pending, 100, this.clock.monotonic());
    this.clock.advance(usedMs);
    this.throttling.suspend(pending);
    this.clock.advance(waitMs);
    const given = isAnswered ? { throttleTimeMs: 0 } : NO_RESPONSE;
    const answer = this.throttling.answer(pending, given as never);
    return answer === NO_RESPONSE ? -1 : (answer as { throttleTimeMs: number }).throttleTimeMs;
  }
}

Deno.test("Throttling counts the time of requests, and not what they wait for (KIP-124)", () => {
  const world = new World();
  // 25 ms are saved up, and 100 ms come in each second.
  assertEquals(world.serve(metadata, 25, { waitMs: 60_000 }), 0);
  // 7.5 of 75 ms have come in while they were taken.
  assertEquals(world.serve(metadata, 75), 675);
  assertEquals(world.throttling.isMuted, true);
  world.clock.advance(675);
  assertEquals(world.throttling.isMuted, false);
});

Deno.test("Throttling for the time of a request is a second at most; the rest is owed", () => {
  const world = new World();
  assertEquals(world.serve(metadata, 1000), 1000);
  world.clock.advance(1000);
  assertEquals(world.serve(metadata, 0), 1000);
});

Deno.test("Throttling leaves out brokers, authentication, users without a quota and acks=0", () => {
  const world = new World();
  const ofReplica = { replicaId: 2, replicaState: { replicaId: -1 } };
  const ofNewReplica = { replicaId: -1, replicaState: { replicaId: 2 } };
  assertEquals(world.serve(brokerHeartbeat, 1000), 0);
  assertEquals(world.serve(envelope, 1000), 0);
  assertEquals(world.serve(saslAuthenticate, 1000), 0);
  assertEquals(world.serve(fetch, 1000, { request: ofReplica }), 0);
  assertEquals(world.serve(fetch, 1000, { request: ofNewReplica }), 0);
  assertEquals(world.serve(offsetForLeaderEpoch, 1000, { request: { replicaId: 2 } }), 0);
  assertEquals(world.serve(metadata, 1000, { session: EMBEDDED_SESSION }), 0);
  const unanswered = { request: { acks: Acks.none }, isAnswered: false };
  assertEquals(world.serve(produce, 1000, unanswered), -1);
  assertEquals(world.throttling.isMuted, false);
  const ofConsumer = { replicaId: -1, replicaState: { replicaId: -1 } };
  assertEquals(world.serve(fetch, 1000, { request: ofConsumer }), 1000);
});

Deno.test("Throttling counts what a client only claims to send as a broker", () => {
  const { name, ...protocol } = { name: "INTERNAL", protocol: "SASL_SSL" } as const;
  const ofReplica = { replicaId: 2, replicaState: { replicaId: -1 } };
  const claims: [Api, object][] = [
    [fetch, ofReplica],
    [fetch, { replicaId: -1, replicaState: { replicaId: 2 } }],
    [offsetForLeaderEpoch, { replicaId: 2 }],
    [envelope, {}],
    [brokerHeartbeat, {}],
  ];
  for (const [api, request] of claims) {
    const throttled = (listener: string, isBroker: boolean) => {
      const world = new World();
      world.authorizer = new TestAuthorizer(() => isBroker);
      const session = { ...ALICE, listener: { name: listener, ...protocol } };
      world.serve(api, 1000, { request, session });
      return world.throttling.isMuted;
    };
    assertEquals(throttled(name, true), false);
    // Neither the right alone, nor the listener.
    assertEquals(throttled("CLIENTS", true), true);
    assertEquals(throttled(name, false), true);
  }
});

Deno.test("Throttling mutes also where a version cannot say it", () => {
  const world = new World();
  assertEquals(world.serve(metadata, 1000, { apiVersion: 1 }), 0);
  assertEquals(world.throttling.isMuted, true);
});
