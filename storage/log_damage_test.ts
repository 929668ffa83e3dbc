import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { CorruptRecordError } from "../protocol/records/mod.ts";
import type { Log } from "./log.ts";
import type { LogDamage } from "./log/log_reader.ts";
import {
  append,
  batchOf,
  configOf,
  NOW_MS,
  openDirectory,
  type ReadRecord,
  recordsOf,
} from "./log_testing.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";

const NAME = "orders-3";
const FIRST = `/data/${NAME}/00000000000000000000.log`;
const CONFIG = { segmentBytes: 700, indexIntervalBytes: 150 };
const LEADER_EPOCH = [12, 13, 14, 15];

/** Position of a batch in the first segment. */
interface Place {
  readonly position: number;
  readonly size: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** Batches of three records in three segments and a fourth, active one. */
async function makeLog(): Promise<{ fs: MemoryFileSystem; places: Place[]; end: number }> {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs, { config: CONFIG });
  const log = directory.create(NAME, { nowMs: NOW_MS, config: configOf(CONFIG) });
  const places: Place[] = [];
  while (log.segments.length < 4) {
    const position = log.segments[0]!.sizeInBytes;
    const { firstOffset, lastOffset } = append(log, values(log.logEndOffset), { nowMs: NOW_MS });
    if (log.segments.length > 1) continue;
    const size = log.segments[0]!.sizeInBytes - position;
    places.push({ position, size, firstOffset, lastOffset });
  }
  const end = log.logEndOffset;
  await directory.close();
  return { fs, places, end };
}

function values(offset: number): string[] {
  return [0, 1, 2].map((i) => valueOf(offset + i));
}

function valueOf(offset: number): string {
  return `value ${offset}`;
}

/** Changes bytes of a file. */
function patch(fs: MemoryFileSystem, path: string, change: (bytes: Uint8Array) => void): void {
  const bytes = fs.readFileSync(path);
  change(bytes);
  fs.writeFileSync(path, bytes);
}

/** The record that a log returns at each offset; nothing where there is damage. */
async function readEach(log: Log): Promise<(string | undefined)[]> {
  const found: (string | undefined)[] = [];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; offset++) {
    let records: ReadRecord[] = [];
    try {
      const { chunks, nextOffset } = await log.read(offset, { maxBytes: 200 });
      assert(nextOffset > offset);
      records = recordsOf(chunks, offset);
    } catch (error) {
      if (!(error instanceof CorruptRecordError)) throw error;
    }
    for (const record of records) assertEquals(record.value, valueOf(record.offset));
    found.push(records.find((record) => record.offset === offset)?.value);
  }
  return found;
}

/** Opens the log, repeatedly, without a batch cache. */
async function opened(
  fs: MemoryFileSystem,
  use: (log: Log, damages: LogDamage[]) => Promise<void>,
): Promise<void> {
  const damages: LogDamage[] = [];
  const directory = await openDirectory(fs, {
    config: CONFIG,
    batchCacheBytes: 0,
    onDamage: (damage) => damages.push(damage),
  });
  try {
    await use(directory.get(NAME)!, damages);
  } finally {
    await directory.close();
  }
}

Deno.test("Log.read() returns everything except a batch with a flipped bit, for any bit", async () => {
  const { fs, places, end } = await makeLog();
  for (const { position, size, firstOffset, lastOffset } of places) {
    for (let at = 0; at < size; at++) {
      if (LEADER_EPOCH.includes(at)) continue;
      const damaged = fs.clone({ unsynced: "kept" });
      const bit = 1 << (at * 5 + position) % 8;
      patch(damaged, FIRST, (bytes) => bytes[position + at]! ^= bit);
      await opened(damaged, async (log, damages) => {
        const found = await readEach(log);
        const expected = Array.from({ length: end }, (_, offset) => {
          return offset >= firstOffset && offset <= lastOffset ? undefined : valueOf(offset);
        });
        assertEquals(found, expected, `bit ${bit} of byte ${at} at ${position}`);
        assertEquals(damages.length, 1);
        const [{ log: name, path, ...damage }] = damages as [LogDamage];
        assertEquals([name, path], [NAME, FIRST]);
        assertEquals([damage.position, damage.endPosition], [position, position + size]);
        assertEquals([damage.firstOffset, damage.nextOffset], [firstOffset, lastOffset + 1]);
      });
    }
  }
});

