/**
 * TLS by `node:tls`, which can ask for client certificates, chooses certificates by name, and sends
 * without delay.
 *
 * A `net.Server` accepts sockets. The first bytes of each are looked at: what is not TLS is told so in
 * its own words where possible, and a peer that sends nothing costs no TLS state. Then the socket is
 * handed to a `tls.Server` that listens nowhere itself; a new one replaces it when certificates change,
 * and connections of the old one go on.
 *
 * @module
 */

import net from "node:net";
import { setImmediate } from "node:timers";
import tls from "node:tls";
import { formatHostPort, type HostPort } from "../../settings/listener.ts";
import { type NodeSocket, socketDuplex } from "../../../protocol/frames/socket_duplex.ts";
import { NO_CERTIFICATE } from "./client_certificates.ts";
import type { TlsCredentials } from "./credentials.ts";
import { answerOf, describeFirstBytes, isTls } from "./first_bytes.ts";
import type { KeyStoreEntry } from "./key_store.ts";
import { type SecureConn, TlsHandshakeError, type TlsPeer } from "./secure_listener.ts";
import {
  closedListener,
  HANDSHAKE_MS,
  type TlsServing,
  type TlsStackListener,
} from "./tls_stack.ts";

/** Connections that the system keeps until they are accepted, which happens to all of them in one turn. */
const BACKLOG = 128;

/** Connections that wait until the broker takes them; others are closed. */
const MAX_ACCEPTED = 1024;

/** Binds an address. */
export async function listenNodeTls(
  address: HostPort,
  credentials: TlsCredentials,
  serving: TlsServing,
): Promise<TlsStackListener> {
  const listener = new NodeTlsListener(credentials, serving);
  await listener.bind(address);
  return listener;
}

class NodeTlsListener implements TlsStackListener {
  readonly #serving: TlsServing;
  readonly #sockets: net.Server;
  /** Connections whose handshake is not complete. */
  readonly #halfOpen: Set<NodeTlsConn> = new Set();
  readonly #conns: WeakMap<object, NodeTlsConn> = new WeakMap();
  readonly #accepted: NodeTlsConn[] = [];
  #waiting: PromiseWithResolvers<SecureConn> | undefined;
  #server: tls.Server;
  #isClosed = false;
  #addr: Deno.NetAddr | undefined;

  constructor(credentials: TlsCredentials, serving: TlsServing) {
    this.#serving = serving;
    this.#server = this.#serverOf(credentials);
    this.#sockets = net.createServer(
      { pauseOnConnect: true, allowHalfOpen: true, noDelay: true },
      (socket) => this.#take(socket),
    );
  }

  async bind({ host, port }: HostPort): Promise<void> {
    const bound = Promise.withResolvers<void>();
    this.#sockets.once("error", bound.reject);
    this.#sockets.listen({ host, port, backlog: BACKLOG }, () => bound.resolve());
    try {
      await bound.promise;
    } catch (error) {
      throw listenError(error, { host, port });
    }
    this.#sockets.off("error", bound.reject);
    // A connection that cannot be accepted has gone already.
    this.#sockets.on("error", () => {});
    const { address, port: boundPort } = this.#sockets.address() as net.AddressInfo;
    this.#addr = { transport: "tcp", hostname: address, port: boundPort };
  }

  get addr(): Deno.NetAddr {
    return this.#addr!;
  }

  accept(): Promise<SecureConn> {
    if (this.#isClosed) return Promise.reject(closedListener());
    const next = this.#accepted.shift();
    if (next !== undefined) return Promise.resolve(next);
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  use(credentials: TlsCredentials): void {
    this.#server = this.#serverOf(credentials);
    const { clients } = this.#serving;
    if (clients !== undefined) clients.trust = credentials.trust!;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#sockets.close();
    for (const conn of this.#halfOpen) conn.close();
    this.#accepted.length = 0;
    this.#waiting?.reject(closedListener());
  }

  #take(socket: net.Socket): void {
    socket.setNoDelay(true);
    const host = socket.remoteAddress;
    if (this.#isClosed || host === undefined || this.#accepted.length >= MAX_ACCEPTED) {
      return void socket.destroy();
    }
    const conn = new NodeTlsConn(socket, host, this.#serving, this.#halfOpen, () => {
      this.#conns.set(socket, conn);
      this.#server.emit("connection", socket);
    });
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#accepted.push(conn);
    else waiting.resolve(conn);
  }

  #serverOf({ entries, trust }: TlsCredentials): tls.Server {
    const { versions, clients, isClientAuthRequired } = this.#serving;
    const common = {
      ...(clients === undefined ? {} : { ca: [...trust!.ca] }),
      minVersion: versions.includes("TLSv1.2") ? "TLSv1.2" : "TLSv1.3",
      maxVersion: versions.includes("TLSv1.3") ? "TLSv1.3" : "TLSv1.2",
    } as const;
    const server = tls.createServer({
      ...common,
      cert: entries[0]!.cert,
      key: entries[0]!.key,
      requestCert: clients !== undefined,
      // What is not authorized is refused here; this makes the runtime say so to a client without any.
      rejectUnauthorized: isClientAuthRequired,
      // The time is limited here, by the broker's clock.
      handshakeTimeout: 10 * HANDSHAKE_MS,
      ...(entries.length === 1 ? {} : { SNICallback: sniCallback(entries, common) }),
    });
    server.on("secureConnection", (socket) => {
      const conn = this.#connOf(socket);
      if (conn === undefined) socket.destroy();
      else conn.secured(socket);
    });
    // Without this the socket of a failed handshake stays open.
    server.on("tlsClientError", (error, socket) => {
      socket.destroy();
      this.#connOf(socket)?.failed(error, socket.authorizationError);
    });
    return server;
  }

  #connOf(socket: tls.TLSSocket): NodeTlsConn | undefined {
    const raw = (socket as { _parent?: object })._parent ?? socket;
    return this.#conns.get(raw);
  }
}

