import { assert, assertEquals } from "@std/assert";
import { type Bounds, type Break, BREAKS, explore } from "./isr_model_testing.ts";

/**
 * Most states of a run: with `DQUEUE_MODEL_STATES=3000000` the checks below are complete, and take
 * minutes and gigabytes.
 */
const MAX_STATES = Number(Deno.env.get("DQUEUE_MODEL_STATES") ?? 12_000);

const BOUNDS: Bounds = {
  brokers: 3,
  minInSync: 2,
  appends: 1,
  crashes: 0,
  depositions: 0,
  moves: 0,
  lags: 0,
  losses: 0,
  maxStates: MAX_STATES,
};

const CORRECT: readonly Partial<Bounds>[] = [
  { lags: 1, losses: 1 },
  { moves: 1, appends: 2 },
  { lags: 1, crashes: 1 },
  { moves: 1, crashes: 1 },
  { depositions: 1, lags: 1, losses: 1 },
  { brokers: 2, minInSync: 1, lags: 1, crashes: 1, losses: 1 },
];

/** Where the model finds each break soon. */
const BROKEN: Readonly<Partial<Record<Break, Partial<Bounds>>>> = {
  "count a shrink before it is committed": { crashes: 1 },
  "count the log end instead of the flushed offset": { crashes: 1 },
  "lead in the epoch of an earlier process": { crashes: 1, appends: 2 },
  "fetch before a flush": { crashes: 1 },
  "begin with the high watermark at the log end": { crashes: 1 },
  "forget what is pending": { crashes: 1, maxStates: Math.max(30_000, MAX_STATES) },
  "count a fetch that diverges": {
    crashes: 1,
    appends: 2,
    maxStates: Math.max(30_000, MAX_STATES),
  },
};

Deno.test("The rules of replication keep their promises in every order of events", async (t) => {
  for (const bounds of CORRECT) {
    await t.step(JSON.stringify(bounds), () => {
      const { violation, states } = explore({ ...BOUNDS, ...bounds });
      assertEquals(violation, undefined);
      assert(states > 1000);
    });
  }
});

Deno.test("The model of replication notices broken rules", async (t) => {
  for (const broken of BREAKS) {
    const bounds = BROKEN[broken];
    if (bounds === undefined) continue;
    await t.step(broken, () => {
      const { violation } = explore({ ...BOUNDS, ...bounds }, broken);
      assert(violation !== undefined, "nothing was noticed");
    });
  }
});
