import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { CommandTest } from "../testing.ts";

Deno.test("topic create creates topics with partitions, replicas and settings", async () => {
  await using test = await CommandTest.start();
  assertEquals(
    await test.output("topic create a b --partitions 3 --replicas 1 -c retention.ms=7d"),
    "TOPIC  STATUS   PARTITIONS  REPLICAS\n" +
      "a      created           3         1\n" +
      "b      created           3         1\n",
  );
  const [a] = JSON.parse(await test.output("topic describe a --output json"));
  assertEquals(a.partitions.length, 3);
  const retention = a.configs.find((each: { name: string }) => each.name === "retention.ms");
  assertEquals([retention.value, retention.source], ["604800000", "topic"]);
});

Deno.test("topic create continues after a topic that cannot be created, and exits with 1", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create b");
  const { code, stdout, stderr } = await test.run("topic create a b c");
  assertEquals(code, 1);
  assertMatch(stdout, /^TOPIC .*\na .*\nc .*\n$/);
  assertStringIncludes(stderr, 'Error: Cannot create topic "b"');
  assertStringIncludes(stderr, "TOPIC_ALREADY_EXISTS");

  const json = await test.run("topic create b d --output json");
  assertEquals(json.code, 1);
  const [b, d] = JSON.parse(json.stdout);
  assertEquals([b.status, b.error.code, d.status], ["failed", "TOPIC_ALREADY_EXISTS", "created"]);
});

Deno.test("topic create --if-not-exists accepts a topic that exists", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a --partitions 2");
  assertMatch(await test.output("topic create a --if-not-exists"), /^a +exists/m);
});

Deno.test("topic create --dry-run creates nothing", async () => {
  await using test = await CommandTest.start();
  assertMatch(await test.output("topic create a --dry-run"), /^a +valid +1 +1$/m);
  const refused = await test.run("topic create a --dry-run -c retention.ms=-5");
  assertEquals(refused.code, 1);
  assertStringIncludes(refused.stderr, "retention.ms");
  assertEquals(
    (await test.run("topic list")).stderr,
    'No topics; "dqueue topic create NAME" creates one\n',
  );
});

Deno.test("topic create rejects a setting that is not NAME=VALUE", async () => {
  await using test = await CommandTest.start();
  const { code, stderr } = await test.run("topic create a -c retention.ms");
  assertEquals(code, 2);
  assertStringIncludes(stderr, 'Invalid --config: cannot read "retention.ms": expected NAME=VALUE');
});

Deno.test("topic create -c cleanup.policy=compact creates a topic that keeps the last record of each key", async () => {
  await using test = await CommandTest.start({
    "log.cleaner.backoff.ms": 1,
    "batch.cache.bytes": 0,
  });
  const settings = [
    "cleanup.policy=compact",
    "internal.segment.bytes=16384",
    "min.cleanable.dirty.ratio=0",
  ];
  await test.output(`topic create prices -c ${settings.join(" -c ")}`);
  const produce = async (lines: readonly string[], ...flags: string[]) => {
    const stdin = `${lines.join("\n")}\n`;
    return await test.run(["produce", "prices", ...flags], { stdin });
  };
  const keys = ["apple", "fig", "pear"];
  for (let price = 1; price <= 5; price++) {
    const lines = keys.map((key) => `${key}:${`${price}`.padEnd(4000)}`);
    assertEquals((await produce(lines, "-f", "%k:%v\\n")).code, 0);
  }
  assertEquals((await produce([`plum:${"1".padEnd(8000)}`], "-f", "%k:%v\\n")).code, 0);
  const consume = () => test.output("consume prices -o start -e -f %o:%k;");
  let records = await consume();
  while (records.split(";").length > 5) records = await consume();
  assertEquals(records, "12:apple;13:fig;14:pear;15:plum;");

  const { code, stderr } = await produce(["no key"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "INVALID_RECORD");
});

Deno.test("topic list lists all topics, or selects by name or expression", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create order-a order-b log");
  const names = async (line: string) => {
    const topics: { name: string }[] = JSON.parse(await test.output(`${line} --output json`));
    return topics.map(({ name }) => name);
  };
  assertEquals(await names("topic list"), ["log", "order-a", "order-b"]);
  assertEquals(await names("topic list log"), ["log"]);
  assertEquals(await names("topic list -r order-.*"), ["order-a", "order-b"]);
  assertMatch(await test.output("topic list log"), /^TOPIC +PARTITIONS +REPLICAS\nlog +1 +1\n$/);

  // An expression must match the whole name.
  const none = await test.run("topic list -r order");
  assertEquals([none.code, none.stderr], [1, 'Error: Cannot find a topic that matches "order"\n']);
  const wrong = await test.run("topic list -r (");
  assertStringIncludes(wrong.stderr, 'Error: Cannot use "(" as a regular expression');
  const near = await test.run("topic list order-c");
  assertStringIncludes(near.stderr, 'Cannot find topic "order-c": the topic does not exist');
  assertStringIncludes(near.stderr, 'did you mean "order-');
});

Deno.test("topic describe prints partitions, offsets, sizes and settings", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a --partitions 2 -c segment.bytes=1MiB");
  await test.output("produce a -p 1 -m one -m two");
  const text = await test.output("topic describe a");
  assertMatch(text, /^Topic +a$/m);
  assertMatch(text, /^Messages +2$/m);
  assertMatch(text, /^ +0 +1 +0 +1 +1 +0 +0 +0 +0 B$/m);
  assertMatch(text, /^ +1 +1 +0 +1 +1 +0 +2 +2 +\d+ B$/m);
  assertMatch(text, /^segment.bytes +1048576 \(1MiB\) +topic$/m);
  assertMatch(text, /^retention.ms +604800000 \(7d\) +default$/m);

  const [json] = JSON.parse(await test.output("topic describe a --output json"));
  assertEquals(json.name, "a");
  assertEquals(json.internal, false);
  const [, second] = json.partitions;
  assertEquals([second.partition, second.leader, second.start_offset, second.end_offset], [
    1,
    1,
    0,
    2,
  ]);
  assertEquals([second.replicas, second.isr], [[1], [1]]);
});

