/**
 * The quotas of the cluster, and which of them holds a client.
 *
 * @module
 */

import { addressGroup } from "../../../protocol/ip_address.ts";
import type { Logger } from "../../logger.ts";
import type { MetadataEntry } from "../../metadata/metadata_store.ts";
import type { SecurityRecords } from "../security_records.ts";
import {
  CLIENT_QUOTAS,
  type ClientQuota,
  CONNECTION_QUOTA,
  parseQuotaRecord,
  type QuotaRecord,
} from "./quota_entity.ts";

/** A quota that holds a client, and with whom it is shared. */
export interface EffectiveQuota {
  /** The limit, per second. */
  readonly limit: number;
  /** Names those who share the limit. */
  readonly bucket: string;
}

/** A name, the default (`null`), or no part of the entity. */
type Part = string | null | undefined;

/** Follows the records of quotas. */
export class QuotaView {
  readonly #logger: Logger;
  readonly #records: Map<string, QuotaRecord> = new Map();
  /** By user, then by client id. */
  #clients: Map<Part, Map<Part, QuotaRecord>> = new Map();
  #addresses: Map<string | null, number> = new Map();
  readonly #unsubscribe: () => void;
  #hasClientQuotas = false;
  #hasAddressQuotas = false;
  /** Whether the records have changed since they were indexed. */
  #isStale = false;

  constructor(records: SecurityRecords, logger: Logger) {
    this.#logger = logger;
    this.#unsubscribe = records.subscribe("quotas/", (key, entry) => this.#apply(key, entry));
  }

  /** Whether users or client ids have quotas. */
  get hasClientQuotas(): boolean {
    if (this.#isStale) this.#index();
    return this.#hasClientQuotas;
  }

  /** Whether addresses have quotas. */
  get hasAddressQuotas(): boolean {
    if (this.#isStale) this.#index();
    return this.#hasAddressQuotas;
  }

  /** The records. */
  all(): Iterable<QuotaRecord> {
    return this.#records.values();
  }

  /**
   * The quota that holds a client: that of the first entity that has a value for it, in Kafka's order: those
   * of the user, then those of the default user, then those without a user; of each, that with the client id
   * first, then that with the default client, then that without a client. Defaults hold each user or client id
   * on its own.
   */
  of(quota: ClientQuota, user: string, clientId: string): EffectiveQuota | undefined {
    if (!this.hasClientQuotas) return undefined;
    for (const userPart of [user, null]) {
      const ofUser = this.#clients.get(userPart);
      if (ofUser === undefined) continue;
      for (const clientPart of [clientId, null]) {
        const limit = ofUser.get(clientPart)?.values[quota];
        if (limit !== undefined) return { limit, bucket: JSON.stringify([user, clientId]) };
      }
      const limit = ofUser.get(undefined)?.values[quota];
      if (limit !== undefined) return { limit, bucket: JSON.stringify([user]) };
    }
    for (const clientPart of [clientId, null]) {
      const limit = this.#clients.get(undefined)?.get(clientPart)?.values[quota];
      if (limit !== undefined) return { limit, bucket: JSON.stringify([null, clientId]) };
    }
    return undefined;
  }

  /** New connections per second that an address may open. */
  ofAddress(host: string): EffectiveQuota | undefined {
    if (!this.hasAddressQuotas) return undefined;
    const bucket = addressGroup(host);
    const limit = this.#addresses.get(bucket) ?? this.#addresses.get(null);
    return limit === undefined ? undefined : { limit, bucket };
  }

  /** Stops following. */
  close(): void {
    this.#unsubscribe();
  }

  #apply(key: string, entry: MetadataEntry | undefined): void {
    const record = entry === undefined ? undefined : parseQuotaRecord(entry);
    if (entry !== undefined && record === undefined) {
      this.#logger.error("Cannot read a quota; it is ignored", { key });
    }
    if (record === undefined) this.#records.delete(key);
    else this.#records.set(key, record);
    this.#isStale = true;
  }

  #index(): void {
    this.#isStale = false;
    this.#clients = new Map();
    this.#addresses = new Map();
    this.#hasClientQuotas = this.#hasAddressQuotas = false;
    for (const record of this.#records.values()) {
      const { entity: { user, clientId, ip }, values } = record;
      if (ip !== undefined) {
        const limit = values[CONNECTION_QUOTA];
        if (limit === undefined) continue;
        this.#addresses.set(ip === null ? null : addressGroup(ip), limit);
        this.#hasAddressQuotas = true;
        continue;
      }
      let ofUser = this.#clients.get(user);
      if (ofUser === undefined) this.#clients.set(user, ofUser = new Map());
      ofUser.set(clientId, record);
      this.#hasClientQuotas ||= CLIENT_QUOTAS.some((quota) => values[quota] !== undefined);
    }
  }
}
