/**
 * Tests of `dqueue cluster health` while brokers or etcd of a cluster of processes are away.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Client } from "../../client/mod.ts";
import { runIn, type RunResult, WatchedOutput } from "../../cli/commands/testing.ts";
import { testContext } from "../../cli/terminal/test_context.ts";
import { BrokerCluster } from "../support/broker/broker_cluster.ts";
import { testWith } from "../support/outside.ts";
import { within } from "../support/within.ts";

const FLAGS = ["--offsets-topic-num-partitions", "3"];

testWith(
  "etcd",
  "cluster health is red while a broker or etcd is away, and --wait waits for the end of that",
  async (etcd, t) => {
    await using cluster = await BrokerCluster.start({ etcd, members: 1, flags: FLAGS });
    const { addresses } = cluster;
    const brokers = addresses[0]!;
    const contextOf = () => testContext({ now: () => Date.now() });
    const health = (...flags: string[]): Promise<RunResult> =>
      within(runIn(contextOf(), ["cluster", "health", "-b", brokers, ...flags]), "cluster health");
    const problems = async (): Promise<Record<string, string[]>> =>
      JSON.parse((await health("--output", "json")).stdout).problems;
    /** Examines until a problem is found. */
    const untilFound = (name: string): Promise<string[]> =>
      within(
        (async () => {
          for (;;) {
            const found = (await problems())[name];
            if (found !== undefined) return found;
          }
        })(),
        name,
      );
    /** Starts to wait, and resolves when it has said for what. */
    const waitForHealth = async () => {
      const stderr = new WatchedOutput();
      const line = ["cluster", "health", "--wait", "-b", brokers, "--timeout", "60s"];
      const ended = runIn({ ...contextOf(), stderr: stderr.output }, line);
      await within(stderr.until("Waiting until the cluster is healthy: "), "the wait");
      return { ended };
    };

    await using client = new Client({ brokers: addresses });
    await client.admin().createTopic({ name: "orders", partitions: 6 });
    const led = (await client.admin().describeTopic("orders")).partitions
      .filter(({ leaderId }) => leaderId === 2).map(({ partition }) => `orders-${partition}`);
    assertEquals(led.length, 2);

    await t.step("green with all of them", async () => {
      for (const flags of [[], ["--wait"]]) {
        const { code, stdout, stderr } = await health(...flags);
        assertEquals([code, stdout, stderr], [0, "Healthy: 3 brokers, 6 partitions\n", ""]);
      }
    });
    await t.step("red without a broker", async () => {
      await cluster.kill(2);
      // At first it is listed and does not answer, then it is not listed.
      assertEquals((await problems()).leaderless_partitions, led);
      assertEquals(await untilFound("missing_brokers"), [
        "broker 2: not registered, and has 2 replicas; start it",
      ]);
      const { code, stdout } = await health();
      assertEquals(code, 1);
      assertMatch(stdout, /^Not healthy: 2 brokers, 6 partitions\n\nMissing brokers \(1\):/);
      assertStringIncludes(stdout, "\nPartitions without a live leader (2):\n  orders-");
    });
    await t.step("--wait gives up after --timeout", async () => {
      const { code, stdout, stderr } = await health("--wait", "--timeout", "1s");
      assertEquals(code, 1);
      assertMatch(stdout, /^Not healthy/);
      assertMatch(stderr, /missing brokers \(1\), partitions without a live leader \(2\)\n/);
      assertStringIncludes(stderr, "Still not healthy after 1s (--timeout)");
    });
    await t.step("--wait ends when the broker is back", async () => {
      const { ended } = await waitForHealth();
      await cluster.start(2);
      const { code, stdout } = await within(ended, "a healthy cluster");
      assertEquals([code, stdout], [0, "Healthy: 3 brokers, 6 partitions\n"]);
    });
    await t.step("red without etcd, until it is back", async () => {
      await cluster.etcd.kill(0);
      const [fenced] = await untilFound("fenced_brokers");
      assertStringIncludes(fenced!, `broker 1 at ${brokers}: serves nobody`);
      assertStringIncludes(fenced!, "check that etcd is running and has a quorum");
      const { ended } = await waitForHealth();
      cluster.etcd.restart(0);
      const { code, stdout } = await within(ended, "a healthy cluster");
      assertEquals([code, stdout], [0, "Healthy: 3 brokers, 6 partitions\n"]);
    });
    await t.step("--wait waits for the first broker to be there", async () => {
      await cluster.stop(1);
      const stderr = new WatchedOutput();
      const line = ["cluster", "health", "--wait", "-b", brokers, "--timeout", "60s"];
      const ended = runIn({ ...contextOf(), stderr: stderr.output }, line);
      await within(stderr.until("Waiting for a broker"), "the wait");
      await cluster.start(1);
      assertEquals((await within(ended, "a healthy cluster")).code, 0);
      assert(stderr.text.includes("Connected to"), stderr.text);
    });
  },
);
