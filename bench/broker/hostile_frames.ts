/**
 * Measures what requests at the limits do to a broker: how long each case keeps a neighbour waiting, the
 * longest turn of the event loop, and the memory of the process.
 *
 *     deno run -A bench/broker/hostile_frames.ts [--only TEXT] [--minutes 10] [--json]
 *
 * Each case runs once, on the same broker; with `--minutes`, all cases are repeated for that long. A turn is
 * reported with its processor time, because on a busy machine a turn may be long in which the process did
 * not run.
 *
 * @module
 */

import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { createTopics } from "../../protocol/messages/topics/create_topics.ts";
import { findCoordinator } from "../../protocol/messages/groups/find_coordinator.ts";
import { offsetCommit } from "../../protocol/messages/groups/offset_commit.ts";
import { SETTINGS } from "../../broker/settings/settings.ts";
import { parseFlags } from "../support/flags.ts";
import {
  HOSTILE_GROUP,
  HOSTILE_PARTITIONS,
  HOSTILE_TOPIC,
  type HostileCase,
  RECOMPRESSED_TOPIC,
} from "../support/hostile/hostile_case.ts";
import { HOSTILE_CASES } from "../support/hostile/hostile_cases.ts";
import type { HostileOrder, HostileOutcome } from "../support/hostile/hostile_worker.ts";
import { type LoadConnection, requestFrame } from "../support/load/load_connection.ts";
import { describeMachine } from "../support/report/machine.ts";
import { peakResidentBytes, residentBytes } from "../support/brokers/process_usage.ts";
import { LoopProbe } from "../support/brokers/loop_probe.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";
import { ServedBroker } from "../support/brokers/served_broker.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";

const MB = 1e6;
/** The longest acceptable turn of the loop. */
const TURN_AIM_MS = 50;
const PING_EVERY_MS = 2;
/** Additional memory of the one batch that may be decompressed and compressed again at a time. */
const BATCH_MB = 3 * 100 * 1024 * 1024 / MB;
const HELD = [
  "queued.max.request.bytes",
  "queued.max.response.bytes",
  "batch.cache.bytes",
] as const;

const { flags } = parseFlags({
  only: "",
  minutes: undefined,
  json: false,
});

printReport(
  {
    title: "Requests that ask as much as they may",
    settings: { ...describeMachine(), cases: String(HOSTILE_CASES.length) },
    rows: await measure(),
  },
  flags.json,
);

async function measure(): Promise<Row[]> {
  await using folder = await temporaryFolder();
  const probe = LoopProbe.prepare();
  await using broker = ServedBroker.start({
    command: probe.command,
    data: folder.join("data"),
    core: navigator.hardwareConcurrency > 1 ? 0 : undefined,
  });
  using neighbour = await broker.connect();
  await prepare(neighbour);
  const idleMb = (residentBytes(broker.pid) ?? NaN) / MB;
  await probe.longestTurn();
  const endMs = performance.now() + Number(flags.minutes ?? 0) * 60_000;
  const rows = new Map<string, Row>();
  let rounds = 0;
  do {
    for (const [index, hostile] of HOSTILE_CASES.entries()) {
      if (!hostile.name.includes(flags.only)) continue;
      const row = await measureCase(broker, neighbour, probe, index, hostile);
      const before = rows.get(row.name)?.results.dqueue?.runs ?? [];
      const runs = [...before, ...row.results.dqueue!.runs];
      rows.set(row.name, { ...row, results: { dqueue: measured(runs) } });
    }
    rounds++;
  } while (performance.now() < endMs);
  const peakMb = (peakResidentBytes(broker.pid) ?? NaN) / MB;
  const allowedMb = HELD.reduce((sum, name) => sum + SETTINGS[name].default, 0) / MB;
  return [...rows.values(), {
    name: "peak memory over all cases",
    unit: "MB",
    better: "lower",
    // Twice the allowed memory: V8 keeps about as much garbage and freed pages as live memory.
    aim: Math.round(idleMb + 2 * allowedMb + BATCH_MB),
    results: { dqueue: measured([peakMb]) },
    notes: {
      dqueue: `${idleMb.toFixed(0)} MB before, ${
        ((residentBytes(broker.pid) ?? NaN) / MB).toFixed(0)
      } MB after, ${rounds} rounds`,
    },
  }];
}

async function prepare(connection: LoadConnection): Promise<void> {
  await connection.request(createTopics, 5, {
    topics: [{
      name: HOSTILE_TOPIC,
      numPartitions: HOSTILE_PARTITIONS,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    }, {
      name: RECOMPRESSED_TOPIC,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [{ name: "compression.type", value: "snappy" }],
    }],
    timeoutMs: 120_000,
  });
  await connection.request(findCoordinator, 4, { keyType: 0, coordinatorKeys: [HOSTILE_GROUP] });
  await connection.request(offsetCommit, 8, {
    groupId: HOSTILE_GROUP,
    generationIdOrMemberEpoch: -1,
    memberId: "",
    topics: [{
      name: HOSTILE_TOPIC,
      partitions: Array.from({ length: HOSTILE_PARTITIONS }, (_, partitionIndex) => ({
        partitionIndex,
        committedOffset: 1,
        committedMetadata: "",
      })),
    }],
  });
}

async function measureCase(
  broker: ServedBroker,
  neighbour: LoadConnection,
  probe: LoopProbe,
  index: number,
  { name }: HostileCase,
): Promise<Row> {
  const ping = requestFrame(apiVersions, 3, {
    clientSoftwareName: "bench",
    clientSoftwareVersion: "1",
  });
  const client = new Worker(new URL("../support/hostile/hostile_worker.ts", import.meta.url), {
    type: "module",
  });
  let outcome: HostileOutcome | undefined;
  const over = new Promise<void>((resolve, reject) => {
    client.onmessage = ({ data }: MessageEvent<HostileOutcome>) => {
      outcome = data;
      resolve();
    };
    client.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
  });
  const order: HostileOrder = { address: broker.address, index };
  client.postMessage(order);
  let longestMs = 0;
  over.catch(() => {});
  while (outcome === undefined) {
    const sentMs = performance.now();
    await neighbour.send(ping);
    await neighbour.receive();
    longestMs = Math.max(longestMs, performance.now() - sentMs);
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, PING_EVERY_MS))]);
  }
  client.terminate();
  const turn = await probe.longestTurn();
  const { answers, bytes, isClosed, seconds } = outcome;
  const note = [
    `longest turn ${turn.ms.toFixed(0)} ms with ${turn.cpuMs.toFixed(0)} ms of processor time`,
    `${answers} answers, ${(bytes / MB).toFixed(1)} MB${isClosed ? ", connection closed" : ""}`,
    `${seconds.toFixed(1)} s`,
    `${((residentBytes(broker.pid) ?? NaN) / MB).toFixed(0)} MB resident`,
  ].join("; ");
  progress(`${name}: neighbour waits ${longestMs.toFixed(0)} ms at most; ${note}`);
  return {
    name: `longest wait of a neighbour, ${name}`,
    unit: "ms",
    better: "lower",
    aim: TURN_AIM_MS,
    isKey: false,
    results: { dqueue: measured([longestMs]) },
    notes: { dqueue: note },
  };
}
