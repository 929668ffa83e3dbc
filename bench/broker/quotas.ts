/**
 * Measures how exactly clients keep to a quota of a megabyte per second, and whether a neighbour without
 * one is slowed.
 *
 *     deno run -A bench/broker/quotas.ts [--seconds 20] [--kafka-home ~/kafka] [--json]
 *
 * librdkafka takes part if Python has confluent_kafka, Apache Kafka's client if its jars are given.
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { alterClientQuotas } from "../../protocol/messages/security/alter_client_quotas.ts";
import { produce } from "../../protocol/messages/records/produce.ts";
import { ServedBroker } from "../support/brokers/served_broker.ts";
import { temporaryFolder } from "../support/brokers/temporary_folder.ts";
import { parseFlags } from "../support/flags.ts";
import { sampleBatch } from "../support/load/record_batches.ts";
import { LoadConnection } from "../support/load/load_connection.ts";
import { createTopics, PRODUCE_VERSION, TIMEOUT_MS } from "../support/load/target.ts";
import { describeMachine } from "../support/report/machine.ts";
import { measured, median, printReport, progress, type Row } from "../support/report/report.ts";

const RATE = 1_000_000;
const RDKAFKA = fromFileUrl(new URL("../support/clients/rdkafka_rate.py", import.meta.url));
const DQUEUE = fromFileUrl(new URL("../support/clients/dqueue_rate.ts", import.meta.url));
/** Requests of the neighbour, one after the other. */
const NEIGHBOUR_PAUSE_MS = 5;

const { flags } = parseFlags({ seconds: "20", "kafka-home": undefined, json: false });
const seconds = Number(flags.seconds);

type Work = "produce" | "consume";

/** Runs a client, and returns what it prints. */
async function run(command: string, args: readonly string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(command, {
    args: [...args],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`${command} failed`);
  return new TextDecoder().decode(stdout);
}

async function pythonWithRdkafka(): Promise<string | undefined> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const args = ["-c", "import confluent_kafka"];
    const options = { args, stdout: "null", stderr: "null" } as const;
    const found = await new Deno.Command(python, options).output().catch(() => undefined);
    if (found?.success) return python;
  }
  return undefined;
}

/** Bytes per second of a client, for each that is installed. */
async function clientsOf(): Promise<Map<string, (work: Work, address: string) => Promise<number>>> {
  const clients = new Map<string, (work: Work, address: string) => Promise<number>>();
  clients.set("SDK", async (work, address) => {
    const args = ["run", "-A", "--quiet", DQUEUE, work, address, "limited", String(seconds)];
    return Number(await run(Deno.execPath(), args));
  });
  const python = await pythonWithRdkafka();
  if (python !== undefined) {
    clients.set("librdkafka", async (work, address) => {
      return Number(await run(python, [RDKAFKA, work, address, "limited", String(seconds)]));
    });
  }
  const home = flags["kafka-home"];
  if (home !== undefined) {
    clients.set("Apache Kafka's client", async (work, address) => {
      const bytes = RATE * (seconds + 10);
      const records = String(bytes / 10_000);
      const java = [
        "-Xmx256m",
        "-cp",
        `${home}/lib/*:${home}/libs/*`,
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
      ];
      const output = work === "produce"
        ? await run("java", [
          ...java,
          "org.apache.kafka.tools.ProducerPerformance",
          ...["--topic", "limited", "--num-records", records, "--record-size", "10000"],
          ...["--throughput", "-1", "--producer-props", `bootstrap.servers=${address}`],
          ...["client.id=limited", "batch.size=1000000", "linger.ms=50"],
        ])
        : await run("java", [
          ...java,
          "org.apache.kafka.tools.ConsumerPerformance",
          ...["--bootstrap-server", address, "--topic", "limited", "--num-records", records],
          ...["--command-property", "client.id=limited", "--hide-header", "--timeout", "60000"],
        ]);
      // Megabytes there are those of 2^20 bytes. The first seconds are the start of Java.
      const windows = [
        ...output.matchAll(
          /\(([\d.]+) MB\/sec\), [\d.]+ ms avg latency, [\d.]+ ms max latency\.$/gm,
        ),
      ];
      const megabytes = work === "produce"
        ? median(windows.slice(1).map((window) => Number(window[1])))
        : output.trim().split("\n").at(-1)!.split(",")[8];
      return Number(megabytes) * 2 ** 20;
    });
  }
  return clients;
}

async function append(
  connection: LoadConnection,
  name: string,
  records: Uint8Array,
): Promise<void> {
  await connection.request(produce, PRODUCE_VERSION, {
    acks: 1,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name, partitionData: [{ index: 0, records }] }],
  });
}

/** Median and 99th percentile of the neighbour's Produce requests, until `until` settles. */
async function neighbour(server: ServedBroker, until: Promise<unknown>): Promise<number[]> {
  using connection = await LoadConnection.connect(server.address);
  const batch = sampleBatch({ size: 1000, count: 1 });
  const times: number[] = [];
  let isOver = false;
  until.finally(() => isOver = true).catch(() => {});
  while (!isOver) {
    const beganMs = performance.now();
    await append(connection, "neighbour", batch);
    times.push(performance.now() - beganMs);
    await new Promise((resolve) => setTimeout(resolve, NEIGHBOUR_PAUSE_MS));
  }
  return times;
}

function p99(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)]!;
}

async function measure(): Promise<Row[]> {
  await using folder = await temporaryFolder();
  await using server = ServedBroker.start({ data: folder.join("data") });
  using admin = await server.connect();
  await createTopics(admin, ["limited", "neighbour"], 1);
  // What is consumed.
  const batch = sampleBatch({ size: 10_000, count: 100 });
  for (let sent = 0; sent < 2 * RATE * seconds; sent += batch.length) {
    await append(admin, "limited", batch);
  }
  const { entries } = await admin.request(alterClientQuotas, 1, {
    entries: [{
      entity: [{ entityType: "client-id", entityName: "limited" }],
      ops: ["producer_byte_rate", "consumer_byte_rate"]
        .map((key) => ({ key, value: RATE, remove: false })),
    }],
    validateOnly: false,
  });
  if (entries[0]!.errorCode !== 0) throw new Error("Cannot set the quota");
  const quiet = await neighbour(server, new Promise((resolve) => setTimeout(resolve, 5000)));
  const rows: Row[] = [];
  const latencies: Record<string, number[]> = { "alone": quiet };
  for (const work of ["produce", "consume"] as const) {
    const results: Record<string, ReturnType<typeof measured>> = {};
    for (const [name, client] of await clientsOf()) {
      progress(`${name}, ${work}`);
      const rate = client(work, server.address);
      latencies[`beside ${name}, ${work}`] = await neighbour(server, rate);
      results[name] = measured([await rate / RATE]);
    }
    rows.push({ name: `${work}, limit 1 MB/s`, unit: "MB/s", better: "higher", results });
  }
  for (const [statistic, of] of [["median", median], ["p99", p99]] as const) {
    rows.push({
      name: `neighbour's Produce, ${statistic}`,
      unit: "ms",
      better: "lower",
      results: Object.fromEntries(
        Object.entries(latencies).map(([name, times]) => [name, measured([of(times)])]),
      ),
    });
  }
  return rows;
}

printReport(
  {
    title: "Quotas",
    isSeries: true,
    settings: { ...describeMachine(), seconds: String(seconds) },
    rows: await measure(),
  },
  flags.json,
);
