/**
 * Load of Fetch requests for records that transactions wrote, with either isolation.
 *
 * @module
 */

import { fetch } from "../../../protocol/messages/records/fetch.ts";
import {
  listOffsets,
  ListOffsetsTimestamp,
} from "../../../protocol/messages/records/list_offsets.ts";
import { describeUsage, type Outcome, usagePer } from "../report/outcome.ts";
import { endOf } from "./fetch_load.ts";
import { LoadConnection } from "./load_connection.ts";
import { expectNone, FETCH_VERSION, type LoadTopic, type Target } from "./target.ts";
import { measureWindow, type Timing } from "./window.ts";

const LIST_OFFSETS_VERSION = 6;
const WAIT_MS = 10;

/** Codes of the isolation levels. */
export const ISOLATION_LEVELS = { read_uncommitted: 0, read_committed: 1 } as const;

/** The name of an isolation level. */
export type IsolationLevelName = keyof typeof ISOLATION_LEVELS;

/** Waits until all of partition 0 is decided; returns its end. */
export async function settledEnd(topic: LoadTopic): Promise<number> {
  using connection = await LoadConnection.connect(topic.leaders[0]!);
  const end = async (isolationLevel: number) => {
    const response = await connection.request(listOffsets, LIST_OFFSETS_VERSION, {
      isolationLevel,
      topics: [{
        name: topic.name,
        partitions: [{ partitionIndex: 0, timestamp: ListOffsetsTimestamp.latest }],
      }],
    });
    const { errorCode, offset } = response.topics[0]!.partitions[0]!;
    expectNone(errorCode, "list offsets");
    return offset;
  };
  for (;;) {
    const latest = await end(ISOLATION_LEVELS.read_uncommitted);
    if (await end(ISOLATION_LEVELS.read_committed) === latest) return latest;
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  }
}

/** Reads partition 0 from start to end, repeatedly, for a while. */
export async function measureCommittedFetch(
  target: Target,
  topic: LoadTopic,
  isolation: IsolationLevelName,
  end: number,
  timing: Timing,
): Promise<Outcome> {
  using connection = await LoadConnection.connect(topic.leaders[0]!);
  let [offsets, bytes, progress, isCounting, isOver] = [0, 0, 0, false, false];
  const reading = (async () => {
    for (let offset = 0; !isOver;) {
      const { responses } = await connection.request(fetch, FETCH_VERSION, {
        maxWaitMs: 500,
        minBytes: 1,
        isolationLevel: ISOLATION_LEVELS[isolation],
        topics: [{
          topic: topic.name,
          partitions: [{ partition: 0, fetchOffset: offset, partitionMaxBytes: 1_048_576 }],
        }],
      });
      const { errorCode, records } = responses[0]!.partitions[0]!;
      expectNone(errorCode, "fetch");
      const next = endOf(records ?? new Uint8Array(0), offset);
      progress += next - offset;
      if (isCounting) {
        offsets += next - offset;
        bytes += records!.length;
      }
      offset = next >= end ? 0 : next;
    }
  })();
  const window = await Promise.race([
    measureWindow(
      timing,
      target,
      () => isCounting = true,
      () => {
        isCounting = false;
        isOver = true;
      },
      () => progress,
    ),
    reading.then(() => Promise.reject(new Error("The load ended too early"))),
  ]);
  await reading;
  const megabytes = bytes / 1e6;
  return {
    figures: [
      { name: "", unit: "MB/s", better: "higher", value: megabytes / window.seconds },
      ...usagePer("MB", megabytes, window),
    ],
    note: [
      `${Math.round(offsets / window.seconds).toLocaleString("en-US")} offsets/s`,
      describeUsage(window),
    ].join(", "),
  };
}
