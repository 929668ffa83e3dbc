import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CommandTest, runIn } from "../testing.ts";

/** All records of a topic with one partition, without properties that differ between runs. */
async function recordsOf(test: CommandTest, topic: string) {
  const lines = (await test.output(`consume ${topic} -e --output json`)).split("\n");
  return lines.slice(0, -1).map((line) => {
    const { topic: _topic, partition: _partition, offset: _offset, timestamp: _time, ...record } =
      JSON.parse(line);
    return record;
  });
}

Deno.test("produce writes each line as a message, also a last line without newline", async () => {
  await using test = await CommandTest.start();
  const stdout = await test.output("produce a", { stdin: "one\ntwo\n\nfour" });
  assertEquals(
    stdout,
    "TOPIC  PARTITION  MESSAGES  FIRST OFFSET  LAST OFFSET\n" +
      "a              0         4             0            3\n",
  );
  assertEquals(await test.output("consume a -e"), "one\ntwo\n\nfour\n");
});

Deno.test("produce --message and --count write messages from the command line", async () => {
  await using test = await CommandTest.start();
  await test.output("produce a -m x -m y --count 2 -k key -H h:1 -H i=2=3");
  const headers = [{ key: "h", value: "1" }, { key: "i", value: "2=3" }];
  assertEquals(
    await recordsOf(test, "a"),
    ["x", "y", "x", "y"].map((value) => ({ headers, key: "key", value })),
  );
});

Deno.test("produce reads keys, headers, partitions and timestamps with --format", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a --partitions 2");
  await test.output(["produce", "a", "-f", "%p %d %k %h{%k=%v }|%v\\n"], {
    stdin: "1 1600000000000 key a=1 b=2 |value\n0 1600000000001  |\n",
  });
  assertEquals(
    await test.output(["consume", "a", "-e", "-f", "%p %d %k %h{%k=%v }|%v\\n", "-p", "1"]),
    "1 1600000000000 key a=1 b=2 |value\n",
  );
  assertEquals(
    await test.output("consume a -e -p 0 --output json"),
    '{"topic":"a","partition":0,"offset":0,"timestamp":1600000000001,"headers":[],"key":null,' +
      '"value":""}\n',
  );
});

Deno.test("produce --tombstone writes empty values as null", async () => {
  await using test = await CommandTest.start();
  await test.output(["produce", "a", "-Z", "-k", "key", "-m", ""]);
  await test.output("produce a -Z", { stdin: "x\n\n" });
  const values = (await recordsOf(test, "a")).map(({ value }) => value);
  assertEquals(values, [null, "x", null]);
});

Deno.test("produce --partition chooses the partition", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a --partitions 3");
  const json = JSON.parse(await test.output("produce a -p 2 -m x --output json"));
  assertEquals([json.topic, json.partition, json.offset], ["a", 2, 0]);
  const missing = await test.run("produce a -p 3 -m x");
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.stderr, "it has 3 partitions, there is no partition 3");
});

Deno.test("produce --compression and --acks apply to the messages", async () => {
  await using test = await CommandTest.start();
  for (const codec of ["none", "gzip", "snappy", "lz4", "zstd"]) {
    await test.output(`produce a -z ${codec} -m ${codec.repeat(100)}`);
  }
  const values = (await test.output("consume a -e")).trimEnd().split("\n");
  assertEquals(values.map((value) => value.length), [400, 400, 600, 300, 400]);
  assertMatch(await test.output("produce b --acks 0 -m x"), /^b +0 +1 +- +-$/m);
  assertMatch(await test.output("produce b --acks 1 -m x"), /^b +0 +1 +1 +1$/m);
});

Deno.test("produce reads the topic from the input if none is given", async () => {
  await using test = await CommandTest.start();
  await test.output(["produce", "-f", "%t %v\\n"], { stdin: "a 1\nb 2\na 3\n" });
  assertEquals(await test.output("consume a -e"), "1\n3\n");
  assertEquals(await test.output("consume b -e"), "2\n");
  const none = await test.run("produce", { stdin: "x\n" });
  assertEquals(none.code, 2);
  assertStringIncludes(none.stderr, "Missing TOPIC");
  assertEquals((await test.run("produce -m x")).code, 2);
});

