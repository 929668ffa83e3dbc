import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Output } from "../terminal/output.ts";
import { runProgram } from "./run_program.ts";
import { testContext, type TestContextOptions } from "../terminal/test_context.ts";
import { testProgram } from "./test_program.ts";

async function run(argv: readonly string[], options: TestContextOptions = {}) {
  const context = testContext(options);
  const code = await runProgram(testProgram, argv, context);
  return { code, stdout: context.stdoutText(), stderr: context.stderrText() };
}

/** The invocation that a command line results in. */
async function invoke(argv: readonly string[], options: TestContextOptions = {}) {
  const { code, stdout, stderr } = await run(argv, options);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  return JSON.parse(stdout);
}

/** First line of the error for an invalid command line. */
async function usageError(argv: readonly string[], options: TestContextOptions = {}) {
  const { code, stdout, stderr } = await run(argv, options);
  assertEquals({ code, stdout }, { code: 2, stdout: "" });
  const lines = stderr.trimEnd().split("\n");
  assert(lines.at(-1)!.startsWith('Run "dqueue'), stderr);
  return lines.at(-2)!;
}

Deno.test("runProgram() passes the values of flags and arguments to the command", async (t) => {
  const cases: [argv: string[], flags: Record<string, unknown>, topics: string[]][] = [
    [["consume", "a"], {}, ["a"]],
    [["consume", "a", "b", "--num", "5"], { num: 5 }, ["a", "b"]],
    [["consume", "--num=5", "a"], { num: 5 }, ["a"]],
    [["consume", "-n5", "a"], { num: 5 }, ["a"]],
    [["consume", "-n=5", "a"], { num: 5 }, ["a"]],
    [["consume", "-en5", "a"], { num: 5, exit: true }, ["a"]],
    [["consume", "a", "--exit"], { exit: true }, ["a"]],
    [["consume", "a", "--exit", "--no-exit"], { exit: false }, ["a"]],
    [["consume", "a", "--exit=no"], { exit: false }, ["a"]],
    [["consume", "--exit", "a"], { exit: true }, ["a"]],
    [["consume", "--exit", "--", "--num", "-"], { exit: true }, ["--num", "-"]],
    [["consume", "-p", "0,2", "-p", "5", "a"], { partition: [0, 2, 5] }, ["a"]],
    [["consume", "-o", "-5", "a"], { offset: { from: { type: "end", minus: 5 } } }, ["a"]],
    [["consume", "--group", "-x", "a"], { group: "-x" }, ["a"]],
    [["consume", "--group=--exit", "a"], { group: "--exit" }, ["a"]],
    [["consume", "--group=", "a"], { group: "" }, ["a"]],
    [["--brokers", "h:1,h:2", "consume", "a"], { brokers: ["h:1", "h:2"] }, ["a"]],
    [["-bh:1", "consume", "-b", "h:2", "a"], { brokers: ["h:1", "h:2"] }, ["a"]],
    [["consume", "a", "--timeout", "1m"], { timeout: 60_000 }, ["a"]],
    [["consume", "a", "--timeout", "0"], { timeout: 0 }, ["a"]],
    [["consume", "-e", "--exit", "a", "--num", "1"], { num: 1, exit: true }, ["a"]],
    [["consume", "-z", "lz4", "a", "--ratio", ".5"], { compression: "lz4", ratio: 0.5 }, ["a"]],
  ];
  const defaults = {
    brokers: ["localhost:9092"],
    timeout: 5000,
    offset: { from: { type: "start", plus: 0 } },
    partition: [],
    exit: false,
    compression: "none",
  };
  for (const [argv, flags, topics] of cases) {
    await t.step(argv.join(" "), async () => {
      assertEquals(await invoke(argv), { flags: { ...defaults, ...flags }, args: { topics } });
    });
  }
});

Deno.test("runProgram() finds noun and verb, with flags anywhere", async () => {
  const expected = await invoke(["topic", "create", "a", "--partitions", "3", "--timeout", "1s"]);
  assertEquals(expected.flags.partitions, 3);
  assertEquals(
    await invoke(["--timeout=1s", "topic", "--partitions", "3", "create", "a"]),
    expected,
  );
  const configs = await invoke(["topic", "create", "a", "-c", "x=1", "--config", "y=2,3"]);
  assertEquals(configs.flags.config, ["x=1", "y=2,3"]);
});

