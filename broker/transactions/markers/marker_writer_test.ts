import { assertEquals } from "@std/assert";
import { ErrorCode } from "../../../protocol/errors.ts";
import { ApiError } from "../../api_error.ts";
import { silentLogger } from "../../logger.ts";
import { ManualClock } from "../../time/clock.ts";
import { Timeouts } from "../../time/timeouts.ts";
import { turn } from "../testing.ts";
import { MarkerWriter } from "./marker_writer.ts";

const OFFSETS = "__consumer_offsets";
const COMMIT = {
  producerId: 7,
  producerEpoch: 1,
  isCommit: true,
  coordinatorEpoch: 0,
  transactionVersion: 2,
};

class Fixture implements Disposable {
  readonly clock: ManualClock = new ManualClock();
  readonly timeouts: Timeouts = new Timeouts(this.clock);
  /** When markers are committed, by topic; at once by default. */
  readonly committed: Map<string, Promise<void>> = new Map();
  /** Ends of transactions that the groups heard of. */
  readonly ended: string[] = [];
  isLoaded = true;
  readonly writer: MarkerWriter = new MarkerWriter({
    topics: {
      partition: (topic) =>
        topic === "unknown" ? undefined : {
          appendMarker: () => ({
            baseOffset: 0,
            logAppendTimeMs: -1,
            logStartOffset: 0,
            committed: this.committed.get(topic),
          }),
        },
    },
    groups: {
      topic: OFFSETS,
      ensureLoaded: () => {
        if (!this.isLoaded) throw new ApiError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS);
      },
      endTransaction: (index, producerId, isCommit) => {
        this.ended.push(`${index} ${producerId} ${isCommit}`);
      },
    },
    clock: this.clock,
    timeouts: this.timeouts,
    logger: silentLogger,
  });

  /** The answer of a partition, once there is one. */
  write(topic: string): { code?: number } {
    const answer: { code?: number } = {};
    this.writer.write(COMMIT, { topic, index: 3 }).then((code) => answer.code = code);
    return answer;
  }

  [Symbol.dispose](): void {
    this.timeouts.close();
  }
}

Deno.test("MarkerWriter.write() answers when the marker is committed, and ends offsets then", async () => {
  using fixture = new Fixture();
  const { promise, resolve } = Promise.withResolvers<void>();
  fixture.committed.set(OFFSETS, promise);
  const answers = ["t", "unknown", OFFSETS].map((topic) => fixture.write(topic));
  await turn();
  assertEquals(answers.map(({ code }) => code), [
    ErrorCode.NONE,
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
    undefined,
  ]);
  assertEquals(fixture.ended, []);
  resolve();
  await turn();
  assertEquals(answers[2]!.code, ErrorCode.NONE);
  assertEquals(fixture.ended, ["3 7 true"]);
  fixture.isLoaded = false;
  const early = fixture.write(OFFSETS);
  await turn();
  assertEquals(early.code, ErrorCode.NOT_LEADER_OR_FOLLOWER);
});

Deno.test("MarkerWriter.write() returns REQUEST_TIMED_OUT while too few replicas are in sync, and ends offsets when they are", async () => {
  using fixture = new Fixture();
  const { promise, resolve } = Promise.withResolvers<void>();
  fixture.committed.set(OFFSETS, promise);
  const first = fixture.write(OFFSETS);
  fixture.clock.advance(4999);
  await turn();
  assertEquals(first.code, undefined);
  fixture.clock.advance(1);
  await turn();
  assertEquals([first.code, fixture.ended], [ErrorCode.REQUEST_TIMED_OUT, []]);
  const second = fixture.write(OFFSETS);
  resolve();
  await turn();
  assertEquals(second.code, ErrorCode.NONE);
  assertEquals(fixture.ended, ["3 7 true", "3 7 true"]);
});

Deno.test("MarkerWriter.write() returns the error of a marker that is lost, also after its timeout", async () => {
  using fixture = new Fixture();
  const { promise, reject } = Promise.withResolvers<void>();
  fixture.committed.set(OFFSETS, promise);
  const late = fixture.write(OFFSETS);
  fixture.clock.advance(5000);
  await turn();
  const early = fixture.write(OFFSETS);
  reject(new ApiError(ErrorCode.NOT_LEADER_OR_FOLLOWER));
  await turn();
  assertEquals([late.code, early.code], [
    ErrorCode.REQUEST_TIMED_OUT,
    ErrorCode.NOT_LEADER_OR_FOLLOWER,
  ]);
  assertEquals(fixture.ended, []);
});
