import { assertEquals } from "@std/assert";
import { LogOfflineError } from "../../../storage/mod.ts";
import { silentLogger } from "../../logger.ts";
import { leaveOnLogFailure } from "./log_failure.ts";
import type { Partition } from "../partition.ts";

Deno.test("leaveOnLogFailure() leaves the cluster once, for the log of a partition with other replicas", () => {
  const replicated = new Set(["orders-with-dash 3", "orders 0"]);
  const events: string[] = [];
  const onFailure = leaveOnLogFailure({
    topics: {
      partition: (topic, index) =>
        topic === "unknown"
          ? undefined
          : { isReplicated: replicated.has(`${topic} ${index}`) } as Partition,
    },
    membership: { leave: () => Promise.resolve(void events.push("left")) },
    logger: silentLogger,
    onFatal: ({ message }) => events.push(message),
  });
  for (const log of ["orders-with-dash-2", "unknown-0", "__cluster_metadata-0"]) {
    onFailure(log, new LogOfflineError(log));
  }
  assertEquals(events, []);
  for (const log of ["orders-with-dash-3", "orders-0", "orders-with-dash-3"]) {
    onFailure(log, new LogOfflineError(log));
  }
  assertEquals(events, ["left", "orders-with-dash-3"]);
});
