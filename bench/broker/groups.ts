/**
 * Measures what consumer groups cost their coordinator: many small groups, and one large group that
 * rebalances, in both protocols.
 *
 *     deno run -A bench/broker/groups.ts [--runs 3] [--seconds 3] [--quick] [--json]
 *     deno run -A bench/broker/groups.ts localhost:9092 --name "Apache Kafka 4.1.1" --pid 4711
 *
 * Without an address this project's broker is started, on a new folder for each run and kind. If there are
 * two cores and `taskset`, it gets one of them and this program the other. Memory and processor time of
 * another broker are measured only with its `--pid`. `--groups`, `--members` and `--large` set the number of
 * groups, the members of each, and the members of the large group; `--kind` selects one kind.
 *
 * Members of a classic group wait for each other in their requests, so each needs its own connection. By
 * default all groups start at the same time; with `--connections` below the number of all members, they
 * take turns. Members of KIP-848 groups share a few connections.
 *
 * Before anything is measured, each partition is assigned to one member, the coordinator reports all groups
 * as stable, and one more heartbeat of every member changes nothing. The time until members notice a
 * rebalance is not included: they send heartbeats immediately, where consumers wait for their interval.
 *
 * @module
 */

import { parseFlags } from "../support/flags.ts";
import { CLASSIC } from "../support/groups/classic_load_group.ts";
import { CONSUMER } from "../support/groups/consumer_load_group.ts";
import { type GroupCosts, type GroupPlan, measureGroups } from "../support/groups/group_costs.ts";
import { withInspector } from "../support/brokers/heap_probe.ts";
import { type GroupKind, SESSION_TIMEOUT_MS } from "../support/groups/load_group.ts";
import { describeMachine } from "../support/report/machine.ts";
import { pin } from "../support/brokers/process_usage.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";
import { defaultCommand, ServedBroker } from "../support/brokers/served_broker.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";

const KINDS: readonly GroupKind[] = [CLASSIC, CONSUMER];
const QUICK_GROUPS = 100;
/** The first members to join may have to wait for the last; classic members request this timeout. */
const SETTINGS = { "group.consumer.session.timeout.ms": String(SESSION_TIMEOUT_MS) };

const { flags, args } = parseFlags({
  name: undefined,
  pid: undefined,
  kind: undefined,
  groups: undefined,
  members: "10",
  large: "100",
  connections: undefined,
  runs: "3",
  seconds: "3",
  quick: false,
  "broker-core": "0",
  "load-core": "1",
  "no-pin": false,
  json: false,
}, { maxArgs: 1 });

const [address] = args;
const subject = flags.name ?? address ?? "dqueue";
const runs = flags.quick ? 1 : Number(flags.runs);
const plan = planOf();
await main();

async function main(): Promise<void> {
  const isPinned = !flags["no-pin"] && navigator.hardwareConcurrency > 1 &&
    await pin(Deno.pid, Number(flags["load-core"]));
  const kinds = KINDS.filter(({ name }) => flags.kind === undefined || name === flags.kind);
  if (kinds.length === 0) throw new Error(`There is no kind of groups "${flags.kind}"`);
  const costs = new Map<GroupKind, GroupCosts[]>(kinds.map((kind) => [kind, []]));
  for (let run = 0; run < runs; run++) {
    for (const kind of kinds) {
      progress(`run ${run + 1} of ${runs}: ${kind.name} groups`);
      costs.get(kind)!.push(await measure(kind, isPinned));
    }
  }
  const pinning = isPinned && address === undefined
    ? `load on core ${flags["load-core"]}, broker on core ${flags["broker-core"]}`
    : isPinned
    ? `load on core ${flags["load-core"]}`
    : "none";
  printReport(
    {
      title: "Consumer groups",
      settings: {
        ...describeMachine(),
        pinning,
        runs: `${runs}, medians; heartbeats for ${plan.timing.measureMs / 1000} s`,
        topics: `${plan.partitions} partitions for ${plan.memberCount} members, ` +
          `${plan.largePartitions} for ${plan.largeMemberCount}`,
      },
      rows: [...costs].flatMap(([kind, runs]) => rowsOf(kind, runs)),
    },
    flags.json,
  );
}

function planOf(): GroupPlan {
  const groupCount = Number(flags.groups ?? (flags.quick ? QUICK_GROUPS : 1000));
  const memberCount = Number(flags.members);
  const measureMs = (flags.quick ? 1 : Number(flags.seconds)) * 1000;
  const largeMemberCount = Number(flags.large);
  return {
    groupCount,
    memberCount,
    partitions: 2 * memberCount,
    largeMemberCount,
    largePartitions: 10 * largeMemberCount,
    rebalances: flags.quick ? 5 : 20,
    connectionCount: Number(flags.connections ?? groupCount * memberCount),
    timing: { warmUpMs: measureMs / 3, measureMs },
  };
}

async function measure(kind: GroupKind, isPinned: boolean): Promise<GroupCosts> {
  if (address !== undefined) {
    const pids = flags.pid === undefined ? [] : [Number(flags.pid)];
    return await measureGroups({ name: subject, address, pids, inspector: undefined }, kind, plan);
  }
  const inspector = `127.0.0.1:${freePort()}`;
  await using folder = await temporaryFolder();
  await using broker = ServedBroker.start({
    command: withInspector(defaultCommand(), inspector),
    data: folder.join("data"),
    core: isPinned ? Number(flags["broker-core"]) : undefined,
    settings: SETTINGS,
  });
  (await broker.connect()).close();
  const target = { name: subject, address: broker.address, pids: [broker.pid], inspector };
  return await measureGroups(target, kind, plan);
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

function rowsOf({ name }: GroupKind, runs: readonly GroupCosts[]): Row[] {
  const count = (value: number) => value.toLocaleString("en-US");
  const many = `${count(plan.groupCount)} groups × ${count(plan.memberCount)} members`;
  const rows: (Row | undefined)[] = [
    row(`${many}, until all are stable`, "s", ({ stableSeconds }) => stableSeconds, "joinNote"),
    row("broker CPU for a member to join", "µs", ({ joinMicros }) => joinMicros),
    row("broker memory per member", "KB", ({ memberKb }) => memberKb, "memoryNote"),
    row("the same, live objects and buffers only", "KB", ({ liveMemberKb }) => liveMemberKb),
    row("broker memory per connection", "KB", ({ connectionKb }) => connectionKb),
    row("heartbeats", "heartbeats/s", ({ beatsPerSecond }) => beatsPerSecond, "beatNote"),
    row("broker CPU for a heartbeat", "µs", ({ beatMicros }) => beatMicros),
    row(
      `rebalance of ${count(plan.largeMemberCount)} members as another joins`,
      "ms",
      ({ rebalanceMs }) => rebalanceMs,
      "rebalanceNote",
    ),
  ];
  return rows.filter((row) => row !== undefined);

  function row(
    what: string,
    unit: string,
    figureOf: (costs: GroupCosts) => number,
    note?: keyof GroupCosts["notes"],
  ): Row | undefined {
    const figures = runs.map(figureOf);
    if (figures.some(Number.isNaN)) return undefined;
    const result = measured(figures);
    const middle = figures.findIndex((figure) => figure >= result.median);
    return {
      name: `${name}: ${what}`,
      unit,
      better: unit === "heartbeats/s" ? "higher" : "lower",
      results: { [subject]: result },
      ...(note === undefined ? {} : { notes: { [subject]: runs[middle]!.notes[note] } }),
    };
  }
}
