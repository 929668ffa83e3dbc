/**
 * Compares brokers: the same scenarios on each, in several runs.
 *
 * In each run each family of rows has a new process and a new folder for each broker. The brokers take
 * turns in changing order, so that other work of the machine affects all of them, and ratios are of the
 * same run.
 *
 * Differences of a few percent need shorter turns: a machine may become a quarter slower from one minute
 * to the next. `measureInTurns` keeps all brokers running, and each measures every few seconds.
 *
 * @module
 */

import type { BrokerSubject, RunningSubject } from "../brokers/broker_subjects.ts";
import { type TemporaryFolder, temporaryFolder } from "../brokers/temporary_folder.ts";
import type { Outcome } from "../report/outcome.ts";
import { formatFigure, measured, median, progress, type Row } from "../report/report.ts";
import { measureConnect } from "./connect_load.ts";
import { measureFetch } from "./fetch_load.ts";
import { measureLatency } from "./latency_load.ts";
import { measureProduce } from "./produce_load.ts";
import { describeScenario, familyOf, isOnDisk, scaled, type Scenario } from "./scenario.ts";
import type { Target } from "./target.ts";
import type { WarmUpBounds } from "./warm_up.ts";
import type { Timing } from "./window.ts";

/** What to compare, and how. */
export interface ComparisonOptions {
  readonly subjects: readonly BrokerSubject[];
  readonly scenarios: readonly Scenario[];
  readonly runs: number;
  /** Milliseconds of each measurement. */
  readonly measureMs: number;
  /** The only core of each broker. Default: any. */
  readonly core?: number | undefined;
  /** How many times a scenario's load a broker gets. Default: 1. */
  readonly loadFactor?: (subject: BrokerSubject) => number;
}

/** Time from the start of the load on a topic to the start of the measurement. */
const SETTLE_MS = 1000;
/** The same where a broker had the same load a few seconds before. */
const SHORT_SETTLE_MS = 300;
/** Memory for the data that a broker receives in a run. */
const DATA_BYTES = 10e9;

/** What was measured. */
export class Comparison {
  readonly #options: ComparisonOptions;
  readonly #found: Map<Scenario, Map<string, Outcome[]>>;

  private constructor(options: ComparisonOptions) {
    this.#options = options;
    this.#found = new Map(options.scenarios.map((scenario) => [scenario, new Map()]));
  }

  /** Measures all scenarios of a run, then of the next run. */
  static async measure(options: ComparisonOptions): Promise<Comparison> {
    const comparison = new Comparison(options);
    const { subjects, scenarios, runs } = options;
    const families = [...Map.groupBy(scenarios, familyOf).values()];
    for (let run = 0; run < runs; run++) {
      const order = run % 2 === 0 ? subjects : subjects.toReversed();
      for (const family of families) {
        for (const subject of order) await comparison.#measureFresh(subject, family, run);
      }
    }
    return comparison;
  }

  /** Measures each scenario in many runs, in which brokers that were started once take turns. */
  static async measureInTurns(options: ComparisonOptions): Promise<Comparison> {
    const comparison = new Comparison(options);
    for (const family of Map.groupBy(options.scenarios, familyOf).values()) {
      await comparison.#measureFamily(family);
    }
    return comparison;
  }

