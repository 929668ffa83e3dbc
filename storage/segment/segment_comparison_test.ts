import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { CorruptRecordError, RecordBatch } from "../../protocol/records/mod.ts";
import { appendKeyed, clean, compactedConfig } from "../cleaner/cleaner_testing.ts";
import type { Log } from "../log.ts";
import { append, configOf, NOW_MS, openDirectory, recordsOf } from "../log_testing.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { repairDataFolder, verifyDataFolder } from "../verify/mod.ts";

const NAME = "orders-3";
const FOLDER = `/data/${NAME}`;
const CONFIG = { segmentBytes: 700, indexIntervalBytes: 150 };
const END = 60;

/** The files of a log of several segments, with two records per batch, after a clean shutdown. */
async function makeLog(logStartOffset = 0): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs, { config: CONFIG });
  await directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
  const topicId = "4v_2pRHCQ5K2LNRfgJ3mEg";
  const log = directory.create(NAME, { nowMs: NOW_MS, config: configOf(CONFIG), topicId });
  for (let offset = 0; offset < END; offset += 2) {
    append(log, [recordAt(offset), recordAt(offset + 1)], {
      producerId: 7,
      producerEpoch: 0,
      baseSequence: offset,
    });
  }
  if (logStartOffset > 0) log.deleteRecordsBefore(logStartOffset);
  await directory.close();
  return fs;
}

function recordAt(offset: number): { value: string; timestamp: number } {
  return { value: `value ${offset}`, timestamp: NOW_MS + offset };
}

/** The segment files of the log, in order. */
function segmentsOf(fs: MemoryFileSystem): string[] {
  return fs.readDirSync(FOLDER).map(({ name }) => `${FOLDER}/${name}`)
    .filter((path) => path.endsWith(".log")).sort();
}

function baseOffsetOf(path: string): number {
  return Number(path.slice(-24, -4));
}

function cut(fs: MemoryFileSystem, path: string, size: number): void {
  fs.writeFileSync(path, fs.readFileSync(path).subarray(0, size));
}

function removeSegment(fs: MemoryFileSystem, path: string): void {
  for (const suffix of ["log", "index", "timeindex"]) fs.removeSync(path.replace(/log$/, suffix));
}

/** The result of reading each offset: its record or damage. Fails on anything else. */
async function lostOffsets(log: Log): Promise<number[]> {
  const lost: number[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; offset++) {
    try {
      const { chunks, nextOffset } = await log.read(offset, { maxBytes: 1 });
      assert(nextOffset > offset, `nothing is read at ${offset}`);
      const [first] = recordsOf(chunks, offset);
      assertEquals(first, { offset, value: recordAt(offset).value }, "no record is skipped");
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
      lost.push(offset);
    }
  }
  return lost;
}

/** Opens the folder as the next start would. */
async function opened(
  fs: MemoryFileSystem,
  use: (log: Log) => Promise<void>,
  end = END,
): Promise<void> {
  const directory = await openDirectory(fs, { config: CONFIG, batchCacheBytes: 0 });
  try {
    const log = directory.get(NAME)!;
    assertEquals(log.logEndOffset, end, "no offset is assigned twice");
    await use(log);
  } finally {
    await directory.close();
  }
}

