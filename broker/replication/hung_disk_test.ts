import { assertEquals } from "@std/assert";
import { silentLogger } from "../logger.ts";
import { ManualClock } from "../time/clock.ts";
import { HUNG_MS, HungDisk } from "./hung_disk.ts";

/** A clock of a process that may stand still: what is due meanwhile runs late. */
class StandingClock extends ManualClock {
  stoodMs = 0;

  override monotonic(): number {
    return super.monotonic() + this.stoodMs;
  }
}

/** A broker whose syncs end when a test says so. */
class Fixture implements AsyncDisposable {
  readonly clock = new StandingClock(0);
  readonly disk = new HungDisk(this.clock);
  readonly changes: string[] = [];
  isBack = false;
  /** Failures of the metadata store that are left. */
  failures = 0;

  constructor() {
    const change = (what: string, isBack: boolean): Promise<void> => {
      if (this.failures-- > 0) return Promise.reject(new Error("The store is away"));
      this.changes.push(what);
      this.isBack = isBack;
      return Promise.resolve();
    };
    this.disk.start({
      nodeId: 1,
      brokerEpoch: 7,
      isShuttingDown: () => this.isBack,
      membership: {
        stepBack: () => change("back", true),
        stepForward: () => change("forward", false),
      },
    }, silentLogger);
  }

  sync(): PromiseWithResolvers<void> {
    const sync = Promise.withResolvers<void>();
    this.disk.syncing(sync.promise);
    return sync;
  }

  async after(ms: number): Promise<readonly string[]> {
    for (let left = ms; left > 0; left -= 500) {
      this.clock.advance(Math.min(500, left));
      for (let i = 0; i < 10; i++) await undefined;
    }
    return this.changes;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.disk.close();
  }
}

Deno.test("HungDisk has others take over once a sync takes too long, until it ends", async () => {
  await using fixture = new Fixture();
  const sync = fixture.sync();
  assertEquals(await fixture.after(HUNG_MS - 500), []);
  assertEquals(await fixture.after(500), ["back"]);
  assertEquals(await fixture.after(30_000), ["back"]);
  sync.resolve();
  assertEquals(await fixture.after(1000), ["back", "forward"]);
  assertEquals(await fixture.after(30_000), ["back", "forward"]);
});

Deno.test("HungDisk does not mind many syncs that end in time, however they end", async () => {
  await using fixture = new Fixture();
  for (let i = 0; i < 20; i++) {
    const sync = fixture.sync();
    await fixture.after(4000);
    if (i % 2 === 0) sync.resolve();
    else sync.reject(new Error("EIO"));
  }
  assertEquals(await fixture.after(HUNG_MS), []);
});

Deno.test("HungDisk does not count the time for which the process stood still", async () => {
  await using fixture = new Fixture();
  const sync = fixture.sync();
  await fixture.after(2000);
  fixture.clock.stoodMs = 30_000;
  // Noticed by the next check.
  assertEquals(await fixture.after(HUNG_MS), []);
  assertEquals(await fixture.after(1000), ["back"]);
  sync.resolve();
  await fixture.after(1000);
});

Deno.test("HungDisk notices the sync that hangs among others", async () => {
  await using fixture = new Fixture();
  const hanging = fixture.sync();
  for (let i = 0; i < 4; i++) {
    const sync = fixture.sync();
    await fixture.after(2500);
    sync.resolve();
  }
  assertEquals(await fixture.after(0), ["back"]);
  hanging.resolve();
  const next = fixture.sync();
  assertEquals(await fixture.after(1000), ["back", "forward"]);
  assertEquals(await fixture.after(HUNG_MS), ["back", "forward", "back"]);
  next.resolve();
  await fixture.after(1000);
});

Deno.test("HungDisk announces it again when the announcement has gone with a session, or failed", async () => {
  await using fixture = new Fixture();
  fixture.failures = 2;
  const sync = fixture.sync();
  assertEquals(await fixture.after(HUNG_MS + 1000), []);
  assertEquals(await fixture.after(1000), ["back"]);
  fixture.isBack = false;
  assertEquals(await fixture.after(1000), ["back", "back"]);
  fixture.failures = 1;
  sync.resolve();
  assertEquals(await fixture.after(3000), ["back", "back", "forward"]);
});