Deno.test("runProgram() reports invalid command lines", async (t) => {
  const cases: [argv: string[], problem: string][] = [
    [["topik"], 'Unknown command "dqueue topik", did you mean "dqueue topic"'],
    [
      ["topic", "creat", "a"],
      'Unknown command "dqueue topic creat", did you mean "dqueue topic create"',
    ],
    [["purge"], 'Unknown command "dqueue purge"'],
    [
      ["consume", "a", "--numb", "5"],
      'Unknown flag "--numb" of "dqueue consume", did you mean "--num"',
    ],
    [
      ["--partitons", "3", "topic", "create"],
      'Unknown flag "--partitons" of "dqueue", did you mean "--partitions"',
    ],
    [["consume", "a", "--no-num"], 'Unknown flag "--no-num"'],
    [["consume", "a", "-x"], 'Unknown flag "-x" of "dqueue consume"'],
    [
      ["consume", "a", "-5"],
      'Unknown flag "-5" of "dqueue consume"; if it is not a flag, put "--" before it',
    ],
    [["consume", "a", "-ex"], 'Unknown flag "-x"'],
    [["consume", "a", "--num"], "Missing value of --num N"],
    [["consume", "a", "--num", "--"], "Missing value of --num N"],
    [["consume", "a", "-n"], "Missing value of --num N"],
    [
      ["consume", "a", "--group", "--exit"],
      'Missing value of --group VALUE; if "--exit" is the value, use --group=--exit',
    ],
    [
      ["consume", "a", "-g", "-e"],
      'Missing value of --group VALUE; if "-e" is the value, use --group=-e',
    ],
    [["consume", "a", "--num", "x"], 'Invalid --num: cannot read "x": expected a whole number'],
    [["consume", "a", "--num", "0"], 'Invalid --num: cannot use "0": it must be at least 1'],
    [["consume", "a", "-n", "1", "-n", "2"], "Cannot use --num with 2 values: it takes one, found"],
    [["-b", "h:1", "consume", "a", "--group=x", "-g", "x"], "Cannot use --group with 2 values"],
    [["--timeout=1s", "topic", "list", "--timeout=2s"], "Cannot use --timeout with 2 values"],
    [["--config", "a", "consume", "a", "--config", "b"], "Cannot use --config with 2 values"],
    [
      ["consume", "a", "--timeout", "5"],
      'Invalid --timeout: cannot read "5": it has no unit, use 5s or 5ms',
    ],
    [
      ["serve", "--log.retention.mss", "5"],
      'Unknown flag "--log.retention.mss" of "dqueue serve", did you mean "--log-retention-ms"',
    ],
    [
      ["consume", "a\ufffdb"],
      'Cannot use "a\ufffdb" on the command line: it has bytes that are not',
    ],
    [
      ["consume", "a", "--from-beginning"],
      'Unknown flag "--from-beginning" of "dqueue consume"; reading starts at the beginning',
    ],
    [["consume", "--topic", "a"], 'Unknown flag "--topic" of "dqueue consume"; use the name'],
    [["topic", "rename"], 'Unknown command "dqueue topic rename"'],
    [["kafka-topics", "--bootstrap-server", "h:1"], 'Unknown flag "--bootstrap-server" of "dqueue'],
    [["consume", "a", "--exit=maybe"], "Invalid --exit: cannot read"],
    [["consume", "a", "-p", "0,,1"], "Invalid --partition: an item of the list is empty"],
    [
      ["consume", "a", "-z", "zip"],
      'Invalid --compression: cannot read "zip": expected one of none, gzip',
    ],
    [["consume", "a", "-o", "first"], 'Invalid --offset: cannot read offset "first"'],
    [["consume"], 'Missing TOPIC: "consume" takes TOPIC...'],
    [["topic", "list", "a"], 'Unexpected argument "a": "topic list" takes no arguments'],
    [["log", "dump", "a", "b", "--key", "k"], 'Invalid COUNT: cannot read "b"'],
    [
      ["log", "dump", "a", "1", "c", "--key", "k"],
      'Unexpected argument "c": "log dump" takes FILE [COUNT]',
    ],
    [["log", "dump", "a"], 'Missing --key: use --key VALUE, set DQUEUE_KEY or put "key" in'],
    [["topic"], 'Missing command: nothing follows "dqueue topic"'],
    [[], 'Missing command: nothing follows "dqueue"'],
    [["--exit"], 'Missing command: nothing follows "dqueue"'],
  ];
  for (const [argv, problem] of cases) {
    await t.step(argv.join(" ") || "nothing", async () => {
      assertStringIncludes(await usageError(argv), `Error: ${problem}`);
    });
  }
});

