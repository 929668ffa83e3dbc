/**
 * The brokers of the cluster, from the keys of the metadata store that concern them.
 *
 * @module
 */

import type { Suspicion } from "./suspicions.ts";
import type { MetadataEntry } from "../metadata/metadata_store.ts";
import { type BrokerEndpoints, decodeEndpoints } from "./broker_endpoints.ts";
import {
  BROKERS_PREFIX,
  DIRECTORIES_PREFIX,
  type DirectoryValue,
  type RegisteredBroker,
} from "./registration.ts";
import { SUSPECTS_PREFIX, Suspicions } from "./suspicions.ts";
import { decodeValue } from "./topic_state.ts";

/**
 * A registered broker. `host` and `port` are where this one reaches it, by the listener of other brokers:
 * an empty host if it has no listener of that name.
 */
export interface BrokerInfo extends Required<BrokerEndpoints> {
  readonly id: number;
  readonly rack: string | null;
  /** The commit that registered it; a broker that registers again gets another one. */
  readonly epoch: number;
  /** Unique to its process; undefined if no other broker uses the store. */
  readonly incarnation: string | undefined;
  /** Name of its session; undefined if no other broker uses the store. */
  readonly session: string | undefined;
  /** Settings of its configuration that others go by. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Whether its process may lack records that an earlier one of this broker had. */
  readonly hasCrashed: boolean;
}

/** A broker that belongs to the cluster, whether it is registered now or not. */
export interface Member {
  readonly id: number;
  /** The rack that it last registered with. */
  readonly rack: string | null;
}

/** Settings of a broker that others go by, with its registration. */
export const SHARED_SETTINGS = ["broker.draining", "leader.replication.throttled.rate"] as const;

/** The name of such a setting. */
export type SharedSetting = typeof SHARED_SETTINGS[number];

/** What a change concerned. */
export type BrokersChange = { readonly type: "brokers" | "suspicions" };

/** Prefix of the keys of brokers that should not lead. */
export const DRAINING_PREFIX = "draining/";

/** The value of the key of a broker that should not lead. */
export interface DrainingValue {
  /** Whether the broker is about to stop; the key then goes with its session. */
  readonly isShuttingDown: boolean;
}

/** The brokers, and what is said of them. */
export class BrokersView {
  readonly #brokers: Map<number, BrokerInfo> = new Map();
  readonly #members: Map<number, Member> = new Map();
  readonly #draining: Map<number, DrainingValue> = new Map();
  readonly #suspicions: Suspicions = new Suspicions();
  readonly #listener: string;
  #interBrokerListeners: ReadonlySet<string>;

  /** @param listener The listener by which this broker reaches others. */
  constructor(listener = "PLAINTEXT") {
    this.#listener = listener;
    this.#interBrokerListeners = new Set([listener]);
  }

  /** Names of the listeners by which registered brokers, and this one, reach each other. */
  get interBrokerListeners(): ReadonlySet<string> {
    return this.#interBrokerListeners;
  }

  /** The registered brokers, by id. */
  all(): readonly BrokerInfo[] {
    return [...this.#brokers.values()].sort((a, b) => a.id - b.id);
  }

  /** The broker with this id, if registered. */
  get(id: number): BrokerInfo | undefined {
    return this.#brokers.get(id);
  }

  /** The brokers that have registered, and were not forgotten since; none if only one uses the store. */
  get members(): Iterable<Member> {
    return this.#members.values();
  }

  /** Whether a broker belongs to the cluster, registered or not. */
  isMember(id: number): boolean {
    return this.#members.has(id) || this.#brokers.has(id);
  }

  /** Whether a broker should not lead if another can. */
  isDraining(id: number): boolean {
    return this.#draining.has(id);
  }

  /** Whether a broker is about to stop. */
  isShuttingDown(id: number): boolean {
    return this.#draining.get(id)?.isShuttingDown === true;
  }

  /** Statements of brokers that the controller is dead. */
  suspicions(): Iterable<Suspicion> {
    return this.#suspicions.all();
  }

  /** A broker from its key. */
  decode(id: number, entry: MetadataEntry): BrokerInfo {
    return brokerInfo(id, entry, this.#listener);
  }

  /** Applies a key in the store; undefined if it does not concern brokers. */
  apply(key: string, entry: MetadataEntry | undefined): BrokersChange | undefined {
    if (key.startsWith(BROKERS_PREFIX)) {
      const id = Number(key.slice(BROKERS_PREFIX.length));
      if (entry === undefined) this.#brokers.delete(id);
      else this.#brokers.set(id, this.decode(id, entry));
      const names = Array.from(this.#brokers.values(), (broker) => broker.interBrokerListener);
      this.#interBrokerListeners = new Set([this.#listener, ...names]);
    } else if (key.startsWith(DIRECTORIES_PREFIX)) {
      const id = Number(key.slice(DIRECTORIES_PREFIX.length));
      const { incarnation, rack = null } = entry === undefined
        ? {}
        : decodeValue<Partial<DirectoryValue>>(entry);
      // A number that was only reserved is not a broker yet.
      if (incarnation === undefined) this.#members.delete(id);
      else this.#members.set(id, { id, rack });
    } else if (key.startsWith(DRAINING_PREFIX)) {
      const id = Number(key.slice(DRAINING_PREFIX.length));
      if (entry === undefined) this.#draining.delete(id);
      else this.#draining.set(id, decodeValue(entry));
    } else if (key.startsWith(SUSPECTS_PREFIX)) {
      this.#suspicions.update(key, entry);
      return { type: "suspicions" };
    } else return undefined;
    return { type: "brokers" };
  }
}

function brokerInfo(id: number, entry: MetadataEntry, listener: string): BrokerInfo {
  const { rack, incarnation, session, settings = {}, hasCrashed = false, ...where } = decodeValue<
    RegisteredBroker & { incarnation?: string; session?: string; hasCrashed?: boolean }
  >(entry);
  const { endpoints, interBrokerListener } = decodeEndpoints(where);
  const { host, port } = endpoints.find(({ name }) => name === listener) ?? { host: "", port: 0 };
  const epoch = entry.revision;
  return {
    id,
    host,
    port,
    endpoints,
    interBrokerListener,
    rack,
    epoch,
    incarnation,
    session,
    settings,
    hasCrashed,
  };
}
