/**
 * Settings of threads, sockets, request and connection limits, plug-ins, metrics and quotas.
 *
 * @module
 */

import { type FixedSetting, fixedSettings } from "../fixed_setting.ts";

/** The settings by name. */
export const PROCESS_SETTINGS: Readonly<Record<string, FixedSetting>> = {
  ...fixedSettings("one event loop does this work, and the system sizes its sockets", {
    "background.threads": ["int", "10", "Threads for housekeeping", "cluster-wide"],
    "num.io.threads": ["int", "8", "Threads that work on requests", "cluster-wide"],
    "num.network.threads": ["int", "3", "Threads that read and write sockets", "cluster-wide"],
    "num.recovery.threads.per.data.dir": [
      "int",
      "2",
      "Threads that open the logs of a data folder at the start",
      "cluster-wide",
    ],
    "queued.max.requests": ["int", "500", "Requests that may wait for a thread"],
    "socket.listen.backlog.size": ["int", "50", "Connections that may wait to be accepted"],
    "socket.receive.buffer.bytes": ["int", "102400", "Receive buffer of a socket in bytes"],
    "socket.send.buffer.bytes": ["int", "102400", "Send buffer of a socket in bytes"],
    "socket.connection.setup.timeout.max.ms": [
      "long",
      "30000",
      "Most milliseconds that a connection to another broker may take",
    ],
    "socket.connection.setup.timeout.ms": [
      "long",
      "10000",
      "First limit in milliseconds for a connection to another broker",
    ],
    "request.timeout.ms": [
      "int",
      "30000",
      "Milliseconds that this broker waits for an answer of another",
    ],
  }),
  ...fixedSettings("what waits is woken when it can be answered, and forgotten when it has been", {
    "delete.records.purgatory.purge.interval.requests": [
      "int",
      "1",
      "Requests between two clean-ups of waiting DeleteRecords",
    ],
    "fetch.purgatory.purge.interval.requests": [
      "int",
      "1000",
      "Requests between two clean-ups of waiting Fetches",
    ],
    "producer.purgatory.purge.interval.requests": [
      "int",
      "1000",
      "Requests between two clean-ups of waiting Produces",
    ],
    "share.fetch.purgatory.purge.interval.requests": [
      "int",
      "1000",
      "Requests between two clean-ups of waiting ShareFetches",
    ],
  }),
  ...fixedSettings("all listeners open when the broker is ready", {
    "early.start.listeners": ["list", null, "Listeners that are open before the broker is ready"],
  }),
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
  ...fixedSettings("client quotas are measured by token buckets, without samples", {
    "quota.window.num": ["int", "11", "Samples that client quotas are measured by"],
    "quota.window.size.seconds": ["int", "1", "Seconds of a sample of a client quota"],
  }),
};
