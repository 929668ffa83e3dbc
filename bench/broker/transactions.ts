/**
 * Measures transactions, and readers of what they wrote, beside another broker.
 *
 *     deno run -A bench/broker/transactions.ts [--kafka-home ~/kafka] [--runs 3] [--seconds 2] [--only TEXT] [--json]
 *
 * Each producer has one transaction after the other: records in one request, then a commit, as clients with
 * KIP-890 send them. The brokers are started once, on new folders on disk, and take turns. A commit is
 * answered by this project's broker when it is on disk whatever the topic's policy, by Kafka when it is in
 * the page cache. Readers read 32 MB of transactions again and again, of which every tenth is aborted, with
 * either isolation in turn, so that the ratio of the two is of the same minute.
 *
 * If there are two cores and `taskset`, brokers get one of them and this program the other.
 *
 * @module
 */

import { parseFlags } from "../support/flags.ts";
import { dqueueSubject, type RunningSubject } from "../support/brokers/broker_subjects.ts";
import { PEER_FLAGS, peerSubjects } from "../support/brokers/peer_subjects.ts";
import { pin } from "../support/brokers/process_usage.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";
import {
  type IsolationLevelName,
  measureCommittedFetch,
  settledEnd,
} from "../support/load/committed_fetch_load.ts";
import { LoadTopic } from "../support/load/target.ts";
import {
  fillWithTransactions,
  measureTransactions,
  type TransactionShape,
} from "../support/load/transaction_load.ts";
import type { WarmUpBounds } from "../support/load/warm_up.ts";
import type { Timing } from "../support/load/window.ts";
import { describeMachine } from "../support/report/machine.ts";
import type { Outcome } from "../support/report/outcome.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";

const SETTLE_MS = 300;
const SHORT_WARM_UP_MS = 10_000;
const READ_MB = 32;
const ABORTED = 10;
const ISOLATIONS: readonly IsolationLevelName[] = ["read_uncommitted", "read_committed"];

/** A row of transactions. */
interface TransactionCase extends TransactionShape {
  readonly name: string;
  readonly isKey?: boolean;
}

const SIZE = 100;
const CASES: readonly TransactionCase[] = [
  {
    name: "transactions of 1,000 records of 100 B, 1 producer",
    ...{ size: SIZE, records: 1000, partitions: 1, producers: 1, flush: "own" },
    isKey: true,
  },
  {
    name: "transactions of 1,000 records of 100 B, 16 producers",
    ...{ size: SIZE, records: 1000, partitions: 1, producers: 16, flush: "own" },
    isKey: true,
  },
  {
    name: "transactions of 1 record of 100 B, 1 producer",
    ...{ size: SIZE, records: 1, partitions: 1, producers: 1, flush: "own" },
  },
  {
    name: "transactions of 1 record of 100 B, 64 producers",
    ...{ size: SIZE, records: 1, partitions: 1, producers: 64, flush: "own" },
  },
];

const { flags } = parseFlags({
  ...PEER_FLAGS,
  runs: "3",
  seconds: "2",
  only: "",
  quick: false,
  "broker-core": "0",
  "load-core": "1",
  "no-pin": false,
  json: false,
});
const runs = flags.quick ? 1 : Number(flags.runs);
const measureMs = (flags.quick ? 1 : Number(flags.seconds)) * 1000;

/** A running broker, and how long to warm it up. */
type WarmedSubject = RunningSubject & { readonly warmUp: WarmUpBounds };

/** The outcomes of a row, by subject. */
type Outcomes = Map<string, Outcome[]>;

await main();

async function main(): Promise<void> {
  const isPinned = !flags["no-pin"] && navigator.hardwareConcurrency > 1 &&
    await pin(Deno.pid, Number(flags["load-core"]));
  const core = isPinned ? Number(flags["broker-core"]) : undefined;
  const subjects = [dqueueSubject(), ...await peerSubjects(flags)];
  await using started = new AsyncDisposableStack();
  const targets: WarmedSubject[] = [];
  for (const subject of subjects) {
    const folder = started.use(await temporaryFolder());
    const target = started.use(await subject.start({ folder: folder.join(), core }));
    targets.push({ ...target, warmUp: subject.warmUp });
  }
  const rows: Row[] = [];
  for (const { name, isKey = false, ...shape } of CASES) {
    if (!name.includes(flags.only)) continue;
    const outcomes: Outcomes = new Map();
    const isFirst = rows.length === 0;
    await inTurns(targets, async (target, run) => {
      const timing = timingOf(run, isFirst ? target.warmUp : shortened(target.warmUp));
      note(outcomes, name, target.name, run, await measureTransactions(target, shape, timing));
    });
    rows.push(...rowsOf(name, outcomes, isKey));
  }
  if ("reads".includes(flags.only)) rows.push(...await measureReads(targets));
  printReport(
    {
      title: "Transactions",
      hasRivals: true,
      settings: {
        ...describeMachine(),
        pinning: isPinned
          ? `load on core ${flags["load-core"]}, broker on core ${flags["broker-core"]}`
          : "none",
        runs: `${runs} of ${measureMs / 1000} s each, in turns; medians`,
        data: "on disk, flushed as each broker does by default",
      },
      rows,
    },
    flags.json,
  );
}

