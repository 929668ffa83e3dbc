/**
 * What clients did and saw while a cluster had faults, and what is in its logs at the end.
 *
 * A client writes each event as a line of JSON before it continues. Values are unique.
 *
 * @module
 */

/** An event of a client. Times are in milliseconds since 1970. */
export type HistoryEvent =
  | SendEvent
  | SentEvent
  | FailedEvent
  | AssignedEvent
  | PolledEvent
  | CommittedEvent;

/** A producer begins to send a value. */
export interface SendEvent {
  readonly type: "send";
  readonly client: string;
  readonly partition: number;
  readonly value: string;
  readonly time: number;
}

/** A value was acknowledged. */
export interface SentEvent {
  readonly type: "sent";
  readonly value: string;
  readonly partition: number;
  /** -1 if the client does not report it. */
  readonly offset: number;
  readonly time: number;
}

/** A value was not acknowledged; it may be in the log unless the failure is definite. */
export interface FailedEvent {
  readonly type: "failed";
  readonly value: string;
  readonly isDefinite: boolean;
  readonly error: string;
  readonly time: number;
}

/** A member of a group has these partitions from now on, and begins to read where the group was. */
export interface AssignedEvent {
  readonly type: "assigned";
  readonly group: string;
  readonly client: string;
  readonly partitions: readonly number[];
  readonly time: number;
}

/** A member has read a value. */
export interface PolledEvent {
  readonly type: "polled";
  readonly group: string;
  readonly client: string;
  readonly partition: number;
  readonly offset: number;
  readonly value: string;
  readonly time: number;
}

/** A commit of a member was acknowledged. */
export interface CommittedEvent {
  readonly type: "committed";
  readonly group: string;
  readonly partition: number;
  /** The offset at which the group continues. */
  readonly offset: number;
  readonly time: number;
}

/** A record in a log. */
export interface LogRecord {
  readonly offset: number;
  readonly value: string;
}

/** A broker's copy of a partition, in order. */
export interface ReplicaLog {
  readonly broker: number;
  readonly partition: number;
  readonly records: readonly LogRecord[];
}

/** The state after all faults are over and all clients have caught up. */
export interface FinalState {
  /** The records of each partition as consumers read them. */
  readonly logs: readonly (readonly LogRecord[])[];
  /** The copies on disk. */
  readonly replicas: readonly ReplicaLog[];
  /** The committed offset of each partition, by group; -1 for none. */
  readonly commits: ReadonlyMap<string, readonly number[]>;
}
