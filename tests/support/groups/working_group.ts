/**
 * A group of member processes, and the invariants of such a group.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Admin } from "../../../client/mod.ts";
import { GroupMember, type MemberKind, type MemberOptions } from "./group_member.ts";
import { OverdueError, within } from "../within.ts";

/** Time between two requests for committed offsets, which are polled. */
const POLL_MS = 50;

/** A group that reads one topic. */
export class WorkingGroup {
  readonly #options: Omit<MemberOptions, "onEvent">;
  readonly #partitions: number;
  readonly #checks = new Set<() => void>();
  readonly #members: GroupMember[] = [];

  constructor(options: Omit<MemberOptions, "onEvent">, partitions: number) {
    this.#options = options;
    this.#partitions = partitions;
  }

  /** All members that were ever added, in order. */
  get members(): readonly GroupMember[] {
    return this.#members;
  }

  get #living(): GroupMember[] {
    return this.#members.filter(({ killTime }) => killTime === undefined);
  }

  /** Starts further members, all at the same time. */
  add(count: number, kind: MemberKind = this.#options.kind, address = this.#options.address): void {
    for (let i = 0; i < count; i++) {
      const onEvent = () => this.#checks.forEach((check) => check());
      this.#members.push(new GroupMember({ ...this.#options, kind, address, onEvent }));
    }
  }

  /**
   * Resolves once the partitions are shared evenly among the live members, in one generation, and each
   * member has processed messages of all its partitions since.
   */
  async untilShared(): Promise<void> {
    await this.#until(() => {
      const living = this.#living;
      const least = Math.floor(this.#partitions / living.length);
      const most = Math.ceil(this.#partitions / living.length);
      const owned = living.flatMap(({ assignment }) => assignment?.partitions ?? []);
      return living.every(({ assignment }) => {
        const share = assignment?.partitions.length ?? -1;
        return share >= least && share <= most;
      }) &&
        owned.length === this.#partitions && new Set(owned).size === this.#partitions &&
        new Set(living.map(({ assignment }) => assignment?.generation)).size === 1 &&
        living.every((member) => member.assignment!.partitions.every((p) => member.worked.has(p)));
    }, "the work to be shared evenly");
  }

  /** Resolves once every message below these offsets, one for each partition, is processed. */
  async untilProcessed(ends: readonly number[]): Promise<void> {
    const missing = ends.map((end) => {
      return new Set(Array.from({ length: end }, (_, offset) => offset));
    });
    const seen = new Map(this.#members.map((member) => [member, 0]));
    await this.#until(() => {
      for (const member of this.#members) {
        const { events } = member;
        for (let at = seen.get(member) ?? 0; at < events.length; at++) {
          const event = events[at]!;
          if (event.type === "message") missing[event.partition]!.delete(event.offset);
        }
        seen.set(member, events.length);
      }
      return missing.every(({ size }) => size === 0);
    }, `messages up to ${ends} to be processed`);
  }

  /** Returns the group's committed offsets, by partition; −1 where there is none. */
  async committed(admin: Admin): Promise<number[]> {
    const { topic, groupId } = this.#options;
    const partitions = Array.from({ length: this.#partitions }, (_, partition) => ({
      topic,
      partition,
    }));
    const offsets = await admin.listGroupOffsets(groupId, { partitions });
    return offsets.map(({ offset }) => offset);
  }

  /** Resolves with the committed offsets once all satisfy `condition`. */
  async untilCommitted(
    admin: Admin,
    condition: (offset: number, partition: number) => boolean,
  ): Promise<number[]> {
    let offsets = await this.committed(admin);
    let isOverdue = false;
    const polling = (async () => {
      while (!isOverdue && !offsets.every(condition)) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        offsets = await this.committed(admin);
      }
    })();
    try {
      await this.#within(polling, "commits");
    } catch (error) {
      isOverdue = true;
      await polling;
      throw new Error(`Committed are ${offsets}`, { cause: error });
    }
    return offsets;
  }

  /** Fails unless exactly these messages, by partition and offset, are processed, each at least once. */
  assertProcessed(written: readonly (readonly string[])[]): void {
    const processed: string[][] = written.map(() => []);
    for (const { events } of this.#members) {
      for (const event of events) {
        if (event.type !== "message") continue;
        const { partition, offset, value } = event;
        assertEquals(processed[partition]![offset] ?? value, value, `at ${partition}:${offset}`);
        processed[partition]![offset] = value;
      }
    }
    assertEquals(processed, written);
  }

  /** Fails if a partition was ever owned by two members of one generation. */
  assertOwnedOnce(): void {
    if (this.#options.kind.endsWith("with KIP-848")) this.#assertNeverTwoOwners();
    else this.#assertOneOwnerInGeneration();
  }

  #assertOneOwnerInGeneration(): void {
    const owners = new Map<string, GroupMember>();
    for (const member of this.#members) {
      let last = 0;
      for (const event of member.events) {
        if (event.type !== "assignment") continue;
        const { generation = -1, partitions } = event;
        assert(generation >= last, `generation ${generation} after ${last}`);
        last = generation;
        for (const partition of partitions) {
          const key = `partition ${partition} in generation ${generation}`;
          assert(owners.getOrInsert(key, member) === member, `two owners of ${key}`);
        }
      }
    }
    assert(owners.size >= this.#partitions);
  }

  /** In KIP-848 members give partitions up before others get them, so times must not overlap. */
  #assertNeverTwoOwners(): void {
    for (let partition = 0; partition < this.#partitions; partition++) {
      const spans = this.#members.flatMap((member) => spansOf(member, partition));
      spans.sort((a, b) => a.from - b.from || a.to - b.to);
      assert(spans.length > 0);
      for (const [i, { from }] of spans.entries()) {
        const before = spans[i - 1];
        assert(
          before === undefined || before.to <= from,
          `partition ${partition} was taken at ${from}, given up at ${before?.to}`,
        );
      }
    }
  }

  /** Waits until the events so far satisfy a condition. */
  async #until(condition: () => boolean, what: string): Promise<void> {
    const met = Promise.withResolvers<void>();
    const check = () => {
      if (condition()) met.resolve();
    };
    this.#checks.add(check);
    check();
    try {
      await this.#within(met.promise, what);
    } finally {
      this.#checks.delete(check);
    }
  }

  async #within(promise: Promise<void>, what: string): Promise<void> {
    try {
      const end = Promise.race(this.#living.map((member) => member.end));
      await within(
        Promise.race([promise, end.then((message) => Promise.reject(new Error(message)))]),
        `${what} in "${this.#options.groupId}"`,
      );
    } catch (error) {
      if (!(error instanceof OverdueError)) throw error;
      throw new Error(`${error.message}\n${this.#description}`, { cause: error });
    }
  }

  get #description(): string {
    return this.#members.map(({ assignment, killTime, events, stderr }, i) => {
      const state = killTime === undefined ? "alive" : "killed";
      const last = JSON.stringify(events.at(-1));
      const has = JSON.stringify(assignment);
      return [`member ${i}: ${state}, has ${has}, last ${last}`, ...stderr.slice(-20)].join("\n  ");
    }).join("\n");
  }

  /** Kills all live members. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#living.map((member) => member.kill()));
  }
}

/** A span of time in which a member owned a partition, until it gave it up or died. */
interface Span {
  readonly from: number;
  readonly to: number;
}

function spansOf({ events, killTime = Infinity }: GroupMember, partition: number): Span[] {
  const spans: Span[] = [];
  let from: number | undefined;
  for (const event of events) {
    if (event.type !== "assignment") continue;
    if (event.partitions.includes(partition)) {
      from ??= event.time;
    } else if (from !== undefined) {
      if (!event.isLoss) spans.push({ from, to: event.time });
      from = undefined;
    }
  }
  if (from !== undefined) spans.push({ from, to: killTime });
  return spans;
}
