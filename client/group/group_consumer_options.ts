/**
 * The options of a group consumer, with their defaults, and its status.
 *
 * @module
 */

import { READING_NAMES } from "../consumer/consumer_options.ts";
import { ensureKnown, type Names } from "../ensure_known.ts";
import type { Assignor, AssignorName } from "./assignor.ts";
import { resolveAssignors } from "./assignors/mod.ts";
import { atLeast, oneOf } from "../option_checks.ts";
import {
  type ReadingOptions,
  resolveConsumerOptions,
  type ResolvedConsumerOptions,
} from "../consumer/consumer_options.ts";
import { type DqueueError, UsageError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { requestMs } from "../connection/timer.ts";

/**
 * Called with partitions. A returned promise is awaited, also by `leaveGroup()` and `close()`, so
 * the callback must not await those.
 */
export type PartitionsCallback = (partitions: readonly TopicPartition[]) => unknown;

/** The options of a group consumer. */
export interface GroupConsumerOptions extends ReadingOptions {
  /** The id of the group. */
  readonly groupId: string;
  /** The topics to subscribe to. */
  readonly topics: string | readonly string[];
  /**
   * The client id of this member in group descriptions and logs; in the classic protocol its member
   * id starts with it. Default: the client's `clientId`.
   */
  readonly consumerId?: string;
  /**
   * Makes this a static member (KIP-345): if it returns within the session timeout under the same
   * instance id, it gets its partitions back without a rebalance. Default: none.
   */
  readonly groupInstanceId?: string;
  /** The rebalance protocol: `"classic"`, or `"consumer"` (KIP-848). Default: `"classic"`. */
  readonly protocol?: "classic" | "consumer";
  /**
   * The time without a heartbeat after which this member is removed from the group, in
   * milliseconds. In the consumer protocol the broker decides. Default: 30000.
   */
  readonly sessionTimeoutMs?: number;
  /**
   * The interval between heartbeats, in milliseconds. In the consumer protocol the broker decides.
   * Default: a third of `sessionTimeoutMs`.
   */
  readonly heartbeatIntervalMs?: number;
  /**
   * The time this member has to revoke partitions, in milliseconds: to finish the messages it was
   * given, commit, and call `onRevoked`. Default: 60000.
   */
  readonly rebalanceTimeoutMs?: number;
  /**
   * The maximum time between calls for messages, in milliseconds. After that this member leaves the
   * group so that another can continue; the next call joins again. Default: 300000.
   */
  readonly maxPollIntervalMs?: number;
  /**
   * Whether to commit processed messages automatically, every `autoCommitIntervalMs` and when
   * partitions are revoked: those returned before the last call for messages. Default: true.
   */
  readonly autoCommit?: boolean;
  /** The interval between automatic commits, in milliseconds. Default: 5000. */
  readonly autoCommitIntervalMs?: number;
  /**
   * The assignors of the classic protocol, in order of preference; the group uses one that all
   * members support. Members keep partitions that do not move if all are cooperative. Default:
   * `["range", "roundrobin"]`, which the Java client and librdkafka also support.
   */
  readonly assignors?: readonly (AssignorName | Assignor)[];
  /**
   * The server-side assignor of the consumer protocol, `"uniform"` or `"range"`. Default: the
   * broker's choice.
   */
  readonly serverAssignor?: string;
  /** Called with newly assigned partitions before they are read; may seek in them. */
  readonly onAssigned?: PartitionsCallback;
  /**
   * Called with partitions that are being revoked, while this member still owns them; may commit.
   */
  readonly onRevoked?: PartitionsCallback;
  /**
   * Called with partitions that another member may already own, for example after the session has
   * timed out; nothing can be committed for them.
   */
  readonly onLost?: PartitionsCallback;
  /**
   * Called whenever `status` changes, and for each reset by `autoOffsetReset`. Without it, long
   * outages and resets are logged as warnings on the console.
   */
  readonly onStatus?: (status: GroupConsumerStatus) => void;
}

/**
 * The state of a group consumer.
 *
 * - `left`: it is not a member of the group, and does not try to become one
 * - `joining`: it is joining the group
 * - `rebalancing`: it is revoking partitions
 * - `positioning`: it looks up the committed offsets of its partitions
 * - `reading`: it reads its partitions
 * - `standby`: all partitions belong to other members
 * - `retrying`: the coordinator could not be reached or refused temporarily, and it retries
 * - `failed`: it was refused permanently
 */
export type GroupConsumerState =
  | "left"
  | "joining"
  | "rebalancing"
  | "positioning"
  | "reading"
  | "standby"
  | "retrying"
  | "failed";

/** The status of a group consumer. */
export interface GroupConsumerStatus {
  /** The state. */
  readonly state: GroupConsumerState;
  /** A description of what it is waiting for. */
  readonly waitingFor: string;
  /** The time of the last change, in milliseconds since 1970. */
  readonly since: number;
  /** The member id; undefined while it has none. */
  readonly memberId: string | undefined;
  /**
   * The generation of the group, or the member epoch in the consumer protocol; −1 while it is not a
   * member.
   */
  readonly generation: number;
  /**
   * Why it retries or has failed. With `OFFSET_OUT_OF_RANGE`: where it continues in a partition
   * whose position was out of range.
   */
  readonly error: DqueueError | undefined;
}

/** The options with defaults applied. */
export interface ResolvedGroupOptions {
  readonly reading: ResolvedConsumerOptions;
  readonly groupId: string;
  /** The current subscription; replaced by each change. */
  topics: readonly string[];
  readonly consumerId: string | undefined;
  readonly groupInstanceId: string | null;
  readonly protocol: "classic" | "consumer";
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly maxPollIntervalMs: number;
  readonly autoCommit: boolean;
  readonly autoCommitIntervalMs: number;
  readonly assignors: readonly Assignor[];
  readonly serverAssignor: string | null;
  readonly onAssigned: PartitionsCallback | undefined;
  readonly onRevoked: PartitionsCallback | undefined;
  readonly onLost: PartitionsCallback | undefined;
  readonly onStatus: ((status: GroupConsumerStatus) => void) | undefined;
}

/** The unique names of topics. @throws {UsageError} If there are none, or one is invalid. */
export function topicNames(topics: string | readonly string[]): readonly string[] {
  const names = [...new Set(typeof topics === "string" ? [topics] : topics)];
  if (names.length > 0 && names.every((name) => typeof name === "string" && name !== "")) {
    return names;
  }
  throw new UsageError(
    `Cannot use topics of ${JSON.stringify(topics)}: they must be non-empty names`,
  );
}

/** @throws {UsageError} If an option is invalid. */
export function resolveGroupOptions(options: GroupConsumerOptions): ResolvedGroupOptions {
  ensureKnown("groupConsumer()", options, GROUP_CONSUMER_NAMES);
  const { groupId, topics } = options;
  if (typeof groupId !== "string" || groupId === "") {
    throw new UsageError(
      `Cannot use groupId of ${JSON.stringify(groupId)}: it must be a non-empty name`,
    );
  }
  const names = topicNames(topics);
  const sessionTimeoutMs = atLeast("sessionTimeoutMs", options.sessionTimeoutMs ?? 30_000, 1);
  const heartbeatIntervalMs = atLeast(
    "heartbeatIntervalMs",
    options.heartbeatIntervalMs ?? requestMs(sessionTimeoutMs) / 3,
    1,
  );
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw new UsageError(
      `Cannot use heartbeatIntervalMs of ${heartbeatIntervalMs}: it must be less than sessionTimeoutMs, ` +
        `which is ${sessionTimeoutMs}`,
    );
  }
  return {
    reading: resolveConsumerOptions(options),
    groupId,
    topics: names,
    consumerId: options.consumerId,
    groupInstanceId: options.groupInstanceId ?? null,
    protocol: oneOf<"classic" | "consumer">("protocol", options.protocol ?? "classic", [
      "classic",
      "consumer",
    ]),
    sessionTimeoutMs,
    heartbeatIntervalMs,
    rebalanceTimeoutMs: atLeast("rebalanceTimeoutMs", options.rebalanceTimeoutMs ?? 60_000, 1),
    maxPollIntervalMs: atLeast("maxPollIntervalMs", options.maxPollIntervalMs ?? 300_000, 1),
    autoCommit: options.autoCommit ?? true,
    autoCommitIntervalMs: atLeast("autoCommitIntervalMs", options.autoCommitIntervalMs ?? 5000, 1),
    assignors: resolveAssignors(options.assignors ?? ["range", "roundrobin"]),
    serverAssignor: options.serverAssignor ?? null,
    onAssigned: options.onAssigned,
    onRevoked: options.onRevoked,
    onLost: options.onLost,
    onStatus: options.onStatus,
  };
}

/** The names of GroupConsumerOptions. */
const GROUP_CONSUMER_NAMES: Names<GroupConsumerOptions> = {
  ...READING_NAMES,
  groupId: true,
  topics: true,
  consumerId: true,
  groupInstanceId: true,
  protocol: true,
  sessionTimeoutMs: true,
  heartbeatIntervalMs: true,
  rebalanceTimeoutMs: true,
  maxPollIntervalMs: true,
  autoCommit: true,
  autoCommitIntervalMs: true,
  assignors: true,
  serverAssignor: true,
  onAssigned: true,
  onRevoked: true,
  onLost: true,
  onStatus: true,
};
