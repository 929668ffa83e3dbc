import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseBrokerConfig } from "../../../broker/mod.ts";
import { flagOf, KNOWN_SETTING_NAMES, variableOf } from "../../../broker/settings/settings.ts";
import { Client } from "../../../client/mod.ts";
import { freePort } from "../../../tests/support/free_port.ts";
import { nameFlags } from "../../program/flag.ts";
import { testContext } from "../../terminal/test_context.ts";
import { brokerConfigInputs, brokerFlags } from "./broker_flags.ts";
import { runIn, WatchedOutput } from "../testing.ts";
import { VERSION } from "../about.ts";

/** Runs `serve` until `use` returns. */
async function serving(
  argv: readonly string[],
  use: (address: string) => Promise<void>,
  options: {
    isTerminal?: boolean;
    env?: Record<string, string>;
    files?: Record<string, string>;
    onText?: (text: string) => void;
  } = {},
): Promise<{ code: number; stderr: string }> {
  const stderr = new WatchedOutput(options);
  const env = { DQUEUE_HTTP: "off", ...options.env };
  const context = testContext({ env, files: options.files ?? {} });
  const running = runIn({ ...context, stderr: stderr.output }, ["serve", ...argv]);
  // `running` settles if the broker does not start.
  await Promise.race([stderr.until(" Listening address="), running]);
  const address = /address=(\S+)/.exec(stderr.text)?.[1];
  try {
    if (address !== undefined) {
      const { onText } = options;
      if (onText !== undefined) stderr.until("Serving HTTP url=").then(() => onText(stderr.text));
      await use(address);
    }
  } finally {
    context.stop.abort(new DOMException("Terminated", "AbortError"));
  }
  const { code } = await running;
  return { code, stderr: stderr.text };
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("serve runs a broker until it is stopped, and again on the same folder", async () => {
  await withFolder(async (folder) => {
    const argv = ["--listen", "127.0.0.1:0", "--data", `${folder}/data`, "--num-partitions", "3"];
    const first = await serving(argv, async (address) => {
      await using client = new Client({ brokers: address });
      const topic = await client.admin().createTopic({ name: "a" });
      assertEquals(topic.partitions, 3);
      await client.producer().send({ topic: "a", partition: 0, value: "kept" });
    });
    assertEquals(first.code, 0);
    assertMatch(first.stderr, /INFO +Starting version=\d+\.\d+\.\d+ data=\/\S+\/data\n/);
    assertMatch(
      first.stderr,
      /INFO +Listening address=127\.0\.0\.1:\d+ clusterId=\S{22} nodeId=1\n/,
    );
    assertMatch(first.stderr, /INFO +Stopping .*\n(.*\n)*.*INFO +Stopped\n$/);

    const second = await serving(argv, async (address) => {
      await using client = new Client({ brokers: address });
      const { messages } = await client.consumer().fetchFrom("a", 0, 0);
      assertEquals(messages.map((message) => message.text()), ["kept"]);
    });
    assertEquals(second.code, 0);
  });
});

Deno.test("serve prints example commands on a terminal", async () => {
  await withFolder(async (folder) => {
    const argv = ["--listen", "127.0.0.1:0", "--data", folder];
    const { stderr } = await serving(argv, async () => {}, { isTerminal: true });
    assertMatch(stderr, /dqueue topic create hello -b 127\.0\.0\.1:\d+\n/);
  });
});

Deno.test("serve --http serves metrics and health beside Kafka's protocol", async () => {
  await withFolder(async (folder) => {
    const argv = ["--listen", "127.0.0.1:0", "--data", folder, "--http", "127.0.0.1:0"];
    const url = Promise.withResolvers<string>();
    const { code, stderr } = await serving(argv, async () => {
      const { status, text } = await get(`${await url.promise}/metrics`);
      assertEquals(status, 200);
      assertStringIncludes(text, `dqueue_build_info{version="${VERSION}"`);
      assertEquals((await get(`${await url.promise}/readyz`)).status, 200);
    }, {
      onText: (text) => {
        const [, found] = /Serving HTTP url=(\S+)/.exec(text) ?? [];
        if (found !== undefined) url.resolve(found);
      },
    });
    assertEquals(code, 0);
    assertMatch(stderr, /Listening address(.*\n)+.*Serving HTTP/, "Kafka's listener comes first");
  });
});

Deno.test("serve --http refuses an address that is in use, and closes the broker", async () => {
  await withFolder(async (folder) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = `127.0.0.1:${taken.addr.port}`;
    const argv = ["--listen", "127.0.0.1:0", "--data", folder];
    const { code, stderr } = await serving([...argv, "--http", address], async () => {});
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      `Error: Cannot serve HTTP on ${address}: the address is in use; choose another with --http\n`,
    );
    const env = { DQUEUE_HTTP: address };
    assertEquals(
      (await serving(argv, async () => {}, { env })).code,
      1,
      "a variable names one too",
    );
    assertEquals((await serving(argv, async () => {})).code, 0, "the folder is free");
  });
});

