import { assert, assertEquals, assertRejects } from "@std/assert";
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
const KEY = "-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n";
const PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/** How a command with these flags connects. */
async function resolve(flags: Partial<ConnectionFlagValues>, options: TestContextOptions = {}) {
  const context = testContext(options);
  const { brokers, security } = await resolveConnection(context, { ...NONE, ...flags });
  await context.stderr.flush();
  return { brokers: brokers?.map(formatAddress), ...security, stderr: context.stderrText() };
}

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
  const files = { "ca.pem": PEM, "a.pem": PEM, "a.key": KEY, "both.pem": PEM + KEY, "x": "canary" };
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
      key: KEY,
      serverName: "kafka",
    });
  });
  await t.step("a certificate and its key in one file", async () => {
    const both = PEM + KEY;
    assertEquals((await resolve({ tlsCert: "both.pem" }, { files })).tls, {
      cert: both,
      key: both,
    });
  });
  const wrong: readonly [flags: Partial<ConnectionFlagValues>, message: string][] = [
    [{ tlsCa: "x" }, 'Cannot use "x" of --tls-ca: it has not a certificate in PEM'],
    [{ tlsCa: "a.key" }, 'Cannot use "a.key" of --tls-ca'],
    [{ tlsCert: "x", tlsKey: "a.key" }, 'Cannot use "x" of --tls-cert'],
    [{ tlsCert: "a.pem", tlsKey: "x" }, 'Cannot use "x" of --tls-key: it has not a private key'],
    [{ tlsCert: "a.pem" }, "Missing --tls-key"],
    [{ tlsKey: "a.key" }, "Missing --tls-cert"],
  ];
  for (const [flags, message] of wrong) {
    await t.step(`not ${JSON.stringify(flags)}`, async () => {
      const error = await assertRejects(() => resolve(flags, { files }), UsageError, message);
      assert(!error.message.includes("canary"));
    });
  }
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
    assert(typeof byFile.sasl === "object" && "token" in byFile.sasl);
    assert(typeof byFile.sasl.token === "function", "it is read again");
    assertEquals([byFile.sasl.mechanism, await byFile.sasl.token()], ["OAUTHBEARER", "a.b.c"]);
    const stdin = await resolve({ tokenFile: "-" }, { files: { "-": "a.b.c\n" } });
    assertEquals(stdin.sasl, { mechanism: "OAUTHBEARER", token: "a.b.c" });
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
  await t.step("whose token the variable overrides", async () => {
    const token = { brokers: ["a:1"], saslMechanism: "OAUTHBEARER", tokenFile: "t" } as const;
    await writeProfiles(path, { profiles: { prod, token } });
    const files = { t: "by profile", f: "by flag" };
    const options = { env: { ...env, DQUEUE_TOKEN: "by variable" }, files };
    const tokenOf = async (flags: Partial<ConnectionFlagValues>, given: TestContextOptions) => {
      const { sasl } = await resolve({ profile: "token", ...flags }, given);
      assert(typeof sasl === "object" && "token" in sasl);
      return typeof sasl.token === "function" ? await sasl.token() : sasl.token;
    };
    assertEquals(await tokenOf({}, { env, files }), "by profile");
    assertEquals(await tokenOf({}, options), "by variable");
    assertEquals(await tokenOf({ tokenFile: "f" }, options), "by flag");
    await writeProfiles(path, { current: "prod", profiles: { prod, test: { brokers: ["c:3"] } } });
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
