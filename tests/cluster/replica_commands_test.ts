/**
 * Tests of the commands that move replicas and leaders.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Cluster } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { runIn, type RunResult } from "../../cli/commands/testing.ts";
import { testContext } from "../../cli/terminal/test_context.ts";
import { within } from "../support/within.ts";

const TOPIC = "orders";

class CommandCluster implements AsyncDisposable {
  readonly cluster: Cluster;
  readonly client: Client;

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.client = new Client({ brokers: cluster.addresses });
  }

  static async start(brokers: number, assignments: number[][]): Promise<CommandCluster> {
    const test = new CommandCluster(await Cluster.start({ brokers }));
    await test.client.admin().createTopic({ name: TOPIC, assignments });
    const partitions = assignments.map((_, partition) => partition);
    await test.client.producer().sendBatch(
      partitions.map((partition) => ({ topic: TOPIC, partition, value: "v" })),
    );
    return test;
  }

  async run(line: string, files: Record<string, string> = {}): Promise<RunResult> {
    const env = { DQUEUE_BROKERS: this.cluster.addresses.join(",") };
    const context = testContext({ now: () => Date.now(), env, files });
    return await within(runIn(context, line.split(" ")), line);
  }

  /** Runs a command that must succeed. */
  async output(line: string, files: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(line, files);
    assertEquals(code, 0, `${line}: ${stderr}`);
    return stdout;
  }

  async replicas(): Promise<(readonly number[])[]> {
    const { partitions } = await this.client.admin().describeTopic(TOPIC);
    return partitions.map(({ replicas }) => replicas);
  }

  async leaders(): Promise<number[]> {
    const { partitions } = await this.client.admin().describeTopic(TOPIC);
    return partitions.map(({ leaderId }) => leaderId);
  }

  /** Waits until the brokers that lead are these. */
  async untilLed(check: (leaders: number[]) => boolean): Promise<void> {
    const waiting = (async () => {
      while (!check(await this.leaders())) await new Promise((resolve) => setTimeout(resolve, 5));
    })();
    await within(waiting, "the leaders");
  }

  async assertIntact(): Promise<void> {
    const ends = await this.client.admin().listOffsets(TOPIC, "latest");
    assertEquals(ends.map(({ offset }) => offset), ends.map(() => 1));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    await this.cluster.close();
  }
}

Deno.test("cluster set-replicas shows its plan, and carries it out with --execute", async () => {
  await using test = await CommandCluster.start(3, [[1], [2], [3]]);
  const plan = await test.run(`cluster set-replicas ${TOPIC} 3`);
  assertMatch(
    plan.stdout,
    /^TOPIC +PARTITION +REPLICAS +NEW +COPIES TO\norders +0 +1 +1,[23],[23]/,
  );
  assertStringIncludes(plan.stderr, "Nothing was changed: add --execute");
  assertEquals(await test.replicas(), [[1], [2], [3]]);
  await test.output(`cluster set-replicas ${TOPIC} 3 --execute --wait`);
  for (const replicas of await test.replicas()) assertEquals(replicas.toSorted(), [1, 2, 3]);
  assertEquals(await test.leaders(), [1, 2, 3]);
  const again = await test.run(`cluster set-replicas ${TOPIC} 3 --execute`);
  assertEquals([again.code, again.stdout], [0, ""]);
  assertStringIncludes(again.stderr, 'Topic "orders" has 3 replicas already');
  const json = JSON.parse(
    await test.output(`cluster set-replicas ${TOPIC} 1 --execute --wait --output json`),
  );
  assertEquals(json.map((each: { executed: boolean }) => each.executed), [true, true, true]);
  assertEquals(await test.replicas(), [[1], [2], [3]]);
  const tooMany = await test.run(`cluster set-replicas ${TOPIC} 4`);
  assertEquals(tooMany.code, 1);
  assertStringIncludes(tooMany.stderr, "the cluster has 3 live brokers");
  await test.assertIntact();
});

