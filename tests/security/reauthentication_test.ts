/**
 * Clients whose session ends: they authenticate again, or are disconnected (KIP-368).
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { ManualClock } from "../../broker/time/clock.ts";
import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { heartbeat } from "../../protocol/messages/groups/heartbeat.ts";
import { saslAuthenticate } from "../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../protocol/messages/security/sasl_handshake.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import { formatPlain, plainClient, scramClient } from "../../protocol/sasl/mod.ts";
import { createTopic, fetchRequest } from "../support/protocol/requests.ts";
import { RawConnection, requestFrame } from "../support/protocol/raw_connection.ts";
import { login } from "../support/security/raw_login.ts";
import { PASSWORDS, SaslBroker } from "../support/security/sasl_broker.ts";

const LIFETIME_MS = 10_000;
const MECHANISM = { mechanism: "PLAIN" };
const ALICE = formatPlain({ authzid: "", user: "alice", password: PASSWORDS.alice });

/** A broker whose sessions end after ten seconds, by a clock that stands still. */
async function start() {
  const clock = new ManualClock();
  const broker = await SaslBroker.start({
    clock,
    config: {
      "connections.max.reauth.ms": LIFETIME_MS,
      "connection.failed.authentication.delay.ms": 0,
    },
  });
  return { clock, broker };
}

const alice = () => plainClient("alice", PASSWORDS.alice);

async function connected(broker: SaslBroker): Promise<RawConnection> {
  const connection = await RawConnection.connect(broker.address);
  const { errorCode, sessionLifetimeMs } = await login(connection, alice());
  assertEquals([errorCode, sessionLifetimeMs], [0, LIFETIME_MS]);
  return connection;
}

async function isServed(connection: RawConnection): Promise<boolean> {
  const { topics } = await connection.request(metadata, 9, { topics: [] });
  return topics.length === 0;
}

Deno.test("Broker disconnects clients that have not authenticated again in time", async () => {
  const { clock, broker } = await start();
  await using _ = broker;
  using connection = await connected(broker);
  clock.advance(LIFETIME_MS - 1);
  assertEquals(await isServed(connection), true);
  clock.advance(1);
  await connection.send(metadata, 9, { topics: [] });
  await connection.ended();
  assertEquals(broker.lines.filter((line) => line.includes("not authenticated again")).length, 1);
});

Deno.test("Broker answers a fetch that waits when its client's session ends", async () => {
  const { clock, broker } = await start();
  await using _ = broker;
  using admin = await RawConnection.connect(broker.plaintext);
  await createTopic(admin, "t");
  using connection = await connected(broker);
  await connection.send(fetch, 12, fetchRequest("t", 0, { maxWaitMs: 10 * LIFETIME_MS }));
  await isServed(admin);
  clock.advance(LIFETIME_MS - 1);
  const early = connection.receive(fetch);
  let isAnswered = false;
  early.finally(() => isAnswered = true);
  await isServed(admin);
  assertEquals(isAnswered, false);
  clock.advance(1);
  const { responses } = await early;
  assertEquals(responses[0]!.partitions[0]!.records?.length ?? 0, 0);
  // What comes now is not for it.
  await connection.send(fetch, 12, fetchRequest("t", 0));
  await connection.ended();
});

Deno.test("Broker disconnects clients in time that SaslAuthenticate v0 gives no lifetime", async () => {
  const { clock, broker } = await start();
  await using _ = broker;
  using connection = await RawConnection.connect(broker.address);
  await connection.request(saslHandshake, 1, MECHANISM);
  const { errorCode } = await connection.request(saslAuthenticate, 0, { authBytes: ALICE });
  assertEquals(errorCode, 0);
  clock.advance(LIFETIME_MS);
  await connection.send(metadata, 9, { topics: [] });
  await connection.ended();
});

Deno.test("Broker lets clients authenticate again, early or late, any number of times", async () => {
  const { clock, broker } = await start();
  await using _ = broker;
  using connection = await connected(broker);
  for (const waitMs of [0, 2000, LIFETIME_MS, 5 * LIFETIME_MS]) {
    clock.advance(waitMs);
    const { errorCode, sessionLifetimeMs } = await login(connection, alice());
    assertEquals([errorCode, sessionLifetimeMs], [0, LIFETIME_MS]);
    assertEquals(await isServed(connection), true);
  }
});

Deno.test("Broker answers what came before an authentication first", async () => {
  const { clock, broker } = await start();
  await using _ = broker;
  using connection = await connected(broker);
  clock.advance(2000);
  const frames = [
    requestFrame(metadata, 9, { topics: [] }, 1),
    requestFrame(saslHandshake, 1, MECHANISM, 2),
    requestFrame(saslAuthenticate, 2, { authBytes: ALICE }, 3),
    requestFrame(metadata, 9, { topics: [] }, 4),
  ];
  await connection.sendBytes(Uint8Array.from(frames.flatMap((frame) => [...frame])));
  for (const id of [1, 2, 3, 4]) {
    const frame = (await connection.receiveFrame())!;
    assertEquals(new DataView(frame.buffer, frame.byteOffset).getInt32(0), id);
  }
});

Deno.test("Broker refuses to authenticate a client as someone else", async () => {
  const { clock, broker } = await start();
  await using _ = broker;
  using connection = await connected(broker);
  clock.advance(2000);
  const { errorCode, errorMessage } = await login(
    connection,
    plainClient("bob", PASSWORDS.bob),
  );
  assertEquals([errorCode, errorMessage], [
    58,
    "Cannot change principals during re-authentication from User.alice: User.bob",
  ]);
  await connection.ended();
});

