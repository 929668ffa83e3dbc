/**
 * Measures what a record takes with one broker and with several in one process (`serve --workers N`), in
 * short turns, because the difference is small. If it is the same, the cores of a larger machine add up.
 *
 *     deno run -A bench/workers/worker_cost.ts [--workers 2] [--turns 7] [--seconds 1] [--json]
 *
 * "Brokers on one core": both have the same load, and all brokers are busy. One that waits for work takes
 * more processor time for it. "For each broker": brokers and load share all cores, and with N brokers there
 * are N times the connections, so that each has what a broker with a core of its own has.
 *
 * @module
 */

import { dqueueSubject } from "../support/brokers/broker_subjects.ts";
import { pin } from "../support/brokers/process_usage.ts";
import { parseFlags } from "../support/flags.ts";
import { Comparison } from "../support/load/comparison.ts";
import { parseScenario } from "../support/load/scenario.ts";
import { WORKER_SCENARIOS, workersName } from "../support/load/worker_scenarios.ts";
import { describeMachine } from "../support/report/machine.ts";
import { printReport, type Row } from "../support/report/report.ts";

const BROKER_CORE = 0;
const LOAD_CORE = 1;

const { flags } = parseFlags({
  workers: "2",
  turns: "7",
  seconds: "1",
  json: false,
});
const counts = [1, Number(flags.workers)];
const subjects = counts.map((count) =>
  dqueueSubject(workersName(count), { workers: String(count) })
);
const options = {
  subjects,
  scenarios: WORKER_SCENARIOS.map(parseScenario),
  runs: Number(flags.turns),
  measureMs: Number(flags.seconds) * 1000,
};
const each = await Comparison.measureInTurns({
  ...options,
  loadFactor: (subject) => counts[subjects.indexOf(subject)]!,
});
// Afterwards, because this program stays on its core.
await pin(Deno.pid, LOAD_CORE);
const alone = await Comparison.measureInTurns({ ...options, core: BROKER_CORE });
printReport(
  {
    title: "Cost of workers",
    hasRivals: true,
    settings: {
      ...describeMachine(),
      runs: `${flags.turns} turns of ${flags.seconds} s each`,
    },
    rows: [...named(alone, "brokers on one core"), ...named(each, "for each broker")],
  },
  flags.json,
);

function named(comparison: Comparison, how: string): Row[] {
  return comparison.rows(() => undefined, () => true)
    .map((row) => ({ ...row, name: `${row.name}, ${how}` }));
}
