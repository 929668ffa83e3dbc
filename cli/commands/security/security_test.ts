import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { PASSWORDS, SaslBroker } from "../../../tests/support/security/sasl_broker.ts";
import { FakeCluster } from "../../../client/testing/fake_cluster.ts";
import { plaintextPort } from "../../../client/testing/fake_port.ts";
import { ErrorCode } from "../../../protocol/errors.ts";
import { describeConfigs } from "../../../protocol/messages/configs/describe_configs.ts";
import {
  describeAcls,
  type DescribeAclsResponse,
} from "../../../protocol/messages/security/describe_acls.ts";
import { metadata } from "../../../protocol/messages/topics/metadata.ts";
import { LocalBroker } from "../../../tests/support/broker/local_broker.ts";
import { TemporaryFolder } from "../../../tests/support/temporary_folder.ts";
import { testContext, type TestContextOptions } from "../../terminal/test_context.ts";
import { runIn } from "../testing.ts";
import type { FlagValues } from "../../program/flag.ts";
import {
  type filterFlags,
  filtersOf,
  parseOperation,
  parsePrincipalFlag,
  principalsOf,
} from "./acl_flags.ts";

/** Runs command lines against a broker, without credentials unless they say otherwise. */
function userOf(broker: SaslBroker) {
  const run = async (line: string | readonly string[], options: TestContextOptions = {}) => {
    const env = { DQUEUE_BROKERS: broker.plaintext, ...options.env };
    return await runIn(testContext({ ...options, env }), line);
  };
  const output = async (line: string | readonly string[], options: TestContextOptions = {}) => {
    const { code, stdout, stderr } = await run(line, options);
    if (code !== 0) throw new Error(`${line}: exit code ${code}, ${stderr}`);
    return stdout;
  };
  return { run, output };
}

Deno.test("security user creates, lists and deletes users, who can log in meanwhile", async () => {
  await using broker = await SaslBroker.start();
  const { run, output } = userOf(broker);
  const files = { pw: "canary-password\n" };
  const login = ["topic", "list", "-b", broker.address, "--user", "carol", "--password-file", "pw"];
  assertEquals((await run(login, { files })).code, 1);
  assertEquals(
    await output("security user create carol --new-password-file pw", { files }),
    "USER   STATUS   MECHANISM\ncarol  created  SCRAM-SHA-256\n",
  );
  assertEquals((await run(login, { files })).code, 0);
  assertEquals((await run([...login, "--sasl-mechanism", "plain"], { files })).code, 0);
  assertMatch(await output("security user list"), /^carol +SCRAM-SHA-256$/m);
  const json = JSON.parse(await output("security user list --output json"));
  assertEquals(json.at(-1), {
    user: "carol",
    credentials: [{ mechanism: "SCRAM-SHA-256", iterations: 8192 }],
  });

  const again = await run("security user create carol --new-password-file pw", { files });
  assertStringIncludes(again.stderr, "--replace overwrites it");
  const typed = ["other", "other"];
  const terminal = { stdinIsTerminal: true, typed };
  const replaced = await run("security user create carol --replace", terminal);
  assertEquals([replaced.code, replaced.stderr], [0, "New password of carol: \nAgain: \n"]);
  assertEquals((await run(login, { files })).code, 1, "the old password");
  assertEquals((await run(login, { files: { pw: "other" } })).code, 0);
  const differing = { stdinIsTerminal: true, typed: ["a", "b"] };
  const different = await run("security user create carol --replace", differing);
  assertStringIncludes(different.stderr, "not the same");

  assertEquals((await run("security user delete carol")).code, 2, "it asks first");
  assertMatch(await output("security user delete carol --yes"), /^carol +deleted$/m);
  assertStringIncludes((await run("security user delete carol --yes")).stderr, "no such user");
});

