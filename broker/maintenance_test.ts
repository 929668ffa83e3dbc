import { assertEquals } from "@std/assert";
import { MemoryFileSystem } from "../storage/mod.ts";
import { batchOf, TestBroker } from "./broker_testing.ts";
import { createLogger } from "./logger.ts";
import { Maintenance } from "./maintenance.ts";

function start(broker: TestBroker): Maintenance {
  const { topics, config, clock, logger } = broker.context;
  return Maintenance.start({ directory: broker.directory, topics, config, clock, logger });
}

Deno.test("Maintenance applies retention every log.retention.check.interval.ms", async () => {
  await using broker = await TestBroker.start({
    config: { "log.retention.check.interval.ms": 500 },
  });
  const configs = new Map([["retention.ms", "100"], ["segment.bytes", "1024"]]);
  const partition = await broker.createTopic("a", { configs });
  const fill = () => {
    const timestamp = broker.clock.now();
    const batch = batchOf(["x".repeat(900)], { timestamp });
    return partition.append(batch, { acks: 1, nowMs: timestamp });
  };
  for (let i = 0; i < 3; i++) fill();
  const maintenance = start(broker);
  broker.clock.advance(499);
  assertEquals(partition.logStartOffset, 0);
  broker.clock.advance(1);
  assertEquals(partition.logStartOffset, 3);
  while (broker.clock.timerCount < 4) await broker.clock.yield();
  fill();
  broker.clock.advance(500);
  assertEquals(partition.logStartOffset, 4);
  await maintenance.close();
});

Deno.test("Maintenance writes checkpoints every log.flush.offset.checkpoint.interval.ms", async () => {
  const fs = new MemoryFileSystem();
  await using broker = await TestBroker.start({
    fs,
    config: { "log.flush.offset.checkpoint.interval.ms": 1000 },
  });
  const partition = await broker.createTopic("a");
  partition.append(batchOf(["x"]), { acks: 1, nowMs: broker.clock.now() });
  const maintenance = start(broker);
  broker.clock.advance(1000);
  await maintenance.close();
  assertEquals(partition.log.recoveryPoint, 1);
  const path = "/data/recovery-point-offset-checkpoint";
  const text = new TextDecoder().decode(fs.clone({ unsynced: "lost" }).readFileSync(path));
  assertEquals(text.includes("a 0 1"), true);
});

Deno.test("Maintenance goes on after a task failed, and says what failed", async () => {
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line) });
  await using broker = await TestBroker.start({
    config: { "log.retention.check.interval.ms": 10 },
  });
  const { topics, config, clock } = broker.context;
  let runs = 0;
  const failing = {
    removeExpiredProducers: () => {
      runs++;
      throw new Error("out of order");
    },
  } as unknown as TestBroker["directory"];
  const maintenance = Maintenance.start({ directory: failing, topics, config, clock, logger });
  for (let run = 1; run <= 3; run++) {
    broker.clock.advance(10);
    while (lines.length < run) await broker.clock.yield();
    for (let turn = 0; turn < 10; turn++) await broker.clock.yield();
  }
  assertEquals(runs, 3);
  assertEquals(lines[0]!.includes("Retention failed") && lines[0]!.includes("out of order"), true);
  await maintenance.close();
});

Deno.test("Maintenance.close() waits for tasks under way, and leaves no timer", async () => {
  await using broker = await TestBroker.start();
  const timers = broker.clock.timerCount;
  const maintenance = start(broker);
  broker.clock.advance(60_000);
  await maintenance.close();
  assertEquals(broker.clock.timerCount, timers);
});
