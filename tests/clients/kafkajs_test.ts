/**
 * Tests of kafkajs's producer and admin against our broker.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { Random } from "../../protocol/random_testing.ts";
import {
  type Admin,
  CompressionTypes,
  ConfigResourceTypes,
  type IHeaders,
  kafkaJs,
  type Message,
  Partitioners,
} from "../support/clients/kafkajs.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { testWith } from "../support/outside.ts";
import { READERS, readWithSdk } from "../support/clients/readers.ts";
import { asRead, SAMPLE_MESSAGES, type SampleMessage } from "../support/clients/sample_messages.ts";
import { Buffer } from "node:buffer";

const EXPECTED = SAMPLE_MESSAGES.map(asRead);

function toKafkaJs({ key, value, headers, timestamp }: SampleMessage): Message {
  return {
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers: Object.fromEntries(headers.map(([name, value]) => [name, Buffer.from(value)])),
    timestamp: `${timestamp}`,
    partition: 0,
  };
}

testWith("kcat", "kafkajs's messages are read intact by kcat, SDK and CLI", async (kcat, t) => {
  await using local = await LocalBroker.start();
  const ways = [
    { topic: "plain", compression: CompressionTypes.None, idempotent: false },
    { topic: "gzip", compression: CompressionTypes.GZIP, idempotent: false },
    { topic: "idempotent", compression: CompressionTypes.None, idempotent: true },
  ];
  for (const { topic, compression, idempotent } of ways) {
    await t.step(topic, async () => {
      const producer = kafkaJs(local.address).producer({
        createPartitioner: Partitioners.DefaultPartitioner,
        idempotent,
      });
      await producer.connect();
      try {
        const messages = SAMPLE_MESSAGES.map(toKafkaJs);
        await producer.send({ topic, acks: -1, compression, messages: messages.slice(0, 4) });
        await producer.send({ topic, acks: -1, compression, messages: messages.slice(4) });
      } finally {
        await producer.disconnect();
      }
      for (const [reader, read] of Object.entries(READERS)) {
        assertEquals(await read(local.address, topic, kcat), EXPECTED, reader);
      }
    });
  }
});

Deno.test("kafkajs's header with two values arrives as two headers", async () => {
  await using local = await LocalBroker.start();
  const producer = kafkaJs(local.address).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  try {
    const headers: IHeaders = { a: ["1", "2"], b: "3" };
    await producer.send({ topic: "twice", messages: [{ value: "v", headers }] });
  } finally {
    await producer.disconnect();
  }
  const [message] = await readWithSdk(local.address, "twice");
  assertEquals(message!.headers, [["a", "1"], ["a", "2"], ["b", "3"]]);
});

Deno.test("Producer maps keys to the same partitions as kafkajs's default partitioner", async () => {
  const PARTITIONS = 7;
  await using local = await LocalBroker.start({ config: { "num.partitions": PARTITIONS } });
  const random = new Random(1);
  const keys = Array.from({ length: 2000 }, (_, index) => {
    const bytes = random.bytes(index % 40);
    return index % 2 === 0 ? bytes : new TextEncoder().encode(btoa(String(bytes)));
  });
  const kafka = kafkaJs(local.address);
  const theirs = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await theirs.connect();
  try {
    const messages = keys.map((key) => ({ key: Buffer.from(key), value: "kafkajs" }));
    await theirs.send({ topic: "keys", messages });
  } finally {
    await theirs.disconnect();
  }
  await using client = new Client({ brokers: local.address });
  await using ours = client.producer();
  await ours.sendBatch(keys.map((key) => ({ topic: "keys", key, value: "dqueue" })));

  const partitionOf = new Map<string, Map<string, number>>();
  await using consumer = client.consumer();
  await consumer.subscribe("keys");
  for (let count = 0; count < 2 * keys.length;) {
    for (const message of await consumer.poll(1000, { timeoutMs: 30_000 })) {
      const key = message.key!.toHex();
      const placed = partitionOf.get(key) ?? new Map<string, number>();
      partitionOf.set(key, placed.set(message.text(), message.partition));
      count++;
    }
  }
  const used = new Set<number>();
  for (const [key, placed] of partitionOf) {
    assertEquals(placed.get("dqueue"), placed.get("kafkajs"), `partition of key ${key}`);
    used.add(placed.get("dqueue")!);
  }
  assertEquals(used.size, PARTITIONS);
});

/** Runs `use` with a connected admin. */
async function withAdmin(address: string, use: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = kafkaJs(address).admin();
  await admin.connect();
  try {
    await use(admin);
  } finally {
    await admin.disconnect();
  }
}

