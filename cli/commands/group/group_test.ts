import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { joinClassic, joinModern, leaveClassic } from "./group_testing.ts";
import { CommandTest, runIn, WatchedOutput } from "../testing.ts";

/** Groups that rebalance without a delay. */
const NO_DELAY = { "group.initial.rebalance.delay.ms": 0 };

/**
 * A broker with topic `orders`: partition 0 has ten messages, one for each hour of a day in 2020,
 * and partition 1 has three. Group `billing` has committed offsets 4 and 3.
 */
async function startWithGroup(): Promise<CommandTest> {
  const test = await CommandTest.start(NO_DELAY);
  await test.output("topic create orders --partitions 3");
  const stdin = Array.from({ length: 10 }, (_, i) => `${Date.UTC(2020, 0, 1, i)} ${i}\n`).join("");
  await test.output(["produce", "orders", "-p", "0", "-f", "%d %v\\n"], { stdin });
  await test.output("produce orders -p 1 -m x --count 3");
  await using client = test.client();
  await client.admin().alterGroupOffsets("billing", [
    { topic: "orders", partition: 0, offset: 4, metadata: "by hand" },
    { topic: "orders", partition: 1, offset: 3 },
  ]);
  return test;
}

async function json(test: CommandTest, line: string) {
  return JSON.parse(await test.output(`${line} --output json`));
}

/** The committed offsets of the group: `orders:0=4`. */
async function committed(test: CommandTest, group = "billing"): Promise<string> {
  await using client = test.client();
  const offsets = await client.admin().listGroupOffsets(group);
  return offsets.map(({ topic, partition, offset }) => `${topic}:${partition}=${offset}`).join(" ");
}

Deno.test("group list lists groups by state and type", async () => {
  await using test = await CommandTest.start(NO_DELAY);
  const none = await test.run("group list");
  assertEquals([none.code, none.stdout, none.stderr], [
    0,
    "",
    "No groups: none has joined or committed yet\n",
  ]);
  await test.output("topic create orders");
  await using client = test.client();
  const place = { topic: "orders", partition: 0 };
  await client.admin().alterGroupOffsets("offsets-only", [{ ...place, offset: 0 }]);
  await joinClassic(client, "old", [place]);
  await joinModern(client, "new", "member", ["orders"]);

  const text = await test.output("group list");
  assertMatch(text, /^GROUP +STATE +TYPE +PROTOCOL TYPE\nnew +Stable +consumer +consumer\n/);
  assertMatch(text, /^offsets-only +Empty +classic +-$/m);
  const names = async (line: string) => {
    return (await json(test, line)).map(({ name }: { name: string }) => name);
  };
  assertEquals(await names("group list"), ["new", "offsets-only", "old"]);
  assertEquals(await names("group list --state stable"), ["new", "old"]);
  assertEquals(await names("group list --state Empty,preparing-rebalance"), ["offsets-only"]);
  assertEquals(await names("group list --type classic"), ["offsets-only", "old"]);
  assertEquals(await names("group list --type consumer,classic --state stable"), ["new", "old"]);
  assertEquals((await json(test, "group list"))[2], {
    name: "old",
    state: "Stable",
    type: "classic",
    protocol_type: "consumer",
  });
  assertEquals((await test.run("group list --state dead")).stderr, "No such groups\n");
  const wrong = await test.run("group list --state busy");
  assertEquals(wrong.code, 2);
  assertStringIncludes(wrong.stderr, 'Invalid --state: cannot read "busy": expected one of Stable');
});

