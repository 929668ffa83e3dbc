/**
 * Warnings about the addresses that a broker listens on.
 *
 * @module
 */

import {
  hasSasl,
  hasTls,
  type HostPort,
  isLoopback,
  type SecurityProtocol,
} from "../../../broker/settings/listener.ts";

/** What a listener demands, and what it lets in. */
export interface ExposedListener {
  readonly address: HostPort;
  readonly protocol: SecurityProtocol;
  /** Whether clients need a certificate. */
  readonly needsCertificate: boolean;
  /** Whether passwords are sent in clear, by the mechanism PLAIN. */
  readonly takesPasswords: boolean;
  /** Whether there are other brokers, which use it. */
  readonly isForBrokers: boolean;
  /** Whether everyone may do everything. */
  readonly isOpen: boolean;
}

const ON_THE_NETWORK = "Listening on the network without";

/** The warning for a listener; undefined if only this machine can reach it, or it is safe. */
export function exposureOf(listener: ExposedListener): string | undefined {
  const { address, protocol, needsCertificate, takesPasswords, isForBrokers, isOpen } = listener;
  if (isLoopback(address.host)) return undefined;
  const isAuthenticated = hasSasl(protocol) || needsCertificate;
  if (!isAuthenticated && isOpen) {
    return `${ON_THE_NETWORK} authentication: everyone who can reach the address can read, write and ` +
      "delete everything";
  }
  const warnings: string[] = [];
  if (!hasTls(protocol)) {
    const passwords = takesPasswords ? "passwords and " : "";
    warnings.push(`encryption: others on the way can read ${passwords}records, and change them`);
  }
  if (!isAuthenticated && (isForBrokers || !hasTls(protocol))) {
    const brokers = isForBrokers ? ", other brokers included," : "";
    warnings.push(`authentication: clients${brokers} are User:ANONYMOUS`);
  }
  return warnings.length === 0 ? undefined : `${ON_THE_NETWORK} ${warnings.join("; without ")}`;
}

/** An HTTP port. */
export interface ExposedHttp {
  readonly address: HostPort;
  readonly isSecure: boolean;
  /** Whether everyone may do everything. */
  readonly isOpen: boolean;
}

/** The warning for an HTTP port; undefined if only this machine can reach it, or it is safe. */
export function httpExposureOf({ address, isSecure, isOpen }: ExposedHttp): string | undefined {
  const transport = isSecure ? "SSL" : "PLAINTEXT";
  return exposureOf({
    address,
    // Clients of a closed cluster send a password or a token.
    protocol: isOpen ? transport : `SASL_${transport}`,
    needsCertificate: false,
    takesPasswords: true,
    isForBrokers: false,
    isOpen,
  });
}
