import { assertEquals, assertRejects } from "@std/assert";
import { Client, ConnectionError } from "../../../client/mod.ts";
import type { FrameChannel } from "../../../protocol/frames/channel.ts";
import type { BrokerParts } from "../../broker.ts";
import { CarryingRefusedError } from "../../carrying/mod.ts";
import type { Peer } from "../../peers/peers.ts";
import { EMBEDDED_LISTENER, type Session } from "../../security/session.ts";
import { openLocalChannel } from "./local_client.ts";

const ALICE: Session = {
  principal: { type: "User", name: "alice" },
  host: "10.1.2.3",
  listener: EMBEDDED_LISTENER,
  isLocal: false,
};

Deno.test("openLocalChannel() acts for the user here, and at other brokers by connections that are carried", async () => {
  const here: Session[] = [];
  const elsewhere: unknown[] = [];
  const endpoints = ["PLAINTEXT", "SASL_SSL"].map((protocol, index) => (
    { name: protocol, protocol, host: "127.0.0.1", port: index + 1 }
  ));
  const authorizer = { isOpen: false };
  const other = { id: 2, host: "127.0.0.1", port: 3, endpoints };
  const parts = {
    context: {
      nodeId: 1,
      cluster: { brokers: [{ id: 1, endpoints: [] }, other] },
      authorizer,
    },
    server: { connect: (session: Session) => here.push(session) },
  } as unknown as BrokerParts;
  const carriers = {
    connect: ({ id, port }: Peer, { principal }: Session) => {
      elsewhere.push([id, port, principal.name]);
      return Promise.resolve({} as FrameChannel);
    },
  };
  const options = { parts, carriers, session: ALICE };
  await openLocalChannel(options, "127.0.0.1:9092");
  assertEquals(here, [ALICE]);
  // Also where clients need no login: nobody would know who asks.
  await openLocalChannel(options, "127.0.0.1:1");
  await openLocalChannel(options, "127.0.0.1:2");
  authorizer.isOpen = true;
  await openLocalChannel(options, "127.0.0.1:2");
  assertEquals(elsewhere, Array(3).fill([2, 3, "alice"]));
});

Deno.test("openLocalClient() fails at once where another broker does not let this one act for users", async () => {
  const endpoints = [{ name: "SSL", protocol: "SSL", host: "127.0.0.1", port: 1 }];
  const parts = {
    context: {
      nodeId: 1,
      cluster: { brokers: [{ id: 2, endpoints }] },
      authorizer: { isOpen: false },
    },
  } as unknown as BrokerParts;
  const connect = () => Promise.reject(new CarryingRefusedError("it has no CLUSTER_ACTION"));
  const opening = () =>
    openLocalChannel({ parts, carriers: { connect }, session: ALICE }, "127.0.0.1:1");
  const error = await assertRejects(opening, ConnectionError, "broker 2: it has no CLUSTER_ACTION");
  assertEquals(error.retriable, false);
  // The SDK gives it on as it is.
  await using client = new Client({ broker: { connect: opening } });
  await assertRejects(() => client.admin().listTopics(), ConnectionError, "broker 2");
});
