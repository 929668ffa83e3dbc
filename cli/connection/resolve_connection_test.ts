import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { formatAddress } from "../../client/connection/address.ts";
import { CommandError, UsageError } from "../errors.ts";
import { testContext, type TestContextOptions } from "../terminal/test_context.ts";
import { TemporaryFolder } from "../../tests/support/temporary_folder.ts";
import { readProfiles, writeProfiles } from "./profile_store.ts";
import { type ConnectionFlagValues, resolveConnection } from "./resolve_connection.ts";

const NONE: ConnectionFlagValues = {
  brokers: undefined,
  profile: undefined,
  clientConfig: undefined,
  tls: undefined,
  tlsCa: undefined,
  tlsCert: undefined,
  tlsKey: undefined,
  tlsServerName: undefined,
  saslMechanism: undefined,
  user: undefined,
  passwordFile: undefined,
  tokenFile: undefined,
};
const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/** How a command with these flags connects. */
async function resolve(flags: Partial<ConnectionFlagValues>, options: TestContextOptions = {}) {
  const context = testContext(options);
  const { brokers, security } = await resolveConnection(context, { ...NONE, ...flags });
  await context.stderr.flush();
  return { brokers: brokers?.map(formatAddress), ...security, stderr: context.stderrText() };
}

/** How a command connects with a Java client's properties. */
function properties(text: string, flags: Partial<ConnectionFlagValues> = {}) {
  return resolve({ clientConfig: "client.properties", ...flags }, {
    files: { "client.properties": text, "ca.pem": PEM, "other.pem": PEM },
  });
}

const SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required " +
  'username="alice" password="canary";';

Deno.test("resolveConnection() reads a password where it comes from", async (t) => {
  const files = { secret: "by file\n", empty: "\n", two: "a\nb\n" };
  const user = "alice";
  const env = { DQUEUE_PASSWORD: "by variable" };
  const password = async (
    flags: Partial<ConnectionFlagValues>,
    options: TestContextOptions = {},
  ) => {
    const { sasl } = await resolve({ user, ...flags }, { files, ...options });
    assert(typeof sasl === "object" && "password" in sasl);
    assertEquals([sasl.mechanism, sasl.username], ["SCRAM-SHA-256", "alice"]);
    return sasl.password;
  };
  await t.step("a file before the variable", async () => {
    assertEquals(await password({ passwordFile: "secret" }, { env }), "by file");
  });
  await t.step("the variable before the terminal", async () => {
    assertEquals(await password({}, { env, stdinIsTerminal: true, typed: ["no"] }), "by variable");
  });
  await t.step("the terminal, which does not show it", async () => {
    const context = testContext({ stdinIsTerminal: true, typed: ["typed"] });
    const { security } = await resolveConnection(context, { ...NONE, user });
    assert(typeof security.sasl === "object" && "password" in security.sasl);
    assertEquals(security.sasl.password, "typed");
    assertEquals(context.stderrText(), "Password of alice: \n");
    assertEquals(context.stdoutText(), "");
  });
  await t.step("nowhere", async () => {
    await assertRejects(() => password({}), UsageError, "use --password-file or DQUEUE_PASSWORD");
    const typed = [""];
    await assertRejects(() => password({}, { stdinIsTerminal: true, typed }), UsageError, "none");
  });
  for (const passwordFile of ["absent", "empty", "two"]) {
    await t.step(`a file that is ${passwordFile}`, async () => {
      await assertRejects(() => password({ passwordFile }), UsageError, "--password-file");
    });
  }
});

Deno.test("resolveConnection() takes TLS and SASL from flags", async (t) => {
  const files = { "ca.pem": PEM, "a.pem": PEM, "a.key": "KEY" };
  await t.step("none", async () => {
    assertEquals(await resolve({}), { brokers: undefined, stderr: "" });
  });
  await t.step("an authority implies TLS", async () => {
    assertEquals((await resolve({ tlsCa: "ca.pem" }, { files })).tls, { ca: PEM });
    assertEquals((await resolve({ tlsCa: "ca.pem", tls: false }, { files })).tls, undefined);
    assertEquals((await resolve({ tls: true })).tls, {});
  });
  await t.step("a certificate and its key", async () => {
    const flags = { tlsCert: "a.pem", tlsKey: "a.key", tlsServerName: "kafka" };
    assertEquals((await resolve(flags, { files })).tls, {
      cert: PEM,
      key: "KEY",
      serverName: "kafka",
    });
  });
  await t.step("an encrypted key, whose password is asked for", async () => {
    const encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    const flags = { tlsCert: "a.pem", tlsKey: encrypted };
    const { tls } = await resolve(flags, { files, stdinIsTerminal: true, typed: ["open"] });
    assert(typeof tls === "object");
    assertEquals(tls.passphrase, "open");
    const env = { DQUEUE_TLS_KEY_PASSWORD: "variable" };
    const byVariable = await resolve(flags, { files, env });
    assert(typeof byVariable.tls === "object");
    assertEquals(byVariable.tls.passphrase, "variable");
  });
  await t.step("the content of a certificate in a variable", async () => {
    assertEquals((await resolve({ tlsCa: PEM })).tls, { ca: PEM });
  });
  await t.step("a token", async () => {
    const byFile = await resolve({ tokenFile: "t" }, { files: { t: "a.b.c\n" } });
    assertEquals(byFile.sasl, { mechanism: "OAUTHBEARER", token: "a.b.c" });
    const env = { DQUEUE_TOKEN: "d.e.f" };
    const byVariable = await resolve({ saslMechanism: "OAUTHBEARER" }, { env });
    assertEquals(byVariable.sasl, { mechanism: "OAUTHBEARER", token: "d.e.f" });
  });
  await t.step("what does not belong together", async () => {
    await assertRejects(() => resolve({ saslMechanism: "PLAIN" }), UsageError, "Missing --user");
    await assertRejects(() => resolve({ passwordFile: "x" }), UsageError, "Missing --user");
    await assertRejects(
      () => resolve({ profile: "a", clientConfig: "b" }),
      UsageError,
      "both --client-config and --profile",
    );
    await assertRejects(() => resolve({ tlsCa: "no.pem" }), UsageError, '"no.pem" of --tls-ca');
  });
});

