/**
 * A broker that is killed under load.
 *
 * Two idempotent producers, our SDK's and librdkafka's in kcat, write through it all. In the end every
 * message is there once, in the order it was sent, at the offset that was acknowledged. `DQUEUE_KILLS`
 * asks for another number of kills.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { Client, type Producer } from "../client/mod.ts";
import { BrokerProcess } from "./support/broker_process.ts";
import { Kcat } from "./support/kcat.ts";
import { testWith } from "./support/outside.ts";
import { TemporaryFolder } from "./support/temporary_folder.ts";
import { within } from "./support/within.ts";

const KILLS = Number(Deno.env.get("DQUEUE_KILLS") ?? 3);
const PARTITIONS = 3;
/** Messages of the SDK that are always under way, and acknowledgements between two kills. */
const IN_FLIGHT = 300;
const ACKS_PER_KILL = 1500;

/** Keeps a producer busy, and notes what was acknowledged. */
class Load {
  readonly #producer: Producer;
  readonly #sending = new Set<Promise<void>>();
  #sent = 0;
  /** Numbers that were acknowledged, by partition and offset. */
  readonly acknowledged: number[][] = Array.from({ length: PARTITIONS }, () => []);
  #acknowledgedCount = 0;

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  get sent(): number {
    return this.#sent;
  }

  /** Sends until so many more messages are acknowledged, and leaves with others under way. */
  async run(acks: number): Promise<void> {
    const end = this.#acknowledgedCount + acks;
    while (this.#acknowledgedCount < end) {
      while (this.#sending.size < IN_FLIGHT) this.#send(this.#sent++);
      await Promise.race(this.#sending);
    }
  }

  /** Resolves when everything that was sent is acknowledged. */
  async finish(): Promise<void> {
    await Promise.all(this.#sending);
  }

  #send(number: number): void {
    const value = `${number} ${"x".repeat(number % 200)}`;
    const partition = number % PARTITIONS;
    const sending = this.#producer.send({ topic: "ours", partition, value }).then(({ offset }) => {
      this.acknowledged[partition]![offset] = number;
      this.#acknowledgedCount++;
      this.#sending.delete(sending);
    });
    this.#sending.add(sending);
  }
}

/** Writes numbered lines to kcat, from one call to the next. */
class KcatLoad {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #sent = 0;

  constructor(kcat: string, address: string) {
    const args = ["-P", "-t", "kcats", "-X", "enable.idempotence=true"];
    this.#child = new Deno.Command(kcat, {
      args: ["-b", address, ...args, "-X", "broker.address.family=v4", "-X", "linger.ms=1", "-E"],
      stdin: "piped",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
  }

  get sent(): number {
    return this.#sent;
  }

  async send(count: number): Promise<void> {
    const lines = Array.from({ length: count }, () => `${this.#sent++}\n`);
    await this.#writer.write(new TextEncoder().encode(lines.join("")));
  }

  /** Resolves when kcat has ended, which it does once all is acknowledged. */
  async finish(): Promise<void> {
    await this.#writer.close();
    const { code, stderr } = await within(this.#child.output(), "kcat to end", 120_000);
    assertEquals(code, 0, new TextDecoder().decode(stderr));
  }
}

/** The values in each partition of a topic. */
async function valuesOf(client: Client, topic: string, partitions: number): Promise<string[][]> {
  await using consumer = client.consumer();
  const values: string[][] = [];
  for (let partition = 0; partition < partitions; partition++) {
    const found: string[] = [];
    for (let offset = 0, end = 1; offset < end;) {
      const fetched = await consumer.fetchFrom(topic, partition, offset);
      for (const message of fetched.messages) found[message.offset] = message.text();
      offset = fetched.nextOffset;
      end = fetched.highWatermark;
    }
    values.push(found);
  }
  return values;
}

testWith("kcat", `Broker killed ${KILLS} times under load has every message once`, async (kcat) => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  let broker = await BrokerProcess.start({ data });
  try {
    const listen = broker.address;
    await using client = new Client({ brokers: listen });
    const configs = { "segment.bytes": 100_000 };
    await client.admin().createTopic({ name: "ours", partitions: PARTITIONS, configs });
    await client.admin().createTopic({ name: "kcats" });
    await using producer = client.producer();
    const load = new Load(producer);
    const kcatLoad = new KcatLoad(kcat, listen);
    for (let kill = 0; kill < KILLS; kill++) {
      const acks = ACKS_PER_KILL / 2 + Math.floor(Math.random() * ACKS_PER_KILL);
      for (let count = 0; count < acks; count += 100) {
        await kcatLoad.send(100);
        await load.run(100);
      }
      await broker.kill();
      broker = await BrokerProcess.start({ data, listen });
    }
    await load.run(ACKS_PER_KILL / 2);
    await load.finish();
    await kcatLoad.finish();

    const ours = await valuesOf(client, "ours", PARTITIONS);
    for (const [partition, values] of ours.entries()) {
      const numbers = values.map((value) => parseInt(value));
      const sent = Array.from({ length: load.sent }, (_, number) => number)
        .filter((number) => number % PARTITIONS === partition);
      assertEquals(numbers, sent, `partition ${partition}: each once, in order`);
      assertEquals(load.acknowledged[partition], numbers, `partition ${partition}: offsets`);
    }
    const [kcats] = await valuesOf(client, "kcats", 1);
    assertEquals(kcats, Array.from({ length: kcatLoad.sent }, (_, number) => `${number}`));
    assert(load.sent > KILLS * ACKS_PER_KILL / 2 && kcatLoad.sent > 0);

    // What kcat reads is no different after a stop in good order.
    await broker.stop();
    broker = await BrokerProcess.start({ data, listen });
    const lines = new TextDecoder().decode(await new Kcat(kcat, listen).consume("kcats"));
    assertEquals(lines.trimEnd().split("\n"), kcats);
  } finally {
    await broker[Symbol.asyncDispose]();
  }
});
