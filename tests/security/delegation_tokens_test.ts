/**
 * Delegation tokens (KIP-48): who gets one, who may change and see it, and what it is good for.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  createAcls,
  createDelegationToken,
  describeDelegationToken,
  expireDelegationToken,
  metadata,
  renewDelegationToken,
} from "../../protocol/messages/mod.ts";
import { AclOperation, AclResourceType } from "../../protocol/messages/security/acl_types.ts";
import { saslAuthenticate } from "../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../protocol/messages/security/sasl_handshake.ts";
import { SCRAM_MECHANISMS, type ScramMechanism } from "../../protocol/sasl/scram.ts";
import { scramClient } from "../../protocol/sasl/scram_client.ts";
import { parseServerFirst } from "../../protocol/sasl/scram_messages.ts";
import { ManualClock } from "../../broker/time/clock.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { connectAs, login } from "../support/security/raw_login.ts";
import { PASSWORDS, SaslBroker } from "../support/security/sasl_broker.ts";

const SECRET_KEY = { "delegation.token.secret.key": "correct-horse-battery" };
/** Rules decide. Clients without SASL set up the broker. */
const CLOSED = {
  ...SECRET_KEY,
  "allow.everyone.if.no.acl.found": false,
  "super.users": "User:ANONYMOUS",
};
const DAY_MS = 86_400_000;
const NOTHING = { renewers: [], maxLifetimeMs: -1 };

type User = keyof typeof PASSWORDS;

function connect(broker: SaslBroker, user: User): Promise<RawConnection> {
  return connectAs(broker.address, user, PASSWORDS[user]);
}

/** Logs in with a token; returns the connection, and the answer to the login. */
async function withToken(
  broker: SaslBroker,
  { tokenId, hmac }: { readonly tokenId: string; readonly hmac: Uint8Array },
  mechanism: ScramMechanism = "SCRAM-SHA-256",
) {
  const connection = await RawConnection.connect(broker.address);
  const password = hmac.toBase64();
  const client = scramClient({ mechanism, user: tokenId, password, isToken: true });
  return { connection, answer: await login(connection, client) };
}

