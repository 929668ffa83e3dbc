import { assertEquals } from "@std/assert";
import { parseJaasConfig } from "../../../protocol/sasl/jaas_config.ts";
import { formatPlain } from "../../../protocol/sasl/plain.ts";
import type { PasswordChecker } from "./password_checker.ts";
import { jaasUsers, plainServer } from "./plain_server.ts";

const JAAS = "org.apache.kafka.common.security.plain.PlainLoginModule required " +
  'username="admin" password="own" user_admin="own" user_alice="alice-secret";';

/** Checks passwords of no user, and counts how often it was asked. */
class NoUsers {
  asked = 0;

  check(): Promise<undefined> {
    this.asked++;
    return Promise.resolve(undefined);
  }
}

Deno.test("plainServer() accepts the users of a listener's sasl.jaas.config, as Kafka does", async () => {
  const passwords = new NoUsers();
  const users = jaasUsers(parseJaasConfig(JAAS));
  assertEquals([...users.keys()], ["admin", "alice"]);
  const log = async (user: string, password: string) => {
    const server = plainServer(passwords as unknown as PasswordChecker, users);
    const step = await server.evaluate(formatPlain({ authzid: "", user, password }));
    return step.type === "success" ? step.login.principal.name : step.type;
  };
  assertEquals(await log("alice", "alice-secret"), "alice");
  assertEquals(passwords.asked, 0);
  // A wrong password, and an unknown user, cost what they cost without such users.
  assertEquals(await log("alice", "alice-secre"), "failure");
  assertEquals(await log("username", "admin"), "failure");
  assertEquals(await log("bob", "bob-secret"), "failure");
  assertEquals(passwords.asked, 3);
});
