/**
 * GetTelemetrySubscriptions and PushTelemetry: client metrics (KIP-714). Version 0.
 *
 * Both are served but omitted from ApiVersions, as in Kafka without a metrics receiver: clients
 * that see them request their subscription soon after connecting and every few minutes after that.
 * A client that sends them anyway is subscribed to no metrics, and what it pushes is validated and
 * discarded.
 *
 * @module
 */

import { CompressionType } from "../../../protocol/compression/mod.ts";
import { crc32c } from "../../../protocol/records/crc32c.ts";
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
import { randomUuid, uuidToBytes, ZERO_UUID } from "../../../protocol/primitives/uuid.ts";
import { type ApiHandler, handler } from "../../handler.ts";

const PUSH_INTERVAL_MS = 5 * 60 * 1000;
/** Kafka's default of `telemetry.max.bytes`. */
const MAX_BYTES = 1024 * 1024;

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
  NO_VERSIONS,
);

/** Serves PushTelemetry. */
export const pushTelemetryHandler: ApiHandler = handler(pushTelemetry, push, NO_VERSIONS);

function subscribe(request: GetTelemetrySubscriptionsRequest): GetTelemetrySubscriptionsResponse {
  const isNew = request.clientInstanceId === ZERO_UUID;
  const clientInstanceId = isNew ? randomUuid() : request.clientInstanceId;
  return {
    errorCode: ErrorCode.NONE,
    clientInstanceId,
    subscriptionId: subscriptionOf(clientInstanceId),
    acceptedCompressionTypes: COMPRESSION_TYPES,
    pushIntervalMs: PUSH_INTERVAL_MS,
    telemetryMaxBytes: MAX_BYTES,
    deltaTemporality: true,
    requestedMetrics: [],
  };
}

function push(request: PushTelemetryRequest): PushTelemetryResponse {
  return { errorCode: check(request) };
}

function check(
  { clientInstanceId, subscriptionId, compressionType, metrics }: PushTelemetryRequest,
): number {
  if (clientInstanceId === ZERO_UUID) return ErrorCode.INVALID_REQUEST;
  if (subscriptionId !== subscriptionOf(clientInstanceId)) return ErrorCode.UNKNOWN_SUBSCRIPTION_ID;
  if (compressionType !== CompressionType.none && !COMPRESSION_TYPES.includes(compressionType)) {
    return ErrorCode.UNSUPPORTED_COMPRESSION_TYPE;
  }
  return metrics.length > MAX_BYTES ? ErrorCode.TELEMETRY_TOO_LARGE : ErrorCode.NONE;
}

/** Every client has the same subscription, so its id is derived from the client's. */
function subscriptionOf(clientInstanceId: string): number {
  const bytes = new Uint8Array(16);
  uuidToBytes(clientInstanceId, bytes);
  return crc32c(bytes) | 0;
}
