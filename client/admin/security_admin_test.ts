import { assert, assertEquals, assertRejects } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  alterClientQuotas,
  alterUserScramCredentials,
  createAcls,
  createDelegationToken,
  deleteAcls,
  describeAcls,
  describeClientQuotas,
  describeDelegationToken,
  describeUserScramCredentials,
  expireDelegationToken,
  renewDelegationToken,
} from "../../protocol/messages/mod.ts";
import { scramSaltedPassword } from "../../protocol/sasl/scram.ts";
import { KafkaError, UsageError } from "../errors.ts";
import { setup } from "../testing/client_setup.ts";
import type { NewAcl } from "./security_types.ts";

function setupAdmin() {
  const test = setup({ brokers: 2 });
  return { ...test, admin: test.client.admin() };
}

const READ_ORDERS: NewAcl = {
  resourceType: "topic",
  resourceName: "orders",
  principal: "User:alice",
  operation: "read",
  permission: "allow",
};

Deno.test("Admin.describeUserScramCredentials() returns mechanisms and iterations", async () => {
  await using test = setupAdmin();
  test.cluster.on(describeUserScramCredentials, () => ({
    errorCode: 0,
    errorMessage: null,
    results: [
      {
        user: "bob",
        errorCode: 0,
        errorMessage: null,
        credentialInfos: [{ mechanism: 2, iterations: 8192 }, { mechanism: 9, iterations: 1 }],
      },
      { user: "alice", errorCode: 0, errorMessage: null, credentialInfos: [] },
    ],
  }));
  assertEquals(await test.admin.describeUserScramCredentials(), [
    { user: "alice", credentials: [] },
    {
      user: "bob",
      credentials: [
        { mechanism: "SCRAM-SHA-512", iterations: 8192 },
        { mechanism: "unknown", iterations: 1 },
      ],
    },
  ]);
  await test.admin.describeUserScramCredentials(["bob"]);
  const bodies = test.cluster.received(describeUserScramCredentials).map(({ body }) => body.users);
  assertEquals(bodies, [null, [{ name: "bob" }]]);
});

Deno.test("Admin.describeUserScramCredentials() fails for a user without credentials", async () => {
  await using test = setupAdmin();
  test.cluster.on(describeUserScramCredentials, () => ({
    errorCode: 0,
    errorMessage: null,
    results: [{
      user: "eve",
      errorCode: ErrorCode.RESOURCE_NOT_FOUND,
      errorMessage: "Attempt to describe a user credential that does not exist: eve",
      credentialInfos: [],
    }],
  }));
  const ask = () => test.admin.describeUserScramCredentials(["eve"]);
  assertEquals((await assertRejects(ask, KafkaError, "eve")).code, "RESOURCE_NOT_FOUND");
});

Deno.test("Admin.alterUserScramCredentials() sends what is derived from the password", async () => {
  await using test = setupAdmin();
  test.cluster.on(alterUserScramCredentials, () => ({
    results: [
      { user: "alice", errorCode: 0, errorMessage: null },
      { user: "bob", errorCode: ErrorCode.RESOURCE_NOT_FOUND, errorMessage: "no bob" },
    ],
  }));
  const results = await test.admin.alterUserScramCredentials([
    { user: "alice", mechanism: "SCRAM-SHA-256", password: "canary", iterations: 4096 },
    { user: "bob", mechanism: "SCRAM-SHA-512", password: null },
  ]);
  assertEquals(results.map(({ user, error }) => [user, error?.code]), [
    ["alice", undefined],
    ["bob", "RESOURCE_NOT_FOUND"],
  ]);
  const { nodeId, body } = test.cluster.received(alterUserScramCredentials)[0]!;
  assertEquals(nodeId, test.cluster.controllerId);
  assertEquals(body.deletions, [{ name: "bob", mechanism: 2 }]);
  const [upsertion] = body.upsertions;
  assertEquals([upsertion!.name, upsertion!.mechanism, upsertion!.iterations], ["alice", 1, 4096]);
  assertEquals(
    upsertion!.saltedPassword,
    await scramSaltedPassword("SCRAM-SHA-256", "canary", upsertion!.salt, 4096),
  );
});

Deno.test("Admin.alterUserScramCredentials() refuses what it cannot send, and shows no password", async (t) => {
  await using test = setupAdmin();
  const user = { user: "alice", mechanism: "SCRAM-SHA-256", password: "canary" } as const;
  const wrong: readonly [name: string, alteration: object, message: string][] = [
    ["a mechanism", { ...user, mechanism: "PLAIN" }, "mechanism"],
    ["an empty password", { ...user, password: "" }, "password"],
    ["no password", { user: "alice", mechanism: "SCRAM-SHA-256" }, "null to delete"],
    ["no iterations", { ...user, iterations: 0 }, "iterations"],
    ["a misspelled option", { ...user, rounds: 4096 }, '"rounds"'],
  ];
  for (const [name, alteration, message] of wrong) {
    await t.step(name, async () => {
      const error = await assertRejects(
        () => test.admin.alterUserScramCredentials([alteration as typeof user]),
        UsageError,
        message,
      );
      assert(!Deno.inspect(error).includes("canary"));
    });
  }
  assertEquals(await test.admin.alterUserScramCredentials([]), []);
  assertEquals(test.cluster.received(alterUserScramCredentials), []);
});

