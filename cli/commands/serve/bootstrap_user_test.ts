import { assertEquals, assertRejects } from "@std/assert";
import { Client } from "../../../client/mod.ts";
import { BrokerConfig, silentLogger } from "../../../broker/mod.ts";
import { resetAdministratorOf } from "../../../broker/offline/reset_administrator.ts";
import { plainClient } from "../../../protocol/sasl/mod.ts";
import { RawConnection } from "../../../tests/support/protocol/raw_connection.ts";
import { login } from "../../../tests/support/security/raw_login.ts";
import { TemporaryFolder } from "../../../tests/support/temporary_folder.ts";
import { CommandError, UsageError } from "../../errors.ts";
import { testContext } from "../../terminal/test_context.ts";
import { runIn, WatchedOutput } from "../testing.ts";
import { readBootstrapUser } from "./bootstrap_user.ts";

const ARGS = [
  "--listen",
  "SASL_PLAINTEXT://127.0.0.1:0",
  "--sasl-enabled-mechanisms",
  "PLAIN,SCRAM-SHA-256",
];

/** Runs a broker until `use` returns. */
async function serving(
  args: readonly string[],
  use: (address: string) => Promise<void>,
  env: Record<string, string> = {},
): Promise<string> {
  const stderr = new WatchedOutput({});
  const context = testContext({ env: { DQUEUE_HTTP: "off", ...env }, files: {} });
  const running = runIn({ ...context, stderr: stderr.output }, ["serve", ...ARGS, ...args]);
  await Promise.race([stderr.until(" Listening address="), running]);
  const address = /Listening address=(\S+)/.exec(stderr.text)?.[1];
  try {
    if (address !== undefined) await use(address);
  } finally {
    context.stop.abort(new DOMException("Terminated", "AbortError"));
  }
  await running;
  return stderr.text;
}

async function codeOf(address: string, user: string, password: string): Promise<number> {
  using connection = await RawConnection.connect(address);
  return (await login(connection, plainClient(user, password))).errorCode;
}

Deno.test({
  name: "serve creates the bootstrap user once, and the user may do everything",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await TemporaryFolder.create();
    const file = `${folder.path}/password`;
    await Deno.writeTextFile(file, "admin-secret\n", { mode: 0o600 });
    const data = ["--data", `${folder.path}/data`];
    const bootstrap = ["--bootstrap-user", "admin", "--bootstrap-password-file", file];
    const first = await serving([...data, ...bootstrap], async (address) => {
      assertEquals(await codeOf(address, "admin", "admin-secret"), 0);
      assertEquals(await codeOf(address, "admin", "admin-secret\n"), 58);
      await using client = new Client({
        brokers: address,
        sasl: { mechanism: "SCRAM-SHA-256", username: "admin", password: "admin-secret" },
      });
      await client.admin().createTopic({ name: "orders" });
      await client.admin().deleteTopic("orders");
    });
    assertEquals(first.includes("admin-secret"), false);
    // Another password does not replace the first one.
    await Deno.writeTextFile(file, "other-secret", { mode: 0o600 });
    const variables = { DQUEUE_BOOTSTRAP_USER: "admin", DQUEUE_BOOTSTRAP_PASSWORD_FILE: file };
    await serving(data, async (address) => {
      assertEquals(await codeOf(address, "admin", "other-secret"), 58);
      assertEquals(await codeOf(address, "admin", "admin-secret"), 0);
    }, variables);
    const config = BrokerConfig.from({ "log.dirs": `${folder.path}/data` });
    const lost = { name: "admin", password: "reset-secret" };
    await resetAdministratorOf(config, lost, silentLogger);
    await serving(data, async (address) => {
      assertEquals(await codeOf(address, "admin", "admin-secret"), 58);
      assertEquals(await codeOf(address, "admin", "reset-secret"), 0);
    });
  },
});

Deno.test({
  name: "readBootstrapUser() refuses a file that others can read, and cuts one line feed",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    await using folder = await TemporaryFolder.create();
    const file = `${folder.path}/password`;
    const read = (stdin = "", bootstrapPasswordFile = file) =>
      readBootstrapUser(testContext({ stdin }), { bootstrapUser: "admin", bootstrapPasswordFile });
    await Deno.writeTextFile(file, "secret\r\n");
    for (const mode of [0o644, 0o640, 0o604, 0o660, 0o601]) {
      await Deno.chmod(file, mode);
      await assertRejects(read, CommandError, "chmod 600");
    }
    await Deno.chmod(file, 0o400);
    assertEquals(await read(), { name: "admin", password: "secret" });
    await Deno.chmod(file, 0o600);
    await Deno.writeTextFile(file, "two\n\n");
    assertEquals(await read(), { name: "admin", password: "two\n" });
    for (const text of ["", "\n"]) {
      await Deno.writeTextFile(file, text);
      await assertRejects(read, CommandError, "is empty");
    }
    await Deno.writeTextFile(file, "x".repeat(5000));
    await assertRejects(read, CommandError, "more than 4096 bytes");
    assertEquals(await read("from stdin\n", "-"), { name: "admin", password: "from stdin" });
    await assertRejects(() => read("", "-"), CommandError, "standard input is empty");
    await assertRejects(() => read("x".repeat(5000), "-"), CommandError, "more than 4096 bytes");
    await assertRejects(() => read("", `${file}.none`), CommandError, "Cannot read the password");
  },
});

Deno.test("readBootstrapUser() needs both flags, or none", async () => {
  const read = (flags: Parameters<typeof readBootstrapUser>[1]) =>
    readBootstrapUser(testContext(), flags);
  assertEquals(await read({}), undefined);
  await assertRejects(
    () => read({ bootstrapUser: "admin" }),
    UsageError,
    "--bootstrap-password-file",
  );
  await assertRejects(() => read({ bootstrapPasswordFile: "-" }), UsageError, "--bootstrap-user");
});

Deno.test("readBootstrapUser() asks for the password on a terminal, twice and without showing it", async () => {
  const ask = (typed: readonly string[]) => {
    const context = testContext({ stdinIsTerminal: true, typed });
    return { context, answer: readBootstrapUser(context, { bootstrapUser: "admin" }) };
  };
  const { context, answer } = ask(["secret", "secret"]);
  assertEquals(await answer, { name: "admin", password: "secret" });
  assertEquals(context.stderrText(), "New password of admin: \nAgain: \n");
  await assertRejects(() => ask(["secret", "other"]).answer, UsageError, "not the same");
  await assertRejects(() => ask([""]).answer, UsageError, "none was entered");
});
