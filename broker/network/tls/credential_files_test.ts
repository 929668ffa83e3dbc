import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { TemporaryFolder } from "../../../tests/support/temporary_folder.ts";
import { encryptKey, TestAuthority } from "../../../tests/support/security/test_authority.ts";
import { BrokerConfig, ConfigError } from "../../settings/config.ts";
import { Secret } from "../../settings/secret.ts";
import { createLogger } from "../../logger.ts";
import { ManualClock } from "../../time/clock.ts";
import { CredentialFiles } from "./credential_files.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
const PEM = { "ssl.keystore.type": "PEM", "ssl.truststore.type": "PEM" } as const;
const authority = TestAuthority.create();

type Settings = Parameters<typeof BrokerConfig.from>[0];

function opener(settings: Settings, clock = new ManualClock(Date.now())) {
  const lines: string[] = [];
  const logger = createLogger({ sink: (line) => lines.push(line.slice(25)), clock });
  const open = () =>
    CredentialFiles.open({
      config: BrokerConfig.from({ ...PEM, ...settings }),
      listener: "SSL",
      clock,
      logger,
    });
  return { open, lines, clock };
}

async function refusal(settings: Settings): Promise<string> {
  const { message } = await assertRejects(opener(settings).open, ConfigError);
  return message;
}

function inline({ key, cert }: { key: string; cert: string }) {
  return {
    "ssl.keystore.key": new Secret(key),
    "ssl.keystore.certificate.chain": new Secret(cert),
  };
}

Deno.test("CredentialFiles loads a key and its chain from a file or from settings", async (t) => {
  await using folder = await TemporaryFolder.create();
  const intermediate = authority.issueAuthority();
  const server = intermediate.issueServer({ subject: "O=Acme,CN=server" });
  const names = ["CN=server,O=Acme", "CN=intermediate authority"];
  const chainOf = async (settings: Settings) => {
    const files = await opener(settings).open();
    files.close();
    const { entries: [entry], trust } = files.current;
    assertEquals(entry!.key, server.key);
    return [entry!.chain.map(({ subject }) => subject), trust?.certificates.length] as const;
  };
  await t.step("in one file, in any order", async () => {
    const [first, second] = server.cert.split(/(?<=-----END CERTIFICATE-----\n)/);
    const path = folder.join("any.pem");
    await Deno.writeTextFile(path, `Bag Attributes\n${second}\n${server.key}\r\n${first}`);
    assertEquals(await chainOf({ "ssl.keystore.location": path }), [names, undefined]);
  });
  await t.step("as text", async () => {
    const trust = { "ssl.truststore.certificates": new Secret(authority.cert + authority.cert) };
    assertEquals(await chainOf({ ...inline(server), ...trust }), [names, 2]);
  });
  await t.step("with an encrypted key of either form", async () => {
    for (const form of ["pkcs8", "traditional"] as const) {
      const key = encryptKey(server, "correct horse", form);
      const password = { "ssl.key.password": new Secret("correct horse") };
      assertEquals(await chainOf({ ...inline({ ...server, key }), ...password }), [
        names,
        undefined,
      ]);
    }
  });
});

Deno.test("CredentialFiles says what to change when a certificate cannot be used", async (t) => {
  await using folder = await TemporaryFolder.create();
  const server = authority.issueServer();
  const at = (days: number) => new Date(Date.now() + days * DAY_MS);
  let fileCount = 0;
  const file = async (text: string) => {
    const path = folder.join(`${++fileCount}.pem`);
    await Deno.writeTextFile(path, text);
    return { "ssl.keystore.location": path };
  };
  const canary = "canary-31";
  const cases: readonly [name: string, settings: Settings, message: string][] = [
    ["nothing is set", {}, "set ssl.keystore.location to a PEM file"],
    ["the type is Kafka's default", { "ssl.keystore.type": "JKS" }, "set ssl.keystore.type=PEM"],
    [
      "the type of the truststore is Kafka's default",
      {
        ...inline(server),
        "ssl.truststore.type": "JKS",
        "ssl.truststore.certificates": new Secret(authority.cert),
      },
      "set ssl.truststore.type=PEM",
    ],
    [
      "the file does not exist",
      { "ssl.keystore.location": folder.join("none.pem") },
      "Cannot read ssl.keystore.location",
    ],
    ["there is no key", await file(server.cert), "there is no private key"],
    ["there is only a key", await file(server.key), "there is no certificate"],
    ["a block is cut off", inline({ ...server, key: server.key.slice(0, 80) }), "is cut off"],
    [
      "a certificate is damaged",
      inline({ ...server, cert: server.cert.replace(/\n.{12}/, "\nMIIAAAAAAAAA") }),
      "certificate 1 is damaged",
    ],
    [
      "the key is another's",
      inline({ ...server, key: authority.issueServer().key }),
      'belongs to none of its certificates ("CN=server")',
    ],
    [
      "it has expired",
      inline(authority.issueServer({ notBefore: at(-9), notAfter: at(-1) })),
      'certificate "CN=server" expired at',
    ],
    [
      "it is not valid yet",
      inline(authority.issueServer({ notBefore: at(1) })),
      "is not valid before",
    ],
    ["it is for clients", inline(authority.issueClient("CN=x")), "must include serverAuth"],
    [
      "its key is weak",
      inline(authority.issueServer({ keyKind: "rsa1024" })),
      "RSA key of 1024 bits",
    ],
    [
      "the key is encrypted",
      inline({ ...server, key: encryptKey(server, canary) }),
      "set ssl.key.password",
    ],
    [
      "the password is wrong",
      {
        ...inline({ ...server, key: encryptKey(server, canary) }),
        "ssl.key.password": new Secret(`${canary}!`),
      },
      "does not open with ssl.key.password",
    ],
    ["both forms are there", { ...inline(server), ...(await file(server.keystore)) }, "set either"],
    [
      "the chain is missing",
      { "ssl.keystore.key": new Secret(server.key) },
      "set ssl.keystore.certificate.chain, too",
    ],
    [
      "the truststore is empty",
      { ...inline(server), "ssl.truststore.certificates": new Secret(server.key) },
      "Cannot use ssl.truststore.certificates: there is no certificate",
    ],
  ];
  for (const [name, settings, message] of cases) {
    await t.step(name, async () => {
      const said = await refusal(settings);
      assertStringIncludes(said, message);
      assertEquals(said.includes(canary), false);
      assertEquals(said.includes(server.key.split("\n")[1]!), false);
    });
  }
});