function timingOf(run: number, stable: WarmUpBounds): Timing {
  return { warmUpMs: SETTLE_MS, measureMs, ...(run === 0 ? { stable } : {}) };
}

/** The limits for a broker that has run transactions before. */
function shortened({ mostMs }: WarmUpBounds): WarmUpBounds {
  return { leastMs: 0, mostMs: Math.min(mostMs, SHORT_WARM_UP_MS) };
}

async function inTurns<T>(
  targets: readonly T[],
  measure: (target: T, run: number) => Promise<void>,
): Promise<void> {
  for (let run = 0; run < runs; run++) {
    for (const target of run % 2 === 0 ? targets : targets.toReversed()) await measure(target, run);
  }
}

function note(
  outcomes: Outcomes,
  name: string,
  subject: string,
  run: number,
  outcome: Outcome,
): void {
  outcomes.set(subject, [...outcomes.get(subject) ?? [], outcome]);
  const [figure] = outcome.figures;
  progress(
    `${run + 1}/${runs} ${name}: ${subject} ${figure!.value.toFixed(1)} ${
      figure!.unit
    }, ${outcome.note}`,
  );
}

/** Readers of both isolations, in turn, of the same records. */
async function measureReads(
  targets: readonly WarmedSubject[],
): Promise<Row[]> {
  const shape = { size: SIZE, records: 1000, partitions: 1, producers: 1, flush: "os" };
  const found = new Map<IsolationLevelName, Outcomes>(ISOLATIONS.map((each) => [each, new Map()]));
  for (const target of targets) {
    await using topic = await LoadTopic.create(target, {
      partitions: 1,
      flush: shape.flush,
      maxMessageBytes: 1 << 24,
    });
    const count = READ_MB * 1e6 / (shape.records * shape.size);
    await fillWithTransactions(target, topic, shape, count, ABORTED);
    const end = await settledEnd(topic);
    for (let run = 0; run < runs; run++) {
      for (const isolation of run % 2 === 0 ? ISOLATIONS : ISOLATIONS.toReversed()) {
        const timing = timingOf(run, shortened(target.warmUp));
        const outcome = await measureCommittedFetch(target, topic, isolation, end, timing);
        note(found.get(isolation)!, `read with ${isolation}`, target.name, run, outcome);
      }
    }
  }
  const rows = ISOLATIONS.flatMap((isolation) =>
    rowsOf(
      `read transactions of 1,000 records with ${isolation}`,
      found.get(isolation)!,
      isolation === "read_committed",
    )
  );
  return [...rows, costRow(found)];
}

/** The rate with `read_committed`, of that with `read_uncommitted` in the same run. */
function costRow(found: ReadonlyMap<IsolationLevelName, Outcomes>): Row {
  const rates = (isolation: IsolationLevelName, subject: string) =>
    found.get(isolation)!.get(subject)!.map(({ figures }) => figures[0]!.value);
  const subjects = [...found.get("read_committed")!.keys()];
  return {
    name: "rate of read_committed, of that of read_uncommitted",
    unit: "%",
    better: "higher",
    results: Object.fromEntries(subjects.map((subject) => {
      const uncommitted = rates("read_uncommitted", subject);
      const shares = rates("read_committed", subject).map((rate, i) =>
        100 * rate / uncommitted[i]!
      );
      return [subject, measured(shares)];
    })),
  };
}

function rowsOf(name: string, outcomes: Outcomes, isKey: boolean): Row[] {
  const [first] = outcomes.values();
  return first![0]!.figures.map(({ name: figure, unit, better }) => ({
    name: [name, figure].filter((part) => part !== "").join(", "),
    unit,
    better,
    isKey: isKey && figure === "",
    results: Object.fromEntries(
      Array.from(outcomes, ([subject, runs]) => [
        subject,
        measured(runs.map(({ figures }) => figures.find((each) => each.name === figure)!.value)),
      ]),
    ),
    notes: Object.fromEntries(
      Array.from(outcomes, ([subject, runs]) => [subject, runs[runs.length >> 1]!.note]),
    ),
  }));
}
