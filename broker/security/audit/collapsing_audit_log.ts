/**
 * The audit log of a broker: a line for each event, and one a second for those that repeat.
 *
 * A client that is refused a thousand times a second leaves two lines: the first refusal, and the others
 * with their number. What is kept meanwhile is bounded; events beyond it are counted as lost, and the
 * number is recorded. A client has a share of it: nobody hides what others do by doing much.
 *
 * @module
 */

import { addressGroup } from "../../../protocol/ip_address.ts";
import type { Clock } from "../../time/clock.ts";
import { formatPrincipal } from "../principal.ts";
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
/** Most of them of one principal at one address. */
const MAX_OF_CLIENT = 250;

/** What a client has done in a window. */
interface ClientEvents {
  /** Different events that were written. */
  written: number;
  /** Events that were not, nor counted. */
  lost: number;
}

/** Records events as lines. */
export class CollapsingAuditLog implements AuditLog {
  readonly #clock: Clock;
  readonly #write: (line: string) => void;
  /** Events of this window that were written, with how many equal ones followed. */
  readonly #counts: Map<string, number> = new Map();
  /** By principal and address. */
  readonly #ofClients: Map<string, ClientEvents> = new Map();
  /** Events of clients that none of this window are of. */
  #lost = 0;
  #timer: number | undefined;

  constructor({ clock, write }: CollapsingAuditLogOptions) {
    this.#clock = clock;
    this.#write = write;
  }

  record(event: AuditEvent): void {
    if (event.event === "change") {
      return this.#write(auditLine(auditFields(event), this.#clock.now(), 1));
    }
    this.#timer ??= this.#clock.setTimeout(() => this.#endWindow(), WINDOW_MS);
    const { principal, host } = event.session;
    const client = JSON.stringify([formatPrincipal(principal), addressGroup(host)]);
    const known = this.#ofClients.get(client);
    // To look for an equal event would cost more than what is done for the client otherwise.
    if (known !== undefined && known.written >= MAX_OF_CLIENT) return void known.lost++;
    const fields = auditFields(event);
    const count = this.#counts.get(fields);
    if (count !== undefined) return void this.#counts.set(fields, count + 1);
    if (this.#counts.size >= MAX_DIFFERENT) {
      if (known === undefined) this.#lost++;
      else known.lost++;
      return;
    }
    if (known === undefined) this.#ofClients.set(client, { written: 1, lost: 0 });
    else known.written++;
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
    for (const [client, { lost }] of this.#ofClients) {
      if (lost === 0) continue;
      const [principal, host] = JSON.parse(client) as [string, string];
      this.#write(auditLine(JSON.stringify({ event: "lost", principal, host }), nowMs, lost));
    }
    this.#ofClients.clear();
    if (this.#lost === 0) return;
    this.#write(auditLine('{"event":"lost"}', nowMs, this.#lost));
    this.#lost = 0;
  }
}
