/**
 * `dqueue security acl explain`.
 *
 * @module
 */

import type { AclBinding, Admin } from "../../../client/mod.ts";
import {
  AclOperation,
  AclPatternType,
  AclPermissionType,
  AclResourceType,
} from "../../../protocol/messages/security/acl_types.ts";
import { UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import type { Context } from "../../terminal/context.ts";
import { connect, connectionFlags } from "../connection.ts";
import { outputFlag } from "../output_flag.ts";
import {
  aclInWords,
  aclToJson,
  type NamedResource,
  OPERATION_WORDS,
  parseOperation,
  parsePrincipalFlag,
  resourceFlags,
  resourcesOf,
} from "./acl_flags.ts";

/** What the broker decides with; not a literal where it is imported, as most commands do not need it. */
const AUTHORIZER = "../../../broker/security/authorizer/mod.ts";

/** Settings of brokers that decisions depend on. */
const SETTINGS = [
  "super.users",
  "allow.everyone.if.no.acl.found",
  "authorizer.state",
];

/** `security acl explain`. */
export const securityAclExplain = command({
  name: "security acl explain",
  summary: "Say whether something is allowed, and which rule decides",
  description:
    "Decides as the brokers do, by the rules and settings that they return. Exits with 1 if it is " +
    "denied.",
  flags: {
    principal: {
      value: "PRINCIPAL",
      required: true,
      parse: parsePrincipalFlag,
      env: false,
      doc: "Who wants it, such as User:alice or alice",
    },
    operation: {
      choices: OPERATION_WORDS,
      value: "OPERATION",
      required: true,
      parse: parseOperation,
      env: false,
      doc: "What for",
    },
    host: {
      value: "ADDRESS",
      default: "127.0.0.1",
      env: false,
      doc: "IP address that the client comes from",
    },
    ...resourceFlags,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    {
      doc: "May alice write orders?",
      command: "dqueue security acl explain --principal alice --operation write --topic orders",
    },
  ],
  async run(context, { flags }) {
    const [resource, ...more] = resourcesOf(flags);
    if (resource === undefined || more.length > 0) {
      throw new UsageError(
        `Cannot explain ${more.length === 0 ? "nothing" : "several resources"}: name one with ` +
          "--topic, --group, --cluster or --transactional-id",
      );
    }
    if (flags.operation === "all") {
      throw new UsageError("Cannot explain all operations at once: name one with --operation");
    }
    await using client = await connect(context, flags);
    const admin = client.admin();
    const cluster = await clusterOf(context, admin);
    const question = { ...flags, resource };
    const answer = await answerOf(cluster, question);
    const about = cluster.acls.filter((acl) => isAbout(acl, resource));
    if (!answer.allow) context.exitCode = 1;
    if (flags.output === "json") {
      return writeJsonDocument(context.stdout, {
        allowed: answer.allow,
        reason: answer.reason,
        rule: answer.rule === undefined ? null : aclToJson(answer.rule),
        rules_about_resource: about.map(aclToJson),
      });
    }
    const { stdout } = context;
    const { principal, operation, host } = flags;
    const paint = answer.allow ? stdout.style.green : stdout.style.red;
    stdout.line(
      `${paint(answer.allow ? "Allowed" : "Denied")}: ${principal} from ${host} to ${operation} ` +
        `${resource.type} ${resource.name}`,
    );
    stdout.line(`  because ${reasonOf(answer, about.length)}`);
  },
});

/** What the brokers decide with. */
interface Cluster {
  readonly acls: readonly AclBinding[];
  readonly superUsers: readonly string[];
  readonly allowsEveryone: boolean;
  /** Why everyone may do everything; undefined if rules decide. */
  readonly openness?: "open" | "no-authorizer";
}

interface Question {
  readonly principal: string;
  readonly operation: Exclude<AclBinding["operation"], "unknown">;
  readonly host: string;
  readonly resource: NamedResource;
}

interface Answer {
  readonly allow: boolean;
  readonly reason:
    | NonNullable<Cluster["openness"]>
    | "super-user"
    | "rule"
    | "no-rule-for-resource"
    | "no-matching-rule";
  readonly rule?: AclBinding;
}

async function clusterOf(context: Context, admin: Admin): Promise<Cluster> {
  const { signal } = context;
  const [acls, { brokers }] = await Promise.all([
    aclsOf(admin, signal),
    admin.describeCluster({ signal }),
  ]);
  if (acls === undefined) {
    return { acls: [], superUsers: [], allowsEveryone: false, openness: "no-authorizer" };
  }
  const settings = new Map<string, string>();
  try {
    const configs = await admin.describeConfigs(
      { type: "broker", name: String(brokers[0]!.id) },
      { names: SETTINGS, signal },
    );
    // Kafka conceals the values of settings of its authorizer.
    for (const { name, value } of configs) if (value !== null) settings.set(name, value);
  } catch {
    // They may not be described.
    signal.throwIfAborted();
  }
  if (!settings.has("super.users")) {
    context.stderr.line(
      "Warning: the brokers do not tell super.users and allow.everyone.if.no.acl.found, so only " +
        "rules are taken into account",
    );
  }
  return {
    acls,
    superUsers: (settings.get("super.users") ?? "").split(";").map((each) => each.trim()),
    allowsEveryone: settings.get("allow.everyone.if.no.acl.found") === "true",
    // Kafka has no such state: it has an authorizer, and so rules, or none.
    ...(settings.get("authorizer.state") === "open" ? { openness: "open" } : {}),
  };
}

/** The rules; undefined if Kafka's brokers have no authorizer. */
async function aclsOf(
  admin: Admin,
  signal: AbortSignal,
): Promise<readonly AclBinding[] | undefined> {
  try {
    return await admin.describeAcls({}, { signal });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "SECURITY_DISABLED") {
      return undefined;
    }
    throw error;
  }
}

