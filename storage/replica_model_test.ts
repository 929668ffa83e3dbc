// Replicates a log among three machines that crash, in random steps from a seed: appends at a
// leader, fetches, truncations, elections, DeleteRecords, checkpoints; kills and power failures, also in
// the middle of an operation, with any part of what was not synced.
//
// Invariants: what all three had on disk is in all logs, with the same bytes, whatever happened since;
// everything derived from the batches of a log is as in a log that has just copied them, and its
// transactions are those that a scan finds; no start reports a loss; and once nothing fails any more, all logs become equal.

import { assert, assertEquals } from "@std/assert";
import { Random } from "../protocol/random_testing.ts";
import { eachSeed } from "../protocol/seeds_testing.ts";
import { markerBatch } from "./cleaner/cleaner_testing.ts";
import { LogClosedError } from "./errors.ts";
import { MemoryFileSystem } from "./file_system/memory_file_system.ts";
import type { Log } from "./log.ts";
import type { LogDirectory } from "./log_directory.ts";
import { append, configOf, NOW_MS, openDirectory } from "./log_testing.ts";
import { assertDerived, batchesIn, fetchBytes } from "./replica_testing.ts";

const NAME = "model-0";

class Machine {
  disk = new MemoryFileSystem({ now: () => NOW_MS });
  directory!: LogDirectory;
  log!: Log;
  /** The epoch in which the log has been flushed, before its first fetch. */
  flushedEpoch = -1;
  /** What the machine knows to be committed. */
  highWatermark = 0;
}

