/**
 * Measures what the brokers of a cluster say to each other: while nobody uses it, and beside the traffic
 * of a client that writes and reads at full speed. Three brokers in this process keep their metadata in
 * etcd, which comes from the path; nothing is replicated.
 *
 *     deno run -A bench/cluster/traffic.ts [--seconds 5] [--runs 3] [--json]
 *
 * Bytes are those of requests and responses on connections between brokers, in both directions.
 *
 * @module
 */

import { EtcdMetadataStore } from "../../broker/metadata/etcd/mod.ts";
import { Broker, silentLogger } from "../../broker/mod.ts";
import { parseEtcdAddress } from "../../broker/settings/etcd_address.ts";
import { systemClock } from "../../broker/time/clock.ts";
import { Client } from "../../client/mod.ts";
import { MemoryFileSystem } from "../../storage/mod.ts";
import { EtcdCluster } from "../../tests/support/etcd_cluster.ts";
import { CountedNetwork } from "../support/brokers/counted_network.ts";
import { parseFlags } from "../support/flags.ts";
import { describeMachine } from "../support/report/machine.ts";
import { measured, printReport, progress, type Row } from "../support/report/report.ts";

const { flags } = parseFlags({ seconds: "5", runs: "3", json: false });
const seconds = Number(flags.seconds);
const runs = Number(flags.runs);
const BROKERS = 3;
const PARTITIONS = 12;
const VALUE = new Uint8Array(1000);
const BATCH = 600;
const TOPIC = "load";

const network = new CountedNetwork();
const idle: number[] = [];
const shares: number[] = [];
const loads: number[] = [];
{
  await using etcd = await EtcdCluster.start({ path: "etcd" });
  await using brokers = new AsyncDisposableStack();
  const addresses: string[] = [];
  const metadata = `etcd://${new URL(etcd.endpoints[0]!).host}/bench`;
  for (let id = 1; id <= BROKERS; id++) {
    const broker = brokers.use(await start(id, metadata));
    const [{ host, port }] = broker.addresses as [{ host: string; port: number }];
    addresses.push(`${host}:${port}`);
  }
  await using client = new Client({ brokers: addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
  for (let run = 0; run < runs; run++) {
    progress(`idle, run ${run + 1}`);
    const before = network.bytes;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    idle.push((network.bytes - before) / seconds);
    progress(`loaded, run ${run + 1}`);
    const start = network.bytes;
    const bytes = await load(client, seconds * 1000);
    shares.push((network.bytes - start) / bytes * 100);
    loads.push(bytes / seconds / 1e6);
  }
}
printReport(
  {
    title: "Traffic between brokers",
    settings: {
      ...describeMachine(),
      brokers: `${BROKERS}, in one process, in memory, with etcd`,
      runs: `${runs} of ${seconds} s`,
    },
    rows: [
      row("between the brokers of an idle cluster", "B/s", idle),
      {
        ...row("between brokers, of what a client writes and reads at full speed", "%", shares, 1),
        notes: { dqueue: `of ${measured(loads).median.toFixed(0)} MB/s` },
      },
    ],
  },
  flags.json,
);

function start(id: number, metadata: string): Promise<Broker> {
  return Broker.start({
    fileSystem: new MemoryFileSystem(),
    listen: "127.0.0.1:0",
    config: { "node.id": id, "log.dirs": "/data", "log.retention.bytes": 64 << 20, metadata },
    logger: silentLogger,
    surroundings: {
      network,
      openStore: (seen) =>
        EtcdMetadataStore.open({
          address: parseEtcdAddress(metadata),
          credentials: undefined,
          tls: { caCerts: undefined, cert: undefined, key: undefined },
          clock: systemClock,
          logger: silentLogger,
          seen,
        }),
    },
  });
}

/** Writes, and reads what was written; returns the bytes of all values in both directions. */
async function load(client: Client, durationMs: number): Promise<number> {
  const endMs = performance.now() + durationMs;
  await using producer = client.producer();
  await using consumer = client.consumer({ autoOffsetReset: "latest" });
  await consumer.subscribe(TOPIC);
  let bytes = 0;
  const reading = (async () => {
    while (performance.now() < endMs) {
      const messages = await consumer.poll(10_000, { timeoutMs: 100 });
      bytes += messages.length * VALUE.length;
    }
  })();
  while (performance.now() < endMs) {
    const batch = Array.from({ length: BATCH }, (_, i) => ({
      topic: TOPIC,
      partition: i % PARTITIONS,
      value: VALUE,
    }));
    await producer.sendBatch(batch);
    bytes += BATCH * VALUE.length;
  }
  await reading;
  return bytes;
}

function row(name: string, unit: string, results: readonly number[], aim?: number): Row {
  return {
    name,
    unit,
    better: "lower",
    ...(aim === undefined ? {} : { aim }),
    results: { dqueue: measured(results) },
  };
}
