/**
 * Tests of requests at the limits: each is answered, with a result or an error, and the connection stays
 * open.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { codec } from "../../protocol/schema/codec.ts";
import { ErrorCode } from "../../protocol/errors.ts";
import { readResponseHeaderTags } from "../../protocol/frames/headers.ts";
import {
  apiVersions,
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  createTopics,
  deleteRecords,
  deleteTopics,
  describeConfigs,
  describeGroups,
  describeLogDirs,
  describeTopicPartitions,
  fetch,
  findCoordinator,
  joinGroup,
  leaveGroup,
  listGroups,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  offsetForLeaderEpoch,
  produce,
} from "../../protocol/messages/mod.ts";
import { Reader } from "../../protocol/primitives/reader.ts";
import type { Api, Fields } from "../../protocol/schema/schema.ts";
import type { BrokerSettings } from "../../broker/mod.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { RawConnection, requestFrame } from "../support/protocol/raw_connection.ts";
import { batchOf } from "../support/protocol/records.ts";
import { createTopic, PRODUCE_BY_NAME } from "../support/protocol/requests.ts";

const GROUP = "g";
const PARTITIONS = 200;
/** Less memory than describing a topic of `PARTITIONS` takes, and more than describing one of two. */
const LITTLE: Partial<BrokerSettings> = { "queued.max.response.bytes": 20_000 };

/** Runs `use` with a broker that has the topics `narrow` and `wide`, and a group with offsets for both. */
async function withTopics(
  config: Partial<BrokerSettings>,
  use: (connection: RawConnection) => Promise<void>,
): Promise<void> {
  await using local = await LocalBroker.start({ config });
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "narrow", { partitions: 2 });
  await createTopic(connection, "wide", { partitions: PARTITIONS });
  await connection.request(findCoordinator, 4, { keyType: 0, coordinatorKeys: [GROUP] });
  await commit(connection, Array.from({ length: PARTITIONS }, (_, index) => [index, 1]));
  await use(connection);
  const alive = { clientSoftwareName: "test", clientSoftwareVersion: "1" };
  assertEquals((await connection.request(apiVersions, 3, alive)).errorCode, 0);
}

async function commit(
  connection: RawConnection,
  offsets: readonly (readonly [partition: number, offset: number])[],
): Promise<number[]> {
  const { topics } = await connection.request(offsetCommit, 8, {
    groupId: GROUP,
    generationIdOrMemberEpoch: -1,
    memberId: "",
    topics: [{
      name: "wide",
      partitions: offsets.map(([partitionIndex, committedOffset]) => ({
        partitionIndex,
        committedOffset,
        committedMetadata: "",
      })),
    }],
  });
  return topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => errorCode));
}

function repeat<T>(count: number, item: T): T[] {
  return new Array<T>(count).fill(item);
}

Deno.test("Metadata answers a topic once, however often it is named, by name or by id", async () => {
  await withTopics({}, async (connection) => {
    const { topics: [wide] } = await connection.request(metadata, 12, {
      topics: [{ name: "wide" }],
    });
    const { topics } = await connection.request(metadata, 12, {
      topics: [
        ...repeat(2000, { name: "wide" }),
        ...repeat(2000, { name: "gone" }),
        ...repeat(2000, { topicId: wide!.topicId, name: null }),
      ],
      allowAutoTopicCreation: false,
    });
    assertEquals(
      topics.map(({ name, errorCode, partitions }) => [name, errorCode, partitions.length]),
      [
        ["wide", ErrorCode.NONE, PARTITIONS],
        ["gone", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0],
      ],
    );
  });
});

Deno.test("Metadata answers a topic that exceeds the memory with an error, and the others in full", async () => {
  await withTopics(LITTLE, async (connection) => {
    for (const topics of [[{ name: "wide" }, { name: "narrow" }], null]) {
      const answer = await connection.request(metadata, 12, { topics });
      const codes = new Map(answer.topics.map(({ name, errorCode }) => [name, errorCode]));
      assertEquals(codes.get("wide"), ErrorCode.INVALID_REQUEST);
      assertEquals(codes.get("narrow"), ErrorCode.NONE);
    }
  });
});

