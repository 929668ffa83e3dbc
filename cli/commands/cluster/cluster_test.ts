import { assertEquals, assertMatch } from "@std/assert";
import { CommandTest } from "../testing.ts";

Deno.test("cluster info prints the brokers and counts", async () => {
  await using test = await CommandTest.start({ "broker.rack": "r1" });
  await test.output("topic create a --partitions 4");
  const text = await test.output("cluster info");
  assertMatch(text, /^Cluster +\S{22}\nTopics +1\nPartitions +4\n\n/);
  assertMatch(text, /^ +1 +127\.0\.0\.1 +\d+ +r1 +controller$/m);
  const json = JSON.parse(await test.output("cluster info --output json"));
  const [host, port] = test.address.split(":");
  assertEquals(json.brokers, [{ id: 1, host, port: Number(port), rack: "r1" }]);
  assertEquals([json.controller, json.topics, json.partitions], [1, 1, 4]);
});

Deno.test("cluster health of a healthy cluster exits with 0", async () => {
  await using test = await CommandTest.start();
  await test.output("topic create a --partitions 2");
  assertEquals(await test.output("cluster health"), "Healthy: 1 broker, 2 partitions\n");
  const json = JSON.parse(await test.output("cluster health --output json"));
  assertEquals([json.healthy, json.problems, json.brokers], [true, {}, [1]]);
});
