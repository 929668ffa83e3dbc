import { assertEquals, assertGreater } from "@std/assert";
import { ErrorCode } from "../../protocol/errors.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import { createPartitions } from "../../protocol/messages/topics/create_partitions.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { deleteTopics } from "../../protocol/messages/topics/delete_topics.ts";
import { fetch } from "../../protocol/messages/records/fetch.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { alterClientQuotas } from "../../protocol/messages/security/alter_client_quotas.ts";
import { RawConnection } from "../../tests/support/protocol/raw_connection.ts";
import { batchOf } from "../../tests/support/protocol/records.ts";
import {
  createTopic,
  FETCH_BY_NAME,
  fetchRequest,
  PRODUCE_BY_NAME,
  produceRequest,
} from "../../tests/support/protocol/requests.ts";
import { Broker } from "../broker.ts";
import { ManualClock } from "../time/clock.ts";

const RATE = 100_000;
const RECORDS = batchOf(["x".repeat(RATE)]);

/** A broker whose time stands still, a client with a quota, and a neighbour without. */
class World implements AsyncDisposable {
  readonly clock: ManualClock;
  readonly broker: Broker;
  readonly client: RawConnection;
  readonly neighbour: RawConnection;

  private constructor(
    clock: ManualClock,
    broker: Broker,
    client: RawConnection,
    neighbour: RawConnection,
  ) {
    this.clock = clock;
    this.broker = broker;
    this.client = client;
    this.neighbour = neighbour;
  }

  static async start(quotas: Readonly<Record<string, number>>): Promise<World> {
    const clock = new ManualClock();
    const broker = await Broker.start({ storage: "memory", listen: "127.0.0.1:0", clock });
    const { host, port } = broker.addresses[0]!;
    const address = `${host}:${port}`;
    const neighbour = await RawConnection.connect(address, "neighbour");
    await createTopic(neighbour, "t");
    const { entries } = await neighbour.request(alterClientQuotas, 1, {
      entries: [{
        entity: [{ entityType: "client-id", entityName: "limited" }],
        ops: Object.entries(quotas).map(([key, value]) => ({ key, value, remove: false })),
      }],
      validateOnly: false,
    });
    assertEquals(entries[0]!.errorCode, ErrorCode.NONE);
    return new World(clock, broker, await RawConnection.connect(address, "limited"), neighbour);
  }

  async produce(connection: RawConnection): Promise<number> {
    const request = produceRequest("t", RECORDS, { acks: 1 });
    const { throttleTimeMs, responses } = await connection.request(
      produce,
      PRODUCE_BY_NAME,
      request,
    );
    assertEquals(responses[0]!.partitionResponses[0]!.errorCode, ErrorCode.NONE);
    return throttleTimeMs;
  }

  /** Whether the limited client gets an answer to what it has sent before the clock moves on. */
  async isAnswered(answer: Promise<unknown>): Promise<boolean> {
    let isAnswered = false;
    answer.then(() => isAnswered = true);
    // The broker reads sockets in turns, so that what could be answered is.
    for (let i = 0; i < 3; i++) await this.produce(this.neighbour);
    return isAnswered;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    this.neighbour.close();
    await this.broker.abort();
  }
}

Deno.test("Connection over producer_byte_rate is told to wait, and not read meanwhile (KIP-219)", async () => {
  await using world = await World.start({ "producer_byte_rate": RATE });
  const { client, clock } = world;
  const throttleMs = await world.produce(client);
  // The request is a little larger than the limit; a quarter of a second was saved up.
  assertGreater(throttleMs, 750);
  assertEquals(throttleMs < 760, true);
  assertEquals(await world.produce(world.neighbour), 0);
  const second = world.produce(client);
  assertEquals(await world.isAnswered(second), false);
  clock.advance(throttleMs);
  assertGreater(await second, 1000 - 10);
});

Deno.test("Connection without answers, of acks=0, is not read either while its client is over its quota", async () => {
  await using world = await World.start({ "producer_byte_rate": RATE });
  const { client, clock } = world;
  const request = produceRequest("t", RECORDS, { acks: 0 });
  await client.send(produce, PRODUCE_BY_NAME, request, { isAnswered: false });
  const answer = client.request(metadata, 12, { topics: null });
  assertEquals(await world.isAnswered(answer), false);
  clock.advance(1000);
  assertEquals((await answer).throttleTimeMs, 0);
});

Deno.test("Fetch over consumer_byte_rate gets a second's worth, then nothing until the debt is paid", async () => {
  await using world = await World.start({ "consumer_byte_rate": RATE * 2 });
  const { client, clock, neighbour } = world;
  for (let i = 0; i < 5; i++) await world.produce(neighbour);
  const get = (connection: RawConnection) =>
    connection.request(fetch, FETCH_BY_NAME, fetchRequest("t", 0, { partitionMaxBytes: 1 << 30 }));
  const bytesOf = ({ responses }: Awaited<ReturnType<typeof get>>) =>
    responses[0]?.partitions[0]?.records?.length ?? 0;
  const { host, port } = world.broker.addresses[0]!;
  using second = await RawConnection.connect(`${host}:${port}`, "limited");
  const first = await get(client);
  assertEquals(bytesOf(first), RECORDS.length);
  assertEquals(first.throttleTimeMs > 240 && first.throttleTimeMs < 260, true);
  // Another connection of the same client is in debt, too.
  const throttled = await get(second);
  assertEquals([throttled.errorCode, bytesOf(throttled)], [ErrorCode.NONE, 0]);
  assertEquals(throttled.throttleTimeMs, first.throttleTimeMs);
  assertEquals(bytesOf(await get(neighbour)), RECORDS.length * 5);
  const again = get(client);
  assertEquals(await world.isAnswered(again), false);
  clock.advance(first.throttleTimeMs);
  assertEquals(bytesOf(await again), RECORDS.length);
});

