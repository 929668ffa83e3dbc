/**
 * Compares what random rules let a client do with what they let it do at Apache Kafka.
 *
 * It needs a broker of Kafka in `DQUEUE_TEST_ACCESS_BROKER`, as `access_table_test.ts` does, and runs with
 * `DQUEUE_TEST_ACCESS_RULES` sets of rules, by default 100, from the seed `DQUEUE_TEST_ACCESS_SEED`.
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
import { AccessTarget, type Rule } from "../support/security/access_target.ts";

const ELSEWHERE = Deno.env.get("DQUEUE_TEST_ACCESS_BROKER");
const SETS = Number(Deno.env.get("DQUEUE_TEST_ACCESS_RULES") ?? 100);
const SEED = Number(Deno.env.get("DQUEUE_TEST_ACCESS_SEED") ?? Date.now() % 2 ** 31);

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

Deno.test({
  name: "Random rules let a client do and know what they do at Apache Kafka",
  ignore: ELSEWHERE === undefined,
  fn: async () => {
    await using ours = await AccessTarget.start();
    await using kafka = await AccessTarget.connect(ELSEWHERE!);
    await Promise.all([ours, kafka].map(prepare));
    const draw = seededRandom(SEED);
    for (let set = 0; set < SETS; set++) {
      const rules = randomRules(draw);
      await Promise.all([ours, kafka].map((target) => target.setRules(rules)));
      const [found, expected] = await Promise.all([ours, kafka].map(accessOf));
      assertEquals(found, expected, `seed ${SEED}, set ${set}: ${JSON.stringify(rules)}`);
    }
  },
});
