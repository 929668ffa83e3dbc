/**
 * Administration of a broker that is killed meanwhile: trimming topics, committing group offsets, creating
 * and deleting topics. Each chore repeats its work in the background, and checks at the end that the
 * broker kept its promises.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type Admin, type Client, KafkaError, type Producer } from "../../../client/mod.ts";

/** Repeats some work until it is stopped, on a broker that is killed and restarted. */
abstract class Chore {
  readonly #stop = new AbortController();
  readonly #working: Promise<void>;
  #count = 0;

  constructor(client: Client) {
    // After the constructors of subclasses.
    this.#working = Promise.resolve().then(() => this.#work(client.admin()));
  }

  async #work(admin: Admin): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.turn(admin, this.#count);
        this.#count++;
      } catch (error) {
        // The broker is down, or was killed before it answered.
        if (!(error instanceof KafkaError)) throw error;
      }
    }
  }

  /** How often the work was done. */
  get count(): number {
    return this.#count;
  }

  /** Does the work once. */
  protected abstract turn(admin: Admin, count: number): Promise<void>;

  /** Stops. Resolves when the current round has ended. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#working;
    assert(this.#count > 0, `${this.constructor.name} was never done`);
  }
}

/** Deletes the older part of a topic's records, up to offsets within segments. */
export class TrimmingChore extends Chore {
  readonly #topic: string;
  #logStartOffset = 0;

  constructor(client: Client, topic: string) {
    super(client);
    this.#topic = topic;
  }

  protected override async turn(admin: Admin, count: number): Promise<void> {
    const [end] = await admin.listOffsets(this.#topic, "latest");
    const [start] = await admin.listOffsets(this.#topic, "earliest");
    assert(start!.offset >= this.#logStartOffset, "the start of a log went back");
    const before = count % 10 === 9 ? "latest" : Math.floor((start!.offset + 2 * end!.offset) / 3);
    const [deleted] = await admin.deleteRecords(this.#topic, { 0: before });
    this.#logStartOffset = deleted!.lowWatermark;
  }
}

/** Commits growing offsets for groups that have no members. */
export class CommittingChore extends Chore {
  readonly #topic: string;
  readonly #committed: Map<string, number> = new Map();

  constructor(client: Client, topic: string) {
    super(client);
    this.#topic = topic;
  }

  protected override async turn(admin: Admin, count: number): Promise<void> {
    const group = `group-${count % 7}`;
    await admin.alterGroupOffsets(group, [{ topic: this.#topic, partition: 0, offset: count }]);
    this.#committed.set(group, count);
  }

  /** Fails if a group has lost what it had committed. */
  async check(admin: Admin): Promise<void> {
    for (const [group, offset] of this.#committed) {
      const [found] = await admin.listGroupOffsets(group);
      assert(found !== undefined && found.offset >= offset, `${group} had committed ${offset}`);
    }
  }
}

/** Creates topics, writes to some of them, makes them larger, and deletes them after a while. */
export class ChurningChore extends Chore {
  readonly #producer: Producer;
  readonly #created: string[] = [];

  constructor(client: Client, producer: Producer) {
    super(client);
    this.#producer = producer;
  }

  protected override async turn(admin: Admin, count: number): Promise<void> {
    // Names are reused, when a crash may have left parts of the previous topic.
    const name = `churn-${count % 5}`;
    if (this.#created.includes(name)) {
      await ignoring("UNKNOWN_TOPIC_OR_PARTITION", admin.deleteTopic(name));
      this.#created.splice(this.#created.indexOf(name), 1);
    }
    const configs = { "file.delete.delay.ms": count % 2 === 0 ? 0 : 60_000 };
    await ignoring("TOPIC_ALREADY_EXISTS", admin.createTopic({ name, partitions: 2, configs }));
    this.#created.push(name);
    if (count % 3 > 0) await this.#producer.send({ topic: name, value: name });
  }

  /** Fails unless all topics that are there can be written to. */
  async verify(): Promise<void> {
    for (const topic of this.#created) {
      const { offset } = await this.#producer.send({ topic, partition: 0, value: "last" });
      assertEquals(offset >= 0, true);
    }
  }
}

/** Waits for a change of metadata that an attempt before a crash may have made already. */
async function ignoring(code: string, change: Promise<unknown>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!(error instanceof KafkaError && error.code === code)) throw error;
  }
}