Deno.test("security user create warns that the first user closes a cluster", async () => {
  await using broker = await SaslBroker.start();
  for (const user of ["alice", "bob"]) {
    await broker.deleteCredential(user, "SCRAM-SHA-256");
    await broker.deleteCredential(user, "SCRAM-SHA-512");
  }
  const { run } = userOf(broker);
  const files = { pw: "x" };
  const line = "security user create admin --new-password-file pw";
  const refused = await run(line, { files });
  assertEquals(refused.code, 2);
  assertStringIncludes(refused.stderr, "--bootstrap-user creates an administrator instead");
  assertEquals((await run(`${line} --yes`, { files })).code, 0);
});

Deno.test("security user delete says that a user is the last administrator", async () => {
  await using broker = await SaslBroker.start({ config: { "super.users": "User:ANONYMOUS" } });
  const { run, output } = userOf(broker);
  await output("security acl create --allow-principal alice --operation alter --cluster");
  const terminal = { stdinIsTerminal: true, stdin: "no\n" };
  const asked = await run("security user delete alice", terminal);
  assertStringIncludes(asked.stderr, "the last user that may alter the cluster");
  const other = await run("security user delete bob", terminal);
  assert(!other.stderr.includes("the last user"));
});

Deno.test("security acl creates, lists and deletes rules", async () => {
  await using broker = await SaslBroker.start({ config: { "super.users": "User:ANONYMOUS" } });
  const { run, output } = userOf(broker);
  assertEquals(
    await output([
      ...["security", "acl", "create", "--allow-principal", "alice", "--operation", "read,Write"],
      ...["--topic", "orders", "--allow-host", "10.0.0.0/8"],
    ]),
    "PRINCIPAL   HOST        RESOURCE  NAME    PATTERN  OPERATION  PERMISSION\n" +
      "User:alice  10.0.0.0/8  topic     orders  literal  read       allow\n" +
      "User:alice  10.0.0.0/8  topic     orders  literal  write      allow\n",
  );
  await output(
    "security acl create --allow-principal User:bob --consumer --topic bill- --group bill- " +
      "--resource-pattern-type prefixed",
  );
  await output("security acl create --deny-principal * --operation delete --topic *");
  const list = async (filter: string) =>
    (await output(`security acl list ${filter}`.trim())).split("\n").slice(1, -1).map((line) =>
      line.split(/ +/).filter((_, i) => [0, 3, 5, 6].includes(i)).join(" ")
    );
  assertEquals(await list(""), [
    "User:bob bill- read allow",
    "User:* * delete deny",
    "User:bob bill- describe allow",
    "User:bob bill- read allow",
    "User:alice orders read allow",
    "User:alice orders write allow",
  ]);
  assertEquals(await list("--principal bob --operation describe"), [
    "User:bob bill- describe allow",
  ]);
  assertEquals(await list("--topic bill-1 --resource-pattern-filter match"), [
    "User:* * delete deny",
    "User:bob bill- describe allow",
    "User:bob bill- read allow",
  ]);
  assertEquals(await list("--deny-principal *"), ["User:* * delete deny"]);
  assertEquals((await list("--allow-host 10.0.0.0/8")).length, 2);
  assertEquals((await run("security acl list --topic none")).stderr, "No such rules\n");

  const dry = await output("security acl delete --principal bob --dry-run");
  assertEquals(dry.split("\n").length, 5);
  assertEquals((await run("security acl delete --principal bob")).code, 2, "it asks first");
  const deleted = await run("security acl delete --principal bob --operation describe --yes");
  assertEquals([deleted.code, deleted.stderr], [0, "Deleted 1 rule\n"]);
  assertEquals((await list("--principal bob")).length, 2);
  assertStringIncludes((await run("security acl delete --yes")).stderr, "--all deletes every rule");
  assertEquals((await run("security acl delete --all --yes")).stderr, "Deleted 5 rules\n");
  assertEquals(JSON.parse(await output("security acl list --output json")), []);
});