Deno.test("kafkajs's admin creates, describes, extends and deletes topics", async () => {
  await using local = await LocalBroker.start();
  await withAdmin(local.address, async (admin) => {
    const topic = { topic: "orders", numPartitions: 3, replicationFactor: 1 };
    const check = { topics: [topic], validateOnly: true, waitForLeaders: false };
    assertEquals(await admin.createTopics(check), true);
    assertEquals(await admin.listTopics(), []);
    assertEquals(await admin.createTopics({ topics: [topic] }), true);
    assertEquals(await admin.createTopics({ topics: [topic] }), false, "created again");
    assertEquals(await admin.listTopics(), ["orders"]);
    await admin.createPartitions({ topicPartitions: [{ topic: "orders", count: 5 }] });
    const { topics } = await admin.fetchTopicMetadata({ topics: ["orders"] });
    assertEquals(topics.length, 1);
    assertEquals(
      topics[0]!.partitions.map(({ partitionId, leader, isr }) => ({ partitionId, leader, isr })),
      [0, 1, 2, 3, 4].map((partitionId) => ({ partitionId, leader: 1, isr: [1] })),
    );
    const cluster = await admin.describeCluster();
    const { host, port } = local.hostPort;
    assertEquals(cluster.brokers, [{ nodeId: 1, host, port }]);
    assertEquals(cluster.controller, 1);
    assertEquals(cluster.clusterId, local.broker.clusterId);
    await admin.deleteTopics({ topics: ["orders"] });
    assertEquals(await admin.listTopics(), []);
  });
});

Deno.test("kafkajs's admin describes and alters configs", async () => {
  await using local = await LocalBroker.start();
  await withAdmin(local.address, async (admin) => {
    const configEntries = [{ name: "retention.ms", value: "1000" }];
    await admin.createTopics({ topics: [{ topic: "orders", configEntries }] });
    const describe = async (...configNames: string[]) => {
      const resource = { type: ConfigResourceTypes.TOPIC, name: "orders", configNames };
      const answer = await admin.describeConfigs({ resources: [resource], includeSynonyms: true });
      return answer.resources[0]!.configEntries;
    };
    assertEquals(await describe("retention.ms", "segment.bytes"), [
      {
        configName: "retention.ms",
        configValue: "1000",
        readOnly: false,
        isDefault: false,
        configSource: 1,
        isSensitive: false,
        configSynonyms: [
          { configName: "retention.ms", configValue: "1000", configSource: 1 },
          { configName: "log.retention.hours", configValue: "168", configSource: 5 },
        ],
      },
      {
        configName: "segment.bytes",
        configValue: "1073741824",
        readOnly: false,
        isDefault: true,
        configSource: 5,
        isSensitive: false,
        configSynonyms: [
          { configName: "log.segment.bytes", configValue: "1073741824", configSource: 5 },
        ],
      },
    ] as unknown as Awaited<ReturnType<typeof describe>>);
    const all = await describe();
    assert(all.length > 10, "every setting of the topic is described");

    await admin.alterConfigs({
      validateOnly: false,
      resources: [{
        type: ConfigResourceTypes.TOPIC,
        name: "orders",
        configEntries: [{ name: "segment.bytes", value: "4194304" }],
      }],
    });
    const values = (await describe("segment.bytes", "retention.ms")).map(
      ({ configName, configValue }) => [configName, configValue],
    );
    // AlterConfigs replaces all settings: those it does not name return to their defaults.
    assertEquals(Object.fromEntries(values), {
      "segment.bytes": "4194304",
      "retention.ms": "604800000",
    });
  });
});