Deno.test("DescribeConfigs answers resources that exceed the memory with an error, and the others in full", async () => {
  await withTopics(LITTLE, async (connection) => {
    for (const [resourceType, resourceName] of [[2, "narrow"], [4, "1"]] as const) {
      const { results } = await connection.request(describeConfigs, 4, {
        resources: repeat(300, { resourceType, resourceName, configurationKeys: null }),
        includeDocumentation: true,
        includeSynonyms: true,
      });
      assertEquals(results.length, 300);
      assertEquals(results.at(-1)!.errorCode, ErrorCode.INVALID_REQUEST);
      assert(results.at(-1)!.errorMessage!.includes("queued.max.response.bytes"));
      assertEquals(results.at(-1)!.configs, []);
    }
    const { results } = await connection.request(describeConfigs, 4, {
      resources: repeat(3, {
        resourceType: 2,
        resourceName: "narrow",
        configurationKeys: repeat(3000, "retention.ms"),
      }),
    });
    assertEquals(
      results.map(({ errorCode, configs }) => [errorCode, configs.length]),
      repeat(3, [0, 1]),
    );
  });
});

Deno.test("OffsetFetch answers groups whose offsets exceed the memory with an error", async () => {
  await withTopics(LITTLE, async (connection) => {
    const { groups } = await connection.request(offsetFetch, 8, {
      groups: [
        { groupId: GROUP, topics: [{ name: "wide", partitionIndexes: [3, 3] }] },
        ...repeat(300, { groupId: GROUP, topics: null }),
      ],
    });
    const [first, ...others] = groups;
    assertEquals(first!.topics[0]!.partitions.map(({ committedOffset }) => committedOffset), [
      1,
      1,
    ]);
    assertEquals(
      new Set(others.map(({ errorCode }) => errorCode)),
      new Set([ErrorCode.INVALID_REQUEST]),
    );
  });
});

Deno.test("DeleteRecords, ListOffsets and DescribeLogDirs answer a partition once, as Kafka does", async () => {
  await withTopics({}, async (connection) => {
    const partition = { partitionIndex: 0, offset: 0 };
    const deleted = await connection.request(deleteRecords, 2, {
      topics: [
        {
          name: "wide",
          partitions: [...repeat(2000, partition), { partitionIndex: 0, offset: 9 }],
        },
        { name: "wide", partitions: [{ partitionIndex: 1, offset: 0 }] },
      ],
      timeoutMs: 10_000,
    });
    assertEquals(deleted.topics, [{
      name: "wide",
      partitions: [
        { partitionIndex: 0, lowWatermark: -1, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE },
        { partitionIndex: 1, lowWatermark: 0, errorCode: ErrorCode.NONE },
      ],
    }]);
    const listed = await connection.request(listOffsets, 7, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{
        name: "wide",
        partitions: [...repeat(2000, { partitionIndex: 0, timestamp: -1 }), {
          partitionIndex: 1,
          timestamp: -1,
        }],
      }],
    });
    const codes = listed.topics[0]!.partitions.map(({ errorCode }) => errorCode);
    assertEquals(codes, [ErrorCode.INVALID_REQUEST, ErrorCode.NONE]);
    const described = await connection.request(describeLogDirs, 4, {
      topics: repeat(300, { topic: "wide", partitions: [0, 1, 0] }),
    });
    const [topic, ...others] = described.results[0]!.topics;
    assertEquals(topic!.partitions.map(({ partitionIndex }) => partitionIndex), [0, 1]);
    assertEquals(others, []);
  });
});

