import { assert, assertEquals } from "@std/assert";
import { explore } from "./exploration_testing.ts";
import { type Bounds, type Break, BREAKS, IsrModel } from "./isr_model_testing.ts";

/**
 * Most states of a run: with `DQUEUE_TEST_MODEL_STATES=3000000` the checks below are complete, and take
 * minutes and gigabytes.
 */
const MAX_STATES = Number(Deno.env.get("DQUEUE_TEST_MODEL_STATES") ?? 12_000);

const BOUNDS: Bounds = {
  brokers: 3,
  minInSync: 2,
  appends: 1,
  crashes: 0,
  depositions: 0,
  moves: 0,
  lags: 0,
  losses: 0,
  lostDisks: 0,
  lowered: 0,
  damages: 0,
};

const TWO = { brokers: 2, minInSync: 1 };

const CORRECT: readonly Partial<Bounds>[] = [
  { lags: 1, losses: 1 },
  { moves: 1, appends: 2 },
  { lags: 1, crashes: 1 },
  { moves: 1, crashes: 1 },
  { depositions: 1, lags: 1, losses: 1 },
  { ...TWO, lags: 1, crashes: 1, losses: 1 },
  { ...TWO, lags: 1, losses: 1, depositions: 1 },
  { ...TWO, lags: 1, crashes: 1, lostDisks: 1 },
  { lags: 2, lowered: 1 },
  { lags: 1, crashes: 1, lostDisks: 1 },
  { damages: 1, lags: 1 },
  { ...TWO, damages: 1, crashes: 1 },
];

/** Where the model finds each break. */
const BROKEN: Readonly<Record<Break, Partial<Bounds>>> = {
  "count a shrink before it is committed": { crashes: 1 },
  "count the log end instead of the flushed offset": { crashes: 1 },
  "lead in the epoch of an earlier process": { crashes: 1, appends: 2 },
  "fetch before a flush": { crashes: 1 },
  "begin with the high watermark at the log end": { crashes: 1 },
  "advance the high watermark with an ELR": { lags: 2, lowered: 1 },
  "join without the registration as a guard": { ...TWO, lags: 1, crashes: 1, lostDisks: 1 },
  "settle doubts beside an earlier registration": { ...TWO, lags: 1, crashes: 1, lostDisks: 1 },
  "force what was wanted": { ...TWO, lags: 1, losses: 1, depositions: 1 },
  "forget what is pending": { lags: 1, losses: 1 },
  "join below the high watermark": { lags: 1 },
  "count a fetch that diverges": { crashes: 1, appends: 2 },
  "remember the ends of an earlier epoch": { moves: 2, appends: 2 },
  "leave with a damaged log without a new epoch": { damages: 1 },
};

/** Breaks that the model finds only after so many states. */
const LATE: Readonly<Partial<Record<Break, number>>> = {
  "remember the ends of an earlier epoch": 165_000,
};

Deno.test("The rules of replication keep their promises in every order of events", async (t) => {
  for (const bounds of CORRECT) {
    await t.step(JSON.stringify(bounds), () => {
      const { violation, states } = explore(new IsrModel({ ...BOUNDS, ...bounds }), MAX_STATES);
      assertEquals(violation, undefined);
      assert(states > 1000);
    });
  }
});

Deno.test("The model of replication notices broken rules", async (t) => {
  for (const broken of BREAKS) {
    const maxStates = Math.max(30_000, MAX_STATES);
    await t.step({
      name: broken,
      ignore: maxStates < (LATE[broken] ?? 0),
      fn: () => {
        const bounds = { ...BOUNDS, ...BROKEN[broken] };
        const { violation } = explore(new IsrModel(bounds, broken), maxStates);
        assert(violation !== undefined, "nothing was noticed");
      },
    });
  }
});
