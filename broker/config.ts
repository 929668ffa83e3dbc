/**
 * A broker's configuration: where each setting's value comes from, and what it is.
 *
 * A value is taken from the first of these that has one: what was set on this broker while running,
 * what was set on all brokers while running, what the broker was started with (flag, then
 * environment variable, then file), the default. `settings.ts` has the settings themselves.
 *
 * @module
 */

import { ConfigSource } from "../protocol/messages/describe_configs.ts";
import { SettingValueError } from "./setting.ts";
import {
  type BrokerSettings,
  flagOf,
  isSettingName,
  SETTING_NAMES,
  type SettingName,
  SETTINGS,
  variableOf,
} from "./settings.ts";

export type { BrokerSettings, SettingName } from "./settings.ts";

/** A configuration that cannot be used; the message names flag, variable or key. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/** Where a value comes from, as DescribeConfigs numbers it. */
export type ConfigSourceCode = typeof ConfigSource[keyof typeof ConfigSource];

/** A value that a setting has somewhere, as text. */
export interface ConfigValue {
  readonly name: string;
  /** Null where the default is to have none. */
  readonly text: string | null;
  readonly source: ConfigSourceCode;
}

/** Values by name, as text. */
export type ConfigTexts = ReadonlyMap<string, string>;

/** The settings of one broker. */
export class BrokerConfig {
  readonly #static: ReadonlyMap<SettingName, string>;
  #ofBroker: ConfigTexts = new Map();
  #ofCluster: ConfigTexts = new Map();
  #values: BrokerSettings;
  readonly #listeners: Set<() => void> = new Set();

  /**
   * @param texts Values that the broker is started with; the others have their defaults.
   * @throws {SettingValueError} If one of them is not a value of its setting.
   */
  constructor(texts: ReadonlyMap<SettingName, string> = new Map()) {
    this.#static = texts;
    this.#values = this.#evaluate();
  }

  /**
   * A configuration from values, as a program has them.
   *
   * @throws {ConfigError} If there is no such setting, or a value is not one of its setting.
   */
  static from(values: Partial<BrokerSettings>): BrokerConfig {
    return parseBrokerConfig({ file: values });
  }

  /** The value of a setting. */
  get<N extends SettingName>(name: N): BrokerSettings[N] {
    return this.#values[name];
  }

  /** All values that a setting has anywhere; the first is the one that counts. */
  valuesOf(name: SettingName): ConfigValue[] {
    const layers: [ConfigTexts, ConfigSourceCode][] = [
      [this.#ofBroker, ConfigSource.dynamicBroker],
      [this.#ofCluster, ConfigSource.dynamicDefaultBroker],
      [this.#static, ConfigSource.staticBroker],
    ];
    const values: ConfigValue[] = [];
    for (const [texts, source] of layers) {
      const text = texts.get(name);
      if (text !== undefined) values.push({ name, text, source });
    }
    values.push({ name, text: defaultTextOf(name), source: ConfigSource.default });
    return values;
  }

  /** What was set on all brokers while running. */
  get ofCluster(): ConfigTexts {
    return this.#ofCluster;
  }

  /**
   * Takes over what was set while running; values that are no longer valid are left out.
   *
   * @param ofCluster For all brokers.
   * @param ofBroker For this one.
   */
  setDynamic(ofCluster: ConfigTexts, ofBroker: ConfigTexts): void {
    this.#ofCluster = ofCluster;
    this.#ofBroker = ofBroker;
    this.#values = this.#evaluate();
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * Calls `listener` after values have changed.
   *
   * @returns What ends that.
   */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #evaluate(): BrokerSettings {
    const values: Record<string, unknown> = {};
    for (const name of SETTING_NAMES) values[name] = this.#valueOf(name);
    return values as unknown as BrokerSettings;
  }

  #valueOf(name: SettingName): unknown {
    const setting = SETTINGS[name];
    if (setting.scope === "cluster-wide") {
      for (const texts of [this.#ofBroker, this.#ofCluster]) {
        const text = texts.get(name);
        if (text === undefined) continue;
        try {
          return setting.parse(text);
        } catch (error) {
          // It was checked when set: by a version of this program that knew more, or other, values.
          if (!(error instanceof SettingValueError)) throw error;
        }
      }
    }
    const text = this.#static.get(name);
    return text === undefined ? setting.default : setting.parse(text);
  }
}

function defaultTextOf(name: SettingName): string | null {
  const setting: { default: unknown; format(value: unknown): string | null } = SETTINGS[name];
  return setting.format(setting.default);
}

/** What a command line, an environment and a config file say. */
export interface ConfigInputs {
  /** By flag, without dashes. A flag that may be repeated comes as a list. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** By name. Variables that are not a setting's are somebody else's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** By setting, or by its flag: text, number, boolean, or list of texts. Null: the default. */
  readonly file?: Readonly<Record<string, unknown>>;
}

/**
 * Puts a configuration together; a flag counts before a variable, and that before the file.
 *
 * @throws {ConfigError} If a value is not one of its setting, or flag or key are of no setting.
 */
export function parseBrokerConfig(inputs: ConfigInputs): BrokerConfig {
  const texts = new Map<SettingName, string>();
  const take = (name: SettingName, value: unknown, origin: string) => {
    const text = toText(value, origin);
    try {
      SETTINGS[name].parse(text);
    } catch (error) {
      if (!(error instanceof SettingValueError)) throw error;
      throw new ConfigError(`Cannot use ${origin}: ${error.message}`, { cause: error });
    }
    texts.set(name, text);
  };
  for (const [key, value] of Object.entries(inputs.file ?? {})) {
    const name = isSettingName(key) ? key : NAME_BY_FLAG.get(key);
    if (name === undefined) {
      throw new ConfigError(`Cannot use setting "${key}": there is no such setting`);
    }
    if (value !== null && value !== undefined) take(name, value, `setting "${key}"`);
  }
  for (const name of SETTING_NAMES) {
    const variable = variableOf(name);
    const value = inputs.env?.[variable];
    if (value !== undefined && value !== "") take(name, value, `variable ${variable}`);
  }
  for (const [flag, value] of Object.entries(inputs.flags ?? {})) {
    if (value === undefined) continue;
    const name = NAME_BY_FLAG.get(flag);
    if (name === undefined) throw new ConfigError(`Cannot use --${flag}: there is no such flag`);
    take(name, value, `--${flag}`);
  }
  return new BrokerConfig(texts);
}

const NAME_BY_FLAG: ReadonlyMap<string, SettingName> = new Map(
  SETTING_NAMES.map((name) => [flagOf(name), name]),
);

function toText(value: unknown, origin: string): string {
  switch (typeof value) {
    case "string":
      return value;
    case "boolean":
    case "number":
      return String(value);
    default:
      if (Array.isArray(value) && value.every((item) => typeof item === "string")) {
        return value.join(",");
      }
      throw new ConfigError(`Cannot use ${origin}: value is not text, number, boolean or list`);
  }
}
