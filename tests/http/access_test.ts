/**
 * Users, quotas and reasons of ACLs over HTTP, and the pages of the console that have them.
 *
 * @module
 */

import { assert, assertEquals, assertObjectMatch, assertStringIncludes } from "@std/assert";
import { HttpBroker } from "../support/http.ts";
import { checkRest } from "../support/rest_cases.ts";

const as = (user: string, password = `${user}-secret`) => ({
  "content-type": "application/json",
  authorization: `Basic ${btoa(`${user}:${password}`)}`,
});

/** A broker whose administrator is admin, as a client of the REST API made it. */
async function startClosed(): Promise<HttpBroker> {
  const http = await HttpBroker.start({
    config: { "connection.failed.authentication.delay.ms": 1 },
  });
  const body = { password: "admin-secret", is_administrator: true };
  const created = await http.send("PUT", `${http.cluster}/users/admin`, body);
  assertEquals(created.status, 204);
  return http;
}

Deno.test("The first user over HTTP may be an administrator, and closes the cluster", async () => {
  await using http = await HttpBroker.start({
    config: { "connection.failed.authentication.delay.ms": 1 },
  });
  const session = `${http.cluster}/session`;
  assertObjectMatch((await http.get(session)).json, {
    principal: "User:ANONYMOUS",
    is_open: true,
    allows_writes: true,
  });
  const body = { password: "admin-secret", is_administrator: true };
  assertEquals((await http.send("PUT", `${http.cluster}/users/admin`, body)).status, 204);
  assertEquals((await http.get(session)).status, 401);
  const mine = await http.send("GET", session, undefined, as("admin"));
  assertObjectMatch(mine.json, { principal: "User:admin", is_open: false });
  const created = await http.send(
    "POST",
    `${http.cluster}/topics`,
    { topic_name: "a" },
    as("admin"),
  );
  assertEquals(created.status, 201, JSON.stringify(created.json));
  // Each type of resource has an ACL.
  const { json } = await http.send("GET", `${http.cluster}/acls`, undefined, as("admin"));
  assertEquals(json.data.length, 6);
});

Deno.test("Users and quotas of an open cluster are not changed from elsewhere", async () => {
  await using http = await HttpBroker.start();
  const changes: [string, string, unknown][] = [
    ["PUT", "/users/eve", { password: "x", is_administrator: true }],
    ["PUT", "/users/eve", { password: "x" }],
    ["DELETE", "/users/eve", undefined],
    ["POST", "/quotas:alter", { data: [] }],
  ];
  for (const [method, path, body] of changes) {
    const headers = { "content-type": "application/json", "x-forwarded-for": "10.0.0.1" };
    const { status } = await http.send(method, `${http.cluster}${path}`, body, headers);
    assertEquals(status, 403, `${method} ${path}`);
  }
  assertEquals((await http.get(`${http.cluster}/users`)).json.data, []);
});

Deno.test("REST v3 creates, lists, changes and deletes users", async () => {
  await using http = await startClosed();
  const send = (method: string, path: string, body?: unknown, headers = as("admin")) =>
    http.send(method, `${http.cluster}${path}`, body, headers);
  const bob = "/users/b%2Fob%20%C3%A4";
  assertEquals(
    (await send("PUT", bob, { password: "one", mechanism: "SCRAM-SHA-512" })).status,
    204,
  );
  assertObjectMatch((await send("GET", "/users")).json, {
    kind: "DqueueUserList",
    data: [{ user_name: "admin", principal: "User:admin" }, {
      user_name: "b/ob ä",
      credentials: [{ mechanism: "SCRAM-SHA-512", iterations: 8192 }],
    }],
  });
  const listedBy = async (password: string) => {
    const authorization = `Basic ${new TextEncoder().encode(`b/ob ä:${password}`).toBase64()}`;
    return (await send("GET", "/session", undefined, { ...as("admin"), authorization })).status;
  };
  assertEquals(await listedBy("one"), 200);
  assertEquals(
    (await send("PUT", bob, { password: "two", mechanism: "SCRAM-SHA-512" })).status,
    204,
  );
  assertEquals([await listedBy("one"), await listedBy("two")], [401, 200]);
  for (
    const [body, status] of [
      [{}, 400],
      [{ password: "" }, 400],
      [{ password: 7 }, 400],
      [{ password: "x", mechanism: "PLAIN" }, 400],
      [{ password: "x", iterations: 1 }, 400],
      [{ password: "x", admin: true }, 422],
    ] as const
  ) {
    const answer = await send("PUT", bob, body);
    assert(answer.status >= 400 && answer.status < 500, JSON.stringify([body, answer]));
    if (!("iterations" in body)) assertEquals(answer.status, status, JSON.stringify(body));
  }
  // A user without ACLs may not see the others, nor make itself more.
  const eve = as("eve");
  assertEquals((await send("PUT", "/users/eve", { password: "eve-secret" })).status, 204);
  assertEquals((await send("GET", "/users", undefined, eve)).status, 403);
  assertEquals((await send("PUT", "/users/eve", { password: "x" }, eve)).status, 403);
  const more = { password: "eve-secret", is_administrator: true };
  assertEquals((await send("PUT", "/users/eve", more, eve)).status, 403);
  assertEquals((await send("DELETE", "/users/admin", undefined, eve)).status, 403);
  assertEquals((await send("GET", "/quotas", undefined, eve)).status, 403);
  // One that has a password already becomes an administrator, too.
  assertEquals((await send("PUT", "/users/eve", more)).status, 204);
  assertEquals((await send("GET", "/users", undefined, eve)).status, 200);
  assertEquals((await send("DELETE", bob)).status, 204);
  assertEquals((await send("DELETE", bob)).status, 404);
  assertEquals(await listedBy("two"), 401);
});

