/**
 * The SDK's GroupConsumer against the real broker: shares of the work, take-over, and commits.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { Broker } from "../broker/mod.ts";
import { Client, type GroupConsumer, type GroupConsumerOptions } from "../client/mod.ts";

const TOPIC = "work";
const PARTITIONS = 4;

type Protocol = NonNullable<GroupConsumerOptions["protocol"]>;

/** A broker with a topic of four partitions, and a client of it. */
class Fixture implements AsyncDisposable {
  readonly broker: Broker;
  readonly client: Client;

  private constructor(broker: Broker, client: Client) {
    this.broker = broker;
    this.client = client;
  }

  static async start(): Promise<Fixture> {
    const broker = await Broker.start({
      storage: "memory",
      config: { "group.initial.rebalance.delay.ms": 50 },
    });
    const client = new Client({ broker });
    await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
    return new Fixture(broker, client);
  }

  async produce(from: number, to: number): Promise<void> {
    await using producer = this.client.producer({ linger: 0 });
    const messages = [];
    for (let i = from; i < to; i++) {
      messages.push({ topic: TOPIC, partition: i % PARTITIONS, value: String(i) });
    }
    await producer.sendBatch(messages);
  }

  member(consumerId: string, options: Partial<GroupConsumerOptions> = {}): GroupConsumer {
    return this.client.groupConsumer({
      groupId: "workers",
      topics: [TOPIC],
      consumerId,
      sessionTimeout: 6000,
      heartbeatInterval: 100,
      autoOffsetReset: "earliest",
      autoCommit: false,
      ...options,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.broker.close();
  }
}

/** Polls members in turn until they have read `count` different messages, each at least once. */
async function readAll(members: readonly GroupConsumer[], count: number): Promise<number[]> {
  const values = new Set<number>();
  while (values.size < count) {
    for (const member of members) {
      for (const message of await member.poll(100, { timeout: 50 })) {
        values.add(Number(message.text()));
      }
    }
  }
  return [...values].sort((a, b) => a - b);
}

function partitionsOf(member: GroupConsumer): number[] {
  return member.assignment.map(({ partition }) => partition).sort((a, b) => a - b);
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

Deno.test("GroupConsumer shares four partitions among three by round-robin: 0 and 3, 1, 2", async () => {
  await using fixture = await Fixture.start();
  const assignors: GroupConsumerOptions["assignors"] = ["roundrobin"];
  await using c1 = fixture.member("c1", { assignors });
  await using c2 = fixture.member("c2", { assignors });
  await using c3 = fixture.member("c3", { assignors });
  await Promise.all([c1, c2, c3].map((member) => member.joinGroup()));
  await fixture.produce(0, 40);
  assertEquals(await readAll([c1, c2, c3], 40), numbers(0, 40));
  assertEquals([c1, c2, c3].map(partitionsOf), [[0, 3], [1], [2]]);
});

for (const protocol of ["classic", "consumer"] satisfies Protocol[]) {
  Deno.test(`GroupConsumer goes on from the group's commits (${protocol})`, async () => {
    await using fixture = await Fixture.start();
    await fixture.produce(0, 20);
    {
      await using first = fixture.member("first", { protocol });
      await first.joinGroup();
      assertEquals(await readAll([first], 20), numbers(0, 20));
      await first.commit();
    }
    await fixture.produce(20, 30);
    await using second = fixture.member("second", { protocol });
    await second.joinGroup();
    assertEquals(await readAll([second], 10), numbers(20, 30));
  });

  Deno.test(`GroupConsumer's standby takes over when a member leaves (${protocol})`, async () => {
    await using fixture = await Fixture.start();
    const members = ["a", "b", "c", "d", "e"].map((id) => fixture.member(id, { protocol }));
    await Promise.all(members.map((member) => member.joinGroup()));
    await fixture.produce(0, 40);
    assertEquals(await readAll(members, 40), numbers(0, 40));
    await Promise.all(members.map((member) => member.commit()));
    const owner = members.find((member) => member.assignment.length > 0)!;
    await owner.leaveGroup();
    const left = members.filter((member) => member !== owner);
    await fixture.produce(40, 80);
    assertEquals(await readAll(left, 40), numbers(40, 80));
    await Promise.all(left.map((member) => member.leaveGroup()));
  });
}
