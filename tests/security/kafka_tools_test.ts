/**
 * Apache Kafka's own tools against a broker with TLS, SASL and ACLs: each works, or fails with the words
 * that it has for Kafka. They run one after the other in one virtual machine.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { runIn } from "../../cli/commands/testing.ts";
import { testContext } from "../../cli/terminal/test_context.ts";
import {
  javaOptions,
  javaProgram,
  observationsOf,
  toolsWith,
} from "../support/clients/observations.ts";
import { testWith, testWithPath } from "../support/outside.ts";
import { writeCertificateSet } from "../support/security/certificate_files.ts";
import { PASSWORDS, SaslBroker } from "../support/security/sasl_broker.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const TOOLS = "org.apache.kafka.tools";
const TOPICS = `${TOOLS}.TopicCommand`;
const ACLS = `${TOOLS}.AclCommand`;
const CONFIGS = "kafka.admin.ConfigCommand";
const GROUPS = `${TOOLS}.consumer.group.ConsumerGroupCommand`;
const TOKENS = `${TOOLS}.DelegationTokenCommand`;
const TRANSACTIONS = `${TOOLS}.TransactionsCommand`;
const PRODUCER = `${TOOLS}.ConsoleProducer`;
const CONSUMER = `${TOOLS}.consumer.ConsoleConsumer`;

/** Who runs the tool, what it is, its arguments, and what it exits with and prints. */
interface Step {
  readonly by: keyof typeof PASSWORDS | "mallory";
  readonly tool: string;
  readonly args: string;
  readonly input?: string;
  readonly code?: number;
  readonly prints: RegExp;
}

