import { assertEquals } from "@std/assert";
import type { ClusterState } from "../cluster/cluster_state.ts";
import { silentLogger } from "../logger.ts";
import { ManualClock } from "../time/clock.ts";
import { shutDownControlled } from "./controlled_shutdown.ts";
import type { HeartbeatManager } from "./heartbeat_manager.ts";

/** A broker among others that may stop, and whose clients are active until a time. */
function shutDown(activeUntilMs: number, others: number) {
  const clock = new ManualClock();
  const startMs = clock.monotonic();
  const steps: string[] = [];
  const step = (name: string) => () => Promise.resolve(void steps.push(name));
  const cluster = {
    nodeId: 1,
    brokers: Array.from({ length: others + 1 }, (_, at) => ({ id: at + 1 })),
    isFenced: false,
    incarnation: "a",
    membership: { beginShutdown: step("begin"), resign: step("resign") },
  } as unknown as ClusterState;
  const heartbeats = { mayShutDown: () => Promise.resolve(true) } as unknown as HeartbeatManager;
  let endedMs: number | undefined;
  const ended = shutDownControlled({
    cluster,
    heartbeats,
    clock,
    logger: silentLogger,
    lastActiveMs: () => Math.min(clock.monotonic(), startMs + activeUntilMs),
  }).then(() => void (endedMs = clock.monotonic() - startMs));
  return {
    steps,
    async end(): Promise<number> {
      for (let ms = 0; endedMs === undefined && ms < 10_000; ms++) {
        for (let round = 0; round < 20; round++) await undefined;
        if (endedMs === undefined) clock.advance(1);
      }
      await ended;
      return endedMs!;
    },
  };
}

Deno.test("shutDownControlled() ends when clients have been quiet for a moment", async () => {
  const test = shutDown(120, 2);
  assertEquals(await test.end(), 170);
  assertEquals(test.steps, ["begin", "resign"]);
  assertEquals(await shutDown(-1000, 2).end(), 0);
});

Deno.test("shutDownControlled() does not wait long for clients that are never quiet", async () => {
  assertEquals(await shutDown(Infinity, 2).end(), 250);
});

Deno.test("shutDownControlled() of the only broker does nothing", async () => {
  const test = shutDown(Infinity, 0);
  assertEquals(await test.end(), 0);
  assertEquals(test.steps, []);
});
