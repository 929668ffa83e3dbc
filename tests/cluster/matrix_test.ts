/**
 * Tests of all clients against all brokers of a cluster of processes: three brokers over three members of
 * etcd, and topics with three replicas.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { BrokerCluster } from "../support/broker/broker_cluster.ts";
import { attempt, dqueue } from "../support/broker/dqueue.ts";
import {
  type Admin as KafkaJsAdmin,
  ConfigResourceTypes,
  kafkaJs,
  Partitioners,
} from "../support/clients/kafkajs.ts";
import { Kcat } from "../support/clients/kcat.ts";
import {
  Admin as PlatformaticAdmin,
  ConfigResourceTypes as PlatformaticResourceTypes,
  IncrementalAlterConfigOperationTypes,
  platformaticOptions,
  Producer as PlatformaticProducer,
  stringSerializers,
} from "../support/clients/platformatic.ts";
import { GroupLoad } from "../support/groups/group_load.ts";
import type { MemberKind } from "../support/groups/group_member.ts";
import { WorkingGroup } from "../support/groups/working_group.ts";
import { outside, testWith } from "../support/outside.ts";

const PARTITIONS = 12;
const REPLICAS = 3;
const FLAGS = [
  ...["--offsets-topic-num-partitions", "6"],
  ...["--group-initial-rebalance-delay-ms", "100ms"],
  ...["--group-min-session-timeout-ms", "1s"],
  ...["--group-consumer-session-timeout-ms", "3s"],
  ...["--group-consumer-heartbeat-interval-ms", "200ms"],
];
const RACKS = ["r1", "r2", "r3"];

/** What a client sees of a cluster: ids of brokers; of each partition the leader, and how many are in sync. */
interface View {
  readonly brokers: readonly number[];
  readonly leaders: readonly number[];
  readonly inSync: readonly number[];
}

/** A client that administers through one broker. */
interface Administrator {
  create(topic: string): Promise<unknown>;
  /** Sets `retention.ms`. */
  retain(topic: string, ms: number): Promise<unknown>;
  /** Adds partitions up to a number. */
  grow(topic: string, count: number): Promise<unknown>;
  delete(topic: string): Promise<unknown>;
  view(topic: string): Promise<View>;
  topics(): Promise<readonly string[]>;
}

type UseAdministrator = (
  address: string,
  use: (administrator: Administrator) => Promise<void>,
) => Promise<void>;

const withSdk: UseAdministrator = async (address, use) => {
  await using client = new Client({ brokers: address });
  const admin = client.admin();
  await use({
    create: (name) => admin.createTopic({ name, partitions: PARTITIONS, replicas: REPLICAS }),
    retain: (name, ms) => admin.alterConfigs({ type: "topic", name }, { "retention.ms": `${ms}` }),
    grow: (name, count) => admin.createPartitions(name, count),
    delete: (name) => admin.deleteTopic(name),
    view: async (name) => {
      const { brokers } = await admin.describeCluster();
      const { partitions } = await admin.describeTopic(name);
      return {
        brokers: brokers.map(({ id }) => id),
        leaders: partitions.map(({ leaderId }) => leaderId),
        inSync: partitions.map(({ isr }) => isr.length),
      };
    },
    topics: async () => (await admin.listTopics()).map(({ name }) => name),
  });
};

const withKafkaJs: UseAdministrator = async (address, use) => {
  const admin: KafkaJsAdmin = kafkaJs(address).admin();
  await admin.connect();
  try {
    await use({
      create: (topic) => {
        const counts = { numPartitions: PARTITIONS, replicationFactor: REPLICAS };
        return admin.createTopics({ topics: [{ topic, ...counts }] });
      },
      retain: (name, ms) => {
        const configEntries = [{ name: "retention.ms", value: `${ms}` }];
        const resources = [{ type: ConfigResourceTypes.TOPIC, name, configEntries }];
        return admin.alterConfigs({ validateOnly: false, resources });
      },
      grow: (topic, count) => admin.createPartitions({ topicPartitions: [{ topic, count }] }),
      delete: (topic) => admin.deleteTopics({ topics: [topic] }),
      view: async (topic) => {
        const { brokers } = await admin.describeCluster();
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
        const { partitions } = topics[0]!;
        partitions.sort((a, b) => a.partitionId - b.partitionId);
        return {
          brokers: brokers.map(({ nodeId }) => nodeId),
          leaders: partitions.map(({ leader }) => leader),
          inSync: partitions.map(({ isr }) => isr.length),
        };
      },
      topics: () => admin.listTopics(),
    });
  } finally {
    await admin.disconnect();
  }
};

