/**
 * The audit log of a broker: a line for each event, and one a second for those that repeat.
 *
 * A client that is refused a thousand times a second leaves two lines: the first refusal, and the others
 * with their number. What is kept meanwhile is bounded; events beyond it are counted as lost, and the
 * number is recorded.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";
import { auditFields, auditLine } from "./audit_line.ts";
import type { AuditEvent, AuditLog } from "./audit_log.ts";

/** Options of {@linkcode CollapsingAuditLog}. */
export interface CollapsingAuditLogOptions {
  readonly clock: Clock;
  /** Takes a line. It must not throw. */
  readonly write: (line: string) => void;
}

/** Time within which equal events become one line. */
const WINDOW_MS = 1000;
/** Most different events of a window. */
const MAX_DIFFERENT = 1000;

/** Records events as lines. */
export class CollapsingAuditLog implements AuditLog {
  readonly #clock: Clock;
  readonly #write: (line: string) => void;
  /** Events of this window that were written, with how many equal ones followed. */
  readonly #counts: Map<string, number> = new Map();
  #lost = 0;
  #timer: number | undefined;

  constructor({ clock, write }: CollapsingAuditLogOptions) {
    this.#clock = clock;
    this.#write = write;
  }

  record(event: AuditEvent): void {
    const fields = auditFields(event);
    if (event.event === "change") return this.#write(auditLine(fields, this.#clock.now(), 1));
    const count = this.#counts.get(fields);
    if (count !== undefined) return void this.#counts.set(fields, count + 1);
    this.#timer ??= this.#clock.setTimeout(() => this.#endWindow(), WINDOW_MS);
    if (this.#counts.size >= MAX_DIFFERENT) {
      this.#lost++;
      return;
    }
    this.#counts.set(fields, 0);
    this.#write(auditLine(fields, this.#clock.now(), 1));
  }

  /** Writes what is counted. */
  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#endWindow();
  }

  #endWindow(): void {
    this.#timer = undefined;
    const nowMs = this.#clock.now();
    for (const [fields, count] of this.#counts) {
      if (count > 0) this.#write(auditLine(fields, nowMs, count));
    }
    this.#counts.clear();
    if (this.#lost === 0) return;
    this.#write(auditLine('{"event":"lost"}', nowMs, this.#lost));
    this.#lost = 0;
  }
}
