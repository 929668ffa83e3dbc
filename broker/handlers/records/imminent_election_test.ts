import { assertEquals } from "@std/assert";
import type { ClusterState } from "../../cluster/cluster_state.ts";
import type { RequestContext } from "../../handler.ts";
import { ManualClock } from "../../time/clock.ts";
import { Timeouts } from "../../time/timeouts.ts";
import type { Partition } from "../../topics/partition.ts";
import { mayLeadSoon, whenElected } from "./imminent_election.ts";

interface Given {
  readonly isr?: readonly number[];
  readonly registered?: readonly number[];
  readonly stopping?: readonly number[];
  readonly isLeader?: boolean;
  readonly isFenced?: boolean;
}

/** Whether broker 2 may soon lead a partition of broker 1. */
function may(given: Given): boolean {
  const { isr = [1, 2], registered = [1, 2], stopping = [], isLeader = false } = given;
  return mayLeadSoon({ isr, leaderId: 1, isLeader } as unknown as Partition, {
    nodeId: 2,
    isFenced: given.isFenced ?? false,
    broker: (id: number) => registered.includes(id) ? { id } : undefined,
    isShuttingDown: (id: number) => stopping.includes(id),
  } as unknown as ClusterState);
}

Deno.test("mayLeadSoon() holds in sync with a leader that has gone or is about to stop", () => {
  assertEquals(may({ stopping: [1] }), true);
  assertEquals(may({ registered: [2] }), true);
  assertEquals(may({}), false);
  assertEquals(may({ stopping: [3] }), false);
  assertEquals(may({ stopping: [1], isr: [1, 3] }), false);
  assertEquals(may({ stopping: [1], isLeader: true }), false);
  assertEquals(may({ stopping: [1], isFenced: true }), false);
});

/** A wait for the election of a partition's leader. */
function waiting() {
  const clock = new ManualClock();
  const connection = new AbortController();
  const callbacks = new Set<() => void>();
  const partition = {
    leaderEpoch: 3,
    subscribe: (callback: () => void) => {
      callbacks.add(callback);
      return () => callbacks.delete(callback);
    },
  };
  const context = { broker: { timeouts: new Timeouts(clock) }, signal: connection.signal };
  let isOver = false;
  whenElected(partition as unknown as Partition, context as unknown as RequestContext)
    .then(() => isOver = true);
  return {
    clock,
    connection,
    partition,
    notify: () => callbacks.forEach((callback) => callback()),
    async isOver() {
      for (let round = 0; round < 5; round++) await undefined;
      assertEquals(callbacks.size, isOver ? 0 : 1);
      return isOver;
    },
  };
}

Deno.test("whenElected() resolves at the next epoch", async () => {
  const test = waiting();
  // More is committed.
  test.notify();
  assertEquals(await test.isOver(), false);
  test.partition.leaderEpoch = 4;
  test.notify();
  assertEquals(await test.isOver(), true);
});

Deno.test("whenElected() resolves after a moment, or when the connection has ended", async () => {
  const late = waiting();
  late.clock.advance(199);
  assertEquals(await late.isOver(), false);
  late.clock.advance(1);
  assertEquals(await late.isOver(), true);
  const ended = waiting();
  ended.connection.abort();
  assertEquals(await ended.isOver(), true);
});