async function findingsOf(fs: MemoryFileSystem): Promise<number> {
  const { findings, partitions } = await verifyDataFolder(fs, "/data", { withRecords: true });
  return findings.length + partitions.flatMap((partition) => partition.findings).length;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** A change of the files, and its losses. */
interface Case {
  readonly what: string;
  readonly logStartOffset?: number;
  readonly damage: (fs: MemoryFileSystem, segments: readonly string[]) => void | Promise<void>;
  readonly lost: (segments: readonly string[]) => number[];
}

const CASES: readonly Case[] = [
  {
    what: "a middle segment is missing",
    damage: (fs, [, second]) => removeSegment(fs, second!),
    lost: ([, second, third]) => range(baseOffsetOf(second!), baseOffsetOf(third!)),
  },
  {
    what: "only the batches of a middle segment are missing",
    damage: (fs, [, second]) => fs.removeSync(second!),
    lost: ([, second, third]) => range(baseOffsetOf(second!), baseOffsetOf(third!)),
  },
  {
    what: "the first segment is missing",
    damage: (fs, [first]) => removeSegment(fs, first!),
    lost: ([, second]) => range(0, baseOffsetOf(second!)),
  },
  {
    what: "the last segment is missing",
    damage: (fs, segments) => removeSegment(fs, segments.at(-1)!),
    lost: (segments) => range(baseOffsetOf(segments.at(-1)!), END),
  },
  {
    what: "two segments are missing",
    damage: (fs, [, second, third]) => {
      removeSegment(fs, second!);
      removeSegment(fs, third!);
    },
    lost: (segments) => range(baseOffsetOf(segments[1]!), baseOffsetOf(segments[3]!)),
  },
  {
    what: "a middle segment is emptied",
    damage: (fs, [, second]) => cut(fs, second!, 0),
    lost: ([, second, third]) => range(baseOffsetOf(second!), baseOffsetOf(third!)),
  },
  {
    what: "the last segment is emptied",
    damage: (fs, segments) => cut(fs, segments.at(-1)!, 0),
    lost: (segments) => range(baseOffsetOf(segments.at(-1)!), END),
  },
  {
    what: "a middle segment is truncated by whole batches",
    damage: (fs, [, second]) => cut(fs, second!, 2 * batchSizeOf(fs, second!)),
    lost: ([, second, third]) => range(baseOffsetOf(second!) + 4, baseOffsetOf(third!)),
  },
  {
    what: "the last segment is truncated by whole batches",
    damage: (fs, segments) => cut(fs, segments.at(-1)!, batchSizeOf(fs, segments.at(-1)!)),
    lost: (segments) => range(baseOffsetOf(segments.at(-1)!) + 2, END),
  },
  {
    what: "a middle segment is truncated within a batch",
    damage: (fs, [, second]) => cut(fs, second!, 2 * batchSizeOf(fs, second!) + 50),
    lost: ([, second, third]) => range(baseOffsetOf(second!) + 4, baseOffsetOf(third!)),
  },
  {
    what: "the last segment is truncated within a header",
    damage: (fs, segments) => cut(fs, segments.at(-1)!, batchSizeOf(fs, segments.at(-1)!) + 5),
    lost: (segments) => range(baseOffsetOf(segments.at(-1)!) + 2, END),
  },
  {
    what: "the folder of the partition is missing",
    damage: (fs) => fs.remove(FOLDER),
    lost: () => range(0, END),
  },
  {
    what: "the folder of the partition is empty",
    damage: async (fs) => {
      await fs.remove(FOLDER);
      fs.mkdirSync(FOLDER);
    },
    lost: () => range(0, END),
  },
  {
    what: "the folder of a partition that was trimmed is missing",
    logStartOffset: 25,
    damage: (fs) => fs.remove(FOLDER),
    lost: () => range(25, END),
  },
  {
    what: "segments with deleted records only are missing",
    logStartOffset: 25,
    damage: (fs, [first]) => removeSegment(fs, first!),
    lost: () => [],
  },
  {
    what: "segments have changed their names",
    damage: (fs, [first, , third]) => {
      fs.renameSync(third!, `${FOLDER}/x`);
      fs.renameSync(first!, third!);
      fs.renameSync(`${FOLDER}/x`, first!);
    },
    lost: ([, second, third, fourth]) => [
      ...range(0, baseOffsetOf(second!)),
      ...range(baseOffsetOf(third!), baseOffsetOf(fourth!)),
    ],
  },
  {
    what: "a segment has another base offset",
    damage: (fs, [first]) => fs.renameSync(first!, first!.replace("0.log", "1.log")),
    lost: ([, second]) => range(0, baseOffsetOf(second!)),
  },
  {
    what: "index files are missing",
    damage: (fs, segments) => {
      for (const path of segments) fs.removeSync(path.replace(/log$/, "index"));
    },
    lost: () => [],
  },
  {
    what: "time indexes are truncated by whole entries",
    damage: (fs, segments) => {
      for (const path of segments) cut(fs, path.replace(/log$/, "timeindex"), 12);
    },
    lost: () => [],
  },
  {
    what: "the checkpoint of recovery points is missing",
    damage: (fs, [, second]) => {
      fs.removeSync("/data/recovery-point-offset-checkpoint");
      removeSegment(fs, second!);
    },
    lost: ([, second, third]) => range(baseOffsetOf(second!), baseOffsetOf(third!)),
  },
];

function batchSizeOf(fs: MemoryFileSystem, path: string): number {
  return new RecordBatch(fs.readFileSync(path)).sizeInBytes;
}

for (const { what, logStartOffset = 0, damage, lost } of CASES) {
  Deno.test(`Log.open() after a clean shutdown reports losses, serves the rest and assigns no offset twice if ${what}`, async () => {
    const fs = await makeLog(logStartOffset);
    const segments = segmentsOf(fs);
    assert(segments.length > 4);
    await damage(fs, segments);
    const expected = lost(segments);
    const found = await findingsOf(fs);
    assert(found > 0 || what.includes("deleted records only"), "verification finds it");
    // The repair without another start in between.
    const unopened = fs.clone({ unsynced: "kept" });

    let killed: MemoryFileSystem;
    await opened(fs, async (log) => {
      const told = log.losses.flatMap(({ firstOffset, nextOffset }) =>
        range(firstOffset, nextOffset)
      );
      if (!what.includes("changed their names")) assertEquals(told, expected);
      if (expected.length > 0) assert(log.losses.every(({ path }) => path.startsWith(FOLDER)));
      assertEquals(await lostOffsets(log), expected);
      for (const time of [logStartOffset, END - 3]) {
        if (expected.length > 0) continue;
        assertEquals((await log.offsetForTimestamp(NOW_MS + time))?.offset, time);
      }
      killed = fs.clone({ unsynced: "lost" });
    });
    // The loss stays known until it is repaired, after a clean shutdown and after a kill.
    for (const again of [fs, killed!]) {
      await opened(again, async (log) => {
        assertEquals(await lostOffsets(log), expected);
        const next = recordAt(END);
        assertEquals(append(log, [next]).firstOffset, END);
        assertEquals(await lostOffsets(log), expected);
      });
      if (expected.length > 0) assert(await findingsOf(again) > 0);
    }
    for (const [repaired, end] of [[unopened, END], [fs, END + 1]] as const) {
      const report = await verifyDataFolder(repaired, "/data");
      await repairDataFolder(repaired, "/data", report, NOW_MS);
      assertEquals(await findingsOf(repaired), 0, "a repair leaves no findings");
      await opened(repaired, async (log) => {
        for (const offset of range(logStartOffset, end)) {
          const { chunks, nextOffset } = await log.read(offset, { maxBytes: 1 });
          assert(nextOffset > offset);
          const isThere = recordsOf(chunks, offset)[0]?.value === recordAt(offset).value;
          assertEquals(isThere, !expected.includes(offset), `offset ${offset}`);
        }
      }, end);
      assertEquals(await findingsOf(repaired), 0);
    }
  });
}

Deno.test("Log.losses has the path and problem of each lost file", async () => {
  const fs = await makeLog();
  const [first, second] = segmentsOf(fs) as [string, string];
  removeSegment(fs, first);
  cut(fs, second, 100);
  await opened(fs, (log) => {
    const [one, two] = log.losses;
    assertEquals([one!.path, one!.problem], [first, "the file is missing"]);
    assertEquals(two!.path, second);
    assertMatch(two!.problem, /^the file has 100 bytes, it had \d+ at the last shutdown$/);
    return Promise.resolve();
  });
  // The torn bytes are kept.
  assert(fs.readDirSync(FOLDER).some(({ name }) => name.endsWith(".corrupt")));
});

Deno.test("Log.losses of a compacted log has only the offsets of missing files", async () => {
  const fs = new MemoryFileSystem();
  const config = compactedConfig({ segmentBytes: 700, indexIntervalBytes: 150 });
  const directory = await openDirectory(fs, { config });
  const log = directory.create(NAME, { nowMs: NOW_MS, config });
  for (let i = 0; i < 60; i++) appendKeyed(log, [[`k${i}`, `${i}`], ["a", `${i}`]]);
  await clean(log);
  const end = log.logEndOffset;
  await directory.close();
  await opened(fs, (log) => Promise.resolve(assertEquals(log.losses, [])), end);
  const segments = segmentsOf(fs);
  const gone = segments[1]!;
  removeSegment(fs, gone);
  await opened(fs, async (log) => {
    const [loss] = log.losses;
    assertEquals(loss!.firstOffset, baseOffsetOf(gone));
    assertEquals(loss!.nextOffset, baseOffsetOf(segments[2]!));
    // The placeholder for lost records is not removed by cleaning.
    for (let pass = 0; pass < 2; pass++) {
      await assertRejects(
        async () => await log.read(loss!.firstOffset, { maxBytes: 1 }),
        CorruptRecordError,
        "the records were found to be lost when the log was opened",
      );
      for (let i = 0; i < 9; i++) append(log, [{ value: "x", key: `k${i}` }]);
      await clean(log).catch((error) => assert(error instanceof CorruptRecordError));
    }
  }, end);
});

/** Two logs whose segments have equal sizes, with other records, after a clean shutdown. */
async function makeTwins(): Promise<MemoryFileSystem> {
  let nowMs = NOW_MS;
  const fs = new MemoryFileSystem({ now: () => nowMs++ });
  const directory = await openDirectory(fs, { config: CONFIG });
  await directory.writeMetaProperties({ clusterId: "mQ2cDRTnRJ2DWrl_8Ee-JA", nodeId: 1 });
  for (const name of ["a-0", "b-0"]) {
    const log = directory.create(name, { nowMs: NOW_MS, config: configOf(CONFIG) });
    for (let i = 10; i < 50; i++) append(log, [{ value: `${name} ${i}`, timestamp: NOW_MS + i }]);
  }
  await directory.close();
  return fs;
}

/** Paths of segment files of a log of {@linkcode makeTwins}. */
function twinSegments(fs: MemoryFileSystem, name: string): string[] {
  return fs.readDirSync(`/data/${name}`).map((entry) => `/data/${name}/${entry.name}`)
    .filter((path) => path.endsWith(".log")).sort();
}

function swap(fs: MemoryFileSystem, one: string, other: string): void {
  assertEquals(fs.statSync(one)!.size, fs.statSync(other)!.size);
  fs.renameSync(one, "/data/x");
  fs.renameSync(other, one);
  fs.renameSync("/data/x", other);
}

/** The files that the next start reports to have other batches. */
async function othersOf(fs: MemoryFileSystem): Promise<string[]> {
  await using directory = await openDirectory(fs.clone({ unsynced: "kept" }), { config: CONFIG });
  return Array.from(directory.logs).flatMap(({ losses }) => losses).map((loss) => {
    assertMatch(loss.problem, /^its last batch is not that of the last shutdown/);
    assertEquals(loss.firstOffset, loss.nextOffset);
    return loss.path;
  }).sort();
}

Deno.test("Log.losses has files of equal size that were swapped after a clean shutdown", async () => {
  const cases: [what: string, one: [string, number], other: [string, number]][] = [
    ["between logs, inactive", ["a-0", 1], ["b-0", 1]],
    ["between logs, active", ["a-0", -1], ["b-0", -1]],
    ["within a log", ["a-0", 0], ["a-0", 2]],
  ];
  for (const [what, one, other] of cases) {
    const fs = await makeTwins();
    const [first, second] = [one, other].map(([name, at]) => twinSegments(fs, name).at(at)!);
    swap(fs, first!, second!);
    assertEquals(await othersOf(fs), [first!, second!].sort(), what);
    // Verification finds it too, and the right files in their places are fine.
    assert(await findingsOf(fs) > 0, what);
    swap(fs, first!, second!);
    assertEquals(await othersOf(fs), [], what);
    assertEquals(await findingsOf(fs), 0, what);
  }
});

Deno.test("Log.losses is empty if files were restored from a copy, or not used since", async () => {
  let fs = await makeTwins();
  for (const name of ["a-0", "b-0"]) {
    for (const path of twinSegments(fs, name)) fs.writeFileSync(path, fs.readFileSync(path));
  }
  // The last batches are known over several starts, of logs that are used and of others.
  for (let start = 0; start < 3; start++) {
    fs = fs.clone({ unsynced: "kept" });
    const directory = await openDirectory(fs, { config: CONFIG });
    assertEquals(Array.from(directory.logs).flatMap(({ losses }) => losses), []);
    append(directory.get("a-0")!, [{ value: "later", timestamp: NOW_MS + 100 }]);
    await directory.close();
  }
  const [a, b] = ["a-0", "b-0"].map((name) => twinSegments(fs, name)[0]!);
  swap(fs, a!, b!);
  assertEquals(await othersOf(fs), [a, b]);
});

Deno.test("Log.losses is empty with a segment-checkpoint of an older version", async () => {
  const fs = await makeTwins();
  const path = "/data/segment-checkpoint";
  const lines = new TextDecoder().decode(fs.readFileSync(path)).trimEnd().split("\n");
  const older = lines.map((line) => line.split(" ").slice(0, 7).join(" "));
  assert(older.some((line, at) => line !== lines[at]));
  fs.writeFileSync(path, new TextEncoder().encode(`${older.join("\n")}\n`));
  const [a, b] = ["a-0", "b-0"].map((name) => twinSegments(fs, name)[0]!);
  assertEquals(await othersOf(fs), []);
  // What the older version did not write is not known.
  swap(fs, a!, b!);
  assertEquals(await othersOf(fs), []);
});
