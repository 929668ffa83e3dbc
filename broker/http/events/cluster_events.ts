/**
 * The last events of the cluster, as this broker has seen them: brokers that come and go, topics, leaders,
 * in-sync replicas and settings that change.
 *
 * Many partitions that change together are one event, so that a broker which fails does not push out
 * everything before it.
 *
 * @module
 */

import type { ClusterChange, ClusterState, TopicState } from "../../cluster/cluster_state.ts";
import type { Clock } from "../../time/clock.ts";

/** Most events that are kept. */
const MAX_EVENTS = 1000;
/** Changes of partitions of one topic within this time are one event. */
const TOGETHER_MS = 2000;
/** Most partitions that an event names. */
const MAX_NAMED = 20;

/** The kinds of events. */
export type EventType = "broker" | "controller" | "topic" | "leader" | "isr" | "config";

/** An event. */
export interface ClusterEvent {
  /** Rises with each event of this broker. */
  readonly sequence: number;
  /** In milliseconds since the epoch. */
  readonly timeMs: number;
  readonly type: EventType;
  /** What it is about: a topic, a broker such as `broker 1`, or the cluster. */
  readonly object: string;
  readonly text: string;
  /** Whether an operator may have to look. */
  readonly isWarning: boolean;
}

/** Changes of partitions that become one event. */
interface Together {
  event: ClusterEvent;
  readonly partitions: Map<number, string>;
}

/** Keeps the events. */
export class ClusterEvents implements Disposable {
  readonly #cluster: ClusterState;
  readonly #clock: Clock;
  readonly #unsubscribe: () => void;
  readonly #events: ClusterEvent[] = [];
  #sequence = 0;
  #brokers: ReadonlyMap<number, number>;
  #controllerId: number;
  /** The last changes of leaders and ISRs, by type and topic. */
  readonly #together: Map<string, Together> = new Map();

  constructor(cluster: ClusterState, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
    this.#brokers = this.#registered();
    this.#controllerId = cluster.controllerId;
    this.#unsubscribe = cluster.onChange((change) => this.#note(change));
  }

  /** The events after a sequence number, the oldest first. */
  after(sequence: number): readonly ClusterEvent[] {
    return this.#events.filter((event) => event.sequence > sequence);
  }

  /** Stops. */
  [Symbol.dispose](): void {
    this.#unsubscribe();
  }

  #registered(): ReadonlyMap<number, number> {
    return new Map(this.#cluster.brokers.map(({ id, epoch }) => [id, epoch]));
  }

