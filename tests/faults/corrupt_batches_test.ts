/**
 * Tests with undecodable batches in a log, which an older version, `record.validation=header` or another
 * broker let in. No consumer of ours may get stuck at one.
 *
 * @module
 */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { CommandTest } from "../../cli/commands/testing.ts";
import {
  type Client,
  type Consumer,
  CorruptBatchError,
  type GroupConsumer,
} from "../../client/mod.ts";
import { CompressionType } from "../../protocol/compression/mod.ts";
import { crc32c, RECORD_BATCH_OVERHEAD } from "../../protocol/records/mod.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf } from "../support/protocol/records.ts";
import { append, createTopic } from "../support/protocol/requests.ts";

function changed(batch: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const bytes = batch.slice();
  const view = new DataView(bytes.buffer);
  change(view);
  view.setUint32(17, crc32c(bytes, 21));
  return bytes;
}

/** A frame of run-length blocks of 128 KiB each, which stand for a hundred megabytes. */
function zstdBomb(): Uint8Array {
  const blocks: number[] = [];
  for (let index = 0; index < 800; index++) {
    const header = (128 * 1024) << 3 | 1 << 1 | (index === 799 ? 1 : 0);
    blocks.push(header & 0xff, header >>> 8 & 0xff, header >>> 16, 0);
  }
  const frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, ...blocks];
  const header = batchOf(["x", "y"], { compression: CompressionType.zstd });
  const bytes = Uint8Array.of(...header.subarray(0, RECORD_BATCH_OVERHEAD), ...frame);
  return changed(bytes, (view) => view.setInt32(8, bytes.length - 12));
}

/** Batches of two offsets each, and how many messages of each can be decoded. */
const BATCHES: Record<string, [batch: Uint8Array, readable: number]> = {
  "two counted, one there": [
    changed(batchOf(["bad"]), (view) => {
      view.setInt32(23, 1);
      view.setInt32(57, 2);
    }),
    1,
  ],
  "garbage": [
    changed(batchOf(["x", "y"]), (view) => view.setInt32(RECORD_BATCH_OVERHEAD, 0x7fffffff)),
    0,
  ],
  "gzip that is none": [
    changed(batchOf(["x", "y"]), (view) => view.setInt16(21, CompressionType.gzip)),
    0,
  ],
  "a zstd bomb": [zstdBomb(), 0],
};

/** A broker whose topic `t` has a good batch, then each of the bad ones with a good one after it. */
async function withBadTopic(use: (test: CommandTest) => Promise<void>): Promise<void> {
  await using test = await CommandTest.start({ "record.validation": "header" });
  using connection = await RawConnection.connect(test.address);
  await createTopic(connection, "t");
  await append(connection, "t", batchOf(["0"]));
  for (const [index, [batch]] of Object.values(BATCHES).entries()) {
    assertEquals((await append(connection, "t", batch)).errorCode, 0);
    assertEquals((await append(connection, "t", batchOf([`${index + 1}`]))).errorCode, 0);
  }
  await use(test);
}

const WITH_READABLE = ["0", "bad", "1", "2", "3", "4"];

/** Reads all, continuing after each error; returns the messages and the errors. */
async function readPastErrors(
  consumer: Consumer | GroupConsumer,
): Promise<[string[], CorruptBatchError[]]> {
  const texts: string[] = [];
  const errors: CorruptBatchError[] = [];
  while (texts.at(-1) !== "4") {
    try {
      for (const message of await consumer.poll()) texts.push(message.text()!);
    } catch (error) {
      if (!(error instanceof CorruptBatchError)) throw error;
      errors.push(error);
      await consumer.seek(error.topic, error.partition, error.nextOffset);
    }
  }
  return [texts, errors];
}