Deno.test("resolveConnection() reads a Java client's properties", async (t) => {
  await t.step("SASL_SSL with PEM", async () => {
    const found = await properties(
      "bootstrap.servers=a:1,b:2\nsecurity.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\n" +
        `sasl.jaas.config=${SCRAM_LOGIN.replace("required ", "required \\\n  ")}\n` +
        "ssl.truststore.type=PEM\nssl.truststore.location=ca.pem\n" +
        "key.deserializer=x\nmax.poll.records=5\ngroup.id=g\n",
    );
    assertEquals(found, {
      brokers: ["a:1", "b:2"],
      tls: { ca: PEM },
      sasl: { mechanism: "SCRAM-SHA-512", username: "alice", password: "canary" },
      stderr: "",
    });
  });
  await t.step("SSL with a keystore, and inline", async () => {
    const byFile = await properties(
      "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=ca.pem\n" +
        "ssl.key.password=p\nssl.endpoint.identification.algorithm=\n",
    );
    assertEquals(byFile.tls, { cert: PEM, key: PEM, passphrase: "p", verifyServerName: false });
    const inline = PEM.replaceAll("\n", "\\n");
    const byText = await properties(
      `security.protocol=SSL\nssl.truststore.certificates=${inline}\n` +
        `ssl.keystore.certificate.chain=${inline}\nssl.keystore.key=KEY\n`,
    );
    assertEquals(byText.tls, { ca: PEM.trim(), cert: PEM.trim(), key: "KEY" });
  });
  await t.step("PLAIN with a token, and PLAINTEXT", async () => {
    const login = "org.apache.kafka.common.security.plain.PlainLoginModule required " +
      'username="a" password="b";';
    const plain = await properties(
      `security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\nsasl.jaas.config=${login}`,
    );
    assertEquals(plain.sasl, { mechanism: "PLAIN", username: "a", password: "b" });
    const token = await properties(
      "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-256\n" +
        `sasl.jaas.config=${SCRAM_LOGIN.replace(";", ' tokenauth="true";')}`,
    );
    assert(typeof token.sasl === "object" && "password" in token.sasl);
    assertEquals(token.sasl.isDelegationToken, true);
    const none = await properties("bootstrap.servers=a:1\n");
    assertEquals([none.tls, none.sasl], [undefined, undefined]);
  });
  await t.step("flags override them, and no password goes to another user", async () => {
    const text = "bootstrap.servers=a:1\nsecurity.protocol=SASL_SSL\nsasl.mechanism=PLAIN\n" +
      "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required " +
      'username="alice" password="canary";\n';
    const same = await properties(text, { user: "alice", tlsCa: "other.pem", brokers: [] });
    assert(typeof same.sasl === "object" && "password" in same.sasl);
    assertEquals([same.sasl.password, same.brokers, same.tls], ["canary", [], { ca: PEM }]);
    await assertRejects(() => properties(text, { user: "bob" }), UsageError, "without a terminal");
  });
  await t.step("unknown ones warn", async () => {
    const { stderr } = await properties("sasl.mechnism=canary\nbootstrap.servers=a:1");
    assertStringIncludes(stderr, 'Warning: "sasl.mechnism" in "client.properties" is not known');
    assert(!stderr.includes("canary"));
  });
});