  async #measureFamily(family: readonly Scenario[]): Promise<void> {
    const { subjects, runs } = this.#options;
    await using started = new AsyncDisposableStack();
    const targets = new Map<BrokerSubject, Target>();
    for (const subject of subjects) {
      const folder = started.use(await temporaryFolder(folderBytes(family)));
      targets.set(subject, started.use(await this.#start(subject, folder)));
    }
    for (const scenario of family) {
      for (let run = 0; run < runs; run++) {
        for (const subject of run % 2 === 0 ? subjects : subjects.toReversed()) {
          const stable = run === 0 ? subject.warmUp : undefined;
          await this.#measure(subject, targets.get(subject)!, scenario, stable, run);
        }
      }
    }
  }

  /** A row for each figure of each scenario. */
  rows(
    aimOf: (scenario: Scenario, figure: string) => number | undefined,
    isKey: (scenario: Scenario, figure: string) => boolean,
  ): Row[] {
    return this.#options.scenarios.flatMap((scenario) => {
      const outcomes = this.#found.get(scenario)!;
      const [first] = outcomes.values();
      return first![0]!.figures.map(({ name, unit, better }): Row => {
        const aim = aimOf(scenario, name);
        return {
          name: [describeScenario(scenario), name].filter((part) => part !== "").join(", "),
          unit,
          better,
          ...(aim === undefined ? {} : { aim }),
          isKey: isKey(scenario, name),
          results: this.#bySubject(outcomes, (runs) => measured(valuesOf(runs, name))),
          notes: this.#bySubject(outcomes, (runs) => noteOf(runs, valuesOf(runs, name))),
        };
      });
    });
  }

  #bySubject<T>(
    outcomes: ReadonlyMap<string, readonly Outcome[]>,
    of: (runs: readonly Outcome[]) => T,
  ): Record<string, T> {
    const { subjects } = this.#options;
    return Object.fromEntries(subjects.map(({ name }) => [name, of(outcomes.get(name)!)]));
  }

  /** Runs the scenarios of one family on a new broker. */
  async #measureFresh(
    subject: BrokerSubject,
    family: readonly Scenario[],
    run: number,
  ): Promise<void> {
    await using folder = await temporaryFolder(folderBytes(family));
    await using target = await this.#start(subject, folder);
    for (const [i, scenario] of family.entries()) {
      const { leastMs, mostMs } = subject.warmUp;
      const stable = { leastMs: i === 0 ? leastMs : 0, mostMs };
      await this.#measure(subject, target, scenario, stable, run);
    }
  }

  #start(subject: BrokerSubject, folder: TemporaryFolder): Promise<RunningSubject> {
    return subject.start({ folder: folder.join(), core: this.#options.core });
  }

  async #measure(
    subject: BrokerSubject,
    target: Target,
    scenario: Scenario,
    stable: WarmUpBounds | undefined,
    run: number,
  ): Promise<void> {
    const { measureMs, runs, loadFactor = () => 1 } = this.#options;
    const timing: Timing = {
      ...(stable === undefined ? {} : { stable }),
      warmUpMs: stable === undefined ? SHORT_SETTLE_MS : SETTLE_MS,
      measureMs,
    };
    const outcome = await measure(target, scaled(scenario, loadFactor(subject)), timing);
    const ofScenario = this.#found.get(scenario)!;
    ofScenario.set(subject.name, [...ofScenario.get(subject.name) ?? [], outcome]);
    const [{ value, unit, name }] = outcome.figures as [Outcome["figures"][number]];
    progress(
      `${run + 1}/${runs} ${scenario.text}: ${subject.name} ${name} ${formatFigure(value)} ` +
        `${unit}, ${outcome.note}`,
    );
  }
}

function folderBytes(family: readonly Scenario[]): number {
  return isOnDisk(family[0]!) ? Infinity : DATA_BYTES;
}

function valuesOf(runs: readonly Outcome[], figure: string): number[] {
  return runs.flatMap(({ figures }) =>
    figures.filter(({ name }) => name === figure).map(({ value }) => value)
  );
}

/** Returns the note of the median run. */
function noteOf(runs: readonly Outcome[], values: readonly number[]): string {
  const middle = median(values);
  const distances = values.map((value) => Math.abs(value - middle));
  return runs[distances.indexOf(Math.min(...distances))]!.note;
}

function measure(target: Target, scenario: Scenario, timing: Timing): Promise<Outcome> {
  switch (scenario.kind) {
    case "produce":
      return measureProduce(target, scenario, timing);
    case "fetch":
      return measureFetch(target, scenario, timing);
    case "latency":
      return measureLatency(target, scenario, timing);
    case "connect":
      return measureConnect(target, scenario, timing);
  }
}