Deno.test("security acl takes the command lines of kafka-acls", async () => {
  await using broker = await SaslBroker.start({ config: { "super.users": "User:ANONYMOUS" } });
  const { run, output } = userOf(broker);
  const created = await output(
    "kafka-acls.sh --add --allow-principal User:bob --producer --idempotent --topic t",
  );
  assertEquals(created.split("\n").slice(1, -1).map((line) => line.split(/ +/).slice(2, 6)), [
    ["topic", "t", "literal", "write"],
    ["topic", "t", "literal", "describe"],
    ["topic", "t", "literal", "create"],
    ["cluster", "kafka-cluster", "literal", "idempotentWrite"],
  ]);
  assertEquals(
    await output(`kafka-acls --bootstrap-server ${broker.plaintext} --list --topic t`),
    await output("acls list --topic t"),
  );
  const removed = await run("kafka-acls --remove --topic t --force");
  assertEquals([removed.code, removed.stderr], [0, "Deleted 3 rules\n"]);
  assertEquals(await output("security users list"), await output("user ls"));
});

Deno.test("security acl create refuses what makes no rule", async (t) => {
  await using broker = await SaslBroker.start({ config: { "super.users": "User:ANONYMOUS" } });
  const { run } = userOf(broker);
  const wrong: readonly [flags: string, message: string][] = [
    ["--operation read --topic a", "Missing --allow-principal or --deny-principal"],
    ["--allow-principal a --operation read", "Missing --topic"],
    ["--allow-principal a --topic b", "Missing --operation"],
    ["--allow-principal a --producer --group b", "Missing --topic"],
    ["--allow-principal a --operation drop --topic b", "expected one of all, read"],
    ["--allow-principal a --allow-host here --operation read --topic b", "expected an IP address"],
    ["--deny-host ::1 --allow-principal a --operation read --topic b", "--deny-host is for one"],
    ["--allow-principal User: --operation read --topic b", 'cannot use "User:"'],
    ["--allow-principal a --operation write --topic b --group c", "--operation write with --group"],
    [
      "--allow-principal a --operation read --cluster",
      "with --cluster: its operations are all, cr",
    ],
    ["--allow-principal a --operation create --user-principal b", "create_tokens, describe_tokens"],
    ["--allow-principal a --operation all,read --transactional-id b", "with --transactional-id"],
  ];
  for (const [flags, message] of wrong) {
    await t.step(flags, async () => {
      const { code, stderr } = await run(`security acl create ${flags}`);
      assertEquals(code, 2);
      assertStringIncludes(stderr, message);
    });
  }
});

Deno.test("security acl explain names the rule that decides", async (t) => {
  await using broker = await SaslBroker.start({
    config: { "super.users": "User:ANONYMOUS;User:root", "allow.everyone.if.no.acl.found": false },
  });
  const { run, output } = userOf(broker);
  await output("security acl create --allow-principal alice --operation read --topic orders");
  await output("security acl create --deny-principal alice --operation write --topic *");
  await output(
    "security acl create --allow-principal * --operation all --topic pub- " +
      "--resource-pattern-type prefixed",
  );
  await output(
    "security acl create --deny-principal bob --deny-host 10.0.0.0/8 --operation read --topic pub-1",
  );
  const cases: readonly [question: string, isAllowed: boolean, because: string][] = [
    ["alice read orders", true, "allow User:alice to read topic orders"],
    ["alice describe orders", true, "allow User:alice to read topic orders"],
    ["alice write orders", false, "deny User:alice to write topic *"],
    ["alice write pub-1", false, "deny User:alice to write topic *"],
    ["bob read orders", false, "none of the 2 rules about this resource allows it"],
    ["bob read pub-1", true, "allow User:* to all topic pub-… (prefixed)"],
    ["bob read pub-1 10.1.2.3", false, "deny User:bob from 10.0.0.0/8 to read topic pub-1"],
    ["root delete orders", true, "super.users has this principal"],
  ];
  for (const [question, isAllowed, because] of cases) {
    await t.step(question, async () => {
      const [principal, operation, topic, host] = question.split(" ");
      const flags = `--principal ${principal} --operation ${operation} --topic ${topic}` +
        (host === undefined ? "" : ` --host ${host}`);
      const { code, stdout, stderr } = await run(`security acl explain ${flags}`);
      assertEquals([code, stderr], [isAllowed ? 0 : 1, ""]);
      assertMatch(stdout, isAllowed ? /^Allowed: / : /^Denied: /);
      assertStringIncludes(stdout, because);
    });
  }
  await t.step("about a group without rules", async () => {
    const flags = "--principal alice --operation read --group g --output json";
    const { code, stdout } = await run(`security acl explain ${flags}`);
    assertEquals(code, 1);
    assertEquals(JSON.parse(stdout), {
      allowed: false,
      reason: "no-rule-for-resource",
      rule: null,
      rules_about_resource: [],
    });
  });
  await t.step("but not several things at once", async () => {
    for (const flags of ["--operation read", "--operation read --topic a --topic b"]) {
      assertEquals((await run(`security acl explain --principal a ${flags}`)).code, 2);
    }
    const all = "security acl explain --principal a --operation all --topic a";
    assertStringIncludes((await run(all)).stderr, "all operations at once");
  });
});

