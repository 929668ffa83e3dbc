/**
 * Conformance tests of requests about topics and settings: every item is answered, in full.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import {
  ConfigResourceType,
  createPartitions,
  createTopics,
  deleteRecords,
  deleteTopics,
  describeCluster,
  describeConfigs,
  describeLogDirs,
  describeTopicPartitions,
  incrementalAlterConfigs,
  metadata,
} from "../../protocol/messages/mod.ts";
import type { ResponseOf } from "../../protocol/schema/schema.ts";
import { randomUuid, ZERO_UUID } from "../../protocol/primitives/uuid.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf, recordsOf } from "../support/protocol/records.ts";
import { append, createTopic, deleteTopic, read } from "../support/protocol/requests.ts";

/** Runs `use` with a connection to a broker that has the topics `a` and `b`. */
async function withTopics(
  use: (connection: RawConnection, local: LocalBroker) => Promise<void>,
  config: NonNullable<Parameters<typeof LocalBroker.start>[0]>["config"] = {},
): Promise<void> {
  await using local = await LocalBroker.start({ config });
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "a");
  await createTopic(connection, "b", { partitions: 2 });
  await use(connection, local);
}

/** Names of topics and how many partitions each has. */
async function listTopics(connection: RawConnection): Promise<Record<string, number>> {
  const { topics } = await connection.request(metadata, 12, { topics: null });
  return Object.fromEntries(topics.map(({ name, partitions }) => [name!, partitions.length]));
}

Deno.test("Metadata distinguishes an empty list of topics from null", async () => {
  await withTopics(async (connection) => {
    const namesOf = async (version: number, topics: [] | null) =>
      (await connection.request(metadata, version, { topics })).topics.map(({ name }) => name);
    assertEquals(await namesOf(0, []), ["a", "b"], "in version 0, none means all");
    for (let version = 1; version <= 13; version++) {
      assertEquals(await namesOf(version, []), [], `version ${version}, none`);
      assertEquals(await namesOf(version, null), ["a", "b"], `version ${version}, null`);
    }
  });
});

Deno.test("Metadata creates a topic only if client and broker both allow it", async () => {
  const ask = async (connection: RawConnection, name: string, allowAutoTopicCreation?: boolean) => {
    const topics = [{ name }];
    const request = allowAutoTopicCreation === undefined
      ? { topics }
      : { topics, allowAutoTopicCreation };
    const version = allowAutoTopicCreation === undefined ? 3 : 12;
    const [topic] = (await connection.request(metadata, version, request)).topics;
    return [topic!.errorCode, topic!.partitions.map(({ leaderId }) => leaderId)];
  };
  const unknown = [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, []];
  await withTopics(async (connection) => {
    assertEquals(await ask(connection, "new", false), unknown);
    assertEquals(await ask(connection, "new", true), [ErrorCode.NONE, [1, 1, 1]]);
    assertEquals(await ask(connection, "old-client"), [ErrorCode.NONE, [1, 1, 1]]);
    assertEquals(await ask(connection, "no spaces", true), [ErrorCode.INVALID_TOPIC_EXCEPTION, []]);
    assertEquals(Object.keys(await listTopics(connection)), ["a", "b", "new", "old-client"]);
  }, { "num.partitions": 3 });
  await withTopics(async (connection) => {
    assertEquals(await ask(connection, "new", true), unknown);
  }, { "auto.create.topics.enable": false });
});

Deno.test("Metadata answers in the order asked, by name and by id", async () => {
  await withTopics(async (connection) => {
    const byName = await connection.request(metadata, 12, {
      topics: [{ name: "b" }, { name: "unknown" }, { name: "a" }],
      allowAutoTopicCreation: false,
    });
    assertEquals(byName.topics.map(({ name }) => name), ["b", "unknown", "a"]);
    const [b, , a] = byName.topics;
    const unknownId = randomUuid();
    const byId = await connection.request(metadata, 12, {
      topics: [a!.topicId, unknownId, b!.topicId].map((topicId) => ({ topicId, name: null })),
    });
    assertEquals(byId.topics.map(({ name, topicId, errorCode }) => [name, topicId, errorCode]), [
      ["a", a!.topicId, ErrorCode.NONE],
      [null, unknownId, ErrorCode.UNKNOWN_TOPIC_ID],
      ["b", b!.topicId, ErrorCode.NONE],
    ]);
  });
});

