/**
 * Tests of `@platformatic/kafka`'s producer and admin against our broker.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { testWith } from "../support/outside.ts";
import {
  Admin,
  CompressionAlgorithms,
  ConfigResourceTypes,
  IncrementalAlterConfigOperationTypes,
  platformaticOptions,
  Producer,
} from "../support/clients/platformatic.ts";
import { READERS } from "../support/clients/readers.ts";
import { asRead, SAMPLE_MESSAGES } from "../support/clients/sample_messages.ts";

const EXPECTED = SAMPLE_MESSAGES.map(asRead);

testWith(
  "kcat",
  "platformatic's messages are read intact by kcat, SDK and CLI",
  async (kcat, t) => {
    await using local = await LocalBroker.start();
    const ways = [
      { compression: CompressionAlgorithms.NONE, idempotent: false },
      { compression: CompressionAlgorithms.NONE, idempotent: true },
      { compression: CompressionAlgorithms.GZIP, idempotent: true },
      { compression: CompressionAlgorithms.SNAPPY, idempotent: true },
      { compression: CompressionAlgorithms.LZ4, idempotent: true },
      { compression: CompressionAlgorithms.ZSTD, idempotent: true },
    ];
    for (const { compression, idempotent } of ways) {
      const topic = idempotent ? `${compression}-idempotent` : compression;
      await t.step(topic, async () => {
        const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({
          ...platformaticOptions(local.address),
          autocreateTopics: true,
          idempotent,
        });
        const messages = SAMPLE_MESSAGES.map(({ key, value, headers, timestamp }) => ({
          topic,
          partition: 0,
          // Its types do not allow null, but it can be sent.
          key: (key && Buffer.from(key)) as Buffer,
          value: (value && Buffer.from(value)) as Buffer,
          headers: new Map(
            headers.map(([name, value]) => [Buffer.from(name), Buffer.from(value)]),
          ),
          timestamp: BigInt(timestamp),
        }));
        try {
          // The last message, of 1970, is sent alone: this client miscalculates the time between two
          // messages of a batch if it is above 25 days.
          for (const part of [messages.slice(0, 4), messages.slice(4, -1), messages.slice(-1)]) {
            await producer.send({ acks: -1, compression, messages: part });
          }
        } finally {
          await producer.close();
        }
        for (const [reader, read] of Object.entries(READERS)) {
          assertEquals(await read(local.address, topic, kcat), EXPECTED, reader);
        }
      });
    }
  },
);

/** Runs `use` with an admin. */
async function withAdmin(address: string, use: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = new Admin(platformaticOptions(address));
  try {
    await use(admin);
  } finally {
    await admin.close();
  }
}

Deno.test("platformatic's admin creates, describes, extends and deletes topics", async () => {
  await using local = await LocalBroker.start();
  await withAdmin(local.address, async (admin) => {
    const [created] = await admin.createTopics({
      topics: ["orders"],
      partitions: 3,
      replicas: 1,
      configs: [{ name: "retention.ms", value: "1000" }],
    });
    const { id, configuration, ...counts } = created!;
    assertEquals(counts, { name: "orders", partitions: 3, replicas: 1 });
    assertEquals(configuration["retention.ms"], "1000");
    assertEquals(configuration["cleanup.policy"], "delete");
    assertEquals(await admin.listTopics(), ["orders"]);

    await admin.createPartitions({
      topics: [{ name: "orders", count: 5, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] }],
    });
    const metadata = await admin.metadata({ topics: ["orders"], forceUpdate: true });
    assertEquals(metadata.id, local.broker.clusterId);
    assertEquals([...metadata.brokers], [[1, { ...local.hostPort, rack: null }]]);
    const topic = metadata.topics.get("orders")!;
    assertEquals(topic.id, id);
    assertEquals(
      topic.partitions.map(({ leader, replicas, isr }) => ({ leader, replicas, isr })),
      Array.from({ length: 5 }, () => ({ leader: 1, replicas: [1], isr: [1] })),
    );
    await admin.deleteTopics({ topics: ["orders"] });
    assertEquals(await admin.listTopics(), []);
  });
});

Deno.test("platformatic's admin describes and alters configs", async () => {
  await using local = await LocalBroker.start();
  const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: "orders" };
  await withAdmin(local.address, async (admin) => {
    await admin.createTopics({ topics: ["orders"] });
    const describe = async (...configurationKeys: string[]) => {
      const resources = [{ ...resource, configurationKeys }];
      const [described] = await admin.describeConfigs({ resources, includeDocumentation: true });
      return described!.configs;
    };
    const valuesOf = async (...names: string[]) =>
      Object.fromEntries((await describe(...names)).map(({ name, value }) => [name, value]));
    for (const { name, documentation, configType } of await describe()) {
      assert(documentation, `${name} is documented`);
      assert(configType > 0, `${name} has a type`);
    }

    await admin.incrementalAlterConfigs({
      resources: [{
        ...resource,
        configs: [{
          name: "retention.ms",
          configOperation: IncrementalAlterConfigOperationTypes.SET,
          value: "5000",
        }],
      }],
    });
    assertEquals(await valuesOf("retention.ms"), { "retention.ms": "5000" });
    await admin.alterConfigs({
      resources: [{ ...resource, configs: [{ name: "segment.bytes", value: "4194304" }] }],
    });
    assertEquals(await valuesOf("retention.ms", "segment.bytes"), {
      "retention.ms": "604800000",
      "segment.bytes": "4194304",
    });
    await admin.incrementalAlterConfigs({
      resources: [{
        ...resource,
        configs: [{
          name: "segment.bytes",
          configOperation: IncrementalAlterConfigOperationTypes.DELETE,
        }],
      }],
    });
    assertEquals(await valuesOf("segment.bytes"), { "segment.bytes": "1073741824" });
  });
});