Deno.test("Log.read() returns the valid batches around several torn and zeroed ranges", async () => {
  const { fs, places, end } = await makeLog();
  const [first, second, third, fourth] = places as [Place, Place, Place, Place];
  const last = places.at(-1)!;
  const cases: [(bytes: Uint8Array) => void, lost: Place[]][] = [
    [(bytes) => bytes.fill(0), places],
    [(bytes) => bytes.fill(0, first.position, second.position + 20), [first, second]],
    [(bytes) => {
      bytes[first.position + 11]! ^= 64;
      bytes[fourth.position + 70]! ^= 64;
    }, [first, fourth]],
    [(bytes) => bytes.copyWithin(second.position, third.position, third.position + third.size), [
      second,
    ]],
    [(bytes) => bytes.fill(2, last.position + 30), [last]],
  ];
  for (const [change, lost] of cases) {
    const damaged = fs.clone({ unsynced: "kept" });
    patch(damaged, FIRST, change);
    await opened(damaged, async (log) => {
      const expected = Array.from({ length: end }, (_, offset) => {
        const isLost = lost.some((at) => offset >= at.firstOffset && offset <= at.lastOffset);
        return isLost ? undefined : valueOf(offset);
      });
      assertEquals(await readEach(log), expected);
    });
  }
});

Deno.test("Log.read() of a truncated file returns the batches before the cut", async () => {
  const { fs, places } = await makeLog();
  const { position, firstOffset } = places[3]!;
  const damaged = fs.clone({ unsynced: "kept" });
  damaged.writeFileSync(FIRST, damaged.readFileSync(FIRST).subarray(0, position + 30));
  await opened(damaged, async (log, damages) => {
    const found = await readEach(log);
    assertEquals(found.indexOf(undefined), firstOffset);
    assertEquals(found.lastIndexOf(undefined), places.at(-1)!.lastOffset);
    assertEquals(damages.length, 1);
    assertEquals(log.losses.length, 1);
    assertEquals(log.losses[0]!.firstOffset, firstOffset);
    assertEquals(log.losses[0]!.nextOffset, places.at(-1)!.lastOffset + 1);
  });
});

Deno.test("Log.read() of damage fails with its offsets, position and problem", async () => {
  const { fs, places } = await makeLog();
  const { position, size } = places[2]!;
  patch(fs, FIRST, (bytes) => bytes[position + 16] = 9);
  await opened(fs, async (log) => {
    const before = await log.read(0, { maxBytes: 1 << 20 });
    assertEquals(before.nextOffset, 6);
    const error = await assertRejects(
      async () => await log.read(7, { maxBytes: 1 << 20 }),
      CorruptRecordError,
    );
    assertEquals(
      error.message,
      `Cannot read in "${NAME}" at offset 7: records of offsets 6 to 8 are damaged, at position ` +
        `${position} to ${position + size} of "${FIRST}": magic is 9, not 2`,
    );
  });
});

Deno.test("Log.read() is correct with an index with a flipped bit, for any bit", async () => {
  const { fs, end } = await makeLog();
  const whole = Array.from({ length: end }, (_, offset) => valueOf(offset));
  for (const suffix of ["index", "timeindex"]) {
    const path = FIRST.replace(/log$/, suffix);
    const { length } = fs.readFileSync(path);
    for (let at = 0; at < length; at++) {
      const damaged = fs.clone({ unsynced: "kept" });
      patch(damaged, path, (bytes) => bytes[at]! ^= 1 << at % 8);
      await opened(damaged, async (log, damages) => {
        assertEquals(await readEach(log), whole);
        assertEquals(damages, []);
      });
    }
  }
});

