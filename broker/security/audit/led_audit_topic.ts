/**
 * The topic that audit lines are appended to: to a partition that this broker leads.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import { Acks } from "../../../protocol/messages/records/produce.ts";
import { RecordBatch, RecordBatchBuilder } from "../../../protocol/records/mod.ts";
import { ApiError } from "../../api_error.ts";
import type { BrokerContext } from "../../handler.ts";
import type { AuditTopic } from "./topic_audit_writer.ts";

/** What the topic depends on. */
export interface AuditTopicParts extends Pick<BrokerContext, "topics" | "cluster" | "clock"> {
  /** Lets the controller create the topic; resolves with false if this broker is the controller. */
  createElsewhere(name: string): Promise<boolean>;
}

/** A topic, by its name. */
export class LedAuditTopic implements AuditTopic {
  readonly #name: string;
  readonly #parts: AuditTopicParts;

  constructor(name: string, parts: AuditTopicParts) {
    this.#name = name;
    this.#parts = parts;
  }

  append(lines: readonly string[]): ReturnType<AuditTopic["append"]> {
    const { topics, clock } = this.#parts;
    const topic = topics.get(this.#name);
    if (topic === undefined) return "missing";
    const partition = topic.partitions.find((each) => each?.isServed);
    if (partition === undefined) return "elsewhere";
    const nowMs = clock.now();
    const builder = new RecordBatchBuilder();
    for (const line of lines) builder.append(nowMs, null, line);
    partition.append(new RecordBatch(builder.build()), { acks: Acks.leader, nowMs });
    return "appended";
  }

  /** With a partition for each broker, so that each leads one. */
  async create(): Promise<void> {
    const { topics, cluster } = this.#parts;
    try {
      if (await this.#parts.createElsewhere(this.#name)) return;
      await topics.createTopic({ name: this.#name, partitions: cluster.brokers.length });
    } catch (error) {
      const isThere = error instanceof ApiError && error.code === ErrorCode.TOPIC_ALREADY_EXISTS;
      if (!isThere) throw error;
    }
  }
}
