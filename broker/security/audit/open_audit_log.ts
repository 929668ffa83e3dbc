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
import { type AuditTopicParts, LedAuditTopic } from "./led_audit_topic.ts";
import { TopicAuditWriter } from "./topic_audit_writer.ts";

/** What the audit log of a broker depends on. */
export interface AuditLogParts extends AuditTopicParts {
  readonly config: BrokerConfig;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Opens the audit log. Closing it writes what is counted. */
export function openAuditLog(parts: AuditLogParts): AuditLog & Disposable {
  const { config, clock, logger } = parts;
  const destination = config.get("audit.log");
  if (destination === "none") return { record: () => {}, [Symbol.dispose]: () => {} };
  if (destination === "log") {
    const log = new CollapsingAuditLog({ clock, write: (line) => logger.info(`Audit ${line}`) });
    return { record: (event) => log.record(event), [Symbol.dispose]: () => log.close() };
  }
  const topic = new LedAuditTopic(config.get("audit.topic"), parts);
  const writer = new TopicAuditWriter({ topic, clock, logger });
  const log = new CollapsingAuditLog({ clock, write: (line) => writer.write(line) });
  const close = () => {
    log.close();
    writer.close();
  };
  return { record: (event) => log.record(event), [Symbol.dispose]: close };
}
