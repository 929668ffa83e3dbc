import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Output } from "../../terminal/output.ts";
import { CommandTest, runIn, WatchedOutput } from "../testing.ts";

Deno.test("consume prints only values in a pipe and text on a terminal", async () => {
  await using test = await CommandTest.start();
  await test.output(["produce", "a", "-f", "%d %k %h{%k=%v }|%v\\n"], {
    stdin: "1600000000000 key h=1 |value\n1600000000001  |tab\tred\x1b[31m\n",
  });
  await test.output(["produce", "a", "-k", "k", "-Z", "-m", ""]);
  const bytes = new Uint8Array([0xff, 0xfe]);
  await test.output(["produce", "a", "-f", "%v"], { stdin: bytes });
  assertEquals(await test.output("consume a -n 2"), "value\ntab\tred\x1b[31m\n");

  const text = await test.output("consume a -e", { stdout: { isTerminal: true } });
  const lines = text.split("\n");
  assertEquals(lines[0], "a-0:0  2020-09-13T12:26:40.000Z  [h=1] key: value");
  assertMatch(lines[1]!, /^a-0:1 {2}2020-09-13T12:26:40.001Z {2}tab/);
  assert(!lines[1]!.includes("\x1b"), "control characters reach the terminal");
  assertMatch(lines[2]!, /k: null$/);
  assertMatch(lines[3]!, / {2}0xfffe$/);
  const colored = await test.output("consume a -n 1", {
    stdout: { isTerminal: true, colored: true },
  });
  assertStringIncludes(colored, "\x1b[36mkey\x1b[39m");
  assertMatch(await test.output("consume a -n 1 --output table"), /^a-0:0 .* key: value\n$/);
});

Deno.test("consume --offset accepts every form of range", async () => {
  await using test = await CommandTest.start();
  const stdin = Array.from({ length: 10 }, (_, i) => `${Date.UTC(2020, 0, 1, i)} ${i}\n`).join("");
  await test.output(["produce", "a", "-f", "%d %v\\n"], { stdin });
  const cases: [offset: string, values: string][] = [
    ["start", "0123456789"],
    ["end", ""],
    ["3", "3456789"],
    ["+8", "89"],
    ["-2", "89"],
    ["-20", "0123456789"],
    ["2:5", "234"],
    [":3", "012"],
    [":end", "0123456789"],
    ["-3:end", "789"],
    ["+7:end", "789"],
    ["5:5", ""],
    ["@2020-01-01T07:00:00Z", "789"],
    ["@2020-01-01T02:30:00Z:2020-01-01T05:00:00Z", "34"],
    ["@2020-01-01:2h", "01"],
    ["@1577836800:end", "0123456789"],
    ["@2021-01-01:end", ""],
    ["@-1h:end", ""],
  ];
  for (const [offset, values] of cases) {
    const stdout = await test.output(["consume", "a", "-e", "-o", offset]);
    assertEquals(stdout.replaceAll("\n", ""), values, offset);
    // A range ends without --exit.
    if (!/:(end|\d)/.test(offset) || offset.startsWith("@2020-01-01T07")) continue;
    const range = await test.output(["consume", "a", "-o", offset]);
    assertEquals(range.replaceAll("\n", ""), values, offset);
  }
});

Deno.test("consume warns if an offset is out of range", async () => {
  await using test = await CommandTest.start();
  await test.output("produce a -m x --count 5");
  await test.output("topic trim a -o 2 --yes");
  const early = await test.run("consume a -e -o 1");
  assertEquals([early.code, early.stdout], [0, "x\nx\nx\n"]);
  assertEquals(early.stderr, 'Warning: "a-0" has offsets 2 to 5, not 1; reading from 2\n');
  const late = await test.run("consume a -e -o 9");
  assertEquals([late.code, late.stdout], [0, ""]);
  assertStringIncludes(late.stderr, "reading from 5");
});

Deno.test("consume reads several topics and partitions, each in order", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a b --partitions 3");
  for (const topic of ["a", "b"]) {
    for (const partition of [0, 1, 2]) {
      const stdin = Array.from({ length: 1000 }, (_, i) => `${topic}${partition}-${i}\n`).join("");
      await test.output(`produce ${topic} -p ${partition}`, { stdin });
    }
  }
  const seen = async (line: string) => {
    const values = (await test.output(line)).trimEnd().split("\n");
    const groups = Map.groupBy(values, (value) => value.split("-")[0]!);
    for (const [group, members] of groups) {
      assertEquals(members, members.map((_, i) => `${group}-${i}`));
    }
    return [...groups].map(([group, { length }]) => `${group}:${length}`).sort().join(" ");
  };
  assertEquals(
    await seen("consume a b -e"),
    "a0:1000 a1:1000 a2:1000 b0:1000 b1:1000 b2:1000",
  );
  assertEquals(await seen("consume a -p 0,2 -e"), "a0:1000 a2:1000");
  assertEquals(await seen("consume -r [ab] -p 1 -o :7"), "a1:7 b1:7");
  assertEquals(await seen("consume -r .* -p 1 -o :1"), "a1:1 b1:1");
  const missing = await test.run("consume a -p 3");
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, 'Cannot find partition 3 of topic "a"');
});