/** Chooses the certificate with the name that a client asks for. */
function sniCallback(
  entries: readonly KeyStoreEntry[],
  common: tls.SecureContextOptions,
): NonNullable<tls.TlsOptions["SNICallback"]> {
  const contexts = entries.map(({ cert, key }) =>
    tls.createSecureContext({ ...common, cert, key })
  );
  return (name, done) => {
    const index = entries.findIndex(({ chain }) => hasName(chain[0]!.alternativeNames, name));
    done(null, contexts[Math.max(0, index)]);
  };
}

/** Whether a certificate is for a host, by its name or by `*` for the first part of it. */
export function hasName(alternativeNames: readonly string[], host: string): boolean {
  const name = host.toLowerCase();
  const wildcard = name.replace(/^[^.]+/, "*");
  return alternativeNames.some((each) => {
    const known = each.toLowerCase();
    return known === `dns:${name}` || known === `dns:${wildcard}`;
  });
}

class NodeTlsConn implements SecureConn {
  readonly remoteAddr: Deno.NetAddr;
  readonly #socket: net.Socket;
  readonly #serving: TlsServing;
  readonly #halfOpen: Set<NodeTlsConn>;
  readonly #startTls: () => void;
  readonly #peer: PromiseWithResolvers<TlsPeer> = Promise.withResolvers();
  readonly #timer: number;
  #isStarted = false;
  #isDone = false;
  #duplex: ReturnType<typeof socketDuplex> | undefined;

  constructor(
    socket: net.Socket,
    host: string,
    serving: TlsServing,
    halfOpen: Set<NodeTlsConn>,
    startTls: () => void,
  ) {
    this.#socket = socket;
    this.remoteAddr = { transport: "tcp", hostname: host, port: socket.remotePort ?? 0 };
    this.#serving = serving;
    this.#halfOpen = halfOpen;
    this.#startTls = startTls;
    this.#peer.promise.catch(() => {});
    this.#timer = serving.clock.setTimeout(
      () => this.#fail(new TlsHandshakeError("overdue", "the handshake took too long")),
      HANDSHAKE_MS,
    );
    const gone = () => this.#fail(new TlsHandshakeError("gone", "the client has left"));
    // The reason, if there is one, is reported after this.
    for (const event of ["end", "error", "close"]) socket.on(event, () => setImmediate(gone));
    halfOpen.add(this);
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#secured.readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#secured.writable;
  }

  get #secured(): ReturnType<typeof socketDuplex> {
    if (this.#duplex === undefined) throw new Error("The handshake is not complete");
    return this.#duplex;
  }

  handshake(): Promise<TlsPeer> {
    if (!this.#isStarted && !this.#isDone) {
      this.#isStarted = true;
      this.#socket.once("data", (chunk) => this.#look(chunk as Uint8Array));
      this.#socket.resume();
    }
    return this.#peer.promise;
  }

  /** Looks at the first bytes of the peer. */
  #look(chunk: Uint8Array): void {
    if (this.#isDone) return;
    this.#socket.pause();
    if (isTls(chunk)) {
      this.#socket.unshift(chunk);
      this.#startTls();
      return;
    }
    const answer = answerOf(chunk);
    if (answer !== undefined) this.#socket.write(answer);
    this.#fail(new TlsHandshakeError("foreign", describeFirstBytes(chunk)), answer !== undefined);
  }

  /** Called by the listener when the handshake is complete. */
  secured(socket: tls.TLSSocket): void {
    if (this.#isDone) return void socket.destroy();
    const { clients, clock } = this.#serving;
    let principalName: string | undefined;
    try {
      principalName = clients?.nameOf(
        {
          certificate: socket.getPeerX509Certificate()?.raw,
          intermediates: () => intermediatesOf(socket),
          isAuthorized: socket.authorized,
          isResumed: socket.isSessionReused(),
          problem: socket.authorizationError ? String(socket.authorizationError) : undefined,
        },
        clock.now(),
      );
    } catch (error) {
      socket.destroy();
      return this.#fail(error);
    }
    const handle = tcpHandleOf(this.#socket);
    if (handle === undefined) {
      socket.destroy();
      return this.#fail(
        new TlsHandshakeError("other", "the runtime cannot stop a peer from sending"),
      );
    }
    this.#end();
    this.#duplex = socketDuplex(withFlowControl(socket, handle));
    this.#peer.resolve({ principalName });
  }

  /**
   * Called by the listener when the handshake has failed.
   *
   * @param refused What the runtime says against the client's certificate, if that is the reason.
   */
  failed(cause: Error, refused?: unknown): void {
    this.#fail(
      refused
        ? new TlsHandshakeError(
          "certificate",
          `certificate of the client is not trusted (${refused}); its authority must be in the ` +
            "truststore, and it must not have expired",
        )
        : handshakeError(cause),
    );
  }

  close(): void {
    if (this.#duplex !== undefined) this.#duplex.close();
    else this.#fail(new TlsHandshakeError("gone", "the connection was closed"));
  }

  #fail(error: unknown, isAnswered = false): void {
    if (this.#isDone) return;
    this.#end();
    if (isAnswered) this.#socket.end(() => this.#socket.destroy());
    else this.#socket.destroy();
    this.#peer.reject(error);
  }

  #end(): void {
    this.#isDone = true;
    this.#serving.clock.clearTimeout(this.#timer);
    this.#halfOpen.delete(this);
  }
}