Deno.test("Metadata lists authorized operations on request (KIP-430)", async () => {
  await withTopics(async (connection) => {
    const unasked = -2147483648;
    for (let version = 8; version <= 13; version++) {
      const ask = async (include: boolean) => {
        const answer = await connection.request(metadata, version, {
          topics: [{ name: "a" }],
          includeTopicAuthorizedOperations: include,
          ...(version <= 10 ? { includeClusterAuthorizedOperations: include } : {}),
        });
        return [answer.topics[0]!.topicAuthorizedOperations, answer.clusterAuthorizedOperations];
      };
      const ofCluster = version <= 10 ? 0b1_1111_1010_0000 : unasked;
      assertEquals(await ask(true), [0b1101_1111_1000, ofCluster], `version ${version}`);
      assertEquals(await ask(false), [unasked, unasked], `version ${version}`);
    }
  });
});

Deno.test("CreatePartitions answers every requested topic and extends those it can", async () => {
  await withTopics(async (connection) => {
    const topic = (name: string, count: number, assignments: { brokerIds: number[] }[] | null) => ({
      name,
      count,
      assignments,
    });
    const asked = [
      topic("b", 5, null),
      topic("unknown", 5, null),
      topic("a", 0, null),
      topic("twice", 3, null),
      topic("twice", 4, null),
    ];
    const grow = async (validateOnly: boolean) => {
      const request = { topics: asked, timeoutMs: 10_000, validateOnly };
      const { results } = await connection.request(createPartitions, 3, request);
      for (const { errorCode, errorMessage } of results) {
        assertEquals(errorMessage === null, errorCode === ErrorCode.NONE, "a message if it failed");
      }
      return results.map(({ name, errorCode }) => [name, errorCode]);
    };
    const expected = [
      ["b", ErrorCode.NONE],
      ["unknown", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
      ["a", ErrorCode.INVALID_PARTITIONS],
      ["twice", ErrorCode.INVALID_REQUEST],
    ];
    assertEquals(await grow(true), expected, "only checked");
    assertEquals(await listTopics(connection), { a: 1, b: 2 });
    assertEquals(await grow(false), expected);
    assertEquals(await listTopics(connection), { a: 1, b: 5 });
    for (let partition = 0; partition < 5; partition++) {
      const { errorCode } = await append(connection, "b", batchOf(["x"]), { partition });
      assertEquals(errorCode, ErrorCode.NONE, `partition ${partition} takes records`);
    }
    const assigned = await connection.request(createPartitions, 3, {
      topics: [
        topic("a", 3, [{ brokerIds: [1] }, { brokerIds: [1] }]),
        topic("b", 7, [{ brokerIds: [1] }, { brokerIds: [2] }]),
      ],
      timeoutMs: 10_000,
      validateOnly: false,
    });
    assertEquals(assigned.results.map(({ errorCode }) => errorCode), [
      ErrorCode.NONE,
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
    ]);
  });
});

Deno.test("DescribeConfigs answers every requested resource with every setting", async () => {
  await withTopics(async (connection) => {
    const topic = (resourceName: string, configurationKeys: string[] | null = null) => ({
      resourceType: ConfigResourceType.topic,
      resourceName,
      configurationKeys,
    });
    const broker = (resourceName: string) => ({
      resourceType: ConfigResourceType.broker,
      resourceName,
      configurationKeys: null,
    });
    for (let version = 1; version <= 4; version++) {
      const { results } = await connection.request(describeConfigs, version, {
        resources: [
          topic("a"),
          topic("unknown"),
          topic("b", ["retention.ms", "segment.bytes"]),
          topic("b", []),
          broker("1"),
          broker("7"),
          topic("no spaces"),
        ],
        includeSynonyms: true,
      });
      assertEquals(
        results.map(({ resourceType, resourceName, errorCode }) => [
          resourceType,
          resourceName,
          errorCode,
        ]),
        [
          [2, "a", ErrorCode.NONE],
          [2, "unknown", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
          [2, "b", ErrorCode.NONE],
          [2, "b", ErrorCode.NONE],
          [4, "1", ErrorCode.NONE],
          [4, "7", ErrorCode.INVALID_REQUEST],
          [2, "no spaces", ErrorCode.INVALID_TOPIC_EXCEPTION],
        ],
      );
      const names = results.map(({ configs }) => configs.map(({ name }) => name).sort());
      assertEquals(names[2], ["retention.ms", "segment.bytes"]);
      assertEquals(names[3], names[0], "no keys mean all");
      assert(names[0]!.includes("max.message.bytes") && names[0]!.includes("cleanup.policy"));
      assert(names[4]!.includes("log.segment.bytes") && names[4]!.includes("node.id"));
      // As in Kafka, where no broker setting is a synonym of it.
      const alone = ["flush.ms", "remote.storage.enable", "leader.replication.throttled.replicas"];
      for (const { name, synonyms, configSource } of results[0]!.configs) {
        assertEquals(configSource, 5, name);
        if (alone.includes(name)) assertEquals(synonyms, [], name);
      }
      const withSynonyms = results[0]!.configs.filter(({ synonyms }) => synonyms.length > 0);
      assert(withSynonyms.length > 25, "most tell where their value is from");
    }
  });
});

Deno.test("IncrementalAlterConfigs answers every resource and changes all settings of one or none", async () => {
  await withTopics(async (connection) => {
    const set = (name: string, value: string | null, configOperation = 0) => ({
      name,
      value,
      configOperation,
    });
    const topic = (resourceName: string, ...configs: ReturnType<typeof set>[]) => ({
      resourceType: ConfigResourceType.topic,
      resourceName,
      configs,
    });
    const alter = async (validateOnly: boolean) => {
      const { responses } = await connection.request(incrementalAlterConfigs, 1, {
        resources: [
          topic("a", set("retention.ms", "1000"), set("max.message.bytes", "2000")),
          topic("b", set("retention.ms", "1000"), set("max.message.bytes", "much")),
          topic("unknown", set("retention.ms", "1000")),
        ],
        validateOnly,
      });
      return responses.map(({ resourceName, errorCode }) => [resourceName, errorCode]);
    };
    const valuesOf = async (resourceName: string) => {
      const { results } = await connection.request(describeConfigs, 4, {
        resources: [{
          resourceType: ConfigResourceType.topic,
          resourceName,
          configurationKeys: ["max.message.bytes", "retention.ms"],
        }],
      });
      return results[0]!.configs.map(({ value }) => value);
    };
    const defaults = ["1048588", "604800000"];
    const expected = [
      ["a", ErrorCode.NONE],
      ["b", ErrorCode.INVALID_CONFIG],
      ["unknown", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ];
    assertEquals(await alter(true), expected, "only checked");
    assertEquals([await valuesOf("a"), await valuesOf("b")], [defaults, defaults]);
    assertEquals(await alter(false), expected);
    assertEquals([await valuesOf("a"), await valuesOf("b")], [["2000", "1000"], defaults]);
  });
});

Deno.test("CreateTopics answers every topic, and only validates with validateOnly", async () => {
  await withTopics(async (connection) => {
    const topic = (name: string, more: Record<string, unknown> = {}) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      ...more,
    });
    const create = async (validateOnly: boolean) => {
      const { topics } = await connection.request(createTopics, 7, {
        topics: [
          topic("new", { numPartitions: -1, replicationFactor: -1 }),
          topic("a"),
          topic("twice"),
          topic("twice"),
          topic("", {}),
          topic("..", {}),
          topic("x".repeat(250)),
          topic("none", { numPartitions: 0 }),
          topic("shredded", { configs: [{ name: "cleanup.policy", value: "shred" }] }),
          topic("elsewhere", {
            numPartitions: -1,
            replicationFactor: -1,
            assignments: [{ partitionIndex: 0, brokerIds: [2] }],
          }),
          topic("here", {
            numPartitions: -1,
            replicationFactor: -1,
            assignments: [{ partitionIndex: 0, brokerIds: [1] }],
          }),
        ],
        validateOnly,
      });
      return topics.map(({ name, errorCode }) => [name, errorCode]);
    };
    const expected = [
      ["new", ErrorCode.NONE],
      ["a", ErrorCode.TOPIC_ALREADY_EXISTS],
      ["twice", ErrorCode.INVALID_REQUEST],
      ["", ErrorCode.INVALID_TOPIC_EXCEPTION],
      ["..", ErrorCode.INVALID_TOPIC_EXCEPTION],
      ["x".repeat(250), ErrorCode.INVALID_TOPIC_EXCEPTION],
      ["none", ErrorCode.INVALID_PARTITIONS],
      ["shredded", ErrorCode.INVALID_CONFIG],
      ["elsewhere", ErrorCode.INVALID_REPLICA_ASSIGNMENT],
      ["here", ErrorCode.NONE],
    ];
    assertEquals(await create(true), expected, "only checked");
    assertEquals(await listTopics(connection), { a: 1, b: 2 });
    assertEquals(await create(false), expected);
    assertEquals(await listTopics(connection), { a: 1, b: 2, here: 1, new: 1 });
  });
});

Deno.test("DeleteTopics answers every topic, by name and by id", async () => {
  await withTopics(async (connection) => {
    const { topics } = await connection.request(metadata, 12, { topics: [{ name: "b" }] });
    const { topicId } = topics[0]!;
    const unknownId = randomUuid();
    const byId = await connection.request(deleteTopics, 6, {
      topics: [{ name: null, topicId: unknownId }, { name: null, topicId }, {
        name: "unknown",
        topicId: ZERO_UUID,
      }],
      timeoutMs: 10_000,
    });
    assertEquals(byId.responses.map(({ errorCode }) => errorCode), [
      ErrorCode.UNKNOWN_TOPIC_ID,
      ErrorCode.NONE,
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    ]);
    assertEquals(await listTopics(connection), { a: 1 });
  });
  await withTopics(async (connection) => {
    const request = { topicNames: ["a"], timeoutMs: 10_000 };
    const { responses } = await connection.request(deleteTopics, 5, request);
    assertEquals(responses[0]!.errorCode, ErrorCode.TOPIC_DELETION_DISABLED);
  }, { "delete.topic.enable": false });
});

Deno.test("CreateTopics after DeleteTopics gives the topic a new id, an empty log and no settings", async () => {
  await withTopics(async (connection, local) => {
    const first = await createTopic(connection, "t", { configs: { "retention.ms": "1000" } });
    await append(connection, "t", batchOf(["old"], { timestamp: Date.now() }));
    await deleteTopic(connection, "t");
    const second = await createTopic(connection, "t");
    assertNotEquals(second, first);
    const check = async (on: RawConnection, values: string[]) => {
      const { records, logStartOffset, highWatermark } = await read(on, "t", 0);
      assertEquals([logStartOffset, highWatermark], [0, values.length]);
      assertEquals(recordsOf(records).map(({ value }) => value), values);
    };
    await check(connection, []);
    await append(connection, "t", batchOf(["new"], { timestamp: Date.now() }));
    await check(connection, ["new"]);
    const { results } = await connection.request(describeConfigs, 4, {
      resources: [{
        resourceType: ConfigResourceType.topic,
        resourceName: "t",
        configurationKeys: ["retention.ms"],
      }],
    });
    assertEquals(results[0]!.configs[0]!.value, "604800000");

    await local.restart();
    using again = await RawConnection.connect(local.address);
    await check(again, ["new"]);
    const { topics } = await again.request(metadata, 12, { topics: [{ name: "t" }] });
    assertEquals(topics[0]!.topicId, second);
  });
});

Deno.test("DeleteRecords answers every partition, and the records stay deleted after a restart", async () => {
  await withTopics(async (connection, local) => {
    for (const value of ["x", "y", "z"]) await append(connection, "b", batchOf([value]));
    const partition = (partitionIndex: number, offset: number) => ({ partitionIndex, offset });
    const { topics } = await connection.request(deleteRecords, 2, {
      topics: [
        { name: "b", partitions: [partition(0, 2), partition(1, -1), partition(2, 0)] },
        { name: "unknown", partitions: [partition(0, 0)] },
        { name: "a", partitions: [partition(0, 1)] },
      ],
      timeoutMs: 10_000,
    });
    assertEquals(
      topics.map(({ name, partitions }) => [
        name,
        partitions.map((p) => [p.partitionIndex, p.errorCode, p.lowWatermark]),
      ]),
      [
        ["b", [
          [0, ErrorCode.NONE, 2],
          [1, ErrorCode.NONE, 0],
          [2, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1],
        ]],
        ["unknown", [[0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1]]],
        ["a", [[0, ErrorCode.OFFSET_OUT_OF_RANGE, -1]]],
      ],
    );
    await local.restart();
    using again = await RawConnection.connect(local.address);
    assertEquals((await read(again, "b", 1)).errorCode, ErrorCode.OFFSET_OUT_OF_RANGE);
    const { logStartOffset, records } = await read(again, "b", 2);
    assertEquals([logStartOffset, recordsOf(records)[0]?.value], [2, "z"]);
  });
});

Deno.test("DescribeTopicPartitions returns topics page by page (KIP-966)", async () => {
  await withTopics(async (connection) => {
    await createTopic(connection, "c", { partitions: 3 });
    const seen: string[] = [];
    let cursor: ResponseOf<typeof describeTopicPartitions>["nextCursor"] = null;
    let pages = 0;
    do {
      const request = { topics: [], responsePartitionLimit: 2, cursor };
      const page: ResponseOf<typeof describeTopicPartitions> = await connection.request(
        describeTopicPartitions,
        0,
        request,
      );
      for (const { name, partitions } of page.topics) {
        for (const { partitionIndex, leaderId } of partitions) {
          assertEquals(leaderId, 1);
          seen.push(`${name}-${partitionIndex}`);
        }
      }
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== null);
    assertEquals(seen, ["a-0", "b-0", "b-1", "c-0", "c-1", "c-2"]);
    assertEquals(pages, 3);

    const { topics } = await connection.request(describeTopicPartitions, 0, {
      topics: [{ name: "unknown" }, { name: "a" }],
    });
    assertEquals(topics.map(({ name, errorCode }) => [name, errorCode]).sort(), [
      ["a", ErrorCode.NONE],
      ["unknown", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    ]);
  });
});

Deno.test("DescribeLogDirs distinguishes an empty list of topics from null", async () => {
  await withTopics(async (connection, local) => {
    await append(connection, "a", batchOf(["x"]));
    const ask = async (topics: { topic: string; partitions: number[] }[] | null) => {
      const { results } = await connection.request(describeLogDirs, 4, { topics });
      assertEquals(results.map(({ logDir }) => logDir), [local.dataPath]);
      return results[0]!.topics.flatMap(({ name, partitions }) =>
        partitions.map(({ partitionIndex, partitionSize }) =>
          `${name}-${partitionIndex}: ${partitionSize > 0}`
        )
      ).filter((line) => !line.startsWith("__")).sort();
    };
    assertEquals(await ask(null), ["a-0: true", "b-0: false", "b-1: false"]);
    assertEquals(await ask([]), []);
    assertEquals(await ask([{ topic: "b", partitions: [1] }]), ["b-1: false"]);
  });
});

Deno.test("DescribeCluster names this broker, and the cluster id survives a restart", async () => {
  await withTopics(async (connection, local) => {
    const ask = async (on: RawConnection) => {
      const { errorCode, clusterId, controllerId, brokers } = await on.request(
        describeCluster,
        2,
        {},
      );
      assertEquals([errorCode, controllerId], [ErrorCode.NONE, 1]);
      const { host, port } = local.hostPort;
      assertEquals(brokers.map((b) => [b.brokerId, b.host, b.port]), [[1, host, port]]);
      return clusterId;
    };
    const clusterId = await ask(connection);
    await local.restart();
    using again = await RawConnection.connect(local.address);
    assertEquals(await ask(again), clusterId);
  });
});