Deno.test("serve refuses what is not an address or an origin", async () => {
  for (
    const [flag, text] of [
      ["--http", "nowhere"],
      ["--http-stream-rate", "0"],
      ["--http-stream-rate", "fast"],
      ["--http-cors-origin", "example.com"],
      ["--http-cors-origin", "https://example.com/"],
      ["--http-cors-origin", "*"],
    ]
  ) {
    const { code, stderr } = await runIn(testContext(), ["serve", flag!, text!]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, `Invalid ${flag}: "${text}" is not`);
  }
});

async function get(url: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url);
  return { status: response.status, text: await response.text() };
}

Deno.test("serve explains what to do if its port or folder is in use", async () => {
  await withFolder(async (folder) => {
    await serving(["--listen", "127.0.0.1:0", "--data", `${folder}/a`], async (address) => {
      const port = await serving(["--listen", address, "--data", `${folder}/b`], async () => {});
      assertEquals(port.code, 1);
      assertStringIncludes(
        port.stderr,
        `Error: Cannot listen on ${address}: the address is in use; choose another port with --listen\n`,
      );
      const data = await serving(
        ["--listen", "127.0.0.1:0", "--data", `${folder}/a`],
        async () => {},
      );
      assertEquals(data.code, 1);
      assertStringIncludes(data.stderr, "choose another folder with --data\n");
    });
  });
});