Deno.test("Admin asks the controller again after NOT_CONTROLLER", async () => {
  await using test = setupAdmin();
  test.cluster.on(createAcls, () => ({ results: [{ errorCode: 0, errorMessage: null }] }));
  test.cluster.once(createAcls, () => {
    test.cluster.controllerId = 1;
    return { results: [{ errorCode: ErrorCode.NOT_CONTROLLER, errorMessage: null }] };
  });
  const [result] = await test.admin.createAcls([READ_ORDERS]);
  assertEquals(result!.error, undefined);
  assertEquals(test.cluster.received(createAcls).map(({ nodeId }) => nodeId), [0, 1]);
});

Deno.test("Admin.createAcls() returns the result of each rule", async () => {
  await using test = setupAdmin();
  test.cluster.on(createAcls, () => ({
    results: [
      { errorCode: 0, errorMessage: null },
      { errorCode: ErrorCode.INVALID_REQUEST, errorMessage: "no colon" },
    ],
  }));
  const acls: NewAcl[] = [READ_ORDERS, {
    resourceType: "transactionalId",
    resourceName: "pay-",
    patternType: "prefixed",
    principal: "alice",
    host: "10.0.0.0/8",
    operation: "twoPhaseCommit",
    permission: "deny",
  }];
  const results = await test.admin.createAcls(acls);
  assertEquals(results.map(({ acl, error }) => [acl, error?.code]), [
    [acls[0], undefined],
    [acls[1], "INVALID_REQUEST"],
  ]);
  assertEquals(test.cluster.received(createAcls)[0]!.body.creations, [
    {
      resourceType: 2,
      resourceName: "orders",
      resourcePatternType: 3,
      principal: "User:alice",
      host: "*",
      operation: 3,
      permissionType: 3,
    },
    {
      resourceType: 5,
      resourceName: "pay-",
      resourcePatternType: 4,
      principal: "alice",
      host: "10.0.0.0/8",
      operation: 15,
      permissionType: 2,
    },
  ]);
  const unknown = { ...READ_ORDERS, operation: "drop" } as unknown as NewAcl;
  await assertRejects(() => test.admin.createAcls([unknown]), UsageError, 'operation of "drop"');
  const any = { ...READ_ORDERS, resourceType: "unknown" } as unknown as NewAcl;
  await assertRejects(() => test.admin.createAcls([any]), UsageError, "resourceType");
});

Deno.test("Admin.describeAcls() and deleteAcls() take filters and return rules", async () => {
  await using test = setupAdmin();
  const acl = { principal: "User:alice", host: "*", operation: 3, permissionType: 3 };
  test.cluster.on(describeAcls, () => ({
    errorCode: 0,
    errorMessage: null,
    resources: [{ resourceType: 2, resourceName: "orders", patternType: 3, acls: [acl] }],
  }));
  const rule = {
    resourceType: "topic",
    resourceName: "orders",
    patternType: "literal",
    principal: "User:alice",
    host: "*",
    operation: "read",
    permission: "allow",
  };
  const found: unknown = await test.admin.describeAcls();
  assertEquals(found, [rule]);
  await test.admin.describeAcls({ resourceName: "orders", patternType: "match" });
  const bodies = test.cluster.received(describeAcls).map(({ body }) => body);
  assertEquals(bodies[0], {
    resourceTypeFilter: 1,
    resourceNameFilter: null,
    patternTypeFilter: 1,
    principalFilter: null,
    hostFilter: null,
    operation: 1,
    permissionType: 1,
  });
  assertEquals([bodies[1]!.resourceNameFilter, bodies[1]!.patternTypeFilter], ["orders", 2]);

  const deleted = {
    errorCode: 0,
    errorMessage: null,
    resourceType: 2,
    resourceName: "orders",
    patternType: 3,
    ...acl,
  };
  test.cluster.on(deleteAcls, () => ({
    filterResults: [
      { errorCode: 0, errorMessage: null, matchingAcls: [deleted] },
      { errorCode: ErrorCode.SECURITY_DISABLED, errorMessage: "No Authorizer", matchingAcls: [] },
    ],
  }));
  const results = await test.admin.deleteAcls([{ principal: "User:alice" }, {}]);
  const shown: unknown = results.map(({ deleted, error }) => [deleted, error?.code]);
  assertEquals(shown, [[[rule], undefined], [[], "SECURITY_DISABLED"]]);
});