async function answerOf(cluster: Cluster, question: Question): Promise<Answer> {
  if (cluster.openness !== undefined) return { allow: true, reason: cluster.openness };
  const { AclIndex, decide }: typeof import("../../../broker/security/authorizer/mod.ts") =
    await import(AUTHORIZER);
  const rules = new AclIndex();
  const bindings = new Map<unknown, AclBinding>();
  cluster.acls.forEach((acl, i) => {
    const rule = {
      type: (AclResourceType as Numbers)[acl.resourceType] ?? 0,
      name: acl.resourceName,
      pattern: (AclPatternType as Numbers)[acl.patternType] ?? 0,
      principal: acl.principal,
      host: acl.host,
      operation: (AclOperation as Numbers)[acl.operation] ?? 0,
      permission: (AclPermissionType as Numbers)[acl.permission] ?? 0,
    };
    bindings.set(rule, acl);
    rules.set(String(i), rule);
  });
  const colon = question.principal.indexOf(":");
  const { allow, reason, rule } = decide(
    {
      rules,
      superUsers: new Set(cluster.superUsers),
      allowsEveryoneWithoutRule: cluster.allowsEveryone,
    },
    { type: question.principal.slice(0, colon), name: question.principal.slice(colon + 1) },
    question.host,
    AclOperation[question.operation],
    AclResourceType[question.resource.type],
    question.resource.name,
  );
  const binding = rule === undefined ? undefined : bindings.get(rule);
  return { allow, reason, ...(binding === undefined ? {} : { rule: binding }) };
}

type Numbers = Readonly<Record<string, number>>;

/** Whether a rule is about a resource, whomever it concerns. */
function isAbout(acl: AclBinding, { type, name }: NamedResource): boolean {
  if (acl.resourceType !== type) return false;
  if (acl.patternType === "prefixed") return name.startsWith(acl.resourceName);
  return acl.resourceName === name || acl.resourceName === "*";
}

function reasonOf({ allow, reason, rule }: Answer, aboutCount: number): string {
  switch (reason) {
    case "open":
      return "the cluster is open: it never had a user or a rule, and authorizer is optional";
    case "no-authorizer":
      return "the brokers have no authorizer (authorizer.class.name)";
    case "super-user":
      return "super.users has this principal";
    case "rule":
      return `of the rule: ${rule === undefined ? "unknown" : aclInWords(rule)}`;
    case "no-rule-for-resource":
      return `no rule is about this resource, and allow.everyone.if.no.acl.found is ${allow}`;
    case "no-matching-rule":
      return `none of the ${aboutCount} rules about this resource allows it`;
  }
}