Deno.test("REST v3 sets, lists and removes quotas", async (t) => {
  await using http = await HttpBroker.start();
  const alter = (entity: unknown, values: unknown) => ({ data: [{ entity, values }] });
  const mib = { producer_byte_rate: 1_048_576 };
  await checkRest(http, t, [
    ["GET", "/quotas", undefined, 200, { kind: "DqueueQuotaList", data: [] }],
    ["POST", "/quotas:alter", alter({ user: "alice" }, mib), 204],
    ["POST", "/quotas:alter", alter({ "user": null, "client-id": "app" }, mib), 204],
    ["POST", "/quotas:alter", {
      ...alter({ ip: "10.0.0.1" }, { connection_creation_rate: 5 }),
      validate_only: true,
    }, 204],
    ["GET", "/quotas", undefined, 200, {
      data: [{ entity: { user: "alice" }, values: mib }, {
        entity: { "user": null, "client-id": "app" },
      }],
    }],
    ["POST", "/quotas:alter", alter({ user: "alice" }, { producer_byte_rate: null }), 204],
    ["POST", "/quotas:alter", alter({}, mib), 400],
    ["POST", "/quotas:alter", alter({ host: "x" }, mib), 422],
    ["POST", "/quotas:alter", alter({ user: 7 }, mib), 400],
    ["POST", "/quotas:alter", alter({ user: "x" }, { producer_byte_rate: "many" }), 400],
    ["POST", "/quotas:alter", alter({ user: "x" }, { bytes: 1 }), 400],
    ["POST", "/quotas:alter", { data: [{ entity: { user: "x" } }] }, 400],
  ]);
  const { json } = await http.get(`${http.cluster}/quotas`);
  assertEquals(json.data.length, 1);
});

Deno.test("REST v3 explains whether something is allowed, and by which ACL", async () => {
  await using http = await startClosed();
  const get = (query: string, headers = as("admin")) =>
    http.send("GET", `${http.cluster}/acls:explain?${query}`, undefined, headers);
  const acl = {
    resource_type: "TOPIC",
    resource_name: "ord",
    pattern_type: "PREFIXED",
    principal: "User:alice",
    host: "10.0.0.0/8",
    operation: "WRITE",
    permission: "ALLOW",
  };
  await http.send("POST", `${http.cluster}/acls`, acl, as("admin"));
  const of = "principal=User:alice&resource_type=topic&resource_name=orders";
  const allowed = await get(`${of}&operation=describe&host=10.1.2.3`);
  assertObjectMatch(allowed.json, { allowed: true, reason: "rule", rule: acl });
  for (
    const [query, reason] of [
      [`${of}&operation=write`, "no-matching-rule"],
      [`${of}&operation=read&host=10.1.2.3`, "no-matching-rule"],
      ["principal=User:alice&resource_type=USER&resource_name=bob&operation=CREATE_TOKENS", "no-"],
    ] as const
  ) {
    const { json } = await get(query);
    assertEquals([json.allowed, json.rule], [false, null], query);
    assertStringIncludes(json.reason, reason);
  }
  const refused = [
    "",
    of,
    `${of}&operation=all`,
    `${of}&operation=fly`,
    `${of}&operation=read&host=home`,
    `${of.replace("User:alice", "alice")}&operation=read`,
    `${of.replace("topic", "any")}&operation=read`,
  ];
  for (const query of refused) assertEquals((await get(query)).status, 400, query);
  await http.send("PUT", `${http.cluster}/users/eve`, { password: "eve-secret" }, as("admin"));
  assertEquals((await get(`${of}&operation=read`, as("eve"))).status, 403);
  // What is asked is not audited as a denial, and changes nothing.
  await using open = await HttpBroker.start();
  const { json } = await open.get(`${open.cluster}/acls:explain?${of}&operation=write`);
  assertObjectMatch(json, { allowed: true, reason: "open", rule: null });
});

