import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Client } from "../../../client/mod.ts";
import { testContext } from "../../terminal/test_context.ts";
import { runIn, WatchedOutput } from "../testing.ts";

/** Runs `serve` in a folder of its own until `use` returns. */
async function serving(
  argv: readonly string[],
  use: (addresses: string[]) => Promise<void>,
  options: { env?: Record<string, string>; files?: Record<string, string> } = {},
): Promise<string> {
  const data = await Deno.makeTempDir();
  const stderr = new WatchedOutput({});
  const env = { DQUEUE_HTTP: "off", ...options.env };
  const context = testContext({ env, files: options.files ?? {} });
  const running = runIn({ ...context, stderr: stderr.output }, ["serve", "--data", data, ...argv]);
  try {
    // `running` settles if the broker does not start.
    await Promise.race([stderr.until(" Listening address="), running]);
    const found = stderr.text.matchAll(/Listening address=(\S+)/g);
    await use(Array.from(found, ([, address]) => address!));
  } finally {
    context.stop.abort(new DOMException("Terminated", "AbortError"));
    await running;
    await Deno.remove(data, { recursive: true });
  }
  return stderr.text;
}

async function failing(argv: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { code, stderr } = await runIn(testContext({ env }), ["serve", ...argv]);
  assertEquals(code, 2);
  return stderr;
}

const MAP = "INTERNAL:PLAINTEXT,EXTERNAL:PLAINTEXT";
const TWO = [
  ...["--listeners", "INTERNAL://127.0.0.1:0,EXTERNAL://127.0.0.1:0"],
  ...["--listener-security-protocol-map", MAP, "--inter-broker-listener-name", "INTERNAL"],
];

Deno.test("serve says what it listens on, and names listeners that have another name than PLAINTEXT", async () => {
  const stderr = await serving(TWO, () => Promise.resolve());
  for (const name of ["INTERNAL", "EXTERNAL"]) {
    assertMatch(
      stderr,
      new RegExp(
        `Listening address=\\S+ clusterId=\\S{22} nodeId=1 listener=${name} protocol=PLAINTEXT\n`,
      ),
    );
  }
});

Deno.test("serve takes settings of single listeners from flags, variables and files", async () => {
  const internal = "listener.name.internal.ssl.enabled.protocols";
  const files = {
    "a.json": JSON.stringify({
      [internal]: "TLSv1.2",
      "listener.name": { external: { "ssl.enabled.protocols": ["TLSv1.2", "TLSv1.3"] } },
      "listener.name.external.ssl.client.auth": "required",
    }),
  };
  const env = {
    DQUEUE_LISTENER_NAME_EXTERNAL_SSL_CLIENT_AUTH: "requested",
    DQUEUE_LISTENER_NAME_INTERNAL_SSL_KEYSTORE_KEY: "canary",
  };
  const argv = [
    ...TWO,
    "--config",
    "a.json",
    "--listener-name-internal-ssl-enabled-protocols",
    "TLSv1.3",
  ];
  const stderr = await serving(argv, async ([address]) => {
    await using client = new Client({ brokers: address! });
    const configs = await client.admin().describeConfigs({ type: "broker", name: "1" });
    const own = configs.filter(({ name }) => name.startsWith("listener.name."));
    assertEquals(
      own.map(({ name, value, isSensitive }) => [name, value, isSensitive]).sort(),
      [
        ["listener.name.external.ssl.client.auth", "requested", false],
        ["listener.name.external.ssl.enabled.protocols", "TLSv1.2,TLSv1.3", false],
        [internal, "TLSv1.3", false],
        ["listener.name.internal.ssl.keystore.key", null, true],
      ],
    );
  }, { env, files });
  assertEquals(stderr.includes("canary"), false);
});

Deno.test("serve refuses settings of listeners that it cannot use, and names them", async () => {
  const cases: [string[], string][] = [
    [
      ["--listener-name-internal-ssl-client-atuh", "none"],
      "--listener-name-internal-ssl-client-atuh: it does not end with a setting that listeners have",
    ],
    [
      ["--listener-name-internal-ssl-client-auth", "no"],
      "--listener-name-internal-ssl-client-auth: String must be one of",
    ],
    [["--listener-name-internal-ssl-client-auth"], "Missing value of --listener-name-internal-ssl"],
    [
      ["--listener-name-internal-ssl-keystore-key", "canary"],
      "set DQUEUE_LISTENER_NAME_INTERNAL_SSL_KEYSTORE_KEY or put",
    ],
    [
      ["--listener-name-other-ssl-client-auth", "none"],
      "there is no listener OTHER, the listeners are INTERNAL, EXTERNAL",
    ],
    [["--listener-name", "x"], 'Unknown flag "--listener-name"'],
  ];
  for (const [argv, message] of cases) {
    const stderr = await failing([...TWO, ...argv]);
    assertStringIncludes(stderr, message);
    assertEquals(stderr.includes("canary"), false);
  }
  assertStringIncludes(
    await failing(TWO, { DQUEUE_LISTENER_NAME_INTERNAL_NUM_PARTITIONS: "1" }),
    "--listener-name-internal-num-partitions: it does not end with a setting",
  );
});

Deno.test("serve refuses listeners that do not fit together, and says what to change", async () => {
  assertStringIncludes(
    await failing(["--listeners", "EXTERNAL://127.0.0.1:0"]),
    "add EXTERNAL:PROTOCOL to listener.security.protocol.map",
  );
  assertStringIncludes(await failing(["--listen", "SSL://:x"]), "is not of the form HOST:PORT");
});

Deno.test("serve takes listeners from the variable of Kafka's name, too", async () => {
  const env = { DQUEUE_LISTENERS: "INTERNAL://127.0.0.1:0" };
  const argv = ["--listener-security-protocol-map", "INTERNAL:PLAINTEXT"];
  const stderr = await serving(argv, async ([address]) => {
    await using client = new Client({ brokers: address! });
    assertEquals((await client.admin().describeCluster()).brokers.length, 1);
  }, { env });
  assertEquals(stderr.includes("INTERNAL"), true);
});

Deno.test("serve refuses two variables of one setting that differ", async () => {
  const stderr = await failing([], {
    DQUEUE_LISTENERS: "127.0.0.1:0",
    DQUEUE_LISTEN: "127.0.0.1:1",
  });
  assertStringIncludes(stderr, "Cannot use DQUEUE_LISTEN with DQUEUE_LISTENERS");
  assertStringIncludes(await failing([], { DQUEUE_LISTENERZ: "a:1" }), "did you mean");
});
