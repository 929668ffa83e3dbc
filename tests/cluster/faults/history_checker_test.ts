import { assertEquals } from "@std/assert";
import type { FinalState, HistoryEvent, LogRecord } from "./history.ts";
import { HistoryChecker, type ViolationKind } from "./history_checker.ts";

const time = 0;
const GROUP = "g";

function send(value: string, partition = 0, client = "p"): HistoryEvent {
  return { type: "send", client, partition, value, time };
}

function sent(value: string, offset: number, partition = 0): HistoryEvent {
  return { type: "sent", value, partition, offset, time };
}

function polled(value: string, offset: number, client = "c", partition = 0): HistoryEvent {
  return { type: "polled", group: GROUP, client, partition, offset, value, time };
}

function assigned(client = "c"): HistoryEvent {
  return { type: "assigned", group: GROUP, client, partitions: [0], time };
}

function committed(offset: number): HistoryEvent {
  return { type: "committed", group: GROUP, partition: 0, offset, time };
}

function log(...values: string[]): LogRecord[] {
  return values.map((value, offset) => ({ value, offset }));
}

/** Three values, written and read without a fault. */
const SOUND: readonly HistoryEvent[] = [
  ...["a", "b", "c"].flatMap((value, offset) => [send(value), sent(value, offset)]),
  assigned(),
  ...["a", "b", "c"].map((value, offset) => polled(value, offset)),
  committed(3),
];
const FINAL: FinalState = {
  logs: [log("a", "b", "c")],
  replicas: [{ broker: 1, partition: 0, records: log("a", "b", "c") }],
  commits: new Map([[GROUP, [3]]]),
};

function kindsOf(
  events: readonly HistoryEvent[],
  final: Partial<FinalState> = {},
): ViolationKind[] {
  const checker = new HistoryChecker();
  for (const event of events) checker.add(event);
  return checker.check({ ...FINAL, ...final }).map(({ kind }) => kind);
}

/** SOUND, with the reads replaced. */
function reading(...events: HistoryEvent[]): HistoryEvent[] {
  return [...SOUND.filter(({ type }) => type !== "polled" && type !== "assigned"), ...events];
}

Deno.test("HistoryChecker finds nothing in a sound history", async (t) => {
  await t.step("without a fault", () => assertEquals(kindsOf(SOUND), []));
  await t.step("with sends whose outcome is unknown, there or not", () => {
    const unknown = (value: string): HistoryEvent => {
      return { type: "failed", value, isDefinite: false, error: "timed out", time };
    };
    const events = [...SOUND, send("d"), unknown("d"), send("e"), unknown("e"), polled("d", 3)];
    assertEquals(kindsOf(events, { logs: [log("a", "b", "c", "d")] }), []);
  });
  await t.step("with a send that never took place", () => {
    const failed: HistoryEvent = {
      type: "failed",
      value: "d",
      isDefinite: true,
      error: "too large",
      time,
    };
    assertEquals(kindsOf([...SOUND, send("d"), failed]), []);
  });
  await t.step("with a member that begins again", () => {
    assertEquals(kindsOf([...SOUND, assigned(), polled("b", 1), polled("c", 2)]), []);
  });
  await t.step("with two members", () => {
    const events = reading(polled("a", 0), assigned("d"), polled("b", 1, "d"), polled("c", 2, "d"));
    assertEquals(kindsOf(events), []);
  });
  await t.step("with gaps in the offsets", () => {
    const sparse = [{ offset: 0, value: "a" }, { offset: 5, value: "b" }];
    const events = [send("a"), send("b"), sent("b", 5), polled("a", 0), polled("b", 5)];
    assertEquals(kindsOf(events, { logs: [sparse], replicas: [] }), []);
  });
  await t.step("with a replica that lacks the end", () => {
    const replicas = [{ broker: 2, partition: 0, records: log("a", "b") }];
    assertEquals(kindsOf(SOUND, { replicas }), []);
  });
  await t.step("with acknowledgements without an offset", () => {
    assertEquals(kindsOf([...SOUND, sent("a", -1)]), []);
  });
});

