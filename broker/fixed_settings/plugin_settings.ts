/**
 * Plug-ins, metrics and client quotas.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings. */
export const PLUGIN_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("classes of Java cannot be loaded", {
    "alter.config.policy.class.name": [
      "class",
      null,
      "Decides which changes of settings are allowed",
    ],
    "create.topic.policy.class.name": ["class", null, "Decides which topics may be created"],
    "client.quota.callback.class": ["class", null, "Works out the quota of a client"],
    "config.providers": ["list", "", "Get values of settings from elsewhere", "cluster-wide"],
    "kafka.metrics.reporters": ["list", "", "Report metrics of the older kind"],
    "metric.reporters": [
      "list",
      "org.apache.kafka.common.metrics.JmxReporter",
      "Report metrics",
      "cluster-wide",
    ],
  }),
  ...fixedSettings("metrics are not sampled", {
    "kafka.metrics.polling.interval.secs": [
      "int",
      "10",
      "Seconds between two polls by reporters of the older kind",
    ],
    "metrics.num.samples": ["int", "2", "Samples that metrics are worked out from"],
    "metrics.recording.level": ["string", "INFO", "The least important metrics that are recorded"],
    "metrics.sample.window.ms": ["long", "30000", "Milliseconds of a sample of metrics"],
    "telemetry.max.bytes": ["int", "1048576", "Largest push of a client's metrics in bytes"],
  }),
  ...fixedSettings("there are no client quotas", {
    "quota.window.num": ["int", "11", "Samples that client quotas are measured by"],
    "quota.window.size.seconds": ["int", "1", "Seconds of a sample of a client quota"],
  }),
};
