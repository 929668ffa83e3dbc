/**
 * What a group consumer can be told, with the defaults, and what it tells of itself.
 *
 * @module
 */

import { READING_NAMES } from "../consumer/consumer_options.ts";
import { ensureKnown, type Names } from "../ensure_known.ts";
import type { Assignor, AssignorName } from "./assignor.ts";
import { resolveAssignors } from "./assignors/mod.ts";
import { atLeast, oneOf } from "../client_options.ts";
import {
  type ReadingOptions,
  resolveConsumerOptions,
  type ResolvedConsumerOptions,
} from "../consumer/consumer_options.ts";
import { type DqueueError, UsageError } from "../errors.ts";
import type { TopicPartition } from "../topic_partition.ts";
import { requestMs } from "../connection/timer.ts";

/**
 * Is told of partitions. What it returns is waited for, by `leaveGroup()` and `close()` too, which it must
 * therefore not wait for itself.
 */
export type PartitionsCallback = (partitions: readonly TopicPartition[]) => unknown;

/** What a group consumer can be told. */
export interface GroupConsumerOptions extends ReadingOptions {
  /** The id of the group, which its members have in common. */
  readonly groupId: string;
  /** The topics to read. */
  readonly topics: string | readonly string[];
  /**
   * What this member is called in descriptions of the group and in logs; in the classic protocol its
   * member id begins with it. Default: the client's `clientId`.
   */
  readonly consumerId?: string;
  /**
   * Makes this a static member (KIP-345): one that comes back within the session timeout under the same
   * name gets its partitions again, and the others need not stop. Default: none.
   */
  readonly groupInstanceId?: string;
  /** How members agree: `"classic"`, or `"consumer"`, the one of KIP-848. Default: `"classic"`. */
  readonly protocol?: "classic" | "consumer";
  /**
   * After how much silence this member is out of the group, in milliseconds. In the protocol of KIP-848
   * it is the broker that says so. Default: 30000.
   */
  readonly sessionTimeout?: number;
  /**
   * How often to tell that this member is alive, in milliseconds. In the protocol of KIP-848 it is the
   * broker that says so. Default: a third of `sessionTimeout`.
   */
  readonly heartbeatInterval?: number;
  /**
   * How long this member may take to give up partitions, in milliseconds: to finish the messages it has
   * handed out, commit, and call `onRevoked`. Default: 60000.
   */
  readonly rebalanceTimeout?: number;
  /**
   * After how long without being asked for messages this member leaves the group, in milliseconds, so
   * that another can go on; it joins again when it is asked. Default: 300000.
   */
  readonly maxPollInterval?: number;
  /**
   * Whether to commit by itself, every `autoCommitInterval` and when partitions are given up, what the
   * program is done with: the messages handed out before the last call for more. Default: true.
   */
  readonly autoCommit?: boolean;
  /** How often to commit, in milliseconds. Default: 5000. */
  readonly autoCommitInterval?: number;
  /**
   * How partitions are divided in the classic protocol, in order of preference; the group uses one that
   * all its members know. Members keep what does not move if all are cooperative. Default:
   * `["range", "roundrobin"]`, which those of Java's client and librdkafka know too.
   */
  readonly assignors?: readonly (AssignorName | Assignor)[];
  /**
   * How the broker divides partitions in the protocol of KIP-848, `"uniform"` or `"range"`. Default: the
   * broker's choice.
   */
  readonly serverAssignor?: string;
  /**
   * Is told of partitions that this consumer has got, before it reads them; it may seek in them.
   */
  readonly onAssigned?: PartitionsCallback;
  /**
   * Is told of partitions that another member will get, while this one still holds them; it may commit.
   */
  readonly onRevoked?: PartitionsCallback;
  /**
   * Is told of partitions that another member may have got already, as after a silence longer than
   * `sessionTimeout`; nothing can be committed for them.
   */
  readonly onLost?: PartitionsCallback;
  /**
   * Is told whenever `status` changes, and of each reset by `autoOffsetReset`. Without it, an outage
   * that lasts and a reset are warned of on the console.
   */
  readonly onStatus?: (status: GroupConsumerStatus) => void;
}