Deno.test("runProgram() accepts command names of other tools", async (t) => {
  const cases: [habit: string, own: string][] = [
    ["ls", "topic list"],
    ["topics", "topic list"],
    ["topics --timeout 1s", "topic list --timeout 1s"],
    ["-b h:1 topics", "topic list -b h:1"],
    ["topic ls", "topic list"],
    ["topics ls", "topic list"],
    ["list-topics", "topic list"],
    ["topic-list", "topic list"],
    ["create-topic a --partitions 3", "topic create a --partitions 3"],
    ["create a", "topic create a"],
    ["topic new a", "topic create a"],
    ["topics create a", "topic create a"],
    ["kafka-topics --list", "topic list"],
    ["kafka-topics.sh --create --topic a --partitions 3", "topic create a --partitions 3"],
    ["kafka-topics --partitions 3 --topic=a --create", "topic create a --partitions 3"],
    ["kafka-console-consumer --topic a --num 1 --from-beginning", "consume a --num 1"],
    ["kafka-console-consumer.sh --topic a", "consume a --offset end"],
    ["sub a", "consume a"],
  ];
  for (const [habit, own] of cases) {
    await t.step(habit, async () => {
      assertEquals(await invoke(habit.split(" ")), await invoke(own.split(" ")));
    });
  }
  const help = async (argv: string[]) => (await run(argv)).stdout;
  assertEquals(await help(["ls", "--help"]), await help(["topic", "list", "--help"]));
  assertStringIncludes(await help(["--help"]), "Names of other tools are accepted too");
  assertEquals(
    await invoke(["serve", "--log.segment.bytes=1MiB"]),
    await invoke(["serve", "--log-segment-bytes", "1MiB"]),
  );
});

Deno.test("runProgram() rejects a variable that no command has", async () => {
  const refused = async (env: Record<string, string>) =>
    await usageError(["consume", "a"], { env });
  assertEquals(
    await refused({ DQUEUE_BROKER: "h:1" }),
    'Error: Unknown variable "DQUEUE_BROKER", did you mean "DQUEUE_BROKERS"',
  );
  assertEquals(
    await refused({ DQUEUE_LOG_SEGMENT_BYTE: "1" }),
    'Error: Unknown variable "DQUEUE_LOG_SEGMENT_BYTE", did you mean "DQUEUE_LOG_SEGMENT_BYTES"',
  );
  assertEquals(
    await refused({ DQUEUE_CONFIGS: "x" }),
    'Error: Unknown variable "DQUEUE_CONFIGS", did you mean "DQUEUE_CONFIG"',
  );
  assertEquals(
    await refused({ DQUEUE_CONFIG: "", DQUEUE_HELP: "1" }),
    'Error: Unknown variable "DQUEUE_HELP": --help has no variable, use it on the command line',
  );
  assertEquals(
    await refused({ DQUEUE_PORT: "9093" }),
    'Error: Unknown variable "DQUEUE_PORT": no command has such a setting',
  );
  const env = {
    DQUEUE_NUM: "3",
    DQUEUE_DEBUG: "1",
    DQUEUE_BROKER: "",
    BROKERS: "x",
    DQUEUE_TEST_REQUIRE: "all",
    // From a Kubernetes service "dqueue-a".
    DQUEUE_A_SERVICE_HOST: "10.0.0.1",
    DQUEUE_A_SERVICE_PORT_KAFKA: "9092",
    DQUEUE_A_PORT: "tcp://10.0.0.1:9092",
    DQUEUE_A_PORT_9092_TCP_ADDR: "10.0.0.1",
  };
  assertEquals((await invoke(["consume", "a"], { env })).flags.num, 3);
  assertEquals((await run(["--help"], { env: { DQUEUE_BROKER: "h:1" } })).code, 0);
});

