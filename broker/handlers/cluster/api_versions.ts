/**
 * ApiVersions: the APIs and versions that this broker supports. Versions 0 to 5.
 *
 * Lists the version range of every handler. It is the first request of a connection and always
 * answered. From version 3 (KIP-511) the client's software name and version are validated, so that
 * only plain text is logged. An unsupported version is answered in version 0 with the range of
 * ApiVersions alone, so that the client can retry. In version 5 (KIP-1242) the client names the
 * broker it expects; if that is another one, the client bootstraps again.
 *
 * Version 3 also lists the cluster's features (KIP-584): the supported and the finalized levels.
 * Before version 4, supported ranges that start at 0 are omitted because older clients reject them
 * (KAFKA-17011).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { apiVersions } from "../../../protocol/messages/cluster/api_versions.ts";
import { getTelemetrySubscriptions } from "../../../protocol/messages/cluster/get_telemetry_subscriptions.ts";
import { pushTelemetry } from "../../../protocol/messages/cluster/push_telemetry.ts";
import type { RequestOf, ResponseTo } from "../../../protocol/schema/schema.ts";
import { NO_VERSIONS, type VersionRange } from "../../../protocol/schema/version_range.ts";
import { FEATURES } from "../../cluster/features.ts";
import { unchecked } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";

type Request = RequestOf<typeof apiVersions>;
type Response = ResponseTo<typeof apiVersions>;

const FIRST_VERSION_WITH_FEATURES = 3;
const FIRST_VERSION_WITH_MIN_LEVEL_0 = 4;

/** Listed only while operators ask for client metrics: clients then ask for their subscriptions. */
const TELEMETRY = [getTelemetrySubscriptions, pushTelemetry].map(({ key, versions }) => ({
  apiKey: key,
  minVersion: versions.min,
  maxVersion: versions.max,
}));

const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

/** Creates the handler for a broker that has these other handlers. */
export function apiVersionsHandler(others: readonly ApiHandler[]): ApiHandler {
  const own = { api: apiVersions, advertised: apiVersions.versions };
  const apiKeys = [...others, own]
    .filter(({ advertised }) => advertised !== NO_VERSIONS)
    .map(({ api, advertised }) => ({
      apiKey: api.key,
      minVersion: advertised.min,
      maxVersion: advertised.max,
    }))
    .sort((a, b) => a.apiKey - b.apiKey);
  const withTelemetry = [...apiKeys, ...TELEMETRY].sort((a, b) => a.apiKey - b.apiKey);
  return handler(apiVersions, (request, context) => ({
    errorCode: check(request, context),
    apiKeys: takesTelemetry(request, context) ? withTelemetry : apiKeys,
    ...(context.apiVersion >= FIRST_VERSION_WITH_FEATURES ? featuresOf(context) : {}),
  }), unchecked);
}

/** Whether clients are asked for their metrics. If so, their software is noted. */
function takesTelemetry(
  { clientSoftwareName, clientSoftwareVersion }: Request,
  { signal, broker: { cluster, telemetry } }: RequestContext,
): boolean {
  if (cluster.configuredResources("client-metrics").length === 0) return false;
  telemetry.noteSoftware(signal, clientSoftwareName, clientSoftwareVersion);
  return true;
}

function featuresOf({ apiVersion, broker: { cluster } }: RequestContext): Partial<Response> {
  const hasMinLevel0 = apiVersion >= FIRST_VERSION_WITH_MIN_LEVEL_0;
  return {
    supportedFeatures: FEATURES
      .filter(({ min }) => min > 0 || hasMinLevel0)
      .map(({ name, min, max }) => ({ name, minVersion: min, maxVersion: max })),
    finalizedFeaturesEpoch: cluster.featuresEpoch,
    finalizedFeatures: Array.from(cluster.featureLevels, ([name, level]) => ({
      name,
      maxVersionLevel: level,
      minVersionLevel: level,
    })).filter(({ maxVersionLevel }) => maxVersionLevel > 0),
  };
}

function check(request: Request, { apiVersion, broker }: RequestContext): number {
  if (apiVersion < 3) return ErrorCode.NONE;
  const { clientSoftwareName, clientSoftwareVersion, clusterId, nodeId } = request;
  if (!SOFTWARE_NAME.test(clientSoftwareName) || !SOFTWARE_NAME.test(clientSoftwareVersion)) {
    return ErrorCode.INVALID_REQUEST;
  }
  const isOther = clusterId !== null &&
    (clusterId !== broker.cluster.clusterId || nodeId !== broker.nodeId);
  return isOther ? ErrorCode.REBOOTSTRAP_REQUIRED : ErrorCode.NONE;
}

/** The version 0 response to a version outside `range`. */
export function unsupportedApiVersions(range: VersionRange): Response {
  return {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: apiVersions.key, minVersion: range.min, maxVersion: range.max }],
  };
}