Deno.test("A client gets a token, and others authenticate with it as the client (KIP-48)", async (t) => {
  await using broker = await SaslBroker.start({ config: CLOSED });
  using alice = await connect(broker, "alice");
  for (let version = 1; version <= 3; version++) {
    await t.step(`version ${version}`, async () => {
      const token = await alice.request(createDelegationToken, version, NOTHING);
      assertEquals(token.errorCode, ErrorCode.NONE);
      assertEquals([token.principalType, token.principalName], ["User", "alice"]);
      assertEquals(token.expiryTimestampMs - token.issueTimestampMs, DAY_MS);
      assertEquals(token.maxTimestampMs - token.issueTimestampMs, 7 * DAY_MS);
      assertEquals(token.hmac.length, 64);
      for (const mechanism of Object.keys(SCRAM_MECHANISMS) as ScramMechanism[]) {
        const { connection, answer } = await withToken(broker, token, mechanism);
        using _ = connection;
        assertEquals(answer.errorCode, ErrorCode.NONE);
        // The session ends with the token.
        assert(answer.sessionLifetimeMs > 0 && answer.sessionLifetimeMs <= DAY_MS);
        // A client that authenticated with a token cannot get another one.
        const refused = await connection.request(createDelegationToken, version, NOTHING);
        assertEquals(refused.errorCode, ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
        const { errorCode } = await connection.request(describeDelegationToken, version, {
          owners: null,
        });
        assertEquals(errorCode, ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED);
      }
    });
  }
});

Deno.test("What a token's owner may do, those who authenticate with it may do", async () => {
  await using broker = await SaslBroker.start({ config: CLOSED });
  using admin = await RawConnection.connect(broker.plaintext);
  using alice = await connect(broker, "alice");
  const token = await alice.request(createDelegationToken, 3, NOTHING);
  const { connection } = await withToken(broker, token);
  using _ = connection;
  const ask = async () => {
    const request = { topics: [{ name: "orders" }], allowAutoTopicCreation: false };
    const { topics } = await connection.request(metadata, 12, request);
    return topics[0]!.errorCode;
  };
  assertEquals(await ask(), ErrorCode.TOPIC_AUTHORIZATION_FAILED);
  await admin.request(createAcls, 3, {
    creations: [rule(AclOperation.describe, AclResourceType.topic, "orders", "User:alice")],
  });
  assertEquals(await ask(), ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
});

function rule(operation: number, resourceType: number, resourceName: string, principal: string) {
  return { resourceType, resourceName, principal, host: "*", operation, permissionType: 3 };
}

Deno.test("A token's secret, id or mechanism that is wrong authenticates nobody", async () => {
  await using broker = await SaslBroker.start({ config: CLOSED });
  using alice = await connect(broker, "alice");
  const token = await alice.request(createDelegationToken, 3, NOTHING);
  const { SASL_AUTHENTICATION_FAILED } = ErrorCode;
  const hmac = token.hmac.slice();
  hmac[0]! ^= 1;
  for (
    const wrong of [{ ...token, hmac }, { ...token, tokenId: "alice" }, { ...token, tokenId: "" }]
  ) {
    if (wrong.tokenId === "") continue;
    const { connection, answer } = await withToken(broker, wrong);
    using _ = connection;
    assertEquals(answer.errorCode, SASL_AUTHENTICATION_FAILED);
  }
  // A token's id is no user, and its secret no password.
  using connection = await RawConnection.connect(broker.address);
  const { tokenId: user } = token;
  const client = scramClient({
    mechanism: "SCRAM-SHA-256",
    user,
    password: token.hmac.toBase64(),
  });
  assertEquals((await login(connection, client)).errorCode, SASL_AUTHENTICATION_FAILED);
});

Deno.test("Tokens are renewed and expired by owner and renewers alone", async () => {
  await using broker = await SaslBroker.start({ config: CLOSED });
  using alice = await connect(broker, "alice");
  using bob = await connect(broker, "bob");
  const { hmac } = await alice.request(createDelegationToken, 3, NOTHING);
  const renew = async (connection: RawConnection, secret: Uint8Array, renewPeriodMs = -1) =>
    await connection.request(renewDelegationToken, 2, { hmac: secret, renewPeriodMs });
  const expire = async (connection: RawConnection, secret: Uint8Array, expiryTimePeriodMs = -1) =>
    await connection.request(expireDelegationToken, 2, { hmac: secret, expiryTimePeriodMs });
  const { NONE, DELEGATION_TOKEN_NOT_FOUND, DELEGATION_TOKEN_OWNER_MISMATCH } = ErrorCode;
  assertEquals((await renew(bob, hmac)).errorCode, DELEGATION_TOKEN_OWNER_MISMATCH);
  assertEquals((await expire(bob, hmac)).errorCode, DELEGATION_TOKEN_OWNER_MISMATCH);
  assertEquals((await renew(alice, new Uint8Array(64))).errorCode, DELEGATION_TOKEN_NOT_FOUND);
  assertEquals((await expire(alice, new Uint8Array(64))).errorCode, DELEGATION_TOKEN_NOT_FOUND);
  assertEquals((await renew(alice, hmac)).errorCode, NONE);
  const shared = await alice.request(createDelegationToken, 3, {
    ...NOTHING,
    renewers: [{ principalType: "User", principalName: "bob" }],
  });
  assertEquals((await renew(bob, shared.hmac)).errorCode, NONE);
  const { connection } = await withToken(broker, shared);
  using _ = connection;
  assertEquals((await expire(bob, shared.hmac)).errorCode, NONE);
  // It is deleted, and clients that authenticated with it are cut off.
  await connection.ended();
  assertEquals((await renew(bob, shared.hmac)).errorCode, DELEGATION_TOKEN_NOT_FOUND);
});

Deno.test("A token is renewed for delegation.token.expiry.time.ms at most", async () => {
  const clock = new ManualClock();
  await using broker = await SaslBroker.start({ clock, config: CLOSED });
  using alice = await connect(broker, "alice");
  const { hmac } = await alice.request(createDelegationToken, 3, NOTHING);
  const short = await alice.request(createDelegationToken, 3, { ...NOTHING, maxLifetimeMs: 5000 });
  const renewedFor = async (renewPeriodMs: number, hmac: Uint8Array) => {
    const answer = await alice.request(renewDelegationToken, 2, { hmac, renewPeriodMs });
    assertEquals(answer.errorCode, ErrorCode.NONE);
    return answer.expiryTimestampMs - clock.now();
  };
  const asked = [-1, 0, 1000, DAY_MS, DAY_MS + 1, 30 * DAY_MS];
  const found: number[] = [];
  for (const period of asked) found.push(await renewedFor(period, hmac));
  assertEquals(found, [DAY_MS, DAY_MS, 1000, DAY_MS, DAY_MS, DAY_MS]);
  assertEquals([await renewedFor(-1, short.hmac), await renewedFor(DAY_MS, short.hmac)], [
    5000,
    5000,
  ]);
});

Deno.test("Who gets a token for somebody else may describe it, and neither renew nor expire it", async () => {
  await using broker = await SaslBroker.start({ config: CLOSED });
  using admin = await RawConnection.connect(broker.plaintext);
  await admin.request(createAcls, 3, {
    creations: [rule(AclOperation.createTokens, AclResourceType.user, "User:bob", "User:alice")],
  });
  using alice = await connect(broker, "alice");
  using bob = await connect(broker, "bob");
  const forBob = { ...NOTHING, ownerPrincipalType: "User", ownerPrincipalName: "bob" };
  const { hmac, tokenId } = await alice.request(createDelegationToken, 3, forBob);
  const { tokens } = await alice.request(describeDelegationToken, 3, { owners: null });
  assertEquals(tokens.map((of) => of.tokenId), [tokenId]);
  const answersTo = async (connection: RawConnection) => [
    (await connection.request(renewDelegationToken, 2, { hmac, renewPeriodMs: -1 })).errorCode,
    (await connection.request(expireDelegationToken, 2, { hmac, expiryTimePeriodMs: 1000 }))
      .errorCode,
    (await connection.request(expireDelegationToken, 2, { hmac, expiryTimePeriodMs: -1 }))
      .errorCode,
  ];
  const { NONE, DELEGATION_TOKEN_OWNER_MISMATCH } = ErrorCode;
  assertEquals(await answersTo(alice), Array(3).fill(DELEGATION_TOKEN_OWNER_MISMATCH));
  assertEquals(await answersTo(bob), Array(3).fill(NONE));
  // A requester who is among the renewers may.
  const shared = await alice.request(createDelegationToken, 3, {
    ...forBob,
    renewers: [{ principalType: "User", principalName: "alice" }],
  });
  const renewed = await alice.request(renewDelegationToken, 2, {
    hmac: shared.hmac,
    renewPeriodMs: -1,
  });
  assertEquals(renewed.errorCode, NONE);
});

Deno.test("Tokens are shown to owner and renewers, and to those who may describe them", async () => {
  await using broker = await SaslBroker.start({ config: CLOSED });
  using admin = await RawConnection.connect(broker.plaintext);
  using alice = await connect(broker, "alice");
  using bob = await connect(broker, "bob");
  const first = await alice.request(createDelegationToken, 3, NOTHING);
  const second = await alice.request(createDelegationToken, 3, {
    ...NOTHING,
    renewers: [{ principalType: "User", principalName: "bob" }],
  });
  const list = async (connection: RawConnection, ...owners: string[]) => {
    const asked = owners.map((principalName) => ({ principalType: "User", principalName }));
    const { errorCode, tokens } = await connection.request(describeDelegationToken, 3, {
      owners: owners.length === 0 ? null : asked,
    });
    assertEquals(errorCode, ErrorCode.NONE);
    return tokens.map(({ tokenId }) => tokenId).sort();
  };
  const both = [first.tokenId, second.tokenId].sort();
  assertEquals(await list(alice), both);
  assertEquals(await list(alice, "alice"), both);
  assertEquals(await list(alice, "bob"), [second.tokenId]);
  assertEquals(await list(alice, "carol"), []);
  const none = await alice.request(describeDelegationToken, 3, { owners: [] });
  assertEquals(none.tokens, []);
  assertEquals(await list(bob), [second.tokenId]);
  const { delegationToken, user } = AclResourceType;
  await admin.request(createAcls, 3, {
    creations: [rule(AclOperation.describe, delegationToken, first.tokenId, "User:bob")],
  });
  assertEquals(await list(bob), both);
  using other = await connect(broker, "bob");
  const third = await alice.request(createDelegationToken, 3, NOTHING);
  assertEquals(await list(other), both);
  await admin.request(createAcls, 3, {
    creations: [rule(AclOperation.describeTokens, user, "User:alice", "User:bob")],
  });
  assertEquals(await list(other), [...both, third.tokenId].sort());
});

Deno.test("A token for another owner needs CREATE_TOKENS, and principals have to be users", async () => {
  await using broker = await SaslBroker.start({ config: CLOSED });
  using admin = await RawConnection.connect(broker.plaintext);
  using alice = await connect(broker, "alice");
  const forBob = { ...NOTHING, ownerPrincipalType: "User", ownerPrincipalName: "bob" };
  const denied = await alice.request(createDelegationToken, 3, forBob);
  assertEquals(denied.errorCode, ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED);
  assertEquals([denied.tokenId, denied.hmac.length], ["", 0]);
  await admin.request(createAcls, 3, {
    creations: [rule(AclOperation.createTokens, AclResourceType.user, "User:bob", "User:alice")],
  });
  const token = await alice.request(createDelegationToken, 3, forBob);
  assertEquals(token.errorCode, ErrorCode.NONE);
  assertEquals([token.principalName, token.tokenRequesterPrincipalName], ["bob", "alice"]);
  const { errorCode } = await alice.request(createDelegationToken, 3, {
    ...NOTHING,
    renewers: [{ principalType: "Group", principalName: "g" }],
  });
  assertEquals(errorCode, ErrorCode.INVALID_PRINCIPAL_TYPE);
});

Deno.test("Clients without SASL, and brokers without a key, have no tokens", async () => {
  await using broker = await SaslBroker.start({ config: SECRET_KEY });
  using plain = await RawConnection.connect(broker.plaintext);
  const hmac = new Uint8Array(64);
  const answersOf = async (connection: RawConnection) => [
    (await connection.request(createDelegationToken, 3, NOTHING)).errorCode,
    (await connection.request(renewDelegationToken, 2, { hmac, renewPeriodMs: -1 })).errorCode,
    (await connection.request(expireDelegationToken, 2, { hmac, expiryTimePeriodMs: -1 }))
      .errorCode,
    (await connection.request(describeDelegationToken, 3, { owners: null })).errorCode,
  ];
  const { DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, DELEGATION_TOKEN_AUTH_DISABLED } = ErrorCode;
  assertEquals(await answersOf(plain), Array(4).fill(DELEGATION_TOKEN_REQUEST_NOT_ALLOWED));
  await using without = await SaslBroker.start();
  using alice = await connect(without, "alice");
  assertEquals(await answersOf(alice), Array(4).fill(DELEGATION_TOKEN_AUTH_DISABLED));
});

Deno.test("Tokens expire, and are deleted after that", async () => {
  const clock = new ManualClock();
  await using broker = await SaslBroker.start({
    clock,
    config: { ...SECRET_KEY, "delegation.token.expiry.check.interval.ms": 10_000 },
  });
  using alice = await connect(broker, "alice");
  const token = await alice.request(createDelegationToken, 3, { ...NOTHING, maxLifetimeMs: 5000 });
  assertEquals(token.maxTimestampMs - token.issueTimestampMs, 5000);
  assertEquals(token.expiryTimestampMs, token.maxTimestampMs);
  clock.advance(5001);
  const { hmac } = token;
  const renewed = await alice.request(renewDelegationToken, 2, { hmac, renewPeriodMs: -1 });
  assertEquals(renewed.errorCode, ErrorCode.DELEGATION_TOKEN_EXPIRED);
  const listed = await alice.request(describeDelegationToken, 3, { owners: null });
  assertNotEquals(listed.tokens, []);
  clock.advance(10_000);
  for (let round = 0; round < 100; round++) {
    const { tokens } = await alice.request(describeDelegationToken, 3, { owners: null });
    if (tokens.length === 0) return;
  }
  throw new Error("The token is not deleted");
});

/** What a broker answers to the first message of a login. */
async function challengeOf(broker: SaslBroker, id: string, mechanism: ScramMechanism) {
  using connection = await RawConnection.connect(broker.address);
  await connection.request(saslHandshake, 1, { mechanism });
  const { authBytes } = await connection.request(saslAuthenticate, 2, {
    authBytes: new TextEncoder().encode(`n,,n=${id},r=client,tokenauth=true`),
  });
  const { salt, iterations } = parseServerFirst(new TextDecoder().decode(authBytes));
  return { salt, iterations };
}

Deno.test("The first answer to a login does not tell which tokens there are", async (t) => {
  await using broker = await SaslBroker.start({ config: CLOSED });
  using alice = await connect(broker, "alice");
  for (const mechanism of Object.keys(SCRAM_MECHANISMS) as ScramMechanism[]) {
    await t.step(mechanism, async () => {
      const token = await alice.request(createDelegationToken, 3, NOTHING);
      const known = await challengeOf(broker, token.tokenId, mechanism);
      for (const id of ["unknown", crypto.randomUUID(), "alice"]) {
        const { salt, iterations } = await challengeOf(broker, id, mechanism);
        assertEquals([iterations, salt.length], [known.iterations, known.salt.length]);
        assertNotEquals(salt, known.salt);
        assertEquals(await challengeOf(broker, id, mechanism), { salt, iterations });
      }
      const { hmac } = token;
      await alice.request(expireDelegationToken, 2, { hmac, expiryTimePeriodMs: -1 });
      // One that was deleted looks as before, and its secret is good for nothing.
      assertEquals(await challengeOf(broker, token.tokenId, mechanism), known);
      const { connection, answer } = await withToken(broker, token, mechanism);
      using _ = connection;
      assertEquals(answer.errorCode, ErrorCode.SASL_AUTHENTICATION_FAILED);
    });
  }
});
