import { assertEquals } from "@std/assert";
import { Client } from "../../../client/mod.ts";
import { Broker } from "../../broker.ts";
import { createLogger } from "../../logger.ts";
import { ManualClock } from "../../time/clock.ts";
import { type AuditTopic, TopicAuditWriter } from "./topic_audit_writer.ts";

class World implements AuditTopic {
  readonly clock = new ManualClock();
  readonly lines: string[] = [];
  readonly batches: string[][] = [];
  readonly writer: TopicAuditWriter;
  state: "appended" | "missing" | "elsewhere" | "broken" = "appended";
  creations = 0;
  creating: Promise<void> = Promise.resolve();

  constructor() {
    const logger = createLogger({ sink: (line) => this.lines.push(line), clock: this.clock });
    this.writer = new TopicAuditWriter({ topic: this, clock: this.clock, logger });
  }

  append(lines: readonly string[]) {
    if (this.state === "broken") throw new Error("disk full");
    if (this.state === "appended") this.batches.push([...lines]);
    return this.state;
  }

  create(): Promise<void> {
    this.creations++;
    return this.creating;
  }
}

Deno.test("TopicAuditWriter appends lines of a moment together", () => {
  const world = new World();
  world.writer.write("1");
  world.writer.write("2");
  assertEquals(world.batches, []);
  world.clock.advance(50);
  assertEquals(world.batches, [["1", "2"]]);
  world.writer.write("3");
  world.writer.close();
  assertEquals(world.batches, [["1", "2"], ["3"]]);
  assertEquals([world.lines, world.clock.timerCount], [[], 0]);
});

Deno.test("TopicAuditWriter keeps lines while the topic is created, and counts what is too much", async () => {
  const world = new World();
  world.state = "missing";
  const { promise, resolve } = Promise.withResolvers<void>();
  world.creating = promise;
  for (let index = 0; index < 1500; index++) world.writer.write(String(index));
  world.clock.advance(1000);
  assertEquals([world.creations, world.batches.length], [1, 0]);
  world.state = "appended";
  resolve();
  for (let round = 0; round < 5; round++) await undefined;
  world.clock.advance(50);
  const [batch] = world.batches;
  assertEquals([batch!.length, batch!.at(-1)], [1001, '{"event":"lost","count":500}']);
});

Deno.test("TopicAuditWriter logs lines that it cannot append, and warns once", async () => {
  const world = new World();
  for (const state of ["broken", "elsewhere"] as const) {
    world.state = state;
    world.writer.write(state);
    world.clock.advance(50);
  }
  world.state = "missing";
  world.creating = Promise.reject(new Error("no controller"));
  world.writer.write("unwritten");
  world.clock.advance(50);
  for (let round = 0; round < 5; round++) await undefined;
  world.writer.close();
  const logged = world.lines.filter((line) => line.includes("Audit "))
    .map((line) => line.split("Audit ")[1]);
  assertEquals(logged, ["broken", "elsewhere", "unwritten"]);
  assertEquals(world.lines.filter((line) => line.includes(" WARN ")).length, 1);
});

Deno.test("Broker with audit.log=topic keeps its audit in the topic, and nothing of it in the log", async () => {
  const lines: string[] = [];
  await using broker = await Broker.start({
    storage: "memory",
    logger: createLogger({ sink: (line) => lines.push(line) }),
    config: { "audit.log": "topic", "audit.topic": "trail" },
  });
  await using client = new Client({ broker });
  await client.admin().createTopic({ name: "orders" });
  await client.admin().deleteTopic("orders");
  const consumer = client.consumer();
  await consumer.subscribe("trail", { from: "earliest" });
  const seen: unknown[] = [];
  for await (const message of consumer) {
    const { event, api, resource } = JSON.parse(message.text()!);
    if (seen.push([event, api, resource]) === 2) break;
  }
  assertEquals(seen, [["change", "CreateTopics", "orders"], ["change", "DeleteTopics", "orders"]]);
  assertEquals(lines.filter((line) => line.includes("Audit ")), []);
});
