import { assertEquals, assertStringIncludes } from "@std/assert";
import { Broker } from "../../broker/mod.ts";
import { Client } from "../../client/mod.ts";
import { CommandTest } from "../../cli/commands/testing.ts";
import { program } from "../../cli/commands/program.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { dqueue } from "../support/broker/dqueue.ts";
import { attemptInShell, committedOffset } from "../support/broker/redirected.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";

const FULL = "No space left on device";

/** Makes a data folder whose one partition, "a-0", is damaged, so `log verify` has output. */
async function damagedData(folder: TemporaryFolder): Promise<string> {
  const data = folder.join("data");
  const logger = { error() {}, warn() {}, info() {}, debug() {} };
  await using broker = await Broker.start({ listen: [], config: { "log.dirs": data }, logger });
  await using client = new Client({ broker });
  await client.producer().send({ topic: "a", value: "one" });
  await client.close();
  await broker.close();
  const log = `${data}/a-0/00000000000000000000.log`;
  const bytes = await Deno.readFile(log);
  bytes[70]! ^= 1;
  await Deno.writeFile(log, bytes);
  return data;
}

/** A command line for every command with output, ordered so that each finds what it needs. */
function commandLines(data: string): string[] {
  return [
    "--help",
    "--version",
    "topic --help",
    "version",
    "cheat",
    "completions bash",
    "topic create b --partitions 2",
    "produce a -m one",
    "produce a -m one --output json",
    "produce a -m one --transactional-id t",
    "txn list",
    "txn describe t",
    "txn describe-producers a",
    "txn find-hanging --output json",
    "txn abort --transactional-id t --yes",
    "consume a -e",
    "consume a -e --output json",
    "consume a -e -f %v",
    "group reset-offsets g --topic a --to start --execute",
    "consume a -e -g h",
    "topic list",
    "topic list --output json",
    "topic describe a",
    "topic alter a --set retention.ms=1d",
    "topic add-partitions a --to 3 --dry-run",
    "topic trim a -o -1 --yes",
    "group list",
    "group describe g",
    "group offset-delete g --topic a --yes",
    "group delete g --yes",
    "topic delete b --yes",
    "cluster info",
    "cluster health",
    "cluster elect --output json",
    "cluster reassign --output json",
    "cluster set-replicas a 1 --output json",
    "cluster drain 1 --output json",
    "cluster remove 9",
    `log dump ${data}/a-0/00000000000000000000.log`,
    `log verify ${data}`,
    `log repair ${data}`,
    "security acl create --allow-principal a --operation read --topic x",
    "security acl list",
    "security acl explain --principal a --operation read --topic x",
    "security acl delete --principal a --yes",
    "security user create u --new-password-file password --yes",
    "security user list",
    "security user delete u --yes",
    "security quota alter --name user=a --add producer_byte_rate=5",
    "security quota describe",
    "profile create p -b a:1",
    "profile list",
    "profile describe p",
    "profile use p",
    "profile clear",
    "profile delete p --yes",
    "bench produce -n 10",
    "bench consume -n 10",
    "bench latency --duration 10ms --warmup 0",
  ];
}

Deno.test("Every command fails with exit code 1 if its output cannot be written", async (t) => {
  await using folder = await TemporaryFolder.create();
  await using test = await CommandTest.start({
    "group.initial.rebalance.delay.ms": 0,
    // The first user would keep everyone else out.
    "allow.everyone.if.no.acl.found": true,
  });
  const lines = commandLines(await damagedData(folder));
  const tried = program.commands.filter(({ name }) => {
    return lines.some((line) => `${line} `.startsWith(`${name} `));
  });
  // A broker has no output, only a log; what needs etcd is in tests/cluster/, and tokens need SASL.
  const others = program.commands.filter((command) => !tried.includes(command));
  assertEquals(others.map(({ name }) => name), [
    "serve",
    "cluster import",
    "cluster try",
    "security user reset",
    "security token create",
    "security token list",
    "security token renew",
    "security token expire",
  ]);
  for (const line of lines) {
    await t.step(line, async () => {
      const { code, stderr } = await test.run(line, {
        stdout: { failure: new Error(FULL) },
        files: { password: "secret" },
        env: { XDG_CONFIG_HOME: folder.path },
      });
      assertEquals(code, 1, stderr);
      assertStringIncludes(stderr, `Error: Cannot write to the output: ${FULL}`);
      assertEquals(stderr.split(FULL).length, 2, stderr);
    });
  }
});

Deno.test("dqueue as a process fails and commits nothing if its output cannot be written", async (t) => {
  await using folder = await TemporaryFolder.create();
  await using broker = await BrokerProcess.start({
    data: folder.join("data"),
    flags: ["--group-initial-rebalance-delay-ms", "0"],
  });
  const options = { env: { DQUEUE_BROKERS: broker.address } };
  await dqueue(["produce", "a"], { ...options, input: "one\ntwo\n" });
  const inShell = (args: string[], redirection: string) => {
    return attemptInShell(args, redirection, options);
  };
  for (const args of [["topic", "list"], ["version"], ["consume", "a", "-e"]]) {
    await t.step(`${args.join(" ")} > /dev/full`, async () => {
      const { code, stderr } = await inShell(args, "> /dev/full");
      assertEquals(code, 1, stderr);
      assertStringIncludes(stderr, `Cannot write to standard output: ${FULL}`);
    });
  }
  await t.step("consume --group > /dev/full", async () => {
    assertEquals((await inShell(["consume", "a", "-e", "-g", "g"], "> /dev/full")).code, 1);
    assertEquals(await committedOffset("g", options), 0);
    assertEquals((await inShell(["consume", "a", "-e", "-g", "g"], "> /dev/null")).code, 0);
    assertEquals(await committedOffset("g", options), 2);
  });
  await t.step("topic list 2> /dev/full", async () => {
    assertEquals((await inShell(["topic", "list"], "2> /dev/full")).code, 0);
  });
  await t.step("consume nowhere 2> /dev/full", async () => {
    assertEquals((await inShell(["consume", "nowhere"], "2> /dev/full")).code, 1);
  });
  await t.step("consume | true", async () => {
    const { code, stderr } = await inShell(["consume", "a", "-e"], "| true");
    assertEquals([code, stderr], [0, ""]);
  });
});
