/**
 * Frames written by other programs, and their expected content.
 *
 * `golden/*_requests.json` has requests of real clients to the stub broker of `golden/capture.ts`;
 * all clients performed the same operations. `golden/kafka_clients_responses.json` was created by
 * Kafka's own serializers from the values next to the bytes.
 */

import { assert, assertEquals, assertExists, assertThrows } from "@std/assert";
import { codec } from "../schema/codec.ts";
import { FrameReader } from "../frames/framing.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  type RequestHeader,
  writeRequestHeader,
} from "../frames/headers.ts";
import { hex, toHex } from "../hex_testing.ts";
import { MalformedMessageError, Reader } from "../primitives/reader.ts";
import type { Api, Decoded, Field, Fields, RequestOf } from "../schema/schema.ts";
import { Writer } from "../primitives/writer.ts";
import type { GoldenFrame } from "./golden/golden_frame.ts";
import * as messages from "./mod.ts";
import { defaultOf } from "./sample_message_testing.ts";

const REQUEST_FILES = [
  "kafka_clients_requests",
  "kafka_python_requests",
  "kafkajs_requests",
  "librdkafka_requests",
  "platformatic_kafka_requests",
];

function goldenFrames(name: string): GoldenFrame[] {
  return JSON.parse(Deno.readTextFileSync(new URL(`golden/${name}.json`, import.meta.url)));
}

const REQUESTS = REQUEST_FILES.flatMap(goldenFrames);
const RESPONSES = goldenFrames("kafka_clients_responses");

function apiNamed(name: string): Api {
  const api = messages.APIS.find((api) => api.name === name);
  assertExists(api);
  return api;
}

interface ReadRequest {
  readonly api: Api;
  readonly header: RequestHeader;
  readonly body: Decoded<Api["request"]>;
}

function readRequest(bytes: Uint8Array): ReadRequest {
  const reader = new Reader(bytes);
  const header = readRequestHeader(reader);
  const api = messages.apiByKey(header.apiKey);
  assertExists(api);
  readRequestHeaderTags(reader, api, header.apiVersion);
  const body = codec(api.request, header.apiVersion).decode(reader);
  assertEquals(reader.remaining, 0);
  return { api, header, body };
}

const TOPIC = "golden";
const TOPIC_ID = "AAECAwQFBgcICQoLDA0ODw";

