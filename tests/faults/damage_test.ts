/**
 * Tests of a broker with damaged or missing files.
 *
 * @module
 */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { Broker, type BrokerSettings } from "../../broker/mod.ts";
import { Client, type Consumer, KafkaError } from "../../client/mod.ts";
import { StorageError } from "../../storage/mod.ts";
import { attempt } from "../support/broker/dqueue.ts";
import { testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const BATCHES = 40;
const PER_BATCH = 10;
const LOST = 20;

/** A broker on disk, and the errors it logs. */
async function startBroker(
  data: string,
  config: Partial<BrokerSettings> = {},
): Promise<{ broker: Broker; errors: string[] }> {
  const errors: string[] = [];
  const error = (message: string, fields = {}) => {
    errors.push(`${message} ${JSON.stringify(fields)}`);
  };
  const broker = await Broker.start({
    listen: "127.0.0.1:0",
    config: { "log.dirs": data, ...config },
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
  const producer = client.producer({ lingerMs: 0 });
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

/** Reads a partition from an offset to its end. */
async function readFrom(
  consumer: Consumer,
  partition: number,
  from: number,
  to = Infinity,
): Promise<number[]> {
  const numbers: number[] = [];
  for (let offset = from, end = to; offset < end;) {
    const fetched = await consumer.fetchFrom("a", partition, offset, { maxBytes: 10_000 });
    for (const message of fetched.messages) numbers.push(Number(message.text()));
    offset = fetched.nextOffset;
    end = Math.min(to, fetched.highWatermark);
  }
  return numbers;
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

Deno.test("Broker serves records before and after damage, answers damaged ones with CORRUPT_MESSAGE, and logs them once", async () => {
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

Deno.test("Consumer reports damage on the broker when it reaches it, and continues after a seek", async () => {
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

Deno.test("Broker logs what it truncates from a log after a crash", async () => {
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
    assertStringIncludes(errors[0]!, "Truncated a log");
    assertStringIncludes(errors[0]!, `"log":"a-0"`);
    assertStringIncludes(errors[0]!, `"logEndOffset":${LOST}`);
  } finally {
    await broker.close();
  }
});

Deno.test("dqueue serve does not start without its metadata, and says what to do", async () => {
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

/** Starts a broker that leaves a group's commit and records of "a" in a data folder. */
async function makeGroupData(data: string): Promise<void> {
  const { broker } = await startBroker(data, { "offsets.topic.num.partitions": 4 });
  await using client = new Client({ broker });
  const admin = client.admin();
  await admin.createTopic({ name: "a", configs: { "internal.segment.bytes": 2000 } });
  const producer = client.producer({ lingerMs: 0 });
  for (let number = 0; number < 60; number++) {
    await producer.send({ topic: "a", value: `${number}`.padEnd(100) });
  }
  for (const group of GROUPS) {
    await admin.alterGroupOffsets(group, [{ topic: "a", partition: 0, offset: 42 }]);
  }
  await client.close();
  await broker.close();
}

/** Of partitions 0 to 3 of four. */
const GROUPS = ["a", "b", "c", "d"];

/** Segment files of a partition, oldest first. */
async function segmentsOf(folder: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  return names.filter((name) => name.endsWith(".log")).sort();
}

Deno.test("Broker answers CORRUPT_MESSAGE for a segment lost while it was stopped, until a repair gives it up", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  await makeGroupData(data);
  const segments = await segmentsOf(`${data}/a-0`);
  assert(segments.length > 3);
  const [from, to] = segments.slice(1, 3).map((name) => Number.parseInt(name)) as [number, number];
  await Deno.remove(`${data}/a-0/${segments[1]}`);
  for (let start = 0; start < 2; start++) {
    const { broker, errors } = await startBroker(data);
    try {
      await using client = new Client({ broker });
      await using consumer = client.consumer();
      assertEquals(await readFrom(consumer, 0, to), numbers(to, 60 + start));
      assertEquals((await consumer.fetchFrom("a", 0, from - 1)).nextOffset, from);
      for (let offset = from; offset < to; offset++) {
        const error = await assertRejects(() => consumer.fetchFrom("a", 0, offset), KafkaError);
        assertEquals(error.code, "CORRUPT_MESSAGE");
      }
      const { offset } = await client.producer().send({ topic: "a", value: `${60 + start}` });
      assertEquals(offset, 60 + start);
      const told = errors.filter((line) => line.startsWith("Records are lost"));
      assertEquals(told.length, 1 - start);
      if (start === 0) {
        assertStringIncludes(told[0]!, `"firstOffset":${from},"lastOffset":${to - 1}`);
        assertStringIncludes(told[0]!, `${segments[1]}","problem":"the file is missing"`);
      }
    } finally {
      await broker.close();
    }
  }
  assertEquals((await attempt(["log", "repair", data, "--execute"])).code, 0);
  assertEquals((await attempt(["log", "verify", data])).code, 0);
  const { broker } = await startBroker(data);
  await using client = new Client({ broker });
  await using consumer = client.consumer();
  const all = await readFrom(consumer, 0, 0);
  assertEquals(all, [...numbers(0, from), ...numbers(to, 62)]);
  await client.close();
  await broker.close();
});

Deno.test("Broker does not restart a partition at offset 0 if its folder was lost, after a stop or a kill", async () => {
  for (const isKilled of [false, true]) {
    await using folder = await TemporaryFolder.create();
    const data = folder.join("data");
    await makeGroupData(data);
    if (isKilled) await Deno.remove(`${data}/.kafka_cleanshutdown`);
    await Deno.rename(`${data}/a-0`, folder.join("kept"));
    const { broker, errors } = await startBroker(data);
    {
      await using client = new Client({ broker });
      await using consumer = client.consumer();
      for (const offset of [0, 30, 59]) {
        const error = await assertRejects(() => consumer.fetchFrom("a", 0, offset), KafkaError);
        assertEquals(error.code, "CORRUPT_MESSAGE");
      }
      assertEquals((await client.producer().send({ topic: "a", value: "60" })).offset, 60);
      assertEquals(await readFrom(consumer, 0, 60), [60]);
    }
    await broker.close();
    assertStringIncludes(errors.join("\n"), `"log":"a-0","firstOffset":0,"lastOffset":59`);
    // The folder can be put back, which loses what was written since.
    await Deno.remove(`${data}/a-0`, { recursive: true });
    await Deno.rename(folder.join("kept"), `${data}/a-0`);
    const again = await startBroker(data);
    {
      await using client = new Client({ broker: again.broker });
      await using consumer = client.consumer();
      assertEquals(await readFrom(consumer, 0, 0, 60), numbers(0, 60));
      await assertRejects(() => consumer.fetchFrom("a", 0, 60), KafkaError, "CORRUPT_MESSAGE");
    }
    await again.broker.close();
  }
});

Deno.test("Broker answers COORDINATOR_NOT_AVAILABLE for groups whose partition was lost, and coordinates the others", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  await makeGroupData(data);
  // "a" is 97 in Java's hash, the others follow.
  await Deno.remove(`${data}/__consumer_offsets-1`, { recursive: true });
  const options = { timeoutMs: 500 };
  {
    const { broker, errors } = await startBroker(data);
    await using client = new Client({ broker });
    const admin = client.admin();
    const error = await assertRejects(() => admin.listGroupOffsets("a", options));
    assertStringIncludes(errors.join("\n"), "Stopped coordinating groups");
    assertStringIncludes(String(error), "COORDINATOR_NOT_AVAILABLE");
    for (const group of GROUPS.slice(1)) {
      assertEquals((await admin.listGroupOffsets(group))[0]!.offset, 42);
    }
    await client.close();
    await broker.close();
  }
  assertEquals((await attempt(["log", "repair", data, "--execute"])).code, 0);
  const { broker } = await startBroker(data);
  await using client = new Client({ broker });
  const admin = client.admin();
  assertEquals(await admin.listGroupOffsets("a"), []);
  await admin.alterGroupOffsets("a", [{ topic: "a", partition: 0, offset: 7 }]);
  assertEquals((await admin.listGroupOffsets("a"))[0]!.offset, 7);
  await client.close();
  await broker.close();
});

Deno.test("Broker does not start without its metadata folder, and changes nothing", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  await makeGroupData(data);
  const path = `${data}/__cluster_metadata-0`;
  await Deno.rename(path, folder.join("kept"));
  for (let start = 0; start < 2; start++) {
    const error = await assertRejects(() => startBroker(data), StorageError);
    assertStringIncludes(error.message, `folder "__cluster_metadata-0" is missing`);
  }
  assertEquals((await attempt(["log", "repair", data, "--execute"])).code, 1);
  await Deno.rename(folder.join("kept"), path);
  const { broker } = await startBroker(data);
  await using client = new Client({ broker });
  await using consumer = client.consumer();
  assertEquals(await readFrom(consumer, 0, 0), numbers(0, 60));
  await client.close();
  await broker.close();
});

Deno.test("Broker starts on a half-copied data folder only if it can tell what is lost", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  await makeGroupData(data);
  /** Starts on a copy without some files; returns what is logged, and what topic "a" answers. */
  const startWithout = async (...paths: string[]) => {
    const copy = folder.join(crypto.randomUUID());
    assert((await new Deno.Command("cp", { args: ["-r", data, copy] }).output()).success);
    for (const path of paths) await Deno.remove(`${copy}/${path}`, { recursive: true });
    const { broker, errors } = await startBroker(copy);
    try {
      await using client = new Client({ broker });
      await using consumer = client.consumer();
      const read = await readFrom(consumer, 0, 0).catch((error: KafkaError) => error.code);
      const { offset } = await client.producer().send({ topic: "a", value: "60" });
      return { read, offset, errors: errors.join("\n") };
    } finally {
      await broker.close();
    }
  };
  const marker = ".kafka_cleanshutdown";
  const points = "recovery-point-offset-checkpoint";
  const starts = "log-start-offset-checkpoint";
  const all = numbers(0, 60);
  for (
    const gone of [[marker], [points], ["segment-checkpoint"], [starts, marker], [marker, points]]
  ) {
    assertEquals(await startWithout(...gone), { read: all, offset: 60, errors: "" }, `${gone}`);
  }
  for (const gone of [[], [marker], [points], ["segment-checkpoint"], [starts]]) {
    const { read, offset, errors } = await startWithout("a-0", ...gone);
    assertEquals([read, offset], ["CORRUPT_MESSAGE", 60], `${gone}`);
    assertStringIncludes(errors, `"log":"a-0","firstOffset":0,"lastOffset":59`);
  }
  const { errors } = await startWithout("a-0", marker, points);
  assertStringIncludes(errors, "Created a partition without records");
  for (const gone of [["meta.properties"], ["meta.properties", marker, points]]) {
    const error = await assertRejects(() => startWithout(...gone), Error);
    assertStringIncludes(
      error.message,
      "meta.properties, which says which broker they belong to, is missing",
    );
  }
});

testWith("kcat", "Broker reports damage to kcat, which continues after it", async (kcat) => {
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
