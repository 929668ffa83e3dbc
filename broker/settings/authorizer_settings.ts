/**
 * Settings of authorization and of its audit.
 *
 * `authorizer`, and what begins with `audit`, is specific to this broker.
 *
 * @module
 */

import { parseSuperUsers } from "./super_users.ts";
import { boolean, choice, SettingValueError, string } from "./setting.ts";

/** Kafka's authorizer, whose semantics this broker's has. */
export const STANDARD_AUTHORIZER = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";

/** The settings by name. */
export const AUTHORIZER_SETTINGS = {
  "authorizer": choice(
    ["optional", "required"],
    "optional",
    "Whether clients may do only what ACLs allow. optional: once there is a user or an ACL, until then " +
      "everyone may do everything; required: always, which leaves only super.users at first",
  ),
  "authorizer.class.name": choice(
    ["", STANDARD_AUTHORIZER],
    "",
    `Kafka's name for authorizer=required: ${STANDARD_AUTHORIZER}`,
  ),
  "super.users": string(
    "",
    "Principals that may do everything, whatever ACLs say, as User:NAME, separated by semicolons",
    { check: parseSuperUsers },
  ),
  "allow.everyone.if.no.acl.found": boolean(
    false,
    "Whether everyone may do everything with a resource that no ACL is about",
  ),
  "audit.log": choice(
    ["log", "topic", "none"],
    "log",
    "Where denials, failed logins and changes of topics, configs, ACLs, users and quotas are recorded, " +
      "each as a line of JSON. log: in the broker's log, at level info; topic: in audit.topic; none: nowhere",
  ),
  "audit.topic": string(
    "audit-log",
    "Topic of audit.log=topic, which is created with a partition for each broker. A broker appends to a " +
      "partition that it leads; if it leads none, to its log",
    { check: checkAuditTopic },
  ),
};

function checkAuditTopic(name: string): void {
  if (/^(?!\.{1,2}$)[\w.-]{1,249}$/.test(name) && !name.startsWith("__")) return;
  throw new SettingValueError(`"${name}" is not the name of a topic that can be created`);
}
