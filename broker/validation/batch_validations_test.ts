import { assert, assertEquals, assertRejects } from "@std/assert";
import { compress, CompressionType, decompress } from "../../protocol/compression/mod.ts";
import { joinBytes } from "../../protocol/primitives/writer.ts";
import { Random } from "../../protocol/random_testing.ts";
import {
  crc32c,
  LOG_OVERHEAD,
  RECORD_BATCH_OVERHEAD,
  RecordBatch,
  RecordBatchBuilder,
} from "../../protocol/records/mod.ts";
import {
  ATTRIBUTES_POSITION,
  BATCH_LENGTH_POSITION,
  CRC_POSITION,
} from "../../protocol/records/record_batch.ts";
import { LogClosedError, RecordTooLargeError } from "../../storage/errors.ts";
import { DEFAULT_LOG_CONFIG, type LogConfig } from "../../storage/log/log_config.ts";
import { BatchValidations } from "./batch_validations.ts";
import { CompressionWorker } from "./compression_worker.ts";
import { MemoryBudget } from "../memory_budget.ts";

const NOW_MS = 1_700_000_000_000;

function batchOf(size: number, compression: CompressionType): RecordBatch {
  const builder = new RecordBatchBuilder({ compression });
  builder.append(NOW_MS, null, new Uint8Array(size));
  return new RecordBatch(builder.build());
}

/**
 * Returns the batch with its records compressed in several frames, large enough to expand to 60 MB.
 */
function inFrames({ bytes }: RecordBatch, type: CompressionType, count: number): RecordBatch {
  const records = bytes.subarray(RECORD_BATCH_OVERHEAD);
  records.set(new Random(1).bytes(600_000), 1000);
  const part = Math.ceil(records.length / count);
  const frames = Array.from(
    { length: count },
    (_, i) => compress(type, records.subarray(i * part, (i + 1) * part)),
  );
  const chunks = [bytes.subarray(0, RECORD_BATCH_OVERHEAD), ...frames];
  const batch = joinBytes(chunks, chunks.reduce((sum, { length }) => sum + length, 0));
  const view = new DataView(batch.buffer);
  view.setInt32(BATCH_LENGTH_POSITION, batch.length - LOG_OVERHEAD);
  view.setInt16(ATTRIBUTES_POSITION, type);
  view.setUint32(CRC_POSITION, crc32c(batch, ATTRIBUTES_POSITION));
  return new RecordBatch(batch);
}

/** Records the peak of acquired memory. */
class NotedBudget extends MemoryBudget {
  most = 0;

  override adjust(held: number, size: number): void {
    super.adjust(held, size);
    this.most = Math.max(this.most, this.acquired);
  }
}

function configOf(config: Partial<LogConfig> = {}): LogConfig {
  return { ...DEFAULT_LOG_CONFIG, ...config };
}

Deno.test("BatchValidations counts the memory of two concurrent validations and releases it", async () => {
  const memory = new NotedBudget(1);
  const validations = new BatchValidations(memory);
  const size = 5_000_000;
  for (const compression of [1, 2, 3, 4] as const) {
    memory.most = 0;
    const batches = Array.from({ length: 5 }, () => batchOf(size, compression));
    const valid = await Promise.all(
      batches.map((batch) => validations.validate("t-0", batch, configOf(), NOW_MS)),
    );
    assertEquals(valid, batches);
    assertEquals(memory.acquired, 0);
    assert(memory.most >= size, `${compression}: ${memory.most}`);
    assert(memory.most <= 2 * 3 * size, `${compression}: ${memory.most}`);
  }
  validations.close();
});

Deno.test("BatchValidations lets one batch at a time exceed its share", async () => {
  const size = 40_000_000;
  const { gzip, zstd } = CompressionType;
  for (const [compression, frames] of [[gzip, 1], [gzip, 4], [zstd, 1], [zstd, 4]] as const) {
    const memory = new NotedBudget(1);
    const validations = new BatchValidations(memory);
    const batch = inFrames(batchOf(size, CompressionType.none), compression, frames);
    const valid = await Promise.all(
      Array.from({ length: 4 }, () => validations.validate("t-0", batch, configOf(), NOW_MS)),
    );
    for (const each of valid) assertEquals(each, batch);
    assertEquals(memory.acquired, 0);
    assert(memory.most >= 2 * size, `${compression} ${frames}: ${memory.most}`);
    assert(memory.most < 3 * size, `${compression} ${frames}: ${memory.most}`);
    validations.close();
  }
});

Deno.test("BatchValidations lets the next batch exceed its share after a large one is rejected", async () => {
  const memory = new NotedBudget(1);
  const validations = new BatchValidations(memory);
  const { gzip } = CompressionType;
  const bomb = inFrames(batchOf(120_000_000, CompressionType.none), gzip, 1);
  const fine = inFrames(batchOf(40_000_000, CompressionType.none), gzip, 1);
  const refused = [1, 2].map(() =>
    assertRejects(
      () => validations.validate("t-0", bomb, configOf(), NOW_MS),
      RecordTooLargeError,
    )
  );
  assertEquals(await validations.validate("t-0", fine, configOf(), NOW_MS), fine);
  await Promise.all(refused);
  assertEquals(memory.acquired, 0);
  validations.close();
});

Deno.test("BatchValidations releases slot and memory when a batch is rejected", async () => {
  const memory = new NotedBudget(1);
  const validations = new BatchValidations(memory);
  const bomb = batchOf(17_000_000, CompressionType.zstd);
  const refusals = Array.from({ length: 5 }, () =>
    assertRejects(
      () => validations.validate("t-0", bomb, configOf(), NOW_MS),
      RecordTooLargeError,
      "expands to more than 16777216 bytes",
    ));
  await Promise.all(refusals);
  assertEquals(memory.acquired, 0);
  const fine = batchOf(2_000_000, CompressionType.zstd);
  assertEquals(await validations.validate("t-0", fine, configOf(), NOW_MS), fine);
  validations.close();
});

Deno.test("BatchValidations compresses in a worker and close() stops it", async () => {
  const memory = new NotedBudget(1);
  const validations = new BatchValidations(memory);
  for (
    const [compression, compressionLevel] of [[1, 9], [2, undefined], [3, 17], [4, 22]] as const
  ) {
    const batch = batchOf(100_000, CompressionType.none);
    const config = configOf({ compression, compressionLevel });
    const valid = await validations.validate("t-0", batch, config, NOW_MS);
    assertEquals(valid.compression, compression);
    valid.ensureValid();
    assertEquals(
      decompress(compression, valid.bytes.subarray(RECORD_BATCH_OVERHEAD)),
      batch.bytes.subarray(RECORD_BATCH_OVERHEAD),
    );
    assertEquals(memory.acquired, 0);
  }
  validations.close();
  const batch = batchOf(100_000, CompressionType.none);
  const config = configOf({ compression: CompressionType.gzip });
  await assertRejects(
    () => validations.validate("t-0", batch, config, NOW_MS),
    LogClosedError,
    "Cannot compress: the broker is stopping",
  );
});

Deno.test("CompressionWorker.close() rejects jobs in progress", async () => {
  const worker = new CompressionWorker();
  const bytes = new Uint8Array(1_000_000);
  const jobs = [1, 9].map((level) => worker.compress(CompressionType.gzip, bytes, level));
  assertEquals(worker.jobCount, 2);
  worker.close();
  worker.close();
  for (const job of jobs) await assertRejects(() => job, LogClosedError);
  assertEquals(worker.jobCount, 0);
});