const BROKEN: readonly [string, readonly HistoryEvent[], Partial<FinalState>, ViolationKind[]][] = [
  [
    "an acknowledged value is missing",
    [...SOUND, send("d"), sent("d", 3)],
    {},
    ["lost write"],
  ],
  [
    "an acknowledged value without an offset is missing",
    [...SOUND, send("d"), sent("d", -1)],
    {},
    ["lost write"],
  ],
  [
    "another value is where one was acknowledged",
    [...SOUND, send("d"), sent("d", 2)],
    {},
    ["lost write"],
  ],
  [
    "an acknowledged value is at another offset",
    [...SOUND, send("d"), sent("d", 7), polled("d", 3)],
    { logs: [log("a", "b", "c", "d")] },
    ["moved write"],
  ],
  [
    "a value is there twice",
    [...SOUND, polled("a", 3)],
    { logs: [log("a", "b", "c", "a")] },
    ["duplicate"],
  ],
  [
    "values are in another order",
    [
      send("b"),
      send("a"),
      send("c"),
      ...reading(polled("a", 0), polled("b", 1), polled("c", 2))
        .filter(({ type }) => type !== "send"),
    ],
    {},
    ["reordered"],
  ],
  ["a value was sent by nobody", SOUND.slice(2), {}, ["unknown value"]],
  [
    "a value is in another partition than it was sent to",
    [...SOUND, send("d", 1), polled("d", 3)],
    { logs: [log("a", "b", "c", "d"), []] },
    ["unknown value"],
  ],
  [
    "a value is there whose send failed",
    [...SOUND, { type: "failed", value: "a", isDefinite: true, error: "refused", time }],
    {},
    ["aborted read"],
  ],
  ["a value was read and is gone", [...SOUND, send("d"), polled("d", 3)], {}, ["taken back"]],
  [
    "an offset was read with another value",
    [...SOUND, send("d"), assigned("d"), polled("d", 1, "d")],
    {},
    ["two values"],
  ],
  ["a member reads an offset twice", [...SOUND, polled("c", 2)], {}, ["backward poll"]],
  ["a member goes back", [...SOUND, polled("a", 0)], {}, ["backward poll"]],
  [
    "a member skips a record",
    reading(polled("a", 0), polled("c", 2), assigned("d"), polled("b", 1, "d")),
    {},
    ["skipped poll"],
  ],
  ["a group misses the end", reading(polled("a", 0), polled("b", 1)), {}, ["unseen"]],
  ["a group misses the beginning", reading(polled("b", 1), polled("c", 2)), {}, ["unseen"]],
  [
    "a group misses a partition",
    [...SOUND, send("d", 1), sent("d", 0, 1)],
    { logs: [log("a", "b", "c"), log("d")] },
    ["unseen"],
  ],
  ["a commit is gone", SOUND, { commits: new Map() }, ["lost commit"]],
  ["a commit went back", SOUND, { commits: new Map([[GROUP, [2]]]) }, ["lost commit"]],
  [
    "a replica has another value",
    SOUND,
    { replicas: [{ broker: 2, partition: 0, records: log("a", "x", "c") }] },
    ["divergence"],
  ],
  [
    "a replica has a hole",
    SOUND,
    { replicas: [{ broker: 2, partition: 0, records: [log("a")[0]!, { offset: 2, value: "c" }] }] },
    ["divergence"],
  ],
  [
    "a replica has more than the log",
    SOUND,
    { replicas: [{ broker: 2, partition: 0, records: log("a", "b", "c", "d") }] },
    ["divergence"],
  ],
];

Deno.test("HistoryChecker finds each kind of violation", async (t) => {
  for (const [name, events, final, kinds] of BROKEN) {
    await t.step(name, () => assertEquals(kindsOf(events, final), kinds));
  }
});
