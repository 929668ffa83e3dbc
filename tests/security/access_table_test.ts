/**
 * Compares what each API checks with Kafka's table, for several kinds of rules.
 *
 * With `DQUEUE_TEST_ACCESS_BROKER=127.0.0.1:9092` it asks the broker there, such as Apache Kafka, to see that
 * it does the same. It has to take, by PLAIN, the super user `admin` with the password `admin-secret` and the
 * user `alice` with the password `alice-secret`.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { HandlerTable, loadHandlers } from "../../broker/handlers/mod.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { APIS } from "../../protocol/messages/mod.ts";
import {
  AclOperation,
  AclPermissionType,
  AclResourceType,
} from "../../protocol/messages/security/acl_types.ts";
import { brokerHeartbeat } from "../../protocol/messages/cluster/broker_heartbeat.ts";
import { NO_VERSIONS } from "../../protocol/schema/version_range.ts";
import {
  absent,
  ACCESS_TABLE,
  type AccessRow,
  type Grant,
} from "../support/security/access_table.ts";
import { AccessTarget, type Rule } from "../support/security/access_target.ts";

const ELSEWHERE = Deno.env.get("DQUEUE_TEST_ACCESS_BROKER");

async function open(): Promise<AccessTarget> {
  if (ELSEWHERE === undefined) return await AccessTarget.start();
  return await AccessTarget.connect(ELSEWHERE);
}

/** Errors of denied requests. */
const DENIALS: ReadonlySet<number> = new Set([
  ErrorCode.TOPIC_AUTHORIZATION_FAILED,
  ErrorCode.GROUP_AUTHORIZATION_FAILED,
  ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
  ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  ErrorCode.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
]);

/** APIs without checks of resources, which anybody may use. */
const UNCHECKED: ReadonlySet<string> = new Set([
  "ApiVersions",
  "SaslHandshake",
  "SaslAuthenticate",
  "GetTelemetrySubscriptions",
  "PushTelemetry",
]);
/** APIs that check more than resources, and are tested elsewhere. */
const ELSEWHERE_TESTED: ReadonlySet<string> = new Set([
  "Envelope",
  "CreateDelegationToken",
  "RenewDelegationToken",
  "ExpireDelegationToken",
  "DescribeDelegationToken",
]);

/** Operations that imply another. */
const IMPLYING: ReadonlyMap<number, readonly number[]> = new Map([
  [AclOperation.describe, [
    AclOperation.read,
    AclOperation.write,
    AclOperation.delete,
    AclOperation.alter,
  ]],
  [AclOperation.describeConfigs, [AclOperation.alterConfigs]],
]);

/** The errors of denials in an answer. */
function denialsIn(answer: unknown): number[] {
  const found = new Set<number>();
  const visit = (value: unknown) => {
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
    for (const [name, of] of Object.entries(value)) {
      if (/errorCode$/i.test(name) && DENIALS.has(of)) found.add(of);
      else visit(of);
    }
  };
  visit(answer);
  return [...found];
}

async function ask(target: AccessTarget, of: AccessRow, names = target.names): Promise<unknown> {
  await target.restore(of.deletes);
  // A topic that was deleted has another id.
  const { topicId } = names.topic === target.names.topic ? target.names : names;
  return await target.client.request(of.api, of.version, of.make({ ...names, topicId }));
}

/** Ways to allow what a request needs. */
const MODES: Readonly<Record<string, (target: AccessTarget, grant: Grant) => Rule[]>> = {
  "exact names": (target, grant) => target.exactly(grant),
  "prefixes": (target, grant) => target.byPrefix(grant),
  "wildcards": (target, grant) => target.byWildcard(grant),
  "everyone": (target, grant) => target.exactly(grant, { principal: "User:*" }),
  "all operations": (target, grant) => target.exactly(grant, { operation: AclOperation.all }),
  "the client's address": (target, grant) => target.exactly(grant, { host: "127.0.0.1" }),
};

/** Ways to allow something that allow nothing here. */
const OTHERS: Readonly<Record<string, (target: AccessTarget, grant: Grant) => Rule[]>> = {
  "another principal": (target, grant) => target.byWildcard(grant, { principal: "User:bob" }),
  "another address": (target, grant) => target.byWildcard(grant, { host: "10.1.2.3" }),
  "deny beside allow": (target, grant) => [
    ...target.byWildcard(grant),
    ...target.byWildcard(grant, { permissionType: AclPermissionType.deny, principal: "User:*" }),
  ],
};

function firstGrants({ needs }: AccessRow): Grant[] {
  return needs.map(({ grants }) => grants[0]!);
}

Deno.test("Every API says what it checks, and is in Kafka's table", async () => {
  const table = new HandlerTable();
  const late = await loadHandlers();
  const known = new Set([...ACCESS_TABLE.map(({ api }) => api.name), ...UNCHECKED]);
  for (const api of APIS) {
    const handler = late.get(api.key) ?? table.get(api.key)!;
    assert(handler.access !== undefined, `${api.name} does not say what it checks`);
    const isServed = handler.advertised !== NO_VERSIONS || handler.access.rules.length > 0;
    if (!isServed) continue;
    assert(
      known.has(api.name) || ELSEWHERE_TESTED.has(api.name),
      `${api.name} is not in the table`,
    );
    if (UNCHECKED.has(api.name)) assertEquals(handler.access.rules, [], api.name);
  }
});