/** Bob administers the cluster, and alice may do what the steps before allow. */
const STEPS: readonly Step[] = [
  { by: "bob", tool: TOPICS, args: "--create --topic t", prints: /^Created topic t\.$/ },
  {
    by: "mallory",
    tool: TOPICS,
    args: "--list",
    code: 1,
    prints: /Authentication failed during authentication due to invalid credentials/,
  },
  { by: "alice", tool: TOPICS, args: "--list", prints: /^$/ },
  {
    by: "alice",
    tool: TOPICS,
    args: "--create --topic other",
    code: 1,
    prints: /Error while executing topic command : Authorization failed\./,
  },
  {
    by: "alice",
    tool: PRODUCER,
    args: "--topic t",
    input: "a\\n",
    prints: /TopicAuthorizationException: Not authorized to access topics: \[t\]/,
  },
  {
    by: "alice",
    tool: ACLS,
    args: "--add --allow-principal User:alice --producer --topic t",
    code: 1,
    prints: /Error while executing ACL command: .*ClusterAuthorizationException/,
  },
  {
    by: "bob",
    tool: ACLS,
    args: "--add --allow-principal User:alice --producer --idempotent --topic t",
    prints: /(?=[^]*operation=WRITE)(?=[^]*operation=IDEMPOTENT_WRITE)/,
  },
  {
    by: "bob",
    tool: ACLS,
    args: "--add --allow-principal User:alice --consumer --topic t --group g " +
      "--resource-pattern-type prefixed",
    prints: /resourceType=GROUP, name=g, patternType=PREFIXED/,
  },
  {
    by: "bob",
    tool: ACLS,
    args: "--add --deny-principal User:alice --deny-host 127.0.0.1 --operation Read --topic t2",
    prints: /host=127\.0\.0\.1, operation=READ, permissionType=DENY/,
  },
  {
    by: "bob",
    tool: ACLS,
    args: "--list --principal User:alice",
    prints: /(?=[^]*patternType=PREFIXED)(?=[^]*permissionType=DENY)/,
  },
  { by: "alice", tool: PRODUCER, args: "--topic t", input: "a\\nb\\n", prints: /^$/ },
  {
    by: "alice",
    tool: CONSUMER,
    args: "--topic t --group g1 --from-beginning --max-messages 2 --timeout-ms 20000",
    prints: /^a\nb\nProcessed a total of 2 messages/,
  },
  {
    by: "alice",
    tool: CONSUMER,
    args: "--topic t --group other --from-beginning --timeout-ms 20000",
    prints: /GroupAuthorizationException: Not authorized to access group: other/,
  },
  {
    by: "alice",
    tool: GROUPS,
    args: "--describe --group g1",
    prints: /^Consumer group .*[^]*\nGROUP +TOPIC [^]*\ng1 +t +0 +2 +2 +0 /,
  },
  {
    by: "alice",
    tool: GROUPS,
    args: "--describe --group other",
    prints: /GroupAuthorizationException: FindCoordinator request for groupId/,
  },
  {
    by: "alice",
    tool: GROUPS,
    args: "--group g1 --topic t --reset-offsets --to-earliest --execute",
    prints: /\ng1 +t +0 +0 *$/,
  },
  {
    by: "alice",
    tool: GROUPS,
    args: "--delete --group g1",
    prints: /Group 'g1' could not be deleted due to: .*GroupAuthorizationException/,
  },
  { by: "bob", tool: GROUPS, args: "--delete --group g1", prints: /\('g1'\) was successful/ },
  { by: "alice", tool: `${TOOLS}.GetOffsetShell`, args: "--topic t", prints: /^t:0:2$/ },
  {
    by: "alice",
    tool: `${TOOLS}.GetOffsetShell`,
    args: "--topic t2",
    code: 1,
    prints: /^Error occurred: Could not match any topic-partitions/,
  },
  {
    by: "bob",
    tool: CONFIGS,
    args: "--alter --entity-type users --entity-name erin --add-config " +
      "SCRAM-SHA-512=[iterations=4096,password=canary-erin]",
    prints: /^Completed updating config for user erin\.$/,
  },
  {
    by: "bob",
    tool: CONFIGS,
    args: "--alter --entity-type users --entity-name erin --add-config " +
      "producer_byte_rate=1024,consumer_byte_rate=2048",
    prints: /^Completed updating config for user erin\.$/,
  },
  {
    by: "bob",
    tool: CONFIGS,
    args: "--describe --entity-type users --entity-name erin",
    prints:
      /^Quota configs for user-principal 'erin' are (?=.*consumer_byte_rate=2048\.0)(?=.*producer_byte_rate=1024\.0).*\nSCRAM credential configs for user-principal 'erin' are SCRAM-SHA-512=iterations=4096$/,
  },
  {
    by: "bob",
    tool: CONFIGS,
    args:
      "--alter --entity-type ips --entity-name 10.0.0.1 --add-config connection_creation_rate=9",
    prints: /^Completed updating config for ip 10\.0\.0\.1\.$/,
  },
  {
    by: "bob",
    tool: CONFIGS,
    args: "--describe --entity-type ips",
    prints: /^Quota configs for ip '10\.0\.0\.1' are connection_creation_rate=9\.0$/,
  },
  {
    by: "bob",
    tool: CONFIGS,
    args: "--alter --entity-type users --entity-name erin --delete-config SCRAM-SHA-256",
    code: 1,
    prints: /ResourceNotFoundException: Attempt to delete a user credential that does not exist/,
  },
  {
    by: "alice",
    tool: CONFIGS,
    args: "--describe --entity-type users",
    code: 1,
    prints: /ClusterAuthorizationException/,
  },
  {
    by: "alice",
    tool: TOKENS,
    args: "--create --max-life-time-period -1 --renewer-principal User:bob",
    prints: /TOKENID +HMAC +OWNER[^]*User:alice +User:alice +\[User:bob\]/,
  },
  {
    by: "bob",
    tool: TOKENS,
    args: "--describe --owner-principal User:alice",
    prints: /User:alice +User:alice +\[User:bob\]/,
  },
  {
    by: "alice",
    tool: TOKENS,
    args: "--renew --hmac AAAA --renew-time-period -1",
    code: 1,
    prints: /DelegationTokenNotFoundException/,
  },
  { by: "bob", tool: TRANSACTIONS, args: "list", prints: /^TransactionalId\tCoordinator/ },
  {
    by: "alice",
    tool: TRANSACTIONS,
    args: "describe --transactional-id x",
    code: 1,
    prints: /FindCoordinator request for transactionalId .*failed due to authorization failure/,
  },
  {
    by: "bob",
    tool: `${TOOLS}.BrokerApiVersionsCommand`,
    args: "",
    prints: /^127\.0\.0\.1:\d+ \(id: 1 [^]*Produce\(0\): 0 to \d+ \[usable/,
  },
  {
    by: "bob",
    tool: ACLS,
    args: "--remove --force --topic t --resource-pattern-type any",
    prints: /^$/,
  },
  { by: "alice", tool: TOPICS, args: "--list", prints: /^$/ },
];

testWithPath(
  "a Java compiler with Kafka's tools and kafka-configs",
  toolsWith("kafka_2.13"),
  "Kafka's tools work on a secured broker as on Kafka, or say the same",
  async (tool, t) => {
    await using folder = await TemporaryFolder.create();
    const certificates = writeCertificateSet(folder.path);
    await using broker = await SaslBroker.start({
      certificates,
      config: {
        "allow.everyone.if.no.acl.found": false,
        "super.users": "User:bob;User:ANONYMOUS",
        "delegation.token.secret.key": "a key of the tests",
      },
    });
    const address = broker.addressOf("SASL_SSL");
    for (const [user, password] of Object.entries({ ...PASSWORDS, mallory: "wrong" })) {
      await Deno.writeTextFile(
        folder.join(`${user}.properties`),
        "security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n" +
          `ssl.truststore.type=PEM\nssl.truststore.location=${certificates.caFile}\n` +
          "sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required " +
          `username="${user}" password="${password}";\n`,
      );
    }
    const lines = STEPS.map(({ by, tool, args, input = "" }, i) =>
      [
        ...[`${i}`, tool, input, "--bootstrap-server", address],
        ...["--command-config", folder.join(`${by}.properties`)],
        ...args.split(" ").filter((each) => each !== ""),
      ].join("\t")
    );
    await Deno.writeTextFile(folder.join("steps"), `${lines.join("\n")}\n`);
    const found = await observationsOf("java", [
      ...javaOptions(tool),
      javaProgram("Tools"),
      folder.join("steps"),
    ]);
    for (const [i, { by, tool, args, code = 0, prints }] of STEPS.entries()) {
      await t.step(`${i}: ${by}: ${tool.replace(/.*\./, "")} ${args}`.trimEnd(), () => {
        const [, exit, text] = /^(\d+) ?(.*)$/.exec(found[`${i}`]!)!;
        assertMatch(text!.replaceAll("\\n", "\n"), prints);
        assertEquals(Number(exit), code);
      });
    }
  },
);

testWith("kcat", "kcat -F and --client-config connect with the same file", async (kcat) => {
  await using folder = await TemporaryFolder.create();
  const certificates = writeCertificateSet(folder.path);
  await using broker = await SaslBroker.start({ certificates });
  const file = folder.join("kcat.conf");
  await Deno.writeTextFile(
    file,
    "# Of kcat\n" +
      `metadata.broker.list=${broker.addressOf("SASL_SSL")}\nsecurity.protocol=sasl_ssl\n` +
      `ssl.ca.location=${certificates.caFile}\nsasl.mechanisms=SCRAM-SHA-512\n` +
      `sasl.username=alice\nsasl.password=${PASSWORDS.alice}\n`,
  );
  const metadata = new Deno.Command(kcat, { args: ["-F", file, "-L", "-J"], stdin: "null" });
  const { code, stdout } = await within(metadata.output(), "kcat");
  assertEquals(code, 0);
  const { brokers } = JSON.parse(new TextDecoder().decode(stdout));
  const files = Object.fromEntries(
    await Promise.all([file, certificates.caFile].map(async (path) => [
      path,
      await Deno.readTextFile(path),
    ])),
  );
  const info = await runIn(testContext({ files }), [
    ...["cluster", "info", "--client-config", file, "--output", "json"],
  ]);
  assertEquals([info.code, info.stderr], [0, ""]);
  assertEquals(JSON.parse(info.stdout).brokers.length, brokers.length);
});
