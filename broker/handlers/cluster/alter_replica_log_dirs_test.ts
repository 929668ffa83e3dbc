import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { alterReplicaLogDirs } from "../../../protocol/messages/cluster/alter_replica_log_dirs.ts";
import { TestBroker } from "../../broker_testing.ts";
import { alterReplicaLogDirsHandler } from "./alter_replica_log_dirs.ts";

Deno.test("AlterReplicaLogDirs accepts the only directory and rejects others (KIP-113)", async (t) => {
  await using broker = await TestBroker.start();
  await broker.createTopic("t", { partitions: 3 });
  for (const version of [1, 2]) {
    await t.step(`version ${version}`, async () => {
      const call = (...dirs: [path: string, topic: string, ...partitions: number[]][]) =>
        broker.call(alterReplicaLogDirs, alterReplicaLogDirsHandler, version, {
          dirs: dirs.map(([path, name, ...partitions]) => ({
            path,
            topics: [{ name, partitions }],
          })),
        });
      const { results } = await call(
        ["/data", "t", 0, 1, 9],
        ["/data", "unknown", 0],
        ["/nowhere", "t", 1, 2],
        ["/nowhere", "unknown", 1],
        ["", "t", 2],
      );
      const codes = results.map(({ topicName, partitions }) => [
        topicName,
        partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]),
      ]);
      const { NONE, UNKNOWN_TOPIC_OR_PARTITION, LOG_DIR_NOT_FOUND } = ErrorCode;
      assertEquals(codes, [
        [
          "t",
          [
            [0, NONE],
            [1, LOG_DIR_NOT_FOUND],
            [9, UNKNOWN_TOPIC_OR_PARTITION],
            [2, LOG_DIR_NOT_FOUND],
          ],
        ],
        ["unknown", [[0, UNKNOWN_TOPIC_OR_PARTITION], [1, LOG_DIR_NOT_FOUND]]],
      ]);
    });
  }
});
