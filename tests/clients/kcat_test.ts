/**
 * Tests of kcat, and so of librdkafka, as producer and consumer.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { binaryText, Kcat } from "../support/clients/kcat.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { testWith } from "../support/outside.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { realText } from "../support/real_text.ts";
import { batchOf, FIRST_TIMESTAMP } from "../support/protocol/records.ts";
import { append, createTopic } from "../support/protocol/requests.ts";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"];
const LINES = 200_000;

async function hashOf(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as BufferSource)).toHex();
}

testWith("kcat", "kcat reads back 200,000 lines after a restart with every codec", async (path) => {
  const text = await realText(LINES);
  const expected = await hashOf(text);
  await using local = await LocalBroker.start();
  for (const codec of CODECS) {
    await new Kcat(path, local.address).produce(`text-${codec}`, text, ["-z", codec]);
  }
  await local.restart();
  const kcat = new Kcat(path, local.address);
  for (const codec of CODECS) {
    const read = await kcat.consume(`text-${codec}`);
    assertEquals(read.length, text.length, `size of what was read with ${codec}`);
    assertEquals(await hashOf(read), expected, `hash of what was read with ${codec}`);
  }
});

testWith("kcat", "kcat writes keys, headers and null values and reads them back", async (path) => {
  await using local = await LocalBroker.start();
  const kcat = new Kcat(path, local.address);
  const args = ["-K", ":", "-Z", "-H", "lang=naïve", "-H", "lang=日本", "-H", "empty="];
  await kcat.produce("things", "a:1\nb:\n:3\nnaïve 🦕:日本\n", args);
  const records = await kcat.records("things");
  const headers = ["lang", binaryText("naïve"), "lang", binaryText("日本"), "empty", ""];
  assertEquals(
    records.map(({ offset, key, payload, headers }) => ({ offset, key, payload, headers })),
    [
      { offset: 0, key: "a", payload: "1", headers },
      { offset: 1, key: "b", payload: null, headers },
      { offset: 2, key: null, payload: "3", headers },
      { offset: 3, key: binaryText("naïve 🦕"), payload: binaryText("日本"), headers },
    ],
  );
});

testWith("kcat", "kcat produces idempotently with every codec", async (path) => {
  await using local = await LocalBroker.start({ config: { "num.partitions": 3 } });
  const kcat = new Kcat(path, local.address);
  const lines = Array.from({ length: 500 }, (_, i) => `${i % 7}:${i}`);
  for (const codec of CODECS) {
    const args = ["-K", ":", "-z", codec, "-X", "enable.idempotence=true"];
    await kcat.produce(`exact-${codec}`, lines.join("\n"), args);
    const records = await kcat.records(`exact-${codec}`);
    assertEquals(records.length, lines.length, codec);
    for (let key = 0; key < 7; key++) {
      const values = records.filter((record) => record.key === `${key}`).map((r) => r.payload);
      const expected = lines.filter((line) => line.startsWith(`${key}:`)).map((l) => l.slice(2));
      assertEquals(values, expected, `${codec}, key ${key}`);
    }
  }
});

testWith("kcat", "kcat starts at an offset, before the end and at a timestamp", async (path) => {
  await using local = await LocalBroker.start();
  const kcat = new Kcat(path, local.address);
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "steps");
  await append(connection, "steps", batchOf(["a", "b", "c"]));
  await append(connection, "steps", batchOf(["d", "e", "f"], { timestamp: FIRST_TIMESTAMP + 10 }));
  const read = async (from: string) =>
    new TextDecoder().decode(await kcat.consume("steps", ["-o", from])).split("\n").join("");
  assertEquals(await read("0"), "abcdef");
  assertEquals(await read("4"), "ef");
  assertEquals(await read("-2"), "ef");
  assertEquals(await read(`s@${FIRST_TIMESTAMP + 1}`), "bcdef");
  assertEquals(await read(`s@${FIRST_TIMESTAMP + 3}`), "def");
  assertEquals(await read(`s@${FIRST_TIMESTAMP + 11}`), "ef");
  const asked = await kcat.run(["-Q", "-t", `steps:0:${FIRST_TIMESTAMP + 9}`]);
  assertEquals(new TextDecoder().decode(asked), "steps [0] offset 3\n");
});
