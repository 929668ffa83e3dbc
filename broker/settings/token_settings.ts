/**
 * Settings of delegation tokens (KIP-48).
 *
 * @module
 */

import { long, password } from "./setting.ts";

/** The settings by name. */
export const TOKEN_SETTINGS = {
  "delegation.token.secret.key": password(
    "Key that the secrets of delegation tokens are made with, the same on all brokers; without one " +
      "there are no delegation tokens",
  ),
  "delegation.token.expiry.time.ms": long(
    86_400_000,
    "Milliseconds that a delegation token is valid unless it is renewed",
    { min: 1 },
  ),
  "delegation.token.max.lifetime.ms": long(
    604_800_000,
    "Most milliseconds that a delegation token can be renewed for",
    { min: 1 },
  ),
  "delegation.token.expiry.check.interval.ms": long(
    3_600_000,
    "Milliseconds between two checks for delegation tokens that have expired",
    { min: 1 },
  ),
};
