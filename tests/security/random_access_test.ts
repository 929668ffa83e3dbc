/**
 * Compares what a broker lets a client do and know under random rules with an evaluation that is as simple as
 * it can be.
 *
 * With `DQUEUE_TEST_ACCESS_BROKER=127.0.0.1:9092` it asks the broker there, such as Apache Kafka, too, as
 * `access_table_test.ts` does. `DQUEUE_TEST_ACCESS_RULES` is how many sets of rules there are, by default 100,
 * and `DQUEUE_TEST_ACCESS_SEED` what they are drawn from.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import * as messages from "../../protocol/messages/mod.ts";
import { type Draw, seededRandom } from "../../protocol/messages/sample_message_testing.ts";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../protocol/messages/security/acl_types.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { AccessTarget, type Rule } from "../support/security/access_target.ts";

const ELSEWHERE = Deno.env.get("DQUEUE_TEST_ACCESS_BROKER");
const SETS = Number(Deno.env.get("DQUEUE_TEST_ACCESS_RULES") ?? 100);
const SEED = Number(Deno.env.get("DQUEUE_TEST_ACCESS_SEED") ?? 1);

/** The bits of what is not told. */
const NOT_TOLD = -(2 ** 31);
const NAMES = ["a", "ab", "abc", "b"];
const { topic, group, cluster, transactionalId } = AclResourceType;
const { all, alter, alterConfigs, create, describe, describeConfigs, read, write } = AclOperation;
const OPERATIONS: Readonly<Record<number, readonly number[]>> = {
  [topic]: [all, read, write, create, AclOperation.delete, alter, describe, describeConfigs],
  [group]: [all, read, AclOperation.delete, describe, describeConfigs, alterConfigs],
  [cluster]: [all, create, alter, describe, alterConfigs, AclOperation.idempotentWrite],
  [transactionalId]: [all, write, describe],
};

function randomRules(draw: Draw): Rule[] {
  const pick = <T>(from: readonly T[]): T => from[draw(from.length)]!;
  return Array.from({ length: 1 + draw(6) }, () => {
    const resourceType = pick([topic, topic, topic, group, cluster, transactionalId]);
    const isPrefix = resourceType !== cluster && draw(100) < 35;
    const names = isPrefix ? ["a", "ab", "b", "abcd", "*"] : [...NAMES, "*", "*"];
    return {
      resourceType,
      resourceName: resourceType === cluster ? CLUSTER_RESOURCE : pick(names),
      resourcePatternType: isPrefix ? AclPatternType.prefixed : AclPatternType.literal,
      principal: pick(["User:alice", "User:alice", "User:*", "User:bob", "Group:alice"]),
      host: pick(["*", "*", "*", "127.0.0.1", "10.0.0.1"]),
      operation: pick(OPERATIONS[resourceType]!),
      permissionType: draw(100) < 35 ? AclPermissionType.deny : AclPermissionType.allow,
    };
  });
}

/** The operations that authorized operations of a resource tell of. */
const TOLD: Readonly<Record<number, readonly number[]>> = {
  [topic]: [
    read,
    write,
    create,
    AclOperation.delete,
    alter,
    describe,
    describeConfigs,
    alterConfigs,
  ],
  [group]: [read, AclOperation.delete, describe, describeConfigs, alterConfigs],
  [cluster]: [
    create,
    alter,
    describe,
    AclOperation.clusterAction,
    describeConfigs,
    alterConfigs,
    AclOperation.idempotentWrite,
  ],
};

/** What else allows an operation. */
const IMPLIED_BY: Readonly<Record<number, readonly number[]>> = {
  [describe]: [read, write, AclOperation.delete, alter],
  [describeConfigs]: [alterConfigs],
};

/** Every name that rules can tell apart. */
const UNIVERSE = [...NAMES, "aa", "aba", "abcd", "abcde", "ba", "c", "*"];

/** Kafka's semantics, word for word, for alice at 127.0.0.1. */
function isAllowed(rules: readonly Rule[], operation: number, type: number, name: string): boolean {
  const concerning = rules.filter((rule) =>
    rule.resourceType === type &&
    (rule.resourcePatternType === AclPatternType.prefixed
      ? name.startsWith(rule.resourceName)
      : rule.resourceName === name || rule.resourceName === "*") &&
    (rule.principal === "User:*" || rule.principal === "User:alice") &&
    (rule.host === "*" || rule.host === "127.0.0.1")
  );
  const has = (permission: number, operations: readonly number[]) =>
    concerning.some((rule) =>
      rule.permissionType === permission && operations.includes(rule.operation)
    );
  return !has(AclPermissionType.deny, [operation, all]) &&
    has(AclPermissionType.allow, [operation, all, ...IMPLIED_BY[operation] ?? []]);
}

