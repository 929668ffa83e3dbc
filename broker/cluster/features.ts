/**
 * Cluster features, whose levels all brokers agree on (KIP-584).
 *
 * A broker supports a range of levels of each feature; the cluster has finalized one of them, 0 if
 * the feature is disabled. ApiVersions reports both. Supported features:
 *
 *     group.version     1: the group protocol of KIP-848 (ConsumerGroupHeartbeat); 0: without it
 *     metadata.version  the metadata format of Kafka's release; it cannot be changed
 *     transaction.version  2: producers bump their epoch with every transaction (KIP-890); below: they
 *                       add partitions themselves. Each request says which of both it is
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";

/** The levels of a feature that this broker supports. */
export interface Feature {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

/** Finalized levels by feature; 0 if disabled. */
export type FeatureLevels = ReadonlyMap<string, number>;

/** Kafka's number for 4.2-IV1. */
const METADATA_VERSION_OF_KAFKA_4_2 = 29;

/** The feature of the KIP-848 group protocol. */
export const GROUP_VERSION = "group.version";

/** The feature of KIP-890's transactions. */
export const TRANSACTION_VERSION = "transaction.version";

/** All features, sorted by name. */
export const FEATURES: readonly Feature[] = [
  { name: GROUP_VERSION, min: 0, max: 1 },
  {
    name: "metadata.version",
    min: METADATA_VERSION_OF_KAFKA_4_2,
    max: METADATA_VERSION_OF_KAFKA_4_2,
  },
  { name: TRANSACTION_VERSION, min: 0, max: 2 },
];

/** The finalized levels of a cluster that has never changed them. */
export const INITIAL_LEVELS: FeatureLevels = new Map(FEATURES.map(({ name, max }) => [name, max]));

/** Kafka's upgrade types. */
export const UpgradeType = { upgrade: 1, safeDowngrade: 2, unsafeDowngrade: 3 } as const;

/** A change of one feature's level. */
export interface FeatureUpdate {
  readonly feature: string;
  readonly maxVersionLevel: number;
  readonly upgradeType: number;
}

/**
 * Returns the levels after applying updates in order.
 *
 * @throws {ApiError} INVALID_UPDATE_VERSION if an update is not possible.
 */
export function updatedLevels(
  levels: FeatureLevels,
  updates: readonly FeatureUpdate[],
  nodeId: number,
): FeatureLevels {
  const updated = new Map(levels);
  for (const update of updates) {
    check(update, updated, nodeId);
    updated.set(update.feature, update.maxVersionLevel);
  }
  return updated;
}

function check(
  { feature: name, maxVersionLevel: level, upgradeType }: FeatureUpdate,
  levels: FeatureLevels,
  nodeId: number,
): void {
  const refuse = (reason: string) =>
    new ApiError(
      ErrorCode.INVALID_UPDATE_VERSION,
      "The update failed for all features since the following feature had an error: " +
        `Invalid update version ${level} for feature ${name}. ${reason}`,
    );
  if (!Object.values<number>(UpgradeType).includes(upgradeType)) {
    throw refuse("The controller does not support the given upgrade type.");
  }
  if (level < 0) throw refuse("A feature version cannot be less than 0.");
  const feature = FEATURES.find((feature) => feature.name === name);
  if (feature === undefined) {
    throw refuse(
      level === 0
        ? `Feature ${name} not found.`
        : `Local controller ${nodeId} does not support this feature.`,
    );
  }
  if (level < feature.min || level > feature.max) {
    throw refuse(
      `Local controller ${nodeId} only supports versions ${feature.min}-${feature.max}`,
    );
  }
  if (level < (levels.get(name) ?? 0) && upgradeType === UpgradeType.upgrade) {
    throw refuse(
      "Can't downgrade the version of this feature without setting the upgrade type to either " +
        "safe or unsafe downgrade.",
    );
  }
}
