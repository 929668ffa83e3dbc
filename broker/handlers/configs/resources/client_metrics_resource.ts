/**
 * Client metrics subscriptions (KIP-714): which metrics are collected from which clients, and how
 * often.
 *
 * @module
 */

import { ErrorCode } from "../../../../protocol/errors.ts";
import { ConfigSource } from "../../../../protocol/messages/configs/describe_configs.ts";
import { ApiError } from "../../../api_error.ts";
import type { ConfigTexts } from "../../../settings/config.ts";
import { int, list, type Setting, SettingValueError } from "../../../settings/setting.ts";
import type { SubscriptionSettings } from "../../../telemetry/subscription.ts";
import { brief, unknownName } from "../../../settings/unknown_setting.ts";
import { configEntry } from "./config_entries.ts";
import type { ConfigResource } from "./config_resource.ts";

const MIN_INTERVAL_MS = 100;
const MAX_INTERVAL_MS = 60 * 60 * 1000;

/** The client properties that a `match` pattern can name. */
const MATCHED = [
  "client_id",
  "client_instance_id",
  "client_software_name",
  "client_software_version",
  "client_source_address",
  "client_source_port",
];

/** The settings of a subscription. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  "interval.ms": int(300_000, "Milliseconds between two pushes of a client, 100 to 3600000", {
    min: MIN_INTERVAL_MS,
    max: MAX_INTERVAL_MS,
  }) as unknown as Setting,
  "match": list(
    [],
    `Clients to collect metrics from, as NAME=REGEX with the names ${MATCHED.join(", ")}`,
    {
      allowEmpty: true,
      check: checkPattern,
    },
  ) as unknown as Setting,
  "metrics": list([], "Metrics to collect, by name prefix; * for all", {
    allowEmpty: true,
  }) as unknown as Setting,
};

const NAMES = Object.keys(SETTINGS);

/** What the texts of a subscription mean. They were checked when they were set. */
export function clientMetricsSettings(texts: ConfigTexts): SubscriptionSettings {
  const get = <T>(name: string): T => {
    const text = texts.get(name);
    const { parse, default: fallback } = SETTINGS[name]!;
    return (text === undefined ? fallback : parse(text)) as T;
  };
  return {
    intervalMs: get<number>("interval.ms"),
    match: get<readonly string[]>("match").map((text) => {
      const equals = text.indexOf("=");
      return [text.slice(0, equals).trim(), wholePattern(text.slice(equals + 1).trim())] as const;
    }),
    metrics: get<readonly string[]>("metrics"),
  };
}

/** As Java's `Pattern.matches`, a pattern is for the whole text. */
function wholePattern(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`);
}

/** The settings of client metrics subscriptions. */
export const clientMetricsResource: ConfigResource = {
  describe(name, isRequested, { broker }) {
    if (name === "") {
      throw new ApiError(
        ErrorCode.INVALID_REQUEST,
        "Client metrics subscription name must not be empty",
      );
    }
    const texts = broker.cluster.resourceConfigs("client-metrics", name);
    return NAMES.filter(isRequested).map((setting) => {
      const own = texts.get(setting);
      const described = SETTINGS[setting]!;
      const value = own ?? described.format(described.default);
      const values = own === undefined
        ? []
        : [{ name: setting, text: own, source: ConfigSource.clientMetrics }];
      return configEntry({ name: setting, value, values, setting: described, doc: described.doc });
    });
  },
  async alter(name, change, validateOnly, { broker }) {
    const { cluster, logger } = broker;
    if (!cluster.isController()) throw new ApiError(ErrorCode.NOT_CONTROLLER);
    if (name === "") {
      throw new ApiError(ErrorCode.INVALID_REQUEST, "Subscription name can't be empty");
    }
    const checked = (configs: ConfigTexts) => {
      const changed = change(configs);
      for (const [setting, text] of changed) checkValue(setting, text);
      return changed;
    };
    checked(cluster.resourceConfigs("client-metrics", name));
    if (validateOnly) return;
    await cluster.changeResourceConfigs("client-metrics", name, checked);
    logger.info("Changed client metrics subscription", { subscription: name });
  },
  typeOf: (setting) => Object.hasOwn(SETTINGS, setting) ? SETTINGS[setting]!.type : undefined,
  inherited: (setting) => SETTINGS[setting]!.format(SETTINGS[setting]!.default) ?? "",
};

function checkValue(name: string, text: string): void {
  if (!Object.hasOwn(SETTINGS, name)) {
    throw new ApiError(
      ErrorCode.INVALID_REQUEST,
      `Unknown client metrics configuration: ${unknownName(name, NAMES)}`,
    );
  }
  try {
    SETTINGS[name]!.parse(text);
  } catch (error) {
    if (!(error instanceof SettingValueError)) throw error;
    if (name === "match") throw new ApiError(ErrorCode.INVALID_CONFIG, error.message);
    throw new ApiError(
      ErrorCode.INVALID_REQUEST,
      `Invalid value ${brief(text)} for ${name}, interval must be between 100 and 3600000 (1 hour)`,
    );
  }
}

function checkPattern(text: string): void {
  const equals = text.indexOf("=");
  const name = text.slice(0, Math.max(0, equals)).trim();
  if (MATCHED.includes(name) && isRegExp(text.slice(equals + 1).trim())) return;
  throw new SettingValueError(`Illegal client matching pattern: ${brief(text)}`);
}

function isRegExp(pattern: string): boolean {
  if (pattern === "") return false;
  try {
    return new RegExp(pattern) !== undefined;
  } catch {
    return false;
  }
}
