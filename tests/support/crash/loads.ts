/**
 * Loads on a broker that is killed meanwhile. Each records what the broker promised, and checks at the end
 * that it was kept.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import {
  type Client,
  type Consumer,
  KafkaError,
  type Message,
  type NewTopic,
  type Producer,
} from "../../../client/mod.ts";

/** Messages of a load that are in flight at a time. */
const IN_FLIGHT = 100;

/** Load on a topic of its own. */
export interface CrashLoad {
  /** The topic it needs. */
  readonly topic: NewTopic;
  /** Sends until `count` more messages are acknowledged, and returns with others in flight. */
  run(acks: number): Promise<void>;
  /** Called after each start of the broker. */
  check?(client: Client): Promise<void>;
  /** Resolves when everything that was sent is acknowledged or has failed. */
  finish(): Promise<void>;
  /** Fails unless everything that was promised is there. */
  verify(client: Client): Promise<void>;
}

/** Reads a topic: for each partition the values by offset, from the log start offset. */
export async function readTopic(
  client: Client,
  topic: string,
  partitions: number,
): Promise<{ messages: Message[]; logStartOffset: number }[]> {
  await using consumer = client.consumer();
  const read = [];
  for (let partition = 0; partition < partitions; partition++) {
    read.push(await readPartition(client, consumer, topic, partition));
  }
  return read;
}

async function readPartition(
  client: Client,
  consumer: Consumer,
  topic: string,
  partition: number,
): Promise<{ messages: Message[]; logStartOffset: number }> {
  const messages: Message[] = [];
  let logStartOffset = await startOf(client, topic, partition);
  let offset = logStartOffset;
  try {
    for (let end = Infinity; offset < end;) {
      const fetched = await consumer.fetchFrom(topic, partition, offset);
      for (const message of fetched.messages) messages[message.offset] = message;
      offset = fetched.nextOffset;
      end = fetched.highWatermark;
      logStartOffset = fetched.logStartOffset;
    }
    return { messages, logStartOffset };
  } catch (error) {
    const isGone = error instanceof KafkaError && error.code === "OFFSET_OUT_OF_RANGE";
    // The segment may have been deleted since the request.
    if (!isGone || await startOf(client, topic, partition) <= offset) throw error;
    return await readPartition(client, consumer, topic, partition);
  }
}

async function startOf(client: Client, topic: string, partition: number): Promise<number> {
  const partitions = [partition];
  const [found] = await client.admin().listOffsets(topic, "earliest", { partitions });
  return found!.offset;
}

/** Keeps sending numbered messages, and notes where they were acknowledged. */
abstract class SendingLoad implements CrashLoad {
  abstract readonly topic: NewTopic;
  readonly #producer: Producer;
  readonly #sending = new Set<Promise<void>>();
  #acknowledged = 0;
  #sent = 0;

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  get sent(): number {
    return this.#sent;
  }

  async run(acks: number): Promise<void> {
    const end = this.#acknowledged + acks;
    while (this.#acknowledged < end) {
      while (this.#sending.size < IN_FLIGHT) this.#send(this.#sent++);
      await Promise.race(this.#sending);
    }
  }

  async finish(): Promise<void> {
    await Promise.all(this.#sending);
  }

  #send(number: number): void {
    const partition = number % this.topic.partitions!;
    const key = this.keyOf(number);
    const sending = this.#producer.send({
      topic: this.topic.name,
      partition,
      key,
      value: `${number} ${"x".repeat(number % 200)}`,
    }).then(({ offset }) => {
      this.acknowledged(number, partition, offset);
      this.#acknowledged++;
      this.#sending.delete(sending);
    });
    this.#sending.add(sending);
  }

  protected keyOf(_number: number): string | null {
    return null;
  }

  protected abstract acknowledged(number: number, partition: number, offset: number): void;

  abstract verify(client: Client): Promise<void>;
}

/** The number in a message. */
export function numberOf(message: Message): number {
  return Number.parseInt(message.text());
}

/** An idempotent producer: every message is there exactly once, in order, at its acknowledged offset. */
export class IdempotentLoad extends SendingLoad {
  readonly topic: NewTopic = {
    name: "ours",
    partitions: 3,
    configs: { "internal.segment.bytes": 100_000 },
  };
  readonly #offsets: number[][] = [[], [], []];

  protected override acknowledged(number: number, partition: number, offset: number): void {
    this.#offsets[partition]![offset] = number;
  }

  async verify(client: Client): Promise<void> {
    const partitions = await readTopic(client, "ours", 3);
    for (const [partition, { messages }] of partitions.entries()) {
      const found = messages.map(numberOf);
      const sent = Array.from({ length: this.sent }, (_, number) => number)
        .filter((number) => number % 3 === partition);
      assertEquals(found, sent, `partition ${partition} has each once, in order`);
      assertEquals(
        this.#offsets[partition],
        found,
        `partition ${partition} has them where it said`,
      );
    }
  }
}

/**
 * A producer that is not idempotent: acknowledged messages are there, others may be missing or there twice.
 * Every offset has a message, and every message was sent.
 */
export class PlainLoad extends SendingLoad {
  readonly topic: NewTopic = { name: "plain", partitions: 2 };
  readonly #offsets: number[][] = [[], []];

