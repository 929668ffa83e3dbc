/**
 * Benchmarks decisions of the authorizer: `deno bench --allow-read --allow-env
 * bench/broker/authorizer_bench.ts`.
 *
 * There are 1,000 rules: for 100 users a rule for a topic, a prefix, a group, a denial and a wildcard
 * each, and as many about others. Every answer is checked before it is timed.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../protocol/messages/security/acl_types.ts";
import { silentLogger } from "../../broker/logger.ts";
import {
  AclAuthorizer,
  type AclRule,
  formatAclRecord,
} from "../../broker/security/authorizer/mod.ts";
import { SecurityRecords, type Session } from "../../broker/security/mod.ts";

const USERS = 100;
const { topic, group } = AclResourceType;
const { read, write, describe } = AclOperation;

const ENCODER = new TextEncoder();
const records = new SecurityRecords(() => Promise.resolve());

function add(rule: Partial<AclRule>): void {
  const whole: AclRule = {
    type: topic,
    name: "*",
    pattern: AclPatternType.literal,
    principal: "User:*",
    host: "*",
    operation: read,
    permission: AclPermissionType.allow,
    ...rule,
  };
  const value = ENCODER.encode(formatAclRecord(whole));
  const revision = records.all("acls/").size + 1;
  records.apply(`acls/${revision}`, { value, revision, created: revision });
}

for (let user = 0; user < USERS; user++) {
  const principal = `User:user-${user}`;
  add({ principal, name: `topic-${user}` });
  add({ principal, name: `team-${user}-`, pattern: AclPatternType.prefixed });
  add({ principal, name: `group-${user}`, type: group });
  add({ principal, name: `topic-${user}`, operation: write, permission: AclPermissionType.deny });
  add({ principal, host: `10.0.0.${user}` });
  for (let other = 0; other < 5; other++) add({ principal, name: `of-others-${other}` });
}

const authorizer = new AclAuthorizer({
  records,
  isRequired: false,
  superUsers: new Set(),
  allowsEveryoneWithoutRule: false,
  logger: silentLogger,
});
const session: Session = {
  principal: { type: "User", name: "user-7" },
  host: "10.0.0.7",
  listener: { name: "SASL_SSL", protocol: "SASL_SSL" },
  isLocal: false,
};

const CASES: readonly (readonly [what: string, operation: number, name: string, allow: boolean])[] =
  [
    ["a literal", read, "topic-7", true],
    ["a prefix, implied", describe, "team-7-orders", true],
    ["a denial", write, "topic-7", false],
    ["no rule", write, "elsewhere", false],
  ];

for (const [what, operation, name, allow] of CASES) {
  assertEquals(authorizer.mayDo(session, operation, topic, name), allow);
  assertEquals(authorizer.explain(session, operation, topic, name).allow, allow);
  Deno.bench("kept", { group: what, baseline: true }, () => {
    authorizer.mayDo(session, operation, topic, name);
  });
  Deno.bench("decided", { group: what }, () => {
    authorizer.explain(session, operation, topic, name);
  });
}
