/**
 * Warns before a listener's certificates expire: 30 days, 7 days and a day before, and when they have.
 *
 * @module
 */

import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";
import type { TlsCredentials } from "./credentials.ts";
import type { Certificate } from "./x509.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Days left at which a warning is due, least first. */
const DAYS = [1, 7, 30] as const;

/** Warnings of one listener. */
export class ExpiryWarnings {
  readonly #listener: string;
  readonly #clock: Clock;
  readonly #logger: Logger;
  /** The last warning of each certificate: the days left, or 0 once it has expired. */
  readonly #warned: WeakMap<Certificate, number> = new WeakMap();

  constructor(options: {
    readonly listener: string;
    readonly clock: Clock;
    readonly logger: Logger;
  }) {
    this.#listener = options.listener;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** Logs what is due. */
  check({ entries, trust }: TlsCredentials): void {
    for (const { chain } of entries) {
      for (const certificate of chain) this.#checkOne(certificate, "Certificate of a listener");
    }
    for (const certificate of trust?.certificates ?? []) {
      this.#checkOne(certificate, "Certificate of an authority that a listener trusts");
    }
  }

  #checkOne(certificate: Certificate, what: string): void {
    const leftMs = certificate.notAfterMs - this.#clock.now();
    const due = leftMs <= 0 ? 0 : DAYS.find((days) => leftMs <= days * DAY_MS);
    if (due === undefined || due >= (this.#warned.get(certificate) ?? Infinity)) return;
    this.#warned.set(certificate, due);
    const details = {
      listener: this.#listener,
      certificate: certificate.subject,
      expires: new Date(certificate.notAfterMs).toISOString(),
    };
    if (due === 0) this.#logger.error(`${what} has expired`, details);
    else {this.#logger.warn(
        `${what} expires within ${due === 1 ? "a day" : `${due} days`}`,
        details,
      );}
  }
}