Deno.test("runProgram() suggests settings in the spelling of the config file", async () => {
  const cases: [settings: Record<string, unknown>, problem: string][] = [
    [{ "log.segment.byte": 1 }, '"log.segment.byte" in "c.json", did you mean "log.segment.bytes"'],
    [{ log_segment_byte: 1 }, '"log_segment_byte" in "c.json", did you mean "log_segment_bytes"'],
    [{ logSegmentByte: 1 }, '"logSegmentByte" in "c.json", did you mean "logSegmentBytes"'],
    [{ log: { segment: { byte: 1 } } }, '"log.segment.byte" in "c.json", did you mean "log.seg'],
    [{ "if-not-exist": true }, '"if-not-exist" in "c.json", did you mean "if-not-exists"'],
  ];
  for (const [settings, problem] of cases) {
    const files = { "c.json": JSON.stringify(settings) };
    const error = await usageError(["consume", "a", "--config", "c.json"], { files });
    assertStringIncludes(error, `Error: Unknown setting ${problem}`);
  }
  const twice = { "c.json": '{ "log.segment.bytes": 1, "log_segment_bytes": 2 }' };
  assertEquals(
    await usageError(["serve", "--config", "c.json"], { files: twice }),
    'Error: Cannot use both "log.segment.bytes" and "log_segment_bytes" in "c.json": they are one ' +
      "setting",
  );
});

Deno.test("runProgram() prefers the flag to the variable, the file and the default", async () => {
  const files = { "c.json": '{ "timeout": "3s", "log.segment.bytes": "1MiB" }' };
  const env = { DQUEUE_TIMEOUT: "2s" };
  const config = ["--config", "c.json"];
  const timeout = async (argv: string[], options: TestContextOptions) =>
    (await invoke(argv, options)).flags.timeout;
  assertEquals(await timeout(["topic", "list"], {}), 5000);
  assertEquals(await timeout(["topic", "list", ...config], { files }), 3000);
  assertEquals(await timeout(["topic", "list", ...config], { files, env }), 2000);
  assertEquals(await timeout(["topic", "list", ...config, "--timeout=1s"], { files, env }), 1000);
  const byVariable = { files, env: { DQUEUE_CONFIG: "c.json", DQUEUE_TIMEOUT: "" } };
  assertEquals(await timeout(["topic", "list"], byVariable), 3000);
});

Deno.test("runProgram() reads lists, booleans and renamed flags from variables", async () => {
  const env = { DQUEUE_BROKERS: "h:1,h:2", DQUEUE_EXIT: "yes", LOG_RETENTION: "-1" };
  const { flags } = await invoke(["consume", "a"], { env });
  assertEquals(flags.brokers, ["h:1", "h:2"]);
  assertEquals(flags.exit, true);
  assertEquals((await invoke(["consume", "a", "--no-exit"], { env })).flags.exit, false);
  assertEquals((await invoke(["serve"], { env })).flags["log.retention.ms"], -1);
});

Deno.test("runProgram() names the variable or setting that is invalid", async () => {
  const options = { files: { "c.json": '{ "num": "x" }' } };
  assertEquals(
    await usageError(["consume", "a"], { env: { DQUEUE_NUM: "x" } }),
    'Error: Invalid DQUEUE_NUM: cannot read "x": expected a whole number',
  );
  assertEquals(
    await usageError(["consume", "a", "--config", "c.json"], options),
    'Error: Invalid "num" in "c.json": cannot read "x": expected a whole number',
  );
  assertEquals(
    await usageError(["consume", "a", "--config", "d.json"], options),
    'Error: Cannot read config file "d.json" of --config: No such file: d.json',
  );
});

