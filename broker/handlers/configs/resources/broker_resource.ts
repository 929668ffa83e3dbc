/**
 * Broker resources: this broker by its id, or all brokers by the empty name. Only dynamic settings
 * can be changed; others require a restart.
 *
 * @module
 */

import { ErrorCode } from "../../../../protocol/errors.ts";
import { ApiError } from "../../../api_error.ts";
import { type ConfigTexts, dynamicOverrideOf } from "../../../settings/config.ts";
import type { BrokerContext } from "../../../handler.ts";
import { FixedSetting } from "../../../settings/fixed_setting.ts";
import { formatNamedAddress } from "../../../settings/listener.ts";
import { type Setting, SettingValueError } from "../../../settings/setting.ts";
import { KNOWN_SETTING_NAMES, knownSetting, overrideOf } from "../../../settings/settings.ts";
import { brief, unknownName } from "../../../settings/unknown_setting.ts";
import { brokerConfigEntry, type ConfigEntry, configEntry } from "./config_entries.ts";
import type { ConfigResource } from "./config_resource.ts";

/** What no setting says: whether the cluster ever had a user or an ACL. It cannot be set. */
export const AUTHORIZER_STATE = "authorizer.state";

/** The settings of brokers. */
export const brokerResource: ConfigResource = {
  describe(name, isRequested, { broker }) {
    const { config } = broker;
    if (ownerOf(name, broker) === "all") {
      return [...config.ofCluster.keys()].filter(isRequested)
        .filter((setting) => knownSetting(setting) ?? dynamicOverrideOf(setting))
        .map((setting) => brokerConfigEntry(config, setting, true));
    }
    const entries = [...KNOWN_SETTING_NAMES, ...config.overrideNames].filter(isRequested)
      .map((setting) => withAddress(brokerConfigEntry(config, setting), broker));
    return isRequested(AUTHORIZER_STATE) ? [...entries, authorizerState(broker)] : entries;
  },
  async alter(name, change, validateOnly, { broker }) {
    const { cluster, logger } = broker;
    if (!cluster.isController()) throw new ApiError(ErrorCode.NOT_CONTROLLER);
    const owner = alteredOwner(name, broker);
    const checked = (configs: ConfigTexts) => {
      const changed = change(configs);
      checkChanges(configs, changed);
      return changed;
    };
    checked(cluster.brokerConfigs(owner));
    if (validateOnly) return;
    await cluster.changeBrokerConfigs(owner, checked);
    logger.info("Changed settings of broker", { broker: owner });
  },
  typeOf: (setting) => knownSetting(setting)?.type,
  inherited: (setting, { broker }) => broker.config.valuesOf(setting)[0]?.text ?? "",
};

function ownerOf(name: string, { nodeId }: BrokerContext): number | "all" {
  if (name === "") return "all";
  if (name === String(nodeId)) return nodeId;
  throw new ApiError(
    ErrorCode.INVALID_REQUEST,
    /^\d+$/.test(name)
      ? `Unexpected broker id, expected ${nodeId} or empty string, but received ${brief(name)}`
      : `Broker id must be an integer, but it is: ${brief(name)}`,
  );
}

/** The controller also changes the settings of other brokers, which forward requests to it. */
function alteredOwner(name: string, broker: BrokerContext): number | "all" {
  const other = /^\d+$/.test(name) ? broker.cluster.broker(Number(name)) : undefined;
  return other?.id ?? ownerOf(name, broker);
}

/** Without `advertised.listeners` the addresses registered with the cluster are reported. */
function withAddress(entry: ConfigEntry, { cluster, nodeId }: BrokerContext): ConfigEntry {
  if (entry.name !== "advertised.listeners" || entry.value !== null) return entry;
  const registered = cluster.broker(nodeId);
  return registered === undefined
    ? entry
    : { ...entry, value: registered.endpoints.map(formatNamedAddress).join(",") };
}

function authorizerState({ authorizer }: BrokerContext): ConfigEntry {
  return configEntry({
    name: AUTHORIZER_STATE,
    value: authorizer.isOpen ? "open" : "closed",
    values: [],
    setting: { type: "string", isSensitive: false },
    doc:
      "open while everyone may do everything, because authorizer is optional and the cluster never " +
      "had a user or an ACL; else closed. It cannot be set",
    readOnly: true,
  });
}

/** Validates only changed settings: a value set earlier may no longer be valid. */
function checkChanges(before: ConfigTexts, after: ConfigTexts): void {
  const changed = [...after].filter(([name, text]) => before.get(name) !== text);
  const readOnly = changed.map(([name]) => name)
    .filter((name) =>
      knownSetting(name)?.scope === "read-only" ||
      (typeof overrideOf(name) === "object" && dynamicOverrideOf(name) === undefined) ||
      name === AUTHORIZER_STATE
    );
  if (readOnly.length > 0) {
    throw new ApiError(
      ErrorCode.INVALID_REQUEST,
      `Cannot update these configs dynamically: Set(${readOnly.join(", ")}); change them in the ` +
        "broker's configuration and restart it",
    );
  }
  for (const [name, text] of changed) {
    const setting = knownSetting(dynamicOverrideOf(name)?.setting ?? name);
    if (setting === undefined) {
      throw new ApiError(
        ErrorCode.INVALID_CONFIG,
        `Unknown broker config name: ${unknownName(name, KNOWN_SETTING_NAMES)}`,
      );
    }
    checkValue(setting, name, text);
  }
}

function checkValue(setting: Setting, name: string, text: string): void {
  try {
    setting.parse(text);
  } catch (error) {
    if (!(error instanceof SettingValueError)) throw error;
    throw new ApiError(
      setting instanceof FixedSetting ? ErrorCode.INVALID_CONFIG : ErrorCode.INVALID_REQUEST,
      setting.isSensitive
        ? `Invalid value for configuration ${name}: ${error.message}`
        : `Invalid value ${brief(text)} for configuration ${name}: ${error.message}`,
    );
  }
}