Deno.test("Admin.describeClientQuotas() and alterClientQuotas() name entities as Kafka does", async () => {
  await using test = setupAdmin();
  const entity = [{ entityType: "user", entityName: null }, {
    entityType: "client-id",
    entityName: "app",
  }];
  test.cluster.on(describeClientQuotas, () => ({
    errorCode: 0,
    errorMessage: null,
    entries: [{ entity, values: [{ key: "producer_byte_rate", value: 1e6 }] }],
  }));
  assertEquals(await test.admin.describeClientQuotas({ user: true, clientId: "app", ip: null }), [
    { entity: { user: null, clientId: "app" }, values: { producer_byte_rate: 1e6 } },
  ]);
  assertEquals(test.cluster.received(describeClientQuotas)[0]!.body, {
    components: [
      { entityType: "user", matchType: 2, match: null },
      { entityType: "client-id", matchType: 0, match: "app" },
      { entityType: "ip", matchType: 1, match: null },
    ],
    strict: false,
  });

  test.cluster.on(alterClientQuotas, () => ({
    entries: [{ entity, errorCode: 0, errorMessage: null }],
  }));
  const results = await test.admin.alterClientQuotas([{
    entity: { user: null, clientId: "app" },
    values: { producer_byte_rate: 2e6, consumer_byte_rate: null },
  }], { validateOnly: true });
  assertEquals(results, [{ entity: { user: null, clientId: "app" }, error: undefined }]);
  assertEquals(test.cluster.received(alterClientQuotas)[0]!.body, {
    entries: [{
      entity,
      ops: [
        { key: "producer_byte_rate", value: 2e6, remove: false },
        { key: "consumer_byte_rate", value: 0, remove: true },
      ],
    }],
    validateOnly: true,
  });
  await assertRejects(
    () => test.admin.alterClientQuotas([{ entity: {}, values: {} }]),
    UsageError,
    "nobody",
  );
});

Deno.test("Admin creates, renews, expires and describes delegation tokens (KIP-48)", async () => {
  await using test = setupAdmin();
  const hmac = Uint8Array.of(1, 2, 3);
  test.cluster.on(createDelegationToken, () => ({
    errorCode: 0,
    principalType: "User",
    principalName: "alice",
    tokenRequesterPrincipalType: "User",
    tokenRequesterPrincipalName: "admin",
    issueTimestampMs: 1,
    expiryTimestampMs: 2,
    maxTimestampMs: 3,
    tokenId: "t",
    hmac,
  }));
  const token = {
    tokenId: "t",
    hmac: "AQID",
    owner: "User:alice",
    requester: "User:admin",
    renewers: ["User:bob"],
    issuedAt: 1,
    expiresAt: 2,
    maxAt: 3,
  };
  assertEquals(
    await test.admin.createDelegationToken({ owner: "User:alice", renewers: ["User:bob"] }),
    token,
  );
  const created = test.cluster.received(createDelegationToken)[0]!.body;
  assertEquals([created.ownerPrincipalName, created.maxLifetimeMs], ["alice", -1]);

  test.cluster.on(renewDelegationToken, () => ({ errorCode: 0, expiryTimestampMs: 9 }));
  assertEquals(await test.admin.renewDelegationToken("AQID", { periodMs: 5 }), 9);
  assertEquals(test.cluster.received(renewDelegationToken)[0]!.body, { hmac, renewPeriodMs: 5 });

  test.cluster.on(expireDelegationToken, () => ({ errorCode: 0, expiryTimestampMs: 9 }));
  await test.admin.expireDelegationToken("AQID");
  const expired = test.cluster.received(expireDelegationToken)[0]!.body;
  assertEquals(expired, { hmac, expiryTimePeriodMs: -1 });

  test.cluster.on(describeDelegationToken, () => ({
    errorCode: 0,
    tokens: [{
      principalType: "User",
      principalName: "alice",
      tokenRequesterPrincipalType: "User",
      tokenRequesterPrincipalName: "admin",
      issueTimestamp: 1,
      expiryTimestamp: 2,
      maxTimestamp: 3,
      tokenId: "t",
      hmac,
      renewers: [{ principalType: "User", principalName: "bob" }],
    }],
  }));
  assertEquals(await test.admin.describeDelegationTokens({ owners: ["User:alice"] }), [token]);
  await assertRejects(
    () => test.admin.describeDelegationTokens({ owners: ["alice"] }),
    UsageError,
    "TYPE:NAME",
  );
  const error = await assertRejects(() => test.admin.renewDelegationToken("can*ary"), UsageError);
  assert(!Deno.inspect(error).includes("can*ary"));
});
