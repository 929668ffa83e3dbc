/**
 * The name and version that the SDK sends to brokers (KIP-511).
 *
 * @module
 */

/** The version of this program, as in `deno.json`. */
export const CLIENT_SOFTWARE_VERSION = "0.1.0";

/** The name of this program. */
export const CLIENT_SOFTWARE_NAME = "dqueue";
