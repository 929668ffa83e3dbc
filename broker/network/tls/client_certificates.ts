/**
 * Decides about the certificate that a client has shown.
 *
 * The runtime verifies certificates in whole handshakes. When a client resumes a session it does not
 * verify again: it takes the certificate from the session's ticket, which can stem from a handshake that
 * was refused, from a listener that trusts others, or from a time before the certificate expired. So what
 * was verified is remembered here, and what was not is verified here.
 *
 * @module
 */

import { DerError } from "../../../protocol/der_reader.ts";
import type { PrincipalMapping } from "./principal_mapping.ts";
import { TlsHandshakeError } from "./secure_listener.ts";
import type { TrustStore } from "./trust_store.ts";
import {
  type Certificate,
  isSignedBy,
  parseCertificate,
  Purpose,
  sameBytes,
  serves,
} from "./x509.ts";

/** What the runtime knows of a client at the end of a handshake. */
export interface HandshakeResult {
  /** The client's certificate as DER; undefined if it has none. */
  readonly certificate: Uint8Array | undefined;
  /** Returns the certificates of authorities in between that the client has sent. */
  intermediates(): readonly Uint8Array[];
  /** Whether the runtime accepts the chain. */
  readonly isAuthorized: boolean;
  /** Whether an earlier session was resumed. */
  readonly isResumed: boolean;
  /** What the runtime says against the chain. */
  readonly problem: string | undefined;
}

/** Said of a client that should have a certificate. */
export const NO_CERTIFICATE = "client has no certificate, which ssl.client.auth=required demands";

/** Verified certificates are remembered up to this number, those used last. */
const MAX_REMEMBERED = 10_000;
/** The longest chain that is verified here. */
const MAX_CHAIN = 8;

/** The rules of one listener. */
export class ClientCertificates {
  readonly #isRequired: boolean;
  readonly #mapping: PrincipalMapping;
  #trust: TrustStore;
  /** Certificates that were verified, in hex, in the order of their last use. */
  readonly #verified: Set<string> = new Set();

  constructor(isRequired: boolean, mapping: PrincipalMapping, trust: TrustStore) {
    this.#isRequired = isRequired;
    this.#mapping = mapping;
    this.#trust = trust;
  }

  /** Trusts others from now on. */
  set trust(trust: TrustStore) {
    this.#trust = trust;
    this.#verified.clear();
  }

  /**
   * Returns the name of a client; undefined if it has no certificate and needs none.
   *
   * @throws {TlsHandshakeError} If it may not connect.
   */
  nameOf(result: HandshakeResult, nowMs: number): string | undefined {
    const own = result.certificate;
    if (own === undefined || own.length === 0) {
      if (!this.#isRequired) return undefined;
      throw refusal(NO_CERTIFICATE);
    }
    const certificate = parse(own);
    const { subject } = certificate;
    this.#verify(certificate, result, nowMs);
    if (subject === "") throw refusal("certificate of the client has no name");
    const name = this.#mapping(subject);
    if (name === undefined || name === "") {
      throw refusal(`no rule of ssl.principal.mapping.rules applies to "${subject.slice(0, 256)}"`);
    }
    return name;
  }

  #verify(certificate: Certificate, result: HandshakeResult, nowMs: number): void {
    const id = certificate.der.toHex();
    const isValid = isCurrent(certificate, nowMs);
    const isVerified = result.isResumed
      ? this.#verified.has(id) ||
        isTrusted(certificate, result.intermediates(), this.#trust, nowMs)
      : result.isAuthorized;
    if (!isValid || !isVerified) {
      this.#verified.delete(id);
      const subject = `"${certificate.subject.slice(0, 256)}"`;
      throw refusal(
        !isValid
          ? `certificate ${subject} of the client has expired, or is not valid yet`
          : `certificate ${subject} of the client is not trusted (${
            result.problem ?? "in a resumed session"
          }); its authority must be in the truststore`,
      );
    }
    this.#verified.delete(id);
    this.#verified.add(id);
    if (this.#verified.size > MAX_REMEMBERED) {
      this.#verified.delete(this.#verified.values().next().value!);
    }
  }
}

/**
 * Whether authorities lead from a certificate to a trusted one. Chains with restrictions of names are
 * refused: they are only verified in whole handshakes.
 */
export function isTrusted(
  certificate: Certificate,
  intermediates: readonly Uint8Array[],
  { certificates: anchors }: TrustStore,
  nowMs: number,
): boolean {
  if (anchors.some(({ der }) => sameBytes(der, certificate.der))) return true;
  if (!serves(certificate, Purpose.client)) return false;
  const others = intermediates.slice(0, MAX_CHAIN).map(parse);
  let last = certificate;
  for (let length = 0; length < MAX_CHAIN; length++) {
    const mayFollow = (issuer: Certificate) =>
      issuer.isAuthority && !issuer.constrainsNames && isSignedBy(last, issuer);
    // As in a handshake, the validity of what is trusted itself does not count.
    if (anchors.some(mayFollow)) return true;
    const next = others.find((other) => isCurrent(other, nowMs) && mayFollow(other));
    if (next === undefined) return false;
    last = next;
  }
  return false;
}

function isCurrent({ notBeforeMs, notAfterMs }: Certificate, nowMs: number): boolean {
  return nowMs >= notBeforeMs && nowMs <= notAfterMs;
}

function parse(der: Uint8Array): Certificate {
  try {
    return parseCertificate(der);
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw refusal(`certificate of the client cannot be read: ${error.message}`);
  }
}

function refusal(message: string): TlsHandshakeError {
  return new TlsHandshakeError("certificate", message);
}
