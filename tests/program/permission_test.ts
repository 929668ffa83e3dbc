/**
 * Tests of programs that Deno does not allow to connect: they fail immediately and name the flag to pass.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { toFileUrl } from "@std/path";
import { ROOT } from "../support/broker/dqueue.ts";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { RawConnection } from "../support/protocol/raw_connection.ts";
import { createTopic } from "../support/protocol/requests.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

/** Ways to use the SDK, each of which connects to the broker. */
const USES = {
  admin: `await client.admin().listTopics()`,
  "producer.send()": `await client.producer().send({ topic: "a", value: "1" })`,
  "consumer.subscribe()": `await client.consumer().subscribe("a")`,
  "consumer with a handler": `await client.consumer().subscribe("a", 0, () => {})`,
  "groupConsumer.joinGroup()":
    `await client.groupConsumer({ groupId: "g", topics: "a" }).joinGroup()`,
  "groupConsumer.poll()":
    `await client.groupConsumer({ groupId: "g", topics: "a" }).poll(1, { timeoutMs: 60_000 })`,
};

Deno.test("Client without permission to connect fails immediately and names the flag to pass", async (t) => {
  await using local = await LocalBroker.start();
  await using folder = await TemporaryFolder.create();
  const { address } = local;
  const script = folder.join("script.ts");
  await Deno.writeTextFile(
    script,
    `
    import { Client } from "${toFileUrl(`${ROOT}client/mod.ts`).href}";

    const client = new Client({ brokers: Deno.args[0]! });
    const uses: Record<string, () => Promise<unknown>> = {
      ${
      Object.entries(USES).map(([name, use]) => `${JSON.stringify(name)}: async () => { ${use}; },`)
        .join("\n")
    }
    };
    for (const [name, use] of Object.entries(uses)) {
      const error = await use().then(() => undefined, (error) => error);
      console.log(JSON.stringify([name, error?.code, error?.retriable, error?.message]));
    }
    Deno.exit();
  `,
  );
  const run = async (flags: readonly string[], brokers = address) => {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-config",
        "--no-check",
        ...flags,
        script,
        brokers,
      ],
      cwd: folder.path,
      stdin: "null",
    }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    return new TextDecoder().decode(stdout).trimEnd().split("\n").map((line) => JSON.parse(line));
  };
  const check = (results: [string, string, boolean, string][], flag: string) => {
    assertEquals(results.map(([name]) => name), Object.keys(USES));
    for (const [name, code, retriable, message] of results) {
      assertEquals([code, retriable], ["CONNECTION", false], `${name}: ${message}`);
      assertStringIncludes(message, flag, name);
    }
  };
  using connection = await RawConnection.connect(address);
  await createTopic(connection, "a");
  await t.step("no address allowed", async () => check(await run([]), `--allow-net=${address}`));
  await t.step("another address allowed", async () => {
    check(await run(["--allow-net=192.0.2.1:9092"]), `--allow-net=${address}`);
  });
  await t.step("bootstrap address allowed, advertised address not", async () => {
    const { port } = local.hostPort;
    const results = await run([`--allow-net=localhost:${port}`], `localhost:${port}`);
    for (const [name, , , message] of results) {
      // Admin lists topics over the bootstrap connection.
      if (name !== "admin") assertStringIncludes(message ?? "", `--allow-net=${address}`, name);
    }
  });
});
