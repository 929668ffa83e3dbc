/**
 * What the SDK tells brokers about itself (KIP-511).
 *
 * @module
 */

/** The version of this program, as in `deno.json`. */
export const CLIENT_SOFTWARE_VERSION = "0.1.0";

/** Its name. */
export const CLIENT_SOFTWARE_NAME = "dqueue";