Deno.test("Broker refuses to authenticate a client by another mechanism", async () => {
  const { clock, broker } = await start();
  await using _ = broker;
  using connection = await connected(broker);
  clock.advance(2000);
  const client = scramClient({
    mechanism: "SCRAM-SHA-256",
    user: "alice",
    password: PASSWORDS.alice,
  });
  const { errorCode, errorMessage } = await login(connection, client);
  assertEquals(errorCode, 58);
  assertStringIncludes(errorMessage!, "Cannot change mechanisms during re-authentication");
  await connection.ended();
});

Deno.test("Broker disconnects clients that fail to authenticate again", async (t) => {
  const { clock, broker } = await start();
  await using _ = broker;
  await t.step("by PLAIN", async () => {
    using connection = await connected(broker);
    clock.advance(2000);
    const { errorCode, errorMessage } = await login(connection, plainClient("alice", "wrong"));
    assertEquals([errorCode, errorMessage], [
      58,
      "Authentication failed: Invalid username or password",
    ]);
    await connection.ended();
  });
  await t.step("by SCRAM", async () => {
    using connection = await RawConnection.connect(broker.address);
    const client = (password: string) =>
      scramClient({ mechanism: "SCRAM-SHA-512", user: "alice", password });
    assertEquals((await login(connection, client(PASSWORDS.alice))).errorCode, 0);
    clock.advance(2000);
    const { errorCode, errorMessage } = await login(connection, client("wrong"));
    assertEquals([errorCode, errorMessage], [
      58,
      "Authentication failed during re-authentication due to invalid credentials with SASL " +
      "mechanism SCRAM-SHA-512",
    ]);
    await connection.ended();
  });
  await t.step("by a mechanism that is not enabled", async () => {
    using connection = await connected(broker);
    clock.advance(2000);
    const { errorCode } = await connection.request(saslHandshake, 1, { mechanism: "X" });
    assertEquals(errorCode, 33);
    await connection.ended();
  });
});

Deno.test("Broker disconnects clients that send a request in the middle of an authentication", async (t) => {
  const { clock, broker } = await start();
  await using _ = broker;
  await t.step("Heartbeat", async () => {
    using connection = await connected(broker);
    clock.advance(2000);
    await connection.request(saslHandshake, 1, MECHANISM);
    const request = { groupId: "g", generationId: 1, memberId: "m" };
    assertEquals((await connection.request(heartbeat, 0, request)).errorCode, 34);
    await connection.ended();
  });
  await t.step("ApiVersions", async () => {
    using connection = await connected(broker);
    clock.advance(2000);
    await connection.request(saslHandshake, 1, MECHANISM);
    assertEquals((await connection.request(apiVersions, 0, {})).errorCode, 34);
    await connection.ended();
  });
});

Deno.test("Broker answers a second authentication within a second as it does without sessions", async () => {
  const { clock, broker } = await start();
  await using _ = broker;
  using connection = await connected(broker);
  clock.advance(2000);
  assertEquals((await login(connection, alice())).errorCode, 0);
  clock.advance(999);
  const { errorCode } = await connection.request(saslHandshake, 1, MECHANISM);
  assertEquals(errorCode, 34);
  assertEquals(await isServed(connection), true);
  clock.advance(1);
  assertEquals((await login(connection, alice())).errorCode, 0);
});

Deno.test("Broker disconnects the clients of a user who is deleted, or whose password is changed", async (t) => {
  await using broker = await SaslBroker.start();
  const mechanisms = {
    "PLAIN": () => plainClient("alice", PASSWORDS.alice),
    "SCRAM-SHA-256": () =>
      scramClient({ mechanism: "SCRAM-SHA-256", user: "alice", password: PASSWORDS.alice }),
    "SCRAM-SHA-512": () =>
      scramClient({ mechanism: "SCRAM-SHA-512", user: "alice", password: PASSWORDS.alice }),
  };
  const connectBy = async (mechanism: keyof typeof mechanisms) => {
    const connection = await RawConnection.connect(broker.address);
    assertEquals((await login(connection, mechanisms[mechanism]())).errorCode, 0);
    return connection;
  };
  await t.step("the one whose credential was checked", async () => {
    using plain = await connectBy("PLAIN");
    using sha256 = await connectBy("SCRAM-SHA-256");
    using sha512 = await connectBy("SCRAM-SHA-512");
    using bob = await RawConnection.connect(broker.address);
    await login(bob, plainClient("bob", PASSWORDS.bob));
    await broker.setPassword("alice", PASSWORDS.alice, "SCRAM-SHA-256");
    await plain.ended();
    await sha256.ended();
    assertEquals(await isServed(sha512), true);
    assertEquals(await isServed(bob), true);
    await broker.deleteCredential("alice", "SCRAM-SHA-512");
    await sha512.ended();
    assertEquals(await isServed(bob), true);
  });
  await t.step("who cannot log in any more", async () => {
    await broker.deleteCredential("alice", "SCRAM-SHA-256");
    using connection = await RawConnection.connect(broker.address);
    const { errorCode, errorMessage } = await login(connection, alice());
    assertEquals([errorCode, errorMessage], [
      58,
      "Authentication failed: Invalid username or password",
    ]);
  });
});
