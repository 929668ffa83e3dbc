/**
 * Finds out whether `node:tls` of this runtime can be relied on, by a connection to itself: some versions
 * cannot listen on an address, do not ask for client certificates, or let clients without one pass as
 * authorized.
 *
 * @module
 */

import tls from "node:tls";
import { systemClock } from "../../time/clock.ts";
import { ClientCertificates } from "./client_certificates.ts";
import type { TlsCredentials } from "./credentials.ts";
import { TlsHandshakeError } from "./secure_listener.ts";

/** Listens as the broker would. */
type Listen = typeof import("./node_tls_listener.ts").listenNodeTls;

const LOOPBACK = { host: "127.0.0.1", port: 0 } as const;
/** A connection within this machine takes milliseconds. */
const PATIENCE_MS = 5000;

/**
 * Tries a handshake of a client without a certificate.
 *
 * @returns What is wrong, if anything.
 */
export async function problemOfNodeTls(
  listen: Listen,
  { entries, trust }: TlsCredentials,
  asksForCertificates: boolean,
): Promise<string | undefined> {
  const clients = asksForCertificates
    ? new ClientCertificates(true, () => "client", trust!)
    : undefined;
  const serving = {
    clock: systemClock,
    versions: ["TLSv1.2", "TLSv1.3"] as const,
    // A client without a certificate must get as far as the broker's own decision.
    isClientAuthRequired: false,
    clients,
  };
  // It came with the verification of client certificates.
  if (typeof tls.TLSSocket.prototype.getPeerX509Certificate !== "function") {
    return "its node:tls does not verify certificates of clients";
  }
  let listener;
  try {
    listener = await listen(LOOPBACK, { entries, trust }, serving);
  } catch (error) {
    return `its node:tls cannot listen on an address: ${(error as Error).message}`;
  }
  const client = tls.connect({
    host: LOOPBACK.host,
    port: listener.addr.port,
    rejectUnauthorized: false,
  });
  client.on("error", () => {});
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("no handshake")), PATIENCE_MS);
  try {
    const conn = await Promise.race([listener.accept(), late.promise]);
    try {
      await Promise.race([conn.handshake(), late.promise]);
      return asksForCertificates
        ? "its node:tls lets a client without a certificate pass as authorized"
        : undefined;
    } catch (error) {
      const isRefused = error instanceof TlsHandshakeError && error.kind === "certificate";
      return asksForCertificates && isRefused
        ? undefined
        : `its node:tls fails: ${(error as Error).message}`;
    } finally {
      conn.close();
    }
  } catch (error) {
    return `its node:tls fails: ${(error as Error).message}`;
  } finally {
    clearTimeout(timer);
    client.destroy();
    listener.close();
  }
}
