/**
 * Accepts connections and tracks the open ones.
 *
 * @module
 */

import {
  DescriptorReserve,
  isOutOfDescriptors,
} from "../../storage/file_system/descriptor_reserve.ts";
import {
  type ByteDuplex,
  type FrameChannel,
  memoryChannels,
  StreamChannel,
} from "../../protocol/frames/channel.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type { BrokerContext } from "../handler.ts";
import type { HandlerTable } from "../handlers/mod.ts";
import { formatHostPort, type HostPort, isLoopback } from "../settings/listener.ts";
import { ANONYMOUS } from "../security/principal.ts";
import { EMBEDDED_SESSION, type ListenerIdentity, type Session } from "../security/session.ts";
import { pause } from "../time/pause.ts";
import { AddressLimits } from "./address_limits.ts";
import { Entrances } from "./entrances.ts";
import { type LimitedListener, ListenerLimits, type ReachedLimit } from "./listener_limits.ts";
import { Refusals } from "./refusals.ts";
import type { Admitted, SaslGate } from "./sasl/sasl_gate.ts";
import type { SecureConn, SecureListener, ShownCertificate } from "./tls/secure_listener.ts";
import { TlsEntrance } from "./tls_entrance.ts";

/** Interval between checks for idle connections. */
const SWEEP_MS = 1000;
/** Bytes of unsent responses above which a connection stops reading requests. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
/** How long clients may keep reading responses while the server closes. */
const CLOSE_GRACE_MS = 1000;
/** Delay before accepting again when a connection can be neither accepted nor refused. */
const ACCEPT_PAUSE_MS = 100;
/**
 * Connections that a listener accepts before sockets and timers are polled: a storm of them must not stop
 * those that are open.
 */
const MAX_ACCEPTED_PER_TURN = 64;

/** Holders of descriptors that have to make room for one connection. */
const MAX_ENDED_PER_ACCEPT = 8;

const PLAINTEXT: ListenerIdentity = { name: "PLAINTEXT", protocol: "PLAINTEXT" };

/** An address that is listened on. */
interface BoundListener {
  readonly listener: Deno.TcpListener | SecureListener;
  readonly identity: LimitedListener;
}

/** Serves Kafka's protocol on any number of addresses and within the process. */
export class Server {
  readonly #broker: BrokerContext;
  readonly #handlers: HandlerTable;
  readonly #options: ConnectionOptions;
  readonly #listeners: BoundListener[] = [];
  readonly #connections: Map<Connection, Promise<void>> = new Map();
  readonly #accepting: Promise<void>[] = [];
  readonly #descriptors: DescriptorReserve | undefined;
  /** Descriptors that only the listener of brokers uses, if they have one of their own. */
  #reservedDescriptors: DescriptorReserve | undefined;
  /** Connections refused because descriptors are short, or `max.connections` is reached. */
  readonly #shortage: Refusals;
  readonly #excess: Readonly<Record<ReachedLimit, Refusals>>;
  readonly #addresses: AddressLimits;
  readonly #sockets: ListenerLimits;
  /** Those in a handshake of TLS, and those that have not logged in. */
  #entrances: Entrances;
  readonly #authenticating: Set<Promise<void>> = new Set();
  readonly #tls: TlsEntrance;
  #gate: SaslGate | undefined;
  #stopFollowing: (() => void) | undefined;
  #isRevoking = false;
  #sweepTimer: number | undefined;
  #closed = false;
  readonly #closing = new AbortController();

