/**
 * Every metric of `GET /metrics`.
 *
 * Those that begin with `kafka_` have the names and labels of kafka_exporter, so that its dashboards
 * work. Partitions are reported by their leaders, groups by their coordinators, and what is the same
 * on every broker by the controller: sums over all brokers are right.
 *
 * @module
 */

import { counter, gauge, histogram, type Metric, untyped } from "./metric.ts";

const partition = (name: string, help: string) => gauge(`kafka_topic_partition_${name}`, help);

/** The metrics, by what they are called here. */
export const METRICS = {
  buildInfo: gauge("dqueue_build_info", "Versions of the program and its runtime; always 1"),
  startTime: gauge("dqueue_start_time_seconds", "When the broker began to serve, since 1970"),
  ready: gauge("dqueue_ready", "Whether GET /readyz answers 200: 1 or 0"),
  controllerActive: gauge("dqueue_controller_active", "Whether this broker is the controller"),
  fenced: gauge(
    "dqueue_fenced",
    "Whether the broker serves nobody because it cannot reach the metadata store: 1 or 0",
  ),
  storeDatabaseRatio: gauge(
    "dqueue_metadata_store_database_ratio",
    "Used part of the quota of the metadata store's database, 0 to 1",
  ),
  storeProblems: gauge(
    "dqueue_metadata_store_problems",
    "Problems of the metadata store; the broker's log says what to do",
  ),

  requests: counter("dqueue_requests_total", "Answered requests of Kafka's protocol, by API"),
  requestErrors: counter(
    "dqueue_request_errors_total",
    "Errors in answers, by API and Kafka's name of the error; one answer may have several",
  ),
  requestDuration: histogram(
    "dqueue_request_duration_seconds",
    "Time from a request to its answer, without the time that a Fetch asked to wait for records; " +
      "JoinGroup and SyncGroup, which wait for other members, are left out",
  ),
  acknowledgedDuration: histogram(
    "dqueue_produce_acked_duration_seconds",
    "Time until a Produce request is acknowledged, by its acks",
  ),
  flushDuration: histogram("dqueue_flush_duration_seconds", "Time of a sync of a log to disk"),

  topicBytesIn: counter("dqueue_topic_bytes_in_total", "Bytes of record batches produced"),
  topicBytesOut: counter("dqueue_topic_bytes_out_total", "Bytes of record batches fetched"),
  topicRecordsIn: counter("dqueue_topic_records_in_total", "Records produced"),
  topicRecordsOut: counter(
    "dqueue_topic_records_out_total",
    "Records fetched; in compacted topics with those between them that are gone",
  ),
  topicLogBytes: gauge("dqueue_topic_log_bytes", "Size of the topic's segments on this broker"),
  topicOpenTransaction: gauge(
    "dqueue_topic_open_transaction_seconds",
    "Time since the last record of the topic's oldest open transaction, which readers with " +
      "read_committed wait for; only if there is one",
  ),
  topicSegments: gauge("dqueue_topic_segments", "Number of the topic's segments on this broker"),

  connections: gauge("dqueue_connections", "Open connections of Kafka's protocol"),
  connectionsOpened: counter("dqueue_connections_opened_total", "Connections opened"),
  connectionsClosed: counter("dqueue_connections_closed_total", "Connections closed"),
  connectionsRefused: counter(
    "dqueue_connections_refused_total",
    "Connections refused, by reason: max_connections, or descriptors",
  ),
  authentications: counter(
    "dqueue_authentications_total",
    "Clients that authenticated by SASL, by outcome: succeeded, failed, ended (too many of them, or too " +
      "slow), or expired (did not authenticate again)",
  ),
  oldScramNonces: counter(
    "dqueue_scram_old_nonces_total",
    "Logins by SCRAM with the nonce of librdkafka before 2.6.1, which sasl.scram.strict.nonce refuses",
  ),
  certificateExpiry: gauge(
    "dqueue_tls_certificate_expiry_seconds",
    "When the certificate of a TLS listener expires, since 1970",
  ),
  certificateStale: gauge(
    "dqueue_tls_certificate_stale",
    "Whether a TLS listener has new certificates that cannot be used: 1 or 0",
  ),
  budgetUsed: gauge(
    "dqueue_memory_budget_used_bytes",
    "Memory in use for requests, for responses that clients have not read, and for the batch cache",
  ),
  budgetLimit: gauge("dqueue_memory_budget_limit_bytes", "Limits of the memory budgets"),
  loopDelay: histogram(
    "dqueue_event_loop_delay_seconds",
    "How late a timer of 20 ms fires; measured while somebody asks for metrics",
  ),
  resident: gauge("dqueue_process_resident_bytes", "Resident memory of the process"),
  heapUsed: gauge("dqueue_process_heap_used_bytes", "Used memory of JavaScript's heap"),
  external: gauge("dqueue_process_external_bytes", "Memory of buffers outside of the heap"),
  cpu: counter("dqueue_process_cpu_seconds_total", "Processor time of the process"),
  openFiles: gauge("dqueue_open_files", "Open log files"),
  openFilesLimit: gauge("dqueue_open_files_limit", "Most log files open at once: open.files.max"),
  diskFree: gauge("dqueue_disk_free_bytes", "Free space of the data folder's file system"),
  diskTotal: gauge("dqueue_disk_total_bytes", "Size of the data folder's file system"),
  partitions: gauge(
    "dqueue_partitions",
    "Partitions on this broker, by state: leader, follower, or offline after a disk error",
  ),
  underReplicatedCount: gauge(
    "dqueue_under_replicated_partitions",
    "Partitions led here with replicas that are not in sync",
  ),
  underMinIsrCount: gauge(
    "dqueue_under_min_isr_partitions",
    "Partitions led here with fewer in-sync replicas than min.insync.replicas: acks=all fails",
  ),
  lateTransactionsCount: gauge(
    "dqueue_partitions_with_late_transactions",
    "Partitions led here with an open transaction that its coordinator should have ended long ago",
  ),
  leaderlessCount: gauge(
    "dqueue_leaderless_partitions",
    "Partitions of the cluster without a live leader, as the controller knows",
  ),
  reassigningCount: gauge(
    "dqueue_reassigning_partitions",
    "Partitions of the cluster whose replicas are being moved, as the controller knows",
  ),
  replicaLag: gauge(
    "dqueue_replica_lag_records",
    "Records that a follower, by its broker id, does not have on disk, as the leader knows",
  ),
  isrShrinks: counter("dqueue_isr_shrinks_total", "Changes of an ISR in which replicas left"),
  isrExpands: counter("dqueue_isr_expands_total", "Changes of an ISR in which replicas joined"),
  elections: counter("dqueue_leader_elections_total", "Elections of this broker as a leader"),
  uncleanElections: counter(
    "dqueue_unclean_leader_elections_total",
    "Elections of this broker as a leader that may have lost records",
  ),
  retentionSegments: counter(
    "dqueue_retention_deleted_segments_total",
    "Segments that retention has deleted",
  ),
  retentionBytes: counter(
    "dqueue_retention_deleted_bytes_total",
    "Bytes of the segments that retention has deleted",
  ),
  compactions: counter("dqueue_compactions_total", "Compactions of a log"),
  compactionRead: counter("dqueue_compaction_read_bytes_total", "Bytes of segments compacted"),
  compactionWritten: counter(
    "dqueue_compaction_written_bytes_total",
    "Bytes of segments that compaction left",
  ),
  logDamage: counter("dqueue_log_damage_total", "Damaged ranges of logs found since the start"),
  cacheHits: counter("dqueue_hot_tail_hits_total", "Reads served from the batch cache"),
  cacheMisses: counter("dqueue_hot_tail_misses_total", "Reads served from files"),
  groups: gauge("dqueue_groups", "Consumer groups coordinated here, by state"),
  groupRebalances: counter(
    "dqueue_group_rebalances_total",
    "Rebalances of groups coordinated here",
  ),
  groupRebalanceDuration: histogram(
    "dqueue_group_rebalance_duration_seconds",
    "Time from the beginning of a classic group's rebalance until it is stable",
  ),

  transactions: gauge(
    "dqueue_transactions",
    "Transactional ids coordinated here, by the state of their last transaction",
  ),
  transactionOldestSeconds: gauge(
    "dqueue_transaction_oldest_seconds",
    "How long the oldest open transaction coordinated here has been open; 0 if none is",
  ),
  transactionMarkersWaiting: gauge(
    "dqueue_transaction_markers_waiting",
    "Markers that partitions have not acknowledged yet",
  ),
  transactionMarkersRefused: gauge(
    "dqueue_transaction_markers_refused",
    "Transactions that cannot end because a partition refuses their marker",
  ),
  transactionsEnded: counter(
    "dqueue_transactions_ended_total",
    "Transactions coordinated here that were committed or aborted, by result",
  ),
  transactionTimeouts: counter(
    "dqueue_transaction_timeouts_total",
    "Transactions coordinated here that were aborted because they took too long",
  ),
  transactionFences: counter(
    "dqueue_transaction_fences_total",
    "Transactions coordinated here that were aborted because another producer took over",
  ),
  transactionExpirations: counter(
    "dqueue_transactional_id_expirations_total",
    "Transactional ids that were forgotten because nobody used them",
  ),
  transactionMarkers: counter(
    "dqueue_transaction_markers_total",
    "Markers at the end of transactions that partitions have acknowledged",
  ),
  transactionLoadDuration: histogram(
    "dqueue_transaction_load_duration_seconds",
    "Time to load a partition of __transaction_state",
  ),

  telemetryClients: gauge(
    "dqueue_client_metrics_clients",
    "Clients that push metrics about themselves (KIP-714), by their software",
  ),
  telemetryPushes: counter(
    "dqueue_client_metrics_pushes_total",
    "Pushes of client metrics: accepted, or rejected",
  ),
  telemetryDropped: counter(
    "dqueue_client_metrics_dropped_total",
    "Pushed numbers left out because there are too many names of metrics",
  ),
  clientMetric: counter(
    "dqueue_client_metric_total",
    "What all clients have added to a metric of theirs since the start",
  ),
  clientMetricMax: gauge("dqueue_client_metric_max", "Largest value of a metric among the clients"),
  clientMetricMean: gauge("dqueue_client_metric_mean", "Mean value of a metric of the clients"),

  httpRequests: counter(
    "dqueue_http_requests_total",
    "Requests to the HTTP port, by route, method and status",
  ),
  httpDuration: histogram(
    "dqueue_http_request_duration_seconds",
    "Time from an HTTP request to the head of its answer, by route",
  ),

  httpConsumers: gauge(
    "dqueue_http_consumers",
    "Consumers of version 2 of the REST API that live in this broker",
  ),
  streamReaders: gauge("dqueue_stream_readers", "Readers of streams: sse, or websocket"),
  streamRecords: counter("dqueue_stream_records_total", "Records sent to readers of streams"),
  streamScanned: counter(
    "dqueue_stream_scanned_records_total",
    "Records compared with what readers of streams asked for",
  ),
  streamProduced: counter(
    "dqueue_stream_produced_records_total",
    "Records produced over WebSocket",
  ),
  streamGaps: counter(
    "dqueue_stream_gaps_total",
    "Gaps in streams, by reason: slow, retention, or truncated",
  ),
  streamClosed: counter(
    "dqueue_stream_closed_total",
    "Streams that were ended or refused, by reason: slow, stalled, or limit",
  ),
  streamRings: gauge(
    "dqueue_stream_ring_bytes",
    "Memory of the newest records, which readers of streams share",
  ),

  series: gauge("dqueue_metrics_series", "Series in this answer, without the last few"),
  seriesLimit: gauge("dqueue_metrics_series_limit", "Most series in an answer"),
  seriesDropped: gauge(
    "dqueue_metrics_series_dropped",
    "Series left out of this answer because of the limit, by metric",
  ),
  scrapeDuration: gauge(
    "dqueue_metrics_scrape_duration_seconds",
    "Time that it took to make this answer",
  ),

  brokers: gauge("kafka_brokers", "Number of brokers in the cluster"),
  brokerInfo: gauge("kafka_broker_info", "A broker and its address; always 1"),
  topicPartitions: gauge("kafka_topic_partitions", "Number of partitions of the topic"),
  currentOffset: partition("current_offset", "Offset that the next committed record gets"),
  oldestOffset: partition("oldest_offset", "First offset that can be read"),
  inSyncReplicas: partition("in_sync_replica", "Number of in-sync replicas"),
  leader: partition("leader", "Id of the partition's leader; -1 if it has none"),
  leaderIsPreferred: partition(
    "leader_is_preferred",
    "Whether the leader is the first of the replicas: 1 or 0",
  ),
  replicas: partition("replicas", "Number of replicas"),
  underReplicated: partition(
    "under_replicated_partition",
    "Whether some replicas are not in sync: 1 or 0",
  ),
  groupOffset: gauge("kafka_consumergroup_current_offset", "Committed offset"),
  groupLag: gauge("kafka_consumergroup_lag", "Records after the committed offset"),
  groupOffsetSum: untyped(
    "kafka_consumergroup_current_offset_sum",
    "Sum of the committed offsets of a topic's partitions",
  ),
  groupLagSum: untyped(
    "kafka_consumergroup_lag_sum",
    "Records after the committed offsets of a topic",
  ),
  groupMembers: gauge("kafka_consumergroup_members", "Members of the group"),
  groupLagSeconds: gauge(
    "kafka_consumergroup_group_lag_seconds",
    "Age of the batch with the first record after the committed offset; 0 if there is none",
  ),
} as const satisfies Readonly<Record<string, Metric>>;
