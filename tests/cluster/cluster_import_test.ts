import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Broker, silentLogger } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { program } from "../../cli/commands/program.ts";
import { runProgram } from "../../cli/program/run_program.ts";
import { testContext } from "../../cli/terminal/test_context.ts";
import { EtcdCluster } from "../support/etcd_cluster.ts";
import { testWith } from "../support/outside.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

function run(...words: string[]): Promise<{ code: number; text: string }> {
  return runIn(testContext({ now: () => Date.now() }), words);
}

async function runIn(
  context: ReturnType<typeof testContext>,
  words: string[],
): Promise<{ code: number; text: string }> {
  const code = await runProgram(program, words, context);
  return { code, text: context.stdoutText() + context.stderrText() };
}

testWith(
  "etcd",
  "cluster import copies a single broker's metadata to etcd, which it needs from then on",
  async (path, t) => {
    await using cluster = await EtcdCluster.start({ path });
    await using folder = await TemporaryFolder.create();
    const data = folder.join("data");
    const metadata = `etcd://${new URL(cluster.endpoints[0]!).host}/orders`;
    const start = (settings: object) =>
      Broker.start({ listen: [], logger: silentLogger, config: { "log.dirs": data, ...settings } });
    let producerId: string;
    {
      await using broker = await start({ "node.id": 7 });
      await using client = new Client({ broker });
      const admin = client.admin();
      for (let i = 0; i < 130; i++) await admin.createTopic({ name: `t${i}`, partitions: 1 });
      await admin.alterConfigs({ type: "topic", name: "t5" }, { "retention.ms": "1234" });
      await client.producer().send({ topic: "t5", value: "one" });
      producerId = broker.clusterId;
      const used = await run("cluster", "import", data, "--metadata", metadata);
      assertMatch(used.text, /locked|in use|another process/);
      assertStringIncludes(used.text, "Cannot ");
    }
    const highWatermarks = () => Deno.readTextFile(`${data}/replication-offset-checkpoint`);
    await t.step("once", async () => {
      const { code, text } = await run("cluster", "import", data, "--metadata", metadata);
      assertEquals([code, text], [0, `Imported broker 7 of cluster ${producerId}: 130 topics\n`]);
      assertMatch(await highWatermarks(), /^0\n130\n[^]*^t5 0 1$/m);
      const again = await run("cluster", "import", data, "--metadata", metadata);
      assertEquals(again.code, 2);
      assertStringIncludes(
        again.text,
        'Cannot import to "orders": there is a cluster of that name',
      );
    });
    await t.step("with all that the broker has", async () => {
      await using broker = await start({ metadata });
      await using client = new Client({ broker });
      assertEquals([broker.nodeId, broker.clusterId], [7, producerId]);
      const admin = client.admin();
      assertEquals((await admin.listTopics()).length, 130);
      const configs = await admin.describeConfigs({ type: "topic", name: "t5" });
      assertEquals(configs.find(({ name }) => name === "retention.ms")!.value, "1234");
      await client.producer().send({ topic: "t5", value: "two" });
      const [end] = await admin.listOffsets("t5", "latest");
      assertEquals(end!.offset, 2);
    });
    await t.step("and the high watermarks of its partitions", async () => {
      assertMatch(await highWatermarks(), /^t5 0 2$/m);
      const text = await Deno.readTextFile(`${data}/meta.properties`);
      assertMatch(text, /^high\.watermarks=true$/m);
      assertMatch(text, /^incarnations=[\w-]{22}$/m);
      const marker = JSON.parse(await Deno.readTextFile(`${data}/.kafka_cleanshutdown`));
      assert(marker.brokerEpoch > 0);
    });
    await t.step("so that log verify asks for no topics in the folder", async () => {
      const { code, text } = await run("log", "verify", data);
      assertEquals(code, 0);
      assertMatch(text, /^Checked 131 logs/);
    });
    await t.step("so that it refuses its own", async () => {
      const error = await start({}).then((broker) => broker.close(), (error) => error as Error);
      assertMatch(String(error), /its metadata is in etcd, as "orders"/);
    });
  },
);

testWith(
  "etcd",
  "cluster import fails with exit code 1 if its output cannot be written",
  async (path) => {
    await using cluster = await EtcdCluster.start({ path });
    await using folder = await TemporaryFolder.create();
    const data = folder.join("data");
    const broker = await Broker.start({
      listen: [],
      logger: silentLogger,
      config: { "log.dirs": data },
    });
    await broker.close();
    const metadata = `etcd://${new URL(cluster.endpoints[0]!).host}/unwritable`;
    const context = testContext({
      now: () => Date.now(),
      stdout: { failure: new Error("No space left on device") },
    });
    const { code, text } = await runIn(context, [
      "cluster",
      "import",
      data,
      "--metadata",
      metadata,
    ]);
    assertEquals(code, 1);
    assertStringIncludes(text, "Cannot write to the output: No space left on device");
  },
);
