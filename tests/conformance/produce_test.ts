/**
 * Conformance tests of Produce: what it accepts, and that a refusal leaves connection and log intact.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { CompressionType } from "../../protocol/compression/mod.ts";
import { ErrorCode, errorInfo } from "../../protocol/errors.ts";
import {
  incrementalAlterConfigs,
  initProducerId,
  listOffsets,
  ListOffsetsTimestamp,
  produce,
} from "../../protocol/messages/mod.ts";
import {
  crc32c,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
  RecordBatchBuilder,
} from "../../protocol/records/mod.ts";
import { randomUuid } from "../../protocol/primitives/uuid.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { batchOf, FIRST_TIMESTAMP, recordsOf } from "../support/protocol/records.ts";
import {
  append,
  type AppendOptions,
  createTopic,
  deleteTopic,
  PRODUCE_BY_NAME,
  produceRequest,
  read,
} from "../support/protocol/requests.ts";

const ATTRIBUTES_POSITION = 21;
const MAGIC_POSITION = 16;
const CRC_POSITION = 17;

/** Runs `use` with a connection to a broker that has a topic `t`. */
async function withTopic(
  use: (connection: RawConnection, local: LocalBroker) => Promise<void>,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "t", { configs });
  await use(connection, local);
}

/** Returns the offset that the next record gets. */
async function endOf(connection: RawConnection, topic = "t"): Promise<number> {
  const partitions = [{ partitionIndex: 0, timestamp: ListOffsetsTimestamp.latest }];
  const { topics } = await connection.request(listOffsets, 7, {
    topics: [{ name: topic, partitions }],
  });
  return topics[0]!.partitions[0]!.offset;
}

async function codeOf(
  connection: RawConnection,
  records: Uint8Array | null,
  options?: AppendOptions,
): Promise<string> {
  return errorInfo((await append(connection, "t", records, options)).errorCode).name;
}

/** Returns the batch with some bytes changed and the CRC updated. */
function changed(batch: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const copy = batch.slice();
  const view = new DataView(copy.buffer);
  change(view);
  view.setUint32(CRC_POSITION, crc32c(copy, ATTRIBUTES_POSITION));
  return copy;
}

/** Returns a compressed batch whose last bytes are missing, with a size that fits. */
function cutShort(compression: CompressionType): Uint8Array {
  const whole = batchOf(["a", "b"], { compression });
  return changed(whole.slice(0, -6), (view) => view.setInt32(8, whole.length - 12 - 6));
}

