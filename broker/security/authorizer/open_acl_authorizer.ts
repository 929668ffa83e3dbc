/**
 * The authorizer as a broker's settings want it.
 *
 * @module
 */

import type { Logger } from "../../logger.ts";
import type { BrokerConfig } from "../../settings/config.ts";
import type { AuditLog } from "../audit/audit_log.ts";
import type { SecurityRecords } from "../security_records.ts";
import { AclAuthorizer } from "./acl_authorizer.ts";
import { parseSuperUsers } from "../../settings/super_users.ts";

/** What the authorizer of a broker depends on. */
export interface AuthorizerParts {
  readonly config: BrokerConfig;
  /** The records, which must have been read whole. */
  readonly records: SecurityRecords;
  readonly audit?: AuditLog;
  readonly logger: Logger;
}

/** Creates the authorizer, and logs whether the cluster is open. */
export function openAclAuthorizer(parts: AuthorizerParts): AclAuthorizer {
  const { config, logger } = parts;
  const authorizer = new AclAuthorizer({
    ...parts,
    isRequired: config.get("authorizer") === "required" ||
      config.get("authorizer.class.name") !== "",
    superUsers: parseSuperUsers(config.get("super.users")),
    allowsEveryoneWithoutRule: config.get("allow.everyone.if.no.acl.found"),
  });
  if (authorizer.isOpen) {
    logger.info(
      "Everyone who can connect may do everything until a user or an ACL exists; " +
        "authorizer=required closes the cluster before",
    );
  }
  return authorizer;
}
