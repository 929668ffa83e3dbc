import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { formatAddress } from "../../client/connection/address.ts";
import { outside, testWith } from "../../tests/support/outside.ts";
import { writeCertificateSet } from "../../tests/support/security/certificate_files.ts";
import { TemporaryFolder } from "../../tests/support/temporary_folder.ts";
import { UsageError } from "../errors.ts";
import { testContext, type TestContextOptions } from "../terminal/test_context.ts";
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
const KEY = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/** How a command connects with a client's properties. */
async function properties(
  text: string,
  flags: Partial<ConnectionFlagValues> = {},
  env: TestContextOptions["env"] = {},
) {
  const files = {
    "client.properties": text,
    "ca.pem": PEM,
    "store.pem": PEM + KEY,
    "me.key": KEY,
    "other.pem": PEM,
    "secret": "by file",
  };
  const context = testContext({ files, env });
  const { brokers, security } = await resolveConnection(context, {
    ...NONE,
    clientConfig: "client.properties",
    ...flags,
  });
  await context.stderr.flush();
  return { brokers: brokers?.map(formatAddress), ...security, stderr: context.stderrText() };
}

const SCRAM_LOGIN = "org.apache.kafka.common.security.scram.ScramLoginModule required " +
  'username="alice" password="canary";';

