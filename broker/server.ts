/**
 * Accepts connections and keeps the set of those that live.
 *
 * @module
 */

import { type FrameChannel, memoryChannels, StreamChannel } from "../protocol/channel.ts";
import { Connection, type ConnectionLimits } from "./connection.ts";
import type { BrokerContext } from "./handler.ts";
import type { HandlerTable } from "./handlers/mod.ts";
import { formatHostPort, type HostPort } from "./listener.ts";

/** How often connections are looked over for ones that have gone quiet, at most. */
const IDLE_SWEEP_MS = 10_000;
/** Answers of a connection that may wait for the client before we stop reading from it. */
const MAX_BACKLOG_BYTES = 1024 * 1024;
/** How long clients may take what was answered once the server closes. */
const CLOSE_GRACE_MS = 1000;

/** Serves Kafka's protocol on any number of addresses, and inside the process. */
export class Server {
  readonly #broker: BrokerContext;
  readonly #handlers: HandlerTable;
  readonly #limits: ConnectionLimits;
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #connections: Map<Connection, Promise<void>> = new Map();
  readonly #accepting: Promise<void>[] = [];
  #sweepTimer: number | undefined;
  #closed = false;

  constructor(broker: BrokerContext, handlers: HandlerTable) {
    this.#broker = broker;
    this.#handlers = handlers;
    this.#limits = {
      maxInFlight: broker.config.get("max.in.flight.requests.per.connection"),
      maxBacklog: MAX_BACKLOG_BYTES,
    };
    this.#scheduleSweep();
  }

  /** Connections that live. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /**
   * Binds an address. Clients can connect from now on, and are accepted after `start()`.
   *
   * @returns the address as bound.
   * @throws {Deno.errors.AddrInUse} if another program listens there.
   */
  bind({ host, port }: HostPort): HostPort {
    const listener = Deno.listen({ hostname: host, port, transport: "tcp" });
    this.#listeners.push(listener);
    return { host: listener.addr.hostname, port: listener.addr.port };
  }

  /** Starts to accept connections on every address bound. */
  start(): void {
    for (const listener of this.#listeners) this.#accepting.push(this.#accept(listener));
  }

  /** Opens a connection from inside this process and returns the client's end. */
  connect(): FrameChannel {
    if (this.#closed) throw new Deno.errors.ConnectionRefused("Cannot connect: broker has stopped");
    const [clientEnd, ourEnd] = memoryChannels();
    this.#serve(new Connection(ourEnd, this.#broker, this.#handlers, this.#limits));
    return clientEnd;
  }

  /**
   * Stops listening, ends every connection, and resolves when all have ended. A client that does not
   * take its answers cannot hold that up for longer than a moment.
   */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#sweepTimer !== undefined) this.#broker.clock.clearTimeout(this.#sweepTimer);
    for (const listener of this.#listeners) listener.close();
    await Promise.all(this.#accepting);
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

  async #accept(listener: Deno.TcpListener): Promise<void> {
    const { config, logger } = this.#broker;
    const maxConnections = config.get("max.connections");
    for (;;) {
      let conn: Deno.TcpConn;
      try {
        conn = await listener.accept();
      } catch (error) {
        if (this.#closed) return;
        // Out of descriptors, or a client that left before it was accepted: the others go on.
        logger.error("Cannot accept a connection", { error });
        await new Promise<void>((resolve) => this.#broker.clock.setTimeout(resolve, 100));
        continue;
      }
      if (this.#connections.size >= maxConnections) {
        logger.warn("Refused a connection: max.connections reached", { maxConnections });
        conn.close();
        continue;
      }
      this.#serveSocket(conn);
    }
  }

  #serveSocket(conn: Deno.TcpConn): void {
    const { remoteAddr } = conn;
    conn.setNoDelay(true);
    const channel: FrameChannel = new StreamChannel(
      conn,
      formatHostPort({ host: remoteAddr.hostname, port: remoteAddr.port }),
      {
        maxFrameSize: this.#broker.config.get("socket.request.max.bytes"),
        admit: (size, head) => connection.admit(size, head),
      },
    );
    const connection = new Connection(channel, this.#broker, this.#handlers, this.#limits);
    this.#serve(connection);
  }

  #serve(connection: Connection): void {
    const served = connection.serve().finally(() => this.#connections.delete(connection));
    this.#connections.set(connection, served);
  }

  #scheduleSweep(): void {
    const maxIdleMs = this.#broker.config.get("connections.max.idle.ms");
    if (maxIdleMs < 0) return;
    this.#sweepTimer = this.#broker.clock.setTimeout(() => {
      const oldest = this.#broker.clock.now() - maxIdleMs;
      for (const connection of this.#connections.keys()) {
        if (connection.lastActiveMs < oldest && !connection.isBusy) connection.abort();
      }
      this.#scheduleSweep();
    }, Math.min(IDLE_SWEEP_MS, maxIdleMs));
  }
}
