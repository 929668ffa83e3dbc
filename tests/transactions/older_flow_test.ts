/**
 * Tests of the SDK's transactions in the flow before KIP-890, with a broker whose `transaction.version` is
 * below 2: the producer adds partitions and groups itself, and keeps its epoch.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { Broker } from "../../broker/mod.ts";
import { partsOf } from "../../broker/broker.ts";
import { Client, ProducerFencedError, TransactionAbortableError } from "../../client/mod.ts";
import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  endTxn,
  updateFeatures,
} from "../../protocol/messages/mod.ts";
import { Connection } from "../simulation/connection.ts";
import { TRANSACTION_SETTINGS } from "../support/broker/transaction_broker.ts";

/** A broker in memory. */
class Fixture implements AsyncDisposable {
  readonly broker: Broker;
  readonly client: Client;

  constructor(broker: Broker) {
    this.broker = broker;
    this.client = new Client({ broker });
  }

  static async start(level: number): Promise<Fixture> {
    const fixture = new Fixture(
      await Broker.start({ storage: "memory", config: TRANSACTION_SETTINGS }),
    );
    await fixture.setLevel(level);
    await fixture.client.admin().createTopic({ name: "a", partitions: 2 });
    return fixture;
  }

  /** Sets the level of `transaction.version`. */
  async setLevel(level: number): Promise<void> {
    const connection = new Connection(this.broker.connect(), () => true);
    const answer = await connection.request(updateFeatures, 2, {
      featureUpdates: [{
        feature: "transaction.version",
        maxVersionLevel: level,
        upgradeType: level === 2 ? 1 : 2,
      }],
    });
    assertEquals([answer?.errorCode, answer?.errorMessage], [0, null]);
    connection.cut();
  }

  /** How often an API was used. */
  count({ key }: { readonly key: number }): number {
    return partsOf(this.broker).context.counters.api(key).requests;
  }

  /** What readers of committed messages see. */
  async committed(): Promise<string[]> {
    await using consumer = this.client.consumer({ isolationLevel: "read_committed" });
    const values: string[] = [];
    for (const { partition, offset: end } of await this.client.admin().listOffsets("a")) {
      for (let offset = 0; offset < end;) {
        const { messages, nextOffset } = await consumer.fetchFrom("a", partition, offset);
        values.push(...messages.map((message) => message.text()));
        offset = nextOffset;
      }
    }
    return values;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.broker[Symbol.asyncDispose]();
  }
}

for (const level of [1, 0]) {
  Deno.test(`Transaction commits and aborts with a broker of transaction.version ${level}`, async () => {
    await using test = await Fixture.start(level);
    const { client } = test;
    const producer = client.producer({ transactionalId: "t" });
    await using consumer = client.groupConsumer({ groupId: "g", topics: "a", autoCommit: false });
    await consumer.joinGroup();
    for (const value of ["1", "2"]) {
      await using tx = await producer.begin();
      await Promise.all([0, 1].map((partition) => tx.send({ topic: "a", partition, value })));
      if (value === "2") break;
      await tx.sendOffsets(consumer, { offsets: [{ topic: "a", partition: 0, offset: 1 }] });
      await tx.commit();
    }
    {
      await using tx = await producer.begin();
      await tx.send({ topic: "a", partition: 0, value: "3" });
      await tx.commit();
    }
    assertEquals(await test.committed(), ["1", "3", "1"]);
    const offsets = await client.admin().listGroupOffsets("g");
    assertEquals(offsets.map(({ partition, offset }) => [partition, offset]), [[0, 1]]);
    assert(test.count(addPartitionsToTxn) >= 3);
    assertEquals([test.count(addOffsetsToTxn), test.count(endTxn)], [1, 3]);
    await producer.close();
  });
}

Deno.test("Producer is fenced, and recovers after a timeout, with a broker of transaction.version 1", async () => {
  await using test = await Fixture.start(1);
  const { client } = test;
  const options = { transactionalId: "t", transactionTimeoutMs: 300 };
  const producer = client.producer(options);
  const late = await producer.begin();
  await late.send({ topic: "a", value: "late" });
  const admin = client.admin();
  while ((await admin.listTransactions()).some(({ state }) => !state.startsWith("Complete"))) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assertInstanceOf(await late.commit().catch((error) => error), TransactionAbortableError);
  await late.abort();
  const tx = await producer.begin();
  await tx.send({ topic: "a", value: "in time" });
  await tx.commit();
  const open = await producer.begin();
  const other = client.producer(options);
  const next = await other.begin();
  await assertRejects(async () => {
    await open.send({ topic: "a", value: "fenced" });
    await open.commit();
  });
  assertInstanceOf(
    await open.abort().then(() => producer.begin()).catch((error) => error),
    ProducerFencedError,
  );
  await next.send({ topic: "a", value: "next" });
  await next.commit();
  assertEquals((await test.committed()).sort(), ["in time", "next"]);
  await Promise.all([producer.close(), other.close()]);
});

Deno.test("Producer uses the flow of the level that transaction.version has when it connects", async () => {
  await using test = await Fixture.start(1);
  const write = async (client: Client, value: string) => {
    const producer = client.producer({ transactionalId: "t" });
    await using tx = await producer.begin();
    await tx.send({ topic: "a", partition: 0, value });
    await tx.commit();
    await producer.close();
  };
  await write(test.client, "1");
  const added = test.count(addPartitionsToTxn);
  assert(added > 0);
  await test.setLevel(2);
  {
    await using client = new Client({ broker: test.broker });
    await write(client, "2");
  }
  assertEquals(test.count(addPartitionsToTxn), added);
  // What a client has learned before it lets it use the older flow, which is served all the same.
  await write(test.client, "3");
  assertEquals(await test.committed(), ["1", "2", "3"]);
});