Deno.test("REST v3 lists what a client may do with a topic, if it is asked to", async () => {
  await using http = await startClosed();
  const send = (path: string, headers = as("admin")) =>
    http.send("GET", `${http.cluster}${path}`, undefined, headers);
  await http.send("POST", `${http.cluster}/topics`, { topic_name: "a" }, as("admin"));
  await http.send("PUT", `${http.cluster}/users/eve`, { password: "eve-secret" }, as("admin"));
  await http.send("POST", `${http.cluster}/acls`, {
    resource_type: "TOPIC",
    resource_name: "a",
    pattern_type: "LITERAL",
    principal: "User:eve",
    operation: "READ",
    permission: "ALLOW",
  }, as("admin"));
  const of = async (query: string, user: string) =>
    (await send(`/topics/a${query}`, as(user))).json.authorized_operations.toSorted();
  const query = "?include_authorized_operations=true";
  assertEquals(await of(query, "eve"), ["DESCRIBE", "READ"]);
  assertEquals((await of(query, "admin")).length, 8);
  assertEquals(await of("", "eve"), []);
  assertEquals(await of("?include_authorized_operations=false", "eve"), []);
});

Deno.test("REST v2 answers 403 to records that a client may not write", async () => {
  await using http = await startClosed();
  const admin = as("admin");
  await http.send("POST", `${http.cluster}/topics`, { topic_name: "a" }, admin);
  await http.send("PUT", `${http.cluster}/users/eve`, { password: "eve-secret" }, admin);
  await http.send("POST", `${http.cluster}/acls`, {
    resource_type: "TOPIC",
    resource_name: "a",
    pattern_type: "LITERAL",
    principal: "User:eve",
    operation: "DESCRIBE",
    permission: "ALLOW",
  }, admin);
  const { status, json } = await http.send(
    "POST",
    "/topics/a",
    { records: [{ value: 1 }, { value: 2 }] },
    as("eve"),
  );
  assertEquals(status, 403);
  assertEquals(json.offsets.map((one: { error_code: number }) => one.error_code), [1, 1]);
});

/** The subprotocol that a WebSocket gets, or undefined if it is refused. */
async function socketWith(http: HttpBroker, protocols: string[]): Promise<string | undefined> {
  const socket = new WebSocket(`ws://${http.host}/topics/a/stream`, protocols);
  const opened = Promise.withResolvers<string | undefined>();
  socket.onopen = () => opened.resolve(socket.protocol);
  socket.onerror = () => opened.resolve(undefined);
  const closed = Promise.withResolvers<void>();
  socket.onclose = () => closed.resolve();
  const protocol = await opened.promise;
  if (protocol !== undefined) socket.close();
  await closed.promise;
  return protocol;
}

Deno.test("A session stands for a user until it is ended, or the password changes", async () => {
  await using http = await startClosed();
  const session = `${http.cluster}/session`;
  const open = async () => {
    const { status, json } = await http.send("POST", session, undefined, as("admin"));
    assertEquals([status, json.valid_ms], [200, 3_600_000]);
    return { authorization: `Session ${json.token}` };
  };
  const status = async (headers: Record<string, string>, method = "GET") =>
    (await http.send(method, session, undefined, headers)).status;
  const [one, other] = [await open(), await open()];
  assertEquals((await http.send("GET", session, undefined, one)).json.principal, "User:admin");
  assertEquals(await status(one, "DELETE"), 204);
  assertEquals([await status(one), await status(other)], [401, 200]);
  for (const token of ["", "x", "x".repeat(43), `${other.authorization.slice(8)}x`]) {
    assertEquals(await status({ authorization: `Session ${token}` }), 401, token);
  }
  await http.send("PUT", `${http.cluster}/users/admin`, { password: "new" }, other);
  assertEquals(await status(other), 401, "it ends with the password");
  assertEquals((await http.send("POST", session)).status, 401);
  await using everyone = await HttpBroker.start();
  const answer = await everyone.send("POST", `${everyone.cluster}/session`);
  assertEquals([answer.status, answer.json.error_code], [409, 40903]);
});

Deno.test("A ticket opens one WebSocket, which cannot say otherwise who its user is", async () => {
  await using http = await startClosed();
  const admin = as("admin");
  await http.send("POST", `${http.cluster}/topics`, { topic_name: "a" }, admin);
  const ticket = async () =>
    (await http.send("POST", `${http.cluster}/tickets`, undefined, admin)).json.token;
  const one = await ticket();
  assertEquals(await socketWith(http, ["dqueue.v1"]), undefined);
  assertEquals(await socketWith(http, ["dqueue.v1", `ticket.${one}x`]), undefined);
  assertEquals(await socketWith(http, ["dqueue.v1", `ticket.${one}`]), "dqueue.v1");
  assertEquals(await socketWith(http, ["dqueue.v1", `ticket.${one}`]), undefined, "once");
  // It is for nothing else, and ends with the password.
  const two = await ticket();
  const headers = { "sec-websocket-protocol": `ticket.${two}`, authorization: `Session ${two}` };
  assertEquals((await http.send("GET", "/topics", undefined, headers)).status, 401);
  await http.send("PUT", `${http.cluster}/users/admin`, { password: "new" }, admin);
  assertEquals(await socketWith(http, ["dqueue.v1", `ticket.${two}`]), undefined);
});