Deno.test("readClientProperties() reads a Java client's properties", async (t) => {
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
      "security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=store.pem\n" +
        "ssl.key.password=p\nssl.endpoint.identification.algorithm=\n",
    );
    assertEquals(byFile.tls, {
      cert: PEM + KEY,
      key: PEM + KEY,
      passphrase: "p",
      verifyServerName: false,
    });
    const inline = PEM.replaceAll("\n", "\\n");
    const byText = await properties(
      `security.protocol=SSL\nssl.truststore.certificates=${inline}\n` +
        `ssl.keystore.certificate.chain=${inline}\nssl.keystore.key=${
          KEY.replaceAll("\n", "\\n")
        }\n`,
    );
    assertEquals(byText.tls, { ca: PEM.trim(), cert: PEM.trim(), key: KEY.trim() });
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

Deno.test("readClientProperties() refuses what it cannot use, and shows no secret", async (t) => {
  const sasl = "security.protocol=SASL_SSL\nsasl.mechanism=";
  const jaas = "sasl.jaas.config=";
  const cases: readonly [name: string, text: string, message: string][] = [
    ["a protocol", "security.protocol=TLS", '"security.protocol"'],
    ["no file", "security.protocol=SSL\nssl.truststore.location=a.jks", 'cannot read "a.jks"'],
    [
      "another type",
      "security.protocol=SSL\nssl.truststore.type=BCFKS\nssl.truststore.location=a\n" +
      "ssl.truststore.password=canary",
      '"BCFKS" is not one of PEM, PKCS12, JKS',
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
    [
      "a file of a provider",
      `${sasl}PLAIN\n${jaas}\${env:CANARY}`,
      "or use --user with --password",
    ],
    ["an address of a provider", "bootstrap.servers=${env:CANARY}", "providers are not supported"],
    [
      "a callback of PLAIN",
      `${sasl}PLAIN\nsasl.login.callback.handler.class=evil.Canary`,
      "--user",
    ],
    ["a name check", "security.protocol=SSL\nssl.endpoint.identification.algorithm=x", "not https"],
    [
      "no verification",
      "security.protocol=ssl\nenable.ssl.certificate.verification=false",
      "--tls-ca",
    ],
    ["an address", "bootstrap.servers=a:b", 'Cannot use "bootstrap.servers"'],
    [
      "fetching tokens",
      `${sasl}OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=file:///etc/canary`,
      "use --token-file or DQUEUE_TOKEN",
    ],
    [
      "a callback handler",
      `${sasl}OAUTHBEARER\nsasl.client.callback.handler.class=evil.Canary`,
      "use --token-file or DQUEUE_TOKEN",
    ],
  ];
  for (const [name, text, message] of cases) {
    await t.step(name, async () => {
      const error = await assertRejects(() => properties(text), UsageError, message);
      assert(!/canary/i.test(Deno.inspect(error)), error.message);
    });
  }
});

Deno.test("readClientProperties() reads user and password as Java does", async (t) => {
  const PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule";
  const cases: readonly [name: string, jaas: string, password: string][] = [
    ["in quotes", `${PLAIN} required username="a" password="p w";`, "p w"],
    ["in single quotes", `${PLAIN} required username='a' password='p"w';`, 'p"w'],
    ["with a semicolon", `${PLAIN} required username="a" password="p;w=\\#!";`, "p;w=#!"],
    // Properties take one of two backslashes, and the login module the other.
    ["with a quote", `${PLAIN} required username="a" password="p\\\\"w";`, 'p"w'],
    ["with a backslash", `${PLAIN} required username="a" password="p\\\\\\\\w";`, "p\\w"],
    ["with an escaped letter", `${PLAIN} required username="a" password="\\u00e9";`, "é"],
    ["without quotes", `${PLAIN} required username=a password=pw;`, "pw"],
    ["over lines", `${PLAIN} required \\\n  username="a" \\\n  password="pw";`, "pw"],
    ["with a dollar", `${PLAIN} required username="a" password="$w{x}$";`, "$w{x}$"],
    ["with other options", `${PLAIN} REQUIRED serviceName="k" username="a" password="pw" ;`, "pw"],
  ];
  for (const [name, jaas, password] of cases) {
    await t.step(name, async () => {
      const { sasl, stderr } = await properties(
        `security.protocol = SASL_PLAINTEXT\nsasl.mechanism: PLAIN\nsasl.jaas.config=${jaas}\n`,
      );
      assert(typeof sasl === "object" && "password" in sasl);
      assertEquals([sasl.username, sasl.password, stderr], ["a", password, ""]);
    });
  }
});

Deno.test("readClientProperties() lets flags and variables replace what it cannot use", async (t) => {
  const scram = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-512\n";
  const oauth = "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\n";
  const byUser = { user: "bob", passwordFile: "secret" };
  const cases: readonly [name: string, text: string, flags: Partial<ConnectionFlagValues>][] = [
    ["a provider's variable", `${scram}sasl.jaas.config=\${file:/x:y}`, byUser],
    ["a handler", `${scram}sasl.login.callback.handler.class=com.example.Vault`, byUser],
    ["a token's handler", `${oauth}sasl.login.callback.handler.class=com.example.Iam`, {
      tokenFile: "secret",
    }],
    ["a file of a token", `${oauth}sasl.oauthbearer.token.endpoint.url=file:///x`, {
      tokenFile: "secret",
    }],
  ];
  for (const [name, text, flags] of cases) {
    await t.step(name, async () => {
      await assertRejects(() => properties(text), UsageError, "client.properties");
      const { sasl } = await properties(text, flags);
      assert(typeof sasl === "object");
      const given = "password" in sasl
        ? sasl.password
        : await (sasl.token as () => Promise<string>)();
      assertEquals(given, "by file");
    });
  }
  await t.step("a variable", async () => {
    const env = { DQUEUE_TOKEN: "by variable" };
    const { sasl } = await properties(cases[2]![1], {}, env);
    assertEquals(sasl, { mechanism: "OAUTHBEARER", token: "by variable" });
    const jaas = `${scram}sasl.jaas.config=\${env:X}`;
    const found = await properties(jaas, { user: "bob" }, { DQUEUE_PASSWORD: "by variable" });
    assert(typeof found.sasl === "object" && "password" in found.sasl);
    assertEquals(found.sasl.password, "by variable");
  });
});

Deno.test("readClientProperties() reads librdkafka's properties, as kcat does", async (t) => {
  await t.step("with a password, in which nothing is an escape", async () => {
    const found = await properties(
      "# kcat.conf\nmetadata.broker.list=a:1,b:2\nsecurity.protocol=sasl_ssl\n" +
        "sasl.mechanisms=SCRAM-SHA-256\nsasl.username=alice\nsasl.password=ca\\nary\\\n" +
        "ssl.ca.location=ca.pem\nclient.id=x\n",
    );
    assertEquals(found, {
      brokers: ["a:1", "b:2"],
      tls: { ca: PEM },
      sasl: { mechanism: "SCRAM-SHA-256", username: "alice", password: "ca\\nary\\" },
      stderr: "",
    });
  });
  await t.step("with a certificate", async () => {
    const { tls } = await properties(
      "bootstrap.servers=a:1\nsecurity.protocol=ssl\nssl.certificate.location=ca.pem\n" +
        "ssl.key.location=me.key\nssl.key.password=canary\n",
    );
    assertEquals(tls, { cert: PEM, key: KEY, passphrase: "canary" });
  });
});

Deno.test("readClientProperties() gets tokens by client credentials (KIP-768)", async (t) => {
  const requests: { readonly authorization: string | null; readonly body: string }[] = [];
  await using provider = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (r) => {
      const { pathname } = new URL(r.url);
      requests.push({ authorization: r.headers.get("authorization"), body: await r.text() });
      if (pathname === "/token") return Response.json({ access_token: `a.b.${requests.length}` });
      if (pathname === "/away") return new Response("", { status: 503 });
      if (pathname === "/elsewhere") return Response.redirect(new URL("/token", r.url));
      if (pathname === "/empty") return Response.json({ access_token: "" });
      const error_description = "Unknown client";
      return Response.json({ error: "invalid_client", error_description }, { status: 401 });
    },
  );
  const { port } = provider.addr as Deno.NetAddr;
  const tokenOf = async (path: string, more: string) => {
    const { sasl, stderr } = await properties(
      "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\n" +
        `sasl.oauthbearer.token.endpoint.url=http://127.0.0.1:${port}${path}\n${more}`,
    );
    assertEquals(stderr, "");
    assert(typeof sasl === "object" && "token" in sasl && typeof sasl.token === "function");
    return { token: sasl.token, extensions: sasl.extensions };
  };
  const login = "sasl.jaas.config=" +
    "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required " +
    'clientId="cli" clientSecret="can:ary" scope="kafka" extension_logicalCluster="lkc";\n' +
    "sasl.login.callback.handler.class=" +
    "org.apache.kafka.common.security.oauthbearer.secured.OAuthBearerLoginCallbackHandler\n";
  await t.step("of a login module, for each authentication", async () => {
    const { token, extensions } = await tokenOf("/token", login);
    assertEquals(requests, []);
    assertEquals([await token(), await token()], ["a.b.1", "a.b.2"]);
    assertEquals(extensions, { logicalCluster: "lkc" });
    const [{ authorization, body }] = requests as [typeof requests[number]];
    assertEquals(authorization, `Basic ${btoa("cli:can:ary")}`);
    assertEquals(body, "grant_type=client_credentials&scope=kafka");
  });
  await t.step("of properties, encoded", async () => {
    const { token } = await tokenOf(
      "/token",
      "sasl.oauthbearer.client.credentials.client.id=c:li\n" +
        "sasl.oauthbearer.client.credentials.client.secret=é\n" +
        "sasl.oauthbearer.header.urlencode=true\nsasl.oauthbearer.method=oidc\n",
    );
    await token();
    assertEquals(requests.at(-1)!.authorization, `Basic ${btoa("c%3Ali:%C3%A9")}`);
    assertEquals(requests.at(-1)!.body, "grant_type=client_credentials");
  });
  const failures: readonly [path: string, message: string, isRetried: boolean][] = [
    ["/refused", "status 401 (invalid_client: Unknown client)", false],
    ["/away", "status 503", true],
    ["/elsewhere", "Cannot get a token from http://127.0.0.1", true],
    ["/empty", "no access_token", false],
  ];
  for (const [path, message, isRetried] of failures) {
    await t.step(`or says why not: ${path}`, async () => {
      const { token } = await tokenOf(path, login);
      const error = await assertRejects(async () => await token(), Error, message);
      assertEquals("retriable" in error && error.retriable, isRetried);
      assert(!Deno.inspect(error).includes("can:ary"));
    });
  }
  await t.step("but sends no secret in clear", async () => {
    const text = `security.protocol=SASL_SSL\nsasl.mechanism=OAUTHBEARER\n${login}`;
    for (const url of ["http://idp.example/token", "https://u:canary@idp.example/", "idp"]) {
      const all = `${text}sasl.oauthbearer.token.endpoint.url=${url}`;
      const error = await assertRejects(() => properties(all), UsageError, "token.endpoint.url");
      assert(!/canary|can:ary/.test(error.message));
    }
  });
});

Deno.test("readClientProperties() says what is not checked, and reads nothing in vain", async () => {
  // A store that TLS does not need is not read.
  const plain = await properties("ssl.truststore.location=t.jks\nssl.truststore.password=canary\n");
  assertEquals([plain.tls, plain.stderr], [undefined, ""]);
  const { brokers, stderr } = await properties(
    "security.protocol=SSL\nssl.endpoint.identification.algorithm=\n" +
      "bootstrap.servers=SSL://a:1, b:2,\n",
  );
  assertEquals(brokers, ["a:1", "b:2"]);
  assertStringIncludes(stderr, "can pose as the broker");
});

/** Runs a program that makes a store. */
async function make(path: string, args: readonly string[]): Promise<void> {
  const { success, stdout, stderr } = await new Deno.Command(path, { args: [...args] }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert(success, text);
}

testWith("keytool", "readClientProperties() reads key stores of Java", async (keytool, t) => {
  await using folder = await TemporaryFolder.create();
  const { caFile, server } = writeCertificateSet(folder.path);
  const ca = (await Deno.readTextFile(caFile)).trim();
  const own = (await Deno.readTextFile(server.certFile)).trim();
  const read = async (kind: string, lines: Record<string, string>) => {
    const text = Object.entries(lines).map(([name, value]) => `ssl.${kind}.${name}=${value}`);
    const { tls } = await properties(`security.protocol=SSL\n${text.join("\n")}`);
    assert(typeof tls === "object");
    return tls;
  };
  const importCa = (type: string, store: string) =>
    make(keytool, [
      ...["-importcert", "-noprompt", "-alias", "ca", "-file", caFile],
      ...["-keystore", folder.join(store), "-storetype", type, "-storepass", "canary"],
    ]);
  for (const type of ["PKCS12", "JKS"]) {
    await t.step(`a truststore of type ${type}`, async () => {
      const location = folder.join(`trust.${type}`);
      await importCa(type, `trust.${type}`);
      const { ca: found } = await read("truststore", { type, location, password: "canary" });
      assertEquals(`${found}`.trim(), ca);
      // Java takes the one for the other, and JKS without a type.
      assertEquals((await read("truststore", { location, password: "canary" })).ca, found);
      const wrong = await assertRejects(
        () => read("truststore", { location, password: "wrong" }),
        UsageError,
        "its password is wrong",
      );
      assert(!Deno.inspect(wrong).includes("canary"));
      await assertRejects(
        () => read("keystore", { location, password: "canary" }),
        UsageError,
        "the store has no private key",
      );
    });
  }
  const openssl = outside("openssl");
  await t.step({
    name: "a keystore of type PKCS12",
    ignore: openssl === undefined,
    async fn() {
      const location = folder.join("own.p12");
      const source = ["-in", server.certFile, "-inkey", server.keyFile];
      const pass = ["-passout", "pass:canary"];
      await make(openssl!, ["pkcs12", "-export", ...source, "-out", location, ...pass]);
      const lines = { type: "PKCS12", location, password: "canary" };
      const { cert, key } = await read("keystore", lines);
      assertStringIncludes(own, cert!.trim().split("\n").slice(0, 5).join("\n"));
      assertStringIncludes(key!, "-----BEGIN PRIVATE KEY-----");
      const jks = folder.join("own.jks");
      await make(keytool, [
        ...["-importkeystore", "-srckeystore", location, "-srcstorepass", "canary"],
        ...["-destkeystore", jks, "-deststoretype", "JKS", "-deststorepass", "canary"],
      ]);
      const fromJks = await read("keystore", { location: jks, password: "canary" });
      assertEquals([fromJks.cert, fromJks.key], [cert, key]);
      await assertRejects(
        () => read("keystore", { location: jks, password: "wrong" }),
        UsageError,
        "its password is wrong",
      );
    },
  });
  await t.step("but not what is none, or cut off", async () => {
    const whole = await Deno.readFile(folder.join("trust.JKS"));
    for (
      const [name, bytes] of [["none", new TextEncoder().encode("canary")], [
        "cut",
        whole.slice(0, 90),
      ]] as const
    ) {
      await Deno.writeFile(folder.join(name), bytes);
      const error = await assertRejects(
        () => read("truststore", { location: folder.join(name) }),
        UsageError,
        name === "none" ? "neither PKCS12 nor JKS" : "it is damaged",
      );
      assert(!error.message.includes("canary"));
    }
  });
});
