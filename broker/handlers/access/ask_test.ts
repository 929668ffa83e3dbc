import { assertEquals } from "@std/assert";
import type { RequestContext } from "../../handler.ts";
import type { AuditEvent } from "../../security/audit/audit_log.ts";
import { EMBEDDED_SESSION, type Session } from "../../security/session.ts";
import { isCountedAsBroker, mayActAsBroker } from "./ask.ts";

/** A request by a listener, of a client that has all rights. */
function requestBy(session: Session) {
  const events: AuditEvent[] = [];
  const context = {
    session,
    clientId: "app",
    api: "BrokerHeartbeat",
    broker: {
      audit: { record: (event: AuditEvent) => events.push(event) },
      authorizer: { isOpen: false, authorize: () => true, mayDo: () => true },
      cluster: { interBrokerListeners: new Set(["INTERNAL"]) },
    },
  } as unknown as RequestContext;
  return { context, events };
}

function by(name: string): Session {
  return {
    principal: { type: "User", name: "admin" },
    host: "192.0.2.1",
    listener: { name, protocol: "SASL_SSL" },
    isLocal: false,
  };
}

Deno.test("mayActAsBroker() audits a request by a listener that brokers do not use", () => {
  const { context, events } = requestBy(by("EXTERNAL"));
  assertEquals(mayActAsBroker(context), false);
  const { session } = context;
  assertEquals(events, [{
    event: "authz.deny",
    session,
    clientId: "app",
    api: "BrokerHeartbeat",
    operation: "CLUSTER_ACTION",
    resourceType: "CLUSTER",
    resource: "kafka-cluster",
    rule: "Listener: brokers do not use it",
  }]);
});

Deno.test("mayActAsBroker() audits no refusal by a listener that brokers use", () => {
  for (const session of [by("INTERNAL"), EMBEDDED_SESSION]) {
    const { context, events } = requestBy(session);
    assertEquals([mayActAsBroker(context), events], [true, []]);
  }
});

Deno.test("isCountedAsBroker() audits nothing", () => {
  const { context, events } = requestBy(by("EXTERNAL"));
  assertEquals([isCountedAsBroker(context), events], [false, []]);
});