  #note(change: ClusterChange): void {
    this.#noteController();
    switch (change.type) {
      case "brokers":
        return this.#noteBrokers();
      case "topic":
        return this.#noteTopic(change.name, change.before, change.after, change.partition);
      case "broker-configs":
        return void this.#add("config", "cluster", "Settings of brokers were changed");
      case "resource-configs":
        return void this.#add(
          "config",
          "cluster",
          "Settings of groups or of client metrics were changed",
        );
      case "features":
        return void this.#add("config", "cluster", "Feature levels were changed");
    }
  }

  #noteController(): void {
    const { controllerId } = this.#cluster;
    if (controllerId === this.#controllerId) return;
    this.#controllerId = controllerId;
    if (controllerId < 0) this.#add("controller", "cluster", "There is no controller", true);
    else this.#add("controller", `broker ${controllerId}`, "Became the controller");
  }

  #noteBrokers(): void {
    const before = this.#brokers;
    const after = this.#brokers = this.#registered();
    for (const [id, epoch] of after) {
      if (before.get(id) === epoch) continue;
      this.#add("broker", `broker ${id}`, before.has(id) ? "Registered again" : "Registered");
    }
    for (const id of before.keys()) {
      if (!after.has(id)) this.#add("broker", `broker ${id}`, "Left the cluster", true);
    }
  }

  #noteTopic(
    name: string,
    before: TopicState | undefined,
    after: TopicState | undefined,
    partition: number | undefined,
  ): void {
    if (after === undefined) return void this.#add("topic", name, "Was deleted");
    const count = after.partitions.length;
    if (before === undefined || before.id !== after.id) {
      return void this.#add("topic", name, `Was created with ${count} partition${plural(count)}`);
    }
    if (partition !== undefined) return this.#notePartition(name, before, after, partition);
    if (before.partitions.length < count) {
      this.#add("topic", name, `Got partitions: ${before.partitions.length} → ${count}`);
    }
    if (before.configs !== after.configs) this.#noteConfigs(name, before, after);
  }

  #noteConfigs(topic: string, before: TopicState, after: TopicState): void {
    const names = new Set([...before.configs.keys(), ...after.configs.keys()]);
    const changes = [...names].filter((name) =>
      before.configs.get(name) !== after.configs.get(name)
    ).map((name) => {
      const value = after.configs.get(name);
      return value === undefined ? `${name} was reset` : `${name} = ${value}`;
    });
    if (changes.length > 0) this.#add("config", topic, changes.join(", "));
  }

  #notePartition(topic: string, before: TopicState, after: TopicState, index: number): void {
    const was = before.partitions[index];
    const is = after.partitions[index];
    if (was === undefined || is === undefined) return;
    if (was.leaderId !== is.leaderId || was.leaderEpoch !== is.leaderEpoch) {
      const isUnclean = is.uncleanEpoch === is.leaderEpoch;
      const how = isUnclean ? " (unclean: records may be lost)" : "";
      this.#addPartition(
        "leader",
        topic,
        index,
        `${was.leaderId} → ${is.leaderId}${how}`,
        isUnclean,
      );
    } else if (was.isr.join() !== is.isr.join()) {
      const isShrunk = was.isr.some((id) => !is.isr.includes(id));
      this.#addPartition("isr", topic, index, `${was.isr} → ${is.isr}`, isShrunk);
    }
  }

  /** Adds a change of a partition, to the event of others that changed a moment ago if there is one. */
  #addPartition(
    type: "leader" | "isr",
    topic: string,
    index: number,
    text: string,
    isWarning: boolean,
  ): void {
    const key = `${type} ${topic}`;
    const nowMs = this.#clock.now();
    const together = this.#together.get(key);
    const isRecent = together !== undefined && nowMs - together.event.timeMs < TOGETHER_MS &&
      together.event.isWarning === isWarning && this.#events.includes(together.event);
    const partitions = isRecent ? together.partitions : new Map<number, string>();
    partitions.set(index, text);
    const all = textOf(type, partitions);
    if (isRecent) {
      // With a new number, so that those who ask for later ones see it.
      this.#events.splice(this.#events.lastIndexOf(together.event), 1);
      together.event = { ...together.event, sequence: ++this.#sequence, text: all };
      this.#events.push(together.event);
      return;
    }
    for (const [old, { event }] of this.#together) {
      if (nowMs - event.timeMs >= TOGETHER_MS) this.#together.delete(old);
    }
    const event = this.#add(type, topic, all, isWarning);
    this.#together.set(key, { event, partitions });
  }

  #add(type: EventType, object: string, text: string, isWarning = false): ClusterEvent {
    const timeMs = this.#clock.now();
    const event = { sequence: ++this.#sequence, timeMs, type, object, text, isWarning };
    this.#events.push(event);
    if (this.#events.length > MAX_EVENTS) this.#events.shift();
    return event;
  }
}

function textOf(type: "leader" | "isr", partitions: ReadonlyMap<number, string>): string {
  const what = type === "leader" ? "Leader" : "In-sync replicas";
  const named = partitions.entries().take(MAX_NAMED)
    .map(([index, text]) => `partition ${index}: ${text}`).toArray();
  const more = partitions.size - named.length;
  return `${what} of ${named.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

function plural(count: number): string {
  return count === 1 ? "" : "s";
}
