/**
 * Metrics of the broker and its process.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { apiName } from "../../../protocol/api_name.ts";
import type { BrokerParts } from "../../broker.ts";
import { STATE_NAMES } from "../../transactions/model/mod.ts";
import type { HttpCounters } from "../http_counters.ts";
import type { ShownCertificate } from "../../network/tls/secure_listener.ts";
import { labelsOf } from "./exposition.ts";
import { METRICS } from "./metric_names.ts";
import type { MetricSink } from "./metric_sink.ts";
import type { PartitionCounts } from "./topic_metrics.ts";

/** Most names of software of clients, which they choose themselves. */
const MAX_SOFTWARE = 20;

/** Names of errors by code. */
const ERROR_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);

/** Adds the counters of requests. */
export function addRequests(out: MetricSink, { context: { counters } }: BrokerParts): void {
  for (const [key, { requests, errors, duration }] of counters.apis()) {
    const api = labelsOf({ api: apiName(key) ?? key });
    out.add(METRICS.requests, api, requests);
    for (const [code, count] of errors) {
      const error = labelsOf({ error: ERROR_NAMES.get(code) ?? code });
      out.add(METRICS.requestErrors, `${api},${error}`, count);
    }
    if (duration.count > 0) out.addHistogram(METRICS.requestDuration, api, duration);
  }
  for (const [acks, durations] of counters.acknowledged) {
    const labels = labelsOf({ acks: acks === -1 ? "all" : acks });
    if (durations.count > 0) out.addHistogram(METRICS.acknowledgedDuration, labels, durations);
  }
  out.addHistogram(METRICS.flushDuration, "", counters.flushes);
}

/** Adds the state of the broker. */
export function addBroker(
  out: MetricSink,
  { context, server, directory, startedMs, store }: BrokerParts,
  { version, certificates = () => [] }: {
    readonly version: string;
    readonly certificates?: () => readonly ShownCertificate[];
  },
): void {
  const { counters, config, requestMemory, responseMemory, cluster } = context;
  const { deno, v8 } = Deno.version;
  out.add(METRICS.buildInfo, labelsOf({ version, deno, v8 }), 1);
  out.add(METRICS.startTime, "", startedMs / 1000);
  out.add(METRICS.controllerActive, "", cluster.isController() ? 1 : 0);
  out.add(METRICS.fenced, "", cluster.isFenced ? 1 : 0);
  if (store.health !== undefined) {
    const { problems, databaseRatio } = store.health;
    out.add(METRICS.storeProblems, "", problems.length);
    if (databaseRatio !== undefined) out.add(METRICS.storeDatabaseRatio, "", databaseRatio);
  }
  if (cluster.isController()) {
    const { brokers } = cluster;
    out.add(METRICS.brokers, "", brokers.length);
    for (const { id, host, port } of brokers) {
      out.add(METRICS.brokerInfo, labelsOf({ id, address: `${host}:${port}` }), 1);
    }
  }
  const { connections } = counters;
  out.add(METRICS.connections, "", server.connectionCount);
  out.add(METRICS.connectionsOpened, "", connections.opened);
  out.add(METRICS.connectionsClosed, "", connections.closed);
  const refused = {
    max_connections: connections.refusedByLimit,
    descriptors: connections.refusedByShortage,
  };
  for (const [reason, count] of Object.entries(refused)) {
    out.add(METRICS.connectionsRefused, labelsOf({ reason }), count);
  }
  addCertificates(out, [...server.certificates, ...certificates()]);
  const { oldNonces, ...authentications } = counters.authentications;
  for (const [outcome, count] of Object.entries(authentications)) {
    out.add(METRICS.authentications, labelsOf({ outcome }), count);
  }
  out.add(METRICS.oldScramNonces, "", oldNonces);
  const budgets = {
    request: [requestMemory.acquired, requestMemory.limit],
    response: [responseMemory.acquired, responseMemory.limit],
    hot_tail: [directory.batchCacheSizeInBytes, config.get("batch.cache.bytes")],
  } as const;
  for (const [budget, [used, limit]] of Object.entries(budgets)) {
    const labels = labelsOf({ budget });
    out.add(METRICS.budgetUsed, labels, used);
    out.add(METRICS.budgetLimit, labels, limit);
  }
  out.add(METRICS.openFiles, "", directory.openFiles);
  out.add(METRICS.openFilesLimit, "", config.get("open.files.max"));
  out.add(METRICS.logDamage, "", counters.damages);
  out.add(METRICS.cacheHits, "", counters.cacheHits);
  out.add(METRICS.cacheMisses, "", counters.cacheMisses);
}