/**
 * What a group consumer is doing.
 *
 * - `left`: it is no member of the group, and does not try to be one
 * - `joining`: it waits for its place in the group
 * - `rebalancing`: it gives up partitions
 * - `positioning`: it looks up where to go on in its partitions
 * - `reading`: it reads its partitions
 * - `standby`: all partitions belong to others
 * - `retrying`: it could not reach the group's coordinator, or was refused for a moment, and tries again
 * - `failed`: it was refused for good
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

/** What a group consumer is doing and waiting for. */
export interface GroupConsumerStatus {
  /** What it is doing. */
  readonly state: GroupConsumerState;
  /** What it waits for, in words. */
  readonly waitingFor: string;
  /** Since when, in milliseconds since 1970. */
  readonly since: number;
  /** The id that the coordinator knows it by, undefined while it has none. */
  readonly memberId: string | undefined;
  /** The generation of the group, or the member's epoch in KIP-848; −1 while it is no member. */
  readonly generation: number;
  /**
   * Why it has to try again, or has failed. With `OFFSET_OUT_OF_RANGE`, where it continues in a partition
   * whose offset is not there any more.
   */
  readonly error: DqueueError | undefined;
}

/** The options with all defaults filled in. */
export interface ResolvedGroupOptions {
  readonly reading: ResolvedConsumerOptions;
  readonly groupId: string;
  /** What the consumer is subscribed to now; another list after each change. */
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

/** The names of topics, each once. @throws {UsageError} If there are none, or one is no name. */
export function topicNames(topics: string | readonly string[]): readonly string[] {
  const names = [...new Set(typeof topics === "string" ? [topics] : topics)];
  if (names.length > 0 && names.every((name) => typeof name === "string" && name !== "")) {
    return names;
  }
  throw new UsageError(`Cannot use topics of ${JSON.stringify(topics)}: names are needed`);
}

/** @throws {UsageError} If an option is not possible. */
export function resolveGroupOptions(options: GroupConsumerOptions): ResolvedGroupOptions {
  ensureKnown("groupConsumer()", options, GROUP_CONSUMER_NAMES);
  const { groupId, topics } = options;
  if (typeof groupId !== "string" || groupId === "") {
    throw new UsageError(`Cannot use groupId of ${JSON.stringify(groupId)}: a name is needed`);
  }
  const names = topicNames(topics);
  const sessionTimeoutMs = atLeast("sessionTimeout", options.sessionTimeout ?? 30_000, 1);
  const heartbeatIntervalMs = atLeast(
    "heartbeatInterval",
    options.heartbeatInterval ?? requestMs(sessionTimeoutMs) / 3,
    1,
  );
  if (heartbeatIntervalMs >= sessionTimeoutMs) {
    throw new UsageError(
      `Cannot use heartbeatInterval of ${heartbeatIntervalMs}: it has to be below sessionTimeout, ` +
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
    rebalanceTimeoutMs: atLeast("rebalanceTimeout", options.rebalanceTimeout ?? 60_000, 1),
    maxPollIntervalMs: atLeast("maxPollInterval", options.maxPollInterval ?? 300_000, 1),
    autoCommit: options.autoCommit ?? true,
    autoCommitIntervalMs: atLeast("autoCommitInterval", options.autoCommitInterval ?? 5000, 1),
    assignors: resolveAssignors(options.assignors ?? ["range", "roundrobin"]),
    serverAssignor: options.serverAssignor ?? null,
    onAssigned: options.onAssigned,
    onRevoked: options.onRevoked,
    onLost: options.onLost,
    onStatus: options.onStatus,
  };
}

/** The names of GroupConsumerOptions. */
export const GROUP_CONSUMER_NAMES: Names<GroupConsumerOptions> = {
  ...READING_NAMES,
  groupId: true,
  topics: true,
  consumerId: true,
  groupInstanceId: true,
  protocol: true,
  sessionTimeout: true,
  heartbeatInterval: true,
  rebalanceTimeout: true,
  maxPollInterval: true,
  autoCommit: true,
  autoCommitInterval: true,
  assignors: true,
  serverAssignor: true,
  onAssigned: true,
  onRevoked: true,
  onLost: true,
  onStatus: true,
};
