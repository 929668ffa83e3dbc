/**
 * The topic `__consumer_offsets`, which stores groups.
 *
 * @module
 */

import type { CoordinatorTopic } from "../coordinators/coordinator_topic.ts";
import type { GroupLog } from "./group_log.ts";

export const OFFSETS_TOPIC = "__consumer_offsets";

/** The offsets topic: partitions with a log each. */
export type OffsetsTopic = CoordinatorTopic<GroupLog>;