/** A listener may have several addresses and several certificates. */
function addCertificates(out: MetricSink, certificates: readonly ShownCertificate[]): void {
  const expiries = new Map<string, number>();
  const stale = new Map<string, boolean>();
  for (const { listener, name, notAfterMs, isStale } of certificates) {
    const labels = labelsOf({ listener, name });
    expiries.set(labels, Math.min(expiries.get(labels) ?? Infinity, notAfterMs));
    const ofListener = labelsOf({ listener });
    stale.set(ofListener, isStale || stale.get(ofListener) === true);
  }
  for (const [labels, ms] of expiries) out.add(METRICS.certificateExpiry, labels, ms / 1000);
  for (const [labels, isStale] of stale) out.add(METRICS.certificateStale, labels, isStale ? 1 : 0);
}

/** Adds what has happened to partitions, logs and groups. */
export function addEvents(
  out: MetricSink,
  { context: { counters: { partitionChanges, maintenance, groups } } }: BrokerParts,
): void {
  out.add(METRICS.isrShrinks, "", partitionChanges.isrShrinks);
  out.add(METRICS.isrExpands, "", partitionChanges.isrExpands);
  out.add(METRICS.elections, "", partitionChanges.elections);
  out.add(METRICS.uncleanElections, "", partitionChanges.uncleanElections);
  out.add(METRICS.retentionSegments, "", maintenance.deletedSegments);
  out.add(METRICS.retentionBytes, "", maintenance.deletedBytes);
  out.add(METRICS.compactions, "", maintenance.compactions);
  out.add(METRICS.compactionRead, "", maintenance.compactionBytesRead);
  out.add(METRICS.compactionWritten, "", maintenance.compactionBytesWritten);
  out.add(METRICS.groupRebalances, "", groups.rebalances);
  out.addHistogram(METRICS.groupRebalanceDuration, "", groups.rebalanceDurations);
}

/** Adds the transactions that this broker coordinates, and what has become of others. */
export function addTransactions(
  out: MetricSink,
  { context: { counters, transactions: coordinator, clock } }: BrokerParts,
): void {
  for (const [number, count] of coordinator.stateCounts.entries()) {
    if (count === 0) continue;
    out.add(METRICS.transactions, labelsOf({ state: STATE_NAMES[number]! }), count);
  }
  const nowMs = clock.now();
  const openMs = Math.max(0, nowMs - (coordinator.oldestStartMs ?? nowMs));
  out.add(METRICS.transactionOldestSeconds, "", openMs / 1000);
  out.add(METRICS.transactionMarkersWaiting, "", coordinator.waitingMarkerCount);
  out.add(METRICS.transactionMarkersRefused, "", coordinator.refusedMarkerCount);
  const { commits, aborts, timeouts, fences, expirations, markersWritten, loads } =
    counters.transactions;
  for (const [result, count] of Object.entries({ committed: commits, aborted: aborts })) {
    out.add(METRICS.transactionsEnded, labelsOf({ result }), count);
  }
  out.add(METRICS.transactionTimeouts, "", timeouts);
  out.add(METRICS.transactionFences, "", fences);
  out.add(METRICS.transactionExpirations, "", expirations);
  out.add(METRICS.transactionMarkers, "", markersWritten);
  out.addHistogram(METRICS.transactionLoadDuration, "", loads);
}

