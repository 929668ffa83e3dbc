import { assertEquals, assertRejects } from "@std/assert";
import { ConnectionError } from "../../../client/mod.ts";
import type { BrokerParts } from "../../broker.ts";
import { EMBEDDED_LISTENER, type Session } from "../../security/session.ts";
import { openLocalChannel } from "./local_client.ts";

const ALICE: Session = {
  principal: { type: "User", name: "alice" },
  host: "10.1.2.3",
  listener: EMBEDDED_LISTENER,
  isLocal: false,
};

Deno.test("openLocalChannel() acts for the user here, and for nobody at another broker of a closed cluster", async () => {
  const here: Session[] = [];
  const elsewhere: unknown[] = [];
  const endpoints = ["PLAINTEXT", "SASL_SSL"].map((protocol, index) => (
    { name: protocol, protocol, host: "127.0.0.1", port: index + 1 }
  ));
  const parts = {
    context: {
      nodeId: 1,
      cluster: { brokers: [{ id: 1, endpoints: [] }, { id: 2, endpoints }] },
      authorizer: { isOpen: false },
    },
    server: { connect: (session: Session) => here.push(session) },
    network: {
      connect: (endpoint: unknown) => {
        elsewhere.push(endpoint);
        return Promise.resolve();
      },
    },
  } as unknown as BrokerParts;
  await openLocalChannel(parts, "127.0.0.1:9092", ALICE);
  assertEquals(here, [ALICE]);
  for (const { host, port } of endpoints) {
    const opening = () => openLocalChannel(parts, `${host}:${port}`, ALICE);
    const error = await assertRejects(opening, ConnectionError);
    assertEquals(error.retriable, false);
  }
  assertEquals(elsewhere, []);
  (parts.context.authorizer as { isOpen: boolean }).isOpen = true;
  await openLocalChannel(parts, "127.0.0.1:2", ALICE);
  assertEquals(elsewhere, [endpoints[1]]);
});
