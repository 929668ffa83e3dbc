/**
 * Conformance tests of numbers beyond 2^53: the item gets Kafka's answer, and the connection stays open.
 *
 * The expected answers are those of Kafka 4.2 to the same requests.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { program } from "../../cli/commands/program.ts";
import { runProgram } from "../../cli/program/run_program.ts";
import { testContext } from "../../cli/terminal/test_context.ts";
import { Client } from "../../client/mod.ts";
import { errorInfo } from "../../protocol/errors.ts";
import { INT64_MAX, INT64_MIN } from "../../protocol/primitives/int64.ts";
import {
  deleteRecords,
  describeConfigs,
  findCoordinator,
  listOffsets,
  ListOffsetsTimestamp,
  offsetCommit,
  offsetFetch,
} from "../../protocol/messages/mod.ts";
import { crc32c, RecordBatch } from "../../protocol/records/mod.ts";
import {
  ATTRIBUTES_POSITION,
  BASE_OFFSET_POSITION,
  BASE_SEQUENCE_POSITION,
  BASE_TIMESTAMP_POSITION,
  CRC_POSITION,
  MAX_TIMESTAMP_POSITION,
  PRODUCER_EPOCH_POSITION,
  PRODUCER_ID_POSITION,
} from "../../protocol/records/record_batch.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf } from "../support/protocol/records.ts";
import { append, createTopic, read } from "../support/protocol/requests.ts";

const LARGEST = 2n ** 63n - 1n;
const SMALLEST = -(2n ** 63n);
const NANOSECONDS = 1_700_000_000_000_000_123n;

/** Accepts timestamps of any size. */
const ANY_TIME = { "message.timestamp.after.max.ms": String(LARGEST) };

/** A batch of one record with these numbers in its header. */
function batchWith(numbers: { timestamp?: bigint; baseOffset?: bigint; producerId?: bigint } = {}) {
  const { timestamp = BigInt(Date.now()), baseOffset = 0n, producerId } = numbers;
  const bytes = batchOf(["v"]);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(BASE_OFFSET_POSITION, baseOffset);
  view.setBigInt64(BASE_TIMESTAMP_POSITION, timestamp);
  view.setBigInt64(MAX_TIMESTAMP_POSITION, timestamp);
  if (producerId !== undefined) {
    view.setBigInt64(PRODUCER_ID_POSITION, producerId);
    view.setInt16(PRODUCER_EPOCH_POSITION, 0);
    view.setInt32(BASE_SEQUENCE_POSITION, 0);
  }
  view.setUint32(CRC_POSITION, crc32c(bytes, ATTRIBUTES_POSITION));
  return bytes;
}

async function withTopics(
  use: (connection: RawConnection, local: LocalBroker) => Promise<void>,
): Promise<void> {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "usual");
  await createTopic(connection, "any", { configs: ANY_TIME });
  await use(connection, local);
}

async function produced(connection: RawConnection, topic: string, batch: Uint8Array) {
  const { errorCode, baseOffset } = await append(connection, topic, batch);
  return [errorInfo(errorCode).name, baseOffset];
}

/** An answer of ListOffsets: error, offset and timestamp. */
async function lookedUp(connection: RawConnection, topic: string, timestamp: number) {
  const { topics } = await connection.request(listOffsets, 10, {
    replicaId: -1,
    timeoutMs: 1000,
    topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }],
  });
  const { errorCode, offset, timestamp: found } = topics[0]!.partitions[0]!;
  return [errorInfo(errorCode).name, offset, found];
}

Deno.test("Produce answers INVALID_TIMESTAMP to a timestamp too far ahead, and stores it if the limit is raised", async () => {
  await withTopics(async (connection) => {
    for (const timestamp of [LARGEST, NANOSECONDS, SMALLEST]) {
      const batch = batchWith({ timestamp });
      assertEquals(await produced(connection, "usual", batch), ["INVALID_TIMESTAMP", -1]);
    }
    for (const [offset, timestamp] of [LARGEST, NANOSECONDS, -NANOSECONDS].entries()) {
      const batch = batchWith({ timestamp });
      assertEquals(await produced(connection, "any", batch), ["NONE", offset]);
      const { records } = await read(connection, "any", offset);
      // The latest timestamp of a batch is never before -1, which stands for none.
      if (timestamp < -1n) new RecordBatch(batch).setMaxTimestamp(-1);
      assertEquals(records!.subarray(CRC_POSITION), batch.subarray(CRC_POSITION), "untouched");
    }
    assertEquals(await produced(connection, "usual", batchWith()), ["NONE", 0]);
  });
});

