/**
 * Tests of idempotent producers that have sent more when a batch is refused for a moment.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Client } from "../../../client/mod.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { produce } from "../../../protocol/messages/records/produce.ts";
import { RawConnection } from "../../../tests/support/protocol/raw_connection.ts";
import { batchOf } from "../../broker_testing.ts";
import { Cluster } from "../../cluster.ts";
import { elect, logOf, replicaOf, stateOf, until } from "../../replication/cluster_testing.ts";

const TOPIC = "orders";
const { NONE, NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, OUT_OF_ORDER_SEQUENCE_NUMBER } =
  ErrorCode;

/** Two brokers that both have to be in sync. */
class Fixture implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly #connections: Map<number, RawConnection> = new Map();

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  static async start(): Promise<Fixture> {
    const cluster = await Cluster.start({ brokers: 2, config: { "min.insync.replicas": 2 } });
    await using client = new Client({ brokers: cluster.addresses });
    await client.admin().createTopic({ name: TOPIC, assignments: [[1, 2]] });
    const fixture = new Fixture(cluster);
    await fixture.untilInSync(2);
    return fixture;
  }

  async untilInSync(count: number): Promise<void> {
    await until(() => replicaOf(this.cluster, 1, TOPIC)?.isr.length === count);
    assertEquals(stateOf(this.cluster, TOPIC).isr.length, count);
  }

  /** Sends a batch of one record, and returns the error code. */
  async send(baseSequence: number, broker = 1, producerId = 7): Promise<number> {
    let connection = this.#connections.get(broker);
    if (connection === undefined) {
      connection = await RawConnection.connect(this.cluster.addresses[broker - 1]!);
      this.#connections.set(broker, connection);
    }
    const options = { producerId, producerEpoch: 0, baseSequence };
    const records = batchOf([`${producerId}/${baseSequence}`], options).bytes;
    const { responses } = await connection.request(produce, 7, {
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
    });
    return responses[0]!.partitionResponses[0]!.errorCode;
  }

  values(): Promise<string[]> {
    return logOf(replicaOf(this.cluster, 1, TOPIC)!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections.values()) connection[Symbol.dispose]();
    await this.cluster.close();
  }
}

Deno.test("Produce refuses what follows a batch for which too few replicas were in sync as it refused that", async () => {
  await using fixture = await Fixture.start();
  const { cluster } = fixture;
  assertEquals(await fixture.send(0), NONE);
  await cluster.stopBroker(2);
  await fixture.untilInSync(1);
  assertEquals(await fixture.send(1), NOT_ENOUGH_REPLICAS);
  await cluster.startBroker(2);
  await fixture.untilInSync(2);
  assertEquals([await fixture.send(2), await fixture.send(3)], Array(2).fill(NOT_ENOUGH_REPLICAS));
  for (const sequence of [1, 2, 3]) assertEquals(await fixture.send(sequence), NONE);
  assertEquals(await fixture.values(), ["7/0", "7/1", "7/2", "7/3"]);
});

Deno.test("Produce lets no batch of a new producer overtake one that was refused", async () => {
  await using fixture = await Fixture.start();
  const { cluster } = fixture;
  await cluster.stopBroker(2);
  await fixture.untilInSync(1);
  assertEquals(await fixture.send(0), NOT_ENOUGH_REPLICAS);
  await cluster.startBroker(2);
  await fixture.untilInSync(2);
  assertEquals(await fixture.send(1), NOT_ENOUGH_REPLICAS);
  for (const sequence of [0, 1]) assertEquals(await fixture.send(sequence), NONE);
  assertEquals(await fixture.send(5, 1, 8), NONE, "a producer whose state has expired");
  assertEquals(await fixture.values(), ["7/0", "7/1", "8/5"]);
});

Deno.test("Produce refuses what follows a batch that came before the election as it refused that", async () => {
  await using fixture = await Fixture.start();
  const { cluster } = fixture;
  assertEquals(await fixture.send(0), NONE);
  assertEquals(await fixture.send(1, 2), NOT_LEADER_OR_FOLLOWER);
  await elect(cluster, TOPIC, 2);
  await until(() => replicaOf(cluster, 2, TOPIC)?.isServed === true);
  assertEquals(await fixture.send(2, 2), NOT_LEADER_OR_FOLLOWER);
  for (const sequence of [1, 2]) assertEquals(await fixture.send(sequence, 2), NONE);
  await until(() => replicaOf(cluster, 1, TOPIC)?.logEndOffset === 3);
  assertEquals(await fixture.values(), ["7/0", "7/1", "7/2"]);
});

Deno.test("Produce tells a gap that no refusal explains", async () => {
  await using fixture = await Fixture.start();
  assertEquals(await fixture.send(0), NONE);
  assertEquals(await fixture.send(2), OUT_OF_ORDER_SEQUENCE_NUMBER);
  assertEquals(await fixture.send(1), NONE);
  assertEquals(await fixture.send(1), NONE, "a duplicate");
  assertEquals(await fixture.values(), ["7/0", "7/1"]);
});