Deno.test("Log.read() checks bytes only once", async () => {
  const { fs, places } = await makeLog();
  await opened(fs, async (log, damages) => {
    await readEach(log);
    patch(fs, FIRST, (bytes) => bytes[places[1]!.position + 70]! ^= 1);
    const { nextOffset } = await log.read(3, { maxBytes: 1 });
    assertEquals(nextOffset, 6);
    assertEquals(damages, []);
  });
});

Deno.test("Log.open() after a kill keeps batches that follow damage, before and after the recovery point", async () => {
  for (const [place, at] of [[0, 9], [1, 10], [1, 3], [2, 16], [3, 70]] as const) {
    const fs = new MemoryFileSystem();
    const directory = await openDirectory(fs, { config: { indexIntervalBytes: 150 } });
    const log = directory.create(NAME, { nowMs: NOW_MS, config: configOf(CONFIG) });
    const { sizeInBytes: size } = batchOf(values(0));
    for (let i = 0; i < 4; i++) append(log, values(i * 3));
    await directory.checkpoint();
    append(log, values(12));
    await log.flush();
    const killed = fs.clone({ unsynced: "kept" });
    await directory.close();
    patch(killed, FIRST, (bytes) => bytes[place * size + at]! ^= 8);
    await opened(killed, async (log) => {
      const expected = Array.from({ length: 15 }, (_, offset) => {
        return Math.floor(offset / 3) === place ? undefined : valueOf(offset);
      });
      assertEquals(await readEach(log), expected, `byte ${at} of batch ${place}`);
      assertEquals(append(log, values(15)).firstOffset, 15);
      assertEquals((await readEach(log)).slice(12), [12, 13, 14, 15, 16, 17].map(valueOf));
    });
  }
});

Deno.test("Log.read() detects a segment that was lost before a start after a kill", async () => {
  const { fs, end } = await makeLog();
  fs.removeSync("/data/.kafka_cleanshutdown");
  const [, second, third] = fs.readDirSync("/data/" + NAME).map(({ name }) => name)
    .filter((name) => name.endsWith(".log")).sort() as [string, string, string];
  fs.removeSync(`/data/${NAME}/${second}`);
  const [from, to] = [second, third].map((name) => Number.parseInt(name)) as [number, number];
  for (let start = 0; start < 2; start++) {
    await opened(fs, async (log, damages) => {
      const found = await readEach(log);
      const expected = Array.from({ length: end }, (_, offset) => {
        return offset >= from && offset < to ? undefined : valueOf(offset);
      });
      assertEquals(found, expected);
      assertEquals(damages.map(({ firstOffset, nextOffset }) => [firstOffset, nextOffset]), [
        [from, to],
      ]);
    });
  }
});

Deno.test("Log.open() after a kill reports the offsets lost to zeros across the recovery point", async () => {
  const cases: [from: number, to: number, lost: [number, number], end: number, text: RegExp][] = [
    // Zeroed batches, and the offsets that are reported as lost.
    [2, 3, [6, 8], 18, /^\d+ bytes at position \d+ are damaged: /],
    [3, 5, [9, 14], 18, /^\d+ bytes at position \d+ are damaged: /],
    [3, 6, [9, 11], 12, /are damaged, and batches after them may be lost: /],
    [0, 6, [0, 11], 12, /are damaged, and batches after them may be lost: /],
  ];
  for (const [from, to, [first, last], end, text] of cases) {
    const fs = new MemoryFileSystem();
    const directory = await openDirectory(fs, { config: { indexIntervalBytes: 150 } });
    const log = directory.create(NAME, { nowMs: NOW_MS, config: configOf(CONFIG) });
    const positions = [0];
    for (let i = 0; i < 6; i++) {
      if (i === 4) await directory.checkpoint();
      append(log, values(i * 3));
      positions.push(log.sizeInBytes);
    }
    const [start, stop] = [positions[from]!, positions[to]!];
    await log.flush();
    const killed = fs.clone({ unsynced: "kept" });
    await directory.close();
    patch(killed, FIRST, (bytes) => bytes.fill(0, start, stop));
    for (let again = 0; again < 2; again++) {
      await opened(killed, async (log) => {
        assertEquals(log.logEndOffset, end + again);
        if (again === 0) {
          const [loss] = log.losses;
          assertEquals([log.losses.length, loss!.path], [1, FIRST]);
          assertEquals([loss!.firstOffset, loss!.nextOffset - 1], [first, last]);
          assertMatch(loss!.problem, text);
          assertEquals(Number.parseInt(loss!.problem), stop - start);
        }
        const expected = Array.from({ length: end + again }, (_, offset) => {
          return offset >= first && offset <= last ? undefined : valueOf(offset);
        });
        assertEquals(await readEach(log), expected);
        assertEquals(append(log, [valueOf(end + again)]).firstOffset, end + again);
      });
    }
  }
});

