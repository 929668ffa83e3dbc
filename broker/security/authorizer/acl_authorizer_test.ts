import { assertEquals } from "@std/assert";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../../protocol/messages/security/acl_types.ts";
import { silentLogger } from "../../logger.ts";
import type { AuditEvent } from "../audit/audit_log.ts";
import { SecurityRecords } from "../security_records.ts";
import type { Session } from "../session.ts";
import { AclAuthorizer, type AclAuthorizerOptions } from "./acl_authorizer.ts";
import { aclCreation, type AclRule } from "./acl_rule.ts";

const { read, write } = AclOperation;
const TOPIC = AclResourceType.topic;

const READ_A: AclRule = {
  type: TOPIC,
  name: "a",
  pattern: AclPatternType.literal,
  principal: "User:alice",
  host: "*",
  operation: read,
  permission: AclPermissionType.allow,
};

function session(name: string, host = "10.0.0.1"): Session {
  return {
    principal: { type: "User", name },
    host,
    listener: { name: "SASL_SSL", protocol: "SASL_SSL" },
    isLocal: false,
  };
}

class World {
  readonly records = new SecurityRecords(() => Promise.resolve());
  readonly events: AuditEvent[] = [];
  readonly lines: string[] = [];
  readonly authorizer: AclAuthorizer;
  #revision = 0;

  constructor(options: Partial<AclAuthorizerOptions> = {}) {
    this.authorizer = new AclAuthorizer({
      records: this.records,
      isRequired: false,
      superUsers: new Set(["User:root"]),
      allowsEveryoneWithoutRule: false,
      audit: { record: (event) => this.events.push(event) },
      logger: { ...silentLogger, error: (message) => this.lines.push(message) },
      ...options,
    });
  }

  put(key: string, value: Uint8Array | null): void {
    const revision = ++this.#revision;
    const entry = value === null ? undefined : { value, revision, created: revision };
    this.records.apply(key, entry);
  }

  async create(rule: AclRule): Promise<string> {
    const { key, value } = await aclCreation(rule) as { key: string; value: Uint8Array };
    this.put(key, value);
    return key;
  }
}

Deno.test("AclAuthorizer is open until there is a user or a rule", async () => {
  const world = new World();
  const { authorizer } = world;
  const alice = session("alice");
  assertEquals(authorizer.isOpen, true);
  assertEquals(authorizer.authorize(alice, write, TOPIC, "a"), true);
  assertEquals(authorizer.mayDoSomewhere(alice, write, TOPIC), true);
  world.put("users/bob", new Uint8Array());
  assertEquals(authorizer.isOpen, false);
  assertEquals(authorizer.authorize(alice, write, TOPIC, "a"), false);
  assertEquals(authorizer.mayDoSomewhere(alice, write, TOPIC), false);
  world.put("users/bob", null);
  assertEquals(authorizer.isOpen, true);
  const key = await world.create(READ_A);
  assertEquals(authorizer.isOpen, false);
  world.put(key, null);
  assertEquals(authorizer.isOpen, true);
});

Deno.test("AclAuthorizer does not open again when the last user and the last rule are deleted", async () => {
  const world = new World();
  const { authorizer } = world;
  world.put("security/state", new Uint8Array());
  world.put("users/bob", new Uint8Array());
  const key = await world.create(READ_A);
  assertEquals(authorizer.mayDo(session("alice"), read, TOPIC, "a"), true);
  world.put("users/bob", null);
  world.put(key, null);
  assertEquals(authorizer.isOpen, false);
  assertEquals(authorizer.mayDo(session("alice"), read, TOPIC, "a"), false);
  assertEquals(authorizer.mayDo(session("root"), read, TOPIC, "a"), true);
});

Deno.test("AclAuthorizer that is required is never open, and lets super users in", () => {
  const { authorizer } = new World({ isRequired: true });
  assertEquals(authorizer.isOpen, false);
  assertEquals(authorizer.mayDo(session("alice"), read, TOPIC, "a"), false);
  assertEquals(authorizer.mayDo(session("root"), read, TOPIC, "a"), true);
});