Deno.test("cluster drain moves leaders, or all replicas, and cluster remove forgets the broker", async () => {
  await using test = await CommandCluster.start(4, [[1, 2], [1, 3], [2, 1]]);
  const single = { name: "single", assignments: [[1]] };
  await test.client.admin().createTopic(single);
  const plan = await test.run("cluster drain 1");
  assertStringIncludes(plan.stderr, "1 partition has no other replica");
  assertStringIncludes(plan.stderr, "Nothing was changed");
  assertEquals(await test.leaders(), [1, 1, 2]);
  await test.output("cluster drain 1 --execute");
  await test.untilLed((leaders) => `${leaders}` === "2,3,2");
  const running = await test.run("cluster remove 1 --execute");
  assertEquals(running.code, 1);
  assertStringIncludes(running.stderr, "it is running; stop it first");

  await test.output("cluster drain 1 --replicas --execute --wait");
  const replicas = await test.replicas();
  assert(!replicas.flat().includes(1), `${replicas}`);
  assertEquals(replicas.map(({ length }) => length), [2, 2, 2]);
  const { partitions } = await test.client.admin().describeTopic(single.name);
  assert(partitions[0]!.replicas[0] !== 1);
  await test.assertIntact();
  await test.cluster.stopBroker(1);
  const shown = await test.run("cluster remove 1");
  assertEquals(shown.stdout, "Broker 1 is not running and has no replicas\n");
  assertStringIncludes(shown.stderr, "Nothing was changed");
  assertEquals(await test.output("cluster remove 1 --execute"), "Removed broker 1\n");
  const gone = await test.run("cluster remove 1 --execute");
  assertEquals(gone.code, 1);
  assertStringIncludes(gone.stderr, "BROKER_ID_NOT_REGISTERED");
  const unknown = await test.run("cluster drain 9");
  assertStringIncludes(unknown.stderr, "Cannot find broker 9: the brokers are 2, 3, 4");
});

Deno.test("cluster drain keeps replicas and leaders from a broker until --undo, whatever restarts", async () => {
  await using test = await CommandCluster.start(3, [[1, 2], [2, 3], [3, 1]]);
  const admin = test.client.admin();
  await test.output("cluster drain 3 --execute");
  await test.untilLed((leaders) => !leaders.includes(3));
  const create = async (name: string, partitions: number, replicas: number) => {
    await admin.createTopic({ name, partitions, replicas });
    return (await admin.describeTopic(name)).partitions.flatMap(({ replicas }) => replicas);
  };
  assert(!(await create("while", 6, 2)).includes(3));
  const few = await admin.createTopic({ name: "few", replicas: 3 }).catch((error) => error);
  assertStringIncludes(few.message, "the cluster has 2 brokers besides 1 that is drained");
  const { id } = await test.client.discoverController();
  await test.cluster.stopBroker(id);
  await test.cluster.startBroker(id);
  await test.cluster.stopBroker(3);
  await test.cluster.startBroker(3);
  assert(!(await create("after", 6, 2)).includes(3), "another controller, another process");
  // It led what no other could for a moment.
  await test.untilLed((leaders) => !leaders.includes(3));
  const shown = await test.run("cluster drain 3 --undo");
  assertStringIncludes(shown.stdout, "would get replicas");
  assert(!(await create("still", 6, 2)).includes(3));
  assertEquals(
    await test.output("cluster drain 3 --undo --execute"),
    "Broker 3 gets replicas and leads again\n",
  );
  assert((await create("again", 6, 2)).includes(3));
  assertEquals(await test.output("cluster drain 3 --undo"), "Broker 3 is not drained\n");
  await test.assertIntact();
});

Deno.test("cluster drain --replicas replaces a broker that is lost, after which it can be removed", async () => {
  await using test = await CommandCluster.start(4, [[1, 2], [2, 1], [2, 3]]);
  await test.cluster.killBroker(1);
  await test.untilLed((leaders) => !leaders.includes(1));
  const refused = await test.run("cluster remove 1 --execute");
  assertStringIncludes(refused.stderr, "it has 2 replicas; move them");
  await test.output("cluster drain 1 --replicas --execute --wait");
  assert(!(await test.replicas()).flat().includes(1));
  await test.output("cluster remove 1 --execute");
  await test.assertIntact();
});

Deno.test("cluster elect gives partitions their preferred leader", async () => {
  await using test = await CommandCluster.start(3, [[1, 2], [2, 3], [3, 1]]);
  assert(!(await test.output(`topic describe ${TOPIC}`)).includes("Under-replicated"));
  await test.cluster.stopBroker(1);
  await test.untilLed((leaders) => leaders[0] === 2);
  const isShrunk = async () =>
    (await test.client.admin().describeTopic(TOPIC)).partitions[2]!.isr.length === 1;
  await within(
    (async () => {
      while (!await isShrunk()) await new Promise((resolve) => setTimeout(resolve, 5));
    })(),
    "the ISR",
  );
  assertMatch(await test.output(`topic describe ${TOPIC}`), /^Under-replicated +2$/m);
  const [described] = JSON.parse(await test.output(`topic describe ${TOPIC} --output json`));
  assertEquals(described.under_replicated, 2);
  const { stdout: health } = await test.run("cluster health");
  assertStringIncludes(health, "Under-replicated partitions (2):\n  orders-0\n  orders-2\n");
  const away = await test.run("cluster elect");
  assertMatch(away.stdout, /orders +0 +2 +1,2 +2 +none is live\n/);
  await test.cluster.startBroker(1);
  const isInSync = async () =>
    (await test.client.admin().describeTopic(TOPIC)).partitions[0]!.isr.length === 2;
  await within(
    (async () => {
      while (!await isInSync()) await new Promise((resolve) => setTimeout(resolve, 5));
    })(),
    "the ISR",
  );
  const plan = await test.run("cluster elect --topic orders:0,1");
  assertMatch(plan.stdout, /orders +0 +2 +1,2 +(?:1,2|2,1) +1\n$/);
  assertEquals((await test.leaders())[0], 2);
  await test.output("cluster elect --execute");
  await test.untilLed((leaders) => `${leaders}` === "1,2,3");
  const again = await test.run("cluster elect --execute");
  assertStringIncludes(again.stderr, "All partitions have their preferred leader");
});

