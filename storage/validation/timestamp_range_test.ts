import { assertEquals } from "@std/assert";
import { INT64_MAX, INT64_MIN } from "../../protocol/primitives/int64.ts";
import { isTimestampOutOfRange } from "./timestamp_range.ts";

const NOW_MS = 1_700_000_000_000;
const HOUR_MS = 3_600_000;
const NANOSECONDS = 1.7e18;

Deno.test("isTimestampOutOfRange() agrees with Kafka 4.2 for any int64", () => {
  const usual = { messageTimestampBeforeMaxMs: INT64_MAX, messageTimestampAfterMaxMs: HOUR_MS };
  const any = { messageTimestampBeforeMaxMs: INT64_MAX, messageTimestampAfterMaxMs: INT64_MAX };
  const recent = { messageTimestampBeforeMaxMs: HOUR_MS, messageTimestampAfterMaxMs: HOUR_MS };
  const cases: [timestamp: number, usual: boolean, any: boolean, recent: boolean][] = [
    [NOW_MS, false, false, false],
    [NOW_MS + HOUR_MS, false, false, false],
    [NOW_MS + HOUR_MS + 1, true, false, true],
    [NOW_MS - HOUR_MS, false, false, false],
    [NOW_MS - HOUR_MS - 1, false, false, true],
    [NANOSECONDS, true, false, true],
    [INT64_MAX, true, false, true],
    [-NANOSECONDS, false, false, true],
    [INT64_MIN, true, false, true],
    [0, false, false, true],
    [-1, false, false, false],
    [-2, false, false, true],
  ];
  for (const [timestamp, ...expected] of cases) {
    const seen = [usual, any, recent].map((c) => isTimestampOutOfRange(timestamp, c, NOW_MS));
    assertEquals(seen, expected, `${timestamp}`);
  }
});