Deno.test("Consumer reports an undecodable batch and can continue after it", async () => {
  await withBadTopic(async (test) => {
    await using client = test.client();
    await using consumer = client.consumer();
    await consumer.subscribe("t");
    const [texts, errors] = await readPastErrors(consumer);
    assertEquals(texts, WITH_READABLE);
    assertEquals(
      errors.map(({ offset, nextOffset }) => [offset, nextOffset]),
      [[2, 3], [4, 6], [7, 9], [10, 12]],
    );
    for (const { message, offset, nextOffset, advice } of errors) {
      assertStringIncludes(message, `Cannot read "t-0" at offset ${offset}: `);
      assertStringIncludes(advice, `Continue at offset ${nextOffset}`);
    }
  });
});

Deno.test("GroupConsumer reports an undecodable batch and can continue after it", async () => {
  await withBadTopic(async (test) => {
    await using client = test.client();
    await using consumer = client.groupConsumer({ groupId: "g", topics: ["t"] });
    const [texts, errors] = await readPastErrors(consumer);
    assertEquals(texts, WITH_READABLE);
    assertEquals(errors.map(({ nextOffset }) => nextOffset), [3, 6, 9, 12]);
  });
});

Deno.test("Consumer with onCorruptBatch skips undecodable batches", async () => {
  await withBadTopic(async (test) => {
    const offsets: number[] = [];
    const onCorruptBatch = ({ offset }: CorruptBatchError) => void offsets.push(offset);
    await using client: Client = test.client();
    await using consumer = client.consumer({ onCorruptBatch });
    await consumer.subscribe("t");
    assertEquals((await readPastErrors(consumer))[0], WITH_READABLE);
    assertEquals(offsets, [2, 4, 7, 10]);

    const texts: string[] = [];
    const ended = new AbortController();
    await client.consumer({ onCorruptBatch }).subscribe("t", 0, (message) => {
      texts.push(message.text()!);
      if (message.text() === "4") ended.abort();
    }, { signal: ended.signal });
    assertEquals(texts, WITH_READABLE);
  });
});

Deno.test("Consumer.fetchFrom() reports an undecodable batch", async () => {
  await withBadTopic(async (test) => {
    await using client = test.client();
    await using consumer = client.consumer();
    const error = await assertRejects(() => consumer.fetchFrom("t", 0, 4), CorruptBatchError);
    assertEquals([error.offset, error.nextOffset], [4, 6]);
    const { messages } = await consumer.fetchFrom("t", 0, error.nextOffset);
    assertEquals(messages.map((message) => message.text()), ["2"]);
  });
});

Deno.test("dqueue consume reports an undecodable batch, and skips it with --skip-corrupt", async () => {
  await withBadTopic(async (test) => {
    const stopped = await test.run("consume t -e");
    assertEquals([stopped.code, stopped.stdout], [1, "0\nbad\n"]);
    assertStringIncludes(stopped.stderr, 'Cannot read "t-0" at offset 2: ');
    assertStringIncludes(stopped.stderr, "--skip-corrupt");
    const after = await test.run("consume t -o 3 -n 1");
    assertEquals([after.code, after.stdout], [0, "1\n"]);
    for (const line of ["consume t -e --skip-corrupt", "consume t -e -g g --skip-corrupt"]) {
      const { code, stdout, stderr } = await test.run(line);
      assertEquals([code, stdout], [0, WITH_READABLE.join("\n") + "\n"], stderr);
      const warnings = stderr.split("\n").filter((text) => text.startsWith("Warning: Cannot read"));
      assertEquals(warnings.length, 4, stderr);
    }
  });
});

Deno.test("dqueue consume -e stops if the last batch is undecodable", async () => {
  await using test = await CommandTest.start({ "record.validation": "header" });
  using connection = await RawConnection.connect(test.address);
  await createTopic(connection, "t");
  await append(connection, "t", batchOf(["0"]));
  await append(connection, "t", BATCHES["garbage"]![0]);
  for (const line of ["consume t -e --skip-corrupt", "consume t -e -g g --skip-corrupt"]) {
    const { code, stdout } = await test.run(line);
    assertEquals([code, stdout], [0, "0\n"], line);
  }
});
