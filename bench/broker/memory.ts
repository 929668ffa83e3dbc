/**
 * Measures the peak memory of a broker with many slow clients.
 *
 *     deno run -A bench/broker/memory.ts [--connections 5000] [--fetchers 64] [--json]
 *
 * Each situation has its own broker; what counts is the peak memory of its process. The aim is its memory
 * with the connections open and idle, plus twice what its settings allow for requests, answers and the
 * newest batches, because the garbage collector may leave as much.
 *
 * @module
 */

import { fetch } from "../../protocol/messages/records/fetch.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { SETTINGS } from "../../broker/settings/settings.ts";
import { parseFlags } from "../support/flags.ts";
import { decodeResponse, LoadConnection, requestFrame } from "../support/load/load_connection.ts";
import { describeMachine } from "../support/report/machine.ts";
import { peakResidentBytes, residentBytes } from "../support/brokers/process_usage.ts";
import { sampleBatch } from "../support/load/record_batches.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";
import { ServedBroker } from "../support/brokers/served_broker.ts";
import { type Pace, SlowClient } from "../support/hostile/slow_clients.ts";
import {
  expectNone,
  FETCH_VERSION,
  LoadTopic,
  PRODUCE_VERSION,
  type Target,
  TIMEOUT_MS,
} from "../support/load/target.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";

const MB = 1e6;
const REQUEST_BYTES = 1_000_000;
const ANSWER_BYTES = 50_000_000;
/** Bytes written after the fetched records, so that these are only in files. */
const UNREAD_BYTES = 128 * MB;
const FETCHED_PARTITIONS = 8;
const SENDING: Pace = { pieceBytes: 128 * 1024, pauseMs: 20 };
const TAKING: Pace = { pieceBytes: 256 * 1024, pauseMs: 10 };
/** Time for a broker to settle before its memory is read. */
const SETTLE_MS = 1000;
/** The most that a frame adds to the size of its batch. */
const FRAME_BYTES = 1000;

const { flags } = parseFlags({
  connections: "5000",
  fetchers: "64",
  json: false,
});

const connectionCount = Number(flags.connections);
const fetcherCount = Number(flags.fetchers);
const held = [
  "queued.max.request.bytes",
  "queued.max.response.bytes",
  "batch.cache.bytes",
] as const;
printReport(
  {
    title: "Memory with slow clients",
    settings: {
      ...describeMachine(),
      ...Object.fromEntries(held.map((name) => [name, String(SETTINGS[name].default)])),
    },
    rows: [
      await measure(
        `${connectionCount.toLocaleString("en-US")} connections each send a request of 1 MB slowly`,
        prepareProducers,
      ),
      await measure(`${fetcherCount} connections each fetch 50 MB slowly`, prepareFetchers),
    ],
  },
  flags.json,
);

/** Opens connections, and returns the function that uses them. */
type Prepare = (target: Target) => Promise<() => Promise<void>>;

async function measure(name: string, prepare: Prepare): Promise<Row> {
  progress(name);
  await using folder = await temporaryFolder();
  await using broker = ServedBroker.start({ data: folder.join("data") });
  (await broker.connect()).close();
  const use = await prepare({ name: "dqueue", address: broker.address, pids: [broker.pid] });
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const idleMb = (residentBytes(broker.pid) ?? NaN) / MB;
  const startedMs = performance.now();
  await use();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const peakMb = (peakResidentBytes(broker.pid) ?? NaN) / MB;
  const allowedMb = held.reduce((sum, name) => sum + SETTINGS[name].default, 0) / MB;
  return {
    name: `peak memory while ${name}`,
    unit: "MB",
    better: "lower",
    aim: Math.round(idleMb + 2 * allowedMb),
    results: { dqueue: measured([peakMb]) },
    notes: { dqueue: `${idleMb.toFixed(0)} MB before, ${seconds} s in all` },
  };
}

async function prepareProducers(target: Target): Promise<() => Promise<void>> {
  const records = sampleBatch({ size: REQUEST_BYTES - FRAME_BYTES, count: 1 });
  const topic = await LoadTopic.create(target, {
    partitions: 1,
    flush: "os",
    maxMessageBytes: REQUEST_BYTES,
  });
  const frame = requestFrame(produce, PRODUCE_VERSION, {
    acks: 1,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name: topic.name, partitionData: [{ index: 0, records }] }],
  });
  const clients = await SlowClient.connectMany(target.address, connectionCount);
  return async () => {
    await Promise.all(clients.map(async (client) => {
      await client.send(frame, SENDING);
      const { head } = await client.receive(SENDING);
      const { responses } = decodeResponse(produce, PRODUCE_VERSION, head);
      expectNone(responses[0]!.partitionResponses[0]!.errorCode, "produce");
      client.close();
    }));
    await topic[Symbol.asyncDispose]();
  };
}

async function prepareFetchers(target: Target): Promise<() => Promise<void>> {
  const records = sampleBatch({ size: 1000, count: 500 });
  const topic = await LoadTopic.create(target, {
    partitions: FETCHED_PARTITIONS,
    flush: "os",
    maxMessageBytes: 1 << 20,
  });
  const each = Math.ceil((ANSWER_BYTES + UNREAD_BYTES / FETCHED_PARTITIONS) / records.length);
  using connection = await LoadConnection.connect(target.address);
  for (let index = 0; index < FETCHED_PARTITIONS; index++) {
    for (let i = 0; i < each; i++) {
      const { responses } = await connection.request(produce, PRODUCE_VERSION, {
        acks: 1,
        timeoutMs: TIMEOUT_MS,
        topicData: [{ name: topic.name, partitionData: [{ index, records }] }],
      });
      expectNone(responses[0]!.partitionResponses[0]!.errorCode, "produce");
    }
  }
  const clients = await SlowClient.connectMany(target.address, fetcherCount);
  return async () => {
    const sizes = await Promise.all(clients.map(async (client, i) => {
      await client.send(fetchFrame(topic.name, i % FETCHED_PARTITIONS), SENDING);
      const { size } = await client.receive(TAKING);
      client.close();
      return size;
    }));
    progress(`answers of ${Math.min(...sizes)} to ${Math.max(...sizes)} bytes`);
    await topic[Symbol.asyncDispose]();
  };
}

function fetchFrame(topic: string, partition: number): Uint8Array {
  return requestFrame(fetch, FETCH_VERSION, {
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: ANSWER_BYTES,
    topics: [{
      topic,
      partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: ANSWER_BYTES }],
    }],
  });
}
