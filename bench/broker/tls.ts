/**
 * Measures a broker by TLS, beside the same broker without it, and beside another broker by TLS.
 *
 *     deno run -A bench/broker/tls.ts [--kafka-home ~/kafka] [--runs 3] [--seconds 2] [--warm-up 45] [--only TEXT] [--json]
 *
 * Each broker is started once, on a new folder in memory, and listens with and without TLS. All have the
 * same certificate (EC P-256) and answer with TLS 1.3. The load is that of `bench/broker/broker.ts`, by
 * `Deno.startTls`. Subjects take turns, so that ratios are of the same minute. Rows of processor time are
 * those of the broker's process alone. `--warm-up` is the longest time in seconds that one is warmed up.
 *
 * If there are two cores and `taskset`, brokers get one of them and this program the other, which also
 * encrypts.
 *
 * @module
 */

import {
  type BrokerSubject,
  dqueueSubject,
  processSubject,
  type RunningSubject,
} from "../support/brokers/broker_subjects.ts";
import { kafkaSubject } from "../support/brokers/kafka_subject.ts";
import { pin } from "../support/brokers/process_usage.ts";
import { defaultCommand, freePort } from "../support/brokers/served_broker.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";
import { parseFlags } from "../support/flags.ts";
import { measureConnect } from "../support/load/connect_load.ts";
import { measureFetch } from "../support/load/fetch_load.ts";
import { LoadConnection, TLS_PREFIX } from "../support/load/load_connection.ts";
import { measureProduce } from "../support/load/produce_load.ts";
import { parseScenario } from "../support/load/scenario.ts";
import type { Target } from "../support/load/target.ts";
import type { WarmUpBounds } from "../support/load/warm_up.ts";
import type { Timing } from "../support/load/window.ts";
import { describeMachine } from "../support/report/machine.ts";
import type { Outcome } from "../support/report/outcome.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";
import { TestAuthority } from "../../tests/support/security/test_authority.ts";

const RETRY_MS = 100;
const MAX_TRIES = 100;
const SETTLE_MS = 300;
const SHORT_WARM_UP_MS = 10_000;

/** A row, as a scenario of `bench/broker/broker.ts`. */
const CASES: readonly { readonly name: string; readonly scenario: string }[] = [
  {
    name: "produce 100 × 1 kB, 8 connections",
    scenario: "produce size=1000 batch=100 connections=8 partitions=8",
  },
  {
    name: "produce 1 × 100 B, 64 connections",
    scenario: "produce connections=64 partitions=8",
  },
  { name: "fetch from memory, 4 connections", scenario: "fetch from=tail connections=4" },
  { name: "connect, one request, close; 8 at a time", scenario: "connect connections=8" },
];

const { flags } = parseFlags({
  "kafka-home": undefined,
  runs: "3",
  seconds: "2",
  "warm-up": "45",
  only: "",
  quick: false,
  "broker-core": "0",
  "load-core": "1",
  "no-pin": false,
  json: false,
});
const runs = flags.quick ? 1 : Number(flags.runs);
const measureMs = (flags.quick ? 1 : Number(flags.seconds)) * 1000;

/** A broker as it is reached in one of two ways. */
interface Way extends Target {
  readonly warmUp: WarmUpBounds;
}

await main();