Deno.test("consume --output json piped into produce --input json copies records exactly", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a");
  await test.output("topic create b --partitions 1");
  const bytes = [0xff, 0x00, 0x0a, 0x22];
  await using client = test.client();
  await client.producer().sendBatch([
    { topic: "a", key: null, value: 'text\n"quoted" \ufeffü', timestamp: 1_600_000_000_000 },
    { topic: "a", key: "k", value: null, timestamp: 1_600_000_000_001 },
    { topic: "a", key: new Uint8Array(bytes), value: new Uint8Array(bytes) },
    { topic: "a", key: "", value: "" },
    {
      topic: "a",
      value: "headers",
      headers: [["h", "1"], ["h", null], ["b", new Uint8Array(bytes)], ["", ""]],
    },
  ]);
  const lines = await test.output("consume a -e --output json");
  await test.output("produce b --input json", { stdin: lines });
  const copy = await test.output("consume b -e --output json");
  assertEquals(copy, lines.replaceAll('"topic":"a"', '"topic":"b"'));

  const consumer = client.consumer();
  const { messages } = await consumer.fetchFrom("b", 0, 0);
  assertEquals([...messages[2]!.key!], bytes);
  assertEquals([...messages[2]!.value!], bytes);
  assertEquals(messages[3]!.keySize, 0);
  assertEquals([...messages[4]!.headers].map(([name, value]) => [name, value && [...value]]), [
    ["h", [0x31]],
    ["h", null],
    ["b", bytes],
    ["", []],
  ]);
});

Deno.test("produce --input json keeps partitions only with --keep-partitions", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a --partitions 4");
  await test.output("topic create one");
  const stdin = '{"partition":3,"value":"x"}';
  await test.output("produce one --input json", { stdin });
  const kept = await test.output("produce a --input json --keep-partitions --output json", {
    stdin,
  });
  assertEquals(JSON.parse(kept).partition, 3);
});

Deno.test("produce writes the messages before invalid input, and fails", async () => {
  await using test = await CommandTest.start();
  const stdin = '{"value":"1"}\n{"value":"2"}\n{"valu":"3"}\n';
  const { code, stdout, stderr } = await test.run("produce a --input json", { stdin });
  assertEquals(code, 1);
  assertMatch(stdout, /^a +0 +2 +0 +1$/m);
  assertStringIncludes(stderr, "Cannot read record 3 of the input");
  assertEquals(await test.output("consume a -e"), "1\n2\n");
});

Deno.test("produce reports each message that is too large, and writes the others", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a -c max.message.bytes=1000");
  const stdin = `small\n${"x".repeat(2000)}\nlast\n`;
  const { code, stdout, stderr } = await test.run("produce a", { stdin });
  assertEquals(code, 1);
  assertMatch(stdout, /^a +0 +2 +0 +1$/m);
  assertStringIncludes(stderr, "MESSAGE_TOO_LARGE");
  assertStringIncludes(stderr, "Error: 1 of 3 messages were not written\n");
  assertEquals(await test.output("consume a -e"), "small\nlast\n");

  const json = await test.run("produce a --output json", { stdin });
  const lines = json.stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
  assertEquals(lines.map((line) => line.offset ?? line.error.code), [2, "MESSAGE_TOO_LARGE", 3]);
});

Deno.test("produce stops reading when no message can be written", async () => {
  await using test = await CommandTest.start();
  const cancelled = Promise.withResolvers<void>();
  const context = test.context();
  const stdin = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new TextEncoder().encode("line\n"));
    },
    cancel: () => cancelled.resolve(),
  });
  const { code, stderr } = await runIn(
    { ...context, stdin },
    "produce a --no-allow-auto-topic-creation",
  );
  await cancelled.promise;
  assertEquals(code, 1);
  assertStringIncludes(stderr, "UNKNOWN_TOPIC_OR_PARTITION");
  assertStringIncludes(stderr, "messages were not written; the rest of the input was not read");
});

