import { assertEquals } from "@std/assert";
import type { BrokerParts } from "../broker.ts";
import { ManualClock } from "../time/clock.ts";
import { DiskSpace, type Space } from "../disk_space.ts";
import { Health } from "./health.ts";

/** A broker that is well, but for what is given. */
function brokerWith(wrong: {
  offlineLogs?: number;
  isFenced?: boolean;
  isRegistered?: boolean;
  clock?: ManualClock;
  disk?: DiskSpace;
  storeProblems?: string[];
}): BrokerParts {
  const { offlineLogs = 0, isFenced = false, isRegistered = true } = wrong;
  const clock = wrong.clock ?? new ManualClock(0);
  const logs = Array.from({ length: 5 }, (_, i) => ({
    offlineError: i < offlineLogs ? new Error("EIO") : undefined,
  }));
  return {
    startedMs: 0,
    store: wrong.storeProblems && { health: { problems: wrong.storeProblems } } || {},
    directory: { logs, logCount: logs.length },
    context: {
      nodeId: 1,
      clock,
      disk: wrong.disk ?? new FixedSpace(),
      groups: { shards: [] },
      cluster: { isFenced, broker: () => isRegistered ? { id: 1 } : undefined },
    },
  } as unknown as BrokerParts;
}

class FixedSpace extends DiskSpace {
  readonly #freeBytes: number | undefined;

  constructor(freeBytes?: number) {
    super("/data");
    this.#freeBytes = freeBytes;
  }

  override get space(): Space | undefined {
    const freeBytes = this.#freeBytes;
    return freeBytes === undefined ? undefined : { freeBytes, totalBytes: 2 ** 40 };
  }
}

/** What is wrong, as names and details. */
function problems(parts: BrokerParts): string[] {
  return new Health(parts).check().checks.filter(({ ok }) => !ok)
    .map(({ name, detail }) => `${name}: ${detail}`);
}

Deno.test("Health.check() names each thing that is wrong", () => {
  assertEquals(problems(brokerWith({})), []);
  assertEquals(problems(brokerWith({ offlineLogs: 2 })), [
    "data-folder: 2 of 5 logs are offline after a disk error; the broker's log says why, and a " +
    "restart opens them again",
  ]);
  assertEquals(problems(brokerWith({ isFenced: true })), [
    "metadata: the metadata store has not been reached for too long",
  ]);
  assertEquals(problems(brokerWith({ isRegistered: false })), [
    "metadata: the broker is not registered",
  ]);
  assertEquals(problems(brokerWith({ disk: new FixedSpace(1000) })), [
    "disk: the disk is full: writes are refused until there is space",
  ]);
  assertEquals(problems(brokerWith({ disk: new FixedSpace(2 ** 30) })), []);
});

Deno.test("Health.check() says since when something is wrong, until it is right again", () => {
  const clock = new ManualClock(0);
  const parts = brokerWith({ clock });
  const health = new Health(parts);
  const metadata = () => health.check().checks.find(({ name }) => name === "metadata")!;
  clock.advance(1000);
  assertEquals(metadata().since, "1970-01-01T00:00:00.000Z", "since the start");
  (parts.context.cluster as { isFenced: boolean }).isFenced = true;
  clock.advance(1000);
  assertEquals([metadata().ok, metadata().since], [false, "1970-01-01T00:00:02.000Z"]);
  clock.advance(1000);
  assertEquals(metadata().since, "1970-01-01T00:00:02.000Z");
  (parts.context.cluster as { isFenced: boolean }).isFenced = false;
  assertEquals([metadata().ok, metadata().since], [true, "1970-01-01T00:00:03.000Z"]);
});

Deno.test("Health.check() warns of what the metadata store needs, and stays ready", () => {
  const problem = "etcd's database takes 93% of its quota: compact and defragment it";
  const { isReady, warnings } = new Health(brokerWith({ storeProblems: [problem] })).check();
  assertEquals([isReady, warnings], [true, [problem]]);
  assertEquals(new Health(brokerWith({})).check().warnings, []);
});

Deno.test("Health.closing() makes the broker not ready", () => {
  const health = new Health(brokerWith({}));
  assertEquals(health.check().isReady, true);
  health.closing();
  assertEquals(health.check().isReady, false);
});
