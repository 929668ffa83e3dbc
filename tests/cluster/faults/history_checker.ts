/**
 * Compares what clients saw with what was promised, in time linear in the number of events.
 *
 * The kinds of violations are those that Jepsen looks for in Kafka, and divergence of replicas.
 *
 * @module
 */

import type { FinalState, HistoryEvent, LogRecord } from "./history.ts";

/** What is wrong. */
export type ViolationKind =
  /** An acknowledged value is not in the log. */
  | "lost write"
  /** An acknowledged value is in the log at another offset than was said. */
  | "moved write"
  /** A value is in the log twice. */
  | "duplicate"
  /** Values of one producer are in the log in another order than they were sent. */
  | "reordered"
  /** A value was read that nobody sent. */
  | "unknown value"
  /** A value is in the log whose send failed for certain. */
  | "aborted read"
  /** A value was read that is no longer in the log. */
  | "taken back"
  /** An offset had two values. */
  | "two values"
  /** A member read an offset again, or an earlier one, without a new assignment. */
  | "backward poll"
  /** A member read past a record. */
  | "skipped poll"
  /** A group never read a record. */
  | "unseen"
  /** A group would continue before the offset that it has committed. */
  | "lost commit"
  /** The copies of a partition differ. */
  | "divergence"
  /** The files of a broker are not sound. */
  | "damage";

/** A violation. */
export interface Violation {
  readonly kind: ViolationKind;
  readonly partition: number;
  readonly offset: number;
  readonly detail: string;
}

/** A value, from its send to its acknowledgement. */
interface Sending {
  readonly client: string;
  readonly partition: number;
  /** The order of the producer's sends. */
  readonly order: number;
  /** undefined until it is acknowledged. */
  offset: number | undefined;
  hasFailed: boolean;
}

/** What members read between two assignments, as triples of partition, offset and value's index. */
interface Reading {
  readonly group: string;
  readonly client: string;
  readonly polls: number[];
}

/** Checks one history. */
export class HistoryChecker {
  readonly #sendings: Map<string, Sending> = new Map();
  readonly #values: string[] = [];
  readonly #indexes: Map<string, number> = new Map();
  readonly #readings: Reading[] = [];
  readonly #current: Map<string, Reading> = new Map();
  readonly #commits: Map<string, number[]> = new Map();
  readonly #violations: Violation[] = [];
  #order = 0;
  #polls = 0;

  /** Number of acknowledged sends, and of reads. */
  get counts(): { readonly acknowledged: number; readonly polled: number } {
    let acknowledged = 0;
    for (const { offset } of this.#sendings.values()) if (offset !== undefined) acknowledged++;
    return { acknowledged, polled: this.#polls };
  }

  /** Adds an event; those of one client in their order. */
  add(event: HistoryEvent): void {
    switch (event.type) {
      case "send": {
        const { client, partition, value } = event;
        const order = this.#order++;
        this.#sendings.set(value, {
          client,
          partition,
          order,
          offset: undefined,
          hasFailed: false,
        });
        break;
      }
      case "sent": {
        const sending = this.#sendings.get(event.value);
        if (sending !== undefined) sending.offset = event.offset;
        break;
      }
      case "failed": {
        const sending = this.#sendings.get(event.value);
        if (sending !== undefined && event.isDefinite) sending.hasFailed = true;
        break;
      }
      case "assigned":
        this.#begin(event.group, event.client);
        break;
      case "polled": {
        const { group, client, partition, offset, value } = event;
        const reading = this.#current.get(`${group}/${client}`) ?? this.#begin(group, client);
        reading.polls.push(partition, offset, this.#indexOf(value));
        this.#polls++;
        break;
      }
      case "committed": {
        const { group, partition, offset } = event;
        let offsets = this.#commits.get(group);
        if (offsets === undefined) this.#commits.set(group, offsets = []);
        offsets[partition] = Math.max(offsets[partition] ?? -1, offset);
      }
    }
  }

  /** Compares all events with the final state. */
  check(final: FinalState): readonly Violation[] {
    const logs = final.logs.map((records) => new FinalLog(records));
    for (const [partition, log] of logs.entries()) this.#checkLog(partition, log);
    this.#checkAcknowledgements(logs);
    for (const reading of this.#readings) this.#checkReading(reading, logs);
    this.#checkGroups(logs);
    this.#checkCommits(final);
    for (const { broker, partition, records } of final.replicas) {
      this.#checkReplica(broker, partition, records, logs[partition]!);
    }
    return this.#violations;
  }

  #begin(group: string, client: string): Reading {
    const reading: Reading = { group, client, polls: [] };
    this.#readings.push(reading);
    this.#current.set(`${group}/${client}`, reading);
    return reading;
  }

  #indexOf(value: string): number {
    let index = this.#indexes.get(value);
    if (index === undefined) {
      this.#indexes.set(value, index = this.#values.length);
      this.#values.push(value);
    }
    return index;
  }