Deno.test("Requests with long lists are answered item by item", async () => {
  await withTopics({}, async (connection) => {
    const many = Array.from({ length: 3000 }, (_, i) => `name-${i}`);
    const found = await connection.request(findCoordinator, 4, {
      keyType: 0,
      coordinatorKeys: many,
    });
    assertEquals(found.coordinators.map(({ key }) => key), many);
    const groups = await connection.request(describeGroups, 5, { groups: repeat(3000, GROUP) });
    assertEquals(groups.groups.map(({ groupState }) => groupState), repeat(3000, "Empty"));
    const modern = await connection.request(consumerGroupDescribe, 0, { groupIds: many });
    assertEquals(modern.groups.map(({ groupId }) => groupId), many);
    const created = await connection.request(createTopics, 7, {
      topics: many.map((name) => ({
        name,
        numPartitions: 1,
        replicationFactor: 1,
        assignments: [],
        configs: [],
      })),
      timeoutMs: 60_000,
      validateOnly: true,
    });
    assertEquals(
      created.topics.map(({ name, errorCode }) => [name, errorCode]),
      many.map((name) => [name, 0]),
    );
    const deleted = await connection.request(deleteTopics, 5, {
      topicNames: many,
      timeoutMs: 60_000,
    });
    assertEquals(deleted.responses.map(({ name }) => name), many);
    const described = await connection.request(describeTopicPartitions, 0, {
      topics: many.map((name) => ({ name })),
      responsePartitionLimit: 10,
      cursor: null,
    });
    assertEquals(described.topics.map(({ name }) => name), many.toSorted());
    const left = await connection.request(leaveGroup, 5, {
      groupId: GROUP,
      members: many.map((memberId) => ({ memberId, groupInstanceId: null, reason: null })),
    });
    assertEquals(
      left.members.map(({ errorCode }) => errorCode),
      repeat(3000, ErrorCode.UNKNOWN_MEMBER_ID),
    );
    const epochs = await connection.request(offsetForLeaderEpoch, 4, {
      replicaId: -1,
      topics: [{ topic: "wide", partitions: repeat(3000, { partition: 0, leaderEpoch: 0 }) }],
    });
    assertEquals(epochs.topics[0]!.partitions.length, 3000);
    const filtered = await connection.request(listGroups, 5, {
      statesFilter: [...many, " EMPTY "],
      typesFilter: [],
    });
    assertEquals(filtered.groups.map(({ groupId }) => groupId), [GROUP]);
  });
});

Deno.test("OffsetCommit that repeats a partition keeps the last offset", async () => {
  await withTopics({}, async (connection) => {
    const offsets = Array.from({ length: 3000 }, (_, offset) => [7, offset] as const);
    assertEquals(await commit(connection, [...offsets, [PARTITIONS, 0]]), [
      ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      ...repeat(3000, ErrorCode.NONE),
    ]);
    const { groups } = await connection.request(offsetFetch, 8, {
      groups: [{ groupId: GROUP, topics: [{ name: "wide", partitionIndexes: [7] }] }],
    });
    assertEquals(groups[0]!.topics[0]!.partitions[0]!.committedOffset, 2999);
  });
});

Deno.test("Produce with very many entries is appended before the next request", async () => {
  await withTopics({}, async (connection) => {
    const records = batchOf(["a"]);
    const send = (count: number) =>
      connection.send(produce, PRODUCE_BY_NAME, {
        transactionalId: null,
        acks: 1,
        timeoutMs: 10_000,
        topicData: [{ name: "narrow", partitionData: repeat(count, { index: 0, records }) }],
      });
    await send(2000);
    await send(1);
    await send(1500);
    for (const [first, count] of [[0, 2000], [2000, 1], [2001, 1500]] as const) {
      const { responses } = await connection.receive(produce);
      const { partitionResponses } = responses[0]!;
      assertEquals(partitionResponses.length, count);
      assertEquals(partitionResponses.map(({ baseOffset }) => baseOffset).at(0), first);
      assertEquals(
        partitionResponses.map(({ baseOffset }) => baseOffset).at(-1),
        first + count - 1,
      );
    }
  });
});