const withPlatformatic: UseAdministrator = async (address, use) => {
  const admin = new PlatformaticAdmin(platformaticOptions(address));
  const metadata = (topics: string[]) => admin.metadata({ topics, forceUpdate: true });
  try {
    await use({
      create: (topic) =>
        admin.createTopics({ topics: [topic], partitions: PARTITIONS, replicas: REPLICAS }),
      retain: (resourceName, ms) =>
        admin.incrementalAlterConfigs({
          resources: [{
            resourceType: PlatformaticResourceTypes.TOPIC,
            resourceName,
            configs: [{
              name: "retention.ms",
              configOperation: IncrementalAlterConfigOperationTypes.SET,
              value: `${ms}`,
            }],
          }],
        }),
      grow: async (name, count) => {
        const before = (await metadata([name])).topics.get(name)!.partitionsCount;
        // It sends an empty list, which is wrong, where other clients send none.
        const assignments = Array.from(
          { length: count - before },
          () => ({ brokerIds: [2, 3, 1] }),
        );
        await admin.createPartitions({ topics: [{ name, count, assignments }] });
      },
      delete: (topic) => admin.deleteTopics({ topics: [topic] }),
      view: async (name) => {
        const { brokers, topics } = await metadata([name]);
        const { partitions } = topics.get(name)!;
        return {
          brokers: [...brokers.keys()],
          leaders: partitions.map(({ leader }) => leader),
          inSync: partitions.map(({ isr }) => isr.length),
        };
      },
      topics: () => admin.listTopics(),
    });
  } finally {
    await admin.close();
  }
};

const withCli: UseAdministrator = async (address, use) => {
  const run = (...args: string[]) => dqueue([...args, "-b", address]);
  await use({
    create: (topic) =>
      run("topic", "create", topic, "--partitions", `${PARTITIONS}`, "--replicas", `${REPLICAS}`),
    retain: (topic, ms) => run("topic", "alter", topic, "--set", `retention.ms=${ms}`),
    grow: (topic, count) => run("topic", "add-partitions", topic, "--to", `${count}`),
    delete: (topic) => run("topic", "delete", topic, "--yes"),
    view: async (topic) => {
      const { brokers } = JSON.parse(await run("cluster", "info", "--output", "json"));
      const [{ partitions }] = JSON.parse(
        await run("topic", "describe", topic, "--output", "json"),
      );
      return {
        brokers: brokers.map(({ id }: { id: number }) => id),
        leaders: partitions.map(({ leader }: { leader: number }) => leader),
        inSync: partitions.map(({ isr }: { isr: number[] }) => isr.length),
      };
    },
    topics: async () => {
      const topics = JSON.parse(await run("topic", "list", "--output", "json"));
      return topics.map(({ name }: { name: string }) => name);
    },
  });
};

const ADMINISTRATORS: Record<string, UseAdministrator> = {
  "SDK": withSdk,
  "kafkajs": withKafkaJs,
  "platformatic": withPlatformatic,
  "CLI": withCli,
};

/** Writes values through a broker. */
type Writer = (address: string, topic: string, values: readonly string[]) => Promise<void>;

const writeWithSdk: Writer = async (address, topic, values) => {
  await using client = new Client({ brokers: address });
  await client.producer().sendBatch(
    values.map((value, i) => ({ topic, partition: i % PARTITIONS, value })),
  );
};