Deno.test("CredentialFiles loads files again when they have changed", async (t) => {
  await using folder = await TemporaryFolder.create();
  const path = folder.join("keystore.pem");
  const first = authority.issueServer();
  await Deno.writeTextFile(path, first.keystore);
  const { open, lines } = opener({ "ssl.keystore.location": path });
  const files = await open();
  const used: string[] = [];
  files.onChange = ({ entries }) => used.push(entries[0]!.cert);
  lines.length = 0;

  await t.step("not before", async () => {
    await files.check();
    assertEquals([used, lines], [[], []]);
  });
  const second = authority.issueServer();
  await t.step("by a rename", async () => {
    await Deno.writeTextFile(folder.join("new.pem"), second.keystore);
    await Deno.rename(folder.join("new.pem"), path);
    await files.check();
    assertEquals(used, [second.cert]);
    assertStringIncludes(lines[0]!, "INFO  Loaded the certificates of a listener again");
  });
  lines.length = 0;
  await t.step("not to what cannot be used, which is logged once", async () => {
    await Deno.writeTextFile(path, second.keystore.slice(0, 300));
    // The file may still be written.
    await files.check();
    assertEquals(lines, []);
    for (let i = 0; i < 3; i++) await files.check();
    assertEquals(lines.length, 1);
    assertStringIncludes(lines[0]!, "ERROR Cannot load new certificates of a listener");
    assertEquals([used.length, files.isStale], [1, true]);
    assertEquals(files.current.entries[0]!.cert, second.cert);
  });
  await t.step("not when the file is gone", async () => {
    await Deno.remove(path);
    await files.check();
    await files.check();
    assertEquals(lines.length, 2);
    assertEquals(files.current.entries[0]!.cert, second.cert);
  });
  const third = authority.issueServer();
  await t.step("to what can be used again", async () => {
    await Deno.writeTextFile(path, third.keystore);
    await files.check();
    assertEquals([used[1], files.isStale], [third.cert, false]);
  });
  files.close();
});

Deno.test("CredentialFiles does not take a certificate with other names unless it may (KIP-978)", async (t) => {
  await using folder = await TemporaryFolder.create();
  const path = folder.join("keystore.pem");
  const replaced = async (
    next: Parameters<TestAuthority["issueServer"]>[0],
    settings: Settings = {},
  ) => {
    await Deno.writeTextFile(path, authority.issueServer({ hosts: ["a", "b"] }).keystore);
    const { open, lines } = opener({ "ssl.keystore.location": path, ...settings });
    const files = await open();
    const { cert, keystore } = authority.issueServer({ hosts: ["a", "b"], ...next });
    await Deno.writeTextFile(path, keystore);
    for (let i = 0; i < 2; i++) await files.check();
    files.close();
    return files.current.entries[0]!.cert === cert ? "taken" : lines.at(-1)!;
  };
  await t.step("more names", async () => {
    assertEquals(await replaced({ hosts: ["b", "c", "a"] }), "taken");
  });
  await t.step("fewer names", async () => {
    assertStringIncludes(await replaced({ hosts: ["a"] }), "lacks the alternative names DNS:b");
    assertEquals(await replaced({ hosts: ["a"] }, { "ssl.allow.san.changes": true }), "taken");
  });
  await t.step("another subject", async () => {
    assertStringIncludes(await replaced({ subject: "CN=other" }), "ssl.allow.dn.changes=true");
    assertEquals(
      await replaced({ subject: "CN=other" }, { "ssl.allow.dn.changes": true }),
      "taken",
    );
  });
});

Deno.test("CredentialFiles warns 30 days, 7 days and a day before a certificate expires", async () => {
  const notAfter = new Date(Date.now() + 40 * DAY_MS);
  const { open, lines, clock } = opener(inline(authority.issueServer({ notAfter })));
  const files = await open();
  const said: string[] = [];
  for (let day = 0; day <= 41; day++) {
    await files.check();
    said.push(...lines.splice(0).map((line) => `${day}: ${line.split(" listener=")[0]!.trim()}`));
    clock.advance(DAY_MS);
  }
  files.close();
  assertEquals(said, [
    "10: WARN  Certificate of a listener expires within 30 days",
    "33: WARN  Certificate of a listener expires within 7 days",
    "39: WARN  Certificate of a listener expires within a day",
    "40: ERROR Certificate of a listener has expired",
  ]);
  assertEquals(clock.timerCount, 0);
});
