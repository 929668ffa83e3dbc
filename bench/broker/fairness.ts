/**
 * Measures how long a client waits while its neighbours each send thousands of pipelined requests.
 *
 *     deno run -A bench/broker/fairness.ts [--connections 50] [--requests 3000] [--runs 3] [--json]
 *
 * The client sends one small request after the other, each of them timed, until all requests of the
 * neighbours are answered. A broker that handles everything in a socket first would make it wait for all.
 *
 * @module
 */

import { apiVersions } from "../../protocol/messages/cluster/api_versions.ts";
import { listOffsets } from "../../protocol/messages/records/list_offsets.ts";
import { metadata } from "../../protocol/messages/topics/metadata.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { parseFlags } from "../support/flags.ts";
import type { Flood, FloodNews } from "../support/hostile/flood_worker.ts";
import { Histogram } from "../../cli/commands/bench/histogram.ts";
import { formatMs } from "../support/report/format_ms.ts";
import { LoadConnection, requestFrame } from "../support/load/load_connection.ts";
import { describeMachine } from "../support/report/machine.ts";
import { cpuSeconds } from "../support/brokers/process_usage.ts";
import { measured, median, printReport, progress, type Row } from "../support/report/report.ts";
import { sampleBatch } from "../support/load/record_batches.ts";
import { ServedBroker } from "../support/brokers/served_broker.ts";
import { LoadTopic, PRODUCE_VERSION, TIMEOUT_MS } from "../support/load/target.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";

/** The longest acceptable wait. */
const AIM_MS = 100;
const PARTITIONS = 10;
const ALONE_MS = 1000;
const OWN_REQUEST = requestFrame(apiVersions, 3, {
  clientSoftwareName: "bench",
  clientSoftwareVersion: "1",
});

const { flags } = parseFlags({
  connections: "50",
  requests: "3000",
  runs: "3",
  json: false,
});
const connections = Number(flags.connections);
const requests = Number(flags.requests);

printReport(
  {
    title: "One client among many that pipeline requests",
    settings: {
      ...describeMachine(),
      neighbours: `${connections} connections, ${requests.toLocaleString("en-US")} requests each`,
      runs: `${flags.runs}, medians`,
    },
    rows: await measure(),
  },
  flags.json,
);

async function measure(): Promise<Row[]> {
  await using folder = await temporaryFolder();
  await using broker = ServedBroker.start({
    data: folder.join("data"),
    core: navigator.hardwareConcurrency > 1 ? 0 : undefined,
  });
  (await broker.connect()).close();
  await using topic = await LoadTopic.create(
    { name: "dqueue", address: broker.address, pids: [broker.pid] },
    { partitions: PARTITIONS, flush: "default", maxMessageBytes: 1_048_588 },
  );
  const { name } = topic;
  const indexes = Array.from({ length: PARTITIONS }, (_, index) => index);
  const records = sampleBatch({ size: 100, count: 1 });
  const kinds = {
    ApiVersions: requestFrame(apiVersions, 3, {
      clientSoftwareName: "bench",
      clientSoftwareVersion: "1",
    }),
    [`Metadata of ${PARTITIONS} partitions`]: requestFrame(metadata, 12, {
      topics: [{ name }],
      allowAutoTopicCreation: false,
    }),
    [`ListOffsets of ${PARTITIONS} partitions`]: requestFrame(listOffsets, 7, {
      replicaId: -1,
      isolationLevel: 0,
      topics: [{
        name,
        partitions: indexes.map((partitionIndex) => ({ partitionIndex, timestamp: -1 })),
      }],
    }),
    "Produce of 100 B": requestFrame(produce, PRODUCE_VERSION, {
      acks: 1,
      timeoutMs: TIMEOUT_MS,
      topicData: [{ name, partitionData: [{ index: 0, records }] }],
    }),
  };
  const rows: Row[] = [await measureBeside(broker, undefined, new Uint8Array(0))];
  for (const [kind, frame] of Object.entries(kinds)) {
    rows.push(await measureBeside(broker, kind, frame));
  }
  return rows;
}

/** Waits without neighbours show how much of a wait is due to the machine. */
async function measureBeside(
  broker: ServedBroker,
  kind: string | undefined,
  frame: Uint8Array,
): Promise<Row> {
  const most: number[] = [];
  const notes: string[] = [];
  for (let run = 0; run < Number(flags.runs); run++) {
    const waits = new Histogram();
    const startedMs = performance.now();
    const cpuBefore = cpuSeconds(broker.pid) ?? NaN;
    await (kind === undefined
      ? alone(broker.address, waits)
      : amongNeighbours(broker.address, frame, waits));
    most.push(waits.maxMs);
    const seconds = (performance.now() - startedMs) / 1000;
    const cpu = (cpuSeconds(broker.pid) ?? NaN) - cpuBefore;
    const parts = [["p50", 0.5], ["p99", 0.99]] as const;
    notes.push([
      ...parts.map(([name, part]) => `${name} ${formatMs(waits.percentileMs(100 * part))}`),
      ...(kind === undefined ? [] : [
        `all answered in ${seconds.toFixed(1)} s`,
        `${(cpu * 1e6 / (connections * requests)).toFixed(1)} µs of the broker each`,
      ]),
    ].join(", "));
    progress(`${kind ?? "alone"}: at most ${waits.maxMs.toFixed(1)} ms, ${notes.at(-1)}`);
  }
  const distances = most.map((ms) => Math.abs(ms - median(most)));
  return {
    name: kind === undefined
      ? "longest wait of one connection, alone"
      : `longest wait with ${connections} connections with ${requests} requests each, ${kind}`,
    unit: "ms",
    better: "lower",
    ...(kind === undefined ? {} : { aim: AIM_MS }),
    isKey: kind?.startsWith("Produce") ?? false,
    results: { dqueue: measured(most) },
    notes: { dqueue: notes[distances.indexOf(Math.min(...distances))]! },
  };
}

async function ask(client: LoadConnection, waits: Histogram): Promise<void> {
  const sentMs = performance.now();
  await client.send(OWN_REQUEST);
  await client.receive();
  waits.record(performance.now() - sentMs);
}

/** Sends one request after the other, without neighbours. */
async function alone(address: string, waits: Histogram): Promise<void> {
  using client = await LoadConnection.connect(address);
  const endMs = performance.now() + ALONE_MS;
  while (performance.now() < endMs) await ask(client, waits);
}

/** Sends one request after the other while the neighbours' requests are answered. */
async function amongNeighbours(
  address: string,
  frame: Uint8Array,
  waits: Histogram,
): Promise<void> {
  const neighbours = new Worker(new URL("../support/hostile/flood_worker.ts", import.meta.url), {
    type: "module",
  });
  const client = await LoadConnection.connect(address);
  try {
    const all = new Uint8Array(frame.length * requests);
    for (let i = 0; i < requests; i++) all.set(frame, i * frame.length);
    const flood: Flood = { address, connections, requests: all, count: requests };
    const connected = Promise.withResolvers<void>();
    let isOver = false;
    neighbours.onmessage = ({ data }: MessageEvent<FloodNews>) => {
      if (data === "connected") connected.resolve();
      else isOver = true;
    };
    neighbours.onerror = (event) => {
      event.preventDefault();
      connected.reject(new Error(event.message));
    };
    neighbours.postMessage(flood);
    await connected.promise;
    while (!isOver) await ask(client, waits);
  } finally {
    client.close();
    neighbours.terminate();
  }
}