  /** @param descriptors Reserve of descriptors for files, which connections must not use up. */
  constructor(broker: BrokerContext, handlers: HandlerTable, descriptors?: DescriptorReserve) {
    this.#broker = broker;
    this.#handlers = handlers;
    this.#descriptors = descriptors;
    this.#shortage = new Refusals(
      "too few file descriptors are left; allow the process more with ulimit -n",
      broker,
    );
    this.#excess = {
      broker: new Refusals("max.connections are open", broker),
      listener: new Refusals("max.connections of a listener are open", broker),
    };
    this.#addresses = new AddressLimits(broker);
    this.#sockets = new ListenerLimits(broker);
    this.#options = {
      maxInFlight: broker.config.get("max.in.flight.requests.per.connection"),
      maxBacklog: MAX_BACKLOG_BYTES,
      open: (session) => this.connect(session),
    };
    this.#tls = new TlsEntrance(broker);
    this.#entrances = this.#openEntrances();
    this.#scheduleSweep();
  }

  /** Number of open connections. */
  get connectionCount(): number {
    return this.#connections.size + this.#entrances.size;
  }

  /** Lets clients of SASL listeners in; required before `start()` if there are any. */
  useGate(gate: SaslGate): void {
    this.#gate = gate;
    this.#stopFollowing = gate.onRevocation(() => this.#endRevoked());
  }

  /** When a request last arrived or a response was sent, by the monotonic clock; -Infinity if never. */
  get lastActiveMs(): number {
    let lastMs = -Infinity;
    for (const { lastActiveMs } of this.#connections.keys()) {
      lastMs = Math.max(lastMs, lastActiveMs);
    }
    return lastMs;
  }

  /**
   * Binds an address. Clients can connect immediately and are accepted after `start()`.
   *
   * @returns The bound address.
   * @throws {Deno.errors.AddrInUse} If another program listens on the address.
   */
  bind({ host, port }: HostPort, identity: LimitedListener = PLAINTEXT): HostPort {
    const listener = Deno.listen({ hostname: host, port, transport: "tcp" });
    this.#listeners.push({ listener, identity });
    return { host: listener.addr.hostname, port: listener.addr.port };
  }

  /** Serves clients of a listener by TLS, and closes it in the end. Returns the bound address. */
  serveTls(listener: SecureListener, identity: LimitedListener): HostPort {
    this.#listeners.push({ listener, identity });
    return { host: listener.addr.hostname, port: listener.addr.port };
  }

  /** The certificates that clients of TLS listeners are shown. */
  get certificates(): readonly ShownCertificate[] {
    return this.#listeners.flatMap(({ listener }) =>
      "certificates" in listener ? listener.certificates : []
    );
  }

  /** Starts accepting connections on every bound address. */
  start(): void {
    this.#sockets.use(this.#listeners.map(({ identity }) => identity));
    if (this.#sockets.hasReserved) {
      this.#entrances = this.#openEntrances();
      if (this.#descriptors !== undefined) this.#reservedDescriptors = DescriptorReserve.open();
    }
    for (const listener of this.#listeners) this.#accepting.push(this.#accept(listener));
  }

  /**
   * Opens an in-process connection and returns the client's end.
   *
   * @param session Whom it acts for.
   */
  connect(session: Session = EMBEDDED_SESSION): FrameChannel {
    if (this.#closed) throw new Deno.errors.ConnectionRefused("Cannot connect: broker has stopped");
    const [clientEnd, ourEnd] = memoryChannels();
    this.#serve(
      new Connection(ourEnd, this.#broker, this.#handlers, this.#options, session),
    );
    return clientEnd;
  }

  /** Ends every connection at once; responses that have not been taken are lost. */
  abort(): void {
    this.#closed = true;
    this.#closing.abort();
    this.#entrances.close();
    for (const connection of this.#connections.keys()) connection.abort();
  }

  /**
   * Stops listening, closes every connection, and resolves when all have ended. Clients that do not
   * read their responses are disconnected after a short grace period.
   */
  async close(): Promise<void> {
    this.#closed = true;
    this.#closing.abort();
    if (this.#sweepTimer !== undefined) this.#broker.clock.clearTimeout(this.#sweepTimer);
    this.#shortage.close();
    for (const refusals of Object.values(this.#excess)) refusals.close();
    this.#addresses.close();
    this.#stopFollowing?.();
    for (const { listener } of this.#listeners) listener.close();
    await Promise.all(this.#accepting);
    this.#entrances.close();
    this.#reservedDescriptors?.close();
    await Promise.all(this.#authenticating);
    const { clock } = this.#broker;
    const grace = clock.setTimeout(() => {
      for (const connection of this.#connections.keys()) connection.abort();
    }, CLOSE_GRACE_MS);
    await Promise.all([...this.#connections].map(([connection, served]) => {
      connection.close();
      return served;
    }));
    clock.clearTimeout(grace);
  }

  async #accept({ listener, identity }: BoundListener): Promise<void> {
    const { clock } = this.#broker;
    for (let accepted = 1;; accepted++) {
      try {
        const isServed = this.#serveSocket(await listener.accept(), identity);
        const paceMs = isServed ? this.#sockets.pace(identity) : 0;
        if (paceMs > 0) await pause(clock, paceMs, this.#closing.signal);
        else if (accepted % MAX_ACCEPTED_PER_TURN === 0) await clock.yield();
      } catch (error) {
        if (this.#closed) return;
        if (hasLeft(error)) continue;
        if (!isOutOfDescriptors(error)) this.#broker.logger.error("Cannot accept", { error });
        else if (this.#descriptors?.makeRoom()) continue;
        else {
          this.#broker.counters.connections.refusedByShortage++;
          this.#shortage.add(this.connectionCount);
        }
        await this.#pause();
      }
    }
  }

  /** Connections wait in the system's backlog meanwhile. */
  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#broker.clock.setTimeout(resolve, ACCEPT_PAUSE_MS);
    });
  }

  #openEntrances(): Entrances {
    const { clock, config, counters } = this.#broker;
    return new Entrances({
      hasReserved: this.#sockets.hasReserved,
      clock,
      maxMs: () => config.get("connections.max.unauthenticated.ms"),
      onEnded: () => counters.authentications.ended++,
    });
  }

  /** The reason to refuse a new connection, if any. */
  #reasonToRefuse(listener: LimitedListener): Refusals | undefined {
    const { connections } = this.#broker.counters;
    const isReserved = this.#sockets.isReserved(listener);
    for (;;) {
      const reached = this.#sockets.reached(listener);
      if (reached === undefined) break;
      // Who is known stays, who is not makes room.
      const hasMade = reached === "broker"
        ? this.#entrances.makeRoom()
        : isReserved
        ? this.#entrances.makeReservedRoom()
        : this.#entrances.makeRoom(listener.name);
      if (hasMade) continue;
      if (reached === "broker" && isReserved) break;
      connections.refusedByLimit++;
      return this.#excess[reached];
    }
    if (this.#descriptors === undefined) return undefined;
    for (let made = 0; !this.#hasDescriptors(isReserved); made++) {
      // A descriptor may be free only later: that must not end all of them.
      if (made < MAX_ENDED_PER_ACCEPT && this.#makeDescriptorRoom(isReserved)) continue;
      connections.refusedByShortage++;
      return this.#shortage;
    }
    return undefined;
  }

  /** Whether there are enough descriptors besides those that are reserved for files and for brokers. */
  #hasDescriptors(isReserved: boolean): boolean {
    if (!this.#descriptors!.refill()) return false;
    return isReserved || this.#reservedDescriptors?.refill() !== false;
  }

  #makeDescriptorRoom(isReserved: boolean): boolean {
    if (this.#descriptors!.reclaim() || this.#addresses.makeRoom()) return true;
    if (this.#entrances.makeRoom()) return true;
    return isReserved &&
      (this.#reservedDescriptors!.lend() || this.#entrances.makeReservedRoom());
  }

  /**
   * Serves a connection, unless a limit is reached.
   *
   * @returns Whether it is served.
   * @throws If the client has already disconnected.
   */
  #serveSocket(conn: Deno.TcpConn | SecureConn, listener: LimitedListener): boolean {
    if (this.#closed) {
      conn.close();
      return false;
    }
    const refusals = this.#reasonToRefuse(listener);
    if (refusals !== undefined) {
      conn.close();
      this.#descriptors?.refill();
      refusals.add(this.connectionCount);
      return false;
    }
    try {
      if ("setNoDelay" in conn) conn.setNoDelay(true);
    } catch (error) {
      conn.close();
      throw error;
    }
    const { hostname, port } = conn.remoteAddr;
    if (!this.#addresses.enter(conn, hostname)) return false;
    this.#sockets.enter(conn, listener);
    const peer = formatHostPort({ host: hostname, port });
    const session: Session = {
      principal: ANONYMOUS,
      host: hostname,
      listener,
      isLocal: isLoopback(hostname),
    };
    if (listener.protocol === "PLAINTEXT") {
      this.#open(conn, peer, session);
      return true;
    }
    const authenticated = this.#authenticate(
      conn,
      peer,
      session,
      this.#sockets.isReserved(listener),
    );
    this.#authenticating.add(authenticated);
    authenticated.finally(() => this.#authenticating.delete(authenticated));
    return true;
  }

  /** Notes that a connection has ended. Can be called twice. */
  #leave(socket: ByteDuplex): void {
    this.#addresses.leave(socket);
    this.#sockets.leave(socket);
  }

  /** Serves a client once the handshake of TLS is complete and it has authenticated with SASL. */
  async #authenticate(
    socket: ByteDuplex | SecureConn,
    peer: string,
    anonymous: Session,
    isReserved: boolean,
  ): Promise<void> {
    const ended = new AbortController();
    const { signal } = ended;
    const { host, listener: { name } } = anonymous;
    const end = () => {
      ended.abort();
      this.#leave(socket);
      closeSocket(socket);
    };
    let session: Session | undefined = anonymous;
    if ("handshake" in socket) {
      const handshake = this.#entrances.enter("handshake", isReserved, name, host, end);
      session = await this.#tls.admit(socket, peer, anonymous);
      handshake.leave();
    }
    let admitted: Partial<Admitted> | undefined;
    if (session === undefined || signal.aborted) admitted = undefined;
    else if (!session.listener.protocol.startsWith("SASL_")) admitted = { session };
    else {
      const visit = this.#entrances.enter("login", isReserved, name, host, end);
      const onHeld = (bytes: number) => visit.hold(bytes);
      admitted = await this.#gate?.admit({ socket, peer, session, onHeld, signal });
      visit.leave();
    }
    if (admitted === undefined || signal.aborted || this.#closed) {
      this.#leave(socket);
      return closeSocket(socket);
    }
    this.#open(socket, peer, admitted.session!, admitted);
  }

  #open(
    socket: ByteDuplex,
    peer: string,
    session: Session,
    { unread, reauthentication, software }: Partial<Admitted> = {},
  ): void {
    const channel: FrameChannel = new StreamChannel(socket, peer, {
      maxFrameSize: this.#broker.config.get("socket.request.max.bytes"),
      admit: (size, head) => connection.admit(size, head),
      ...(unread === undefined ? {} : { unread }),
    });
    const connection = new Connection(
      channel,
      this.#broker,
      this.#handlers,
      this.#options,
      session,
      reauthentication,
    );
    if (software !== undefined) {
      const { name, version } = software;
      this.#broker.telemetry.noteSoftware(connection.ended, name, version);
    }
    this.#serve(connection, () => this.#leave(socket));
    // The credential may have changed since it was checked.
    connection.endIfRevoked();
  }

  /** Closes connections whose credentials have changed; changes of one turn are checked together. */
  #endRevoked(): void {
    if (this.#isRevoking) return;
    this.#isRevoking = true;
    queueMicrotask(() => {
      this.#isRevoking = false;
      for (const connection of this.#connections.keys()) connection.endIfRevoked();
    });
  }

  #serve(connection: Connection, onEnd: () => void = () => {}): void {
    const { connections } = this.#broker.counters;
    connections.opened++;
    const served = connection.serve().finally(() => {
      connections.closed++;
      this.#connections.delete(connection);
      onEnd();
    });
    this.#connections.set(connection, served);
  }

  #scheduleSweep(): void {
    this.#sweepTimer = this.#broker.clock.setTimeout(() => {
      const maxIdleMs = this.#broker.config.get("connections.max.idle.ms");
      const oldest = maxIdleMs < 0 ? -Infinity : this.#broker.clock.monotonic() - maxIdleMs;
      for (const connection of this.#connections.keys()) {
        if (connection.lastActiveMs < oldest && !connection.isBusy) connection.abort();
        else connection.endIfStalled();
      }
      this.#scheduleSweep();
    }, SWEEP_MS);
  }
}

function closeSocket(socket: ByteDuplex): void {
  try {
    socket.close();
  } catch (error) {
    // Deno closes a socket itself once both of its streams have ended.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Error codes of connections that the client closed before they were accepted. */
const LEFT: ReadonlySet<string> = new Set([
  "ECONNABORTED",
  "ECONNRESET",
  "EINVAL",
  "ENOTCONN",
  "EPIPE",
  "EPROTO",
]);

function hasLeft(error: unknown): boolean {
  return LEFT.has((error as { code?: string }).code ?? "");
}
