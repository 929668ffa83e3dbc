import { assertEquals } from "@std/assert";
import { Random } from "../../protocol/random_testing.ts";
import { PARTITION_LEADER_EPOCH_POSITION } from "../../protocol/records/record_batch.ts";
import { MemoryFileSystem } from "../file_system/memory_file_system.ts";
import type { Log } from "../log.ts";
import { append, configOf, NOW_MS, openDirectory } from "../log_testing.ts";
import type { LogConfig } from "./log_config.ts";

const NAME = "orders-3";
const FILE = `/data/${NAME}/leader-epoch-checkpoint`;

/** A closed log with batches of several epochs, some of them in the middle of a segment. */
async function logWithEpochs(
  random: Random,
  config: LogConfig,
  epochs: number,
): Promise<{ fs: MemoryFileSystem; entries: number[][]; killed: MemoryFileSystem }> {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs, { config });
  const log = directory.create(NAME, { nowMs: NOW_MS, config });
  let leaderEpoch = 0;
  for (let i = 0; i < epochs; i++) {
    leaderEpoch += 1 + random.below(3);
    for (let count = random.below(12); count >= 0; count--) append(log, ["value"], { leaderEpoch });
  }
  const entries = endsOf(log);
  await directory.checkpoint();
  append(log, ["last"], { leaderEpoch });
  entries.at(-1)![1]!++;
  const killed = fs.clone({ unsynced: "kept" });
  await directory.close();
  return { fs, entries, killed };
}

function endsOf(log: Log): number[][] {
  return Array.from({ length: log.latestEpoch + 1 }, (_, epoch) => {
    const { leaderEpoch, offset } = log.endOffsetForEpoch(epoch)!;
    return [leaderEpoch, offset];
  });
}

Deno.test("Log finds its leader epochs in the batches if their file is lost or damaged", async () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = new Random(seed);
    const config = configOf({
      segmentBytes: random.pick([150, 400, 2000, 1 << 20]),
      indexIntervalBytes: random.pick([1, 100, 300, 5000]),
    });
    const epochs = random.pick([1, 2, 5, 20]);
    const { fs, entries, killed } = await logWithEpochs(random, config, epochs);
    for (const disk of [fs, killed]) {
      const damage = random.below(3);
      if (damage === 0) disk.removeSync(FILE);
      else disk.writeFileSync(FILE, damage === 1 ? new Uint8Array() : new Uint8Array([1, 2]));
      await using directory = await openDirectory(disk, { config });
      const log = directory.get(NAME)!;
      assertEquals(endsOf(log), entries, `seed ${seed}`);
      assertEquals(log.hasDoubtfulEpochs, false);
      // From the next checkpoint on, the file has them again.
      append(log, ["next"], { leaderEpoch: log.latestEpoch });
    }
    await using again = await openDirectory(fs, { config });
    entries.at(-1)![1]!++;
    assertEquals(endsOf(again.get(NAME)!), entries);
  }
});

Deno.test("Log.hasDoubtfulEpochs is true for epochs found in a log that is or was compacted", async () => {
  const kinds: [Partial<LogConfig>, boolean][] = [
    [{ cleanupPolicy: ["delete"] }, false],
    [{ cleanupPolicy: ["compact"] }, true],
    [{ cleanupPolicy: ["compact", "delete"] }, true],
  ];
  for (const [policy, isDoubtful] of kinds) {
    const config = configOf({ segmentBytes: 400, ...policy });
    const { fs, killed } = await logWithEpochs(new Random(7), config, 4);
    for (const disk of [fs, killed]) {
      for (const isLost of [false, true]) {
        if (isLost) disk.removeSync(FILE);
        await using directory = await openDirectory(disk, { config });
        const log = directory.get(NAME)!;
        assertEquals(log.hasDoubtfulEpochs, isLost && isDoubtful);
      }
    }
  }
});

Deno.test("Log leaves out an epoch that a flipped bit made, when it finds them in the batches", async () => {
  const config = configOf({ indexIntervalBytes: 1 });
  const { fs, entries } = await logWithEpochs(new Random(3), config, 4);
  fs.removeSync(FILE);
  const path = `/data/${NAME}/00000000000000000000.log`;
  const bytes = fs.readFileSync(path).slice();
  bytes[PARTITION_LEADER_EPOCH_POSITION]! ^= 0x10;
  fs.writeFileSync(path, bytes);
  await using directory = await openDirectory(fs, { config });
  const log = directory.get(NAME)!;
  assertEquals(log.latestEpoch, entries.length - 1);
  assertEquals(endsOf(log).at(-2), entries.at(-2));
});

Deno.test("Log without batches has no epochs, and no doubts, if the file is lost", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs);
  directory.create(NAME, { nowMs: NOW_MS, config: configOf({ cleanupPolicy: ["compact"] }) });
  await directory.close();
  await using again = await openDirectory(fs);
  const log = again.get(NAME)!;
  assertEquals([log.latestEpoch, log.hasDoubtfulEpochs], [-1, false]);
});