const writeWithKafkaJs: Writer = async (address, topic, values) => {
  const producer = kafkaJs(address).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  try {
    const messages = values.map((value, i) => ({ value, partition: i % PARTITIONS }));
    await producer.send({ topic, messages });
  } finally {
    await producer.disconnect();
  }
};

const writeWithPlatformatic: Writer = async (address, topic, values) => {
  const producer = new PlatformaticProducer({
    ...platformaticOptions(address),
    serializers: stringSerializers,
  });
  try {
    const messages = values.map((value, i) => ({ topic, value, partition: i % PARTITIONS }));
    await producer.send({ messages });
  } finally {
    await producer.close();
  }
};

const writeWithCli: Writer = async (address, topic, values) => {
  await dqueue(["produce", topic, "-b", address], { input: `${values.join("\n")}\n` });
};

/** Writes values with all clients through all brokers, and returns them. */
async function writeAll(cluster: BrokerCluster, topic: string, kcat: string): Promise<string[]> {
  const writers: Record<string, Writer> = {
    "SDK": writeWithSdk,
    "kafkajs": writeWithKafkaJs,
    "platformatic": writeWithPlatformatic,
    "CLI": writeWithCli,
    "kcat": (address, topic, values) =>
      new Kcat(kcat, address).produce(topic, `${values.join("\n")}\n`),
  };
  const written: string[] = [];
  for (const [name, write] of Object.entries(writers)) {
    for (const [at, address] of cluster.addresses.entries()) {
      const values = Array.from({ length: 2 * PARTITIONS }, (_, i) => `${name} ${at} ${i}`);
      await write(address, topic, values);
      written.push(...values);
    }
  }
  return written.sort();
}

/** What kcat sees: the broker that it asked names all brokers with their addresses. */
async function viewWithKcat(kcat: string, address: string, topic: string): Promise<View> {
  const output = await new Kcat(kcat, address).run(["-L", "-J", "-t", topic]);
  const { brokers, topics } = JSON.parse(new TextDecoder().decode(output));
  return {
    brokers: brokers.map(({ id }: { id: number }) => id),
    leaders: topics[0].partitions.map(({ leader }: { leader: number }) => leader),
    inSync: topics[0].partitions.map(({ isrs }: { isrs: unknown[] }) => isrs.length),
  };
}

function assertEven({ brokers, leaders, inSync }: View, name: string): void {
  assertEquals([...brokers].sort(), [1, 2, 3], name);
  const counts = [1, 2, 3].map((id) => leaders.filter((leader) => leader === id).length);
  assertEquals(counts, [4, 4, 4], name);
  assertEquals(new Set(inSync), new Set([REPLICAS]), name);
}

/** A group whose members join through different brokers reads all that is written meanwhile. */
async function consumeInGroup(
  cluster: BrokerCluster,
  kinds: readonly [MemberKind, MemberKind, MemberKind],
  kcat: string,
): Promise<void> {
  const { addresses } = cluster;
  const topic = `work-${crypto.randomUUID()}`;
  await using client = new Client({ brokers: addresses });
  const admin = client.admin();
  await admin.createTopic({ name: topic, partitions: PARTITIONS, replicas: REPLICAS });
  await using producer = client.producer();
  await using load = new GroupLoad(producer, topic, PARTITIONS);
  const options = { kind: kinds[0], kcat, address: addresses[0]!, topic, groupId: topic };
  await using group = new WorkingGroup(options, PARTITIONS);
  for (const [at, kind] of kinds.entries()) group.add(1, kind, addresses[at]);
  await group.untilShared();
  await load.stop();
  await group.untilProcessed(load.ends);
  await group.untilCommitted(admin, (offset, partition) => offset >= load.ends[partition]!);
  group.assertProcessed(load.written);
  group.assertOwnedOnce();
}