Deno.test("kafkajs's admin lists offsets and deletes records", async () => {
  await using local = await LocalBroker.start();
  await withAdmin(local.address, async (admin) => {
    await admin.createTopics({ topics: [{ topic: "orders", numPartitions: 2 }] });
    const producer = kafkaJs(local.address).producer({
      createPartitioner: Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    try {
      const messages = [100, 200, 300].map((timestamp) => ({
        value: "v",
        partition: 0,
        timestamp: `${timestamp}`,
      }));
      await producer.send({ topic: "orders", messages });
    } finally {
      await producer.disconnect();
    }
    assertEquals(await admin.fetchTopicOffsets("orders"), [
      { partition: 0, offset: "3", high: "3", low: "0" },
      { partition: 1, offset: "0", high: "0", low: "0" },
    ]);
    const [first] = await admin.fetchTopicOffsetsByTimestamp("orders", 101);
    assertEquals(first, { partition: 0, offset: "1" });
    await admin.deleteTopicRecords({
      topic: "orders",
      partitions: [{ partition: 0, offset: "2" }],
    });
    const [offsets] = await admin.fetchTopicOffsets("orders");
    assertEquals(offsets, { partition: 0, offset: "3", high: "3", low: "2" });
  });
});

Deno.test("kafkajs's admin gets Kafka's errors for bad requests", async (t) => {
  await using local = await LocalBroker.start();
  const create =
    (topic: Parameters<Admin["createTopics"]>[0]["topics"][number]) => (admin: Admin) =>
      admin.createTopics({ topics: [topic] });
  const orders = { type: ConfigResourceTypes.TOPIC, name: "orders" };
  const cases: Record<string, [call: (admin: Admin) => Promise<unknown>, error: string]> = {
    "illegal name": [create({ topic: "no spaces" }), "INVALID_TOPIC_EXCEPTION"],
    "no partitions": [create({ topic: "a", numPartitions: 0 }), "INVALID_PARTITIONS"],
    "more replicas than brokers": [
      create({ topic: "a", replicationFactor: 2 }),
      "INVALID_REPLICATION_FACTOR",
    ],
    "assignment to another broker": [
      create({ topic: "a", replicaAssignment: [{ partition: 0, replicas: [7] }] }),
      "INVALID_REPLICA_ASSIGNMENT",
    ],
    "unknown setting": [
      create({ topic: "a", configEntries: [{ name: "no.such", value: "1" }] }),
      "INVALID_CONFIG",
    ],
    "fewer partitions": [
      (admin) => admin.createPartitions({ topicPartitions: [{ topic: "orders", count: 1 }] }),
      "INVALID_PARTITIONS",
    ],
    "setting of the wrong type": [
      (admin) =>
        admin.alterConfigs({
          validateOnly: false,
          resources: [{ ...orders, configEntries: [{ name: "segment.bytes", value: "much" }] }],
        }),
      "INVALID_CONFIG",
    ],
    "settings of an unknown topic": [
      (admin) =>
        admin.describeConfigs({
          resources: [{ ...orders, name: "unknown" }],
          includeSynonyms: false,
        }),
      "UNKNOWN_TOPIC_OR_PARTITION",
    ],
    "deletion of an unknown topic": [
      (admin) => admin.deleteTopics({ topics: ["unknown"] }),
      "UNKNOWN_TOPIC_OR_PARTITION",
    ],
    "records deleted beyond the end": [
      (admin) =>
        admin.deleteTopicRecords({
          topic: "orders",
          partitions: [{ partition: 0, offset: "100" }],
        }),
      "OFFSET_OUT_OF_RANGE",
    ],
  };
  await withAdmin(local.address, async (admin) => {
    await admin.createTopics({ topics: [{ topic: "orders", numPartitions: 2 }] });
    for (const [name, [call, expected]] of Object.entries(cases)) {
      await t.step(name, async () => {
        assertEquals(kafkaErrorOf(await assertRejects(() => call(admin))), expected);
      });
    }
    assertEquals(await admin.listTopics(), ["orders"]);
  });
});

/** The properties of kafkajs's errors that lead to Kafka's error. */
interface KafkaJsError extends Error {
  readonly type?: string;
  readonly errors?: readonly Error[];
  readonly partitions?: readonly { readonly error: Error }[];
}

/** Returns the name of Kafka's error inside an error of kafkajs. */
function kafkaErrorOf(error: unknown): string | undefined {
  const { type, cause, errors, partitions } = error as KafkaJsError;
  if (type !== undefined) return type;
  const inner = errors?.[0] ?? partitions?.[0]?.error ?? cause;
  return inner === undefined ? undefined : kafkaErrorOf(inner);
}