Deno.test("topic alter sets and unsets settings, and keeps the others", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a -c segment.bytes=1MiB -c retention.ms=1d");
  const own = async () => {
    const [topic] = JSON.parse(await test.output("topic describe a --output json"));
    const configs: { name: string; value: string; source: string }[] = topic.configs;
    return configs.filter(({ source }) => source === "topic").map((
      each,
    ) => [each.name, each.value]);
  };
  assertMatch(await test.output("topic alter a --set retention.ms=2h --dry-run"), /^a +valid$/m);
  assertEquals(await own(), [["retention.ms", "86400000"], ["segment.bytes", "1048576"]]);
  await test.output("topic alter a --set retention.ms=2h --unset segment.bytes");
  assertEquals(await own(), [["retention.ms", "7200000"]]);

  assertEquals((await test.run("topic alter a")).code, 2);
  const typo = await test.run("topic alter a --unset retention.m");
  assertEquals(typo.code, 1);
  assertStringIncludes(
    typo.stderr,
    'Cannot unset "retention.m": topics have no such setting, did you mean "retention.ms"',
  );
  const both = await test.run("topic alter a --set x=1 --unset x");
  assertStringIncludes(both.stderr, 'Cannot both --set and --unset "x"');
  const unknown = await test.run("topic alter a --set no.such=1");
  assertEquals(unknown.code, 1);
  assertStringIncludes(unknown.stderr, "no.such");
});

Deno.test("topic add-partitions adds partitions", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a b");
  assertMatch(await test.output("topic add-partitions a b --to 4"), /^b +grown$/m);
  const [a] = JSON.parse(await test.output("topic list a --output json"));
  assertEquals(a.partitions, 4);
  const fewer = await test.run("topic add-partitions a --to 2");
  assertEquals(fewer.code, 1);
  assertStringIncludes(fewer.stderr, "INVALID_PARTITIONS");
  assertStringIncludes((await test.run("topic add-partitions a")).stderr, "Missing --to");
});

Deno.test("topic delete asks on a terminal and requires --yes without one", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a b ab --partitions 2");
  const silent = await test.run("topic delete a");
  assertEquals(silent.code, 2);
  assertStringIncludes(silent.stderr, "Use --yes to confirm");

  const terminal = { stdinIsTerminal: true };
  const refused = await test.run("topic delete a", { ...terminal, stdin: "n\n" });
  assertEquals(refused.code, 1);
  assertStringIncludes(
    refused.stderr,
    'Delete topic "a" with 2 partitions and all messages? [y/N]',
  );
  const agreed = await test.run("topic delete a", { ...terminal, stdin: "y\n" });
  assertEquals([agreed.code, agreed.stdout], [0, "TOPIC  STATUS\na      deleted\n"]);

  const asked = await test.run("topic delete -r .*b", { ...terminal, stdin: "y\n" });
  assertStringIncludes(asked.stderr, 'Delete 2 topics "ab", "b" with 4 partitions');
  assertEquals((await test.run("topic list")).stdout, "");
  assertEquals((await test.run("topic delete a --yes")).code, 1);
});

Deno.test("topic trim deletes messages before an offset", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a --partitions 2");
  await test.output("produce a -p 0 -m x --count 10");
  await test.output("produce a -p 1 -m x --count 4");
  const plan = await test.run("topic trim a -o -3", { stdinIsTerminal: true, stdin: "n\n" });
  assertStringIncludes(plan.stderr, "PARTITION  START  NEW START  DELETED\n");
  assertStringIncludes(plan.stderr, 'Delete 8 messages of topic "a"? [y/N]');

  assertEquals(
    await test.output("topic trim a -o -3 --yes"),
    "PARTITION  START  NEW START  DELETED\n" +
      "        0      0          7        7\n" +
      "        1      0          1        1\n",
  );
  const again = await test.run("topic trim a -o 5 -p 0 --yes");
  assertEquals(again, {
    code: 0,
    stdout: "",
    stderr: "Nothing to delete: no partition has older messages\n",
  });
  const json = JSON.parse(await test.output("topic trim a -o end -p 1 --yes --output json"));
  assertEquals(json, [{ topic: "a", partition: 1, start_offset: 4, deleted: 3 }]);

  const beyond = await test.run("topic trim a -o 11 -p 0 --yes");
  assertEquals(beyond.code, 1);
  assertStringIncludes(beyond.stderr, 'Cannot trim "a-0": its messages end at 10, --offset is 11');
  const range = await test.run("topic trim a -o 1:2 --yes");
  assertEquals(range.code, 2);
  assertStringIncludes(range.stderr, "Invalid --offset");
  const partition = await test.run("topic trim a -o end -p 2 --yes");
  assertStringIncludes(partition.stderr, "it has 2 partitions, numbered from 0");
});

Deno.test("topic trim keeps messages at or after a time", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a");
  const line = (hour: number) => `${Date.UTC(2020, 0, 1, hour)} ${hour}\n`;
  const stdin = [1, 2, 3, 4].map(line).join("");
  await test.output(["produce", "a", "-f", "%d %v\\n"], { stdin });
  await test.output("topic trim a -o @2020-01-01T03:00:00Z --yes");
  assertEquals(await test.output("consume a -e"), "3\n4\n");
  await test.output("topic trim a -o @2021-01-01 --yes");
  assertEquals(await test.output("consume a -e"), "");
});