Deno.test("CreateTopics and DeleteTopics beyond controller_mutation_rate are refused, or done and then throttled (KIP-599)", async () => {
  await using world = await World.start({ "controller_mutation_rate": 1 });
  const { client, clock } = world;
  const create = async (version: number, names: readonly string[], partitions: number) => {
    const topic = { numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] };
    const topics = names.map((name) => ({ name, ...topic }));
    const answer = await client.request(createTopics, version, { topics, timeoutMs: 1000 });
    return [answer.throttleTimeMs, answer.topics.map(({ errorCode }) => errorCode)];
  };
  const { NONE, THROTTLING_QUOTA_EXCEEDED, TOPIC_ALREADY_EXISTS } = ErrorCode;
  // Eleven changes are saved up. One that fails does not count.
  assertEquals(await create(7, ["t"], 100), [0, [TOPIC_ALREADY_EXISTS]]);
  assertEquals(await create(7, ["a", "b", "c"], 7), [
    3000,
    [NONE, NONE, THROTTLING_QUOTA_EXCEEDED],
  ]);
  clock.advance(3000);
  assertEquals(await create(5, ["d"], 4), [4000, [NONE]]);
  clock.advance(4000);
  assertEquals(await create(5, ["e"], 1), [1000, [NONE]]);
  clock.advance(1000);
  const { throttleTimeMs, responses } = await client.request(deleteTopics, 5, {
    topicNames: ["a", "b"],
    timeoutMs: 1000,
  });
  assertEquals(throttleTimeMs, 7000);
  assertEquals(responses.map(({ errorCode }) => errorCode), [NONE, THROTTLING_QUOTA_EXCEEDED]);
});

Deno.test("CreateTopics and CreatePartitions that only validate count for controller_mutation_rate, as in Kafka", async () => {
  await using world = await World.start({ "controller_mutation_rate": 1 });
  const { client, clock } = world;
  const topic = { numPartitions: 11, replicationFactor: 1, assignments: [], configs: [] };
  const create = async (version: number, name: string) => {
    const { throttleTimeMs, topics } = await client.request(createTopics, version, {
      topics: [{ name, ...topic }],
      timeoutMs: 1000,
      validateOnly: true,
    });
    return [throttleTimeMs, topics[0]!.errorCode];
  };
  const grow = async (version: number) => {
    const { throttleTimeMs, results } = await client.request(createPartitions, version, {
      topics: [{ name: "t", count: 4, assignments: null }],
      timeoutMs: 1000,
      validateOnly: true,
    });
    return [throttleTimeMs, results[0]!.errorCode];
  };
  const { NONE, THROTTLING_QUOTA_EXCEEDED } = ErrorCode;
  assertEquals(await create(7, "a"), [0, NONE]);
  assertEquals(await grow(3), [0, NONE]);
  assertEquals(await grow(3), [3000, THROTTLING_QUOTA_EXCEEDED]);
  clock.advance(3000);
  assertEquals(await create(5, "b"), [11_000, NONE]);
  clock.advance(11_000);
  assertEquals(await grow(2), [3000, NONE]);
});

Deno.test("Quotas that are next to nothing are told as the longest time that an answer can have", async () => {
  const longest = 2 ** 31 - 1;
  await using world = await World.start({
    "controller_mutation_rate": 1e-9,
    "consumer_byte_rate": 1e-7,
  });
  const { client, clock, neighbour } = world;
  await world.produce(neighbour);
  const read = await client.request(fetch, FETCH_BY_NAME, fetchRequest("t", 0));
  assertEquals(read.throttleTimeMs, longest);
  clock.advance(30_000);
  const topic = { numPartitions: 5, replicationFactor: 1, assignments: [], configs: [] };
  const create = (version: number, name: string) =>
    client.request(createTopics, version, { topics: [{ name, ...topic }], timeoutMs: 1000 });
  const done = await create(5, "a");
  assertEquals([done.throttleTimeMs, done.topics[0]!.errorCode], [longest, ErrorCode.NONE]);
  clock.advance(30_000);
  const refused = await create(7, "b");
  assertEquals(refused.throttleTimeMs, longest);
  assertEquals(refused.topics[0]!.errorCode, ErrorCode.THROTTLING_QUOTA_EXCEEDED);
});

Deno.test("Connection that is muted is neither idle nor stalled, and ends with the broker", async () => {
  await using world = await World.start({ "producer_byte_rate": 1 });
  const { client, clock } = world;
  // One mute is bounded; the debt remains.
  assertEquals(await world.produce(client), 30_000);
  const second = world.produce(client);
  for (let i = 0; i < 29; i++) clock.advance(1000);
  assertEquals(await world.isAnswered(second), false);
  clock.advance(1000);
  assertEquals(await second, 30_000);
});