Deno.test("Produce accepts any producer id and refuses any base offset except 0, as Kafka does", async () => {
  await withTopics(async (connection) => {
    const batch = batchWith({ producerId: LARGEST });
    assertEquals(await produced(connection, "usual", batch), ["NONE", 0]);
    assertEquals(await produced(connection, "usual", batch), ["NONE", 0], "a duplicate");
    for (const baseOffset of [LARGEST, SMALLEST, 2n ** 53n]) {
      const refused = await produced(connection, "usual", batchWith({ baseOffset }));
      assertEquals(refused, ["INVALID_RECORD", -1]);
    }
  });
});

Deno.test("ListOffsets finds distant timestamps or answers that there is none, also after a restart", async () => {
  await withTopics(async (connection, local) => {
    for (const timestamp of [1n, NANOSECONDS, NANOSECONDS + 5_000n, LARGEST]) {
      await produced(connection, "any", batchWith({ timestamp }));
    }
    await produced(connection, "usual", batchWith());
    const check = async (on: RawConnection) => {
      const none = ["NONE", -1, -1];
      const nanoseconds = Number(NANOSECONDS);
      for (const timestamp of [INT64_MAX, nanoseconds, 2 ** 53]) {
        assertEquals(await lookedUp(on, "usual", timestamp), none);
      }
      assertEquals(await lookedUp(on, "any", 2 ** 53), ["NONE", 1, nanoseconds]);
      assertEquals(await lookedUp(on, "any", nanoseconds), ["NONE", 1, nanoseconds]);
      assertEquals(await lookedUp(on, "any", nanoseconds + 2000), ["NONE", 2, nanoseconds + 5000]);
      assertEquals(await lookedUp(on, "any", INT64_MAX), ["NONE", 3, INT64_MAX]);
      const latest = await lookedUp(on, "any", ListOffsetsTimestamp.maxTimestamp);
      assertEquals(latest, ["NONE", 3, INT64_MAX]);
      for (const timestamp of [INT64_MIN, -nanoseconds, -7]) {
        assertEquals(await lookedUp(on, "any", timestamp), ["UNSUPPORTED_VERSION", -1, -1]);
      }
    };
    await check(connection);
    await local.restart();
    using reconnected = await RawConnection.connect(local.address);
    await check(reconnected);
    const context = testContext();
    await local.broker.close();
    assertEquals(await runProgram(program, ["log", "verify", local.dataPath], context), 0);
    assertEquals(context.stdoutText(), "");
  });
});

Deno.test("Fetch and DeleteRecords answer OFFSET_OUT_OF_RANGE to offsets beyond all logs", async () => {
  await withTopics(async (connection) => {
    await produced(connection, "usual", batchWith());
    for (const offset of [INT64_MAX, INT64_MIN, 2 ** 53, -2]) {
      const { errorCode } = await read(connection, "usual", offset);
      assertEquals(errorInfo(errorCode).name, "OFFSET_OUT_OF_RANGE");
      const { topics } = await connection.request(deleteRecords, 2, {
        topics: [{ name: "usual", partitions: [{ partitionIndex: 0, offset }] }],
        timeoutMs: 1000,
      });
      const deleted = topics[0]!.partitions[0]!;
      assertEquals(errorInfo(deleted.errorCode).name, "OFFSET_OUT_OF_RANGE");
    }
  });
});

