/**
 * Whether the broker is ready, and what is missing.
 *
 * @module
 */

import type { BrokerParts } from "../broker.ts";

/** One thing that must be right. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What is wrong, and how much; names no topics. */
  readonly detail: string;
  /** Since when it has been like this, as far as anybody asked: a date and time in RFC 3339. */
  readonly since: string;
}

/** The result of all checks. */
export interface Readiness {
  readonly isReady: boolean;
  readonly checks: readonly Check[];
  /** What an operator should do something about while the broker serves: see `MetadataStoreHealth`. */
  readonly warnings: readonly string[];
}

/** Checks the health of a broker. */
export class Health {
  readonly #parts: BrokerParts;
  readonly #since: Map<string, { readonly ok: boolean; readonly ms: number }> = new Map();
  #isClosing = false;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** Notes that the broker is about to stop: it is not ready any more. */
  closing(): void {
    this.#isClosing = true;
  }

  /** Checks everything. */
  check(): Readiness {
    const checks = [
      this.#result("data-folder", this.#dataFolderProblem()),
      this.#result("metadata", this.#metadataProblem()),
      this.#result("groups-loaded", this.#groupsProblem()),
      this.#result("disk", this.#diskProblem()),
      this.#result("closing", this.#isClosing ? "the broker is stopping" : undefined),
    ];
    const warnings = this.#parts.store.health?.problems ?? [];
    return { isReady: checks.every(({ ok }) => ok), checks, warnings };
  }

  #dataFolderProblem(): string | undefined {
    const { directory } = this.#parts;
    let offline = 0;
    for (const log of directory.logs) if (log.offlineError !== undefined) offline++;
    if (offline === 0) return undefined;
    return `${offline} of ${directory.logCount} logs are offline after a disk error; the broker's ` +
      "log says why, and a restart opens them again";
  }

  #metadataProblem(): string | undefined {
    const { cluster, nodeId } = this.#parts.context;
    if (cluster.isFenced) return "the metadata store has not been reached for too long";
    return cluster.broker(nodeId) === undefined ? "the broker is not registered" : undefined;
  }

  #groupsProblem(): string | undefined {
    const { shards } = this.#parts.context.groups;
    const failed = shards.filter(({ hasFailed }) => hasFailed).length;
    const loading = shards.filter(({ hasFailed, isActive }) => !hasFailed && !isActive).length;
    if (failed > 0) return `${failed} of ${shards.length} partitions of groups have failed`;
    return loading > 0
      ? `${loading} of ${shards.length} partitions of groups are loading`
      : undefined;
  }

  #diskProblem(): string | undefined {
    if (!this.#parts.context.disk.isFull) return undefined;
    return "the disk is full: writes are refused until there is space";
  }

  #result(name: string, problem: string | undefined): Check {
    const ok = problem === undefined;
    const nowMs = this.#parts.context.clock.now();
    let since = this.#since.get(name);
    if (since?.ok !== ok) {
      since = { ok, ms: since === undefined && ok ? this.#parts.startedMs : nowMs };
      this.#since.set(name, since);
    }
    return { name, ok, detail: problem ?? "", since: new Date(since.ms).toISOString() };
  }
}
