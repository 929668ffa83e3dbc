/**
 * No secret is shown: in command lines, logs, output, errors, settings that are described, crashes, or the
 * data of a broker. Each secret here is a canary, a text that occurs nowhere else.
 *
 * @module
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runIn } from "../../cli/commands/testing.ts";
import { testContext } from "../../cli/terminal/test_context.ts";
import { Client } from "../../client/mod.ts";
import { BrokerProcess } from "../support/broker/broker_process.ts";
import { fromSource, ROOT } from "../support/broker/dqueue.ts";
import { freePort } from "../support/free_port.ts";
import { encryptKey, TestAuthority } from "../support/security/test_authority.ts";
import { TemporaryFolder } from "../support/temporary_folder.ts";
import { within } from "../support/within.ts";

const ADMIN = "canary-of-the-admin";
const USER = "canary-of-a-user";
const WRONG = "canary-that-is-wrong";
const KEY = "canary-of-the-brokers-key";
const CLIENT_KEY = "canary-of-the-clients-key";
const CANARY = /canary/;

/** What a process was started with, as `ps` shows it; nothing where there is no such file. */
async function commandLineOf(pid: number): Promise<string> {
  if (Deno.build.os !== "linux") return "";
  // Deno itself shows such files to programs with all permissions only.
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/cmdline`] }).output();
  const commandLine = new TextDecoder().decode(stdout).replaceAll("\0", " ");
  assert(commandLine !== "");
  return commandLine;
}

/** A broker with an administrator, and files of secrets. */
class SecureBroker {
  readonly broker: BrokerProcess;
  readonly folder: TemporaryFolder;
  readonly authority: TestAuthority;

  private constructor(broker: BrokerProcess, folder: TemporaryFolder, authority: TestAuthority) {
    this.broker = broker;
    this.folder = folder;
    this.authority = authority;
  }

  static async start(): Promise<SecureBroker> {
    const folder = await TemporaryFolder.create();
    const authority = TestAuthority.create();
    const server = authority.issueServer();
    const client = authority.issueClient("CN=alice");
    const files: Record<string, string> = {
      "admin.password": `${ADMIN}\n`,
      "user.password": `${USER}\n`,
      "wrong.password": `${WRONG}\n`,
      "broker.pem": encryptKey(server, KEY) + server.cert,
      "key.password": KEY,
      "ca.pem": authority.cert,
      "client.pem": client.cert,
      "client.key": encryptKey(client, CLIENT_KEY),
    };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(folder.join(name), text, { mode: 0o600 });
    }
    const broker = await BrokerProcess.start({
      data: folder.join("data"),
      listen: `SASL_SSL://127.0.0.1:${freePort()}`,
      env: { DQUEUE_SSL_KEY_PASSWORD: KEY, DQUEUE_LOG_LEVEL: "debug" },
      flags: [
        ...["--ssl-keystore-type", "PEM", "--ssl-keystore-location", folder.join("broker.pem")],
        ...["--sasl-enabled-mechanisms", "PLAIN,SCRAM-SHA-256"],
        ...["--bootstrap-user", "admin"],
        ...["--bootstrap-password-file", folder.join("admin.password")],
      ],
    });
    return new SecureBroker(broker, folder, authority);
  }

  /** Runs a command, whose output must have no canary. Returns its outcome and output. */
  async run(
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly code: number; readonly output: string }> {
    const config = { XDG_CONFIG_HOME: this.folder.join("config"), DQUEUE_DEBUG: "1" };
    const { code, stdout, stderr } = await runIn({
      ...testContext({ env: { ...config, ...env } }),
      readTextFile: (path) => Deno.readTextFile(path),
    }, args);
    const output = stdout + stderr;
    assert(!CANARY.test(output), `${args.join(" ")} prints: ${output}`);
    return { code, output };
  }

  /** How to connect as a user. */
  as(user: string, passwordFile: string): string[] {
    const { address } = this.broker;
    const trust = ["-b", address, "--tls-ca", this.folder.join("ca.pem")];
    return [...trust, "--user", user, "--password-file", this.folder.join(passwordFile)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.broker.kill();
    await this.folder[Symbol.asyncDispose]();
  }
}