Deno.test("Produce refuses bad batches with Kafka's errors and appends nothing", async (t) => {
  const good = batchOf(["a", "b"]);
  const wrongCrc = good.slice();
  wrongCrc[wrongCrc.length - 1]! ^= 1;
  const oldMagic = good.slice();
  oldMagic[MAGIC_POSITION] = 1;
  const unknownMagic = good.slice();
  unknownMagic[MAGIC_POSITION] = 3;
  const both = new Uint8Array(2 * good.length);
  both.set(good);
  both.set(good, good.length);
  const attributes = (bits: number) =>
    changed(good, (view) => view.setInt16(ATTRIBUTES_POSITION, bits));
  const cases: Record<string, [Uint8Array | null, string, AppendOptions?]> = {
    "wrong CRC": [wrongCrc, "CORRUPT_MESSAGE"],
    "larger than max.message.bytes": [batchOf([new Uint8Array(1100)]), "MESSAGE_TOO_LARGE"],
    "no records": [null, "INVALID_RECORD"],
    "empty records": [new Uint8Array(0), "INVALID_RECORD"],
    "two batches": [both, "INVALID_RECORD"],
    "message format 1": [oldMagic, "INVALID_RECORD"],
    "message format 3": [unknownMagic, "CORRUPT_MESSAGE"],
    "bytes beyond the batch": [Uint8Array.of(...good, 0), "INVALID_RECORD"],
    "a batch cut short": [good.subarray(0, -1), "CORRUPT_MESSAGE"],
    "a header cut short": [good.subarray(0, RECORD_BATCH_OVERHEAD - 1), "CORRUPT_MESSAGE"],
    "fewer records than counted": [
      changed(good, (view) => view.setInt32(57, 3)),
      "INVALID_RECORD",
    ],
    "no record counted": [changed(good, (view) => view.setInt32(57, 0)), "INVALID_RECORD"],
    "last offset delta that does not fit": [
      changed(good, (view) => view.setInt32(23, 7)),
      "INVALID_RECORD",
    ],
    "control batch": [attributes(0x20), "INVALID_RECORD"],
    "timestamps that claim to be the broker's": [attributes(0x08), "INVALID_TIMESTAMP"],
    "timestamp in the far future": [
      batchOf(["a"], { timestamp: Date.now() + 7_200_000 }),
      "INVALID_TIMESTAMP",
    ],
    "producer without a sequence": [
      batchOf(["a"], { producerId: 5, producerEpoch: 0 }),
      "INVALID_RECORD",
    ],
    "zstd before version 7": [
      batchOf(["a"], { compression: CompressionType.zstd }),
      "UNSUPPORTED_COMPRESSION_TYPE",
      { version: 6 },
    ],
    "a codec that Kafka does not know": [attributes(5), "UNSUPPORTED_COMPRESSION_TYPE"],
    "two counted, one there": [
      changed(batchOf(["a"]), (view) => {
        view.setInt32(23, 1);
        view.setInt32(57, 2);
      }),
      "INVALID_RECORD",
    ],
    "garbage instead of records": [
      changed(good, (view) => view.setInt32(RECORD_BATCH_OVERHEAD, 0x7fffffff)),
      "INVALID_RECORD",
    ],
    "gzip cut short": [cutShort(CompressionType.gzip), "INVALID_RECORD"],
    "snappy cut short": [cutShort(CompressionType.snappy), "INVALID_RECORD"],
    "lz4 cut short": [cutShort(CompressionType.lz4), "INVALID_RECORD"],
    "zstd cut short": [cutShort(CompressionType.zstd), "INVALID_RECORD"],
    "acks of 2": [good, "INVALID_REQUIRED_ACKS", { acks: 2 }],
    "acks of -2": [good, "INVALID_REQUIRED_ACKS", { acks: -2 }],
    "partition that is not there": [good, "UNKNOWN_TOPIC_OR_PARTITION", { partition: 1 }],
    "partition below zero": [good, "UNKNOWN_TOPIC_OR_PARTITION", { partition: -1 }],
  };
  await withTopic(async (connection) => {
    for (const [name, [records, expected, options]] of Object.entries(cases)) {
      await t.step(name, async () => {
        assertEquals(await codeOf(connection, records, options), expected);
        assertEquals(await endOf(connection), 0);
      });
    }
    assertEquals((await append(connection, "t", good)).baseOffset, 0);
    const { records } = await read(connection, "t", 0);
    assertEquals(recordsOf(records).map(({ value }) => value), ["a", "b"]);
  }, { "max.message.bytes": "1024" });
});

Deno.test("Produce explains errors from version 8 (KIP-467)", async () => {
  await withTopic(async (connection) => {
    const bad = batchOf(["a"], { producerId: 5, producerEpoch: 0 });
    for (const version of [3, 7, 8, 12]) {
      const { errorMessage } = await append(connection, "t", bad, { version });
      assertEquals(errorMessage !== null, version >= 8, `version ${version}`);
    }
  });
});

Deno.test("Produce takes topics by name up to version 12 and by id from version 13 (KIP-516)", async () => {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  const topicId = await createTopic(connection, "t");
  const send = async (version: number, topic: { name?: string; topicId?: string }) => {
    const partitionData = [{ index: 0, records: batchOf(["a"]) }];
    const request = { acks: -1, timeoutMs: 1000, topicData: [{ ...topic, partitionData }] };
    const { responses } = await connection.request(produce, version, request);
    return { ...responses[0]!, code: responses[0]!.partitionResponses[0]!.errorCode };
  };
  assertEquals((await send(12, { name: "t" })).code, ErrorCode.NONE);
  assertEquals((await send(12, { name: "no" })).code, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const answer = await send(13, { topicId });
  assertEquals([answer.code, answer.topicId], [ErrorCode.NONE, topicId]);
  const unknownId = randomUuid();
  const refused = await send(13, { topicId: unknownId });
  assertEquals([refused.code, refused.topicId], [ErrorCode.UNKNOWN_TOPIC_ID, unknownId]);
});

Deno.test("Produce answers every partition, and one failure does not affect the others", async () => {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "t", { partitions: 3 });
  await createTopic(connection, "u");
  const wrongCrc = batchOf(["bad"]);
  wrongCrc[wrongCrc.length - 1]! ^= 1;
  const data = (index: number, records: Uint8Array) => ({ index, records });
  const { responses } = await connection.request(produce, 12, {
    acks: -1,
    timeoutMs: 1000,
    topicData: [
      { name: "t", partitionData: [data(2, batchOf(["x"])), data(0, wrongCrc), data(9, wrongCrc)] },
      { name: "unknown", partitionData: [data(0, batchOf(["y"]))] },
      { name: "u", partitionData: [data(0, batchOf(["z"]))] },
    ],
  });
  assertEquals(
    responses.map(({ name, partitionResponses }) => [
      name,
      partitionResponses.map(({ index, errorCode, baseOffset }) => [index, errorCode, baseOffset]),
    ]),
    [
      ["t", [
        [2, ErrorCode.NONE, 0],
        [0, ErrorCode.CORRUPT_MESSAGE, -1],
        [9, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1],
      ]],
      ["unknown", [[0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1]]],
      ["u", [[0, ErrorCode.NONE, 0]]],
    ],
  );
});