Deno.test("OffsetCommit keeps any offset and accepts any retention, also after a restart", async () => {
  await withTopics(async (connection, local) => {
    const offsets = [INT64_MAX, INT64_MIN, 2 ** 53, -2];
    const findCoordinators = async (on: RawConnection) => {
      for (const i of offsets.keys()) await on.request(findCoordinator, 3, { key: `g${i}` });
    };
    await findCoordinators(connection);
    for (const [i, committedOffset] of offsets.entries()) {
      const { topics } = await connection.request(offsetCommit, 4, {
        groupId: `g${i}`,
        generationIdOrMemberEpoch: -1,
        memberId: "",
        retentionTimeMs: INT64_MAX,
        topics: [{
          name: "usual",
          partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: "" }],
        }],
      });
      assertEquals(topics[0]!.partitions[0]!.errorCode, 0);
    }
    await local.restart();
    using reconnected = await RawConnection.connect(local.address);
    await findCoordinators(reconnected);
    for (const [i, offset] of offsets.entries()) {
      const { topics } = await reconnected.request(offsetFetch, 5, {
        groupId: `g${i}`,
        topics: [{ name: "usual", partitionIndexes: [0] }],
      });
      assertEquals(topics[0]!.partitions[0]!.committedOffset, offset);
    }
    for (const output of ["json", "table"]) {
      const context = testContext({ env: { DQUEUE_BROKERS: local.address } });
      const args = ["group", "describe", "g0", "--output", output];
      assertEquals(await runProgram(program, args, context), 0, context.stderrText());
      assertMatch(context.stdoutText(), /9223372036854775807/);
    }
  });
});

Deno.test("CreateTopics and DescribeConfigs keep all digits of a setting", async () => {
  await withTopics(async (connection) => {
    for (const text of [String(LARGEST), "100000000000000001", "9007199254740993"]) {
      await createTopic(connection, `t${text}`, { configs: { "retention.ms": text } });
      await produced(connection, `t${text}`, batchWith());
      const { results } = await connection.request(describeConfigs, 4, {
        resources: [{
          resourceType: 2,
          resourceName: `t${text}`,
          configurationKeys: ["retention.ms"],
        }],
      });
      assertEquals(results[0]!.configs[0]!.value, text);
    }
  });
});

Deno.test("Consumer, dqueue consume and dqueue produce accept messages with any timestamp", async () => {
  await withTopics(async (connection, local) => {
    const timestamps = [LARGEST, NANOSECONDS, SMALLEST, 1n];
    await createTopic(connection, "copy", { configs: ANY_TIME });
    for (const timestamp of timestamps) {
      await produced(connection, "any", batchWith({ timestamp }));
    }
    await using client = new Client({ brokers: local.address });
    const consumer = client.consumer({ autoOffsetReset: "earliest" });
    await consumer.subscribe("any");
    const messages = await consumer.poll();
    assertEquals(messages.map(({ timestamp }) => timestamp), timestamps.map(Number));
    assertEquals(messages.map((message) => message.exactTimestamp), timestamps);

    const env = { DQUEUE_BROKERS: local.address };
    const run = async (args: string[], stdin = "") => {
      const context = testContext({ env, stdin });
      assertEquals(await runProgram(program, args, context), 0, context.stderrText());
      return context.stdoutText();
    };
    const json = await run(["consume", "any", "-o", "start", "-e", "--output", "json"]);
    const printed = Array.from(json.matchAll(/"timestamp":(-?\d+)/g), ([, digits]) => digits);
    assertEquals(printed, timestamps.map(String), "all digits");
    const formatted = await run(["consume", "any", "-o", "start", "-e", "-f", "%d\\n"]);
    assertEquals(formatted.trimEnd().split("\n"), timestamps.map(String));
    await run(["consume", "any", "-o", "start", "-e", "--output", "table"]);
    const lines = json.split("\n");
    await run(["produce", "copy", "--input", "json"], `${lines[0]}\n${lines[1]}\n${lines[3]}\n`);
    const copy = client.consumer({ autoOffsetReset: "earliest" });
    await copy.subscribe("copy");
    const copied = await copy.poll();
    assertEquals(copied.map((message) => message.exactTimestamp), [LARGEST, NANOSECONDS, 1n]);
  });
});
