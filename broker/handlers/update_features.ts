/**
 * UpdateFeatures: raises and lowers the levels of the cluster's features (KIP-584). Versions 0 to 2.
 *
 * All updates of a request are made, or none. Version 1 adds upgrade types and validation without a
 * change (KIP-778); 0 has a flag in place of the types. Version 2 answers for all features at once
 * (KIP-1022).
 *
 * @module
 */

import {
  updateFeatures,
  type UpdateFeaturesRequest,
  type UpdateFeaturesResponse,
} from "../../protocol/messages/update_features.ts";
import { type FeatureUpdate, updatedLevels, UpgradeType } from "../cluster/features.ts";
import { type ApiHandler, handler, type RequestContext } from "../handler.ts";
import { failure, SUCCESS } from "./outcome.ts";
import { withinTimeout } from "./within_timeout.ts";

const FIRST_VERSION_WITH_UPGRADE_TYPE = 1;
const FIRST_VERSION_WITHOUT_RESULTS = 2;

/** Serves UpdateFeatures. */
export const updateFeaturesHandler: ApiHandler = handler(updateFeatures, handleUpdateFeatures);

async function handleUpdateFeatures(
  { featureUpdates, validateOnly, timeoutMs }: UpdateFeaturesRequest,
  context: RequestContext,
): Promise<UpdateFeaturesResponse> {
  const { apiVersion, broker: { cluster, nodeId } } = context;
  const updates = featureUpdates.map((update): FeatureUpdate =>
    apiVersion >= FIRST_VERSION_WITH_UPGRADE_TYPE ? update : {
      ...update,
      upgradeType: update.allowDowngrade ? UpgradeType.safeDowngrade : UpgradeType.upgrade,
    }
  );
  try {
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
