/**
 * Tests of Apache Kafka's own tools for replicas against a cluster. They are sought in PATH, with the
 * names that Kafka gives them.
 *
 * @module
 */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";
import { Cluster } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const TOPIC = "orders";

testWith(
  "kafka-reassign-partitions.sh",
  "kafka-reassign-partitions, kafka-leader-election, kafka-topics and kafka-cluster work with replicas",
  async (path, t) => {
    await using cluster = await Cluster.start({ brokers: 4 });
    await using client = new Client({ brokers: cluster.addresses });
    await using folder = await TemporaryFolder.create();
    const admin = client.admin();
    const run = async (tool: string, ...args: string[]) => {
      const command = new Deno.Command(join(dirname(path), tool), {
        args: ["--bootstrap-server", cluster.addresses[0]!, ...args],
        stdin: "null",
      });
      const { code, stdout, stderr } = await within(command.output(), tool);
      const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      return { code, text };
    };
    const reassign = (...args: string[]) => run("kafka-reassign-partitions.sh", ...args);
    const topics = async (...args: string[]) =>
      (await run("kafka-topics.sh", "--describe", ...args)).text;
    const planFile = async (...replicas: number[][]) => {
      const file = folder.join("plan.json");
      const partitions = replicas.map((ids, partition) => ({
        topic: TOPIC,
        partition,
        replicas: ids,
      }));
      await Deno.writeTextFile(file, JSON.stringify({ version: 1, partitions }));
      return file;
    };
    const replicas = async () =>
      (await admin.describeTopic(TOPIC)).partitions.map((partition) => partition.replicas);
    await admin.createTopic({ name: TOPIC, assignments: [[1, 2], [2, 1]] });

    await t.step("kafka-reassign-partitions generates, executes, lists and verifies", async () => {
      const file = folder.join("topics.json");
      await Deno.writeTextFile(file, JSON.stringify({ version: 1, topics: [{ topic: TOPIC }] }));
      const generated = await reassign(
        ...["--topics-to-move-json-file", file, "--broker-list", "3,4", "--generate"],
      );
      const [, proposal] = /Proposed partition reassignment configuration\n(.*)/.exec(
        generated.text,
      )!;
      assertEquals(
        JSON.parse(proposal!).partitions.map((each: { replicas: number[] }) =>
          each.replicas.toSorted()
        ),
        [[3, 4], [3, 4]],
      );
      const plan = await planFile([3, 1], [4, 3, 2]);
      const executed = await reassign(
        ...["--reassignment-json-file", plan, "--throttle", "100000000", "--execute"],
      );
      assertStringIncludes(
        executed.text,
        "The inter-broker throttle limit was set to 100000000 B/s",
      );
      assertStringIncludes(
        executed.text,
        `Successfully started partition reassignments for ${TOPIC}-0,${TOPIC}-1`,
      );
      for (;;) {
        const { text } = await reassign("--reassignment-json-file", plan, "--verify");
        if (text.includes("still in progress")) continue;
        assertStringIncludes(text, `Reassignment of partition ${TOPIC}-0 is completed`);
        assertStringIncludes(text, `Reassignment of partition ${TOPIC}-1 is completed`);
        break;
      }
      assertEquals(await replicas(), [[3, 1], [4, 3, 2]]);
      for (
        const resource of [{ type: "topic", name: TOPIC }, { type: "broker", name: "3" }] as const
      ) {
        const configs = await admin.describeConfigs(resource);
        const throttles = configs.filter(({ name, source }) =>
          name.includes(".throttled.") && !source.startsWith("default")
        );
        assertEquals(throttles, []);
      }
      const listed = await reassign("--list");
      assertStringIncludes(listed.text, "No partition reassignments found");
    });
    await t.step("kafka-leader-election elects preferred leaders", async () => {
      const elected = await run(
        "kafka-leader-election.sh",
        ...["--election-type", "preferred", "--all-topic-partitions"],
      );
      assertEquals(elected.code, 0, elected.text);
      const leaders = (await admin.describeTopic(TOPIC)).partitions.map(({ leaderId }) => leaderId);
      assertEquals(leaders, [3, 4]);
    });
    await t.step("kafka-topics shows under-replicated and unavailable partitions", async () => {
      assertEquals(await topics("--under-replicated-partitions"), "");
      await cluster.stopBroker(3);
      const isShrunk = async () =>
        (await admin.describeTopic(TOPIC)).partitions.every(({ isr }) => !isr.includes(3));
      while (!await isShrunk()) await new Promise((resolve) => setTimeout(resolve, 5));
      const under = await topics("--under-replicated-partitions");
      assertMatch(under, /Partition: 0\s+Leader: 1\s+Replicas: 3,1\s+Isr: 1\s/);
      assertMatch(under, /Partition: 1\s+Leader: 4\s+Replicas: 4,3,2\s+Isr: (4,2|2,4)\s/);
      await cluster.stopBroker(4);
      await cluster.stopBroker(2);
      const unavailable = await topics("--unavailable-partitions", "--topic", TOPIC);
      assertMatch(unavailable, /^\s*Topic: orders\s+Partition: 1\s+Leader: none\s/);
      await cluster.startBroker(2);
      await cluster.startBroker(4);
    });
    await t.step("kafka-reassign-partitions cancels, and kafka-cluster unregisters", async () => {
      const plan = await planFile([1, 2], [4, 2]);
      await reassign("--reassignment-json-file", plan, "--execute");
      const cancelled = await reassign("--reassignment-json-file", plan, "--cancel");
      assertMatch(cancelled.text, /None of the specified|Successfully cancelled/);
      const unregistered = await new Deno.Command(join(dirname(path), "kafka-cluster.sh"), {
        args: ["unregister", "--bootstrap-server", cluster.addresses[0]!, "--id", "4"],
        stdin: "null",
      }).output();
      const text = new TextDecoder().decode(unregistered.stdout) +
        new TextDecoder().decode(unregistered.stderr);
      assertStringIncludes(text, "Cannot unregister broker 4: it is running");
    });
  },
);