class Simulation {
  readonly #random: Random;
  readonly #config;
  readonly #machines = [new Machine(), new Machine(), new Machine()];
  #leader = 0;
  #epoch = 0;
  /** The bytes of all batches below the high watermark, and those before the log start offset. */
  #committed: { readonly baseOffset: number; readonly nextOffset: number; readonly hex: string }[] =
    [];
  #highWatermark = 0;
  #count = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#config = configOf({
      segmentBytes: this.#random.pick([400, 1000, 5000]),
      indexIntervalBytes: this.#random.pick([1, 200, 4096]),
      preallocate: this.#random.chance(0.2),
      fileDeleteDelayMs: 0,
    });
  }

  async run(steps: number): Promise<void> {
    for (const machine of this.#machines) await this.#open(machine);
    await this.#elect();
    for (let i = 0; i < steps; i++) await this.#step();
    await this.#heal();
    for (const { directory } of this.#machines) await directory.close();
  }

  async #step(): Promise<void> {
    const random = this.#random;
    const machine = random.pick(this.#machines);
    const dice = random.below(100);
    if (dice < 30) this.#append();
    else if (dice < 65) await this.#replicate(machine);
    else if (dice < 75) await machine.log.flush();
    else if (dice < 80) await machine.directory.checkpoint();
    else if (dice < 84) await this.#deleteRecords();
    else if (dice < 90) await this.#elect();
    else await this.#crash(machine);
    this.#advance();
  }

  get #leading(): Machine {
    return this.#machines[this.#leader]!;
  }

  #append(): void {
    const { log } = this.#leading;
    const random = this.#random;
    for (let i = random.below(4); i >= 0; i--) {
      const producerId = random.below(3);
      const state = log.producers.get(producerId);
      const isOpen = state?.hasTransaction === true;
      const producerEpoch = Math.max(0, state?.producerEpoch ?? 0);
      if (isOpen && random.chance(0.4)) {
        // With the same epoch or the next one, as transactions of version 1 and 2.
        const markerEpoch = producerEpoch + random.below(2);
        const type = random.pick(["abort", "commit"] as const);
        const marker = markerBatch(producerId, type, this.#epoch, markerEpoch);
        log.append(marker, { leaderEpoch: this.#epoch, nowMs: NOW_MS, origin: "coordinator" });
        continue;
      }
      const values = Array.from(
        { length: 1 + random.below(3) },
        () => `${this.#epoch}-${this.#count++}`.padEnd(random.below(100), "."),
      );
      append(log, values, {
        leaderEpoch: this.#epoch,
        producerId,
        producerEpoch,
        baseSequence: state === undefined ? 0 : state.lastSequence + 1,
        isTransactional: isOpen || random.chance(0.3),
      });
    }
  }

  /** One round of a follower: flush first, then fetch, and cut or append. */
  async #replicate(machine: Machine): Promise<void> {
    const leader = this.#leading;
    const { log } = machine;
    if (machine === leader) return;
    const epoch = this.#epoch;
    if (machine.flushedEpoch !== epoch) {
      await log.flush();
      machine.flushedEpoch = epoch;
    }
    const offset = log.logEndOffset;
    assert(log.flushedOffset <= offset);
    if (offset < leader.log.logStartOffset) {
      await log.truncateFullyAndStartAt(leader.log.logStartOffset, NOW_MS);
      return;
    }
    const cut = this.#divergence(leader.log, log);
    if (cut !== undefined) {
      assert(cut >= machine.highWatermark, `cut to ${cut}, below ${machine.highWatermark}`);
      await log.truncateTo(cut, NOW_MS);
      return;
    }
    assert(offset <= leader.log.logEndOffset, "the follower is ahead, in the same history");
    const maxBytes = this.#random.pick([1, 300, 1 << 20]);
    const bytes = await fetchBytes(leader.log, offset, maxBytes);
    if (bytes.length > 0) log.appendReplicated(bytes, { leaderEpoch: epoch, nowMs: NOW_MS });
    if (this.#random.chance(0.7)) await log.flush();
    const known = Math.min(leader.highWatermark, log.flushedOffset);
    machine.highWatermark = Math.max(machine.highWatermark, known);
    machine.directory.highWatermarks.raise(NAME, machine.highWatermark);
    if (leader.log.logStartOffset <= log.logEndOffset) {
      log.deleteRecordsBefore(leader.log.logStartOffset);
    }
  }

  /** Where a follower's log differs from the leader's, if it does. */
  #divergence(leader: Log, follower: Log): number | undefined {
    const { latestEpoch, logEndOffset } = follower;
    if (latestEpoch < 0) return undefined;
    const end = leader.endOffsetForEpoch(latestEpoch)!;
    if (end.leaderEpoch === latestEpoch && end.offset >= logEndOffset) return undefined;
    const ownEnd = follower.endOffsetForEpoch(end.leaderEpoch)?.offset ?? logEndOffset;
    return Math.min(end.offset, ownEnd);
  }

  async #deleteRecords(): Promise<void> {
    const { log, directory } = this.#leading;
    const span = this.#highWatermark - log.logStartOffset;
    if (span <= 0) return;
    log.deleteRecordsBefore(log.logStartOffset + this.#random.below(Math.min(span, 20)));
    await directory.writeCheckpoints();
    await log.applyRetention(NOW_MS, this.#highWatermark);
    await directory.removeDeleted(NOW_MS);
  }

  /** Elects a replica that lacks nothing committed. */
  async #elect(): Promise<void> {
    this.#leader = this.#random.below(3);
    this.#epoch++;
    const { log } = this.#leading;
    assert(log.logEndOffset >= this.#highWatermark, "a replica lacks committed records");
    log.beginEpoch(this.#epoch);
    await log.flush();
    // What it learned of the high watermark may be old, but never too large.
    assert(this.#leading.highWatermark <= this.#highWatermark);
  }

  /** Advances the high watermark to what all have on disk in the history of the leader. */
  #advance(): void {
    const leader = this.#leading;
    let end = leader.log.flushedOffset;
    for (const { log, flushedEpoch } of this.#machines) {
      if (log === leader.log) continue;
      if (flushedEpoch !== this.#epoch) return;
      // Its end counts only once the leader has found no divergence.
      if (this.#divergence(leader.log, log) !== undefined) return;
      end = Math.min(end, log.flushedOffset);
    }
    if (end <= this.#highWatermark) return;
    this.#highWatermark = end;
    leader.highWatermark = end;
    leader.directory.highWatermarks.raise(NAME, end);
  }

  async #crash(machine: Machine): Promise<void> {
    await this.#remember();
    const kind = this.#random.pick(["clean", "kill", "power", "power"] as const);
    if (kind === "clean") {
      await machine.directory.close();
    } else {
      const running = this.#begin(machine);
      for (let i = this.#random.below(30); i > 0; i--) await Promise.resolve();
      machine.disk = machine.disk.clone(
        kind === "kill"
          ? { unsynced: "kept" }
          : { unsynced: "mixed", random: () => this.#random.next() },
      );
      await machine.directory.close();
      await running;
    }
    await this.#open(machine);
    assertEquals(machine.directory.wasCleanShutdown, kind === "clean");
    assertEquals(machine.log.losses, []);
    assert(machine.log.logEndOffset >= machine.directory.highWatermarks.get(NAME));
    assert(!machine.log.hasDoubtfulEpochs);
    await this.#check(machine);
    await assertDerived(machine.log, this.#config);
    // A new process never leads the epoch of an earlier one.
    if (machine === this.#leading) await this.#elect();
  }

  /** Begins an operation that a crash interrupts. */
  async #begin(machine: Machine): Promise<void> {
    const { log, directory } = machine;
    try {
      const dice = this.#random.below(4);
      if (dice === 0) await directory.checkpoint();
      else if (dice === 1) await this.#replicate(machine);
      else if (dice === 2 && machine !== this.#leading) {
        const { highWatermark } = machine;
        const span = log.logEndOffset - Math.max(highWatermark, this.#highWatermark);
        await log.truncateTo(log.logEndOffset - this.#random.below(span + 1), NOW_MS);
      } else await log.flush();
    } catch (error) {
      if (!(error instanceof LogClosedError)) throw error;
    }
  }

  async #open(machine: Machine): Promise<void> {
    const config = this.#config;
    machine.directory = await openDirectory(machine.disk, {
      config,
      batchCacheBytes: this.#random.pick([0, 2000, 1 << 20]),
    });
    const { directory } = machine;
    machine.log = directory.get(NAME) ?? directory.create(NAME, { nowMs: NOW_MS, config });
    machine.flushedEpoch = -1;
    machine.highWatermark = directory.highWatermarks.get(NAME);
  }

  /** Records what is committed, by the leader's batches. */
  async #remember(): Promise<void> {
    const { log } = this.#leading;
    let offset = Math.max(this.#committed.at(-1)?.nextOffset ?? 0, log.logStartOffset);
    while (offset < this.#highWatermark) {
      const { nextOffset } = await log.read(offset, { maxBytes: 1, withEmptyBatches: true });
      if (nextOffset > this.#highWatermark) break;
      const hex = (await fetchBytes(log, offset, 1)).toHex();
      this.#committed.push({ baseOffset: offset, nextOffset, hex });
      offset = nextOffset;
    }
  }

  /** Checks that a log has everything that is committed. */
  async #check({ log }: Machine): Promise<void> {
    assert(log.logEndOffset >= this.#highWatermark, "committed records are gone");
    for (const { baseOffset, nextOffset, hex } of this.#committed) {
      if (nextOffset <= log.logStartOffset) continue;
      const offset = Math.max(baseOffset, log.logStartOffset);
      assertEquals((await fetchBytes(log, offset, 1)).toHex(), hex, `batch at ${baseOffset}`);
    }
  }

  async #heal(): Promise<void> {
    const { log: leader } = this.#leading;
    for (let round = 0; round < 500; round++) {
      for (const machine of this.#machines) await this.#replicate(machine);
      this.#advance();
    }
    await leader.flush();
    for (const machine of this.#machines) {
      await this.#replicate(machine);
      await machine.log.flush();
    }
    this.#advance();
    assertEquals(this.#highWatermark, leader.logEndOffset);
    await this.#remember();
    // A new leader may not have known of a deletion.
    const start = Math.max(...this.#machines.map(({ log }) => log.logStartOffset));
    leader.deleteRecordsBefore(start);
    for (const machine of this.#machines) {
      await this.#check(machine);
      await assertDerived(machine.log, this.#config);
      machine.log.deleteRecordsBefore(start);
      assertEquals(await batchesIn(machine.log), await batchesIn(leader));
    }
  }
}

Deno.test("Logs of a leader and its followers agree, in random steps with crashes", async (t) => {
  await eachSeed(t, 8, (seed) => new Simulation(seed).run(150));
});
