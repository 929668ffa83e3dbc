import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { describeLogDirs } from "../../../protocol/messages/cluster/describe_log_dirs.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { HeldSyncFileSystem } from "../../held_sync_testing.ts";
import { describeLogDirsHandler } from "./describe_log_dirs.ts";

Deno.test("DescribeLogDirs returns the size of each partition in the data folder (KIP-113)", async (t) => {
  await using broker = await TestBroker.start();
  await broker.createTopic("a", { partitions: 2 });
  await broker.createTopic("b");
  const batch = batchOf(["x".repeat(100)]);
  broker.topics.partition("a", 1)!.append(batch, { acks: 1, nowMs: 1_700_000_000_000 });
  for (let version = 1; version <= 4; version++) {
    await t.step(`version ${version}`, async () => {
      const call = (topics: { topic: string; partitions: number[] }[] | null) =>
        broker.call(describeLogDirs, describeLogDirsHandler, version, { topics });
      const { errorCode, results } = await call(null);
      assertEquals([errorCode, results.length], [ErrorCode.NONE, 1]);
      const [{ topics, ...folder }] = results as [typeof results[number]];
      assertEquals(folder, { errorCode: 0, logDir: "/data", totalBytes: -1, usableBytes: -1 });
      const sizes = topics.map(({ name, partitions }) => [
        name,
        ...partitions.map((partition) => partition.partitionSize),
      ]);
      assertEquals(sizes.sort(), [["a", 0, batch.sizeInBytes], ["b", 0]]);
      const some = await call([{ topic: "a", partitions: [1, 1, 7] }, {
        topic: "c",
        partitions: [0],
      }]);
      assertEquals(some.results[0]!.topics, [{
        name: "a",
        partitions: [{
          partitionIndex: 1,
          partitionSize: batch.sizeInBytes,
          offsetLag: 0,
          isFutureKey: false,
        }],
      }]);
      assertEquals((await call([])).results[0]!.topics, []);
    });
  }
});

Deno.test("DescribeLogDirs returns the error of a folder with a log that is offline", async () => {
  const fs = new HeldSyncFileSystem();
  const broker = await TestBroker.start({ fs });
  const partition = await broker.createTopic("a");
  const call = () => broker.call(describeLogDirs, describeLogDirsHandler, 4, { topics: [] });
  assertEquals((await call()).results[0]!.errorCode, ErrorCode.NONE);
  fs.isFailing = true;
  const nowMs = 1_700_000_000_000;
  await partition.append(batchOf(["x"]), { acks: -1, nowMs }).committed!.catch(() => {});
  assertEquals(partition.isOffline, true);
  const { errorCode, results } = await call();
  assertEquals([errorCode, results[0]!.errorCode], [
    ErrorCode.NONE,
    ErrorCode.KAFKA_STORAGE_ERROR,
  ]);
  await broker.close();
});
