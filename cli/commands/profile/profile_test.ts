import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { TemporaryFolder } from "../../../tests/support/temporary_folder.ts";
import { testContext, type TestContextOptions } from "../../terminal/test_context.ts";
import { runIn } from "../testing.ts";

/** Runs commands of a user with profiles in a folder of its own. */
function userIn(folder: TemporaryFolder) {
  return async (line: string, options: TestContextOptions = {}) => {
    const env = { XDG_CONFIG_HOME: folder.path, ...options.env };
    return await runIn(testContext({ ...options, env }), line);
  };
}

Deno.test("profile create keeps a password that is typed, and shows it nowhere", async () => {
  await using folder = await TemporaryFolder.create();
  const run = userIn(folder);
  const created = await run(
    "profile create prod -b kafka.example:9093 --tls-ca ca.pem --user alice",
    { stdinIsTerminal: true, typed: ["canary"] },
  );
  const warning = `Warning: "${Deno.cwd()}/ca.pem" does not exist yet\n`;
  assertEquals([created.code, created.stderr], [0, `Password of alice: \n${warning}`]);
  assertEquals(created.stdout, 'Created profile "prod", which is in use now\n');
  const path = folder.join("dqueue/profiles.json");
  assertStringIncludes(await Deno.readTextFile(path), '"password": "canary"');
  assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
  for (const line of ["list", "list --output json", "describe", "describe prod --output json"]) {
    const { code, stdout } = await run(`profile ${line}`);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "kafka.example:9093");
    assert(!stdout.includes("canary"), stdout);
  }
  const json = JSON.parse((await run("profile describe --output json")).stdout);
  assertEquals([json.user, json.has_password, json.in_use, json.tls], ["alice", true, true, true]);
  assertEquals(json.tls_ca, `${Deno.cwd()}/ca.pem`);
});

Deno.test("profile create without a terminal keeps no password", async () => {
  await using folder = await TemporaryFolder.create();
  const run = userIn(folder);
  const env = { DQUEUE_PASSWORD: "canary" };
  assertEquals((await run("profile create ci -b a:1 --user ci", { env })).code, 0);
  const flags = "-b a:1 --user ci --password-file /run/secret";
  assertEquals((await run(`profile create file ${flags}`, { env })).code, 0);
  const text = await Deno.readTextFile(folder.join("dqueue/profiles.json"));
  assert(!text.includes("canary"));
  assertStringIncludes(text, '"passwordFile": "/run/secret"');
});

Deno.test("profile use, clear, list and delete choose among profiles", async () => {
  await using folder = await TemporaryFolder.create();
  const run = userIn(folder);
  assertEquals((await run("profile list")).stderr.startsWith("No profiles"), true);
  await run("profile create a -b a:1");
  await run("profile create b -b b:2 --tls --user u --sasl-mechanism plain");
  assertEquals(
    (await run("profile list")).stdout,
    "PROFILE     BROKERS  TLS  USER\na           a:1      no   -\nb (in use)  b:2      yes  u\n",
  );
  assertEquals((await run("profile use a")).stdout, 'Using profile "a"\n');
  assertEquals((await run("profile describe --output json")).stdout.includes('"a:1"'), true);
  assertEquals((await run("profile current")).stdout, (await run("profile print a")).stdout);
  assertEquals((await run("profile clear")).code, 0);
  assertStringIncludes((await run("profile describe")).stderr, "No profile is in use");
  assertEquals((await run("profile delete a")).code, 2, "it asks first");
  assertEquals((await run("profile delete a --yes")).code, 0);
  assertStringIncludes((await run("profile use a")).stderr, 'Unknown profile "a"');
});

Deno.test("profile create refuses what it cannot keep", async (t) => {
  await using folder = await TemporaryFolder.create();
  const run = userIn(folder);
  await run("profile create a -b a:1");
  const wrong: readonly [line: string, message: string][] = [
    ["a -b b:1", "--replace overwrites it"],
    ["c", "Missing --brokers"],
    ["c/d -b a:1", "letters, digits"],
    ["c -b a:1 --password canary", "others can see command lines"],
    ["c -b a:1 --password=canary", "others can see command lines"],
    ["c -b a:1 --sasl-mechanism GSSAPI", "--sasl-mechanism"],
    ["c -b a:1 --password-file - --user u", "must be the name of a file"],
  ];
  for (const [rest, message] of wrong) {
    await t.step(rest, async () => {
      const { code, stderr } = await run(`profile create ${rest}`);
      assert(code !== 0);
      assertStringIncludes(stderr, message);
      assert(!stderr.includes("canary"), stderr);
    });
  }
  assertEquals((await run("profile create a -b b:1 --replace")).code, 0);
});

Deno.test("commands connect as a flag says, then a variable, then the file of another client or a profile", async (t) => {
  await using folder = await TemporaryFolder.create();
  const run = userIn(folder);
  await run("profile create one -b 127.0.0.1:1");
  await run("profile create two -b 127.0.0.1:2");
  const files = { f: "bootstrap.servers=127.0.0.1:3", g: "client.id=x" };
  // Nothing listens there, so that the error shows what was chosen.
  const cases: readonly [flags: string, env: TestContextOptions["env"], port: number][] = [
    ["", {}, 2],
    ["--profile one", {}, 1],
    ["", { DQUEUE_PROFILE: "one" }, 1],
    ["--profile two", { DQUEUE_PROFILE: "one" }, 2],
    ["", { DQUEUE_BROKERS: "127.0.0.1:4" }, 4],
    ["--profile one", { DQUEUE_BROKERS: "127.0.0.1:4" }, 4],
    ["-b 127.0.0.1:5 --profile one", { DQUEUE_BROKERS: "127.0.0.1:4" }, 5],
    ["--client-config f", {}, 3],
    ["--client-config f", { DQUEUE_PROFILE: "one" }, 3],
    ["--profile one", { DQUEUE_CLIENT_CONFIG: "f" }, 1],
    ["", { DQUEUE_CLIENT_CONFIG: "f" }, 3],
    ["-b 127.0.0.1:5 --client-config f", {}, 5],
    ["--client-config g", { DQUEUE_BROKERS: "127.0.0.1:4" }, 4],
  ];
  for (const [flags, env, port] of cases) {
    await t.step(`${flags} ${JSON.stringify(env)}`, async () => {
      const { stderr } = await run(`topic list ${flags}`.trim(), { env: { ...env }, files });
      assertStringIncludes(stderr, `Cannot connect to 127.0.0.1:${port}:`);
    });
  }
  const both = { DQUEUE_PROFILE: "one", DQUEUE_CLIENT_CONFIG: "f" };
  for (const [flags, env] of [["--profile one --client-config f", {}], ["", both]] as const) {
    const { code, stderr } = await run(`topic list ${flags}`.trim(), { env, files });
    assertEquals(code, 2);
    assertStringIncludes(stderr, "both --client-config and --profile");
  }
});
