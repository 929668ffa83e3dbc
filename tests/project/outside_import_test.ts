/**
 * Tests of scripts outside of this checkout that import the SDK and the broker by path, without a
 * `deno.json`.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { ROOT } from "../support/broker/dqueue.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** Runs a script from its own folder and returns its output. */
async function run(source: string, flags: readonly string[]): Promise<string> {
  await using folder = await TemporaryFolder.create();
  const script = folder.join("script.ts");
  await Deno.writeTextFile(script, source);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", ...flags, script],
    cwd: folder.path,
    stdin: "null",
    stderr: "piped",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

function moduleUrl(path: string): string {
  return toFileUrl(`${ROOT}${path}`).href;
}

Deno.test("Script outside the checkout uses SDK, protocol and embedded broker without permissions", async () => {
  const printed = await run(
    `
    import { Broker } from "${moduleUrl("broker/mod.ts")}";
    import { Client } from "${moduleUrl("client/mod.ts")}";
    import { codec, Reader, Writer } from "${moduleUrl("protocol/mod.ts")}";
    import { heartbeat } from "${moduleUrl("protocol/messages/mod.ts")}";

    await using broker = await Broker.start({ storage: "memory" });
    await using client = new Client({ broker });
    await client.admin().createTopic({ name: "greetings", partitions: 2 });
    await using producer = client.producer({ compression: "zstd" });
    await producer.send({ topic: "greetings", key: "en", value: "hello" });
    await using consumer = client.consumer();
    await consumer.subscribe("greetings");
    for await (const message of consumer) {
      console.log(message.keyText(), message.text());
      break;
    }
    // A broker loads these parts when they are needed.
    await using member = client.groupConsumer({
      groupId: "readers",
      topics: "greetings",
      autoOffsetReset: "earliest",
    });
    for (const message of await member.poll(1)) await member.commit(message);
    console.log((await client.admin().listGroups()).map(({ groupId }) => groupId).join());
    const configs = await client.admin().describeConfigs({ type: "topic", name: "greetings" });
    console.log(configs.length > 0);

    const { encode, decode } = codec(heartbeat.request, 4);
    const writer = new Writer();
    encode(writer, { groupId: "readers", generationId: 1, memberId: "me" });
    console.log(decode(new Reader(writer.takeBytes())).groupId);
  `,
    ["--check"],
  );
  assertEquals(printed, "en hello\nreaders\ntrue\nreaders\n");
});

Deno.test("Script outside the checkout uses the SDK over TCP", async () => {
  await using local = await LocalBroker.start();
  const printed = await run(
    `
    import { Client } from "${moduleUrl("client/mod.ts")}";

    await using client = new Client({ brokers: "${local.address}" });
    await using producer = client.producer();
    const { topic, partition, offset } = await producer.send({ topic: "t", value: "hello" });
    console.log(topic, partition, offset);
  `,
    [`--allow-net=${local.address}`],
  );
  assertEquals(printed, "t 0 0\n");
});
