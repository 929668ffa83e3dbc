/**
 * How a command connects to a cluster: what flags, a profile and a client's properties have in common.
 *
 * @module
 */

import type { BrokerAddress } from "../../client/connection/address.ts";
import type { TokenEndpoint } from "./token_endpoint.ts";

/** A text, the file that has it, or why it is not known. */
export type TextSource =
  | { readonly text: string }
  | {
    readonly file: string;
    /** What named the file, for messages. */
    readonly of: string;
  }
  | {
    /** Gets it from a file of another form. */
    readonly read: () => Promise<string>;
  }
  | {
    /** Why there is none, and what to use instead. */
    readonly problem: string;
  };

/** Mechanisms of SASL. */
export const MECHANISMS = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] as const;

/** A mechanism of SASL. */
export type Mechanism = typeof MECHANISMS[number];

/** How to connect. What is undefined was not given. */
export interface ConnectionSettings {
  readonly brokers?: readonly BrokerAddress[] | undefined;
  /** Whether to encrypt. */
  readonly tls?: boolean | undefined;
  /** Authorities to trust. */
  readonly ca?: TextSource | undefined;
  /** The client's certificate. */
  readonly cert?: TextSource | undefined;
  readonly key?: TextSource | undefined;
  readonly keyPassword?: string | undefined;
  /** The name that the broker's certificate must have. */
  readonly serverName?: string | undefined;
  readonly verifyServerName?: boolean | undefined;
  readonly mechanism?: Mechanism | undefined;
  readonly user?: string | undefined;
  readonly password?: TextSource | undefined;
  /** Whether user and password are a delegation token. */
  readonly isDelegationToken?: boolean | undefined;
  /** The token of OAUTHBEARER. */
  readonly token?: TextSource | undefined;
  /** Where to get such a token. */
  readonly tokenEndpoint?: TokenEndpoint | undefined;
  /** Further values of OAUTHBEARER. */
  readonly extensions?: Readonly<Record<string, string>> | undefined;
}

const WITHOUT_CREDENTIALS: ConnectionSettings = {
  password: undefined,
  isDelegationToken: undefined,
  token: undefined,
  tokenEndpoint: undefined,
  extensions: undefined,
};

/**
 * Combines settings; the first that is given counts. The password of one user is never used for
 * another.
 */
export function mergeSettings(
  first: ConnectionSettings,
  second: ConnectionSettings,
): ConnectionSettings {
  const isOtherUser = first.user !== undefined && first.user !== second.user;
  const given = Object.entries(first).filter(([, value]) => value !== undefined);
  return {
    ...second,
    ...(isOtherUser ? WITHOUT_CREDENTIALS : {}),
    ...Object.fromEntries(given),
  };
}