Deno.test("group describe prints members, their partitions, committed offsets and lag", async () => {
  await using test = await startWithGroup();
  await using client = test.client();
  const partitions = [0, 1, 2].map((partition) => ({ topic: "orders", partition }));
  const memberId = await joinClassic(client, "billing", partitions);
  const text = await test.output("group describe billing");
  assertMatch(text, /^Group +billing\nState +Stable\nType +classic\nAssignor +range\n/);
  assertMatch(text, /^Lag +6 \(nothing committed in 1 partition\)$/m);
  assertMatch(text, /^MEMBER +CLIENT +HOST +PROTOCOL +PARTITIONS$/m);
  assertMatch(text, new RegExp(`^${memberId} +\\S+ +\\S+ +classic +orders:0,1,2$`, "m"));
  const row = (...cells: (string | number)[]) => new RegExp(`^${cells.join(" +")}$`, "m");
  assertMatch(
    text,
    row("TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER", "METADATA"),
  );
  assertMatch(text, row("orders", 0, 4, 10, 6, memberId, "by hand"));
  assertMatch(text, row("orders", 1, 3, 3, 0, memberId, "-"));
  assertMatch(text, row("orders", 2, "-", 0, "-", memberId, "-"));

  const [group] = await json(test, "group describe billing");
  assertEquals([group.name, group.state, group.type, group.lag], [
    "billing",
    "Stable",
    "classic",
    6,
  ]);
  const [member] = group.members;
  assertEquals([member.member_id, member.protocol, member.member_epoch], [
    memberId,
    "classic",
    null,
  ]);
  assertEquals(member.assignment, [{ topic: "orders", partitions: [0, 1, 2] }]);
  assertEquals(group.partitions[0], {
    topic: "orders",
    partition: 0,
    committed_offset: 4,
    leader_epoch: null,
    end_offset: 10,
    lag: 6,
    metadata: "by hand",
    member_id: memberId,
  });
  assertEquals([group.partitions[2].committed_offset, group.partitions[2].lag], [null, null]);
});

Deno.test("group describe prints the epochs and target assignments of a KIP-848 group", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create orders --partitions 2");
  await using client = test.client();
  await joinModern(client, "billing", "first", ["orders"]);
  await joinModern(client, "billing", "second", ["orders"]);
  // The first member has not yet received the request to revoke a partition.
  const text = await test.output("group describe billing");
  assertMatch(text, /^MEMBER +CLIENT +HOST +PROTOCOL +EPOCH +PARTITIONS +TO BE$/m);
  assertMatch(text, /^first .* consumer +1 +orders:0,1 +orders:[01]$/m);
  assertMatch(text, /^second .* consumer +\d +- +orders:[01]$/m);
  const [group] = await json(test, "group describe billing");
  assertEquals([group.type, group.assignor, group.group_epoch], ["consumer", "uniform", 2]);
  assertEquals(group.members[0].assignment, [{ topic: "orders", partitions: [0, 1] }]);
  assertEquals(group.members[0].target_assignment[0].partitions.length, 1);
});

Deno.test("group describe selects groups by name or expression", async () => {
  await using test = await startWithGroup();
  await test.output("group reset-offsets shipping -t orders:0 --to latest --execute");
  assertMatch(
    await test.output("group describe -r .*ing"),
    /^Group +billing\n[^]*\n\nGroup +shipping\n/,
  );
  const near = await test.run("group describe biling");
  assertEquals([near.code, near.stderr], [
    1,
    'Error: Cannot find group "biling": the group id does not exist (GROUP_ID_NOT_FOUND), did you ' +
    'mean "billing"\n',
  ]);
  const none = await test.run("group describe -r x.*");
  assertEquals(none.stderr, 'Error: Cannot find a group that matches "x.*"\n');
});

Deno.test("group describe --watch redraws the table until it is interrupted", async () => {
  await using test = await startWithGroup();
  const terminal = new WatchedOutput({ isTerminal: true, rows: () => 40 });
  const context = test.context();
  const line = "group describe billing --watch --interval 10ms";
  const running = runIn({ ...context, stdout: terminal.output }, line);
  await terminal.until("Lag          6");
  await test.output("produce orders -p 0 -m x --count 20");
  await terminal.until("Lag          26");
  context.stop.abort(new DOMException("Interrupted", "AbortError"));
  const { code, stderr } = await running;
  assertEquals([code, stderr], [0, ""]);
  assert(terminal.text.startsWith("\x1b[?1049h"), "it does not take the other screen");
  assertMatch(terminal.text, /UTC, every 10ms, press Ctrl-C to stop/);
  // The last table remains on the terminal.
  assertMatch(terminal.text.split("\x1b[?1049l")[1]!, /^Group +billing\n[^]*Lag +26\n/);
});