Deno.test("runProgram() runs the command of a config file", async () => {
  const files = {
    "c.json": JSON.stringify({
      broker_addrs: ["h:1", "h:2"],
      timeout: "5s",
      command: {
        type: "create-topic",
        topic: "my-topic",
        partitions: 3,
        configs: { "retention.ms": 1000 },
      },
    }),
    "d.json": '{ "timeout": "1s" }',
  };
  const invocation = await invoke(["--config", "c.json"], { files });
  assertEquals(invocation, {
    args: { topics: ["my-topic"] },
    flags: {
      brokers: ["h:1", "h:2"],
      timeout: 5000,
      partitions: 3,
      config: ["retention.ms=1000"],
      ifNotExists: false,
    },
  });
  const changed = await invoke(["--config", "c.json", "--partitions", "4"], { files });
  assertEquals(changed.flags.partitions, 4);
  const other = await invoke(["--config", "c.json", "topic", "list"], { files });
  assertEquals(other.flags, { brokers: ["h:1", "h:2"], timeout: 5000 });
  assertEquals(
    await usageError(["--config", "d.json"], { files }),
    'Error: Missing command: nothing follows "dqueue" and "d.json" has no "command"',
  );
  assertEquals(
    await usageError(["--config", "c.json", "--exit"], { files }),
    'Error: Unknown flag "--exit" of "dqueue topic create"',
  );
});

Deno.test("runProgram() shows help on standard output wherever it is requested", async () => {
  for (const argv of [["--help"], ["-h"], ["help"]]) {
    const { code, stdout, stderr } = await run(argv);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    assertStringIncludes(stdout, "Usage: dqueue COMMAND");
  }
  const verbs = [["topic", "create", "--help"], ["help", "topic", "create"], [
    "topic",
    "create",
    "-h",
  ]];
  verbs.push(["topic", "create", "a", "--nonsense", "-h"], [
    "--brokers",
    "x",
    "topic",
    "create",
    "-h",
  ]);
  for (const argv of verbs) {
    const { code, stdout } = await run(argv);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "Usage: dqueue topic create TOPIC...");
  }
  assertStringIncludes((await run(["consume", "a", "-eh"])).stdout, "Usage: dqueue consume");
  assertEquals(await invoke(["consume", "--", "--help"]).then(({ args }) => args.topics), [
    "--help",
  ]);
});

Deno.test("runProgram() shows help on standard error when there is no command", async () => {
  const { code, stdout, stderr } = await run(["topic"]);
  assertEquals({ code, stdout }, { code: 2, stdout: "" });
  assertStringIncludes(stderr, "Usage: dqueue topic COMMAND");
});

Deno.test("runProgram() shows the version", async () => {
  assertEquals(await run(["--version"]), { code: 0, stdout: "dqueue 1.2.3\n", stderr: "" });
});

Deno.test("runProgram() reports a failure with its cause, after what was printed", async () => {
  assertEquals(await run(["fail"]), {
    code: 1,
    stdout: "partial\n",
    stderr: "Error: it broke: the disk is full\n",
  });
  const { stderr } = await run(["fail", "--message", "the disk is full"]);
  assertEquals(stderr, "Error: the disk is full\n");
  const debug = await run(["fail"], { env: { DQUEUE_DEBUG: "1" } });
  assertStringIncludes(debug.stderr, "test_program.ts");
});

Deno.test("runProgram() returns the exit code of a command that continued after a failure", async () => {
  assertEquals((await run(["half"])).code, 1);
});

Deno.test("runProgram() does not report an interruption by the user", async () => {
  const interruption = new DOMException("Interrupted", "AbortError");
  const early = testContext();
  const atOnce = runProgram(testProgram, ["wait"], early);
  early.stop.abort(interruption);
  assertEquals(await atOnce, 130);
  const late = testContext();
  // Its output is the sign that it is waiting.
  const stdout = new Output(new WritableStream({ write: () => late.stop.abort(interruption) }));
  assertEquals(await runProgram(testProgram, ["wait"], { ...late, stdout }), 130);
  assertEquals(early.stderrText() + late.stderrText(), "");
});

Deno.test("runProgram() prints coloured errors on a terminal with colours", async () => {
  const options = { stderr: { isTerminal: true, colored: true } };
  const { stderr } = await run(["fail"], options);
  assertEquals(stderr, "\x1b[31mError:\x1b[39m it broke: the disk is full\n");
});
