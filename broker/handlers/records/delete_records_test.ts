import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { deleteRecords } from "../../../protocol/messages/records/delete_records.ts";
import { batchOf, TestBroker, valuesFrom } from "../../broker_testing.ts";
import { deleteRecordsHandler } from "./delete_records.ts";

Deno.test("DeleteRecords deletes before an offset, -1 for the high watermark (KIP-107)", async (t) => {
  for (let version = 0; version <= 2; version++) {
    await t.step(`version ${version}`, async () => {
      await using broker = await TestBroker.start();
      await broker.createTopic("a", { partitions: 4 });
      const { partitions } = broker.topics.get("a")!;
      for (const partition of partitions) {
        partition!.append(batchOf(["one", "two", "three"]), { acks: 1, nowMs: 1_700_000_000_000 });
      }
      const asked = [[0, 1], [1, -1], [2, 4], [3, 0], [9, 0]] as const;
      const { topics } = await broker.call(deleteRecords, deleteRecordsHandler, version, {
        topics: [
          {
            name: "a",
            partitions: asked.map(([partitionIndex, offset]) => ({ partitionIndex, offset })),
          },
          { name: "gone", partitions: [{ partitionIndex: 0, offset: 0 }] },
        ],
        timeoutMs: 1000,
      });
      const results = topics.map(({ name, partitions }) => [
        name,
        ...partitions.map((result) => [result.lowWatermark, result.errorCode]),
      ]);
      assertEquals(results, [
        [
          "a",
          [1, ErrorCode.NONE],
          [3, ErrorCode.NONE],
          [-1, ErrorCode.OFFSET_OUT_OF_RANGE],
          [0, ErrorCode.NONE],
          [-1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
        ],
        ["gone", [-1, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]],
      ]);
      assertEquals(await valuesFrom(partitions[0]!, 1), ["two", "three"]);
      assertEquals(await valuesFrom(partitions[2]!, 0), ["one", "two", "three"]);
    });
  }
});

Deno.test("DeleteRecords rejects internal and compact-only topics, as Kafka does", async () => {
  await using broker = await TestBroker.start();
  const compacted = (policy: string) => ({ configs: new Map([["cleanup.policy", policy]]) });
  const topics = [
    ["__consumer_offsets", { isInternal: true, ...compacted("compact") }, 17],
    ["__transaction_state", { isInternal: true }, 17],
    ["compacted", compacted("compact"), 44],
    ["both", compacted("compact,delete"), 0],
    ["deleted", compacted("delete"), 0],
  ] as const;
  for (const [name, options, errorCode] of topics) {
    const partition = await broker.createTopic(name, options);
    const batch = batchOf(["one", "two"]);
    partition.append(batch, { acks: 1, nowMs: broker.clock.now(), isInternal: true });
    for (const offset of [1, -1]) {
      const answer = await broker.call(deleteRecords, deleteRecordsHandler, 2, {
        topics: [{ name, partitions: [{ partitionIndex: 0, offset }] }],
        timeoutMs: 1000,
      });
      const [result] = answer.topics[0]!.partitions;
      const start = offset === 1 ? 1 : 2;
      assertEquals(
        [result!.errorCode, result!.lowWatermark],
        [errorCode, errorCode === 0 ? start : -1],
        name,
      );
      assertEquals(partition.logStartOffset, errorCode === 0 ? start : 0);
    }
  }
});