  #report(kind: ViolationKind, partition: number, offset: number, detail: string): void {
    this.#violations.push({ kind, partition, offset, detail });
  }

  #checkLog(partition: number, log: FinalLog): void {
    const last = new Map<string, number>();
    const seen = new Map<string, number>();
    for (const { offset, value } of log.records) {
      const first = seen.get(value);
      if (first !== undefined) {
        this.#report("duplicate", partition, offset, `${value} is at ${first}, too`);
        continue;
      }
      seen.set(value, offset);
      const sending = this.#sendings.get(value);
      if (sending === undefined || sending.partition !== partition) {
        this.#report("unknown value", partition, offset, value);
        continue;
      }
      const { client, order, hasFailed } = sending;
      if (hasFailed) this.#report("aborted read", partition, offset, value);
      if (order < (last.get(client) ?? -1)) {
        this.#report("reordered", partition, offset, `${value} was sent earlier`);
      } else last.set(client, order);
    }
  }

  #checkAcknowledgements(logs: readonly FinalLog[]): void {
    for (const [value, { partition, offset }] of this.#sendings) {
      if (offset === undefined) continue;
      const found = logs[partition]?.offsetOf(value);
      if (found === undefined) this.#report("lost write", partition, offset, value);
      else if (offset !== -1 && found !== offset) {
        this.#report("moved write", partition, offset, `${value} is at ${found}`);
      }
    }
  }

  #checkReading({ group, client, polls }: Reading, logs: readonly FinalLog[]): void {
    const who = `${client} of ${group}`;
    const last = new Map<number, number>();
    for (let i = 0; i < polls.length; i += 3) {
      const [partition, offset, index] = [polls[i]!, polls[i + 1]!, polls[i + 2]!];
      const value = this.#values[index]!;
      const log = logs[partition]!;
      const actual = log.valueAt(offset);
      if (actual === undefined) {
        this.#report("taken back", partition, offset, `${who} read ${value}`);
      } else if (actual !== value) {
        this.#report("two values", partition, offset, `${who} read ${value}, there is ${actual}`);
      }
      const before = last.get(partition);
      if (before !== undefined && offset <= before) {
        this.#report("backward poll", partition, offset, `${who} had read ${before}`);
      } else if (before !== undefined && log.next(before) < offset) {
        this.#report("skipped poll", partition, log.next(before), `${who} read ${offset}`);
      }
      last.set(partition, offset);
    }
  }

  #checkGroups(logs: readonly FinalLog[]): void {
    const seen = new Map<string, Set<number>[]>();
    for (const { group, polls } of this.#readings) {
      let sets = seen.get(group);
      if (sets === undefined) seen.set(group, sets = logs.map(() => new Set()));
      for (let i = 0; i < polls.length; i += 3) sets[polls[i]!]!.add(polls[i + 1]!);
    }
    for (const [group, sets] of seen) {
      for (const [partition, { records }] of logs.entries()) {
        for (const { offset, value } of records) {
          if (sets[partition]!.has(offset)) continue;
          this.#report("unseen", partition, offset, `${group} did not read ${value}`);
        }
      }
    }
  }

  #checkCommits({ commits }: FinalState): void {
    for (const [group, offsets] of this.#commits) {
      offsets.forEach((offset, partition) => {
        const found = commits.get(group)?.[partition] ?? -1;
        if (found >= offset) return;
        this.#report("lost commit", partition, offset, `${group} continues at ${found}`);
      });
    }
  }

  /** A copy may lack the end of the log, and nothing else. */
  #checkReplica(
    broker: number,
    partition: number,
    records: readonly LogRecord[],
    log: FinalLog,
  ): void {
    let expected = 0;
    for (const { offset, value } of records) {
      const there = log.records[expected++];
      if (there?.offset === offset && there.value === value) continue;
      const detail = there === undefined
        ? `broker ${broker} has ${value}, which is not in the log`
        : `broker ${broker} has ${value} at ${offset}, the log has ${there.value} at ${there.offset}`;
      this.#report("divergence", partition, offset, detail);
      return;
    }
  }
}

/** The records of a partition. */
class FinalLog {
  readonly records: readonly LogRecord[];
  readonly #byOffset: Map<number, string> = new Map();
  readonly #byValue: Map<string, number> = new Map();
  readonly #next: Map<number, number> = new Map();

  constructor(records: readonly LogRecord[]) {
    this.records = records;
    for (const [at, { offset, value }] of records.entries()) {
      this.#byOffset.set(offset, value);
      if (!this.#byValue.has(value)) this.#byValue.set(value, offset);
      this.#next.set(offset, records[at + 1]?.offset ?? Infinity);
    }
  }

  valueAt(offset: number): string | undefined {
    return this.#byOffset.get(offset);
  }

  offsetOf(value: string): number | undefined {
    return this.#byValue.get(value);
  }

  /** The offset of the record after another. */
  next(offset: number): number {
    return this.#next.get(offset) ?? Infinity;
  }
}
