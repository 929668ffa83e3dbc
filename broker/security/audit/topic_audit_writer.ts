/**
 * Writes audit lines to a topic, one record each.
 *
 * Lines are collected for a moment and appended together, past the quotas and rules of those they are
 * about. While the topic is being created they wait, up to a bound; what is beyond it is counted. Lines
 * that cannot be appended go to the log of the broker.
 *
 * @module
 */

import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";

/** The topic, as this broker sees it. */
export interface AuditTopic {
  /**
   * Appends records.
   *
   * @returns `missing` if there is no such topic, `elsewhere` if this broker leads no partition of it.
   * @throws If the records cannot be appended.
   */
  append(lines: readonly string[]): "appended" | "missing" | "elsewhere";
  /** Creates the topic, unless it exists. */
  create(): Promise<void>;
}

/** Options of {@linkcode TopicAuditWriter}. */
export interface TopicAuditWriterOptions {
  readonly topic: AuditTopic;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How long lines are collected. */
const COLLECT_MS = 50;
/** Time before the topic is tried again. */
const RETRY_MS = 1000;
/** Most lines that wait. */
const MAX_LINES = 1000;

/** Appends lines to a topic. */
export class TopicAuditWriter {
  readonly #topic: AuditTopic;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #lines: string[] = [];
  #lost = 0;
  #timer: number | undefined;
  #isCreating = false;
  #hasWarned = false;

  constructor({ topic, clock, logger }: TopicAuditWriterOptions) {
    this.#topic = topic;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** Takes a line. Neither throws nor waits. */
  write(line: string): void {
    if (this.#lines.length >= MAX_LINES) {
      this.#lost++;
      return;
    }
    this.#lines.push(line);
    this.#flushIn(COLLECT_MS);
  }

  /** Appends what has been collected, or logs it. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    if (!this.#flush()) this.#log();
  }

  #flushIn(ms: number): void {
    if (this.#isCreating) return;
    this.#timer ??= this.#clock.setTimeout(() => {
      this.#timer = undefined;
      if (!this.#flush()) this.#create();
    }, ms);
  }

  /** Returns false if the topic does not exist yet. */
  #flush(): boolean {
    if (this.#lines.length === 0) return true;
    const lines = this.#lost === 0
      ? this.#lines
      : [...this.#lines, JSON.stringify({ event: "lost", count: this.#lost })];
    try {
      const result = this.#topic.append(lines);
      if (result === "missing") return false;
      if (result === "elsewhere") {
        this.#warn("this broker leads no partition of it");
        this.#log();
      }
    } catch (error) {
      this.#warn("it cannot be written", error);
      this.#log();
    }
    this.#lines = [];
    this.#lost = 0;
    return true;
  }

  async #create(): Promise<void> {
    this.#isCreating = true;
    let delayMs = 0;
    try {
      await this.#topic.create();
    } catch (error) {
      this.#warn("it cannot be created", error);
      delayMs = RETRY_MS;
    }
    this.#isCreating = false;
    this.#flushIn(Math.max(delayMs, COLLECT_MS));
  }

  #log(): void {
    for (const line of this.#lines) this.#logger.info(`Audit ${line}`);
    if (this.#lost > 0) this.#logger.info("Audit lines were lost", { count: this.#lost });
  }

  #warn(reason: string, error?: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    this.#logger.warn(`The topic of the audit is not used for now: ${reason}`, { error });
  }
}
