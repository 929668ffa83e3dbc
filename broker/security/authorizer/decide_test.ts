import { assertEquals } from "@std/assert";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../../protocol/messages/security/acl_types.ts";
import { AclIndex } from "./acl_index.ts";
import type { AclRule } from "./acl_rule.ts";
import { type AclPolicy, decide, decideSomewhere } from "./decide.ts";

const { read, write, create, describe, alter, alterConfigs, describeConfigs, all } = AclOperation;
const TOPIC = AclResourceType.topic;

function allow(name: string, operation: number, rest: Partial<AclRule> = {}): AclRule {
  return {
    type: TOPIC,
    name,
    pattern: AclPatternType.literal,
    principal: "User:alice",
    host: "*",
    operation,
    permission: AclPermissionType.allow,
    ...rest,
  };
}

function deny(name: string, operation: number, rest: Partial<AclRule> = {}): AclRule {
  return allow(name, operation, { permission: AclPermissionType.deny, ...rest });
}

const PREFIXED = { pattern: AclPatternType.prefixed };

function policyOf(rules: readonly AclRule[], rest: Partial<AclPolicy> = {}): AclPolicy {
  const index = new AclIndex();
  rules.forEach((rule, key) => index.set(String(key), rule));
  return { rules: index, superUsers: new Set(), allowsEveryoneWithoutRule: false, ...rest };
}

function may(
  policy: AclPolicy,
  operation: number,
  name: string,
  { who = "alice", host = "10.0.0.1", type = TOPIC }: {
    who?: string;
    host?: string;
    type?: number;
  } = {},
): boolean {
  return decide(policy, { type: "User", name: who }, host, operation, type, name).allow;
}

Deno.test("decide() has a rule that denies decide before any that allow, and names it", () => {
  const denial = deny("a", read, { ...PREFIXED, principal: "User:*" });
  const policy = policyOf([allow("*", all), allow("ab", read), denial]);
  const decision = decide(policy, { type: "User", name: "alice" }, "", read, TOPIC, "ab");
  assertEquals(decision, { allow: false, reason: "rule", rule: denial });
  assertEquals(may(policy, read, "b"), true);
  assertEquals(may(policy, write, "ab"), true);
  assertEquals(may(policy, write, "ab", { who: "bob" }), false);
});

Deno.test("decide() matches literal names, prefixes and *; a prefix * is that character", () => {
  const policy = policyOf([
    allow("ab", read),
    allow("x", read, PREFIXED),
    allow("*", write, PREFIXED),
    allow("*", create),
  ]);
  const allowed = (operation: number) =>
    ["a", "ab", "abc", "x", "xyz", "*", "*a"].filter((name) => may(policy, operation, name));
  assertEquals(allowed(read), ["ab", "x", "xyz"]);
  assertEquals(allowed(write), ["*", "*a"]);
  assertEquals(allowed(create).length, 7);
  assertEquals(may(policy, create, "ab", { type: AclResourceType.group }), false);
});

Deno.test("decide() lets operations imply DESCRIBE and DESCRIBE_CONFIGS where they are allowed only", () => {
  for (const operation of [read, write, AclOperation.delete, alter]) {
    assertEquals(may(policyOf([allow("a", operation)]), describe, "a"), true);
    const policy = policyOf([deny("a", operation), allow("a", all)]);
    assertEquals(may(policy, describe, "a"), true);
  }
  for (const operation of [create, alterConfigs, describeConfigs]) {
    assertEquals(may(policyOf([allow("a", operation)]), describe, "a"), false);
  }
  assertEquals(may(policyOf([allow("a", alterConfigs)]), describeConfigs, "a"), true);
  assertEquals(may(policyOf([allow("a", alter)]), describeConfigs, "a"), false);
  const policy = policyOf([allow("a", read), deny("a", describe)]);
  assertEquals([may(policy, read, "a"), may(policy, describe, "a")], [true, false]);
});

Deno.test("decide() compares the client's address with the host of a rule", () => {
  const policy = policyOf([
    allow("a", read),
    deny("a", read, { host: "::1" }),
    deny("a", read, { host: "10.0.0.0/8" }),
  ]);
  const denied = ["::1", "0:0:0:0:0:0:0:1", "10.9.9.9", "::ffff:10.0.0.1", "11.0.0.1", ""]
    .filter((host) => !may(policy, read, "a", { host }));
  assertEquals(denied, ["::1", "0:0:0:0:0:0:0:1", "10.9.9.9", "::ffff:10.0.0.1"]);
});

Deno.test("decide() lets super users do everything, by type and name exactly", () => {
  const policy = policyOf([deny("*", all, { principal: "User:*" })], {
    superUsers: new Set(["User:root"]),
  });
  assertEquals(may(policy, read, "a", { who: "root" }), true);
  for (const who of ["Root", "root ", "alice"]) {
    assertEquals(may(policy, read, "a", { who }), false);
  }
  const group = { type: "Group", name: "root" };
  assertEquals(decide(policy, group, "", read, TOPIC, "a").allow, false);
});

Deno.test("decide() with allow.everyone.if.no.acl.found denies where any rule is about the resource", () => {
  const policy = policyOf([
    allow("a", read, { principal: "User:bob" }),
    allow("x", read, { ...PREFIXED, principal: "User:bob" }),
  ], { allowsEveryoneWithoutRule: true });
  const names = ["a", "ab", "x", "xy", "y"];
  assertEquals(names.filter((name) => may(policy, read, name)), ["ab", "y"]);
  assertEquals(may(policy, read, "a", { type: AclResourceType.group }), true);
  const ofAll = policyOf([allow("*", read, { principal: "User:bob" })], {
    allowsEveryoneWithoutRule: true,
  });
  assertEquals(names.filter((name) => may(ofAll, read, name)), []);
});

Deno.test("decideSomewhere() says whether any resource could be used", () => {
  const alice = { type: "User", name: "alice" };
  for (
    const [rules, expected] of [
      [[], false],
      [[allow("a", read)], false],
      [[allow("a", write)], true],
      [[allow("*", all)], true],
      [[allow("a", write), deny("a", write)], false],
      [[allow("a", write), deny("a", read)], true],
      [[allow("ab", write), deny("a", write, PREFIXED)], false],
      [[allow("a", write, PREFIXED), deny("ab", write, PREFIXED)], true],
      [[allow("a", write, PREFIXED), deny("a", write)], true],
      [[allow("a", write, PREFIXED), deny("*", write)], false],
      [[allow("*", write), deny("a", write, PREFIXED)], true],
      [[allow("a", write, { principal: "User:bob" })], false],
    ] as [AclRule[], boolean][]
  ) assertEquals(decideSomewhere(policyOf(rules), alice, "", write, TOPIC), expected);
  const policy = policyOf([allow("*", write, { host: "10.0.0.0/8" })]);
  assertEquals(decideSomewhere(policy, alice, "10.1.1.1", write, TOPIC), true);
  assertEquals(decideSomewhere(policy, alice, "11.1.1.1", write, TOPIC), false);
  const generous = policyOf([allow("a", read)], { allowsEveryoneWithoutRule: true });
  assertEquals(decideSomewhere(generous, alice, "", write, TOPIC), true);
});