Deno.test("Secrets are shown nowhere", async (t) => {
  await using secure = await SecureBroker.start();
  const { broker, folder } = secure;
  const admin = secure.as("admin", "admin.password");
  await t.step("by commands that work", async () => {
    const create = ["security", "user", "create", "alice", "--new-password-file"];
    const file = folder.join("user.password");
    assertEquals((await secure.run([...create, file, ...admin])).code, 0);
    for (const output of ["table", "json"]) {
      const list = await secure.run(["security", "user", "list", "--output", output, ...admin]);
      assertEquals(list.code, 0, list.output);
      assertStringIncludes(list.output, "alice");
    }
    const byVariable = admin.slice(0, -2);
    const variable = await secure.run(["topic", "create", "orders", ...byVariable], {
      DQUEUE_PASSWORD: ADMIN,
    });
    assertEquals(variable.code, 0, variable.output);
  });
  await t.step("by commands that fail", async () => {
    const wrong = secure.as("admin", "wrong.password");
    for (const mechanism of ["PLAIN", "SCRAM-SHA-256"]) {
      const flags = [...wrong, "--sasl-mechanism", mechanism];
      const refused = await secure.run(["topic", "list", ...flags]);
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.output, "SASL_AUTHENTICATION_FAILED");
    }
    const certificate = ["--tls-cert", folder.join("client.pem")];
    certificate.push("--tls-key", folder.join("client.key"));
    const locked = await secure.run(["topic", "list", ...admin, ...certificate], {
      DQUEUE_TLS_KEY_PASSWORD: WRONG,
    });
    assertEquals(locked.code, 1);
    assertStringIncludes(locked.output, "tls.key");
    const typo = await secure.run(["topic", "list", ...admin.slice(0, -2)], {
      DQUEUE_PASWORD: USER,
    });
    assertEquals(typo.code, 2);
    assertStringIncludes(typo.output, "DQUEUE_PASSWORD");
  });
  await t.step("in a Java client's properties", async () => {
    const login = "org.apache.kafka.common.security.scram.ScramLoginModule required " +
      `username="admin" password="${ADMIN}"`;
    const lines = [
      `bootstrap.servers=${broker.address}`,
      "security.protocol=SASL_SSL",
      "sasl.mechanism=SCRAM-SHA-256",
      "ssl.truststore.type=PEM",
      `ssl.truststore.location=${folder.join("ca.pem")}`,
    ];
    const file = folder.join("client.properties");
    const list = ["topic", "list", "--client-config", file];
    await Deno.writeTextFile(file, [...lines, `sasl.jaas.config=${login};`].join("\n"));
    assertEquals((await secure.run(list)).code, 0);
    await Deno.writeTextFile(file, [...lines, `sasl.jaas.config=${login}`].join("\n"));
    assertEquals((await secure.run(list)).code, 2, "without a semicolon");
    await Deno.writeTextFile(file, [...lines, `sasl.jaas.cnfig=${login};`].join("\n"));
    assertEquals((await secure.run(list)).code, 2, "misspelled");
  });
  await t.step("in profiles", async () => {
    const profiles = folder.join("config/dqueue/profiles.json");
    const flags = ["-b", broker.address, "--tls-ca", folder.join("ca.pem"), "--user", "admin"];
    assertEquals((await secure.run(["profile", "create", "prod", ...flags])).code, 0);
    const json = JSON.parse(await Deno.readTextFile(profiles));
    json.profiles.prod.password = ADMIN;
    await Deno.writeTextFile(profiles, JSON.stringify(json));
    assertEquals((await secure.run(["topic", "list"])).code, 0);
    for (const line of ["list", "list --output json", "describe", "describe --output json"]) {
      assertEquals((await secure.run(["profile", ...line.split(" ")])).code, 0);
    }
    const damaged = (await Deno.readTextFile(profiles)).slice(0, -5);
    await Deno.writeTextFile(profiles, damaged);
    assertEquals((await secure.run(["topic", "list"])).code, 1);
  });
  await t.step("in settings that are described", async () => {
    await using client = new Client({
      brokers: broker.address,
      tls: { ca: secure.authority.cert },
      sasl: { mechanism: "PLAIN", username: "admin", password: ADMIN },
    });
    const configs = await client.admin().describeConfigs(
      { type: "broker", name: "1" },
      { synonyms: true, documentation: true },
    );
    const password = configs.find(({ name }) => name === "ssl.key.password")!;
    assertEquals([password.value, password.isSensitive], [null, true]);
    assert(!CANARY.test(JSON.stringify(configs)));
    assert(!CANARY.test(Deno.inspect(client, { depth: 20, showHidden: true })));
  });
  await t.step("in command lines", async () => {
    assert(!CANARY.test(await commandLineOf(broker.pid)));
    const { path, args } = await fromSource("dqueue");
    const following = new Deno.Command(path, {
      args: [...args, "consume", "orders", "-o", "start", ...admin],
      cwd: folder.path,
      env: { NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    try {
      const sent = await secure.run(["produce", "orders", "-m", "hello", ...admin]);
      assertEquals(sent.code, 0, sent.output);
      const reader = following.stdout.getReader();
      const { value } = await within(reader.read(), "the consumer to read");
      assertStringIncludes(new TextDecoder().decode(value), "hello");
      assert(!CANARY.test(await commandLineOf(following.pid)));
      await reader.cancel();
    } finally {
      following.kill();
      await following.status;
    }
  });
  await t.step("in the log and the data of the broker", async () => {
    await broker.kill();
    const log = broker.log.join("\n");
    assertStringIncludes(log, "failed to authenticate");
    assert(!CANARY.test(log), log);
    assertEquals(await filesWithCanaries(folder.join("data")), []);
  });
});

/** The files below a folder that have a canary. */
async function filesWithCanaries(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await filesWithCanaries(path));
    else if (CANARY.test(new TextDecoder("latin1").decode(await Deno.readFile(path)))) {
      found.push(path);
    }
  }
  return found;
}

