/**
 * Apache Kafka's own tool for ACLs against a broker. It is sought in PATH, with the name that Kafka gives
 * it.
 *
 * @module
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { LocalBroker } from "../support/broker/local_broker.ts";
import { testWith } from "../support/outside.ts";
import { within } from "../support/within.ts";

/** What it says about a rule. */
function line(principal: string, operation: string, permission = "ALLOW", host = "*"): string {
  return `(principal=${principal}, host=${host}, operation=${operation}, permissionType=${permission})`;
}

testWith("kafka-acls.sh", "kafka-acls adds, lists and removes ACLs", async (path) => {
  await using local = await LocalBroker.start({ config: { "super.users": "User:ANONYMOUS" } });
  const run = async (...args: string[]) => {
    const command = new Deno.Command(path, {
      args: ["--bootstrap-server", local.address, ...args],
      stdin: "null",
    });
    const { code, stdout, stderr } = await within(command.output(), "kafka-acls", 60_000);
    return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  };
  /** The rules that it lists. */
  const list = async (...args: string[]) => {
    const { text } = await run("--list", ...args);
    return [...text.matchAll(/^\t(\(principal=.*\))/gm)].map((match) => match[1]!).sort();
  };
  const add = (...args: string[]) => run("--add", ...args);
  await add(...["--allow-principal", "User:bob", "--producer", "--topic", "orders"]);
  await add(
    ...["--allow-principal", "User:alice", "--operation", "Read"],
    ...["--topic", "ord", "--resource-pattern-type", "prefixed"],
  );
  await add(
    ...["--deny-principal", "User:eve", "--deny-host", "10.0.0.0/8", "--operation", "All"],
    "--cluster",
  );
  const ofBob = ["CREATE", "DESCRIBE", "WRITE"].map((operation) => line("User:bob", operation));
  const ofEve = line("User:eve", "ALL", "DENY", "10.0.0.0/8");
  assertEquals(await list(), [line("User:alice", "READ"), ...ofBob, ofEve]);
  assertEquals(await list("--topic", "orders"), ofBob);
  assertEquals(await list("--topic", "orders", "--resource-pattern-type", "match"), [
    line("User:alice", "READ"),
    ...ofBob,
  ]);
  assertEquals(await list("--principal", "User:alice"), [line("User:alice", "READ")]);
  const refused = await add(...[
    "--allow-principal",
    "alice",
    "--operation",
    "Read",
    "--topic",
    "t",
  ]);
  assertEquals(refused.code, 1);
  const empty = await add(...["--allow-principal", "User:a", "--operation", "Read", "--topic", ""]);
  assertStringIncludes(empty.text, "Invalid empty resource name");
  await run("--remove", ...["--topic", "orders", "--resource-pattern-type", "any", "--force"]);
  assertEquals(await list(), [line("User:alice", "READ"), ofEve]);
});