Deno.test("Fetch answers a partition once, and each of very many unknown ones", async () => {
  await withTopics({}, async (connection) => {
    const ask = async (partitions: readonly number[]) => {
      const { responses } = await connection.request(fetch, 12, {
        maxWaitMs: 0,
        minBytes: 0,
        sessionId: 0,
        sessionEpoch: -1,
        topics: [{
          topic: "narrow",
          partitions: partitions.map((partition) => ({
            partition,
            fetchOffset: 0,
            partitionMaxBytes: 1000,
          })),
        }],
        forgottenTopicsData: [],
      });
      return responses[0]!.partitions.map(({ partitionIndex }) => partitionIndex);
    };
    assertEquals(await ask(repeat(2000, 1)), [1]);
    const many = Array.from({ length: 3000 }, (_, i) => i);
    assertEquals(await ask(many), many);
  });
});

Deno.test("Requests with names of the maximum string length are answered with an error", async () => {
  await withTopics({}, async (connection) => {
    const name = "n".repeat(32767);
    const created = await connection.request(createTopics, 7, {
      topics: [{ name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 10_000,
    });
    assertEquals(created.topics[0]!.errorCode, ErrorCode.INVALID_TOPIC_EXCEPTION);
    const deleted = await connection.request(deleteTopics, 5, {
      topicNames: [name],
      timeoutMs: 10_000,
    });
    assertEquals(deleted.responses[0]!.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    for (const resourceType of [2, 4, 32]) {
      const { results } = await connection.request(describeConfigs, 4, {
        resources: [{ resourceType, resourceName: name, configurationKeys: null }],
      });
      assertEquals(results[0]!.resourceName, name);
    }
    // Each of these decodes to a character of three bytes.
    const frames = [
      [findCoordinator, 4, { keyType: 0, coordinatorKeys: [name] }],
      [describeGroups, 5, { groups: [name] }],
      [metadata, 12, { topics: [{ name }] }],
    ] as const;
    for (const [api, version, request] of frames) {
      const frame = requestFrame<Api>(api, version, request as never);
      // Only the name consists of this letter.
      await connection.sendBytes(frame.map((byte) => byte === "n".charCodeAt(0) ? 0xff : byte));
      const reader = new Reader((await connection.receiveFrame())!);
      reader.int32();
      readResponseHeaderTags(reader, api, version);
      const answer = codec<Fields>(api.response, version).decode(reader);
      assert(/"errorCode":[1-9]/.test(JSON.stringify(answer)), api.name);
    }
  });
});

Deno.test("JoinGroup bounds what one member may send", async () => {
  await withTopics({}, async (connection) => {
    const joined = await connection.request(joinGroup, 7, {
      groupId: "classic",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 10_000,
      memberId: "",
      groupInstanceId: null,
      protocolType: "consumer",
      protocols: Array.from({ length: 1001 }, (_, i) => ({
        name: `p-${i}`,
        metadata: new Uint8Array(0),
      })),
    });
    assertEquals(joined.errorCode, ErrorCode.INVALID_REQUEST);
    const beat = async (wish: {
      readonly subscribedTopicNames: string[] | null;
      readonly subscribedTopicRegex?: string;
    }) => {
      const { errorCode } = await connection.request(consumerGroupHeartbeat, 1, {
        groupId: "modern",
        memberId: "m",
        memberEpoch: 0,
        rebalanceTimeoutMs: 10_000,
        topicPartitions: [],
        ...wish,
      });
      return errorCode;
    };
    const names = Array.from({ length: 10_001 }, (_, i) => `t-${i}`);
    assertEquals(await beat({ subscribedTopicNames: names }), ErrorCode.INVALID_REQUEST);
    for (const subscribedTopicRegex of ["((a?){50}){50}", "a".repeat(4001), "(x|y{100}){100}"]) {
      assertEquals(
        await beat({ subscribedTopicNames: [], subscribedTopicRegex }),
        ErrorCode.INVALID_REGULAR_EXPRESSION,
        subscribedTopicRegex,
      );
    }
    assertEquals(
      await beat({ subscribedTopicNames: [], subscribedTopicRegex: "(nar|w.*){1,3}.*" }),
      ErrorCode.NONE,
    );
  });
});
