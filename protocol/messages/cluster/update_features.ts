/**
 * UpdateFeatures: changes the levels of the cluster's finalized features (KIP-584).
 *
 * Version 1 adds upgrade types and validation only (KIP-778), 2 returns one result for all features
 * (KIP-1022).
 *
 * @module
 */

import {
  api,
  array,
  bool,
  int16,
  int32,
  int8,
  type RequestOf,
  type ResponseTo,
  string,
} from "../../schema/schema.ts";

/** Request and response of UpdateFeatures in all versions. */
export const updateFeatures = api({
  key: 57,
  name: "UpdateFeatures",
  versions: "0-2",
  flexible: "0+",
  request: {
    timeoutMs: int32({ default: 60000 }),
    featureUpdates: array({
      feature: string(),
      /** The new level; 0 removes the feature. */
      maxVersionLevel: int16(),
      allowDowngrade: bool("0", { default: false }),
      /** 1 upgrade, 2 safe downgrade, 3 unsafe downgrade. */
      upgradeType: int8("1+", { default: 1 }),
    }),
    validateOnly: bool("1+", { default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16(),
    errorMessage: string({ nullable: "0+" }),
    results: array("0-1", {
      feature: string(),
      errorCode: int16(),
      errorMessage: string({ nullable: "0+" }),
    }, { default: [], ignorable: true }),
  },
});

/** A decoded UpdateFeatures request. */
export type UpdateFeaturesRequest = RequestOf<typeof updateFeatures>;
/** An UpdateFeatures response to encode. */
export type UpdateFeaturesResponse = ResponseTo<typeof updateFeatures>;
