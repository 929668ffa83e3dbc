import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../../protocol/messages/security/acl_types.ts";
import {
  aclCreation,
  aclDeletion,
  aclKey,
  type AclRule,
  parseAclRecord,
  problemOf,
} from "./acl_rule.ts";

const RULE: AclRule = {
  type: AclResourceType.transactionalId,
  name: "été",
  pattern: AclPatternType.prefixed,
  principal: "User:CN=a,O=b",
  host: "10.0.0.0/8",
  operation: AclOperation.twoPhaseCommit,
  permission: AclPermissionType.allow,
};

const ENCODER = new TextEncoder();

Deno.test("aclCreation() makes the same record of the same rule, and another key of another rule", async () => {
  const { key, value } = await aclCreation(RULE) as { key: string; value: Uint8Array };
  assertEquals(parseAclRecord(value), { rule: RULE });
  assertEquals(key.length, "acls/".length + 22);
  const turned = Object.fromEntries(Object.entries(RULE).reverse()) as unknown as AclRule;
  assertEquals(await aclCreation(turned), { key, value });
  assertEquals(await aclDeletion(RULE), { key, value: null });
  for (
    const [field, other] of Object.entries({ name: "e", host: "*", operation: 3, permission: 2 })
  ) {
    assertNotEquals(await aclKey({ ...RULE, [field]: other }), key, field);
  }
});

Deno.test("problemOf() says what Kafka says about a rule that cannot be kept", () => {
  assertEquals(problemOf(RULE), undefined);
  for (
    const [change, problem] of [
      [{ type: AclResourceType.any }, "Invalid resourceType ANY"],
      [{ type: 99 }, "Invalid resourceType UNKNOWN"],
      [{ pattern: AclPatternType.match }, "Invalid patternType MATCH"],
      [{ operation: AclOperation.any }, "Invalid operation ANY"],
      [{ operation: 16 }, "Invalid operation UNKNOWN"],
      [{ permission: AclPermissionType.any }, "Invalid permissionType ANY"],
      [{ name: "" }, "Invalid empty resource name"],
      [{ type: AclResourceType.cluster }, "kafka-cluster"],
      // Of several problems, Kafka's first one.
      [{ type: AclResourceType.cluster, name: "" }, "kafka-cluster"],
      [{ type: 99, name: "" }, "Invalid empty resource name"],
      [{ pattern: 9, name: "" }, "Invalid empty resource name"],
      [{ pattern: 9, operation: 16 }, "Invalid patternType UNKNOWN"],
      [{ principal: "alice" }, "Could not parse principal from `alice`"],
      [{ host: "10.0.0.0/40" }, "10.0.0.0/40"],
    ] as const
  ) assertStringIncludes(problemOf({ ...RULE, ...change }) ?? "", problem);
});

Deno.test("parseAclRecord() reads what is no rule as one that denies everyone its resource", () => {
  const denial = {
    principal: "User:*",
    host: "*",
    operation: AclOperation.all,
    permission: AclPermissionType.deny,
  };
  const topic = { type: AclResourceType.topic, pattern: AclPatternType.literal };
  for (
    const [text, expected] of [
      ['{"type":"TOPIC","name":"a","pattern":"LITERAL"', { type: 1, name: "*", pattern: 3 }],
      ["7", { type: AclResourceType.any, name: "*", pattern: AclPatternType.literal }],
      ['{"type":"TOPIC","name":"a","pattern":"LITERAL"}', { ...topic, name: "a" }],
      ['{"type":"TOPIC","name":7,"pattern":"LITERAL"}', { ...topic, name: "*" }],
      ['{"type":"TOPIC","name":"a","pattern":"GLOB"}', { type: 2, name: "a", pattern: 4 }],
      [
        '{"type":"MOON","name":"a","pattern":"LITERAL","principal":"User:a","host":"*",' +
        '"operation":"READ","permission":"ALLOW"}',
        { type: AclResourceType.any, name: "a", pattern: AclPatternType.literal },
      ],
    ] as const
  ) {
    const { rule, problem } = parseAclRecord(ENCODER.encode(text));
    assertEquals(rule, { ...denial, ...expected }, text);
    assertEquals(problem !== undefined, true, text);
  }
});
