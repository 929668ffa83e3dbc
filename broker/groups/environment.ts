/**
 * What a group needs of the coordinator it lives in.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";
import type { Logger } from "../logger.ts";
import type { ConfigTexts } from "../settings/config.ts";
import type { DeadlineQueue } from "./deadlines.ts";
import type { GroupTopics } from "./group_topics.ts";
import type { GroupRecord } from "./records/group_record.ts";
import type { GroupConfig } from "../settings/group_settings.ts";

/** Surroundings of a group. */
export interface GroupEnvironment {
  readonly clock: Clock;
  readonly config: GroupConfig;
  /** Settings of single groups, which count first. Default: none have any. */
  readonly configsOf?: ((groupId: string) => ConfigTexts) | undefined;
  readonly deadlines: DeadlineQueue;
  readonly topics: GroupTopics;
  readonly logger: Logger;
  /** Something that no other member has, to make a member id of. */
  readonly uniqueId: () => string;
  /**
   * Writes records of one group, all or none. Calls `done` with 0 once they are durable, perhaps before
   * this returns, or at once with Kafka's error code if they could not be written. If they were
   * written and are then lost, the group goes with them: it is shut down, and `done` is not called.
   */
  write(groupId: string, records: readonly GroupRecord[], done: (errorCode: number) => void): void;
}

/** Who sends a request. */
export interface GroupClient {
  readonly clientId: string;
  /** The address it comes from, without its port. */
  readonly clientHost: string;
  readonly apiVersion: number;
}
