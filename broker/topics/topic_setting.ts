import type { Setting } from "../settings/setting.ts";

/** A broker setting that a topic setting takes its value from. */
export interface Synonym {
  readonly name: string;
  /** Factor applied to positive values. */
  readonly factor: number;
}

/** A topic setting. */
export interface TopicSetting<T = unknown> {
  /** Type, bounds, choices. */
  readonly setting: Setting;
  readonly doc: string;
  /** The broker settings; the first one that is set is used. */
  readonly synonyms: readonly Synonym[];
  /** The value if none is set. */
  readonly default: T;
}