Deno.test("security acl explain tells an open cluster from one that is closed without a rule", async (t) => {
  const line = "security acl explain --principal anyone --operation delete --topic orders";
  const config = { "super.users": "User:ANONYMOUS" };
  await t.step("that never had a user", async () => {
    await using local = await LocalBroker.start();
    const run = (args: string) =>
      runIn(testContext({ env: { DQUEUE_BROKERS: local.address } }), args);
    const { code, stdout } = await run(line);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "because the cluster is open: it never had a user or a rule");
    assertEquals(JSON.parse((await run(`${line} --output json`)).stdout).reason, "open");
  });
  await t.step("whose last rule was deleted", async () => {
    await using local = await LocalBroker.start({ config });
    const run = (args: string) =>
      runIn(testContext({ env: { DQUEUE_BROKERS: local.address } }), args);
    await run("security acl create --allow-principal a --operation read --topic t");
    await run("security acl delete --all --yes");
    const { code, stdout } = await run(line);
    assertEquals(code, 1);
    assertMatch(
      stdout,
      /^Denied: .*\n {2}because no rule is about this resource, and allow\.everyone\.if\.no\.acl\.found is false/,
    );
  });
  await t.step("whose last user was deleted", async () => {
    const strict = { ...config, "allow.everyone.if.no.acl.found": false };
    await using broker = await SaslBroker.start({ config: strict });
    for (const user of ["alice", "bob"]) {
      await broker.deleteCredential(user, "SCRAM-SHA-256");
      await broker.deleteCredential(user, "SCRAM-SHA-512");
    }
    assertEquals((await userOf(broker).run(line)).code, 1);
  });
  await t.step("that requires rules", async () => {
    await using local = await LocalBroker.start({ config: { ...config, authorizer: "required" } });
    const env = { DQUEUE_BROKERS: local.address };
    assertEquals((await runIn(testContext({ env }), line)).code, 1);
  });
});

Deno.test("security acl explain of Apache Kafka", async (t) => {
  const explain = async (rules: DescribeAclsResponse) => {
    const cluster = new FakeCluster();
    cluster.on(describeAcls, () => rules);
    cluster.on(describeConfigs, ({ resources }) => ({
      results: resources.map(({ resourceType, resourceName }) => ({
        resourceType,
        resourceName,
        errorCode: 0,
        errorMessage: null,
        // As Kafka does with all settings of its authorizer.
        configs: ["super.users", "allow.everyone.if.no.acl.found"].map((name) => ({
          ...{ name, value: null, readOnly: true, isSensitive: true, configSource: 4 },
          ...{ synonyms: [], configType: 0, documentation: null },
        })),
      })),
    }));
    await using port = plaintextPort(cluster);
    cluster.on(metadata, async (_, { usual }) => ({
      ...await usual(),
      brokers: [{ nodeId: 0, host: "127.0.0.1", port: port.port, rack: null }],
    }));
    const env = { DQUEUE_BROKERS: `127.0.0.1:${port.port}` };
    const line = "security acl explain --principal a --operation read --topic t";
    return await runIn(testContext({ env }), line);
  };
  await t.step("without an authorizer", async () => {
    const errorCode = ErrorCode.SECURITY_DISABLED;
    const { code, stdout } = await explain({ errorCode, errorMessage: null, resources: [] });
    assertEquals(code, 0);
    assertStringIncludes(stdout, "because the brokers have no authorizer");
  });
  await t.step("whose super users are not told", async () => {
    const { code, stderr } = await explain({ errorCode: 0, errorMessage: null, resources: [] });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "Warning: the brokers do not tell super.users");
  });
});

