/**
 * Which metrics a client pushes, and how often: all subscriptions that match it together.
 *
 * @module
 */

import { crc32c } from "../../protocol/records/crc32c.ts";
import { uuidToBytes } from "../../protocol/primitives/uuid.ts";

/** A `client-metrics` resource. */
export interface SubscriptionSettings {
  readonly intervalMs: number;
  /** Patterns that all must match, each for a property of the client. */
  readonly match: readonly (readonly [property: string, pattern: RegExp])[];
  /** Prefixes of names; `*` for all. */
  readonly metrics: readonly string[];
}

/** What patterns are compared with. */
export type ClientProperties = Readonly<Record<string, string>>;

/** What one client pushes. */
export interface ClientSubscription {
  readonly id: number;
  /** Prefixes of names, `*` alone for all; empty for none. */
  readonly metrics: readonly string[];
  readonly intervalMs: number;
}

/** How often a client without metrics asks again. */
const DEFAULT_INTERVAL_MS = 5 * 60 * 1000;
const ALL = "*";
/** Longer texts of clients are cut before a pattern sees them. */
const MAX_LENGTH = 255;
const ENCODER = new TextEncoder();

/** The subscription of a client. Its id changes when anything of it does. */
export function subscriptionOf(
  all: Iterable<SubscriptionSettings>,
  properties: ClientProperties,
): ClientSubscription {
  const metrics = new Set<string>();
  let intervalMs = Infinity;
  for (const settings of all) {
    if (settings.metrics.length === 0 || !isMatch(settings, properties)) continue;
    for (const name of settings.metrics) metrics.add(name);
    intervalMs = Math.min(intervalMs, settings.intervalMs);
  }
  const names = metrics.has(ALL) ? [ALL] : [...metrics].sort();
  if (names.length === 0) intervalMs = DEFAULT_INTERVAL_MS;
  return {
    id: idOf(properties.client_instance_id!, names, intervalMs),
    metrics: names,
    intervalMs,
  };
}

/** Whether a metric is asked for. */
export function isAskedFor({ metrics }: ClientSubscription, name: string): boolean {
  return metrics.some((prefix) => prefix === ALL || name.startsWith(prefix));
}

function isMatch({ match }: SubscriptionSettings, properties: ClientProperties): boolean {
  return match.every(([property, pattern]) =>
    pattern.test((properties[property] ?? "").slice(0, MAX_LENGTH))
  );
}

function idOf(instanceId: string, metrics: readonly string[], intervalMs: number): number {
  const text = ENCODER.encode(`${intervalMs}\n${metrics.join("\n")}`);
  const bytes = new Uint8Array(16 + text.length);
  uuidToBytes(instanceId, bytes);
  bytes.set(text, 16);
  return crc32c(bytes) | 0;
}
