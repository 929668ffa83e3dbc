import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { offsetForLeaderEpoch } from "../../../protocol/messages/records/offset_for_leader_epoch.ts";
import { batchOf, TestBroker } from "../../broker_testing.ts";
import { offsetForLeaderEpochHandler } from "./offset_for_leader_epoch.ts";
import { partitionStateOf } from "../../cluster/topic_state_testing.ts";

Deno.test("OffsetForLeaderEpoch returns end offsets of epochs and checks the client's epoch (KIP-320)", async (t) => {
  await using broker = await TestBroker.start();
  const partition = await broker.createTopic("a");
  const append = () => partition.append(batchOf(["x"]), { acks: 1, nowMs: 1_700_000_000_000 });
  append();
  partition.updateState(partitionStateOf({ leaderId: 1, leaderEpoch: 2, replicas: [1], isr: [1] }));
  append();
  const cases: [current: number, asked: number, code: number, epoch: number, end: number][] = [
    [-1, 2, ErrorCode.NONE, 2, 2],
    [2, 0, ErrorCode.NONE, 0, 1],
    [2, 1, ErrorCode.NONE, 0, 1],
    [2, 3, ErrorCode.NONE, -1, -1],
    [1, 0, ErrorCode.FENCED_LEADER_EPOCH, -1, -1],
    [3, 0, ErrorCode.UNKNOWN_LEADER_EPOCH, -1, -1],
  ];
  for (let version = 2; version <= 4; version++) {
    await t.step(`version ${version}`, async () => {
      for (const [currentLeaderEpoch, leaderEpoch, ...expected] of cases) {
        const { topics } = await broker.call(
          offsetForLeaderEpoch,
          offsetForLeaderEpochHandler,
          version,
          {
            topics: [{
              topic: "a",
              partitions: [
                { partition: 0, currentLeaderEpoch, leaderEpoch },
                { partition: 1, currentLeaderEpoch, leaderEpoch },
              ],
            }],
          },
        );
        const [known, unknown] = topics[0]!.partitions;
        assertEquals([known!.errorCode, known!.leaderEpoch, known!.endOffset], expected);
        assertEquals(unknown!.errorCode, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
      }
    });
  }
});