Deno.test("A program that crashes shows no secret of its client", async (t) => {
  await using folder = await TemporaryFolder.create();
  const sasl = `{ mechanism: "PLAIN", username: "alice", password: Deno.env.get("SECRET")! }`;
  const programs: readonly [name: string, code: string][] = [
    ["with an unreachable broker", `await client.admin().listTopics();`],
    ["with the client in the error", `throw new Error("failed", { cause: client });`],
    ["with what it logs", `console.log(client, client.admin(), client.producer()); throw client;`],
    [
      "with a wrong option",
      `new Client({ brokers: "a", sasl: { ...sasl, passwort: Deno.env.get("SECRET") } as never });`,
    ],
    ["with a wrong token", `new Client({ brokers: "a", sasl: Deno.env.get("SECRET") as never });`],
  ];
  for (const [name, code] of programs) {
    await t.step(name, async () => {
      const script = folder.join("crash.ts");
      await Deno.writeTextFile(
        script,
        `import { Client } from "${ROOT}client/mod.ts";
         const sasl = ${sasl} as const;
         const client = new Client({ brokers: "127.0.0.1:1", timeoutMs: 50, sasl, tls: true });
         ${code}`,
      );
      const { code: exit, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--quiet", "--no-check", "--allow-all", script],
        env: { SECRET: USER, NO_COLOR: "1" },
        stdin: "null",
      }).output();
      const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      assertEquals(exit, 1, text);
      assertStringIncludes(text, "rror");
      assert(!CANARY.test(text), text);
    });
  }
});
