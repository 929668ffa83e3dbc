/**
 * Settings of single groups (KIP-848), changed at run time, that override the broker's.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { ApiError } from "../api_error.ts";
import type { BrokerConfig, ConfigTexts } from "../settings/config.ts";
import { FixedSetting } from "../settings/fixed_setting.ts";
import { int, type Setting, SettingValueError } from "../settings/setting.ts";
import { brief, unknownName } from "../settings/unknown_setting.ts";
import type { GroupEnvironment } from "./environment.ts";
import type { GroupSettings } from "../settings/group_settings.ts";

/** A group setting. */
export interface GroupSetting {
  readonly setting: Setting;
  readonly doc: string;
  /** The broker settings of its default and bounds, if it takes effect. */
  readonly broker?: {
    readonly default: keyof GroupSettings;
    readonly min: keyof GroupSettings;
    readonly max: keyof GroupSettings;
  };
}

const NO_SHARE_GROUPS = "there are no share groups";
const NO_STREAMS_GROUPS = "Kafka Streams uses classic groups here, there are no streams groups";

const SESSION_TIMEOUT = "consumer.session.timeout.ms";
const HEARTBEAT_INTERVAL = "consumer.heartbeat.interval.ms";

const SETTINGS: Readonly<Record<string, GroupSetting>> = {
  [HEARTBEAT_INTERVAL]: acting(
    "heartbeat.interval.ms",
    "Heartbeat interval in milliseconds of members, if the group uses KIP-848",
  ),
  [SESSION_TIMEOUT]: acting(
    "session.timeout.ms",
    "Session timeout in milliseconds of members, if the group uses KIP-848",
  ),
  ...fixed(NO_SHARE_GROUPS, [
    ["share.auto.offset.reset", "string", "latest", "Where a new share group starts to read"],
    ["share.heartbeat.interval.ms", "int", "5000", "Milliseconds between heartbeats of members"],
    ["share.isolation.level", "string", "read_uncommitted", "Which records members may see"],
    [
      "share.record.lock.duration.ms",
      "int",
      "30000",
      "Milliseconds for which a record is acquired",
    ],
    [
      "share.session.timeout.ms",
      "int",
      "45000",
      "Milliseconds of silence after which a member is out",
    ],
  ]),
  ...fixed(NO_STREAMS_GROUPS, [
    ["streams.heartbeat.interval.ms", "int", "5000", "Milliseconds between heartbeats of members"],
    [
      "streams.initial.rebalance.delay.ms",
      "int",
      "3000",
      "Milliseconds that the empty group waits for more members",
    ],
    ["streams.num.standby.replicas", "int", "0", "Standby replicas of a task"],
    [
      "streams.session.timeout.ms",
      "int",
      "45000",
      "Milliseconds of silence after which a member is out",
    ],
  ]),
};

/** Setting names, sorted. */
export const GROUP_CONFIG_NAMES: readonly string[] = Object.keys(SETTINGS).sort();

/** The group setting; `undefined` if there is none of that name. */
export function groupSetting(name: string): GroupSetting | undefined {
  return Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
}

/** The effective value for groups that do not override it. */
export function defaultOfGroupSetting(name: string, config: BrokerConfig): string {
  const { setting, broker } = SETTINGS[name]!;
  return broker === undefined
    ? setting.format(setting.default)!
    : String(config.get(broker.default));
}

/**
 * Validates settings for a group.
 *
 * @throws {ApiError} INVALID_CONFIG if a setting does not exist or its value is invalid.
 */
export function checkGroupConfigs(configs: ConfigTexts, config: BrokerConfig): void {
  for (const [name, text] of configs) {
    const known = groupSetting(name);
    if (known === undefined) {
      throw new ApiError(
        ErrorCode.INVALID_CONFIG,
        `Unknown group config name: ${unknownName(name, GROUP_CONFIG_NAMES)}`,
      );
    }
    try {
      checkBounds(name, known, known.setting.parse(text), config);
    } catch (error) {
      if (!(error instanceof SettingValueError)) throw error;
      throw new ApiError(
        ErrorCode.INVALID_CONFIG,
        `Invalid value ${brief(text)} for configuration ${name}: ${error.message}`,
      );
    }
  }
}

function checkBounds(
  name: string,
  { broker }: GroupSetting,
  value: unknown,
  config: BrokerConfig,
): void {
  if (broker === undefined) return;
  const number = value as number;
  const refuse = (relation: string, bound: keyof GroupSettings) =>
    new ApiError(
      ErrorCode.INVALID_CONFIG,
      `${name} must be ${relation} than or equal to ${bound}, which is ${config.get(bound)}`,
    );
  if (number < (config.get(broker.min) as number)) throw refuse("greater", broker.min);
  if (number > (config.get(broker.max) as number)) throw refuse("less", broker.max);
}

/** Session timeout of a KIP-848 group in milliseconds. */
export function sessionTimeoutMs(environment: GroupEnvironment, groupId: string): number {
  return valueOf(environment, groupId, SESSION_TIMEOUT);
}

/** Heartbeat interval of a KIP-848 group in milliseconds. */
export function heartbeatIntervalMs(environment: GroupEnvironment, groupId: string): number {
  return valueOf(environment, groupId, HEARTBEAT_INTERVAL);
}

function valueOf(
  { config, configsOf }: GroupEnvironment,
  groupId: string,
  name: typeof SESSION_TIMEOUT | typeof HEARTBEAT_INTERVAL,
): number {
  const { setting } = SETTINGS[name]!;
  const text = configsOf?.(groupId).get(name);
  return text === undefined ? config.get(`group.${name}`) : setting.parse(text) as number;
}

function acting(
  name: "heartbeat.interval.ms" | "session.timeout.ms",
  doc: string,
): GroupSetting {
  const setting = int(1, doc, { min: 1 }) as unknown as Setting;
  const broker = {
    default: `group.consumer.${name}`,
    min: `group.consumer.min.${name}`,
    max: `group.consumer.max.${name}`,
  } as const;
  return { setting, doc, broker };
}

type Row = readonly [name: string, type: "int" | "string", value: string, doc: string];

function fixed(reason: string, rows: readonly Row[]): Record<string, GroupSetting> {
  return Object.fromEntries(rows.map(([name, ...row]) => {
    const setting = new FixedSetting(reason, ...row);
    return [name, { setting, doc: setting.doc }];
  }));
}
