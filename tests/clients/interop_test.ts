/**
 * Tests that other clients read what our SDK and command line write, and vice versa.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  Client,
  type CompressionName,
  type OutgoingMessage,
  type ProducerOptions,
} from "../../client/mod.ts";
import { attempt, dqueue } from "../support/broker/dqueue.ts";
import { binaryText, Kcat } from "../support/clients/kcat.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { testWith } from "../support/outside.ts";
import { READERS, readWithCli, readWithSdk } from "../support/clients/readers.ts";
import { asRead, SAMPLE_MESSAGES } from "../support/clients/sample_messages.ts";

const CODECS: readonly CompressionName[] = ["none", "gzip", "snappy", "lz4", "zstd"];

const EXPECTED = [
  ...SAMPLE_MESSAGES.map(asRead),
  // Only our own clients can write these: a header without a value, a repeated name.
  {
    key: null,
    value: null,
    headers: [["none", null], ["twice", "1"], ["twice", "2"]] as const,
    timestamp: 1_700_000_000_010,
  },
];

const MESSAGES: Omit<OutgoingMessage, "topic">[] = [
  ...SAMPLE_MESSAGES.map((message) => ({ ...message, partition: 0 })),
  {
    key: null,
    value: null,
    headers: [["none", null], ["twice", "1"], ["twice", "2"]],
    timestamp: 1_700_000_000_010,
    partition: 0,
  },
];

testWith("kcat", "The SDK's messages are read intact by kcat, SDK and CLI", async (kcat, t) => {
  await using local = await LocalBroker.start();
  const ways: Record<string, ProducerOptions> = {
    ...Object.fromEntries(CODECS.map((compression) => [compression, { compression }])),
    "not-idempotent": { idempotence: false },
  };
  for (const [topic, options] of Object.entries(ways)) {
    await t.step(topic, async () => {
      await using client = new Client({ brokers: local.address });
      await using producer = client.producer(options);
      const sent = await producer.sendBatch(MESSAGES.map((message) => ({ ...message, topic })));
      assertEquals(sent.map(({ offset }) => offset), MESSAGES.map((_, index) => index));
      for (const [reader, read] of Object.entries(READERS)) {
        assertEquals(await read(local.address, topic, kcat), EXPECTED, reader);
      }
    });
  }
});

testWith("kcat", "The CLI's messages are read intact by kcat, SDK and CLI", async (kcat, t) => {
  await using local = await LocalBroker.start();
  await using client = new Client({ brokers: local.address });
  await using producer = client.producer();
  await producer.sendBatch(MESSAGES.map((message) => ({ ...message, topic: "source" })));
  const args = ["-b", local.address, "--output", "json"];
  const lines = await dqueue(["consume", "source", "-e", ...args]);
  for (const compression of CODECS) {
    await t.step(`JSON with ${compression}`, async () => {
      const produce = ["produce", compression, "-b", local.address, "--input", "json"];
      await dqueue([...produce, "-z", compression], { input: lines });
      for (const [reader, read] of Object.entries(READERS)) {
        assertEquals(await read(local.address, compression, kcat), EXPECTED, reader);
      }
    });
  }
  await t.step("flags", async () => {
    const flags = ["-k", "k", "-H", "a:1", "-H", "b:x:y", "-m", "naïve", "--count", "2"];
    await dqueue(["produce", "flags", "-b", local.address, ...flags]);
    await dqueue(["produce", "flags", "-b", local.address, "-k", "gone", "-Z", "-m", ""]);
    const message = {
      key: "k",
      value: binaryText("naïve"),
      headers: [["a", "1"], ["b", "x:y"]],
    };
    for (const [reader, read] of Object.entries(READERS)) {
      const found = await read(local.address, "flags", kcat);
      assertEquals(
        found.map(({ key, value, headers }) => ({ key, value, headers })),
        [message, message, { key: "gone", value: null, headers: [] }] as unknown as typeof found,
        reader,
      );
    }
  });
  await t.step("lines with a format", async () => {
    const produce = ["produce", "lines", "-b", local.address, "-f", "%k=%v\\n"];
    await dqueue(produce, { input: "a=1\nb=2\nnaïve=日本\n" });
    for (const [reader, read] of Object.entries(READERS)) {
      const found = await read(local.address, "lines", kcat);
      assertEquals(found.map(({ key, value }) => [key, value]), [
        ["a", "1"],
        ["b", "2"],
        [binaryText("naïve"), binaryText("日本")],
      ], reader);
    }
  });
});

testWith("kcat", "kcat's messages are read intact by SDK and CLI", async (path, t) => {
  await using local = await LocalBroker.start();
  const kcat = new Kcat(path, local.address);
  for (const codec of CODECS) {
    await t.step(codec, async () => {
      const args = ["-p", "0", "-z", codec, "-K", ":", "-Z", "-H", "h=naïve"];
      const large = "x".repeat(5000);
      await kcat.produce(codec, `a:1\nb:\n日本:naïve\nlarge:${large}\n`, args);
      const headers = [["h", binaryText("naïve")]] as const;
      const expected = [["a", "1"], ["b", null], ["日本", "naïve"], ["large", large]] as const;
      for (const read of [readWithSdk, readWithCli]) {
        const found = await read(local.address, codec);
        const shownRecords = expected.map(([key, value]) => {
          const bytes = value === null ? null : new TextEncoder().encode(value);
          const message = { key: new TextEncoder().encode(key), value: bytes, timestamp: 0 };
          return { ...asRead({ ...message, headers: [] }), headers, timestamp: 0 };
        });
        assertEquals(found.map((message) => ({ ...message, timestamp: 0 })), shownRecords);
      }
    });
  }
});

Deno.test("dqueue consume and produce copy a topic without loss", async () => {
  await using local = await LocalBroker.start();
  await using client = new Client({ brokers: local.address });
  await using producer = client.producer();
  await producer.sendBatch(MESSAGES.map((message) => ({ ...message, topic: "source" })));
  const read = ["consume", "source", "-e", "-b", local.address, "--output", "json"];
  const { stdout } = await attempt(read);
  await dqueue(["produce", "copy", "-b", local.address, "--input", "json"], { input: stdout });
  assertEquals(await readWithSdk(local.address, "copy"), EXPECTED);
});