async function main(): Promise<void> {
  const isPinned = !flags["no-pin"] && navigator.hardwareConcurrency > 1 &&
    await pin(Deno.pid, Number(flags["load-core"]));
  const core = isPinned ? Number(flags["broker-core"]) : undefined;
  await using started = new AsyncDisposableStack();
  const certificates = started.use(await temporaryFolder());
  const authority = TestAuthority.create();
  LoadConnection.caCerts = [authority.cert];
  const keystore = `${certificates.join()}/keystore.pem`;
  await Deno.writeTextFile(keystore, authority.issueServer().keystore);
  const settings = { "ssl.keystore.type": "PEM", "ssl.keystore.location": keystore };

  const ways: Way[] = [];
  const start = async (subject: BrokerSubject, port: number) => {
    const folder = started.use(await temporaryFolder());
    const target: RunningSubject = started.use(
      await subject.start({ folder: folder.join(), core }),
    );
    const { warmUp } = subject;
    const address = `${TLS_PREFIX}127.0.0.1:${port}`;
    await listening(address);
    ways.push({ ...target, address, warmUp });
    ways.push({ ...target, name: `${target.name} without TLS`, warmUp });
  };
  const [own, peer] = [freePort(), freePort()];
  await start(dqueueWithTls(own, settings), own);
  const home = flags["kafka-home"];
  if (home !== undefined) await start(await kafkaSubject(home, { port: peer, settings }), peer);

  const rows: Row[] = [];
  for (const { name, scenario } of CASES) {
    if (!name.includes(flags.only)) continue;
    const outcomes = new Map<string, Outcome[]>(ways.map((way) => [way.name, []]));
    for (let run = 0; run < runs; run++) {
      for (const way of run % 2 === 0 ? ways : ways.toReversed()) {
        const outcome = await measure(way, scenario, run, rows.length === 0);
        outcomes.get(way.name)!.push(outcome);
        const [figure] = outcome.figures;
        progress(
          `${run + 1}/${runs} ${name}: ${way.name} ${figure!.value.toFixed(1)} ${figure!.unit}, ` +
            outcome.note,
        );
      }
    }
    rows.push(...rowsOf(name, outcomes));
  }
  printReport(
    {
      title: "TLS",
      hasRivals: true,
      settings: {
        ...describeMachine(),
        pinning: isPinned
          ? `load on core ${flags["load-core"]}, broker on core ${flags["broker-core"]}`
          : "none",
        runs: `${runs} of ${measureMs / 1000} s each, in turns; medians`,
        TLS: "1.3, EC P-256, no certificates of clients",
        data: "in memory (/dev/shm)",
      },
      rows,
    },
    flags.json,
  );
}

/** Waits until a broker that listens without TLS does so with it, too. */
async function listening(address: string): Promise<void> {
  for (let tries = 1;; tries++) {
    try {
      return (await LoadConnection.connect(address)).close();
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function dqueueWithTls(port: number, settings: Readonly<Record<string, string>>): BrokerSubject {
  const { warmUp } = dqueueSubject();
  const subject = processSubject("dqueue", (plain, folder) => ({
    command: [
      ...defaultCommand(["--allow-all"]),
      "serve",
      ...["--listen", `PLAINTEXT://127.0.0.1:${plain},SSL://127.0.0.1:${port}`],
      ...["--inter-broker-listener-name", "PLAINTEXT", "--data", `${folder}/data`],
      ...Object.entries(settings).map(([name, value]) => `--${name.replaceAll(".", "-")}=${value}`),
    ],
    env: { DQUEUE_LOG_LEVEL: "warn" },
  }));
  return { ...subject, warmUp };
}

async function measure(
  way: Way,
  text: string,
  run: number,
  isFirst: boolean,
): Promise<Outcome> {
  const scenario = parseScenario(text);
  const { leastMs } = way.warmUp;
  const mostMs = Math.min(way.warmUp.mostMs, Number(flags["warm-up"]) * 1000);
  const stable = isFirst
    ? { leastMs: Math.min(leastMs, mostMs), mostMs }
    : { leastMs: 0, mostMs: Math.min(mostMs / 3, SHORT_WARM_UP_MS) };
  const timing: Timing = { warmUpMs: SETTLE_MS, measureMs, ...(run === 0 ? { stable } : {}) };
  switch (scenario.kind) {
    case "produce":
      return await measureProduce(way, scenario, timing);
    case "fetch":
      return await measureFetch(way, scenario, timing);
    case "connect":
      return await measureConnect(way, scenario, timing);
    default:
      throw new RangeError(`There is no ${scenario.kind} by TLS`);
  }
}

function rowsOf(name: string, outcomes: ReadonlyMap<string, readonly Outcome[]>): Row[] {
  const figures = [...outcomes.values()].flat().flatMap((outcome) => outcome.figures);
  const names = [...new Set(figures.map((figure) => figure.name))];
  return names.map((figure) => {
    const { unit, better } = figures.find((each) => each.name === figure)!;
    // A broker that answered nothing in a run has no processor time for each request.
    const runsOf = (list: readonly Outcome[]) =>
      list.flatMap((outcome) =>
        outcome.figures.filter((each) => each.name === figure).map(({ value }) => value)
      );
    const measuredBy = [...outcomes].filter(([, list]) => runsOf(list).length > 0);
    return {
      name: [name, figure].filter((part) => part !== "").join(", "),
      unit,
      better,
      isKey: figure === "",
      results: Object.fromEntries(
        measuredBy.map(([subject, list]) => [subject, measured(runsOf(list))]),
      ),
      notes: Object.fromEntries(
        measuredBy.map(([subject, list]) => [subject, list[list.length >> 1]!.note]),
      ),
    };
  });
}
