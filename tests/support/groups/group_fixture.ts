/**
 * A broker, a topic, and members of our SDK that record their events.
 *
 * @module
 */

import type { BrokerSettings } from "../../../broker/mod.ts";
import {
  Client,
  type EmbeddedBroker,
  type GroupConsumer,
  type GroupConsumerOptions,
  type Message,
  type TopicPartition,
} from "../../../client/mod.ts";
import { RestartableBroker } from "../broker/embedded_broker.ts";
import { within } from "../within.ts";

/** The group that all members belong to. */
export const GROUP = "workers";

/** The topic that all members read. */
export const TOPIC = "work";

/** Broker settings that make groups quick. */
const QUICK: Partial<BrokerSettings> = {
  "group.initial.rebalance.delay.ms": 0,
  "group.min.session.timeout.ms": 100,
  "group.consumer.session.timeout.ms": 1000,
  "group.consumer.heartbeat.interval.ms": 50,
};

/** A callback that a member received. */
export interface GroupEvent {
  readonly member: string;
  readonly type: "assigned" | "revoked" | "lost";
  readonly partitions: readonly number[];
}

/** The fixture of tests of groups. */
export class GroupFixture implements AsyncDisposable {
  readonly broker: RestartableBroker;
  readonly client: Client;
  /** The callbacks that members received, in order. */
  readonly events: GroupEvent[] = [];
  readonly #clients: Client[] = [];
  #checks = new Set<() => void>();

  private constructor(broker: RestartableBroker) {
    this.broker = broker;
    this.client = this.connect(broker);
  }

  /** Starts a broker with a topic of `partitions` partitions. */
  static async start(
    partitions: number,
    config: Partial<BrokerSettings> = {},
  ): Promise<GroupFixture> {
    const fixture = new GroupFixture(await RestartableBroker.start({ ...QUICK, ...config }));
    await fixture.client.admin().createTopic({ name: TOPIC, partitions });
    return fixture;
  }

  /**
   * Makes a client with a route of its own to the broker. It is closed with the fixture.
   *
   * @param timeoutMs How long its operations may take, in milliseconds; short for one that will be cut off.
   */
  connect(broker: EmbeddedBroker, timeoutMs: number = 30_000): Client {
    const retry = { initialBackoffMs: 5, maxBackoffMs: 50 };
    const client = new Client({ broker, timeoutMs, retry });
    this.#clients.push(client);
    return client;
  }

  /** Makes a member with a short heartbeat interval. */
  member(
    id: string,
    options: Partial<GroupConsumerOptions> = {},
    client: Client = this.client,
  ): GroupConsumer {
    const tell =
      (type: GroupEvent["type"], callback?: (p: readonly TopicPartition[]) => unknown) =>
      async (places: readonly TopicPartition[]) => {
        const partitions = places.map(({ partition }) => partition).sort((a, b) => a - b);
        this.events.push({ member: id, type, partitions });
        await callback?.(places);
        this.check();
      };
    return client.groupConsumer({
      groupId: GROUP,
      topics: TOPIC,
      consumerId: id,
      sessionTimeoutMs: 2000,
      heartbeatIntervalMs: 20,
      autoCommitIntervalMs: 20,
      ...options,
      onAssigned: tell("assigned", options.onAssigned),
      onRevoked: tell("revoked", options.onRevoked),
      onLost: tell("lost", options.onLost),
      onStatus: (status) => {
        options.onStatus?.(status);
        this.check();
      },
    });
  }

  /** Sends values, one after the other, to a partition. */
  async send(partition: number, ...values: readonly (string | null)[]): Promise<void> {
    await using producer = this.client.producer({ lingerMs: 0 });
    await producer.sendBatch(values.map((value) => ({ topic: TOPIC, partition, value })));
  }

  /** Returns the committed offset of each partition; −1 where there is none. */
  async committed(partitions: number): Promise<number[]> {
    const places = Array.from({ length: partitions }, (_, partition) => ({
      topic: TOPIC,
      partition,
    }));
    const offsets = await this.client.admin().listGroupOffsets(GROUP, { partitions: places });
    return offsets.map(({ offset }) => offset);
  }

  /** Checks the awaited conditions again. */
  check(): void {
    for (const check of [...this.#checks]) check();
  }

  /** Waits for a condition that is checked when the status of a member changes. */
  async until(condition: () => boolean, what: string): Promise<void> {
    const met = Promise.withResolvers<void>();
    const check = () => {
      if (condition()) met.resolve();
    };
    this.#checks.add(check);
    check();
    try {
      await within(met.promise, what);
    } finally {
      this.#checks.delete(check);
    }
  }

  /** Waits until members have the expected numbers of partitions and the group is stable. */
  async untilShared(members: readonly GroupConsumer[], shares: readonly number[]): Promise<void> {
    const wanted = [...shares].sort().join();
    await this.until(
      () =>
        members.every(({ status: { state } }) => state === "reading" || state === "standby") &&
        members.map(({ assignment }) => assignment.length).sort().join() === wanted &&
        new Set(members.flatMap(numbersOf)).size === shares.reduce((sum, share) => sum + share, 0),
      `shares of ${wanted}`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.broker[Symbol.asyncDispose]();
  }
}

/** The partitions that a member has. */
export function numbersOf(consumer: GroupConsumer): number[] {
  return consumer.assignment.map(({ partition }) => partition).sort((a, b) => a - b);
}

/** The values of messages. */
export function valuesOf(messages: readonly Message[]): string[] {
  return messages.map((message) => message.text());
}

/** Polls until `count` messages have arrived. */
export async function pollAll(consumer: GroupConsumer, count: number): Promise<Message[]> {
  const messages: Message[] = [];
  while (messages.length < count) {
    const polled = consumer.poll(count - messages.length, { timeoutMs: 50_000 });
    messages.push(...await within(polled, `${count} messages`));
  }
  return messages;
}