/** The operations that the clients performed, as visible in their requests. */
const EXPECTED = new Map<number, (request: never, frame: GoldenFrame) => void>([
  expected(messages.produce, ({ transactionalId, acks, topicData }, { client, apiVersion }) => {
    assertEquals(transactionalId, null);
    assertEquals(acks, client === "kafka-python" ? 1 : -1);
    assertEquals(topicData.length, 1);
    assertNamed(topicData[0]!, apiVersion >= 13);
    const { index, records } = topicData[0]!.partitionData[0]!;
    assertEquals(index, 0);
    assertExists(records);
    assertEquals(records[16], 2, "the magic byte of a batch of format 2");
    assertEquals(new Reader(records.subarray(8)).int32(), records.length - 12);
  }),
  expected(messages.fetch, ({ replicaId, maxWaitMs, minBytes, topics, rackId }, frame) => {
    assertEquals([replicaId, minBytes], [-1, 1]);
    assertEquals(maxWaitMs, frame.client === "kafkajs" ? 5000 : 500);
    assertNamed(
      { name: topics[0]!.topic, topicId: topics[0]!.topicId },
      frame.apiVersion >= 13,
    );
    const { partition, fetchOffset, partitionMaxBytes } = topics[0]!.partitions[0]!;
    assertEquals([partition, fetchOffset, partitionMaxBytes], [0, 0, 1048576]);
    assertEquals(rackId, frame.client === "kafka-clients" ? "rack-1" : "");
  }),
  expected(messages.listOffsets, ({ replicaId, topics }, { client }) => {
    assertEquals(replicaId, -1);
    assertEquals(topics[0]!.name, TOPIC);
    const { timestamp } = topics[0]!.partitions[0]!;
    const { earliest, latest, maxTimestamp } = messages.ListOffsetsTimestamp;
    const places: readonly number[] = client === "kafka-clients"
      ? [maxTimestamp]
      : [earliest, latest, 1700000000000];
    assert(places.includes(timestamp), `${client} asked for ${timestamp}`);
  }),
  expected(messages.metadata, ({ topics }) => {
    for (const { name } of topics ?? []) assert(name === TOPIC || name === "placed");
  }),
  expected(messages.offsetCommit, ({ groupId, topics }, { apiVersion }) => {
    assert(groupId.startsWith("readers"));
    assertNamed(topics[0]!, apiVersion >= 10);
    const { partitionIndex, committedOffset } = topics[0]!.partitions[0]!;
    assertEquals([partitionIndex, committedOffset], [0, 1]);
  }),
  expected(messages.offsetFetch, ({ groupId, groups }, { apiVersion }) => {
    const asked = apiVersion >= 8 ? groups.map((group) => group.groupId) : [groupId];
    assertEquals(asked.length, 1);
    assert(asked[0]!.startsWith("readers"));
  }),
  expected(messages.findCoordinator, ({ key, keyType, coordinatorKeys }, { apiVersion }) => {
    const keys = apiVersion >= 4 ? coordinatorKeys : [key];
    assert(keys.length === 1 && keys[0]!.startsWith("readers"));
    assertEquals(keyType, messages.CoordinatorType.group);
  }),
  expected(messages.joinGroup, ({ groupId, sessionTimeoutMs, protocolType, protocols }) => {
    assert(groupId.startsWith("readers") && sessionTimeoutMs >= 6000);
    assertEquals(protocolType, "consumer");
    const subscription = new Reader(protocols[0]!.metadata);
    subscription.int16();
    assertEquals([subscription.int32(), subscription.string()], [1, TOPIC]);
  }),
  expected(messages.heartbeat, ({ groupId, generationId, memberId }) => {
    assert(groupId.startsWith("readers"));
    assertEquals([generationId, memberId], [1, "member-1"]);
  }),
  expected(messages.leaveGroup, ({ groupId, memberId, members }, { apiVersion }) => {
    assert(groupId.startsWith("readers"));
    assertEquals(apiVersion < 3 ? memberId : "member-1", "member-1");
    assertEquals(members.length, apiVersion < 3 ? 0 : 1);
  }),
  expected(messages.syncGroup, ({ groupId, generationId, assignments }) => {
    assert(groupId.startsWith("readers"));
    assertEquals(generationId, 1);
    assertEquals(assignments.map(({ memberId }) => memberId), ["member-1"]);
  }),
  expected(messages.describeGroups, ({ groups }) => assertEquals(groups, ["readers"])),
  expected(messages.listGroups, ({ statesFilter, typesFilter }, { client }) => {
    assertEquals(statesFilter, []);
    assertEquals(typesFilter, client === "@platformatic/kafka" ? ["classic"] : []);
  }),
  expected(messages.apiVersions, (request, { client, version, apiVersion }) => {
    if (apiVersion < 3) return;
    const names: Record<string, string> = {
      "kafka-clients": "apache-kafka-java",
      "@platformatic/kafka": "platformatic-kafka",
    };
    assertEquals(request.clientSoftwareName, names[client] ?? client);
    assertEquals(request.clientSoftwareVersion, version);
    assertEquals(
      [request.clusterId, request.nodeId],
      apiVersion >= 5 ? ["golden-frames", 1] : [null, -1],
    );
  }),
  expected(messages.createTopics, ({ topics, validateOnly }) => {
    const [created, placed] = topics;
    assertEquals([created!.name, created!.numPartitions, validateOnly], [TOPIC, 3, false]);
    assertEquals(created!.configs[0]!.name, "retention.ms");
    if (placed === undefined) return;
    assertEquals([placed.numPartitions, placed.replicationFactor], [-1, -1]);
    assertEquals(placed.assignments, [{ partitionIndex: 0, brokerIds: [1] }]);
  }),
  expected(messages.deleteTopics, ({ topics, topicNames }, { client, apiVersion }) => {
    if (apiVersion < 6) return assertEquals(topicNames, [TOPIC]);
    const byId = client === "kafka-clients";
    assertEquals(topics[0]!.name, byId ? null : TOPIC);
    if (byId) assertEquals(topics[0]!.topicId, TOPIC_ID);
  }),
  expected(messages.deleteRecords, ({ topics }, { client }) => {
    assertEquals(topics, [{
      name: TOPIC,
      partitions: [{ partitionIndex: 0, offset: client === "kafka-clients" ? 0 : -1 }],
    }]);
  }),
  expected(messages.initProducerId, ({ transactionalId, producerId }, { client }) => {
    // Without a transactional id the broker assigns a new id and ignores these fields.
    assertEquals(
      [transactionalId, producerId],
      [null, client === "@platformatic/kafka" ? 0 : -1],
    );
  }),
  expected(messages.describeConfigs, ({ resources }) => {
    assertEquals(resources[0]!.resourceType, messages.ConfigResourceType.topic);
    assertEquals(resources[0]!.resourceName, TOPIC);
    assertEquals(resources[0]!.configurationKeys ?? ["retention.ms"], ["retention.ms"]);
  }),
  expected(messages.alterConfigs, ({ resources, validateOnly }) => {
    assertEquals(validateOnly, false);
    assertEquals(resources, [{
      resourceType: messages.ConfigResourceType.topic,
      resourceName: TOPIC,
      configs: [{ name: "retention.ms", value: "5" }],
    }]);
  }),
  expected(messages.incrementalAlterConfigs, ({ resources }) => {
    const { set } = messages.ConfigOperation;
    assertEquals(resources[0]!.resourceName, TOPIC);
    assertEquals(
      resources[0]!.configs.find(({ name }) => name === "retention.ms"),
      { name: "retention.ms", configOperation: set, value: "5" },
    );
  }),
  expected(messages.describeLogDirs, ({ topics }, { client }) => {
    assertEquals(topics, client === "kafka-clients" ? null : [{ topic: TOPIC, partitions: [0] }]);
  }),
  expected(messages.createPartitions, ({ topics }) => {
    assertEquals(topics.find(({ name }) => name === TOPIC)?.count, 5);
    const placed = topics.find(({ name }) => name === "placed");
    if (placed !== undefined) assertEquals(placed.assignments, [{ brokerIds: [1] }]);
  }),
  expected(messages.deleteGroups, ({ groupsNames }) => assertEquals(groupsNames, ["readers"])),
  expected(messages.offsetDelete, ({ groupId, topics }) => {
    assertEquals(groupId, "readers");
    assertEquals(topics, [{ name: TOPIC, partitions: [{ partitionIndex: 0 }] }]);
  }),
  expected(messages.describeCluster, ({ endpointType, includeFencedBrokers }) => {
    assertEquals([endpointType, includeFencedBrokers], [1, false]);
  }),
  expected(
    messages.consumerGroupHeartbeat,
    ({ groupId, subscribedTopicNames, topicPartitions }) => {
      assert(groupId.startsWith("readers"));
      assertEquals(subscribedTopicNames ?? [TOPIC], [TOPIC]);
      for (const owned of topicPartitions ?? []) {
        assertEquals(owned, { topicId: TOPIC_ID, partitions: [0] });
      }
    },
  ),
  expected(messages.consumerGroupDescribe, ({ groupIds }) => assertEquals(groupIds, ["readers"])),
  expected(messages.describeTopicPartitions, ({ topics, responsePartitionLimit, cursor }) => {
    assertEquals(topics, [{ name: TOPIC }]);
    assertEquals([responsePartitionLimit, cursor], [2000, null]);
  }),
]);