Deno.test("The declared checks are those of Kafka's table", async () => {
  const table = new HandlerTable();
  const late = await loadHandlers();
  const format = (grant: Grant) => grant.join(" ");
  const expected = new Map<number, Set<string>>();
  for (const { api, needs } of ACCESS_TABLE) {
    const grants = expected.get(api.key) ?? new Set();
    expected.set(api.key, grants);
    for (const need of needs) for (const grant of need.grants) grants.add(format(grant));
  }
  for (const [key, grants] of expected) {
    const { access, api } = late.get(key) ?? table.get(key)!;
    const declared = new Set(
      access!.rules.filter(({ scope }) => scope !== "shown")
        .map(({ operation, resourceType }) => format([operation, resourceType])),
    );
    const missing = [...grants].filter((grant) => !declared.has(grant));
    // What is only shown may have a row, too.
    const shown = new Set(access!.rules.map((of) => format([of.operation, of.resourceType])));
    assertEquals(missing.filter((grant) => !shown.has(grant)), [], `${api.name} lacks checks`);
    const more = [...declared].filter((grant) => !grants.has(grant) && !NOT_IN_ROWS.has(grant));
    assertEquals(more, [], `${api.name} declares more`);
  }
});

/** Checks that no row needs: those of coordinators of share groups, and of what is listed. */
const NOT_IN_ROWS: ReadonlySet<string> = new Set([
  `${AclOperation.clusterAction} ${AclResourceType.cluster}`,
  `${AclOperation.describe} ${AclResourceType.cluster}`,
  `${AclOperation.describe} ${AclResourceType.topic}`,
]);

Deno.test("APIs refuse what Kafka refuses, and allow what it allows", async (t) => {
  await using target = await open();
  for (const of of ACCESS_TABLE) {
    // Kafka takes what is for brokers alone on other listeners.
    if (ELSEWHERE !== undefined && of.api === brokerHeartbeat) continue;
    await t.step(of.what, async () => {
      await target.setRules([]);
      const none = denialsIn(await ask(target, of));
      assertEquals(none, of.needs.slice(0, 1).map(({ errorCode }) => errorCode), "no rules");
      for (const [mode, rulesOf] of Object.entries(MODES)) {
        await target.setRules(firstGrants(of).flatMap((grant) => rulesOf(target, grant)));
        assertEquals(denialsIn(await ask(target, of)), [], mode);
      }
      for (const [index, { errorCode, grants }] of of.needs.entries()) {
        const others = of.needs.filter((_, other) => other !== index).map(({ grants }) =>
          grants[0]!
        );
        const allowed = others.flatMap((grant) => target.exactly(grant));
        const name = `without ${grants[0]!.join(" ")}`;
        await target.setRules(allowed);
        assertEquals(denialsIn(await ask(target, of)), [errorCode], name);
        for (const [mode, rulesOf] of Object.entries(OTHERS)) {
          await target.setRules([...allowed, ...grants.flatMap((grant) => rulesOf(target, grant))]);
          assertEquals(denialsIn(await ask(target, of)), [errorCode], `${name}: ${mode}`);
        }
        for (const grant of grants) {
          await target.setRules([...allowed, ...target.exactly(grant)]);
          assertEquals(denialsIn(await ask(target, of)), [], `with ${grant.join(" ")}`);
          for (const implying of IMPLYING.get(grant[0]) ?? []) {
            if (!isOperationOf(implying, grant[1])) continue;
            await target.setRules([...allowed, ...target.exactly([implying, grant[1]])]);
            assertEquals(denialsIn(await ask(target, of)), [], `implied by ${implying}`);
          }
        }
      }
    });
  }
});

/** Operations that ACLs of a type of resource can have. */
function isOperationOf(operation: number, resourceType: number): boolean {
  const { read, write, alter } = AclOperation;
  const { cluster, group, transactionalId } = AclResourceType;
  const delete_ = AclOperation.delete;
  if (resourceType === cluster) {
    return operation === alter || operation === AclOperation.alterConfigs;
  }
  if (resourceType === group) return operation !== write && operation !== alter;
  if (resourceType === transactionalId) return operation === write;
  return operation !== undefined && [read, write, alter, delete_].includes(operation as never) ||
    operation === AclOperation.alterConfigs;
}

Deno.test("APIs answer alike whether a resource exists that the client may not know of", async (t) => {
  await using target = await open();
  for (const of of ACCESS_TABLE) {
    // Kafka does not consider ids as sensitive.
    if (of.needs.length === 0 || of.isById) continue;
    // There is one cluster.
    if (of.needs[0]!.errorCode === ErrorCode.CLUSTER_AUTHORIZATION_FAILED) continue;
    await t.step(of.what, async () => {
      for (const { errorCode } of of.needs) {
        const { topic } = AclResourceType;
        const others = of.needs.filter((need) => need.errorCode !== errorCode)
          .map(({ grants }) => grants[0]!)
          .filter(([, type]) =>
            errorCode !== ErrorCode.TOPIC_AUTHORIZATION_FAILED || type !== topic
          );
        await target.setRules(others.flatMap((grant) => target.byWildcard(grant)));
        const known = JSON.stringify(await ask(target, of)).replaceAll("real", "none");
        const other = absent(target.names, errorCode);
        const unknown = JSON.stringify(await ask(target, of, other)).replaceAll("real", "none");
        assertEquals(known, unknown);
      }
    });
  }
});
