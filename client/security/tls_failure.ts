/**
 * What errors of TLS mean, in the words of this client's options.
 *
 * Deno and its `node:tls` report the same failures in the words of rustls and of OpenSSL.
 *
 * @module
 */

import { CertificateError, ConnectionError, describeError, type DqueueError } from "../errors.ts";

/** A failure: the texts that report it, what it means, and what to do. */
type Meaning = readonly [pattern: RegExp, message: string, advice: string];

const CHECK_CLIENT = "Check tls.cert and tls.key, and the authorities that the broker trusts";

const MEANINGS: readonly Meaning[] = [
  [
    /UnknownIssuer|CaUsedAsEndEntity|unable to verify|unable to get|self[- ]signed/i,
    "no authority that the client trusts has signed the broker's certificate",
    "Give the certificate of the broker's authority with tls.ca",
  ],
  [
    /certificate not valid for name|NotValidForName|does not match certificate/i,
    "the broker's certificate is for another name",
    "Connect to a name in the certificate, or give that name with tls.serverName; brokers after the " +
    "first are connected to by the names in their advertised.listeners",
  ],
  [
    /peer certificate: (certificate )?expired|certificate has expired/i,
    "the broker's certificate has expired",
    "Give the broker a new certificate, and check the clock of this machine",
  ],
  [
    /NotValidYet|not valid yet|not yet valid/i,
    "the broker's certificate is not valid yet",
    "Check the clocks of this machine and of the broker's",
  ],
  [/invalid peer certificate/i, "the broker's certificate is invalid", "Give the broker another"],
];

const ALERT = /fatal alert: (\w+)/;
/** Alerts about the client's certificate. */
const ABOUT_CERTIFICATE =
  /^(CertificateRequired|BadCertificate|UnsupportedCertificate|CertificateRevoked|CertificateExpired|CertificateUnknown|UnknownCA|AccessDenied|DecryptError|NoCertificate)$/;

/**
 * Returns what an error of TLS means; undefined if it is not known to be about certificates.
 *
 * @param peer The broker.
 * @param error The error of connecting, reading or writing.
 * @param hasCertificate Whether the client has a certificate; undefined if that is not known here.
 */
export function tlsFailure(
  peer: string,
  error: unknown,
  hasCertificate?: boolean,
): DqueueError | undefined {
  const text = describeError(error);
  const alert = ALERT.exec(text)?.[1];
  if (alert !== undefined) return alertFailure(peer, alert, error, hasCertificate);
  for (const [pattern, message, advice] of MEANINGS) {
    if (!pattern.test(text)) continue;
    return new CertificateError(`Cannot connect to ${peer}: ${message} (${text})`, {
      advice,
      cause: error,
    });
  }
  return undefined;
}

/** The broker has refused, by an alert. */
function alertFailure(
  peer: string,
  alert: string,
  cause: unknown,
  hasCertificate: boolean | undefined,
): DqueueError {
  if (!ABOUT_CERTIFICATE.test(alert)) {
    return new ConnectionError(`Cannot connect to ${peer}: it refuses TLS with ${alert}`, {
      retriable: false,
      advice: "Check that the broker offers TLS 1.2 or 1.3 with common ciphers",
      cause,
    });
  }
  const asks = alert === "CertificateRequired" || alert === "NoCertificate" ||
    hasCertificate === false;
  if (asks) {
    return new CertificateError(
      `Cannot connect to ${peer}: it asks for a certificate of the client (${
        describeError(cause)
      })`,
      { advice: "Give a certificate and its key with tls.cert and tls.key", cause },
    );
  }
  return new CertificateError(
    `Cannot connect to ${peer}: it does not accept the client's certificate` +
      `${hasCertificate ? "" : ", or asks for one"} (${describeError(cause)})`,
    { advice: CHECK_CLIENT, cause },
  );
}