/** What rules should let the client do, and know of. */
function expectedAccess(rules: readonly Rule[]): Awaited<ReturnType<typeof accessOf>> {
  const may = (operation: number, type: number, name: string) =>
    isAllowed(rules, operation, type, name);
  const operationsOf = (type: number, name: string) =>
    TOLD[type]!.filter((operation) => may(operation, type, name))
      .reduce((bits, operation) => bits | 1 << operation, 0);
  const toldOf = (type: number, name: string, denied: number): [string, number, number] =>
    may(describe, type, name)
      ? [name, ErrorCode.NONE, operationsOf(type, name)]
      : [name, denied, NOT_TOLD];
  const mayProduceIdempotently = may(AclOperation.idempotentWrite, cluster, CLUSTER_RESOURCE) ||
    UNIVERSE.some((name) => may(write, topic, name));
  return {
    topics: NAMES.map((name) => toldOf(topic, name, ErrorCode.TOPIC_AUTHORIZATION_FAILED)),
    cluster: may(describe, cluster, CLUSTER_RESOURCE) ? operationsOf(cluster, CLUSTER_RESOURCE) : 0,
    groups: NAMES.map((name) => toldOf(group, name, ErrorCode.GROUP_AUTHORIZATION_FAILED)),
    mayProduceIdempotently: mayProduceIdempotently
      ? ErrorCode.NONE
      : ErrorCode.CLUSTER_AUTHORIZATION_FAILED,
    transactions: NAMES.map((name) => [
      name,
      may(describe, transactionalId, name)
        ? ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
        : ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    ]),
  };
}

/** What the client may do, and know of. */
async function accessOf({ client }: AccessTarget) {
  const known = await client.request(messages.metadata, 10, {
    topics: NAMES.map((name) => ({ name })),
    allowAutoTopicCreation: false,
    includeTopicAuthorizedOperations: true,
    includeClusterAuthorizedOperations: true,
  });
  const { groups } = await client.request(messages.describeGroups, 5, {
    groups: NAMES,
    includeAuthorizedOperations: true,
  });
  const producer = { transactionalId: null, transactionTimeoutMs: 1000 };
  const { errorCode } = await client.request(messages.initProducerId, 4, producer);
  const { transactionStates } = await client.request(messages.describeTransactions, 0, {
    transactionalIds: NAMES,
  });
  return {
    topics: known.topics.map((of) => [of.name, of.errorCode, of.topicAuthorizedOperations]).sort(),
    cluster: known.clusterAuthorizedOperations,
    groups: groups.map((of) => [of.groupId, of.errorCode, of.authorizedOperations]).sort(),
    mayProduceIdempotently: errorCode,
    transactions: transactionStates.map((of) => [of.transactionalId, of.errorCode]).sort(),
  };
}

/** Creates what rules are about, and waits for the coordinators. */
async function prepare({ admin }: AccessTarget): Promise<void> {
  await admin.request(messages.createTopics, 7, {
    topics: NAMES.map((name) => ({ name, numPartitions: 1, replicationFactor: 1 })),
    timeoutMs: 10_000,
  });
  for (const keyType of [0, 1]) {
    await admin.request(messages.findCoordinator, 4, { keyType, coordinatorKeys: NAMES });
  }
}

Deno.test("Random rules let a client do and know what Kafka's semantics say", async () => {
  await using ours = await AccessTarget.start();
  await using elsewhere = ELSEWHERE === undefined
    ? undefined
    : await AccessTarget.connect(ELSEWHERE);
  const targets = elsewhere === undefined ? [ours] : [ours, elsewhere];
  await Promise.all(targets.map(prepare));
  const draw = seededRandom(SEED);
  for (let set = 0; set < SETS; set++) {
    const rules = randomRules(draw);
    const expected = expectedAccess(rules);
    for (const target of targets) {
      await target.setRules(rules);
      const where = target === ours ? "here" : "elsewhere";
      const about = `${where}, seed ${SEED}, set ${set}: ${JSON.stringify(rules)}`;
      assertEquals(await accessOf(target), expected, about);
    }
  }
});