Deno.test("group describe --watch --output json prints a line per interval, also in a pipe", async () => {
  await using test = await startWithGroup();
  const watched = new WatchedOutput();
  const context = test.context();
  const line = "group describe billing --watch --interval 10ms --output json";
  const running = runIn({ ...context, stdout: watched.output }, line);
  await watched.until('"lag":6');
  await test.output("produce orders -p 0 -m x");
  await watched.until('"lag":7');
  context.stop.abort(new DOMException("Interrupted", "AbortError"));
  assertEquals((await running).code, 0);
  const lines = watched.text.trimEnd().split("\n").map((each) => JSON.parse(each));
  assertEquals([lines[0][0].lag, lines.at(-1)[0].lag], [6, 7]);

  const table = await test.run("group describe billing --watch");
  assertEquals([table.code, table.stdout], [2, ""]);
  assertStringIncludes(table.stderr, "without a terminal");
  const unknown = await test.run("group describe none --watch --output json");
  assertEquals([unknown.code, unknown.stdout], [1, ""]);
});

Deno.test("group delete asks for confirmation, and keeps groups with members", async () => {
  await using test = await startWithGroup();
  await using client = test.client();
  await client.admin().alterGroupOffsets("b", [{ topic: "orders", partition: 0, offset: 1 }]);
  const memberId = await joinClassic(client, "billing", [{ topic: "orders", partition: 0 }]);

  const unasked = await test.run("group delete b");
  assertEquals(unasked.code, 2);
  assertStringIncludes(unasked.stderr, 'Delete group "b" and all committed offsets?');
  const refused = await test.run("group delete b", { stdinIsTerminal: true, stdin: "n\n" });
  assertEquals(refused.code, 1);
  assertEquals(await committed(test, "b"), "orders:0=1");

  const both = await test.run("group delete b billing --yes");
  assertEquals([both.code, both.stdout], [1, "GROUP  STATUS\nb      deleted\n"]);
  assertStringIncludes(both.stderr, 'Error: Cannot delete group "billing": NON_EMPTY_GROUP');
  assertStringIncludes(both.stderr, "stop them first");
  await leaveClassic(client, "billing", memberId);
  assertEquals(await json(test, "group delete billing --yes"), [
    { name: "billing", status: "deleted", error: null },
  ]);
  assertEquals(await committed(test), "");
  assertEquals((await test.run("group list")).stdout, "");
  assertStringIncludes((await test.run("group delete b -y")).stderr, 'Cannot find group "b"');
});

Deno.test("group reset-offsets prints the plan, and applies it with --execute", async () => {
  await using test = await startWithGroup();
  const line = "group reset-offsets billing --topic orders --to earliest";
  const plan = await test.run(line);
  assertEquals(plan.code, 0);
  assertEquals(
    plan.stdout,
    "TOPIC   PARTITION  CURRENT  NEW  LAG AFTER\n" +
      "orders          0        4    0         10\n" +
      "orders          1        3    0          3\n" +
      "orders          2        -    0          0\n",
  );
  assertEquals(plan.stderr, "Nothing was changed: add --execute to apply it\n");
  assertEquals(await committed(test), "orders:0=4 orders:1=3");
  assertEquals(await test.output(`${line} --execute`), plan.stdout);
  assertEquals(await committed(test), "orders:0=0 orders:1=0 orders:2=0");
});

