import { assert, assertEquals } from "@std/assert";
import { MemoryFileSystem } from "../../storage/file_system/memory_file_system.ts";
import type { Log } from "../../storage/log.ts";
import { append, configOf, NOW_MS, openDirectory, readAll } from "../../storage/log_testing.ts";
import { copyLog } from "../../storage/replica_testing.ts";
import { Following, type FollowingPartition } from "./following.ts";

const NAME = "orders-0";
const CONFIG = configOf({ segmentBytes: 300 });

const STATE = {
  leaderId: 2,
  leaderEpoch: 0,
  leaderIncarnation: "b",
  replicas: [1, 2],
  isr: [2],
  elr: [],
  adding: [],
  removing: [],
  uncleanEpoch: -1,
  revision: 1,
};

/** As much of a follower's partition as dropping records takes, with a log. */
function partitionWith(log: Log, highWatermark: number) {
  const partition = {
    log,
    isInSync: () => false,
    low: highWatermark,
    highWatermark: () => partition.low,
    lower: (offset: number) => Promise.resolve(void (partition.low = offset)),
    cut: async (work: () => Promise<unknown>) => void await work(),
    whenCut: () => Promise.resolve(),
    toString: () => NAME,
  };
  return partition;
}

Deno.test("Following.dropDamaged() cuts a log at the first record that its disk lost, which it copies again", async () => {
  const damages: [string, (fs: MemoryFileSystem) => void][] = [
    ["a segment", (fs) => fs.removeSync(`/data/${NAME}/00000000000000000003.log`)],
    ["the first segment", (fs) => fs.removeSync(`/data/${NAME}/00000000000000000000.log`)],
    ["the end of a segment", (fs) => {
      const path = `/data/${NAME}/00000000000000000006.log`;
      fs.writeFileSync(path, fs.readFileSync(path).subarray(0, 150));
    }],
  ];
  await using leading = await openDirectory(new MemoryFileSystem(), { config: CONFIG });
  const leader = leading.create(NAME, { nowMs: NOW_MS, config: CONFIG });
  for (let i = 0; i < 12; i++) append(leader, [`${i}`.padEnd(20, ".")]);
  for (const [what, damage] of damages) {
    const fs = new MemoryFileSystem();
    const directory = await openDirectory(fs, { config: CONFIG });
    const before = directory.create(NAME, { nowMs: NOW_MS, config: CONFIG });
    await copyLog(leader, before);
    assert(before.segments.length > 3);
    await directory.close();
    damage(fs);
    await using again = await openDirectory(fs, { config: CONFIG });
    const log = again.get(NAME)!;
    const lost = log.firstLostOffset;
    assert(lost !== undefined && log.logEndOffset === 12, what);
    const partition = partitionWith(log, 12);
    const following = new Following(partition as unknown as FollowingPartition, STATE);
    await following.dropDamaged(NOW_MS);
    assert(log.logEndOffset <= lost, what);
    assertEquals([partition.low, log.firstLostOffset], [lost, undefined]);
    // Nothing is left to drop.
    await following.dropDamaged(NOW_MS);
    await copyLog(leader, log);
    assertEquals(await readAll(log), await readAll(leader), what);
  }
});

Deno.test("Following.dropDamaged() does nothing once the epoch is over", async () => {
  const fs = new MemoryFileSystem();
  const directory = await openDirectory(fs, { config: CONFIG });
  const before = directory.create(NAME, { nowMs: NOW_MS, config: CONFIG });
  for (let i = 0; i < 12; i++) append(before, [`${i}`.padEnd(20, ".")]);
  await directory.close();
  fs.removeSync(`/data/${NAME}/00000000000000000003.log`);
  await using again = await openDirectory(fs, { config: CONFIG });
  const log = again.get(NAME)!;
  const following = new Following(partitionWith(log, 0) as unknown as FollowingPartition, STATE);
  following.end();
  await following.dropDamaged(NOW_MS);
  assertEquals([log.logEndOffset, log.firstLostOffset], [12, 3]);
});

Deno.test("Following.dropDamaged() keeps what a replica has that is in sync", async () => {
  const fs = new MemoryFileSystem();
  await using directory = await openDirectory(fs, { config: CONFIG });
  const log = directory.create(NAME, { nowMs: NOW_MS, config: CONFIG });
  for (let i = 0; i < 12; i++) append(log, [`${i}`.padEnd(20, ".")]);
  log.noteLost(5);
  log.noteLost(7);
  const partition = { ...partitionWith(log, 12), isInSync: () => true };
  const following = new Following(partition as unknown as FollowingPartition, STATE);
  await following.dropDamaged(NOW_MS);
  assertEquals([log.logEndOffset, log.firstLostOffset], [12, 5]);
});
