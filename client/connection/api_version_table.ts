/**
 * What a broker speaks, and which version of a request to send it: the highest that both know.
 *
 * @module
 */

import { UnsupportedVersionError } from "../errors.ts";
import type { Api } from "../../protocol/schema/schema.ts";
import type { VersionRange } from "../../protocol/schema/version_range.ts";

/**
 * The first version of each API whose throttled answer comes at once, so that the client has to wait
 * (KIP-219); in older versions the broker has waited before it answered. By API key; 1 where none is
 * given, which for APIs that came later is right too.
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

/** APIs that came after KIP-219 throttle from version 0 on; the first of them is this one. */
const FIRST_API_AFTER_THROTTLING = 44;

/** Whether the client has to wait for the throttle time of such an answer. */
export function clientThrottles(api: Api, version: number): boolean {
  if (api.key >= FIRST_API_AFTER_THROTTLING) return true;
  return version >= (CLIENT_THROTTLES_FROM[api.key] ?? 1);
}

/** The ranges of versions that one broker has stated. */
export class ApiVersionTable {
  readonly #peer: string;
  readonly #ranges: VersionRange[] = [];

  /**
   * Takes the list of an ApiVersions response.
   *
   * @param peer Who sent it, for messages.
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
   * The highest version both sides know.
   *
   * @param maxVersion The highest version that can carry what the request has to say.
   * @param minVersion The lowest such version.
   * @throws {UnsupportedVersionError} If there is none.
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
          `needed is ${minVersion} to ${Math.min(api.versions.max, maxVersion)}`,
      );
    }
    return version;
  }
}
