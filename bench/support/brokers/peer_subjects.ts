/**
 * The brokers that flags name to compare with.
 *
 * @module
 */

import { type BrokerSubject, commandSubject } from "./broker_subjects.ts";
import { kafkaSubject } from "./kafka_subject.ts";

/** Flags that name peers, with their defaults. */
export const PEER_FLAGS = {
  "kafka-home": undefined,
  "peer-command": undefined,
  "peer-name": "peer",
} as const;

/** Values of the flags. */
export interface PeerFlags {
  readonly "kafka-home": string | undefined;
  readonly "peer-command": string | undefined;
  readonly "peer-name": string;
}

/** Returns Apache Kafka from the jars of `--kafka-home`, and the broker that `--peer-command` starts. */
export async function peerSubjects(flags: PeerFlags): Promise<BrokerSubject[]> {
  const { "kafka-home": home, "peer-command": command, "peer-name": name } = flags;
  return [
    ...(home === undefined ? [] : [await kafkaSubject(home)]),
    ...(command === undefined ? [] : [commandSubject(name, command)]),
  ];
}
