/**
 * Chaos test of groups of SDK members: at random, connections end, members die, leave, hang and join,
 * partitions are paused, and the broker is restarted. Then the faults stop, and every message must be
 * processed and committed.
 *
 * A seed repeats the faults, though not their timing. `DQUEUE_TEST_GROUP_CHAOS_MS` sets how long they last.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { DqueueError, type GroupConsumer, type GroupConsumerOptions } from "../../client/mod.ts";
import { Random } from "../../protocol/random_testing.ts";
import { eachSeed } from "../../protocol/seeds_testing.ts";
import { CuttableBroker } from "../support/broker/embedded_broker.ts";
import { GroupFixture, TOPIC } from "../support/groups/group_fixture.ts";
import { within } from "../support/within.ts";

const PARTITIONS = 5;
const MEMBERS = 3;
const DURATION_MS = Number(Deno.env.get("DQUEUE_TEST_GROUP_CHAOS_MS") ?? 1000);

const WAYS: readonly (readonly [name: string, options: Partial<GroupConsumerOptions>])[] = [
  ["eager", { assignors: ["range"] }],
  ["cooperative", { assignors: ["cooperative-sticky"] }],
  ["KIP-848", { protocol: "consumer" }],
];

/** A member that processes messages like a program until it is closed or killed. */
class Worker {
  readonly consumer: GroupConsumer;
  readonly #cut: CuttableBroker;
  readonly #done: (partition: number, value: number) => void;
  readonly #random: Random;
  readonly #working: Promise<void>;
  #isEnding = false;
  /** Errors that were reported to the program. */
  readonly errors: unknown[] = [];

  constructor(
    fixture: GroupFixture,
    id: string,
    options: Partial<GroupConsumerOptions>,
    random: Random,
    done: (partition: number, value: number) => void,
  ) {
    this.#cut = new CuttableBroker(fixture.broker);
    this.#random = random;
    this.#done = done;
    this.consumer = fixture.member(id, {
      sessionTimeoutMs: 1000,
      maxWaitMs: 20,
      maxPartitionBytes: 200,
      ...options,
      autoCommit: random.next() < 0.5,
    }, fixture.connect(this.#cut, 1000));
    this.#working = this.#work();
  }

  async #work(): Promise<void> {
    const { consumer } = this;
    while (!this.#isEnding) {
      try {
        // Its client is not patient: joining fails for good while the broker takes long to start.
        if (["failed", "left"].includes(consumer.status.state)) await consumer.joinGroup();
        const messages = await consumer.poll(7, { timeoutMs: 50 });
        if (this.#random.next() < 0.2) await pause(this.#random.next() * 20);
        if (this.#isEnding) return;
        for (const message of messages) this.#done(message.partition, Number(message.text()));
        if (this.#random.next() < 0.5) await consumer.commit();
      } catch (error) {
        if (this.#isEnding) return;
        this.errors.push(error);
        await pause(5);
      }
    }
  }

  disconnect(): void {
    this.#cut.disconnect();
  }

  /** Pauses its partitions, or resumes them. */
  pauseOrResume(): void {
    const paused = new Set(this.consumer.paused.map(({ partition }) => partition));
    for (const { topic, partition } of this.consumer.assignment) {
      if (paused.has(partition)) this.consumer.resume(topic, partition);
      else if (this.#random.next() < 0.5) this.consumer.pause(topic, partition);
    }
  }

  resume(): void {
    for (const { topic, partition } of this.consumer.paused) this.consumer.resume(topic, partition);
  }

  /** Dies without leaving the group: its connections are cut and its results dropped. */
  async kill(): Promise<void> {
    this.#isEnding = true;
    this.#cut.cut();
    await this.consumer.close();
    await this.#working;
  }

  /** Leaves the group and closes. */
  async close(): Promise<void> {
    this.#isEnding = true;
    await this.#working;
    await this.consumer.close();
  }
}

/** Lets time pass, which is one of the faults. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

for (const [way, options] of WAYS) {
  Deno.test(`GroupConsumer processes every message under random faults (${way})`, async (t) => {
    await eachSeed(t, 1, async (seed) => {
      const random = new Random(seed);
      await using fixture = await GroupFixture.start(PARTITIONS);
      const processed = Array.from({ length: PARTITIONS }, () => new Set<number>());
      const done = (partition: number, value: number) => {
        processed[partition]!.add(value);
        fixture.check();
      };
      let started = 0;
      const start = () => new Worker(fixture, `m${started++}`, options, random, done);
      const workers = Array.from({ length: MEMBERS }, start);
      const ended: Promise<void>[] = [];
      const counts = new Array<number>(PARTITIONS).fill(0);
      const send = async () => {
        const partition = Math.floor(random.next() * PARTITIONS);
        const values = Array.from(
          { length: Math.ceil(random.next() * 20) },
          () => counts[partition]!++,
        );
        await fixture.send(partition, ...values.map(String));
      };

      const actions: readonly (readonly [weight: number, act: () => Promise<void> | void])[] = [
        [20, send],
        [6, () => anyOf(workers).disconnect()],
        [4, () => anyOf(workers).pauseOrResume()],
        [2, () => replace((worker) => worker.close())],
        [2, () => replace((worker) => worker.kill())],
        [1, async () => {
          await fixture.broker.stop();
          await pause(random.next() * 50);
          await fixture.broker.start();
        }],
      ];
      const total = actions.reduce((sum, [weight]) => sum + weight, 0);
      const until = performance.now() + DURATION_MS;
      while (performance.now() < until) {
        let dice = random.next() * total;
        const [, act] = actions.find(([weight]) => (dice -= weight) < 0)!;
        await act();
        await pause(random.next() * 30);
      }

      await send();
      const resuming = setInterval(() => workers.forEach((worker) => worker.resume()), 20);
      try {
        await fixture.until(
          () => processed.every(({ size }, partition) => size === counts[partition]),
          "all messages",
        );
        await within(untilCommitted(fixture, counts), `commits of ${counts}`);
      } catch (error) {
        throw new Error(`${(error as Error).message}\n${describe(workers)}`, { cause: error });
      } finally {
        clearInterval(resuming);
        await Promise.all([...ended, ...workers.map((worker) => worker.close())]);
      }
      for (const { errors } of workers) {
        assertEquals(errors.filter((error) => !(error instanceof DqueueError)), []);
      }

      function anyOf<T>(list: readonly T[]): T {
        return list[Math.floor(random.next() * list.length)]!;
      }

      function replace(end: (worker: Worker) => Promise<void>): void {
        const [worker] = workers.splice(Math.floor(random.next() * workers.length), 1);
        ended.push(end(worker!));
        workers.push(start());
      }
    });
  });
}

async function untilCommitted(fixture: GroupFixture, ends: readonly number[]): Promise<void> {
  while (`${await fixture.committed(PARTITIONS)}` !== `${ends}`) await pause(20);
}

function describe(workers: readonly Worker[]): string {
  return workers.map(({ consumer, errors }) => {
    const { state, waitingFor, error } = consumer.status;
    const partitions = consumer.assignment.map(({ partition }) =>
      `${partition}@${consumer.position(TOPIC, partition)}`
    );
    return `${state} on ${partitions}, waits for ${waitingFor}; ${error}; reported ${
      errors.slice(-3)
    }`;
  }).join("\n");
}