Deno.test("security quota alters and describes quotas", async () => {
  await using broker = await SaslBroker.start();
  const { run, output } = userOf(broker);
  await output("security quota alter --name user=alice --add producer_byte_rate=1MiB");
  await output(
    "security quota alter --default users --name client-id=app --add " +
      "consumer_byte_rate=2000,request_percentage=50",
  );
  assertEquals(
    await output("security quota describe"),
    "FOR                            QUOTA                 VALUE\n" +
      "user=<default>, client-id=app  consumer_byte_rate     2000\n" +
      "user=<default>, client-id=app  request_percentage       50\n" +
      "user=alice                     producer_byte_rate  1048576\n",
  );
  const json = JSON.parse(
    await output("security quota describe --any user --strict --output json"),
  );
  assertEquals(json, [{ entity: { user: "alice" }, values: { producer_byte_rate: 1048576 } }]);
  await output("security quota alter --name user=alice --delete producer_byte_rate");
  assertEquals((await run("security quota describe --name user=alice")).stderr, "No such quotas\n");
  const wrong: readonly [flags: string, code: number, message: string][] = [
    ["--add producer_byte_rate=1", 2, "Missing --name or --default"],
    ["--name user=a", 2, "Missing --add or --delete"],
    ["--name topic=a --add producer_byte_rate=1", 2, "expected one of user, client-id, ip"],
    ["--name user=a --default user --add producer_byte_rate=1", 2, "several of user"],
    ["--name user=a --add producer_byte_rate", 2, "expected QUOTA=VALUE"],
    ["--name user=a --add speed=1", 1, "INVALID_REQUEST"],
  ];
  for (const [flags, code, message] of wrong) {
    const result = await run(`security quota alter ${flags}`);
    assertEquals(result.code, code, flags);
    assertStringIncludes(result.stderr, message);
  }
});

Deno.test("security token creates, lists, renews and expires tokens", async () => {
  const config = { "delegation.token.secret.key": "a key of the tests" };
  await using broker = await SaslBroker.start({ config });
  const { run, output } = userOf(broker);
  const files = { pw: PASSWORDS.alice };
  const alice = ["-b", broker.address, "--user", "alice", "--password-file", "pw"];
  const token = async (...args: string[]) =>
    await output(["security", "token", ...args, ...alice], { files });
  const created = JSON.parse(
    await token("create", "--renewer", "bob", "--max-lifetime", "1h", "--output", "json"),
  );
  assertEquals([created.owner, created.renewers], ["User:alice", ["User:bob"]]);
  const login = ["topic", "list", "-b", broker.address, "--client-config", "token.properties"];
  const properties = (hmac: string) =>
    "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-256\n" +
    "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required " +
    `username="${created.token_id}" password="${hmac}" tokenauth="true";`;
  const byToken = (hmac: string) => run(login, { files: { "token.properties": properties(hmac) } });
  assertEquals((await byToken(created.hmac)).code, 0);
  assertEquals((await byToken("AAAA")).code, 1);

  const listed = await token("list");
  assertMatch(listed, new RegExp(`^${created.token_id} +User:alice +User:alice +User:bob `, "m"));
  assert(!listed.includes(created.hmac));
  assert(!(await token("list", "--output", "json")).includes(created.hmac));
  assertStringIncludes(
    (await run(["security", "token", "list", "--owner", "carol", ...alice], { files })).stderr,
    "No tokens",
  );

  assertMatch(await token("renew", created.token_id, "--period", "10m"), /^Renewed until \d{4}-/);
  const renewed = JSON.parse(await token("renew", created.token_id, "--output", "json"));
  assertEquals([renewed.token_id, renewed.expires > Date.now()], [created.token_id, true]);
  const unknown = await run(["security", "token", "renew", "nobody", ...alice], { files });
  assertStringIncludes(unknown.stderr, 'Cannot find token "nobody"');
  assertEquals(await token("expire", created.token_id, "--yes"), "The token is gone\n");
  assertEquals((await byToken(created.hmac)).code, 1);
  const anonymous = await run("security token create");
  assertStringIncludes(anonymous.stderr, "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED");
});

