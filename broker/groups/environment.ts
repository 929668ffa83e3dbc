/**
 * The interface between a group and its coordinator.
 *
 * @module
 */

import type { Clock } from "../time/clock.ts";
import type { Logger } from "../logger.ts";
import type { ConfigTexts } from "../settings/config.ts";
import type { DeadlineQueue } from "./deadlines.ts";
import type { GroupTopics } from "./group_topics.ts";
import type { GroupCounters } from "../metrics/broker_counters.ts";
import type { GroupRecord } from "./records/group_record.ts";
import type { GroupConfig } from "../settings/group_settings.ts";

/** The environment of a group. */
export interface GroupEnvironment {
  readonly clock: Clock;
  readonly config: GroupConfig;
  /** Settings of single groups, which take precedence. Default: none. */
  readonly configsOf?: ((groupId: string) => ConfigTexts) | undefined;
  readonly deadlines: DeadlineQueue;
  readonly topics: GroupTopics;
  readonly counters: GroupCounters;
  readonly logger: Logger;
  /** Generates a unique suffix for member ids. */
  readonly uniqueId: () => string;
  /**
   * Writes records of one group atomically. Calls `done` with 0 when they are durable, possibly
   * before this returns, or immediately with an error code if they could not be written. If
   * appended records are lost, the group is shut down and `done` is not called.
   */
  write(groupId: string, records: readonly GroupRecord[], done: (errorCode: number) => void): void;
}

/** The client of a request. */
export interface GroupClient {
  readonly clientId: string;
  /** Its address, without the port. */
  readonly clientHost: string;
  readonly apiVersion: number;
  /** Whether it may know of a topic. Default: of all. */
  readonly mayDescribe?: (topic: string) => boolean;
}