Deno.test("Log.append() works after damage at the end of the log, after a clean shutdown", async () => {
  for (const at of [3, 9, 16, 22, 70]) {
    const { fs, end } = await makeLog();
    const directory = await openDirectory(fs, { config: CONFIG });
    const { path, sizeInBytes } = directory.get(NAME)!.segments.at(-1)!;
    await directory.close();
    patch(fs, path, (bytes) => bytes[sizeInBytes - 88 + at]! ^= 2);
    await opened(fs, async (log) => {
      assertEquals(append(log, values(end)).firstOffset, end);
      const found = await readEach(log);
      assertEquals(found.slice(end), values(end));
      assertEquals(found.indexOf(undefined), end - 3);
    });
    // The record is still there after the next start.
    await opened(fs, async (log) => assertEquals((await readEach(log)).slice(end), values(end)));
  }
});

Deno.test("Log.read() accepts gaps of compaction, and detects wrong base offsets", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  const log = directory.create(NAME, { nowMs: NOW_MS });
  const bases = [0, 10, 20, 40, 80];
  for (const baseOffset of bases) {
    const options = { leaderEpoch: 0, nowMs: NOW_MS };
    log.appendReplicated(batchOf(["value"], { baseOffset }), options);
  }
  const size = log.sizeInBytes / bases.length;
  await directory.close();
  await opened(fs, async (log, damages) => {
    const { chunks } = await log.read(1, { maxBytes: 1 << 20 });
    assertEquals(recordsOf(chunks).map(({ offset }) => offset), bases.slice(1));
    assertEquals(damages, []);
  });
  // Offset 20 becomes 52, which is larger than the following 40.
  patch(fs, FIRST, (bytes) => bytes[2 * size + 7]! ^= 32);
  await opened(fs, async (log, damages) => {
    assertEquals((await log.read(1, { maxBytes: 1 << 20 })).nextOffset, 11);
    await assertRejects(async () => await log.read(11, { maxBytes: 1 }), CorruptRecordError);
    const { chunks } = await log.read(40, { maxBytes: 1 << 20 });
    assertEquals(recordsOf(chunks).map(({ offset }) => offset), [40, 80]);
    assertEquals(damages.length, 1);
    assertStringIncludes(damages[0]!.problem, "the next begins at 40");
  });
});

Deno.test("Log.offsetForTimestamp() fails if damage precedes the record, and finds later records", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs, { config: { indexIntervalBytes: 150 } });
  const log = directory.create(NAME, {
    nowMs: NOW_MS,
    config: configOf({ indexIntervalBytes: 150 }),
  });
  for (let i = 0; i < 12; i++) append(log, [{ value: "value", timestamp: NOW_MS + i }]);
  const size = log.sizeInBytes / 12;
  await directory.close();
  patch(fs, FIRST, (bytes) => bytes[5 * size + 68]! ^= 1);
  await opened(fs, async (log) => {
    assertEquals((await log.offsetForTimestamp(NOW_MS + 1))?.offset, 1);
    await assertRejects(
      () => log.offsetForTimestamp(NOW_MS + 5),
      CorruptRecordError,
      "offsets 5 to 5",
    );
    assertEquals((await log.offsetForTimestamp(NOW_MS + 10))?.offset, 10);
    assertEquals((await log.maxTimestampOffset())?.offset, 11);
  });
});
