/**
 * TLS by `Deno.listenTls`, for versions of Deno whose `node:tls` cannot listen on an address. It does not
 * ask for client certificates, has one certificate, and sends with the delay that TCP_NODELAY avoids.
 *
 * @module
 */

import type { HostPort } from "../../settings/listener.ts";
import type { TlsCredentials } from "./credentials.ts";
import { type SecureConn, TlsHandshakeError, type TlsPeer } from "./secure_listener.ts";
import {
  closedListener,
  HANDSHAKE_MS,
  type TlsServing,
  type TlsStackListener,
} from "./tls_stack.ts";

/** Milliseconds between attempts to bind the port again. */
const REBIND_MS = 1;

/** Binds an address. */
export function listenDenoTls(
  address: HostPort,
  credentials: TlsCredentials,
  serving: TlsServing,
): TlsStackListener {
  return new DenoTlsListener(address, credentials, serving);
}

class DenoTlsListener implements TlsStackListener {
  readonly #serving: TlsServing;
  /** Connections whose handshake is not complete. */
  readonly #halfOpen: Set<DenoTlsConn> = new Set();
  readonly addr: Deno.NetAddr;
  #listener: Deno.TlsListener;
  /** Listeners that others replace. */
  readonly #retired: WeakSet<Deno.TlsListener> = new WeakSet();
  #replaced: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor({ host, port }: HostPort, credentials: TlsCredentials, serving: TlsServing) {
    this.#serving = serving;
    this.#listener = listen(host, port, credentials);
    this.addr = this.#listener.addr as Deno.NetAddr;
  }

  async accept(): Promise<SecureConn> {
    for (;;) {
      await this.#replaced;
      if (this.#isClosed) throw closedListener();
      const listener = this.#listener;
      try {
        return new DenoTlsConn(await listener.accept(), this.#serving, this.#halfOpen);
      } catch (error) {
        // Another listener replaces it, with other certificates.
        if (!this.#retired.has(listener) || this.#isClosed) throw error;
      }
    }
  }

  /** For a moment nobody listens. Connections that were not accepted yet are lost. */
  use(credentials: TlsCredentials): void {
    this.#replaced = this.#replaced.then(() => this.#replace(credentials));
  }

  async #replace(credentials: TlsCredentials): Promise<void> {
    if (this.#isClosed) return;
    const { hostname, port } = this.addr;
    this.#retired.add(this.#listener);
    this.#listener.close();
    // The port is free once the call that waits for a connection has ended.
    while (!this.#isClosed) {
      await new Promise((resolve) => setTimeout(resolve, REBIND_MS));
      try {
        this.#listener = listen(hostname, port, credentials);
        if (this.#isClosed) this.#listener.close();
        return;
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      }
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#retired.has(this.#listener)) this.#listener.close();
    for (const conn of this.#halfOpen) conn.close();
  }
}

function listen(hostname: string, port: number, { entries }: TlsCredentials): Deno.TlsListener {
  const { cert, key } = entries[0]!;
  return Deno.listenTls({ hostname, port, cert, key });
}

class DenoTlsConn implements SecureConn {
  readonly remoteAddr: Deno.NetAddr;
  readonly #conn: Deno.TlsConn;
  readonly #serving: TlsServing;
  readonly #halfOpen: Set<DenoTlsConn>;
  #peer: Promise<TlsPeer> | undefined;
  #problem: TlsHandshakeError | undefined;

  constructor(conn: Deno.TlsConn, serving: TlsServing, halfOpen: Set<DenoTlsConn>) {
    this.#conn = conn;
    this.remoteAddr = conn.remoteAddr as Deno.NetAddr;
    this.#serving = serving;
    this.#halfOpen = halfOpen;
    halfOpen.add(this);
  }

  get readable(): ReadableStream<Uint8Array> {
    return this.#conn.readable;
  }

  get writable(): WritableStream<Uint8Array> {
    return this.#conn.writable;
  }

  handshake(): Promise<TlsPeer> {
    this.#peer ??= this.#handshake();
    return this.#peer;
  }

  close(): void {
    this.#halfOpen.delete(this);
    this.#conn.close();
  }

  async #handshake(): Promise<TlsPeer> {
    const { clock } = this.#serving;
    const timer = clock.setTimeout(() => this.#stop("the handshake took too long"), HANDSHAKE_MS);
    try {
      await this.#conn.handshake();
      return { principalName: undefined };
    } catch (error) {
      try {
        this.#conn.close();
      } catch {
        // It was closed to end the handshake.
      }
      if (this.#problem !== undefined) throw this.#problem;
      const { message } = error as Error;
      if (!(error instanceof Deno.errors.InvalidData)) {
        throw new TlsHandshakeError("gone", "the client has left", { cause: error });
      }
      throw /corrupt message/.test(message)
        ? new TlsHandshakeError("foreign", "client does not speak TLS", { cause: error })
        : new TlsHandshakeError("other", `the handshake failed: ${message}`, { cause: error });
    } finally {
      clock.clearTimeout(timer);
      this.#halfOpen.delete(this);
    }
  }

  #stop(reason: string): void {
    this.#problem = new TlsHandshakeError("overdue", reason);
    try {
      this.#conn.close();
    } catch {
      // It has ended by itself.
    }
  }
}