function expected<A extends Api>(
  api: A,
  check: (request: RequestOf<A>, frame: GoldenFrame) => void,
): [number, (request: never, frame: GoldenFrame) => void] {
  return [api.key, check as (request: never, frame: GoldenFrame) => void];
}

function assertNamed(topic: { name: string; topicId: string }, byId: boolean): void {
  if (byId) assertEquals(topic.topicId, TOPIC_ID);
  else assertEquals(topic.name, TOPIC);
}

Deno.test("codec() decodes requests of other clients and encodes the same bytes", async (t) => {
  for (const frame of REQUESTS) {
    const name = `${frame.client} ${frame.version} ${frame.api} version ${frame.apiVersion}`;
    await t.step(name, () => {
      const { api, header, body } = readRequest(hex(frame.hex));
      assertEquals([api.name, header.apiVersion], [frame.api, frame.apiVersion]);
      const check = EXPECTED.get(api.key);
      assertExists(check);
      check(body as never, frame);
      const writer = new Writer();
      writeRequestHeader(writer, api, header);
      codec(api.request, header.apiVersion).encode(writer, body as never);
      assertEquals(toHex(writer.takeBytes()), toHex(hex(frame.hex)));
    });
  }
});

Deno.test("codec() decodes responses of Kafka's serializers and encodes the same bytes", async (t) => {
  for (const frame of RESPONSES) {
    await t.step(`${frame.api} version ${frame.apiVersion}`, () => {
      const { response } = apiNamed(frame.api);
      const { decode, encode } = codec(response, frame.apiVersion);
      const reader = new Reader(hex(frame.hex));
      const body = decode(reader);
      assertEquals(reader.remaining, 0);
      assertEquals(body, fromJson(response.fields, frame.expect as JsonObject));
      const writer = new Writer();
      encode(writer, body as never);
      assertEquals(toHex(writer.takeBytes()), toHex(hex(frame.hex)));
    });
  }
});

