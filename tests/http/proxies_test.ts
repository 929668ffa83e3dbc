/**
 * HTTP through a proxy of the broker's machine.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { partsOf } from "../../broker/broker.ts";
import { HttpServer } from "../../broker/http/mod.ts";
import { EMBEDDED_LISTENER } from "../../broker/security/mod.ts";
import { alterUserScramCredentials, createAcls } from "../../protocol/messages/mod.ts";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../protocol/messages/security/acl_types.ts";
import { scramSaltedPassword } from "../../protocol/sasl/scram.ts";
import { HttpBroker } from "../support/http.ts";
import { ChannelConnection } from "../support/protocol/channel_connection.ts";
import { basic } from "../support/security/closed_cluster.ts";

/** A port of a broker for requests that a proxy passes on. */
function behindProxy({ broker }: HttpBroker): HttpServer {
  return HttpServer.start({
    broker,
    address: { host: "127.0.0.1", port: 0 },
    version: "1.2.3",
    trustedProxies: ["127.0.0.1"],
  });
}

async function status(
  { address: { port } }: HttpServer,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { "content-type": "application/json", ...headers },
    ...(body === undefined ? {} : { method: "POST", body: JSON.stringify(body) }),
  });
  await response.body?.cancel();
  return response.status;
}

Deno.test("HTTP takes nothing that a trusted proxy passes on for this machine's, also without a header", async () => {
  await using http = await HttpBroker.start();
  await using proxied = behindProxy(http);
  const acl = {
    resource_type: "TOPIC",
    resource_name: "orders",
    pattern_type: "LITERAL",
    principal: "User:eve",
    operation: "ALL",
    permission: "ALLOW",
  };
  // The first rule closes the cluster: it is for those who have the machine.
  assertEquals(await status(proxied, `${http.cluster}/acls`, {}, acl), 403);
  await http.signIn("alice", "alice-secret");
  for (const path of ["/metrics", "/readyz"]) {
    assertEquals((await http.send("GET", path, undefined, {})).status, 200, path);
    assertEquals(await status(proxied, path), 401, path);
    assertEquals(await status(proxied, path, { "x-forwarded-for": "127.0.0.1" }), 401, path);
  }
});

Deno.test("HTTP goes by the address that a trusted proxy tells, and by that of no other", async () => {
  await using http = await HttpBroker.start({
    config: { "authorizer": "required", "super.users": "User:admin" },
  });
  const admin = { principal: { type: "User", name: "admin" }, host: "", isLocal: true };
  const session = { ...admin, listener: EMBEDDED_LISTENER };
  await using connection = new ChannelConnection(partsOf(http.broker).server.connect(session));
  await setPassword(connection);
  await connection.request(createAcls, 3, {
    creations: [{
      resourceType: AclResourceType.topic,
      resourceName: "orders",
      resourcePatternType: AclPatternType.literal,
      principal: "User:alice",
      host: "10.9.9.9",
      operation: AclOperation.describe,
      permissionType: AclPermissionType.allow,
    }],
  });
  await using proxied = behindProxy(http);
  const path = "/topics/orders";
  const from = (address: string) => ({ ...basic("alice"), "x-forwarded-for": address });
  // Allowed to ask, and there is no such topic.
  assertEquals(await status(proxied, path, from("10.9.9.9")), 404);
  assertEquals(await status(proxied, path, from("10.8.8.8")), 403);
  assertEquals(await status(proxied, path, from("10.9.9.9, 10.8.8.8")), 403);
  assertEquals(await status(proxied, path, basic("alice")), 403);
  assertEquals((await http.send("GET", path, undefined, from("10.9.9.9"))).status, 403);
});

async function setPassword(connection: ChannelConnection): Promise<void> {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const saltedPassword = await scramSaltedPassword("SCRAM-SHA-256", "alice-secret", salt, 4096);
  const { results } = await connection.request(alterUserScramCredentials, 0, {
    deletions: [],
    upsertions: [{ name: "alice", mechanism: 1, iterations: 4096, salt, saltedPassword }],
  });
  assertEquals(results[0]!.errorCode, 0);
}