Deno.test("AclAuthorizer forgets its answers with each change", async () => {
  const world = new World({ isRequired: true });
  const { authorizer } = world;
  const alice = session("alice");
  const answers = () => [
    authorizer.mayDo(alice, read, TOPIC, "a"),
    authorizer.mayDo(alice, read, TOPIC, "b"),
    authorizer.mayDoSomewhere(alice, read, TOPIC),
  ];
  assertEquals(answers(), [false, false, false]);
  assertEquals(answers(), [false, false, false]);
  const key = await world.create(READ_A);
  for (let round = 0; round < 2; round++) assertEquals(answers(), [true, false, true]);
  const denial = await world.create({ ...READ_A, permission: AclPermissionType.deny });
  for (let round = 0; round < 2; round++) assertEquals(answers(), [false, false, false]);
  world.put(denial, null);
  assertEquals(answers(), [true, false, true]);
  world.put(key, null);
  assertEquals(answers(), [false, false, false]);
});

Deno.test("AclAuthorizer keeps answers apart by principal, address, operation, type and name", async () => {
  const world = new World();
  const { authorizer } = world;
  await world.create({ ...READ_A, host: "10.0.0.1" });
  for (let round = 0; round < 2; round++) {
    assertEquals(authorizer.mayDo(session("alice"), read, TOPIC, "a"), true);
    assertEquals(authorizer.mayDo(session("alice", "10.0.0.2"), read, TOPIC, "a"), false);
    assertEquals(authorizer.mayDo(session("bob"), read, TOPIC, "a"), false);
    assertEquals(authorizer.mayDo(session("alice"), write, TOPIC, "a"), false);
    assertEquals(authorizer.mayDo(session("alice"), read, AclResourceType.group, "a"), false);
    assertEquals(authorizer.mayDo(session("alice"), read, TOPIC, "b"), false);
  }
});

Deno.test("AclAuthorizer is right about more names and principals than it keeps answers for", async () => {
  const world = new World();
  const { authorizer } = world;
  await world.create(READ_A);
  await world.create({ ...READ_A, name: "n1", pattern: AclPatternType.prefixed });
  const alice = session("alice");
  for (let index = 0; index < 25_000; index++) {
    const name = `n${index}`;
    assertEquals(authorizer.mayDo(alice, read, TOPIC, name), name.startsWith("n1"));
    assertEquals(authorizer.mayDo(session(`u${index}`), read, TOPIC, "a"), false);
  }
  const long = "n1".padEnd(1000, "x");
  assertEquals(authorizer.mayDo(alice, read, TOPIC, long), true);
});

Deno.test("AclAuthorizer has a record that is no rule deny its resource, and logs it", async () => {
  const world = new World();
  const { authorizer } = world;
  await world.create({ ...READ_A, name: "*" });
  const alice = session("alice");
  const broken = new TextEncoder().encode('{"type":"TOPIC","name":"a","pattern":"LITERAL"}');
  world.put("acls/broken", broken);
  assertEquals(authorizer.mayDo(alice, read, TOPIC, "a"), false);
  assertEquals(authorizer.mayDo(alice, read, TOPIC, "b"), true);
  assertEquals(authorizer.mayDo(session("root"), read, TOPIC, "a"), true);
  world.put("acls/unreadable", new Uint8Array([0xff]));
  assertEquals(authorizer.mayDo(alice, read, TOPIC, "b"), false);
  assertEquals(world.lines.length, 2);
  world.put("acls/broken", null);
  world.put("acls/unreadable", null);
  assertEquals(authorizer.mayDo(alice, read, TOPIC, "a"), true);
});

Deno.test("AclAuthorizer.authorize() audits a denial with the rule; mayDo() audits nothing", async () => {
  const world = new World();
  const { authorizer, events } = world;
  await world.create({ ...READ_A, permission: AclPermissionType.deny });
  const alice = session("alice");
  assertEquals(authorizer.mayDo(alice, read, TOPIC, "a"), false);
  assertEquals(authorizer.mayDoSomewhere(alice, read, TOPIC), false);
  assertEquals(events, []);
  const origin = { clientId: "c", api: "Fetch" };
  assertEquals(authorizer.authorize(alice, read, TOPIC, "a", origin), false);
  assertEquals(authorizer.authorize(alice, read, TOPIC, "b"), false);
  const [first, second] = events;
  assertEquals(events.length, 2);
  assertEquals([first!.event, first!.operation, first!.resourceType, first!.resource], [
    "authz.deny",
    "READ",
    "TOPIC",
    "a",
  ]);
  assertEquals([first!.clientId, first!.api, first!.session], ["c", "Fetch", alice]);
  assertEquals(JSON.parse(first!.rule!).permission, "DENY");
  assertEquals(second!.rule, "DefaultDeny");
});