  protected override acknowledged(number: number, partition: number, offset: number): void {
    this.#offsets[partition]![offset] = number;
  }

  async verify(client: Client): Promise<void> {
    const partitions = await readTopic(client, "plain", 2);
    for (const [partition, { messages }] of partitions.entries()) {
      for (let offset = 0; offset < messages.length; offset++) {
        const message = messages[offset];
        assert(message !== undefined, `plain-${partition} has a hole at offset ${offset}`);
        const number = numberOf(message);
        assert(number % 2 === partition && number < this.sent);
      }
      for (const [offset, number] of Object.entries(this.#offsets[partition]!)) {
        assertEquals(numberOf(messages[Number(offset)]!), number, `offset ${offset}`);
      }
    }
  }
}

/** A topic with retention: all records from the log start offset are there, and that never moves back. */
export class RetainedLoad extends SendingLoad {
  readonly topic: NewTopic = {
    name: "retained",
    partitions: 1,
    configs: {
      "internal.segment.bytes": 30_000,
      "retention.bytes": 60_000,
      "file.delete.delay.ms": 0,
      "preallocate": true,
    },
  };
  readonly #offsets: number[] = [];
  #logStartOffset = 0;

  protected override acknowledged(number: number, _partition: number, offset: number): void {
    this.#offsets[offset] = number;
  }

  async check(client: Client): Promise<void> {
    const start = await startOf(client, this.topic.name, 0);
    assert(start >= this.#logStartOffset, `starts at ${start}, before at ${this.#logStartOffset}`);
    this.#logStartOffset = start;
  }

  async verify(client: Client): Promise<void> {
    await this.check(client);
    const { messages, logStartOffset } = (await readTopic(client, this.topic.name, 1))[0]!;
    assert(logStartOffset > 0, "nothing was deleted");
    for (let offset = logStartOffset; offset < messages.length; offset++) {
      assert(messages[offset] !== undefined, `there is a hole at offset ${offset}`);
    }
    for (const [offset, number] of Object.entries(this.#offsets)) {
      if (Number(offset) < logStartOffset) continue;
      assertEquals(numberOf(messages[Number(offset)]!), number, `offset ${offset}`);
    }
  }
}

/** Like `RetainedLoad`, for a topic whose records are deleted by DeleteRecords. */
export class TrimmedLoad extends RetainedLoad {
  override readonly topic: NewTopic = {
    name: "trimmed",
    partitions: 1,
    configs: { "internal.segment.bytes": 20_000, "file.delete.delay.ms": 0 },
  };
}

/** A compacted topic: the last acknowledged message of each key is there, or a later one. */
export class CompactedLoad extends SendingLoad {
  readonly topic: NewTopic = {
    name: "compacted",
    partitions: 1,
    configs: {
      "cleanup.policy": "compact",
      "internal.segment.bytes": 20_000,
      "min.cleanable.dirty.ratio": 0.1,
      "file.delete.delay.ms": 0,
    },
  };
  readonly #offsets: number[] = [];
  /** The last number of each key that was acknowledged. */
  readonly #latest = new Map<string, number>();

  protected override keyOf(number: number): string {
    return `key ${number * number % 13}`;
  }

  protected override acknowledged(number: number, _partition: number, offset: number): void {
    this.#offsets[offset] = number;
    const key = this.keyOf(number);
    this.#latest.set(key, Math.max(number, this.#latest.get(key) ?? -1));
  }

  async verify(client: Client): Promise<void> {
    const { messages } = (await readTopic(client, "compacted", 1))[0]!;
    const found = new Map<string, number>();
    let count = 0;
    messages.forEach((message) => {
      const number = numberOf(message);
      assertEquals(message.keyText(), this.keyOf(number));
      assertEquals(this.#offsets[message.offset] ?? number, number, `offset ${message.offset}`);
      found.set(message.keyText()!, number);
      count++;
    });
    assertEquals(found, this.#latest);
    assert(count < this.sent, "nothing was compacted");
  }
}

/** Reads a topic while it is written: messages are seen in order, and all seen ones are there at the end. */
export class Tail {
  readonly #topic: string;
  readonly #partition: number;
  readonly #seen: number[] = [];
  readonly #stop = new AbortController();
  readonly #reading: Promise<void>;

  constructor(client: Client, topic: string, partition: number) {
    this.#topic = topic;
    this.#partition = partition;
    this.#reading = this.#read(client);
  }

  async #read(client: Client): Promise<void> {
    await using consumer = client.consumer();
    const { signal } = this.#stop;
    await consumer.subscribe(this.#topic, this.#partition, (message) => {
      assertEquals(message.offset, this.#seen.length, "a consumer sees each offset once");
      this.#seen.push(numberOf(message));
    }, { from: "earliest", signal });
  }

  /** Stops reading, and compares the seen messages with the topic. */
  async verify(client: Client): Promise<void> {
    this.#stop.abort();
    await this.#reading;
    const partitions = await readTopic(client, this.#topic, this.#partition + 1);
    const there = partitions[this.#partition]!.messages.map(numberOf);
    assert(this.#seen.length > 0);
    assertEquals(there.slice(0, this.#seen.length), this.#seen);
  }
}
