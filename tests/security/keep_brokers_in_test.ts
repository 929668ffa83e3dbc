import { assertEquals, assertStringIncludes } from "@std/assert";
import { Cluster } from "../../broker/cluster.ts";
import { Client } from "../../client/mod.ts";

const USER = { user: "alice", mechanism: "SCRAM-SHA-256", password: "alice-secret" } as const;
const NONE = "NONE";
const ANONYMOUS = "User:ANONYMOUS";
const READ = {
  resourceType: "topic",
  resourceName: "t",
  principal: "User:alice",
  operation: "read",
  permission: "allow",
} as const;

/** What happens to the first user and the first rule of a cluster, as names of errors. */
async function close(
  options: { brokers: number; config?: Record<string, unknown> },
): Promise<[user: string, rule: string]> {
  const { brokers, config = {} } = options;
  await using cluster = await Cluster.start({ brokers, config: config as never });
  await using client = new Client({ brokers: cluster.addresses });
  const admin = client.admin();
  // The rule first: after a user the cluster is closed, and this client has no name.
  const [rule] = await admin.createAcls([READ]).catch((error) => [{ error }]);
  const [user] = await admin.alterUserScramCredentials([USER]).catch((error) => [{ error }]);
  return [codeOf(user?.error), codeOf(rule?.error)];
}

function codeOf(error: unknown): string {
  return (error as { code?: string } | undefined)?.code ?? NONE;
}

Deno.test("The first user or ACL is refused if brokers without a name would refuse each other then", async () => {
  const refused = "POLICY_VIOLATION";
  assertEquals(await close({ brokers: 2 }), [refused, refused]);
  await using cluster = await Cluster.start({ brokers: 2 });
  await using client = new Client({ brokers: cluster.addresses });
  const [result] = await client.admin().createAcls([READ]).catch((error) => [{ error }]);
  assertStringIncludes(String(result?.error), "put User:ANONYMOUS into super.users of all brokers");
});

Deno.test("The first user or ACL is accepted where brokers may act as such all the same", async () => {
  const [, alone] = await close({ brokers: 1 });
  assertEquals(alone, NONE);
  const isSuper = { "super.users": ANONYMOUS };
  assertEquals(await close({ brokers: 2, config: isSuper }), [NONE, NONE]);
  const isForEveryone = { "allow.everyone.if.no.acl.found": true };
  assertEquals(await close({ brokers: 2, config: isForEveryone }), [NONE, NONE]);
  await using cluster = await Cluster.start({ brokers: 2 });
  await using client = new Client({ brokers: cluster.addresses });
  const [rule] = await client.admin().createAcls([{
    resourceType: "cluster",
    resourceName: "kafka-cluster",
    principal: ANONYMOUS,
    operation: "clusterAction",
    permission: "allow",
  }]);
  assertEquals(rule!.error, undefined);
});