Deno.test("security user reset makes an administrator in the folder of a stopped broker", async () => {
  await using folder = await TemporaryFolder.create();
  const data = folder.join("data");
  const { Broker } = await import("../../../broker/mod.ts");
  const logger = { error() {}, warn() {}, info() {}, debug() {} };
  const start = () =>
    Broker.start({
      listen: ["SASL_PLAINTEXT://127.0.0.1:0", "PLAINTEXT://127.0.0.1:0"],
      config: {
        "log.dirs": data,
        "sasl.enabled.mechanisms": "SCRAM-SHA-256",
        "inter.broker.listener.name": "PLAINTEXT",
      } as never,
      logger,
    });
  const files = { pw: "canary-reset" };
  const reset = `security user reset root --data ${data} --new-password-file pw --yes`;
  {
    await using _broker = await start();
    const running = await runIn(testContext({ files }), reset);
    assertEquals(running.code, 1);
    assertStringIncludes(running.stderr, "in use");
  }
  const done = await runIn(testContext({ files }), reset);
  assertEquals([done.code, done.stderr], [0, ""]);
  await using broker = await start();
  const { host, port } = broker.addresses[0]!;
  const login = `security user list -b ${host}:${port} --user root --password-file pw`;
  const { code, stdout } = await runIn(testContext({ files }), login);
  assertEquals(code, 0);
  assertMatch(stdout, /^root +/m);
  const absent = reset.replace(data, folder.join("none"));
  assertStringIncludes((await runIn(testContext({ files }), absent)).stderr, "there is no folder");
});

Deno.test("parseOperation() and parsePrincipalFlag() take the words of rpk and Kafka", () => {
  for (
    const word of ["DescribeConfigs", "describe_configs", "DESCRIBE-CONFIGS", "describeconfigs"]
  ) {
    assertEquals(parseOperation(word), "describeConfigs");
  }
  assertEquals(parseOperation("ALL"), "all");
  assertEquals(
    ["alice", "User:alice", "*", "Group:a"].map(parsePrincipalFlag),
    ["User:alice", "User:alice", "User:*", "Group:a"],
  );
});

Deno.test("filtersOf() combines all that is named", () => {
  const none: FlagValues<typeof filterFlags> = {
    principal: [],
    allowPrincipal: [],
    denyPrincipal: [],
    allowHost: [],
    denyHost: [],
    operation: [],
    resourcePatternFilter: "any",
    topic: [],
    group: [],
    transactionalId: [],
    cluster: false,
    delegationToken: [],
    userPrincipal: [],
  };
  assertEquals(filtersOf(none), [{}]);
  assertEquals(
    filtersOf({ ...none, principal: ["User:a"], topic: ["t", "u"], operation: ["read"] }),
    ["t", "u"].map((resourceName) => ({
      principal: "User:a",
      resourceType: "topic",
      resourceName,
      patternType: "any",
      operation: "read",
    })),
  );
  assertEquals(filtersOf({ ...none, denyHost: ["::1"] }), [{ permission: "deny", host: "::1" }]);
  const flags = { allowPrincipal: ["User:a"], denyPrincipal: ["User:b"], allowHost: ["::1", "*"] };
  assertEquals(principalsOf({ ...flags, denyHost: undefined }).length, 3);
});