Deno.test("Produce enforces max.message.bytes to the byte, and applies a change immediately", async () => {
  await withTopic(async (connection) => {
    const sizeOf = (value: number) => batchOf([new Uint8Array(value)]).length;
    const fitting = 1000 - (sizeOf(900) - 900);
    assertEquals(sizeOf(fitting), 1000);
    assertEquals(await codeOf(connection, batchOf([new Uint8Array(fitting)])), "NONE");
    const larger = batchOf([new Uint8Array(fitting + 1)]);
    assertEquals(await codeOf(connection, larger), "MESSAGE_TOO_LARGE");
    await connection.request(incrementalAlterConfigs, 1, {
      resources: [{
        resourceType: 2,
        resourceName: "t",
        configs: [{ name: "max.message.bytes", configOperation: 0, value: "1001" }],
      }],
      validateOnly: false,
    });
    assertEquals(await codeOf(connection, larger), "NONE");
  }, { "max.message.bytes": "1000" });
});

Deno.test("Produce returns the append time with message.timestamp.type=LogAppendTime", async () => {
  await withTopic(async (connection) => {
    const before = Date.now();
    const { logAppendTimeMs } = await append(connection, "t", batchOf(["a", "b"]));
    assert(logAppendTimeMs >= before && logAppendTimeMs <= Date.now());
    const { records } = await read(connection, "t", 0);
    const batch = new RecordBatch(records!);
    batch.ensureValid();
    assertEquals(batch.timestampType, 1);
    assertEquals(recordsOf(records).map(({ timestamp }) => timestamp), [
      logAppendTimeMs,
      logAppendTimeMs,
    ]);
  }, { "message.timestamp.type": "LogAppendTime" });
});

Deno.test("Produce corrects a wrong maximum timestamp in the header", async () => {
  await withTopic(async (connection) => {
    const batch = changed(batchOf(["a", "b"]), (view) => view.setBigInt64(35, 5n));
    assertEquals(await codeOf(connection, batch), "NONE");
    const stored = new RecordBatch((await read(connection, "t", 0)).records!);
    stored.ensureValid();
    assertEquals(stored.maxTimestamp, FIRST_TIMESTAMP + 1);
  });
});

/** Makes batches of an idempotent producer, with the current time because old producers expire. */
function sequenced(producerId: number, producerEpoch: number) {
  const timestamp = Date.now();
  return (baseSequence: number, ...values: string[]) =>
    batchOf(values, { producerId, producerEpoch, baseSequence, timestamp });
}

async function newProducerId(connection: RawConnection): Promise<number> {
  const answer = await connection.request(initProducerId, 4, {
    transactionalId: null,
    transactionTimeoutMs: 0,
  });
  assertEquals([answer.errorCode, answer.producerEpoch], [ErrorCode.NONE, 0]);
  return answer.producerId;
}

