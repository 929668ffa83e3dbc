/**
 * Users with their SCRAM credentials, and whom a request comes from. No other REST API of Kafka has them.
 *
 * @module
 */

import type { NewAcl, ScramMechanismName, UserScramCredentials } from "../../../client/mod.ts";
import { CLUSTER_RESOURCE } from "../../../protocol/messages/security/acl_types.ts";
import {
  AdministratorError,
  createFirstAdministrator,
} from "../../security/credentials/administrator.ts";
import { formatPrincipal } from "../../security/principal.ts";
import { HttpError } from "../http_error.ts";
import type { Grant } from "../sessions.ts";
import type { Call, UserSessions } from "../rest/call.ts";
import { badRequest } from "../rest/fields.ts";
import { BOOLEAN, INTEGER, object, type Route, STRING } from "../rest/route.ts";
import { onlyLocalWhileOpen } from "./only_local.ts";
import { type Json, LIST, noContent, type Resources, resourcesOf } from "./resource.ts";

const TAG = "Users";
const USERS = "/v3/clusters/:cluster/users";
const ONE = `${USERS}/:user`;

const MECHANISMS: readonly ScramMechanismName[] = ["SCRAM-SHA-256", "SCRAM-SHA-512"];

/** The routes. */
export const USER_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v3/clusters/:cluster/session",
    tag: TAG,
    summary: "Whom this request comes from, and whether everyone may do everything",
    isExtension: true,
    handle(call) {
      const { clusterId } = resourcesOf(call);
      const { session, broker: { authorizer }, allowsWrites } = call.context;
      return Response.json({
        kind: "DqueueSession",
        cluster_id: clusterId,
        principal: formatPrincipal(session.principal),
        is_open: authorizer.isOpen,
        allows_writes: allowsWrites,
      });
    },
  },
  {
    method: "POST",
    path: "/v3/clusters/:cluster/session",
    tag: TAG,
    summary:
      "A token that stands for this user until an hour without requests, or another password: " +
      "Authorization: Session TOKEN",
    answer: object({ token: STRING, valid_ms: INTEGER }),
    isExtension: true,
    isWrite: false,
    handle(call) {
      return granted(sessionsOf(call).open());
    },
  },
  {
    method: "DELETE",
    path: "/v3/clusters/:cluster/session",
    tag: TAG,
    summary: "End the session that this request belongs to",
    status: 204,
    isExtension: true,
    isWrite: false,
    handle(call) {
      sessionsOf(call).end(call.request.headers);
      return noContent();
    },
  },
  {
    method: "POST",
    path: "/v3/clusters/:cluster/tickets",
    tag: TAG,
    summary: "A ticket for one WebSocket, within half a minute: as its subprotocol ticket.TOKEN",
    answer: object({ token: STRING, valid_ms: INTEGER }),
    isExtension: true,
    isWrite: false,
    handle(call) {
      return granted(sessionsOf(call).ticket());
    },
  },
  {
    method: "GET",
    path: USERS,
    tag: TAG,
    summary: "All users with SCRAM credentials",
    answer: LIST,
    isExtension: true,
    async handle(call) {
      const resources = resourcesOf(call);
      const users = await call.admin.describeUserScramCredentials();
      return resources.list(
        "DqueueUserList",
        ["users"],
        users.map((one) => userOf(one, resources)),
      );
    },
  },
  {
    method: "PUT",
    path: ONE,
    tag: TAG,
    summary:
      "Create a user, or give it a new password. With is_administrator, ACLs allow it everything. " +
      "The first user closes an open cluster",
    status: 204,
    body: object({
      password: STRING,
      mechanism: STRING,
      iterations: INTEGER,
      is_administrator: BOOLEAN,
    }, ["password"]),
    isExtension: true,
    async handle(call) {
      resourcesOf(call);
      onlyLocalWhileOpen(call, "users");
      const body = await call.json();
      const password = body.requiredString("password");
      if (password === "") throw badRequest('"password" is empty');
      const isAdministrator = body.boolean("is_administrator") ?? false;
      if (isAdministrator && call.context.broker.authorizer.isOpen) {
        await createFirst(call, password);
        return noContent();
      }
      const iterations = body.integer("iterations");
      const [result] = await call.admin.alterUserScramCredentials([{
        user: call.param("user"),
        mechanism: mechanismOf(body.string("mechanism")),
        password,
        ...(iterations === undefined ? {} : { iterations }),
      }]);
      if (result?.error !== undefined) throw result.error;
      if (isAdministrator) await allowEverything(call);
      return noContent();
    },
  },
  {
    method: "DELETE",
    path: ONE,
    tag: TAG,
    summary: "Delete a user: all its credentials, and not the ACLs that name it",
    status: 204,
    isExtension: true,
    async handle(call) {
      resourcesOf(call);
      onlyLocalWhileOpen(call, "users");
      const { user, credentials } = await find(call);
      for (const { mechanism } of credentials) {
        if (mechanism === "unknown") continue;
        const [result] = await call.admin.alterUserScramCredentials([
          { user, mechanism, password: null },
        ]);
        if (result?.error !== undefined) throw result.error;
      }
      return noContent();
    },
  },
];

