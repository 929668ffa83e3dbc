import { assertEquals, assertStringIncludes } from "@std/assert";
import { Output } from "../../terminal/output.ts";
import { CommandTest, runIn, WatchedOutput } from "../testing.ts";

/** A broker whose groups rebalance without a delay, with messages 0 to 9 in a topic. */
async function startWithTopic(): Promise<CommandTest> {
  const test = await CommandTest.start({ "group.initial.rebalance.delay.ms": 0 });
  await test.output("topic create a --partitions 2");
  const stdin = Array.from({ length: 10 }, (_, i) => `${i}\n`).join("");
  await test.output("produce a -p 0", { stdin });
  return test;
}

/** The committed offsets of the group: `a:0=4`. */
async function committed(test: CommandTest): Promise<string> {
  await using client = test.client();
  const offsets = await client.admin().listGroupOffsets("g");
  return offsets.map(({ topic, partition, offset }) => `${topic}:${partition}=${offset}`).join(" ");
}

Deno.test("consume --group continues from the committed offsets", async () => {
  await using test = await startWithTopic();
  assertEquals(await test.output("consume a -g g -n 3"), "0\n1\n2\n");
  assertEquals((await committed(test)).split(" ")[0], "a:0=3");
  assertEquals(await test.output("consume a -g g -n 4"), "3\n4\n5\n6\n");
  assertEquals(await test.output("consume a -g g -e"), "7\n8\n9\n");
  assertEquals(await test.output("consume a -g g -e"), "");
  assertEquals((await committed(test)).split(" ")[0], "a:0=10");
  // The members have left.
  assertEquals(JSON.parse(await test.output("group list --output json"))[0].state, "Empty");
});

Deno.test("consume --group starts at --offset if nothing is committed", async () => {
  await using test = await startWithTopic();
  assertEquals(await test.output("consume a -g g -o end -e"), "");
  await test.output("produce a -p 1 -m new");
  assertEquals(await test.output("consume a -g g -e"), "new\n");
  assertEquals((await test.output("consume a -g other -o start -e")).length, 24);
});

Deno.test("consume --group commits printed messages when it is interrupted", async () => {
  await using test = await startWithTopic();
  const watched = new WatchedOutput();
  const context = test.context();
  const running = runIn({ ...context, stdout: watched.output }, "consume a -g g");
  await watched.until("9\n");
  await test.output("produce a -p 1 -m more");
  await watched.until("more\n");
  context.stop.abort(new DOMException("Interrupted", "AbortError"));
  assertEquals((await running).code, 0);
  assertEquals(await committed(test), "a:0=10 a:1=1");
});

Deno.test("consume --group does not commit messages that it could not print", async () => {
  await using test = await startWithTopic();
  const stdout = new Output(
    new WritableStream({
      write() {
        throw new Deno.errors.BrokenPipe("Broken pipe");
      },
    }),
  );
  const context = test.context();
  const { code, stderr } = await runIn({ ...context, stdout }, "consume a -g g");
  assertEquals([code, stderr], [141, ""]);
  assertEquals(await test.output("consume a -g g -n 1"), "0\n");
});

Deno.test("consume --group shares partitions with other members", async () => {
  await using test = await startWithTopic();
  const members = Array.from({ length: 2 }, () => {
    const stderr = new WatchedOutput({ isTerminal: true });
    const stdout = new WatchedOutput();
    const context = test.context();
    const argv = ["consume", "a", "-g", "g", "-f", "%p %v\\n"];
    const running = runIn({ ...context, stdout: stdout.output, stderr: stderr.output }, argv);
    return { stdout, stderr, context, running };
  });
  // The first member owns both until it learns about the other.
  for (const { stderr } of members) await stderr.until(/reading a:[01]\n$/);
  const [first, second] = members[0]!.stderr.text.endsWith("a:0\n")
    ? members
    : members.toReversed();
  await test.output("produce a -p 0 -m zero");
  await test.output("produce a -p 1 -m one");
  await first!.stdout.until("0 zero\n");
  await second!.stdout.until("1 one\n");
  for (const { context } of members) {
    context.stop.abort(new DOMException("Interrupted", "AbortError"));
  }
  for (const { running } of members) assertEquals((await running).code, 0);
  assertEquals(await committed(test), "a:0=11 a:1=1");
});

Deno.test("consume --group rejects flags that conflict with the group", async () => {
  await using test = await startWithTopic();
  const partition = await test.run("consume a -g g -p 0");
  assertEquals(partition.code, 2);
  assertStringIncludes(partition.stderr, "Cannot use --partition with --group");
  for (const offset of ["5", "-1", "+1", ":end", "@-1h"]) {
    const { code, stderr } = await test.run(["consume", "a", "-g", "g", "-o", offset]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, "dqueue group reset-offsets");
  }
});
