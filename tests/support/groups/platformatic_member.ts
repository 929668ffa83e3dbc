/**
 * A member of a group made with `@platformatic/kafka`, a program:
 * `platformatic_member.ts ADDRESS TOPIC GROUP classic|consumer`.
 *
 * It tells its assignments and messages until it is killed. An offset is committed after its message
 * was told, the last of a partition until it is taken: the epoch of a member may move on while its
 * commit is on the way (KIP-848), and the client does not try again by itself.
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
  // It takes partitions on and gives them up between two heartbeats, and tells the broker with the
  // next: "start" is said before that is sent.
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

/** By partition, how to commit the last message that was told. */
const commits = new Map<number, () => unknown>();

async function commitUntilTaken(partition: number, commit: () => unknown): Promise<void> {
  commits.set(partition, commit);
  // It may still have messages of partitions that are another's by now.
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
    // A commit in the middle of a rebalance and a broker out of reach end the stream, not the member.
    console.error(error);
  }
}