Deno.test("group reset-offsets --to accepts positions, offsets, times and shifts", async (t) => {
  const cases: [to: string, zero: number, one: number][] = [
    ["earliest", 0, 0],
    ["start", 0, 0],
    ["latest", 10, 3],
    ["end", 10, 3],
    ["2", 2, 2],
    ["@2020-01-01T06:30:00Z", 7, 0],
    ["@1577836800", 0, 0],
    // After the last message there is only the end.
    ["@2099-01-01", 10, 3],
    ["-1", 3, 2],
    ["+0", 4, 3],
  ];
  await using test = await startWithGroup();
  for (const [to, zero, one] of cases) {
    await t.step(to, async () => {
      const line = ["group", "reset-offsets", "billing", "-t", "orders:1,0", "--to", to];
      const { code, stdout } = await test.run([...line, "--output", "json"]);
      assertEquals(code, 0);
      assertEquals(
        JSON.parse(stdout),
        [
          [0, 4, zero, 10],
          [1, 3, one, 3],
        ].map(([partition, current, offset, end]) => ({
          group: "billing",
          topic: "orders",
          partition,
          current_offset: current,
          new_offset: offset,
          end_offset: end,
          lag: end! - offset!,
          executed: false,
        })),
      );
    });
  }
  for (const to of ["now", "1.5", "--", "@", "1:3", "9007199254740993"]) {
    const { code, stderr } = await test.run(`group reset-offsets g -t orders --to=${to}`);
    assertEquals([code, stderr.includes("Invalid --to: cannot read")], [2, true], stderr);
  }
});

Deno.test("group reset-offsets warns if an offset is out of range", async () => {
  await using test = await startWithGroup();
  const far = await test.run("group reset-offsets billing -t orders:0,1 --to 5 --execute");
  assertEquals(far.code, 0);
  assertEquals(
    far.stderr,
    'Warning: "orders-1" ends at 3, there is no offset 5; using 3\n',
  );
  assertEquals(await committed(test), "orders:0=5 orders:1=3");
  const back = await test.run("group reset-offsets billing -t orders:0 --to -9 --execute");
  assertEquals(
    back.stderr,
    'Warning: "orders-0" starts at 0, there is no offset -4; using 0\n',
  );
  const shift = await test.run("group reset-offsets billing -t orders --to +1");
  assertEquals(shift.code, 1);
  assertMatch(shift.stderr, /"orders-2": the group has no committed offset; give --to earliest/);
});

Deno.test("group reset-offsets fails while the group has members", async () => {
  await using test = await startWithGroup();
  await using client = test.client();
  const memberId = await joinClassic(client, "billing", [{ topic: "orders", partition: 0 }]);
  for (const flag of ["", " --execute"]) {
    const line = `group reset-offsets billing -t orders --to earliest${flag}`;
    const { code, stdout, stderr } = await test.run(line);
    assertEquals([code, stdout], [1, ""]);
    assertStringIncludes(stderr, "it has 1 member, stop them first (NON_EMPTY_GROUP)");
  }
  assertEquals(await committed(test), "orders:0=4 orders:1=3");
  await leaveClassic(client, "billing", memberId);
  await test.output("group reset-offsets billing -t orders:1 --to 1 --execute");
  assertEquals(await committed(test), "orders:0=4 orders:1=1");
});

Deno.test("group reset-offsets creates a missing group, and announces it", async () => {
  await using test = await startWithGroup();
  const line = "group reset-offsets new -t orders:0 --to 7";
  assertEquals(
    (await test.run(line)).stderr,
    'Nothing was changed: add --execute to apply it; group "new" does not exist and would be created\n',
  );
  assertEquals(await committed(test, "new"), "");
  await test.output(`${line} --execute`);
  assertEquals(await committed(test, "new"), "orders:0=7");
});

