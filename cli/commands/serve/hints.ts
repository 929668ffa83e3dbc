/**
 * What to try when a broker has started, for people at a terminal.
 *
 * @module
 */

import {
  formatHostPort,
  hasSasl,
  hasTls,
  type HostPort,
  type SecurityProtocol,
} from "../../../broker/settings/listener.ts";

/** A listener that the hints are about. */
export interface HintedListener {
  readonly address: HostPort;
  readonly protocol: SecurityProtocol;
  /** Whether clients need a certificate. */
  readonly needsCertificate: boolean;
}

const DEFAULT_PORT = 9092;

/** Commands to try, one a line. Where a connection needs more than an address, a profile has it. */
export function hintsOf({ address, protocol, needsCertificate }: HintedListener): string[] {
  const where = `-b ${formatHostPort(address)}`;
  const flags = [
    ...(hasTls(protocol) ? ["--tls-ca FILE"] : []),
    ...(needsCertificate ? ["--tls-cert FILE --tls-key FILE"] : []),
    ...(hasSasl(protocol) ? ["--user NAME"] : []),
  ];
  const brokers = flags.length === 0 && address.port !== DEFAULT_PORT ? ` ${where}` : "";
  return [
    ...(flags.length === 0 ? [] : [`dqueue profile create local ${[where, ...flags].join(" ")}`]),
    `dqueue topic create hello${brokers}`,
    `echo world | dqueue produce hello${brokers}`,
    `dqueue consume hello${brokers}`,
  ];
}
