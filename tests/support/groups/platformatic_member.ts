/**
 * Program of a group member on `@platformatic/kafka`:
 * `platformatic_member.ts ADDRESS TOPIC GROUP classic|consumer`.
 *
 * It prints its assignments and messages until it is killed. An offset is committed after its message was
 * printed. The commit of a partition's last message is retried until it succeeds: the member epoch may
 * change while a commit is in flight (KIP-848), and the client does not retry.
 *
 * @module
 */

import { tell } from "./member_journal.ts";
import { HEARTBEAT_INTERVAL_MS, REBALANCE_TIMEOUT_MS, SESSION_TIMEOUT_MS } from "./member_times.ts";
import {
  Consumer,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  platformaticOptions,
} from "../clients/platformatic.ts";

const [address, topic, groupId, protocol] = Deno.args as [string, string, string, string];
const consumer = new Consumer({
  ...platformaticOptions(address),
  retries: 20,
  retryDelay: 100,
  groupId,
  maxWaitTime: HEARTBEAT_INTERVAL_MS,
  ...(protocol === "consumer" ? { groupProtocol: "consumer" } : {
    groupProtocol: "classic",
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
  }),
});

function assigned(): readonly number[] {
  return consumer.assignments?.find((assignment) => assignment.topic === topic)?.partitions ?? [];
}

if (protocol === "classic") {
  consumer.on("consumer:group:join", ({ generationId }) => {
    tell({
      type: "assignment",
      generation: generationId,
      partitions: assigned(),
      time: Date.now(),
    });
  });
} else {
  // The client changes its partitions between two heartbeats and reports that with the next; "start" is
  // printed before it is sent.
  let told: string | undefined;
  const tellChange = () => {
    const partitions = assigned();
    if (told === `${partitions}`) return;
    told = `${partitions}`;
    tell({ type: "assignment", partitions, time: Date.now() });
  };
  consumer.on("consumer:heartbeat:start", tellChange);
  consumer.on("consumer:heartbeat:end", tellChange);
}

const COMMIT_RETRY_MS = 50;

/** By partition, the function that commits the last printed message. */
const commits = new Map<number, () => unknown>();

async function commitUntilTaken(partition: number, commit: () => unknown): Promise<void> {
  commits.set(partition, commit);
  // The stream may still hold messages of partitions that moved to another member.
  while (commits.get(partition) === commit && assigned().includes(partition)) {
    try {
      await commit();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, COMMIT_RETRY_MS));
    }
  }
}

for (;;) {
  try {
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.COMMITTED,
      fallbackMode: MessagesStreamFallbackModes.EARLIEST,
      autocommit: false,
    });
    for await (const { partition, offset, value, commit } of stream) {
      tell({ type: "message", partition, offset: Number(offset), value: `${value}` });
      commitUntilTaken(partition, commit);
    }
  } catch (error) {
    // A commit during a rebalance, or an unreachable broker, ends the stream but not the member.
    console.error(error);
  }
}
