/**
 * A broker whose disk has lost some bits.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Broker } from "../broker/mod.ts";
import { Client, type Consumer, KafkaError } from "../client/mod.ts";
import { attempt } from "./support/dqueue.ts";
import { testWith } from "./support/outside.ts";
import { TemporaryFolder } from "./support/temporary_folder.ts";
import { within } from "./support/within.ts";

const BATCHES = 40;
const PER_BATCH = 10;
const LOST = 20;

/** A broker on disk, and what it logs as errors. */
async function startBroker(data: string): Promise<{ broker: Broker; errors: string[] }> {
  const errors: string[] = [];
  const error = (message: string, fields = {}) => {
    errors.push(`${message} ${JSON.stringify(fields)}`);
  };
  const broker = await Broker.start({
    listen: "127.0.0.1:0",
    config: { "log.dirs": data },
    logger: { error, warn: error, info() {}, debug() {} },
  });
  return { broker, errors };
}

/** Fills two partitions, and flips a bit of one batch of the first in the middle of a segment. */
async function makeDamage(data: string): Promise<void> {
  const { broker } = await startBroker(data);
  await using client = new Client({ broker });
  await client.admin().createTopic({
    name: "a",
    partitions: 2,
    configs: { "internal.segment.bytes": 20_000 },
  });
  const producer = client.producer({ linger: 0 });
  for (let batch = 0; batch < BATCHES; batch++) {
    for (const partition of [0, 1]) {
      await producer.sendBatch(Array.from({ length: PER_BATCH }, (_, i) => ({
        topic: "a",
        partition,
        value: `${batch * PER_BATCH + i}`.padEnd(100),
      })));
    }
  }
  await client.close();
  await broker.close();
  const path = `${data}/a-0/00000000000000000000.log`;
  const bytes = await Deno.readFile(path);
  const size = new DataView(bytes.buffer).getInt32(8) + 12;
  bytes[size * LOST / PER_BATCH + size / 2 | 0]! ^= 4;
  await Deno.writeFile(path, bytes);
}

/** All there is of a partition from an offset on. */
async function readFrom(consumer: Consumer, partition: number, from: number): Promise<number[]> {
  const numbers: number[] = [];
  for (let offset = from, end = Infinity; offset < end;) {
    const fetched = await consumer.fetchFrom("a", partition, offset, { maxBytes: 10_000 });
    for (const message of fetched.messages) numbers.push(Number(message.text()));
    offset = fetched.nextOffset;
    end = fetched.highWatermark;
  }
  return numbers;
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

Deno.test("Broker serves what is before and behind damage, answers it with CORRUPT_MESSAGE, and logs it once", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  await makeDamage(data);
  const { broker, errors } = await startBroker(data);
  try {
    await using client = new Client({ broker });
    await using consumer = client.consumer();
    assertEquals(await readFrom(consumer, 1, 0), numbers(0, BATCHES * PER_BATCH));
    assertEquals((await consumer.fetchFrom("a", 0, 0)).nextOffset, LOST);
    for (let offset = LOST; offset < LOST + PER_BATCH; offset += 3) {
      const error = await assertRejects(() => consumer.fetchFrom("a", 0, offset), KafkaError);
      assertEquals(error.code, "CORRUPT_MESSAGE");
      assertStringIncludes(error.message, `Cannot fetch from "a-0" at offset ${offset}: `);
    }
    assertEquals(
      await readFrom(consumer, 0, LOST + PER_BATCH),
      numbers(LOST + PER_BATCH, BATCHES * PER_BATCH),
    );
    assertEquals(errors.length, 1);
    assertStringIncludes(errors[0]!, `"log":"a-0","firstOffset":20,"lastOffset":29`);
  } finally {
    await broker.close();
  }
});

Deno.test("Consumer tells of damage on the broker once it gets there, and goes on where it is sent", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  await makeDamage(data);
  const { broker } = await startBroker(data);
  try {
    await using client = new Client({ broker });
    await using consumer = client.consumer({ autoOffsetReset: "earliest" });
    await consumer.subscribe("a");
    consumer.pause("a", 1);
    const seen: number[] = [];
    const readTo = async (end: number) => {
      while (seen.at(-1) !== end - 1) {
        for (const message of await consumer.poll()) seen.push(Number(message.text()));
      }
    };
    const error = await assertRejects(() => readTo(BATCHES * PER_BATCH), KafkaError);
    assertEquals(error.code, "CORRUPT_MESSAGE");
    assertEquals(seen, numbers(0, LOST));
    await consumer.seek("a", 0, LOST + PER_BATCH);
    await readTo(BATCHES * PER_BATCH);
    assertEquals(seen.slice(LOST), numbers(LOST + PER_BATCH, BATCHES * PER_BATCH));
  } finally {
    await broker.close();
  }
});

Deno.test("Broker says what it cuts off the end of a log after a crash", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  await makeDamage(data);
  await Deno.remove(`${data}/.kafka_cleanshutdown`);
  await Deno.remove(`${data}/recovery-point-offset-checkpoint`);
  const { broker, errors } = await startBroker(data);
  try {
    await using client = new Client({ broker });
    await using consumer = client.consumer();
    assertEquals(await readFrom(consumer, 0, 0), numbers(0, LOST));
    assertEquals(await readFrom(consumer, 1, 0), numbers(0, BATCHES * PER_BATCH));
    assertEquals(errors.length, 1);
    assertStringIncludes(errors[0]!, "Cut off the end of a log");
    assertStringIncludes(errors[0]!, `"log":"a-0"`);
    assertStringIncludes(errors[0]!, `"logEndOffset":${LOST}`);
  } finally {
    await broker.close();
  }
});

Deno.test("dqueue serve does not start without its metadata, and says what can be done", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  await makeDamage(data);
  const path = `${data}/__cluster_metadata-0/00000000000000000000.log`;
  const bytes = await Deno.readFile(path);
  bytes[bytes.length - 3]! ^= 4;
  await Deno.writeFile(path, bytes);
  const serve = ["serve", "--data", data, "--listen", "127.0.0.1:0"];
  const { code, stderr } = await attempt(serve);
  assertEquals(code, 1);
  assertStringIncludes(stderr, `"dqueue log repair ${data}" shows what can be done`);
  assertStringIncludes(stderr, path);
  assertEquals((await attempt(["log", "repair", data, "--execute"])).code, 0);
  const { broker } = await startBroker(data);
  await broker.close();
});

testWith("kcat", "Broker with damage tells kcat, which goes on behind it", async (kcat) => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  await makeDamage(data);
  const { broker } = await startBroker(data);
  try {
    const { port } = broker.addresses[0]!;
    const consume = async (...flags: string[]) => {
      const { stdout, stderr } = await within(
        new Deno.Command(kcat, {
          args: ["-C", "-b", `127.0.0.1:${port}`, "-t", "a", "-p", "0", "-q", ...flags],
          stdin: "null",
          stdout: "piped",
          stderr: "piped",
        }).output(),
        "kcat to end",
        60_000,
      );
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      return { numbers: out!.trimEnd().split("\n").map(Number), err: err! };
    };
    const before = await consume("-o", "beginning", "-c", `${LOST}`);
    assertEquals(before.numbers, numbers(0, LOST));
    const behind = await consume("-o", `${LOST + PER_BATCH}`, "-e");
    assertEquals(behind.numbers, numbers(LOST + PER_BATCH, BATCHES * PER_BATCH));
  } finally {
    await broker.close();
  }
});
