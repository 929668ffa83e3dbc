/**
 * Settings that limit connections.
 *
 * @module
 */

import { addressGroup, parseAddress } from "../../protocol/ip_address.ts";
import { int, SettingValueError, string } from "./setting.ts";

/** Can change while the broker runs. */
const DYNAMIC = { scope: "cluster-wide" } as const;

/** No limit. */
export const UNLIMITED = 2 ** 31 - 1;

/** The settings by name. */
export const CONNECTION_SETTINGS = {
  "max.connections": int(
    UNLIMITED,
    "Maximum number of open connections; further ones are closed. A tenth is for the listener of brokers, " +
      "if they have one of their own, which may exceed it. A listener can have a limit of its own, too",
    { min: 0, ...DYNAMIC },
  ),
  "max.connections.per.ip": int(
    UNLIMITED,
    "Maximum number of open connections of one IP address; further ones are closed. The addresses of " +
      "an IPv6 network of 64 bits count as one",
    { min: 0, ...DYNAMIC },
  ),
  "max.connections.per.ip.overrides": string(
    "",
    "Other limits than max.connections.per.ip, as ADDRESS:NUMBER,ADDRESS:NUMBER",
    { check: parseOverrides, ...DYNAMIC },
  ),
  "max.connection.creation.rate": int(
    UNLIMITED,
    "Maximum number of new connections a second; others wait until they are accepted. The listener of " +
      "brokers is exempt, if they have one of their own. A listener can have a limit of its own, too",
    { min: 1, ...DYNAMIC },
  ),
};

/**
 * Parses limits by address.
 *
 * @throws {SettingValueError} If an item is not `ADDRESS:NUMBER`.
 */
export function parseOverrides(text: string): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const item of text.split(",").map((item) => item.trim())) {
    if (item === "") continue;
    const colon = item.lastIndexOf(":");
    const host = item.slice(0, Math.max(0, colon)).replace(/^\[(.*)\]$/, "$1");
    const limit = item.slice(colon + 1);
    if (parseAddress(host) === undefined || !/^\d{1,9}$/.test(limit)) {
      throw new SettingValueError(`"${item}" is not of the form ADDRESS:NUMBER`);
    }
    limits.set(addressGroup(host), Number(limit));
  }
  return limits;
}
