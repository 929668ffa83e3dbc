/**
 * Examines the members of etcd from time to time: their version, the size of their database, and
 * whether they refuse writes. What an operator should do is logged once, when it becomes necessary.
 *
 * @module
 */

import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";
import type { MetadataStoreHealth } from "../metadata_store.ts";
import { EtcdCode, EtcdError } from "./etcd_error.ts";
import type { EtcdAnswer, EtcdGateway } from "./etcd_gateway.ts";

/** Options of {@linkcode EtcdExamination}. */
export interface EtcdExaminationOptions {
  readonly gateway: EtcdGateway;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What one member reports. */
interface MemberStatus {
  readonly version: string;
  readonly databaseBytes: number;
  /** The limit of the database's size; undefined if it is unknown. */
  readonly quotaBytes: number | undefined;
  /** Whether the cluster refuses writes until an operator disarms the alarm. */
  readonly isFull: boolean;
}

const STATUS = "/v3/maintenance/status";
const METRICS = "/metrics";
const INTERVAL_MS = 60_000;
/** The part of the quota above which an operator should act. */
const MAX_RATIO = 0.7;
const OLDEST: Version = [3, 4, 0];
/** By minor version, the first release without two faults that cost availability. */
const FIXED: Readonly<Record<number, number>> = { 4: 31, 5: 13 };
/** The default of `--quota-backend-bytes`, which is reported as 0. */
const DEFAULT_QUOTA_BYTES = 2 * 1024 ** 3;

type Version = readonly [major: number, minor: number, patch: number];

/** Examines etcd until it is closed. */
export class EtcdExamination {
  readonly #options: EtcdExaminationOptions;
  readonly #quotas: Map<string, number | undefined> = new Map();
  readonly #warned: Set<string> = new Set();
  #health: MetadataStoreHealth = { problems: [], databaseRatio: undefined };
  #timer: number | undefined;
  #isClosed = false;

  constructor(options: EtcdExaminationOptions) {
    this.#options = options;
  }

  /** What the last examination found. */
  get health(): MetadataStoreHealth {
    return this.#health;
  }

  /**
   * Examines the current member once, and all of them in the background from then on.
   *
   * @throws {EtcdError} If it is older than etcd 3.4.
   */
  async start(): Promise<void> {
    const { gateway } = this.#options;
    const status = await this.#status(gateway.endpoint).catch(() => undefined);
    const version = status && parseVersion(status.version);
    if (version !== undefined && isBefore(version, OLDEST)) {
      throw new EtcdError(
        EtcdCode.failedPrecondition,
        `this is etcd ${status!.version}, and etcd 3.4 or later is needed`,
      );
    }
    this.#schedule(0);
  }

  /** Stops examining. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  /** Examines all members. One that does not answer is left out. */
  async examine(): Promise<void> {
    const { endpoints } = this.#options.gateway;
    const outcomes = await Promise.allSettled(endpoints.map((url) => this.#examine(url)));
    if (this.#isClosed) return;
    const members = outcomes.flatMap((outcome) =>
      outcome.status === "fulfilled" ? [outcome.value] : []
    );
    // Without answers nothing new is known.
    if (members.length > 0) this.#assess(members);
  }

  #schedule(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = this.#options.clock.setTimeout(async () => {
      this.#timer = undefined;
      await this.examine();
      this.#schedule(INTERVAL_MS);
    }, ms);
  }

  #assess(members: readonly MemberStatus[]): void {
    const { logger } = this.#options;
    const outdated = members.map(({ version }) => version).filter(isOutdated).sort()[0];
    if (outdated !== undefined) {
      this.#warnOnce(
        "outdated",
        "Upgrade etcd to 3.4.31, 3.5.13 or later: this version may end the sessions of all brokers " +
          "when its leader is slow, and lose notifications of changes",
        { version: outdated },
      );
    }
    const ratios = members.flatMap(({ databaseBytes, quotaBytes }) =>
      quotaBytes === undefined ? [] : [databaseBytes / quotaBytes]
    );
    const databaseRatio = ratios.length === 0 ? undefined : Math.max(...ratios);
    const problems: string[] = [];
    if (members.some(({ isFull }) => isFull)) {
      problems.push(
        "etcd's database is full, and etcd refuses changes: compact and defragment it, then disarm " +
          "the alarm (etcdctl compact, defrag, alarm disarm)",
      );
    } else if (databaseRatio !== undefined && databaseRatio > MAX_RATIO) {
      problems.push(
        `etcd's database takes ${Math.round(databaseRatio * 100)}% of its quota: compact and ` +
          "defragment it (etcdctl compact, defrag), and start etcd with " +
          "--auto-compaction-retention=1h",
      );
    }
    const hadProblems = this.#health.problems.length > 0;
    this.#health = { problems, databaseRatio };
    if (problems.length > 0) {
      for (const problem of problems) {
        this.#warnOnce(problem.replace(/\d+%/, ""), capitalized(problem));
      }
    } else if (hadProblems) {
      this.#warned.clear();
      if (outdated !== undefined) this.#warned.add("outdated");
      logger.info("etcd's database has room again");
    }
  }

  #warnOnce(what: string, message: string, fields: Record<string, unknown> = {}): void {
    if (this.#warned.has(what)) return;
    this.#warned.add(what);
    this.#options.logger.warn(message, { ...fields, etcd: `${this.#options.gateway}` });
  }

  async #examine(endpoint: string): Promise<MemberStatus> {
    const status = await this.#status(endpoint);
    if (status.quotaBytes !== undefined) return status;
    const quotaBytes = await this.#quotaOf(endpoint).catch(() => undefined);
    return { ...status, quotaBytes };
  }

  async #status(endpoint: string): Promise<MemberStatus> {
    const { gateway } = this.#options;
    const answer: EtcdAnswer = await gateway.call(STATUS, {}, { endpoint });
    const errors = (answer.errors ?? []) as readonly string[];
    const quota = Number(answer.dbSizeQuota ?? 0);
    return {
      version: String(answer.version ?? ""),
      databaseBytes: Number(answer.dbSize ?? 0),
      // Since etcd 3.6.
      quotaBytes: quota > 0 ? quota : undefined,
      isFull: errors.some((error) => error.includes("NOSPACE")),
    };
  }

  /** The quota of a member before etcd 3.6. It changes only when the member is started again. */
  async #quotaOf(endpoint: string): Promise<number | undefined> {
    if (!this.#quotas.has(endpoint)) {
      const text = await this.#options.gateway.page(METRICS, { endpoint });
      const [, value] = /^etcd_server_quota_backend_bytes (\S+)$/m.exec(text) ?? [];
      const quota = value === undefined ? undefined : Number(value) || DEFAULT_QUOTA_BYTES;
      this.#quotas.set(endpoint, quota);
    }
    return this.#quotas.get(endpoint);
  }
}

function parseVersion(text: string): Version | undefined {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(text) ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor), Number(patch)];
}

function isBefore(version: Version, other: Version): boolean {
  const at = version.findIndex((part, index) => part !== other[index]);
  return at !== -1 && version[at]! < other[at]!;
}

function isOutdated(text: string): boolean {
  const version = parseVersion(text);
  if (version === undefined) return false;
  const fixed = FIXED[version[1]];
  return version[0] === 3 && fixed !== undefined && version[2] < fixed;
}

function capitalized(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
