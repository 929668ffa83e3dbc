import { assertEquals } from "@std/assert";
import type { ClusterState } from "../cluster/cluster_state.ts";
import { PresentBrokers } from "./present_brokers.ts";

/** Brokers that are registered under their id as epoch. */
function presentOf(...ids: number[]) {
  let nowMs = 0;
  const stopping = new Set<number>();
  const cluster = {
    brokers: [] as { id: number; epoch: number }[],
    isShuttingDown: (id: number) => stopping.has(id),
  };
  const register = (...ids: number[]) => cluster.brokers = ids.map((id) => ({ id, epoch: id }));
  register(...ids);
  const present = new PresentBrokers(cluster as unknown as ClusterState, () => nowMs);
  return {
    epochs: () => [1, 2, 3].map((id) => present.epochOf(id)),
    register(...ids: number[]) {
      register(...ids);
      present.update();
    },
    stop: (id: number) => stopping.add(id),
    pass: (ms: number) => nowMs += ms,
  };
}

Deno.test("PresentBrokers misses a broker as soon as its registration ends", () => {
  const brokers = presentOf(1, 2, 3);
  brokers.register(1, 2);
  assertEquals(brokers.epochs(), [1, 2, undefined]);
});

Deno.test("PresentBrokers gives most brokers time to return when they go together", () => {
  const brokers = presentOf(1, 2, 3);
  brokers.register(1);
  assertEquals(brokers.epochs(), [1, 2, 3]);
  brokers.pass(1000);
  brokers.register(1, 2);
  // The last one is alone now.
  assertEquals(brokers.epochs(), [1, 2, undefined]);
  brokers.register(1);
  assertEquals(brokers.epochs(), [1, 2, 3]);
  brokers.pass(999);
  assertEquals(brokers.epochs(), [1, 2, 3]);
  brokers.pass(1);
  assertEquals(brokers.epochs(), [1, undefined, undefined]);
});

Deno.test("PresentBrokers does not wait for brokers that have shut down", () => {
  const brokers = presentOf(1, 2, 3);
  brokers.stop(2);
  brokers.stop(3);
  brokers.register(1);
  assertEquals(brokers.epochs(), [1, undefined, undefined]);
});
