/**
 * TLS connections to brokers.
 *
 * `Deno.connectTls` has no way to turn off Nagle's algorithm, which costs 40 ms where it meets delayed
 * acknowledgements, so TCP connects first and `Deno.startTls` takes over. It ignores client
 * certificates, so for those there is `node:tls`.
 *
 * @module
 */

import type { ByteDuplex } from "../../protocol/frames/channel.ts";
import { type NodeSocket, socketDuplex } from "../../protocol/frames/socket_duplex.ts";
import { describeError, UsageError } from "../errors.ts";
import { authoritiesOf, type TlsOptions } from "./security_options.ts";

/** Where a broker is. */
interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Connects and completes the handshake.
 *
 * @param address The broker.
 * @param tls What to trust and to prove.
 * @param connect Connects with TCP.
 * @param signal Ends the attempt.
 * @throws Any error of the network or of the handshake; see `tlsFailure()`.
 */
export async function connectTls(
  address: Address,
  tls: TlsOptions,
  connect: () => Promise<Deno.TcpConn>,
  signal: AbortSignal,
): Promise<ByteDuplex> {
  if (tls.cert === undefined) return await startTls(await connect(), address, tls, signal);
  try {
    return await connectWithCertificate(address, tls, signal);
  } catch (error) {
    // It says the same of all certificates that are not valid, where Deno says why.
    if (error instanceof Error && UNVERIFIED.test(error.message)) {
      (await startTls(await connect(), address, tls, signal)).close();
    }
    throw error;
  }
}

const UNVERIFIED = /unable to verify/;

async function startTls(
  tcp: Deno.TcpConn,
  address: Address,
  tls: TlsOptions,
  signal: AbortSignal,
): Promise<Deno.TlsConn> {
  const conn = await Deno.startTls(tcp, {
    hostname: tls.serverName ?? address.host,
    caCerts: [...authoritiesOf(tls)],
    ...(tls.verifyServerName === false ? { unsafelyDisableHostnameVerification: true } : {}),
  });
  let isClosed = false;
  const close = () => {
    if (!isClosed) conn.close();
    isClosed = true;
  };
  signal.addEventListener("abort", close, { once: true });
  try {
    signal.throwIfAborted();
    await conn.handshake();
    return conn;
  } catch (error) {
    close();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
  }
}

async function connectWithCertificate(
  address: Address,
  tls: TlsOptions,
  signal: AbortSignal,
): Promise<ByteDuplex> {
  const [node, crypto] = await Promise.all([import("node:tls"), import("node:crypto")]);
  const key = readKey(crypto, tls);
  signal.throwIfAborted();
  const ca = authoritiesOf(tls);
  const { promise, resolve, reject } = Promise.withResolvers<ByteDuplex>();
  const name = tls.serverName ?? address.host;
  const socket = node.connect({
    host: address.host,
    port: address.port,
    // An address is no name that a client may ask for, but the certificate is compared with it.
    ...(isIpAddress(name) ? {} : { servername: name }),
    ...(ca.length > 0 ? { ca: [...ca] } : {}),
    cert: tls.cert!,
    key,
    checkServerIdentity: tls.verifyServerName === false
      ? () => undefined
      : (_host, certificate) => node.checkServerIdentity(name, certificate),
  });
  socket.setNoDelay(true);
  const onAbort = () => socket.destroy(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  socket.once("error", reject);
  socket.once("close", () => reject(new Deno.errors.UnexpectedEof("The connection was closed")));
  socket.once("secureConnect", () => {
    // Errors after this are those of the streams.
    if (socket.authorized) resolve(socketDuplex(socket as unknown as NodeSocket));
    else socket.destroy(new Error(String(socket.authorizationError ?? "not authorized")));
  });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Decrypts the key, because `node:tls` connects without a certificate if it cannot read the key.
 *
 * @throws {UsageError} If it cannot be read, or is not that of the certificate.
 */
function readKey(
  { createPrivateKey, createPublicKey, X509Certificate }: typeof import("node:crypto"),
  { cert, key, passphrase }: TlsOptions,
): string {
  let privateKey: import("node:crypto").KeyObject;
  try {
    privateKey = createPrivateKey({
      key: key!,
      format: "pem",
      ...(passphrase === undefined ? {} : { passphrase }),
    });
  } catch (error) {
    const remedy = passphrase === undefined && /ENCRYPTED/.test(key!)
      ? "it is encrypted, give tls.passphrase too"
      : describeError(error);
    throw new UsageError(`Cannot use tls.key: ${remedy}`);
  }
  let isOfCertificate: boolean;
  try {
    // Deno 2.6 has no checkPrivateKey().
    const [own, certified] = [createPublicKey(privateKey), new X509Certificate(cert!).publicKey]
      .map((each) => each.export({ type: "spki", format: "pem" }));
    isOfCertificate = own === certified;
  } catch (error) {
    throw new UsageError(`Cannot use tls.cert: ${describeError(error)}`);
  }
  if (!isOfCertificate) throw new UsageError("Cannot use tls.key: it is not the key of tls.cert");
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

/** Whether a host is an IP address and not a name. */
function isIpAddress(host: string): boolean {
  return host.includes(":") || /^\d+(\.\d+){3}$/.test(host);
}
