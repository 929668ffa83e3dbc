/**
 * What is left out of answers because the client may not know of it, and what it is told that it may do.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import * as messages from "../../protocol/messages/mod.ts";
import { AclOperation, AclResourceType } from "../../protocol/messages/security/acl_types.ts";
import { randomUuid, ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import { AccessTarget } from "../support/security/access_target.ts";

const { topic, group, cluster, transactionalId } = AclResourceType;
const { alter, create, describe, describeConfigs, read, write } = AclOperation;
const timeoutMs = 5000;

Deno.test("Metadata and DescribeTopicPartitions of all topics leave out what is unknown to the client", async () => {
  await using target = await AccessTarget.start();
  const { client, names } = target;
  const all = async () => {
    const { topics } = await client.request(messages.metadata, 12, { topics: null });
    const described = await client.request(messages.describeTopicPartitions, 0, { topics: [] });
    const [first, second] = [topics, described.topics].map((of) => of.map(({ name }) => name));
    assertEquals(first, second);
    return first;
  };
  assertEquals(await all(), []);
  await target.setRules(target.exactly([read, topic]));
  assertEquals(await all(), [names.topic]);
});

Deno.test("Metadata answers a topic that the client may not know of without its id", async () => {
  await using target = await AccessTarget.start();
  const { client, names } = target;
  const byName = await client.request(messages.metadata, 12, {
    topics: [{ name: names.topic }],
    allowAutoTopicCreation: true,
  });
  const [named] = byName.topics;
  assertEquals([named!.topicId, named!.partitions], [ZERO_UUID, []]);
  const byId = await client.request(messages.metadata, 12, {
    topics: [{ name: null, topicId: names.topicId }],
  });
  assertEquals([byId.topics[0]!.name, byId.topics[0]!.topicId], [null, names.topicId]);
  const deleted = await client.request(messages.deleteTopics, 6, {
    topics: [{ name: null, topicId: names.topicId }],
    timeoutMs,
  });
  assertEquals(deleted.responses[0]!.name, null);
  await target.setRules(target.exactly([describe, topic]));
  const known = await client.request(messages.deleteTopics, 6, {
    topics: [{ name: null, topicId: names.topicId }],
    timeoutMs,
  });
  const { name, errorCode } = known.responses[0]!;
  assertEquals([name, errorCode], [names.topic, ErrorCode.TOPIC_AUTHORIZATION_FAILED]);
});

Deno.test("ListGroups lists the groups that the client may describe, or all with the cluster", async () => {
  await using target = await AccessTarget.start();
  const list = async () => (await target.client.request(messages.listGroups, 5, {})).groups.length;
  assertEquals(await list(), 0);
  for (const type of [group, cluster]) {
    await target.setRules(target.exactly([describe, type]));
    assertEquals(await list(), 1);
  }
});

Deno.test("ListTransactions and DescribeTransactions show what the client may describe", async () => {
  await using target = await AccessTarget.start();
  const { client, admin, names } = target;
  const { producerId, producerEpoch } = await admin.request(messages.initProducerId, 4, {
    transactionalId: names.transactionalId,
    transactionTimeoutMs: 1000,
  });
  await admin.request(messages.addPartitionsToTxn, 3, {
    v3AndBelowTransactionalId: names.transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: [{ name: names.topic, partitions: [0] }],
  });
  const list = async () => {
    const request = { stateFilters: [], producerIdFilters: [] };
    const { transactionStates } = await client.request(messages.listTransactions, 1, request);
    return transactionStates.length;
  };
  const topics = async () => {
    const request = { transactionalIds: [names.transactionalId] };
    const { transactionStates } = await client.request(messages.describeTransactions, 0, request);
    return transactionStates[0]!.topics.map((of) => of.topic);
  };
  assertEquals(await list(), 0);
  const rules = target.exactly([describe, transactionalId]);
  await target.setRules(rules);
  assertEquals([await list(), await topics()], [1, []]);
  await target.setRules([...rules, ...target.exactly([describe, topic])]);
  assertEquals(await topics(), [names.topic]);
});

Deno.test("OffsetFetch of all topics leaves out what the client may not describe", async () => {
  await using target = await AccessTarget.start();
  const { client, names } = target;
  const fetch = async () => {
    const request = { groups: [{ groupId: names.group, topics: null }] };
    const { groups } = await client.request(messages.offsetFetch, 9, request);
    return groups[0]!.topics.map(({ name }) => name);
  };
  const rules = target.exactly([describe, group]);
  await target.setRules(rules);
  assertEquals(await fetch(), []);
  await target.setRules([...rules, ...target.exactly([write, topic])]);
  assertEquals(await fetch(), [names.topic]);
});

Deno.test("CreateTopics shows the settings of a new topic to those who may describe them", async () => {
  await using target = await AccessTarget.start();
  const make = async () => {
    const { topics } = await target.client.request(messages.createTopics, 7, {
      topics: [{ name: `${target.names.topic}-new`, numPartitions: 2, replicationFactor: 1 }],
      timeoutMs,
      validateOnly: true,
    });
    const { errorCode, topicConfigErrorCode, numPartitions, configs } = topics[0]!;
    return [errorCode, topicConfigErrorCode, numPartitions, (configs ?? []).length > 0];
  };
  const { NONE, TOPIC_AUTHORIZATION_FAILED } = ErrorCode;
  await target.setRules(target.exactly([create, cluster]));
  assertEquals(await make(), [NONE, TOPIC_AUTHORIZATION_FAILED, -1, false]);
  await target.setRules(
    [[create, cluster], [describeConfigs, topic]].flatMap((grant) =>
      target.exactly(grant as [number, number])
    ),
  );
  assertEquals(await make(), [NONE, NONE, 2, true]);
});

Deno.test("Authorized operations are those of the client (KIP-430)", async () => {
  await using target = await AccessTarget.start();
  const { client, names } = target;
  const bits = (...operations: number[]) => operations.reduce((sum, of) => sum | 1 << of, 0);
  await target.setRules([
    ...target.exactly([read, topic]),
    ...target.exactly([describe, group]),
    ...target.exactly([alter, cluster]),
  ]);
  const { topics, clusterAuthorizedOperations } = await client.request(messages.metadata, 10, {
    topics: [{ name: names.topic }],
    includeTopicAuthorizedOperations: true,
    includeClusterAuthorizedOperations: true,
  });
  assertEquals(topics[0]!.topicAuthorizedOperations, bits(read, describe));
  assertEquals(clusterAuthorizedOperations, bits(alter, describe));
  const { groups } = await client.request(messages.describeGroups, 5, {
    groups: [names.group],
    includeAuthorizedOperations: true,
  });
  assertEquals(groups[0]!.authorizedOperations, bits(describe));
  await target.setRules([]);
  const described = await client.request(messages.describeCluster, 1, {
    includeClusterAuthorizedOperations: true,
  });
  assertEquals(described.clusterAuthorizedOperations, 0);
});

Deno.test("Authorized operations of a topic are told whether it exists or not, and not without DESCRIBE", async () => {
  await using target = await AccessTarget.start();
  const { client, names } = target;
  const asked = [names.topic, `${names.topic}-new`, "no-topic", "not valid"];
  const topics = asked.map((name) => ({ name }));
  const told = async () => {
    const answer = await client.request(messages.metadata, 12, {
      topics,
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: true,
    });
    const described = await client.request(messages.describeTopicPartitions, 0, { topics });
    const [first, second] = [answer.topics, described.topics].map((of) =>
      Object.fromEntries(of.map((each) => [each.name, each.topicAuthorizedOperations]))
    );
    assertEquals(first, second);
    return asked.map((name) => first![name]);
  };
  const untold = -(2 ** 31);
  assertEquals(await told(), Array(4).fill(untold));
  const any = { resourceName: "not valid" };
  await target.setRules([
    ...target.exactly([read, topic]),
    ...target.exactly([describe, topic], any).slice(0, 1),
  ]);
  const bits = 1 << read | 1 << describe;
  assertEquals(await told(), [bits, bits, untold, 1 << describe]);
});

Deno.test("ConsumerGroupHeartbeat matches a regular expression with the topics that the member may describe", async () => {
  await using target = await AccessTarget.start();
  const { client, admin, names } = target;
  await admin.request(messages.createTopics, 7, {
    topics: [{ name: "real-secret", numPartitions: 1, replicationFactor: 1 }],
    timeoutMs,
  });
  await target.setRules([...target.exactly([read, group]), ...target.exactly([describe, topic])]);
  const memberId = randomUuid();
  const beat = (memberEpoch: number) =>
    client.request(messages.consumerGroupHeartbeat, 1, {
      groupId: names.group,
      memberId,
      memberEpoch,
      rebalanceTimeoutMs: 30_000,
      subscribedTopicNames: null,
      subscribedTopicRegex: "real-.*",
      topicPartitions: memberEpoch === 0 ? [] : null,
    });
  const { errorCode, assignment } = await beat(0);
  assertEquals(errorCode, ErrorCode.NONE);
  assertEquals(assignment!.topicPartitions.map(({ topicId }) => topicId), [names.topicId]);
});

Deno.test("Fetch does not tell partitions that exist from others to clients that may not read them", async () => {
  await using target = await AccessTarget.start();
  const { client, admin } = target;
  await admin.request(messages.createTopics, 7, {
    topics: [{ name: "real-topic-new", numPartitions: 50, replicationFactor: 1 }],
    timeoutMs,
  });
  const fetch = () =>
    client.request(messages.fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      topics: ["real-topic", "real-topic-new"].map((name) => ({
        topic: name,
        partitions: Array.from({ length: 50 }, (_, partition) => ({
          partition,
          fetchOffset: 0,
          partitionMaxBytes: 10,
        })),
      })),
    });
  const { responses } = await fetch();
  const codes = new Set(
    responses.flatMap(({ partitions }) => partitions.map((of) => of.errorCode)),
  );
  // Those that do not exist are not told from the others.
  assertEquals([...codes], [ErrorCode.TOPIC_AUTHORIZATION_FAILED]);
});