Deno.test("cluster elect --unclean gives a partition without an in-sync replica a leader, by its name only", async () => {
  await using test = await CommandCluster.start(3, [[1, 2], [3, 1]]);
  await test.cluster.stopBroker(2);
  const sent = test.client.producer().send({ topic: TOPIC, partition: 0, value: "lost" });
  await sent;
  await test.cluster.stopBroker(1);
  await test.cluster.startBroker(2);
  await test.untilLed((leaders) => leaders[0] === -1);
  const all = await test.run("cluster elect --unclean --execute");
  assertEquals(all.code, 2);
  assertStringIncludes(all.stderr, "Missing --topic");
  const plan = await test.run("cluster elect --unclean -t orders");
  assertMatch(plan.stdout, /orders +0 +none +1,2 +\S* +2 \(epoch 0, end 1\)\n$/);
  const [shown] = JSON.parse(await test.output("cluster elect --unclean -t orders --output json"));
  assertEquals(shown.candidate_ends, [{ broker: 2, leader_epoch: 0, log_end_offset: 1 }]);
  await test.output("cluster elect --unclean -t orders:0 --execute");
  await test.untilLed((leaders) => leaders[0] === 2);
  const none = await test.run("cluster elect --unclean -t orders:0 --execute");
  assertStringIncludes(none.stderr, "All of these partitions have a leader");
});

Deno.test("cluster reassign spreads partitions over a broker that was added, or as a file says", async () => {
  await using test = await CommandCluster.start(4, [[1, 2], [2, 3], [3, 1], [1, 2]]);
  const plan = await test.run("cluster reassign");
  assertStringIncludes(plan.stderr, "Nothing was changed");
  await test.output("cluster reassign --execute --wait");
  const spread = await test.replicas();
  for (const id of [1, 2, 3, 4]) {
    assertEquals(spread.flat().filter((each) => each === id).length, 2, `${spread}`);
  }
  const balanced = await test.run("cluster reassign");
  assertStringIncludes(balanced.stderr, "All partitions are where they should be");
  await test.output("cluster reassign -t orders:0,1 --to 3,4 --execute --wait");
  const moved = await test.replicas();
  for (const replicas of moved.slice(0, 2)) assertEquals(replicas.toSorted(), [3, 4]);

  const file = JSON.stringify({
    version: 1,
    partitions: [
      { topic: TOPIC, partition: 0, replicas: [1, 2], log_dirs: ["any", "any"] },
      { topic: TOPIC, partition: 3, replicas: [...moved[3]!] },
    ],
  });
  const files = { "plan.json": file, "bad.json": `{"partitions":[{"topic":"a"}]}` };
  await test.output("cluster reassign --file plan.json --execute --wait", files);
  assertEquals((await test.replicas())[0], [1, 2]);
  for (
    const [line, message] of [
      ["cluster reassign --file bad.json", 'expected {"partitions"'],
      ["cluster reassign --file none.json", 'Cannot read plan "none.json"'],
      ["cluster reassign --file plan.json --to 1", "Cannot use --file with"],
      ["cluster reassign --list --cancel", "Cannot use --list with --cancel"],
      ["cluster reassign --to 9", "Cannot use broker 9"],
      ["cluster reassign -t missing", "missing"],
    ] as const
  ) {
    const { code, stderr } = await test.run(line, files);
    assert(code !== 0, line);
    assertStringIncludes(stderr, message);
  }
  await test.assertIntact();
});

Deno.test("cluster reassign lists and cancels what waits for a broker that is away", async () => {
  await using test = await CommandCluster.start(3, [[1], [2]]);
  await test.cluster.stopBroker(1);
  await test.untilLed((leaders) => leaders[0] === -1);
  const moved = await test.run("cluster reassign -t orders:0 --to 3 --execute");
  assertStringIncludes(moved.stderr, "1 partition is being copied");
  const list = await test.output("cluster reassign --list");
  assertMatch(list, /^TOPIC +PARTITION +REPLICAS +ADDING +REMOVING\norders +0 +3,1 +3 +1\n$/);
  const unchanged = await test.run("cluster reassign --cancel");
  assertStringIncludes(unchanged.stderr, "Nothing was changed");
  await test.output("cluster reassign --cancel --execute");
  assertEquals(JSON.parse(await test.output("cluster reassign --list --output json")), []);
  assertEquals(await test.replicas(), [[1], [2]]);
});
