import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CommandTest } from "../testing.ts";

Deno.test("bench produce writes messages that bench consume reads", async () => {
  await using test = await CommandTest.start();
  const written = JSON.parse(
    await test.output("bench produce -n 5000 --size 50 --partitions 2 --output json"),
  );
  assertEquals([written.topic, written.messages, written.bytes], ["dqueue-bench", 5000, 250_000]);
  assert(written.messages_per_second > 0);
  assert(written.latency_ms.p50 <= written.latency_ms.max);
  const read = JSON.parse(await test.output("bench consume --output json"));
  assertEquals([read.messages, read.bytes], [5000, 250_000]);
  const some = JSON.parse(await test.output("bench consume -n 100 --output json"));
  assertEquals(some.messages, 100);
  assertMatch(await test.output("bench consume"), /^Messages +5,000\nTime +\d+\.\d\d s\n/);
  // The values differ from message to message.
  const values = (await test.output("consume dqueue-bench -n 100")).trimEnd().split("\n");
  assertEquals(new Set(values).size, 100);
});

Deno.test("bench produce prints percentiles, with bars on a terminal, or as CSV", async () => {
  await using test = await CommandTest.start();
  const terminal = await test.output("bench produce t -n 2000", { stdout: { isTerminal: true } });
  assertMatch(terminal, /^LATENCY +MS\np50 +\d+\.\d+\n/m);
  assertMatch(terminal, /^ *UP TO MS +MESSAGES\n +[\d.]+ +\d+ +#+\n/m);
  const csv = await test.output("bench produce t -n 2000 --rate 20000 --csv");
  const lines = csv.trimEnd().split("\n").map((line) => line.split(","));
  assertEquals(lines[0], ["percentile", "latency_ms", "count"]);
  assertEquals(lines.at(-1)![2], "2000");
  assertEquals(lines.map(([percent]) => percent).slice(1, 3), ["50", "75"]);
});

Deno.test("bench produce --size and --compression apply to the messages", async () => {
  await using test = await CommandTest.start();
  await test.output("bench produce t -n 10 --size 1KiB -z zstd");
  const values = (await test.output("consume t -e")).trimEnd().split("\n");
  assertEquals(values.map((value) => value.length), new Array(10).fill(1024));
});

Deno.test("bench latency measures every message after the warmup, and deletes its topic", async () => {
  await using test = await CommandTest.start();
  const line = "bench latency --rate 2000 --duration 200ms --warmup 50ms";
  const json = JSON.parse(await test.output(`${line} --output json`));
  assertEquals([json.messages, json.messages_per_second, json.size], [400, 2000, 100]);
  assert(json.latency_ms.p50 <= json.latency_ms["p99.9"]);
  assertMatch(await test.output(line), /^Messages +400\n[^]*\np99\.9 +\d+\.\d+\n/);
  assertStringIncludes(await test.output(`${line} --csv`), "percentile,latency_ms,count\n50,");
  assertEquals((await test.run("topic list")).stdout, "");
});

Deno.test("bench latency ignores other messages in a given topic, and keeps the topic", async () => {
  await using test = await CommandTest.start();
  await test.output("produce t -m short -m longer-than-a-number");
  await test.output("bench latency t --rate 1000 --duration 50ms --warmup 0");
  assertMatch(await test.output("topic list"), /^t +1 +1$/m);
});

Deno.test("bench consume fails for an empty topic", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create t");
  const { code, stderr } = await test.run("bench consume t");
  assertEquals(code, 1);
  assertStringIncludes(stderr, 'Cannot read topic "t": there are no messages');
});