Deno.test("resolveConnection() refuses properties that it cannot use, and shows no secret", async (t) => {
  const sasl = "security.protocol=SASL_SSL\nsasl.mechanism=";
  const jaas = "sasl.jaas.config=";
  const cases: readonly [name: string, text: string, message: string][] = [
    ["a protocol", "security.protocol=TLS", '"security.protocol"'],
    ["JKS", "security.protocol=SSL\nssl.truststore.location=a.jks", "not JKS"],
    [
      "PKCS12",
      "security.protocol=SSL\nssl.truststore.type=PKCS12\nssl.truststore.location=a\n" +
      "ssl.truststore.password=canary",
      "not PKCS12",
    ],
    [
      "a password of PEM",
      "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=ca.pem\n" +
      "ssl.keystore.password=canary",
      '"ssl.keystore.password"',
    ],
    ["Kerberos", `${sasl}GSSAPI`, '"sasl.mechanism"'],
    ["no mechanism", "security.protocol=SASL_SSL", '"sasl.mechanism"'],
    [
      "a module of another mechanism",
      `${sasl}PLAIN\n${jaas}${SCRAM_LOGIN}`,
      "its login module is for SCRAM",
    ],
    [
      "JNDI",
      `${sasl}PLAIN\n${jaas}com.sun.security.auth.module.JndiLoginModule required ` +
      'user.provider.url="ldap://evil" password="canary";',
      "its login module is not known",
    ],
    [
      "LDAP",
      `${sasl}PLAIN\n${jaas}com.sun.security.auth.module.LdapLoginModule required p="canary";`,
      "its login module is not known",
    ],
    ["two modules", `${sasl}SCRAM-SHA-256\n${jaas}${SCRAM_LOGIN}${SCRAM_LOGIN}`, "more than one"],
    ["a provider's variable", `${sasl}PLAIN\n${jaas}\${file:/etc/canary:password}`, "providers"],
    ["providers", "config.providers=env", "config providers are not supported"],
    [
      "fetching tokens",
      `${sasl}OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=file:///etc/canary`,
      "tokens are not fetched here",
    ],
    [
      "a callback handler",
      `${sasl}OAUTHBEARER\nsasl.client.callback.handler.class=evil.Canary`,
      "tokens are not fetched here",
    ],
  ];
  for (const [name, text, message] of cases) {
    await t.step(name, async () => {
      const error = await assertRejects(() => properties(text), UsageError, message);
      assert(!Deno.inspect(error).includes("canary"));
    });
  }
});

Deno.test("resolveConnection() uses profiles", async (t) => {
  await using folder = await TemporaryFolder.create();
  const path = folder.join("dqueue/profiles.json");
  const env = { XDG_CONFIG_HOME: folder.path };
  const prod = {
    brokers: ["a:1", "b:2"],
    tls: true,
    saslMechanism: "PLAIN",
    user: "alice",
    password: "canary",
  } as const;
  await t.step("without any", async () => {
    assertEquals(await resolve({}, { env }), { brokers: undefined, stderr: "" });
    await assertRejects(() => resolve({ profile: "x" }, { env }), UsageError, "there are none");
    await assertRejects(() => resolve({ profile: "x" }), UsageError, "HOME");
  });
  await writeProfiles(path, { current: "prod", profiles: { prod, test: { brokers: ["c:3"] } } });
  await t.step("the one in use", async () => {
    const { brokers, tls, sasl } = await resolve({}, { env });
    assertEquals([brokers, tls], [["a:1", "b:2"], {}]);
    assertEquals(sasl, { mechanism: "PLAIN", username: "alice", password: "canary" });
  });
  await t.step("but not for other brokers", async () => {
    const found = await resolve({ brokers: [{ host: "evil", port: 1 }] }, { env });
    assertEquals(found, { brokers: ["evil:1"], stderr: "" });
  });
  await t.step("one that is named", async () => {
    assertEquals((await resolve({ profile: "test" }, { env })).brokers, ["c:3"]);
    await assertRejects(() => resolve({ profile: "prd" }, { env }), UsageError, '"prod"');
  });
  await t.step("whose password the variable overrides", async () => {
    const { sasl } = await resolve({}, { env: { ...env, DQUEUE_PASSWORD: "other" } });
    assertEquals(sasl, { mechanism: "PLAIN", username: "alice", password: "other" });
  });
  await t.step("for their owner alone", async () => {
    assertEquals(Deno.statSync(path).mode! & 0o777, 0o600);
    assertEquals(Deno.statSync(folder.join("dqueue")).mode! & 0o777, 0o700);
    for (const mode of [0o640, 0o604, 0o620]) {
      Deno.chmodSync(path, mode);
      await assertRejects(() => resolve({}, { env }), CommandError, `chmod 600 ${path}`);
    }
    Deno.chmodSync(path, 0o600);
    Deno.chmodSync(folder.join("dqueue"), 0o777);
    await assertRejects(() => resolve({}, { env }), CommandError, "chmod 700");
    Deno.chmodSync(folder.join("dqueue"), 0o700);
  });
  await t.step("that are damaged are refused without being shown", async () => {
    const texts = [
      '{ "profiles": { "a": { "password": "canary" ',
      '{ "password": "canary" }',
      '{ "profiles": { "a": { "password": ["canary"] } } }',
      '{ "profiles": { "a": "canary" } }',
      '{ "profiles": { "a": { "saslMechanism": "canary" } } }',
      '{ "current": 1, "profiles": {} }',
    ];
    for (const text of texts) {
      await Deno.writeTextFile(path, text);
      const error = await assertRejects(() => readProfiles(path), CommandError, path);
      assert(!Deno.inspect(error).includes("canary"));
    }
  });
});
