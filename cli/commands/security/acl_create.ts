/**
 * `dqueue security acl create`.
 *
 * @module
 */

import type { CreateAclResult, NewAcl } from "../../../client/mod.ts";
import { CLUSTER_RESOURCE } from "../../../protocol/messages/security/acl_types.ts";
import { UsageError } from "../../errors.ts";
import { command } from "../../program/command.ts";
import { writeJsonDocument } from "../../records/json.ts";
import { printTable } from "../../terminal/table.ts";
import { connect, connectionFlags } from "../connection.ts";
import { errorToJson, reportFailure } from "../outcomes.ts";
import { outputFlag } from "../output_flag.ts";
import {
  ACL_COLUMNS,
  aclToJson,
  type NamedPrincipal,
  type NamedResource,
  operationFlag,
  principalFlags,
  principalsOf,
  resourceFlags,
  resourcesOf,
  rulesOf,
} from "./acl_flags.ts";

const CLUSTER: readonly NamedResource[] = [{ type: "cluster", name: CLUSTER_RESOURCE }];

/** `security acl create`. */
export const securityAclCreate = command({
  name: "security acl create",
  summary: "Create rules that allow or deny",
  description:
    "Creates a rule for every combination of principal, host, operation and resource. A rule that " +
    "denies comes before all that allow. Without a rule that allows, nothing is allowed, except for " +
    "super users.",
  flags: {
    ...principalFlags,
    ...operationFlag,
    producer: {
      type: "boolean",
      env: false,
      doc: "What a producer needs of the topics, and of transactional ids",
    },
    idempotent: {
      type: "boolean",
      isRare: true,
      env: false,
      doc: "What an idempotent producer needs of brokers before Kafka 3",
    },
    consumer: {
      type: "boolean",
      env: false,
      doc: "What a consumer needs of the topics and its group",
    },
    resourcePatternType: {
      choices: ["literal", "prefixed"],
      default: "literal",
      env: false,
      doc: "Whether names of resources are whole, or how they begin",
    },
    ...resourceFlags,
    ...outputFlag,
    ...connectionFlags,
  },
  examples: [
    {
      doc: "Alice writes orders",
      command: "dqueue security acl create --allow-principal alice --producer --topic orders",
    },
    {
      doc: "A service reads all topics that begin with billing-, as one group",
      command: "dqueue security acl create --allow-principal billing --consumer --topic billing- " +
        "--resource-pattern-type prefixed --group billing-",
    },
    {
      doc: "Nobody deletes topics from outside",
      command: "dqueue security acl create --deny-principal '*' --deny-host 0.0.0.0/0 " +
        "--operation delete --topic '*'",
    },
    {
      doc: "An administrator",
      command: "dqueue security acl create --allow-principal admin --operation all --cluster " +
        "--topic '*' --group '*' --transactional-id '*'",
    },
  ],
  async run(context, { flags }) {
    const principals = principalsOf(flags);
    if (principals.length === 0) {
      throw new UsageError("Missing --allow-principal or --deny-principal: whom is the rule about");
    }
    const resources = resourcesOf(flags);
    const acls = [
      ...rulesOf(principals, resources, flags.operation, flags.resourcePatternType),
      ...(flags.producer ? producerRules(principals, resources, flags.resourcePatternType) : []),
      ...(flags.idempotent ? rulesOf(principals, CLUSTER, ["idempotentWrite"], "literal") : []),
      ...(flags.consumer ? consumerRules(principals, resources, flags.resourcePatternType) : []),
    ];
    if (acls.length === 0) {
      throw new UsageError(
        resources.length === 0
          ? "Missing --topic, --group, --cluster or --transactional-id: what is the rule about"
          : "Missing --operation, --producer or --consumer: what is allowed or denied",
      );
    }
    await using client = await connect(context, flags);
    const results = await client.admin().createAcls(distinct(acls), { signal: context.signal });
    for (const { error } of results) if (error !== undefined) reportFailure(context, error);
    if (flags.output === "json") {
      return writeJsonDocument(
        context.stdout,
        results.map(({ acl, error }) => ({ ...aclToJson(acl), error: errorToJson(error) })),
      );
    }
    const created = results.filter(({ error }) => error === undefined);
    if (created.length > 0) printTable(context, ACL_COLUMNS, created.map(withDefaults), "");
  },
});

function withDefaults({ acl }: CreateAclResult): NewAcl {
  return { ...acl, host: acl.host ?? "*", patternType: acl.patternType ?? "literal" };
}

/** As kafka-acls has it: an idempotent producer needs no more than to write to a topic. */
function producerRules(
  principals: readonly NamedPrincipal[],
  resources: readonly NamedResource[],
  pattern: "literal" | "prefixed",
): NewAcl[] {
  const topics = resources.filter(({ type }) => type === "topic");
  const ids = resources.filter(({ type }) => type === "transactionalId");
  if (topics.length === 0) throw new UsageError("Missing --topic: a producer writes to topics");
  return [
    ...rulesOf(principals, topics, ["write", "describe", "create"], pattern),
    ...rulesOf(principals, ids, ["write", "describe"], pattern),
  ];
}

function consumerRules(
  principals: readonly NamedPrincipal[],
  resources: readonly NamedResource[],
  pattern: "literal" | "prefixed",
): NewAcl[] {
  const topics = resources.filter(({ type }) => type === "topic");
  const groups = resources.filter(({ type }) => type === "group");
  if (topics.length === 0) throw new UsageError("Missing --topic: a consumer reads topics");
  return [
    ...rulesOf(principals, topics, ["read", "describe"], pattern),
    ...rulesOf(principals, groups, ["read"], pattern),
  ];
}

function distinct(acls: readonly NewAcl[]): NewAcl[] {
  return [...new Map(acls.map((acl) => [JSON.stringify(aclToJson(acl)), acl])).values()];
}
