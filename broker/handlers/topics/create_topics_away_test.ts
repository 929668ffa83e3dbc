/**
 * Tests of topics that are created while brokers are away, as in Kafka: these get replicas all the same.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { createTopics } from "../../../protocol/messages/topics/create_topics.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { batchOf } from "../../broker_testing.ts";
import { Cluster } from "../../cluster.ts";
import { Peers } from "../../peers/peers.ts";
import { tcpNetwork } from "../../peers/peer_network.ts";
import { replicaOf, stateOf, until } from "../../replication/cluster_testing.ts";
import { parseListener } from "../../settings/listener.ts";
import { systemClock } from "../../time/clock.ts";

type Asked = Partial<Parameters<typeof topicOf>[1]>;

function topicOf(
  name: string,
  { numPartitions = 1, replicationFactor = -1, assignments = [] as number[][] },
) {
  return {
    name,
    numPartitions: assignments.length > 0 ? -1 : numPartitions,
    replicationFactor,
    assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds })),
    configs: [],
  };
}

/** A cluster of three brokers, of which some can be asked. */
class Fixture implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly #peers = new Peers({ network: tcpNetwork, nodeId: 0, clock: systemClock });

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  static async start(): Promise<Fixture> {
    return new Fixture(await Cluster.start({ brokers: 3, racks: ["a", "b", "c"] }));
  }

  #peer(id: number) {
    return { id, ...parseListener(this.cluster.addresses[id - 1]!) };
  }

  /** Creates a topic at a broker; gives the error code. */
  async create(id: number, name: string, asked: Asked): Promise<number> {
    const request = { topics: [topicOf(name, asked)], timeoutMs: 5000 };
    const { topics } = await this.#peers.request(this.#peer(id), createTopics, 7, request, 10_000);
    return topics[0]!.errorCode;
  }

  async produce(id: number, name: string): Promise<number> {
    const { responses } = await this.#peers.request(this.#peer(id), produce, 9, {
      acks: -1,
      timeoutMs: 5000,
      topicData: [{ name, partitionData: [{ index: 0, records: batchOf(["x"]).bytes }] }],
    }, 10_000);
    return responses[0]!.partitionResponses[0]!.errorCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#peers.close();
    await this.cluster.close();
  }
}

for (const away of ["stopBroker", "killBroker"] as const) {
  Deno.test(`CreateTopics after ${away}() gives the broker replicas, which it copies when it is back`, async () => {
    await using fixture = await Fixture.start();
    const { cluster } = fixture;
    await cluster[away](3);
    const { NONE } = ErrorCode;
    assertEquals(await fixture.create(1, "all", { replicationFactor: 3, numPartitions: 6 }), NONE);
    for (let index = 0; index < 6; index++) {
      const { replicas, leaderId } = stateOf(cluster, "all", index);
      assertEquals([replicas.toSorted(), replicas[2]], [[1, 2, 3], 3], "last of all");
      assertEquals(leaderId, replicas[0]);
    }
    // The broker is not waited for.
    assertEquals(await fixture.produce(stateOf(cluster, "all").leaderId, "all"), NONE);
    assertEquals(stateOf(cluster, "all").isr.toSorted(), [1, 2]);
    // Fewer replicas go to those that run.
    assertEquals(await fixture.create(2, "two", { replicationFactor: 2 }), NONE);
    assertEquals(stateOf(cluster, "two").replicas.toSorted(), [1, 2]);
    await cluster.startBroker(3);
    await until(() => stateOf(cluster, "all").isr.length === 3);
    await until(() => replicaOf(cluster, 3, "all")?.highWatermark === 1);
  });
}

Deno.test("CreateTopics with an assignment may name a broker that is away, and elects another leader", async () => {
  await using fixture = await Fixture.start();
  const { cluster } = fixture;
  await cluster.stopBroker(3);
  const { NONE, INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR } = ErrorCode;
  assertEquals(await fixture.create(1, "a", { assignments: [[3, 1]] }), NONE);
  await until(() => stateOf(cluster, "a").leaderId === 1);
  assertEquals(await fixture.create(1, "b", { assignments: [[3]] }), INVALID_REPLICA_ASSIGNMENT);
  assertEquals(await fixture.create(1, "c", { assignments: [[1, 9]] }), INVALID_REPLICA_ASSIGNMENT);
  assertEquals(await fixture.create(1, "d", { replicationFactor: 4 }), INVALID_REPLICATION_FACTOR);
});