Deno.test("platformatic's admin lists offsets, deletes records and describes log directories", async () => {
  await using local = await LocalBroker.start();
  await withAdmin(local.address, async (admin) => {
    await admin.createTopics({ topics: ["orders"] });
    const producer = new Producer(platformaticOptions(local.address));
    try {
      const messages = [100n, 300n, 200n].map((timestamp) => ({
        topic: "orders",
        value: Buffer.from("v"),
        timestamp,
      }));
      await producer.send({ acks: -1, messages });
    } finally {
      await producer.close();
    }
    const offsetAt = async (timestamp: bigint) => {
      const partitions = [{ partitionIndex: 0, timestamp }];
      const [topic] = await admin.listOffsets({ topics: [{ name: "orders", partitions }] });
      const { offset, timestamp: found } = topic!.partitions[0]!;
      return [offset, found];
    };
    assertEquals(await offsetAt(-2n), [0n, -1n], "earliest");
    assertEquals(await offsetAt(-1n), [3n, -1n], "latest");
    assertEquals(await offsetAt(-3n), [1n, 300n], "largest timestamp");
    assertEquals(await offsetAt(101n), [1n, 300n]);
    assertEquals(await offsetAt(301n), [-1n, -1n]);

    const partitions = [{ partition: 0, offset: 2n }];
    assertEquals(await admin.deleteRecords({ topics: [{ name: "orders", partitions }] }), [
      { name: "orders", partitions: [{ partition: 0, lowWatermark: 2n }] },
    ]);
    assertEquals(await offsetAt(-2n), [2n, -1n], "earliest after deletion");

    const [described] = await admin.describeLogDirs({
      topics: [{ name: "orders", partitions: [0] }],
    });
    const [folder] = described!.results;
    assertEquals(folder!.logDir, local.dataPath);
    assert(folder!.topics[0]!.partitions[0]!.partitionSize > 0n);
  });
});

Deno.test("platformatic's admin gets Kafka's errors for bad requests", async (t) => {
  await using local = await LocalBroker.start();
  const orders = { resourceType: ConfigResourceTypes.TOPIC, resourceName: "orders" };
  const cases: Record<string, [call: (admin: Admin) => Promise<unknown>, error: string]> = {
    "existing topic": [
      (admin) => admin.createTopics({ topics: ["orders"] }),
      "TOPIC_ALREADY_EXISTS",
    ],
    "illegal name": [
      (admin) => admin.createTopics({ topics: ["no spaces"] }),
      "INVALID_TOPIC_EXCEPTION",
    ],
    "more replicas than brokers": [
      (admin) => admin.createTopics({ topics: ["a"], replicas: 2 }),
      "INVALID_REPLICATION_FACTOR",
    ],
    "unknown setting": [
      (admin) => admin.createTopics({ topics: ["a"], configs: [{ name: "no.such", value: "1" }] }),
      "INVALID_CONFIG",
    ],
    "fewer partitions": [
      (admin) =>
        admin.createPartitions({ topics: [{ name: "orders", count: 1, assignments: [] }] }),
      "INVALID_PARTITIONS",
    ],
    "assignments that do not match the new partitions": [
      (admin) =>
        admin.createPartitions({ topics: [{ name: "orders", count: 3, assignments: [] }] }),
      "INVALID_REPLICA_ASSIGNMENT",
    ],
    "setting of the wrong type": [
      (admin) =>
        admin.incrementalAlterConfigs({
          resources: [{
            ...orders,
            configs: [{
              name: "segment.bytes",
              configOperation: IncrementalAlterConfigOperationTypes.SET,
              value: "much",
            }],
          }],
        }),
      "INVALID_CONFIG",
    ],
    "settings of an unknown topic": [
      (admin) =>
        admin.describeConfigs({
          resources: [{ ...orders, resourceName: "unknown", configurationKeys: [] }],
        }),
      "UNKNOWN_TOPIC_OR_PARTITION",
    ],
    "deletion of an unknown topic": [
      (admin) => admin.deleteTopics({ topics: ["unknown"] }),
      "UNKNOWN_TOPIC_OR_PARTITION",
    ],
    "records deleted beyond the end": [
      (admin) =>
        admin.deleteRecords({
          topics: [{ name: "orders", partitions: [{ partition: 0, offset: 100n }] }],
        }),
      "OFFSET_OUT_OF_RANGE",
    ],
  };
  await withAdmin(local.address, async (admin) => {
    await admin.createTopics({ topics: ["orders"], partitions: 2 });
    for (const [name, [call, expected]] of Object.entries(cases)) {
      await t.step(name, async () => {
        assertEquals(kafkaErrorOf(await assertRejects(() => call(admin))), expected);
      });
    }
    assertEquals(await admin.listTopics(), ["orders"]);
  });
});

/** Returns the name of Kafka's error inside an error of platformatic. */
function kafkaErrorOf(error: unknown): string | undefined {
  const { apiId, errors = [] } = error as { apiId?: string; errors?: readonly Error[] };
  if (typeof apiId === "string") return apiId;
  for (const inner of errors) {
    const found = kafkaErrorOf(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}