Deno.test("produce shows progress on a terminal, and how to end the input", async () => {
  await using test = await CommandTest.start();
  let now = 0;
  const { stderr } = await test.run("produce a -m x --count 30000", {
    stderr: { isTerminal: true, columns: () => 100 },
    now: () => now += 1000,
  });
  assertMatch(stderr, /Producing {2}\[[#.]+\] +\d+% {2}[\d,]+ of 30,000 messages {2}[\d,]+\/s/);
  assert(stderr.endsWith("\r\x1b[K"), "the line is still there");
  const typed = await test.run("produce a", { stdinIsTerminal: true, stdin: "x\n" });
  assertEquals(typed.stderr, "Type messages, one per line; press Ctrl-D to end\n");
});

Deno.test("produce writes the messages already read when it is interrupted", async () => {
  await using test = await CommandTest.start();
  const context = test.context();
  const stdin = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(new TextEncoder().encode("one\ntwo\nhal"));
    },
  });
  const written = Promise.withResolvers<void>();
  const running = runIn({ ...context, stdin }, "produce a --output json");
  await using client = test.client();
  await using consumer = client.consumer();
  const admin = client.admin();
  await admin.createTopic({ name: "a" }).catch(() => {});
  consumer.subscribe("a", 0, ({ offset }) => offset === 1 && written.resolve()).catch(() => {});
  await written.promise;
  context.stop.abort(new DOMException("Interrupted", "AbortError"));
  const { code } = await running;
  assertEquals(code, 130);
  assertEquals(await test.output("consume a -e"), "one\ntwo\n");
});

Deno.test("produce reports invalid flags", async () => {
  const cases: [line: string[], problem: string][] = [
    [
      ["produce", "a", "-H", "nothing"],
      'Invalid --header: cannot read "nothing": expected KEY:VALUE',
    ],
    [["produce", "a", "-f", "%x"], 'Invalid --format: cannot use format "%x" at character 1'],
    [["produce", "a", "-z", "zip"], 'Invalid --compression: cannot read "zip": expected one of'],
    [["produce", "a", "--count", "3"], "Cannot use --count without --message: it does not"],
    [["produce", "a", "-m", "x", "-f", "%v"], "Cannot use --format with --message"],
    [["produce", "a", "-m", "x", "--input", "json"], "Cannot use --input with --message"],
    [["produce", "a", "--input", "json", "-f", "%v"], "Cannot use --format with --input json"],
    [["produce", "a", "--keep-partitions"], "Cannot use --keep-partitions without --input json"],
    [["produce", "a", "--timeout", "5"], 'Invalid --timeout: cannot read "5": it has no unit'],
    [["produce", "a", "-k", "x", "-k", "y"], "Cannot use --key with 2 values"],
    [["produce", "a", "--acks", "2"], 'Invalid --acks: cannot read "2": expected one of'],
    [["produce", "a", "-b", "x:y:z"], 'Invalid --brokers: cannot use "x:y:z" as a broker'],
  ];
  await using test = await CommandTest.start();
  for (const [line, problem] of cases) {
    const { code, stderr } = await test.run(line);
    assertEquals(code, 2);
    assertStringIncludes(stderr, problem);
  }
});

Deno.test("produce reads its input in pieces of any size", async () => {
  await using test = await CommandTest.start();
  const text = Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`).join("");
  const bytes = new TextEncoder().encode(text);
  const chunks: Uint8Array[] = [];
  for (let i = 0; i < bytes.length; i += 7919) chunks.push(bytes.subarray(i, i + 7919));
  await test.output("produce a", { stdin: chunks });
  assertEquals(await test.output("consume a -e"), text);
});

Deno.test("produce shows no progress while messages are typed", async () => {
  await using test = await CommandTest.start();
  const lines = "line\n".repeat(20_000);
  let nowMs = 0;
  const stderr = { isTerminal: true };
  const run = async (stdinIsTerminal: boolean) => {
    const now = () => nowMs += 300;
    return (await test.run("produce a", { stdin: lines, stdinIsTerminal, stderr, now })).stderr;
  };
  assertStringIncludes(await run(false), "Producing  ");
  assertEquals(await run(true), "Type messages, one per line; press Ctrl-D to end\n");
});