function granted({ token, validMs }: Grant): Response {
  return Response.json({ token, valid_ms: validMs });
}

/** @throws {HttpError} 409 while nobody needs to sign in. */
function sessionsOf(call: Call): UserSessions {
  resourcesOf(call);
  const { sessions } = call.context;
  if (sessions !== undefined) return sessions;
  throw new HttpError(409, "The cluster is open: nobody needs to sign in", { errorCode: 40903 });
}

/** Everything that ACLs can be about. */
const RESOURCES: readonly Pick<NewAcl, "resourceType" | "resourceName">[] = [
  { resourceType: "topic", resourceName: "*" },
  { resourceType: "group", resourceName: "*" },
  { resourceType: "cluster", resourceName: CLUSTER_RESOURCE },
  { resourceType: "transactionalId", resourceName: "*" },
  { resourceType: "delegationToken", resourceName: "*" },
  { resourceType: "user", resourceName: "*" },
];

/** Creates the first user and its ACLs with one change: each of them alone would keep out who asks. */
async function createFirst(call: Call, password: string): Promise<void> {
  const { store } = call.context;
  const name = call.param("user");
  try {
    if (await createFirstAdministrator(store, { name, password })) return;
  } catch (error) {
    if (error instanceof AdministratorError) throw badRequest(`Cannot create it: ${error.message}`);
    throw error;
  }
  throw new HttpError(409, "The cluster has got a user or an ACL meanwhile; sign in", {
    errorCode: 40903,
  });
}

async function allowEverything(call: Call): Promise<void> {
  const principal = `User:${call.param("user")}`;
  const acls = RESOURCES.map((resource): NewAcl => ({
    ...resource,
    principal,
    operation: "all",
    permission: "allow",
  }));
  for (const { error } of await call.admin.createAcls(acls)) if (error !== undefined) throw error;
}

async function find(call: Call): Promise<UserScramCredentials> {
  const name = call.param("user");
  const found = (await call.admin.describeUserScramCredentials())
    .find(({ user }) => user === name);
  if (found === undefined) throw new HttpError(404, `There is no user "${name}"`);
  return found;
}

function mechanismOf(given: string | undefined): ScramMechanismName {
  const mechanism = MECHANISMS.find((each) => each === (given ?? MECHANISMS[0]));
  if (mechanism === undefined) {
    throw badRequest(`"${given}" is no mechanism: ${MECHANISMS.join(" and ")} are`);
  }
  return mechanism;
}

function userOf({ user, credentials }: UserScramCredentials, resources: Resources): Json {
  return resources.resource("DqueueUser", [["user", "users", user]], {
    user_name: user,
    principal: `User:${user}`,
    credentials: credentials.map(({ mechanism, iterations }) => ({ mechanism, iterations })),
  });
}