/** The part of the system's socket that starts and stops reading. */
interface TcpHandle {
  readStart(): number;
  readStop(): number;
}

/** The system's socket of a raw connection; undefined if this version of the runtime has it elsewhere. */
function tcpHandleOf(socket: net.Socket): TcpHandle | undefined {
  const handle = (socket as { _handle?: Partial<TcpHandle> | null })._handle;
  if (typeof handle?.readStart !== "function") return undefined;
  return typeof handle.readStop === "function" ? handle as TcpHandle : undefined;
}

/**
 * A socket of TLS whose `pause()` stops the peer. By itself it only keeps what arrives, without a limit.
 */
function withFlowControl(socket: tls.TLSSocket, handle: TcpHandle): NodeSocket {
  return {
    on: socket.on.bind(socket) as NodeSocket["on"],
    pause: () => {
      socket.pause();
      handle.readStop();
    },
    resume: () => {
      handle.readStart();
      socket.resume();
    },
    write: (chunk, done) => socket.write(chunk, done),
    end: (done) => socket.end(done),
    destroy: () => socket.destroy(),
    get destroyed() {
      return socket.destroyed;
    },
  };
}

function handshakeError(cause: Error): TlsHandshakeError {
  const { message } = cause;
  if (/sent no certificate/.test(message)) {
    return new TlsHandshakeError("certificate", NO_CERTIFICATE, { cause });
  }
  if (/ECONNRESET|EPIPE/.test((cause as { code?: string }).code ?? "")) {
    return new TlsHandshakeError("gone", "the client has left", { cause });
  }
  const hint = /UnknownC[Aa]|BadCertificate|CertificateUnknown/.test(message)
    ? "; the client does not trust this broker's certificate, it needs that of its authority"
    : "";
  return new TlsHandshakeError("other", `the handshake failed: ${message}${hint}`, { cause });
}

/** The certificates of authorities that the client has sent. */
function intermediatesOf(socket: tls.TLSSocket): Uint8Array[] {
  const found: Uint8Array[] = [];
  let certificate = socket.getPeerCertificate(true);
  while (found.length < 16) {
    const { issuerCertificate } = certificate;
    if (issuerCertificate === undefined || issuerCertificate === certificate) break;
    certificate = issuerCertificate;
    if (certificate.raw !== undefined) found.push(certificate.raw);
  }
  return found;
}

/** Errors of Node's API as those of `Deno.listen`. */
function listenError(error: unknown, address: HostPort): unknown {
  const { code } = error as { code?: string };
  const message = `Cannot listen on ${formatHostPort(address)}: ${(error as Error).message}`;
  switch (code) {
    case "EADDRINUSE":
      return new Deno.errors.AddrInUse(message, { cause: error });
    case "EADDRNOTAVAIL":
      return new Deno.errors.AddrNotAvailable(message, { cause: error });
    case "EACCES":
      return new Deno.errors.PermissionDenied(message, { cause: error });
    default:
      return error;
  }
}
