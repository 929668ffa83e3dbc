/**
 * Settings changed at run time, from the keys of the metadata store that have them.
 *
 * @module
 */

import type { ConfigTexts } from "../settings/config.ts";
import type { MetadataEntry } from "../metadata/metadata_store.ts";
import { decodeValue } from "./topic_state.ts";

/** Resource types with settings besides topics and brokers. */
export type ConfiguredResourceType = "groups" | "client-metrics";

/** What a change concerned. */
export type ConfigsChange = { readonly type: "broker-configs" | "resource-configs" };

/** Prefix of the keys of settings. */
export const CONFIGS_PREFIX = "configs/";
const BROKER_CONFIGS = "configs/brokers";
const NO_CONFIGS: ConfigTexts = new Map();

/** The key of the settings of one or all brokers. */
export function brokerConfigsKey(id: number | "all"): string {
  return id === "all" ? BROKER_CONFIGS : `${BROKER_CONFIGS}/${id}`;
}

/** The key of the settings of a group or of a client metrics subscription. */
export function resourceConfigsKey(type: ConfiguredResourceType, name: string): string {
  return `${CONFIGS_PREFIX}${type}/${name}`;
}

/** The settings in the store. */
export class ConfigsView {
  readonly #configs: Map<string, ConfigTexts> = new Map();

  /** The settings of a key; none if it does not exist. */
  get(key: string): ConfigTexts {
    return this.#configs.get(key) ?? NO_CONFIGS;
  }

  /** The names of the resources of a type that have settings. */
  resources(type: ConfiguredResourceType): string[] {
    const prefix = resourceConfigsKey(type, "");
    return [...this.#configs.keys()].filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }

  /** Applies a key in the store. */
  apply(key: string, entry: MetadataEntry | undefined): ConfigsChange {
    if (entry === undefined) this.#configs.delete(key);
    else {
      const texts = decodeValue<Record<string, string>>(entry);
      this.#configs.set(key, new Map(Object.entries(texts)));
    }
    return { type: key.startsWith(BROKER_CONFIGS) ? "broker-configs" : "resource-configs" };
  }
}