Deno.test("consume --num stops after exactly that number", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a --partitions 2");
  await test.output("produce a -p 0 -m x --count 5000");
  await test.output("produce a -p 1 -m y --count 5000");
  assertEquals((await test.output("consume a -n 1")).length, 2);
  assertEquals((await test.output("consume a -n 7001")).length, 14_002);
  assertEquals((await test.output("consume a -n 20000 -e")).length, 20_000);
});

Deno.test("consume --format formats each message", async () => {
  await using test = await CommandTest.start();
  await test.output("produce a -k key -m one -m two -H h:1");
  const format = "%i %t-%p:%o %k=%v %K %V %h{[%k:%v]} %v{hex} %%\\n";
  assertEquals(
    await test.output(["consume", "a", "-e", "-f", format]),
    "1 a-0:0 key=one 3 3 [h:1] 6f6e65 %\n2 a-0:1 key=two 3 3 [h:1] 74776f %\n",
  );
  const wrong = await test.run("consume a -f %x");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, "Invalid --format: cannot use format");
  const env = { DQUEUE_OUTPUT: "json" };
  assertEquals(await test.output(["consume", "a", "-e", "-f", "%v\\n"], { env }), "one\ntwo\n");
});

Deno.test("consume follows a topic until it is interrupted", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a");
  const watched = new WatchedOutput();
  const context = test.context();
  const running = runIn({ ...context, stdout: watched.output }, "consume a");
  await test.output("produce a -m first");
  await watched.until("first\n");
  await test.output("produce a -m second");
  await watched.until("second\n");
  context.stop.abort(new DOMException("Interrupted", "AbortError"));
  assertEquals((await running).code, 0);
  assertEquals(watched.text, "first\nsecond\n");
});

Deno.test("consume -o end prints only new messages", async () => {
  await using test = await CommandTest.start();
  await test.output("produce a -m old");
  const watched = new WatchedOutput();
  const context = test.context();
  const running = runIn({ ...context, stdout: watched.output }, "consume a -o end -n 1");
  // The test cannot see when the consumer is at the end, so it produces until a message arrives.
  const stop = new AbortController();
  const writing = (async () => {
    while (!stop.signal.aborted) await test.output("produce a -m new");
  })();
  assertEquals((await running).code, 0);
  stop.abort();
  await writing;
  assertEquals(watched.text, "new\n");
});

Deno.test("consume with a limit exits with 130 when interrupted", async () => {
  await using test = await CommandTest.start();
  await test.output("produce a -m x");
  const watched = new WatchedOutput();
  const context = test.context();
  const running = runIn({ ...context, stdout: watched.output }, "consume a -n 5");
  await watched.until("x\n");
  context.stop.abort(new DOMException("Interrupted", "AbortError"));
  assertEquals((await running).code, 130);
});

Deno.test("consume exits quietly when its output is closed", async () => {
  await using test = await CommandTest.start();
  await test.output("produce a -m x --count 50000");
  const stdout = new Output(
    new WritableStream({
      write() {
        throw new Deno.errors.BrokenPipe("Broken pipe");
      },
    }),
  );
  const context = test.context();
  const { code, stderr } = await runIn({ ...context, stdout }, "consume a");
  assertEquals([code, stderr], [141, ""]);
});

Deno.test("consume shows progress only when writing to a file", async () => {
  await using test = await CommandTest.start();
  await test.output("produce a -m x --count 5000");
  let now = 0;
  const clock = { now: () => now += 1000 };
  const stderr = { isTerminal: true, columns: () => 100 };
  const filed = await test.run("consume a -e", { ...clock, stderr, stdout: { isFile: true } });
  assertMatch(filed.stderr, /Consuming {2}\[[#.]+\] +\d+% {2}[\d,]+ of 5,000 messages/);
  for (const stdout of [{ isTerminal: true }, {}]) {
    const { stderr: silent } = await test.run("consume a -e", { ...clock, stderr, stdout });
    assertEquals(silent, "");
  }
});

Deno.test("consume --read-committed reads a topic without transactions to its end", async () => {
  await using test = await CommandTest.start();
  await test.output("produce a -m x --count 3");
  assertEquals(await test.output("consume a -e --read-committed"), "x\nx\nx\n");
});