testWith(
  ["etcd", "kcat"].find((program) => outside(program) === undefined) ?? "etcd",
  "Cluster of 3 brokers and 3 members of etcd serves all clients through any broker",
  async (_, t) => {
    const [etcd, kcat] = [outside("etcd")!, outside("kcat")!];
    await using cluster = await BrokerCluster.start({ etcd, flags: FLAGS, racks: RACKS });
    const { addresses } = cluster;
    await using client = new Client({ brokers: addresses });
    const sdk = client.admin();
    const retentionOf = async (name: string) => {
      const configs = await sdk.describeConfigs({ type: "topic", name });
      return configs.find((config) => config.name === "retention.ms")!.value;
    };

    for (const [name, administer] of Object.entries(ADMINISTRATORS)) {
      await t.step(`${name} administers`, async () => {
        for (const [at, address] of addresses.entries()) {
          const topic = `${name.toLowerCase()}-${at}`;
          await administer(address, async (administrator) => {
            await administrator.create(topic);
            for (const other of addresses) {
              await withSdk(
                other,
                async ({ view }) => assertEven(await view(topic), `at ${other}`),
              );
            }
            assertEven(await administrator.view(topic), name);
            await administrator.retain(topic, 123_456);
            assertEquals(await retentionOf(topic), "123456");
            await administrator.grow(topic, PARTITIONS + 2);
            assertEquals((await administrator.view(topic)).leaders.length, PARTITIONS + 2);
            await administrator.delete(topic);
            assert(!(await administrator.topics()).includes(topic));
          });
        }
        assertEquals(await sdk.listTopics(), []);
      });
    }
    await t.step("cluster info names brokers, racks and the controller", async () => {
      for (const address of addresses) {
        const info = JSON.parse(
          await dqueue(["cluster", "info", "-b", address, "--output", "json"]),
        );
        assertEquals(
          info.brokers,
          addresses.map((each, at) => {
            const [host, port] = each.split(":");
            return { id: at + 1, host, port: Number(port), rack: RACKS[at] };
          }),
        );
        assert([1, 2, 3].includes(info.controller));
      }
    });
    await t.step("all clients produce, and kcat, SDK and CLI read everything", async () => {
      await sdk.createTopic({ name: "all", partitions: PARTITIONS, replicas: REPLICAS });
      const written = await writeAll(cluster, "all", kcat);
      for (const address of addresses) {
        assertEven(await viewWithKcat(kcat, address, "all"), `kcat at ${address}`);
        const withKcat = new TextDecoder().decode(await new Kcat(kcat, address).consume("all"));
        assertEquals(withKcat.trimEnd().split("\n").sort(), written);
        const withCli = await dqueue(["consume", "all", "-b", address, "-o", "start", "-e"]);
        assertEquals(withCli.trimEnd().split("\n").sort(), written);
      }
    });
    await t.step("CLI reads in a group, each time through another broker", async () => {
      await sdk.createTopic({ name: "rounds", partitions: PARTITIONS, replicas: REPLICAS });
      for (const [at, address] of addresses.entries()) {
        const values = Array.from({ length: 50 }, (_, i) => `${at} ${i}`).sort();
        await writeWithSdk(addresses[(at + 1) % 3]!, "rounds", values);
        const read = await dqueue(["consume", "rounds", "-g", "rounds", "-e", "-b", address]);
        assertEquals(read.trimEnd().split("\n").sort(), values);
        const described = await attempt(["group", "describe", "rounds", "-b", address]);
        assertEquals(described.code, 0, described.stderr);
      }
    });
    const groups: [MemberKind, MemberKind, MemberKind][] = [
      ["kcat", "sdk", "kcat"],
      ["sdk", "sdk", "sdk"],
      ["sdk with KIP-848", "sdk with KIP-848", "sdk with KIP-848"],
      ["kafkajs", "kafkajs", "kafkajs"],
      ["platformatic", "platformatic", "platformatic"],
      ["platformatic with KIP-848", "platformatic with KIP-848", "platformatic with KIP-848"],
    ];
    for (const kinds of groups) {
      await t.step(
        `${[...new Set(kinds)].join(" and ")} share a group`,
        () => consumeInGroup(cluster, kinds, kcat),
      );
    }
  },
);
