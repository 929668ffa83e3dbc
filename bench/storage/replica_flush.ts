/**
 * What a follower's flush costs per round: each partition that got records has a file of its own to
 * sync. Appends to N files and syncs them, in several ways, and compares with one sync of a single
 * file that takes the same bytes.
 *
 *     deno run --allow-read --allow-write bench/storage/replica_flush.ts [--dir DIR] [--rounds 20]
 *         [--partitions 1,10,100,1000] [--bytes 1024]
 *
 * `in turn` waits for one sync after another, `64 at a time` is what `LogDirectory.flush` does, and
 * `blocking` uses the synchronous call. The file system must be the one that the broker uses: in
 * memory (tmpfs) a sync costs nothing.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";

const options = parseArgs(Deno.args, {
  string: ["dir", "rounds", "partitions", "bytes"],
  default: { rounds: "20", partitions: "1,10,100,1000", bytes: "1024" },
});
const rounds = Number(options.rounds);
const counts = String(options.partitions).split(",").map(Number);
const bytes = new Uint8Array(Number(options.bytes)).fill(7);
const root = Deno.makeTempDirSync(options.dir === undefined ? {} : { dir: String(options.dir) });

/** Syncs files, at most `limit` at a time. */
async function syncAll(files: readonly Deno.FsFile[], limit: number): Promise<void> {
  const queue = files.values();
  await Promise.all(Array.from({ length: Math.min(limit, files.length) }, async () => {
    for (const file of queue) await file.syncData();
  }));
}

const ways: Record<string, (files: readonly Deno.FsFile[]) => Promise<void> | void> = {
  "in turn": (files) => syncAll(files, 1),
  "4 at a time": (files) => syncAll(files, 4),
  "16 at a time": (files) => syncAll(files, 16),
  "64 at a time": (files) => syncAll(files, 64),
  "all at once": (files) => syncAll(files, Infinity),
  "blocking": (files) => {
    for (const file of files) file.syncDataSync();
  },
};

function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

/** Measures how long it takes to sync files that were appended to, in milliseconds. */
async function measure(
  files: readonly Deno.FsFile[],
  sync: (files: readonly Deno.FsFile[]) => Promise<void> | void,
  perFile: number,
): Promise<{ p50: number; p99: number }> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const file of files) {
      for (let i = 0; i < perFile; i++) file.writeSync(bytes);
    }
    const start = performance.now();
    await sync(files);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99) };
}

try {
  console.log(`${rounds} rounds, ${bytes.length} bytes to each file, in ${root}`);
  console.log("partitions  way              p50 ms   p99 ms   per partition µs");
  for (const count of counts) {
    const files = Array.from({ length: count }, (_, i) => {
      Deno.mkdirSync(`${root}/p-${i}`, { recursive: true });
      return Deno.openSync(`${root}/p-${i}/00000000000000000000.log`, {
        create: true,
        append: true,
      });
    });
    const journal = Deno.openSync(`${root}/journal`, { create: true, append: true });
    const show = (way: string, { p50, p99 }: { p50: number; p99: number }) =>
      console.log(
        `${String(count).padStart(10)}  ${way.padEnd(15)}${p50.toFixed(2).padStart(9)}` +
          `${p99.toFixed(2).padStart(9)}${(p50 * 1000 / count).toFixed(0).padStart(12)}`,
      );
    for (const [way, sync] of Object.entries(ways)) show(way, await measure(files, sync, 1));
    show("one file", await measure([journal], (files) => syncAll(files, 1), count));
    for (const file of [...files, journal]) file.close();
  }
} finally {
  Deno.removeSync(root, { recursive: true });
}