Deno.test("group reset-offsets reports missing topics and partitions", async () => {
  await using test = await startWithGroup();
  const failure = async (topic: string) => {
    const { code, stderr } = await test.run(
      `group reset-offsets billing -t ${topic} --to latest --execute`,
    );
    return [code, stderr.split("\n")[0]];
  };
  assertEquals(await failure("order"), [
    1,
    'Error: Cannot find topic "order": the topic does not exist (UNKNOWN_TOPIC_OR_PARTITION), did ' +
    'you mean "orders"',
  ]);
  assertEquals(await failure("orders:1,3"), [
    1,
    'Error: Cannot find partition 3 of topic "orders": it has 3 partitions, numbered from 0',
  ]);
  assertEquals(await failure("orders:a"), [
    2,
    'Error: Invalid --topic: cannot read "orders:a": expected TOPIC or TOPIC:0,1',
  ]);
  assertEquals(await committed(test), "orders:0=4 orders:1=3");
});

Deno.test("group offset-delete deletes the offsets of a topic, or of some partitions", async () => {
  await using test = await startWithGroup();
  const unasked = await test.run("group offset-delete billing -t orders");
  assertEquals([unasked.code, unasked.stdout], [2, ""]);
  assertMatch(unasked.stderr, /^orders +0 +4\norders +1 +3$/m);
  assertStringIncludes(unasked.stderr, 'Delete these 2 committed offsets of group "billing"?');
  assertEquals(
    await test.output("group offset-delete billing -t orders:1,2 --yes"),
    "TOPIC   PARTITION  COMMITTED\norders          1          3\n",
  );
  assertEquals(await committed(test), "orders:0=4");
  const nothing = await test.run("group offset-delete billing -t orders:2 -t payments");
  assertEquals([nothing.code, nothing.stderr], [
    0,
    "Nothing to delete: no offset is committed there\n",
  ]);
  assertEquals(await json(test, "group offset-delete billing -t orders --yes"), [
    { group: "billing", topic: "orders", partition: 0, committed_offset: 4 },
  ]);
  assertEquals(await committed(test), "");
});

Deno.test("group offset-delete fails for a topic that a member reads", async () => {
  await using test = await startWithGroup();
  await using client = test.client();
  await joinClassic(client, "billing", [{ topic: "orders", partition: 0 }]);
  const { code, stdout, stderr } = await test.run("group offset-delete billing -t orders --yes");
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, "GROUP_SUBSCRIBED_TO_TOPIC");
  assertEquals(await committed(test), "orders:0=4 orders:1=3");
});

Deno.test("Commands for groups and topics report missing names in Kafka's terms", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a");
  const missing = "the group id does not exist (GROUP_ID_NOT_FOUND)";
  const invalid = "group id is invalid";
  const cases: [argv: string[], problem: string][] = [
    [["group", "describe", "none"], `Cannot find group "none": ${missing}`],
    [["group", "delete", "none", "-y"], `Cannot find group "none": ${missing}`],
    [
      ["group", "offset-delete", "none", "--topic", "a", "-y"],
      `Cannot find group "none": ${missing}`,
    ],
    [
      ["group", "describe", ""],
      `Cannot find group "": the ${invalid} (INVALID_GROUP_ID), it is empty`,
    ],
    [["group", "delete", "", "-y"], `Cannot find group "": the ${invalid}`],
    [["group", "offset-delete", "", "--topic", "a", "-y"], `Cannot find group "": the ${invalid}`],
    [["group", "reset-offsets", "", "--topic", "a", "--to", "start"], invalid],
    [["consume", "a", "-g", ""], `Cannot use --group "": the ${invalid} (INVALID_GROUP_ID)`],
    [["topic", "describe", ""], 'Cannot find topic "": the topic name is invalid'],
    [["consume", "", "-e"], 'Cannot find topic "": the topic name is invalid'],
    [["consume", "none", "-e"], "does not exist (UNKNOWN_TOPIC_OR_PARTITION)"],
  ];
  for (const [argv, problem] of cases) {
    const { code, stdout, stderr } = await test.run(argv);
    assertEquals([code, stdout], [argv.includes("-g") ? 2 : 1, ""]);
    assertStringIncludes(stderr, problem);
    assertMatch(stderr, /^Error: /);
  }
});