type JsonObject = { readonly [name: string]: unknown };

/** Converts the output of Kafka's JSON converters: bytes are base64, no field is absent. */
function fromJson(fields: Fields, json: JsonObject): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      name,
      name in json ? valueFromJson(field, json[name]) : defaultOf(field),
    ]),
  );
}

function valueFromJson(field: Field, json: unknown): unknown {
  if (json === null) return null;
  switch (field.type) {
    case "struct":
      return fromJson(field.fields!, json as JsonObject);
    case "array":
      return (json as unknown[]).map((item) => valueFromJson(field.element!, item));
    case "bytes":
    case "records":
      return Uint8Array.from(atob(json as string), (char) => char.charCodeAt(0));
    default:
      return json;
  }
}

Deno.test("codec() rejects truncated golden frames", () => {
  for (const frame of REQUESTS) {
    const bytes = hex(frame.hex);
    for (let size = 0; size < bytes.length; size++) {
      assertThrows(() => readRequest(bytes.subarray(0, size)), MalformedMessageError);
    }
  }
});

Deno.test("FrameReader.next() returns golden frames that arrive one byte at a time", async () => {
  const sent = REQUESTS.slice(0, 20).map((frame) => hex(frame.hex));
  const writer = new Writer();
  for (const frame of sent) writer.bytes(frame);
  const all = writer.takeBytes();
  let at = 0;
  const stream = new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (at < all.length) return controller.enqueue(all.slice(at, ++at));
      controller.close();
      controller.byobRequest?.respond(0);
    },
  });
  const reader = new FrameReader(stream, { maxFrameSize: 1024 * 1024 });
  for (const frame of sent) assertEquals(await reader.next(), frame);
  assertEquals(await reader.next(), null);
});
