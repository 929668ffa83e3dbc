/**
 * The API versions a broker supports, and the choice of the version of a request: the highest that
 * both sides support.
 *
 * @module
 */

import { UnsupportedVersionError } from "../errors.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import type { VersionRange } from "../../protocol/schema/version_range.ts";

/**
 * The first version of each API, by key, in which the broker responds immediately when it throttles
 * and the client has to wait (KIP-219); in older versions the broker waits before it responds. APIs
 * that are not listed use 1.
 */
const CLIENT_THROTTLES_FROM: { readonly [apiKey: number]: number } = {
  0: 6, // Produce
  1: 8, // Fetch
  2: 3, // ListOffsets
  3: 6, // Metadata
  8: 4, // OffsetCommit
  9: 4, // OffsetFetch
  10: 2, // FindCoordinator
  11: 3, // JoinGroup
  12: 2, // Heartbeat
  13: 2, // LeaveGroup
  14: 2, // SyncGroup
  15: 2, // DescribeGroups
  16: 2, // ListGroups
  18: 2, // ApiVersions
  19: 3, // CreateTopics
  20: 2, // DeleteTopics
  32: 2, // DescribeConfigs
};

/** The first API added after KIP-219. From there on, all versions are throttled by the client. */
const FIRST_API_AFTER_THROTTLING = 44;

/** Returns whether the client has to wait for the throttle time of a response. */
export function clientThrottles(api: Api, version: number): boolean {
  if (api.key >= FIRST_API_AFTER_THROTTLING) return true;
  return version >= (CLIENT_THROTTLES_FROM[api.key] ?? 1);
}

/** The API versions that one broker supports. */
export class ApiVersionTable {
  readonly #peer: string;
  readonly #ranges: VersionRange[] = [];

  /**
   * Takes the list in an ApiVersions response.
   *
   * @param peer The broker, for messages.
   */
  constructor(
    peer: string,
    apiKeys: readonly { apiKey: number; minVersion: number; maxVersion: number }[],
  ) {
    this.#peer = peer;
    for (const { apiKey, minVersion, maxVersion } of apiKeys) {
      this.#ranges[apiKey] = { min: minVersion, max: maxVersion };
    }
  }

  /**
   * Returns the highest version both sides support.
   *
   * @param maxVersion The highest version that can represent the request.
   * @param minVersion The lowest such version.
   * @throws {UnsupportedVersionError} If there is no such version.
   */
  pick(
    api: Api,
    maxVersion: number = api.versions.max,
    minVersion: number = api.versions.min,
  ): number {
    const range = this.#ranges[api.key];
    if (range === undefined) {
      throw new UnsupportedVersionError(
        `Cannot send ${api.name} to ${this.#peer}: the broker does not support this request`,
      );
    }
    const version = Math.min(range.max, api.versions.max, maxVersion);
    if (version < range.min || version < minVersion) {
      throw new UnsupportedVersionError(
        `Cannot send ${api.name} to ${this.#peer}: it supports versions ${range.min} to ${range.max}, ` +
          `the request needs ${minVersion} to ${Math.min(api.versions.max, maxVersion)}`,
      );
    }
    return version;
  }
}
