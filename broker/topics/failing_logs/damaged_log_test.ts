/**
 * Tests of partitions of which a replica finds its log damaged, on brokers in memory.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { Client } from "../../../client/mod.ts";
import type { MemoryFileSystem } from "../../../storage/mod.ts";
import { CorruptRecordError } from "../../../protocol/records/errors.ts";
import { partsOf } from "../../broker.ts";
import { Cluster } from "../../cluster.ts";
import { elect, logOf, replicaOf, stateOf, until } from "../../replication/cluster_testing.ts";

const TOPIC = "orders";
const COUNT = 20;

/** Two brokers or more, of which the first has damaged records of the topic. */
class Fixture implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly client: Client;

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.client = new Client({ brokers: cluster.addresses });
  }

  /** @param minInSync `min.insync.replicas`. */
  static async start(replicas = [1, 2], minInSync = 1): Promise<Fixture> {
    const cluster = await Cluster.start({
      brokers: replicas.length,
      config: { "batch.cache.bytes": 0, "min.insync.replicas": minInSync },
    });
    const fixture = new Fixture(cluster);
    await fixture.client.admin().createTopic({ name: TOPIC, assignments: [replicas] });
    for (let i = 0; i < COUNT; i++) await fixture.write();
    fixture.#damage();
    // Batches are checked when they are read for the first time.
    await cluster.stopBroker(1);
    await cluster.startBroker(1);
    await fixture.untilInSync(replicas.length);
    const [leader] = replicas as [number];
    if (stateOf(cluster, TOPIC).leaderId !== leader) await elect(cluster, TOPIC, leader);
    await until(() => replicaOf(cluster, leader, TOPIC)?.isServed === true);
    await until(() => replicaOf(cluster, 1, TOPIC)?.highWatermark === COUNT);
    return fixture;
  }

  async write(): Promise<void> {
    await this.client.producer().send({ topic: TOPIC, partition: 0, value: "x".repeat(1000) });
  }

  async untilInSync(count: number): Promise<void> {
    await until(() => stateOf(this.cluster, TOPIC).isr.length === count);
  }

  #damage(): void {
    const { fs, path } = partsOf(this.cluster.broker(1)!).directory;
    const file = `${path}/${TOPIC}-0/00000000000000000000.log`;
    const bytes = (fs as MemoryFileSystem).readFileSync(file).slice();
    bytes[500]! ^= 1;
    (fs as MemoryFileSystem).writeFileSync(file, bytes);
  }

  /** Reads the damaged record as a consumer does. */
  async readDamaged(): Promise<void> {
    const options = { maxBytes: 100_000, minOneBatch: true, isolationLevel: 0 };
    const partition = replicaOf(this.cluster, 1, TOPIC)!;
    await assertRejects(async () => await partition.read(0, options), CorruptRecordError);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.cluster.close();
  }
}

Deno.test("A leader whose log is damaged leaves the partition to another, and copies the records again", async () => {
  await using fixture = await Fixture.start();
  const { cluster } = fixture;
  await fixture.readDamaged();
  await until(() => stateOf(cluster, TOPIC).leaderId === 2);
  await fixture.write();
  await fixture.untilInSync(2);
  assertEquals((await logOf(replicaOf(cluster, 1, TOPIC)!)).length, COUNT + 1);
  await elect(cluster, TOPIC, 1);
  await until(() => replicaOf(cluster, 1, TOPIC)?.isServed === true);
  await fixture.write();
});

Deno.test("A leader whose log is damaged stays while no other replica is in sync, and loses nothing then", async () => {
  await using fixture = await Fixture.start();
  const { cluster } = fixture;
  await cluster.stopBroker(2);
  await fixture.untilInSync(1);
  await fixture.readDamaged();
  await fixture.write();
  assertEquals(stateOf(cluster, TOPIC).leaderId, 1);
  const { logEndOffset } = replicaOf(cluster, 1, TOPIC)!;
  assertEquals(logEndOffset, COUNT + 1);
});

Deno.test("A follower whose log is damaged leaves the ISR, and copies the records again", async () => {
  await using fixture = await Fixture.start([2, 1]);
  const { cluster } = fixture;
  const { leaderEpoch } = stateOf(cluster, TOPIC);
  await fixture.readDamaged();
  await until(() => stateOf(cluster, TOPIC).leaderEpoch > leaderEpoch);
  await fixture.untilInSync(2);
  assertEquals(stateOf(cluster, TOPIC).leaderId, 2);
  await fixture.write();
  const replica = replicaOf(cluster, 1, TOPIC)!;
  assertEquals((await logOf(replica)).length, COUNT + 1);
  assertEquals(replica.log.firstLostOffset, undefined);
});

Deno.test("A follower whose log is damaged stays while others would be too few, and leaves once they are not", async () => {
  await using fixture = await Fixture.start([2, 1, 3], 2);
  const { cluster } = fixture;
  await cluster.stopBroker(3);
  await fixture.untilInSync(2);
  const { leaderEpoch } = stateOf(cluster, TOPIC);
  await fixture.readDamaged();
  await fixture.write();
  assertEquals(stateOf(cluster, TOPIC).leaderEpoch, leaderEpoch);
  await cluster.startBroker(3);
  await until(() => stateOf(cluster, TOPIC).leaderEpoch > leaderEpoch);
  await fixture.untilInSync(3);
  const replica = replicaOf(cluster, 1, TOPIC)!;
  assertEquals((await logOf(replica)).length, COUNT + 1);
});

Deno.test("A leader whose log is damaged leaves the partition once another replica is in sync", async () => {
  await using fixture = await Fixture.start();
  const { cluster } = fixture;
  await cluster.stopBroker(2);
  await fixture.untilInSync(1);
  await fixture.readDamaged();
  await fixture.write();
  await cluster.startBroker(2);
  await until(() => stateOf(cluster, TOPIC).leaderId === 2);
  await fixture.untilInSync(2);
  assertEquals((await logOf(replicaOf(cluster, 1, TOPIC)!)).length, COUNT + 1);
});