/** Adds what clients push about themselves, over all of them. */
export function* addClientMetrics(
  out: MetricSink,
  { context: { telemetry, clock } }: BrokerParts,
): Generator<void, void> {
  const nowMs = clock.monotonic();
  for (const [result, count] of Object.entries(telemetry.pushes)) {
    out.add(METRICS.telemetryPushes, labelsOf({ result }), count);
  }
  out.add(METRICS.telemetryDropped, "", telemetry.dropped);
  const bySoftware = new Map<string, number>();
  for (const { software: { name } } of telemetry.clients(nowMs)) {
    bySoftware.set(name, (bySoftware.get(name) ?? 0) + 1);
  }
  for (const [software, count] of [...bySoftware].slice(0, MAX_SOFTWARE)) {
    out.add(METRICS.telemetryClients, labelsOf({ software }), count);
  }
  for (const { name, total, gauge } of telemetry.metrics(nowMs)) {
    const metric = labelsOf({ metric: name });
    if (total !== undefined) out.add(METRICS.clientMetric, metric, total);
    if (gauge !== undefined) {
      out.add(METRICS.clientMetricMax, metric, gauge.max);
      out.add(METRICS.clientMetricMean, metric, gauge.mean);
    }
    yield;
  }
}

/**
 * Adds the memory and time of the process, and the space on its disk where it is known.
 *
 * @param isShared Whether another broker has what is the same for all of the process.
 */
export function addProcess(
  out: MetricSink,
  { context: { disk: { space } }, directory: { path } }: BrokerParts,
  isShared = false,
): void {
  const { rss, heapUsed, external } = Deno.memoryUsage();
  if (!isShared) out.add(METRICS.resident, "", rss);
  out.add(METRICS.heapUsed, "", heapUsed);
  out.add(METRICS.external, "", external);
  if (!isShared) {
    const { user, system } = globalThis.process.cpuUsage();
    out.add(METRICS.cpu, "", (user + system) / 1e6);
  }
  // Their folders are below that of the first one.
  if (space === undefined || isShared) return;
  const dir = labelsOf({ dir: path });
  out.add(METRICS.diskFree, dir, space.freeBytes);
  out.add(METRICS.diskTotal, dir, space.totalBytes);
}

/** Adds how many partitions are in which state. */
export function addPartitionCounts(
  out: MetricSink,
  { context: { cluster } }: BrokerParts,
  counts: PartitionCounts,
): void {
  for (const state of ["leader", "follower", "offline"] as const) {
    out.add(METRICS.partitions, labelsOf({ state }), counts[state]);
  }
  out.add(METRICS.underReplicatedCount, "", counts.underReplicated);
  out.add(METRICS.underMinIsrCount, "", counts.underMinIsr);
  out.add(METRICS.lateTransactionsCount, "", counts.withLateTransactions);
  if (!cluster.isController()) return;
  out.add(METRICS.leaderlessCount, "", counts.leaderless);
  out.add(METRICS.reassigningCount, "", counts.reassigning);
}

/** Adds the requests to the HTTP port. */
export function addHttp(out: MetricSink, counters: HttpCounters): void {
  for (const { route, method, status, count } of counters.requests()) {
    out.add(METRICS.httpRequests, labelsOf({ route, method, code: status }), count);
  }
  for (const [route, durations] of counters.durations) {
    out.addHistogram(METRICS.httpDuration, labelsOf({ route }), durations);
  }
  const { streams } = counters;
  out.add(METRICS.httpConsumers, "", counters.consumers);
  for (const [kind, count] of Object.entries(streams.readers)) {
    out.add(METRICS.streamReaders, labelsOf({ kind }), count);
  }
  out.add(METRICS.streamRecords, "", streams.records);
  out.add(METRICS.streamScanned, "", streams.scanned);
  out.add(METRICS.streamProduced, "", streams.produced);
  for (const [reason, count] of Object.entries(streams.gaps)) {
    out.add(METRICS.streamGaps, labelsOf({ reason }), count);
  }
  for (const [reason, count] of Object.entries(streams.closed)) {
    out.add(METRICS.streamClosed, labelsOf({ reason }), count);
  }
  out.add(METRICS.streamRings, "", streams.ringBytes);
}
