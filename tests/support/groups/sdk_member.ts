/**
 * Program of a group member on our SDK: `sdk_member.ts ADDRESS TOPIC GROUP PROTOCOL ASSIGNOR`.
 *
 * It prints its assignments and messages until it is killed. An offset is committed after its message was
 * printed, at most a tenth of a second later.
 *
 * @module
 */

import { Client, type TopicPartition } from "../../../client/mod.ts";
import { tell } from "./member_journal.ts";
import { HEARTBEAT_INTERVAL_MS, REBALANCE_TIMEOUT_MS, SESSION_TIMEOUT_MS } from "./member_times.ts";

type Arguments = [string, string, string, "classic" | "consumer", "range" | "roundrobin"];

const [address, topic, groupId, protocol, assignor] = Deno.args as Arguments;
const client = new Client({
  brokers: address,
  clientId: "sdk",
  retry: { initialBackoffMs: 50, maxBackoffMs: 500 },
});
const consumer = client.groupConsumer({
  groupId,
  topics: topic,
  protocol,
  assignors: [assignor],
  sessionTimeoutMs: SESSION_TIMEOUT_MS,
  heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
  rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
  autoCommitIntervalMs: 100,
  autoOffsetReset: "earliest",
  onAssigned: () => tellAssignment([]),
  onRevoked: (partitions) => tellAssignment(partitions),
  onLost: (partitions) => tellAssignment(partitions, true),
});

let generation = -1;

/** Prints the member's partitions, except those it is giving up. */
function tellAssignment(without: readonly TopicPartition[], isLoss: boolean = false): void {
  // A member that lost all partitions is in no generation; it had them in the last one.
  generation = Math.max(generation, consumer.status.generation);
  const lost = new Set(without.map(({ partition }) => partition));
  tell({
    type: "assignment",
    partitions: consumer.assignment.map(({ partition }) => partition).filter((p) => !lost.has(p)),
    ...(protocol === "classic" ? { generation } : {}),
    isLoss,
    time: Date.now(),
  });
}

for (;;) {
  try {
    for await (const message of consumer) {
      const { partition, offset } = message;
      tell({ type: "message", partition, offset, value: message.text() });
    }
  } catch (error) {
    // An unreachable broker ends the loop but not the member.
    console.error(error);
  }
}
