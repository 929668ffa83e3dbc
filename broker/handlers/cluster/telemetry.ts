/**
 * GetTelemetrySubscriptions and PushTelemetry: client metrics (KIP-714). Version 0.
 *
 * ApiVersions lists both while there are `client-metrics` resources: clients that see them request their
 * subscription soon after connecting and every few minutes after that. A client pushes at most once an
 * interval, and once more when it ends.
 *
 * @module
 */

import {
  CompressionType,
  decompress,
  DecompressedSizeError,
} from "../../../protocol/compression/mod.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import {
  getTelemetrySubscriptions,
  type GetTelemetrySubscriptionsRequest,
  type GetTelemetrySubscriptionsResponse,
} from "../../../protocol/messages/cluster/get_telemetry_subscriptions.ts";
import {
  pushTelemetry,
  type PushTelemetryRequest,
  type PushTelemetryResponse,
} from "../../../protocol/messages/cluster/push_telemetry.ts";
import { NO_VERSIONS } from "../../../protocol/schema/version_range.ts";
import { randomUuid, ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { readOtlpMetrics } from "../../telemetry/otlp_metrics.ts";
import {
  type ClientSubscription,
  isAskedFor,
  subscriptionOf,
} from "../../telemetry/subscription.ts";
import { unchecked } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { clientMetricsSettings } from "../configs/resources/client_metrics_resource.ts";

/** Kafka's default of `telemetry.max.bytes`. */
const MAX_BYTES = 1024 * 1024;
/** Most bytes of a push that was compressed. */
const MAX_DECOMPRESSED_BYTES = 4 * MAX_BYTES;
/** Timers of clients are not exact. */
const EARLY_MS = 100;

/** Accepted compression types besides none, preferred first. */
const COMPRESSION_TYPES: readonly number[] = [
  CompressionType.zstd,
  CompressionType.lz4,
  CompressionType.gzip,
  CompressionType.snappy,
];

/** Serves GetTelemetrySubscriptions. */
export const getTelemetrySubscriptionsHandler: ApiHandler = handler(
  getTelemetrySubscriptions,
  subscribe,
  unchecked,
  NO_VERSIONS,
);

/** Serves PushTelemetry. */
export const pushTelemetryHandler: ApiHandler = handler(
  pushTelemetry,
  push,
  unchecked,
  NO_VERSIONS,
);

function subscribe(
  request: GetTelemetrySubscriptionsRequest,
  context: RequestContext,
): GetTelemetrySubscriptionsResponse {
  const { clientId, signal, peer, broker: { telemetry, clock } } = context;
  const isNew = request.clientInstanceId === ZERO_UUID;
  const clientInstanceId = isNew ? randomUuid() : request.clientInstanceId;
  const { id, metrics, intervalMs } = subscriptionFor(clientInstanceId, context);
  if (metrics.length > 0) {
    telemetry.subscribed({
      instanceId: clientInstanceId,
      clientId,
      address: addressOf(peer).host,
      software: telemetry.softwareOf(signal),
      intervalMs,
      subscribedMs: clock.monotonic(),
    });
  }
  return {
    errorCode: ErrorCode.NONE,
    clientInstanceId,
    subscriptionId: id,
    acceptedCompressionTypes: COMPRESSION_TYPES,
    pushIntervalMs: intervalMs,
    telemetryMaxBytes: MAX_BYTES,
    deltaTemporality: true,
    requestedMetrics: metrics,
  };
}

function push(request: PushTelemetryRequest, context: RequestContext): PushTelemetryResponse {
  const { pushes } = context.broker.telemetry;
  const errorCode = accept(request, context);
  if (errorCode === ErrorCode.NONE) pushes.accepted++;
  else pushes.rejected++;
  return { errorCode };
}

function accept(request: PushTelemetryRequest, context: RequestContext): number {
  const { clientInstanceId, subscriptionId, compressionType, metrics, terminating } = request;
  const { telemetry, clock } = context.broker;
  if (clientInstanceId === ZERO_UUID) return ErrorCode.INVALID_REQUEST;
  const subscription = subscriptionFor(clientInstanceId, context);
  if (subscriptionId !== subscription.id) return ErrorCode.UNKNOWN_SUBSCRIPTION_ID;
  if (compressionType !== CompressionType.none && !COMPRESSION_TYPES.includes(compressionType)) {
    return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
  }
  if (metrics.length > MAX_BYTES) return ErrorCode.TELEMETRY_TOO_LARGE;
  // It asked for none, or this broker has forgotten it: it asks again.
  if (subscription.metrics.length === 0) return ErrorCode.NONE;
  const client = telemetry.client(clientInstanceId);
  if (client === undefined) return ErrorCode.UNKNOWN_SUBSCRIPTION_ID;
  const nowMs = clock.monotonic();
  const isEarly = client.pushedMs >= client.subscribedMs &&
    nowMs - client.pushedMs < subscription.intervalMs - EARLY_MS;
  if (isEarly && !terminating) return ErrorCode.THROTTLING_QUOTA_EXCEEDED;
  try {
    const type = compressionType as CompressionType;
    const pushed = readOtlpMetrics(decompress(type, metrics, MAX_DECOMPRESSED_BYTES))
      .filter(({ name }) => isAskedFor(subscription, name));
    telemetry.pushed(clientInstanceId, pushed, terminating, nowMs);
    return ErrorCode.NONE;
  } catch (error) {
    return error instanceof DecompressedSizeError
      ? ErrorCode.TELEMETRY_TOO_LARGE
      : ErrorCode.INVALID_RECORD;
  }
}

function subscriptionFor(
  clientInstanceId: string,
  { clientId, peer, signal, broker: { cluster, telemetry } }: RequestContext,
): ClientSubscription {
  const { host, port } = addressOf(peer);
  const { name, version } = telemetry.softwareOf(signal);
  const settings = cluster.configuredResources("client-metrics")
    .map((name) => clientMetricsSettings(cluster.resourceConfigs("client-metrics", name)));
  return subscriptionOf(settings, {
    client_id: clientId,
    client_instance_id: clientInstanceId,
    client_software_name: name,
    client_software_version: version,
    client_source_address: host,
    client_source_port: port,
  });
}

function addressOf(peer: string): { host: string; port: string } {
  const at = peer.lastIndexOf(":");
  return { host: peer.slice(0, at).replace(/^\[(.*)\]$/, "$1"), port: peer.slice(at + 1) };
}