Deno.test("Produce answers a duplicate of the last five batches with its offset (KIP-98)", async () => {
  await withTopic(async (connection, local) => {
    const batch = sequenced(await newProducerId(connection), 0);
    const sent = Array.from({ length: 7 }, (_, i) => batch(2 * i, `${i}a`, `${i}b`));
    for (const [index, records] of sent.entries()) {
      assertEquals((await append(connection, "t", records)).baseOffset, 2 * index);
    }
    for (let index = 2; index < 7; index++) {
      const { errorCode, baseOffset } = await append(connection, "t", sent[index]!);
      assertEquals([errorCode, baseOffset], [ErrorCode.NONE, 2 * index]);
    }
    assertEquals(await codeOf(connection, sent[1]!), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    assertEquals(await endOf(connection), 14);

    // Producer state survives a restart.
    await local.restart();
    using again = await RawConnection.connect(local.address);
    assertEquals((await append(again, "t", sent[6]!)).baseOffset, 12);
    assertEquals((await append(again, "t", batch(14, "next"))).baseOffset, 14);
  });
});

Deno.test("Produce refuses a producer's batches after a gap or out of order (KIP-98)", async () => {
  await withTopic(async (connection) => {
    const batch = sequenced(await newProducerId(connection), 0);
    assertEquals(await codeOf(connection, batch(0, "a", "b")), "NONE");
    const wrong = {
      "a gap": batch(3, "d"),
      "the third before the second": batch(4, "e"),
      "a part of one already there": batch(1, "b"),
      "an overlap": batch(0, "a", "b", "c"),
    };
    for (const [name, records] of Object.entries(wrong)) {
      assertEquals(await codeOf(connection, records), "OUT_OF_ORDER_SEQUENCE_NUMBER", name);
    }
    assertEquals(await codeOf(connection, batch(2, "c")), "NONE");
    const { records } = await read(connection, "t", 0);
    assertEquals(recordsOf(records).map(({ value }) => value), ["a", "b", "c"]);
  });
});

Deno.test("Produce accepts sequence 0 after 2147483647", async () => {
  await withTopic(async (connection) => {
    const batch = sequenced(await newProducerId(connection), 0);
    assertEquals(await codeOf(connection, batch(2147483646, "a")), "NONE");
    assertEquals(await codeOf(connection, batch(2147483647, "b")), "NONE");
    assertEquals(await codeOf(connection, batch(0, "c")), "NONE");
    assertEquals(await codeOf(connection, batch(2, "d")), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    const wrapping = sequenced(await newProducerId(connection), 0);
    assertEquals(await codeOf(connection, wrapping(2147483646, "a", "b", "c")), "NONE");
    assertEquals(await codeOf(connection, wrapping(1, "d")), "NONE");
  });
});

Deno.test("Produce fences older producer epochs, and newer ones start at sequence 0", async () => {
  await withTopic(async (connection) => {
    const producerId = await newProducerId(connection);
    const [zero, one, two] = [0, 1, 2].map((epoch) => sequenced(producerId, epoch));
    assertEquals(await codeOf(connection, one!(0, "a")), "NONE");
    assertEquals(await codeOf(connection, zero!(1, "old")), "INVALID_PRODUCER_EPOCH");
    assertEquals(await codeOf(connection, two!(1, "late")), "OUT_OF_ORDER_SEQUENCE_NUMBER");
    assertEquals(await codeOf(connection, two!(0, "b")), "NONE");
    assertEquals(await codeOf(connection, one!(1, "old")), "INVALID_PRODUCER_EPOCH");
    assertEquals(await endOf(connection), 2);
  });
});

Deno.test("InitProducerId assigns a new id each time, also after a restart", async () => {
  await withTopic(async (connection, local) => {
    const ids = new Set<number>();
    for (let count = 0; count < 20; count++) ids.add(await newProducerId(connection));
    await local.restart();
    using again = await RawConnection.connect(local.address);
    for (let count = 0; count < 20; count++) ids.add(await newProducerId(again));
    assertEquals(ids.size, 40);
  });
});

Deno.test("Produce appends pipelined batches in order, on several partitions", async () => {
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "t", { partitions: 3 });
  const rounds = 30;
  for (let round = 0; round < rounds; round++) {
    for (const acks of [-1, 1]) {
      const partition = round % 3;
      const request = produceRequest("t", batchOf([`${round}:${acks}`]), { acks, partition });
      await connection.send(produce, 12, request);
    }
  }
  for (let count = 0; count < 2 * rounds; count++) {
    const { responses } = await connection.receive(produce);
    assertEquals(responses[0]!.partitionResponses[0]!.errorCode, ErrorCode.NONE);
  }
  for (let partition = 0; partition < 3; partition++) {
    const { records } = await read(connection, "t", 0, { partition });
    const expected = Array.from({ length: rounds }, (_, round) => round)
      .filter((round) => round % 3 === partition)
      .flatMap((round) => [`${round}:-1`, `${round}:1`]);
    assertEquals(recordsOf(records).map(({ value }) => value), expected);
  }
});

Deno.test("Produce to a topic that was deleted and created again starts an empty log", async () => {
  await withTopic(async (connection) => {
    const batch = sequenced(await newProducerId(connection), 0);
    assertEquals(await codeOf(connection, batch(0, "a")), "NONE");
    await deleteTopic(connection, "t");
    await createTopic(connection, "t");
    assertEquals(await endOf(connection), 0);
    // The new topic has no state of the producer either, which may start at any sequence.
    assertEquals((await append(connection, "t", batch(1, "b"))).baseOffset, 0);
  });
});

Deno.test("Produce names the invalid records (KIP-467)", async () => {
  const records: [key: string | null, timestamp: number][] = [
    ["k", FIRST_TIMESTAMP],
    [null, FIRST_TIMESTAMP],
    ["k", FIRST_TIMESTAMP],
    [null, FIRST_TIMESTAMP],
  ];
  const builder = new RecordBatchBuilder();
  for (const [key, timestamp] of records) builder.append(timestamp, key, "x");
  const batch = builder.build().slice();
  await withTopic(async (connection) => {
    for (const version of [7, 8, PRODUCE_BY_NAME]) {
      const { errorCode, recordErrors } = await append(connection, "t", batch, { version });
      assertEquals(errorCode, ErrorCode.INVALID_RECORD);
      const message = "Compacted topic cannot accept message without key in topic partition t-0";
      assertEquals(
        recordErrors,
        version < 8
          ? []
          : [1, 3].map((batchIndex) => ({ batchIndex, batchIndexErrorMessage: message })),
      );
    }
    const later = new RecordBatchBuilder();
    for (const timestamp of [9e12, FIRST_TIMESTAMP, 9e12]) later.append(timestamp, "k", "x");
    const late = await append(connection, "t", later.build().slice());
    assertEquals(late.errorCode, ErrorCode.INVALID_TIMESTAMP);
    assertEquals(late.recordErrors.map(({ batchIndex }) => batchIndex), [0, 2]);
    assertEquals(await endOf(connection), 0);
  }, { "cleanup.policy": "compact" });
});

Deno.test("Produce names at most a thousand invalid records over all partitions", async () => {
  const batch = batchOf(Array.from({ length: 800 }, () => "x"));
  await using local = await LocalBroker.start();
  using connection = await RawConnection.connect(local.address);
  await createTopic(connection, "t", { partitions: 3, configs: { "cleanup.policy": "compact" } });
  const partitionData = [0, 1, 2].map((index) => ({ index, records: batch }));
  const { responses } = await connection.request(produce, PRODUCE_BY_NAME, {
    acks: 1,
    timeoutMs: 1000,
    topicData: [{ name: "t", partitionData }],
  });
  const [{ partitionResponses }] = responses as [typeof responses[number]];
  assertEquals(partitionResponses.map(({ recordErrors }) => recordErrors.length), [800, 200, 0]);
  assert(partitionResponses.every(({ errorCode }) => errorCode === ErrorCode.INVALID_RECORD));
});

Deno.test("Produce appends in the order of requests, even if one takes long to validate", async () => {
  const large = new Uint8Array(3_000_000);
  await withTopic(async (connection) => {
    for (const acks of [-1, 1, 0]) {
      const from = await endOf(connection);
      for (const compression of Object.values(CompressionType)) {
        const options = { producerId: -1, compression };
        const slow = produceRequest("t", batchOf([large, "slow"], options), { acks });
        const quick = produceRequest("t", batchOf([`quick ${compression}`]), { acks });
        const isAnswered = acks !== 0;
        await connection.send(produce, PRODUCE_BY_NAME, slow, { isAnswered });
        await connection.send(produce, PRODUCE_BY_NAME, quick, { isAnswered });
        if (acks === 0) continue;
        const answers = [await connection.receive(produce), await connection.receive(produce)];
        const offsets = answers.map(({ responses }) => responses[0]!.partitionResponses[0]!);
        assertEquals(offsets.map(({ errorCode }) => errorCode), [0, 0]);
        assertEquals(offsets.map(({ baseOffset }) => baseOffset - from), [
          3 * compression,
          3 * compression + 2,
        ]);
      }
      assertEquals(await endOf(connection), from + 15);
      const values: string[] = [];
      for (let offset = from; offset < from + 15; offset += 3) {
        const { records } = await read(connection, "t", offset, {
          partitionMaxBytes: 10_000_000,
        });
        const [first, ...rest] = recordsOf(records).filter((record) => record.offset >= offset);
        assertEquals(first!.value, "\0".repeat(large.length));
        values.push(...rest.slice(0, 2).map(({ value }) => value));
      }
      assertEquals(
        values,
        [0, 1, 2, 3, 4].flatMap((compression) => ["slow", `quick ${compression}`]),
      );
    }
  }, { "max.message.bytes": "4000000" });
});

Deno.test("Produce keeps an idempotent producer's batches in order if one takes long to validate (KIP-98)", async () => {
  await withTopic(async (connection) => {
    const { producerId, producerEpoch } = await connection.request(initProducerId, 4, {
      transactionalId: null,
      transactionTimeoutMs: 0,
    });
    const batches = [0, 1, 2, 3].map((baseSequence) =>
      batchOf([baseSequence === 1 ? "x".repeat(3_000_000) : "x"], {
        compression: CompressionType.zstd,
        producerId,
        producerEpoch,
        baseSequence,
      })
    );
    for (const batch of batches) {
      await connection.send(produce, PRODUCE_BY_NAME, produceRequest("t", batch));
    }
    for (const baseOffset of [0, 1, 2, 3]) {
      const { responses } = await connection.receive(produce);
      const [answer] = responses[0]!.partitionResponses;
      assertEquals([answer!.errorCode, answer!.baseOffset], [ErrorCode.NONE, baseOffset]);
    }
  });
});

Deno.test("Produce with acks=0 closes the connection if a slow validation fails", async () => {
  await withTopic(async (connection) => {
    const bytes = batchOf(["x".repeat(3_000_000)], { compression: CompressionType.gzip });
    const wrong = changed(bytes, (view) => {
      view.setInt32(23, 1);
      view.setInt32(57, 2);
    });
    await connection.send(produce, PRODUCE_BY_NAME, produceRequest("t", wrong, { acks: 0 }));
    await connection.ended();
  });
});

Deno.test("Produce compresses by compression.type and its level, and follows changes", async (t) => {
  const text = (size: number) =>
    Array.from({ length: size / 10 }, (_, index) => `${(index * index) % 99_991} `.padEnd(10, "-"))
      .join("");
  const settings: [type: string, level: string, compression: CompressionType][] = [
    ["gzip", "1", CompressionType.gzip],
    ["gzip", "9", CompressionType.gzip],
    ["snappy", "", CompressionType.snappy],
    ["lz4", "1", CompressionType.lz4],
    ["lz4", "17", CompressionType.lz4],
    ["zstd", "1", CompressionType.zstd],
    ["zstd", "19", CompressionType.zstd],
    ["uncompressed", "", CompressionType.none],
    ["producer", "", CompressionType.lz4],
  ];
  await withTopic(async (connection) => {
    for (const size of [1000, 400_000]) {
      const sizes = new Map<string, number>();
      for (const [type, level, compression] of settings) {
        await t.step(`${type} ${level}, ${size} bytes`, async () => {
          const configs = [{ name: "compression.type", value: type, configOperation: 0 }];
          if (level !== "") {
            configs.push({ name: `compression.${type}.level`, value: level, configOperation: 0 });
          }
          await connection.request(incrementalAlterConfigs, 1, {
            resources: [{ resourceType: 2, resourceName: "t", configs }],
            validateOnly: false,
          });
          const values = [text(size), "last"];
          const sent = batchOf(values, { compression: CompressionType.lz4 });
          const from = await endOf(connection);
          const { errorCode, baseOffset } = await append(connection, "t", sent);
          assertEquals([errorCode, baseOffset], [ErrorCode.NONE, from]);
          const { records } = await read(connection, "t", from);
          const batch = new RecordBatch(records!);
          assertEquals(batch.compression, compression);
          assertEquals(recordsOf(batch.bytes).map(({ value }) => value), values);
          assertEquals(recordsOf(batch.bytes).map(({ offset }) => offset), [from, from + 1]);
          if (compression === CompressionType.lz4) {
            assertEquals(batch.bytes.subarray(CRC_POSITION), sent.subarray(CRC_POSITION), "kept");
          }
          sizes.set(type + level, batch.sizeInBytes);
        });
      }
      assert(sizes.get("gzip1")! > sizes.get("gzip9")!);
      assert(sizes.get("zstd1")! > sizes.get("zstd19")! || size === 1000);
    }
  });
});

Deno.test("Produce does not validate records with record.validation=header", async () => {
  await withTopic(async (connection) => {
    const wrong = cutShort(CompressionType.gzip);
    assertEquals(await codeOf(connection, wrong), "NONE");
  }, { "record.validation": "header" });
});
