/**
 * The audit log as a broker's settings want it.
 *
 * @module
 */

import type { Logger } from "../../logger.ts";
import type { BrokerConfig } from "../../settings/config.ts";
import type { Clock } from "../../time/clock.ts";
import type { AuditLog } from "./audit_log.ts";
import { CollapsingAuditLog } from "./collapsing_audit_log.ts";

/** What the audit log of a broker depends on. */
export interface AuditLogParts {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Opens the audit log. Closing it writes what is counted. */
export function openAuditLog({ config, clock, logger }: AuditLogParts): AuditLog & Disposable {
  if (config.get("audit.log") === "none") return { record: () => {}, [Symbol.dispose]: () => {} };
  const log = new CollapsingAuditLog({ clock, write: (line) => logger.info(`Audit ${line}`) });
  return { record: (event) => log.record(event), [Symbol.dispose]: () => log.close() };
}
