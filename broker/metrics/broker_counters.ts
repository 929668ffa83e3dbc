/**
 * What a broker counts while it serves: plain numbers, which become text only when asked for.
 *
 * @module
 */

import { DurationHistogram } from "./histogram.ts";
import { PartitionChanges } from "./partition_changes.ts";
import { TransactionCounters } from "./transaction_counters.ts";

/** Requests that are answered without waiting share one reading of the clock. */
const UNTIMED = 8;

/** The requests of one API. */
export class ApiCounters {
  /** Answered requests. */
  requests = 0;
  /** Errors in answers, by code. */
  readonly errors: Map<number, number> = new Map();
  /** Time from the request to its answer, without the time that it asked to wait. */
  readonly duration: DurationHistogram = new DurationHistogram();
  #untimed = 0;
  #lastMs = 0;

  /** Whether the clock should be read for the next request that is answered at once. */
  get isDue(): boolean {
    return this.#untimed === 0;
  }

  /** Duration of the last timed request, in milliseconds. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Counts a request that took `ms`; without it, as long as the last one. */
  answered(ms: number | undefined): void {
    this.requests++;
    if (ms === undefined) this.#untimed--;
    else {
      this.#lastMs = ms;
      this.#untimed = UNTIMED - 1;
    }
    this.duration.observe(this.#lastMs);
  }

  /** Counts a request without a duration. */
  answeredUntimed(): void {
    this.requests++;
  }

  /** Counts an error. */
  failed(code: number): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}

/** What passes through a partition on this broker. */
export class PartitionTraffic {
  bytesIn = 0;
  recordsIn = 0;
  bytesOut = 0;
  recordsOut = 0;
}

/** Connections over TCP and within the process. */
export class ConnectionCounters {
  opened = 0;
  closed = 0;
  /** Refused because `max.connections` are open, and because descriptors are short. */
  refusedByLimit = 0;
  refusedByShortage = 0;
}

/** Clients that authenticate by SASL. */
export class AuthenticationCounters {
  succeeded = 0;
  failed = 0;
  /** Disconnected before they had authenticated: too many of them, too slow, or too much memory. */
  ended = 0;
  /** Disconnected because they had not authenticated again in time. */
  expired = 0;
  /** Logins by SCRAM with the nonce of old librdkafka. */
  oldNonces = 0;
}

/** Retention and compaction. */
export class MaintenanceCounters {
  /** Segments that retention deleted, and their bytes. */
  deletedSegments = 0;
  deletedBytes = 0;
  /** Compactions of a log, and the bytes of the segments before and after. */
  compactions = 0;
  compactionBytesRead = 0;
  compactionBytesWritten = 0;
}

/** Rebalances of the groups that the broker coordinates. */
export class GroupCounters {
  /** Generations of classic groups with members, and assignments of KIP-848 groups. */
  rebalances = 0;
  /** Time from the beginning of a classic group's rebalance until it is stable. */
  readonly rebalanceDurations: DurationHistogram = new DurationHistogram();
}

/** The counters of one broker. */
export class BrokerCounters {
  readonly #byApi: (ApiCounters | undefined)[] = [];
  readonly connections: ConnectionCounters = new ConnectionCounters();
  readonly authentications: AuthenticationCounters = new AuthenticationCounters();
  /** Time until Produce requests are acknowledged, by their acks (-1, 0, 1). */
  readonly acknowledged: ReadonlyMap<number, DurationHistogram> = new Map(
    [-1, 0, 1].map((acks) => [acks, new DurationHistogram()]),
  );
  /** Time of syncs to disk. */
  readonly flushes: DurationHistogram = new DurationHistogram();
  /** Reads that the batch cache served, and that it did not. */
  cacheHits = 0;
  cacheMisses = 0;
  readonly maintenance: MaintenanceCounters = new MaintenanceCounters();
  readonly groups: GroupCounters = new GroupCounters();
  readonly transactions: TransactionCounters = new TransactionCounters();
  readonly partitionChanges: PartitionChanges = new PartitionChanges();
  /** Damaged ranges found in logs. */
  damages = 0;

  /** The requests of an API. */
  api(key: number): ApiCounters {
    return this.#byApi[key] ??= new ApiCounters();
  }

  /** The APIs that were requested, by key. */
  *apis(): Iterable<[key: number, ApiCounters]> {
    for (const [key, counters] of this.#byApi.entries()) {
      if (counters !== undefined) yield [key, counters];
    }
  }
}
