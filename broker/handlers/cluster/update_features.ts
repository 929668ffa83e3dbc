/**
 * UpdateFeatures: raises and lowers the levels of the cluster's features (KIP-584). Versions 0 to 2.
 *
 * The updates of a request are applied together or not at all. Version 1 adds upgrade types and
 * validate-only (KIP-778); version 0 has a flag instead. Version 2 has a single result for all
 * features (KIP-1022).
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import {
  updateFeatures,
  type UpdateFeaturesRequest,
  type UpdateFeaturesResponse,
} from "../../../protocol/messages/cluster/update_features.ts";
import { ApiError } from "../../api_error.ts";
import { type FeatureUpdate, updatedLevels, UpgradeType } from "../../cluster/features.ts";
import { AclOperation } from "../../../protocol/messages/security/acl_types.ts";
import { onCluster } from "../access/mod.ts";
import { type ApiHandler, handler, type RequestContext } from "../../handler.ts";
import { failure, SUCCESS } from "../outcome.ts";
import { withinTimeout } from "../within_timeout.ts";

/** Far above the number of features. */
const MAX_UPDATES = 1000;
const FIRST_VERSION_WITH_UPGRADE_TYPE = 1;
const FIRST_VERSION_WITHOUT_RESULTS = 2;

/** Serves UpdateFeatures. */
export const updateFeaturesHandler: ApiHandler = handler(
  updateFeatures,
  handleUpdateFeatures,
  onCluster(AclOperation.alter),
);

async function handleUpdateFeatures(
  { featureUpdates, validateOnly, timeoutMs }: UpdateFeaturesRequest,
  context: RequestContext,
): Promise<UpdateFeaturesResponse> {
  const { apiVersion, broker: { cluster, nodeId } } = context;
  const updates = featureUpdates.slice(0, MAX_UPDATES + 1).map((update): FeatureUpdate =>
    apiVersion >= FIRST_VERSION_WITH_UPGRADE_TYPE ? update : {
      ...update,
      upgradeType: update.allowDowngrade ? UpgradeType.safeDowngrade : UpgradeType.upgrade,
    }
  );
  try {
    if (featureUpdates.length > MAX_UPDATES) {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        `Cannot update ${featureUpdates.length} features: a request may have ${MAX_UPDATES} updates`,
      );
    }
    if (validateOnly) updatedLevels(cluster.featureLevels, updates, nodeId);
    else {
      const changed = cluster.changeFeatureLevels((levels) =>
        updatedLevels(levels, updates, nodeId)
      );
      await withinTimeout(changed, timeoutMs, context);
    }
    const updated = apiVersion >= FIRST_VERSION_WITHOUT_RESULTS
      ? []
      : updates.map(({ feature }) => ({ feature, ...SUCCESS }));
    return { ...SUCCESS, results: updated };
  } catch (error) {
    return { ...failure(error, context), results: [] };
  }
}