Deno.test("serve names the folder that cannot be used", async () => {
  await withFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/file`, "");
    const argv = ["--listen", "127.0.0.1:0", "--data", `${folder}/file/data`];
    const { code, stderr } = await serving(argv, async () => {});
    assertEquals(code, 1);
    assertStringIncludes(stderr, `"${folder}/file/data"`);
    assertMatch(stderr, /; choose another folder with --data\n$/);
  });
});

Deno.test("serve names the flag, variable or key of an invalid setting", async () => {
  const run = async (argv: string[], options = {}) => {
    const { code, stderr } = await runIn(testContext(options), ["serve", ...argv]);
    assertEquals(code, 2);
    return stderr;
  };
  const below = "value must be at least 1048576";
  assertStringIncludes(
    await run(["--log-segment-bytes", "0"]),
    `Invalid --log-segment-bytes: ${below}`,
  );
  assertStringIncludes(
    await run([], { env: { DQUEUE_LOG_SEGMENT_BYTES: "0" } }),
    `Invalid DQUEUE_LOG_SEGMENT_BYTES: ${below}`,
  );
  const files = {
    "broker.json": '{ "log.segment.bytes": 0 }',
    "typo.json": '{ "log.segment.byte": 0 }',
  };
  assertStringIncludes(
    await run(["--config", "broker.json"], { files }),
    `Invalid "log.segment.bytes" in "broker.json": ${below}`,
  );
  assertStringIncludes(
    await run(["--config", "typo.json"], { files }),
    'Unknown setting "log.segment.byte" in "typo.json", did you mean "log.segment.bytes"',
  );
  assertStringIncludes(
    await run(["--listen", "nowhere"]),
    'Invalid --listen: "nowhere" is not of the form',
  );
  assertStringIncludes(
    await run(["--compression-type", "none"]),
    "string must be one of: uncompressed, zstd",
  );
});

Deno.test("serve rejects a folder of another broker", async () => {
  await withFolder(async (folder) => {
    const argv = ["--listen", "127.0.0.1:0", "--data", folder];
    await serving(argv, async () => {});
    const { code, stderr } = await serving([...argv, "--node-id", "7"], async () => {});
    assertEquals(code, 2);
    assertStringIncludes(stderr, "it belongs to node.id 1, this is 7");
  });
});

Deno.test("brokerFlags() has a flag for every setting, with the broker's names", () => {
  const flags = nameFlags(brokerFlags()).filter(({ flag }) => flag.suffix === undefined);
  assertEquals(flags.map(({ name }) => name).sort(), KNOWN_SETTING_NAMES.map(flagOf).sort());
  assertEquals(flags.map(({ env }) => env).sort(), KNOWN_SETTING_NAMES.map(variableOf).sort());
  assert(flags.every(({ flag }) => flag.doc !== ""));
});

Deno.test("serve --help lists settings with an effect, and with --all those that have a single value", async () => {
  const help = async (argv: string[]) => (await runIn(testContext(), ["serve", ...argv])).stdout;
  const short = await help(["--help"]);
  assertStringIncludes(short, "--log-retention-ms DURATION");
  assertEquals(short.includes("--num-io-threads"), false);
  assertMatch(short, /"dqueue serve --help --all" lists [12]\d\d more\s+flags/);
  const full = await help(["--all", "--help"]);
  assertStringIncludes(full, "--log-retention-ms DURATION");
  assertMatch(full, /--num-io-threads N +Threads that work on requests \(default 8\)/);
  assertEquals(full.includes("--help --all"), false);
});

Deno.test("serve accepts the single value of a setting from flag, variable and file, and rejects others", async () => {
  const reason = '"9" is not supported, only 8 is: one event loop';
  for (
    const [argv, options] of [
      [["--num-io-threads", "9"], {}],
      [[], { env: { DQUEUE_NUM_IO_THREADS: "9" } }],
      [["--config", "a.json"], { files: { "a.json": '{ "num.io.threads": 9 }' } }],
    ] as const
  ) {
    const { code, stderr } = await runIn(testContext(options), ["serve", ...argv]);
    assertEquals(code, 2);
    assertStringIncludes(stderr, reason);
  }
  await withFolder(async (folder) => {
    const env = { DQUEUE_NUM_NETWORK_THREADS: "3" };
    const argv = ["--listen", "127.0.0.1:0", "--data", folder, "--num-io-threads", "8"];
    const { code } = await serving(argv, async (address) => {
      await using client = new Client({ brokers: address });
      const configs = await client.admin().describeConfigs({ type: "broker", name: "1" });
      const sources = configs.filter(({ name }) => /^num.(io|network).threads$/.test(name))
        .map(({ name, value, source }) => [name, value, source]);
      assertEquals(sources, [
        ["num.io.threads", "8", "staticBroker"],
        ["num.network.threads", "3", "staticBroker"],
      ]);
    }, { env });
    assertEquals(code, 0);
  });
});

Deno.test("brokerConfigInputs() leaves defaults to the broker and reads units", () => {
  const config = parseBrokerConfig({
    flags: brokerConfigInputs({
      listen: ["127.0.0.1:0"],
      "log.retention.ms": brokerFlags()["log.retention.ms"]!.parse!("7d", 0),
      "log.segment.bytes": brokerFlags()["log.segment.bytes"]!.parse!("64MiB", 0),
      "auto.create.topics.enable": "false",
      "node.id": undefined,
    }),
  });
  assertEquals(config.get("listeners"), ["PLAINTEXT://127.0.0.1:0"]);
  assertEquals(config.get("log.retention.ms"), 604_800_000);
  assertEquals(config.get("log.segment.bytes"), 67_108_864);
  assertEquals(config.get("auto.create.topics.enable"), false);
  assertEquals(config.valuesOf("node.id").length, 1);
});

Deno.test("serve reads the file of --config - from standard input", async () => {
  await withFolder(async (folder) => {
    const config = { listen: "127.0.0.1:0", data: `${folder}/data`, "num.partitions": 5 };
    const files = { "-": JSON.stringify(config) };
    const result = await serving(["--config", "-"], async (address) => {
      await using client = new Client({ brokers: address });
      assertEquals((await client.admin().createTopic({ name: "a" })).partitions, 5);
    }, { files });
    assertEquals(result.code, 0);
  });
  const produced = await runIn(testContext({ files: { "-": "{}" } }), "produce a --config -");
  assertEquals(produced.code, 2);
  assertStringIncludes(
    produced.stderr,
    "Cannot read standard input: --config - has already read it",
  );
});

Deno.test("serve --workers runs a cluster of brokers in one process", async () => {
  await withFolder(async (folder) => {
    const argv = ["--workers", "2", "--listen", "127.0.0.1:0", "--data", `${folder}/data`];
    argv.push("--http", "127.0.0.1:0");
    const { code, stderr } = await serving(argv, async (address) => {
      await using client = new Client({ brokers: address });
      const { brokers } = await client.admin().describeCluster();
      assertEquals(brokers.map(({ id }) => id), [1, 2]);
      // Whichever broker begins, each leads one of two.
      const { partitions } = await client.admin().createTopic({ name: "a", partitions: 2 });
      assertEquals(partitions, 2);
    });
    assertEquals(code, 0);
    assertMatch(stderr, /Listening address=\S+ clusterId=\S{22} nodeId=1\n/);
    assertMatch(stderr, /Listening address=\S+ clusterId=\S{22} nodeId=2\n/);
    assertMatch(stderr, /Serving HTTP url=\S+ nodeId=1\n/);
    assertMatch(stderr, /Serving HTTP url=\S+ nodeId=2\n/);
    const folders = [`${folder}/data`, `${folder}/data/workers/2`];
    for (const path of folders) {
      const verified = await runIn(testContext(), ["log", "verify", path]);
      assertEquals([verified.code, verified.stdout], [0, ""]);
    }
    const metadata = "etcd://127.0.0.1:1/orders";
    const words = ["cluster", "import", folders[0]!, "--metadata", metadata];
    const imported = await runIn(testContext(), words);
    assertEquals(imported.code, 2);
    assertStringIncludes(imported.stderr, "it has records of several brokers (serve --workers)");
    const ofWorker = Deno.readDirSync(folders[1]!);
    const log = [...ofWorker].find(({ name }) => name.startsWith("a-"))!.name;
    await Deno.remove(`${folders[1]}/${log}`, { recursive: true });
    const { code: found, stdout } = await runIn(testContext(), ["log", "verify", folders[0]!]);
    assertEquals(found, 1);
    assertStringIncludes(stdout, `${folders[1]}/${log}: the folder of "${log}" is missing`);
  });
});

Deno.test("serve --workers says which broker cannot listen, and closes the others", async () => {
  await withFolder(async (folder) => {
    const [port, next] = takePortAfterFree();
    using _ = next;
    const argv = ["--workers", "2", "--listen", `127.0.0.1:${port}`, "--data", `${folder}/data`];
    const { code, stderr } = await serving(argv, () => Promise.resolve());
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      `Error: Cannot start broker 2: Cannot listen on 127.0.0.1:${port + 1}: the address is in use`,
    );
    assertEquals(stderr.includes("    at "), false, stderr);
  });
});

/** A port that is free, and a listener on the next. */
function takePortAfterFree(): [port: number, next: Deno.TcpListener] {
  for (;;) {
    const port = freePort();
    try {
      return [port, Deno.listen({ hostname: "127.0.0.1", port: port + 1 })];
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

Deno.test("serve --workers refuses what is not a number of brokers", async () => {
  for (const text of ["0", "-1", "1.5", "many", "1000"]) {
    const { code, stderr } = await serving([`--workers=${text}`], () => Promise.resolve());
    assertEquals(code, 2);
    assertStringIncludes(stderr, `"${text}" is not a number from 1 to 999, or auto`);
  }
});
