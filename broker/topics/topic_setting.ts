import type { Setting } from "../settings/setting.ts";

/** A broker's setting that a topic's gets its value from. */
export interface Synonym {
  readonly name: string;
  /** What its value is multiplied by, if that is positive. */
  readonly factor: number;
}

/** A topic's setting. */
export interface TopicSetting {
  /** Type, bounds, choices. */
  readonly setting: Setting;
  readonly doc: string;
  /** The broker's settings; the first that has a value counts. */
  readonly synonyms: readonly Synonym[];
  /** The value where none of them has one. */
  readonly default: unknown;
}
