/**
 * Program of a group member on kafkajs: `kafkajs_member.ts ADDRESS TOPIC GROUP`.
 *
 * It prints its assignments and messages until it is killed. An offset is committed after its message was
 * printed, at most a tenth of a second later.
 *
 * @module
 */

import { Kafka, logLevel } from "../clients/kafkajs.ts";
import { tell } from "./member_journal.ts";
import { HEARTBEAT_INTERVAL_MS, REBALANCE_TIMEOUT_MS, SESSION_TIMEOUT_MS } from "./member_times.ts";

const [address, topic, groupId] = Deno.args as [string, string, string];
/** Soon again, and for longer than a test waits: a broker may take long to start again. */
const QUICK = { initialRetryTime: 50, maxRetryTime: 500, retries: 200 };
const kafka = new Kafka({
  clientId: "kafkajs",
  brokers: [address],
  retry: QUICK,
  logLevel: logLevel.DEBUG,
  // It reports generations only in its log.
  logCreator: () => ({ log }) => {
    if (log.message !== "Received assignment") return;
    const { generationId, memberAssignment } = log;
    const partitions: number[] = memberAssignment[topic] ?? [];
    tell({ type: "assignment", generation: generationId, partitions, time: Date.now() });
  },
});
const consumer = kafka.consumer({
  groupId,
  sessionTimeout: SESSION_TIMEOUT_MS,
  heartbeatInterval: HEARTBEAT_INTERVAL_MS,
  rebalanceTimeout: REBALANCE_TIMEOUT_MS,
  // Heartbeats wait for fetches.
  maxWaitTimeInMs: HEARTBEAT_INTERVAL_MS,
  retry: QUICK,
});
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  autoCommitInterval: 100,
  eachMessage: ({ partition, message }) => {
    const { offset, value } = message;
    tell({ type: "message", partition, offset: Number(offset), value: `${value}` });
    return Promise.resolve();
  },
});
