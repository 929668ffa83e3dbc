import { assertEquals, assertRejects } from "@std/assert";
import { CorruptRecordError } from "../../protocol/records/mod.ts";
import type { Log } from "../log.ts";
import type { LogConfig } from "../log/log_config.ts";
import type { LogDirectory } from "../log_directory.ts";
import { NOW_MS, openDirectory } from "../log_testing.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import { compactedConfig, rollWith, textOf } from "./cleaner_testing.ts";
import { LogCleaner } from "./log_cleaner.ts";

const fs = () => new MemoryFileSystem({ now: () => NOW_MS });

function createLog(directory: LogDirectory, name: string, config: Partial<LogConfig> = {}): Log {
  return directory.create(name, { nowMs: NOW_MS, config: compactedConfig(config) });
}

/** Appends segments of one record each. A pass retains the last one and the active one. */
function fill(log: Log, count: number): void {
  for (let i = 0; i < count; i++) rollWith(log, [["a", `${i}`]]);
}

/** The names of the logs in the order of their cleaning. */
async function cleanAll(cleaner: LogCleaner, logs: Iterable<Log>): Promise<string[]> {
  const names: string[] = [];
  const all = Array.from(logs, (log) => ({ log, maxOffset: log.logEndOffset }));
  for (;;) {
    const cleaning = await cleaner.clean(all, { nowMs: NOW_MS + 50, dedupeBytes: 1 << 16 });
    if (cleaning === undefined) return names;
    names.push(cleaning.log);
  }
}

Deno.test("LogCleaner.clean() cleans overdue logs first, then by dirty ratio", async () => {
  await using directory = await openDirectory(fs(), { batchCacheBytes: 0 });
  const names = ["little-0", "much-0", "overdue-0", "deleted-0", "clean-0"];
  const [little, much, overdue, deleted, clean] = names.map((name) => createLog(directory, name));
  for (const log of [little!, overdue!, clean!]) {
    log.updateConfig({ ...log.config, segmentBytes: 1 });
    fill(log, 6);
    await log.clean({ nowMs: NOW_MS, maxOffset: Infinity, dedupeBytes: 1 << 16 });
  }
  overdue!.updateConfig({ ...overdue!.config, maxCompactionLagMs: 10 });
  clean!.updateConfig({ ...clean!.config, minCleanableDirtyRatio: 0.9 });
  deleted!.updateConfig({ ...deleted!.config, cleanupPolicy: ["delete"] });
  for (const log of [little!, overdue!, clean!]) fill(log, 1);
  for (const log of [much!, deleted!]) fill(log, 6);
  const cleaner = new LogCleaner();
  assertEquals(await cleanAll(cleaner, directory.logs), ["overdue-0", "much-0", "little-0"]);
  assertEquals(await textOf(much!), "4a=4 5a=5");
  assertEquals(deleted!.segments.length, 6);
});

Deno.test("LogCleaner.clean() skips a log after it found damage in it, and cleans the others", async () => {
  const files = fs();
  await using directory = await openDirectory(files);
  const logs = ["damaged-0", "sound-0"].map((name) => createLog(directory, name));
  fill(logs[0]!, 9);
  fill(logs[1]!, 4);
  await directory.checkpoint();
  const { path } = logs[0]!.segments[2]!;
  const bytes = files.readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  files.writeFileSync(path, bytes);
  const cleaner = new LogCleaner();
  await assertRejects(() => cleanAll(cleaner, logs), CorruptRecordError, path);
  assertEquals(await cleanAll(cleaner, logs), ["sound-0"]);
});
