/**
 * The network of a trial cluster: relays in front of the brokers and etcd, through which brokers can be
 * cut off without any privilege.
 *
 * Every connection to a broker goes through the broker's relay. Brokers name themselves `broker-ID` in
 * the header of each request, so the relay distinguishes them from clients by the first one. Each
 * broker reaches etcd through a relay of its own. A connection that is cut carries nothing and stays
 * open, as if a cable had been pulled: what was sent meanwhile arrives after the cut.
 *
 * @module
 */

/** An address. */
export interface TrialAddress {
  readonly hostname: string;
  readonly port: number;
}

/** Position of the client id in a request: after size, API key, version and correlation id. */
const CLIENT_ID_AT = 12;
/** Client ids of brokers, and of parts of them. */
const BROKER_CLIENT_ID = /^broker-(\d+)(?!\d)/;

/** Which brokers are cut off. */
export class TrialNetwork {
  readonly #cut: Map<number, PromiseWithResolvers<void>> = new Map();

  /** Cuts a broker off from the other brokers and etcd. */
  cut(id: number): void {
    if (!this.#cut.has(id)) this.#cut.set(id, Promise.withResolvers());
  }

  /** Connects a broker again. */
  heal(id: number): void {
    this.#cut.get(id)?.resolve();
    this.#cut.delete(id);
  }

  /** Whether a broker is cut off. */
  isCut(id: number): boolean {
    return this.#cut.has(id);
  }

  /** Resolves when none of the brokers is cut off; undefined if none is. */
  whenConnected(ids: readonly number[]): Promise<void> | undefined {
    const cuts = ids.flatMap((id) => this.#cut.get(id)?.promise ?? []);
    if (cuts.length === 0) return undefined;
    return Promise.all(cuts).then(() => this.whenConnected(ids));
  }
}

/** How to relay. */
export interface TrialRelayOptions {
  readonly network: TrialNetwork;
  /** Where it listens; port 0 for any free one. */
  readonly listen: TrialAddress;
  /** The broker at one end of each connection. */
  readonly broker: number;
  /** Whether the other end is etcd; otherwise a client or a broker. */
  readonly isToEtcd: boolean;
}

/** A relay in front of one address. */
export class TrialRelay {
  readonly #options: TrialRelayOptions;
  readonly #connections: Set<Deno.Conn> = new Set();
  #listener: Deno.TcpListener | undefined;
  #target: PromiseWithResolvers<TrialAddress> = Promise.withResolvers();
  /** Where it listens. */
  readonly address: TrialAddress;

  /**
   * Begins to listen.
   *
   * @throws {Deno.errors.AddrInUse} If the port is in use.
   */
  constructor(options: TrialRelayOptions) {
    this.#options = options;
    this.#listener = Deno.listen(options.listen);
    this.address = { ...options.listen, port: this.#listener.addr.port };
    this.#accept(this.#listener);
  }

  /** Connections are passed on to an address. Before, they wait. */
  connectTo(target: TrialAddress): void {
    this.#target.resolve(target);
  }

  /** Listens again after {@linkcode close}. */
  open(): void {
    if (this.#listener !== undefined) return;
    this.#target = Promise.withResolvers();
    this.#listener = Deno.listen(this.address);
    this.#accept(this.#listener);
  }

  /** Ends all connections, and refuses others, as the system does when a process is gone. */
  close(): void {
    this.#listener?.close();
    this.#listener = undefined;
    for (const connection of this.#connections) this.#end(connection);
  }

  async #accept(listener: Deno.TcpListener): Promise<void> {
    try {
      for await (const connection of listener) this.#relay(connection);
    } catch (error) {
      if (this.#listener === listener) throw error;
    }
  }

  async #relay(near: Deno.TcpConn): Promise<void> {
    const connections = this.#connections;
    connections.add(near);
    let far: Deno.TcpConn | undefined;
    try {
      const target = await this.#target.promise;
      const { brokers, first } = await this.#ends(near);
      await this.#options.network.whenConnected(brokers);
      if (!connections.has(near)) return;
      far = await Deno.connect(target);
      if (!connections.has(near)) return;
      connections.add(far);
      for (const each of [near, far]) each.setNoDelay(true);
      await writeAll(far, first);
      await Promise.all([this.#pump(near, far, brokers), this.#pump(far, near, brokers)]);
    } catch {
      // The end of one side ends the other.
    } finally {
      this.#end(near);
      if (far !== undefined) this.#end(far);
    }
  }

  /** The brokers at the ends of a connection that can be cut, and what was read to find them. */
  async #ends(near: Deno.Conn): Promise<{ brokers: number[]; first: Uint8Array }> {
    const { broker, isToEtcd } = this.#options;
    if (isToEtcd) return { brokers: [broker], first: new Uint8Array() };
    let first = new Uint8Array();
    const chunk = new Uint8Array(4096);
    for (;;) {
      const clientId = clientIdOf(first);
      if (clientId !== undefined) {
        const [, from] = BROKER_CLIENT_ID.exec(clientId) ?? [];
        return { brokers: from === undefined ? [] : [Number(from), broker], first };
      }
      const count = await near.read(chunk);
      if (count === null) return { brokers: [], first };
      const longer = new Uint8Array(first.length + count);
      longer.set(first);
      longer.set(chunk.subarray(0, count), first.length);
      first = longer;
    }
  }

  async #pump(from: Deno.TcpConn, to: Deno.TcpConn, brokers: readonly number[]): Promise<void> {
    const chunk = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await from.read(chunk);
        await this.#options.network.whenConnected(brokers);
        if (count === null) break;
        await writeAll(to, chunk.subarray(0, count));
      }
      await to.closeWrite();
    } catch (error) {
      // The other direction may be waiting for data.
      this.#end(from);
      this.#end(to);
      throw error;
    }
  }

  #end(connection: Deno.Conn): void {
    this.#connections.delete(connection);
    close(connection);
  }
}

/** The client id in the beginning of a request; undefined if more of it is needed. */
export function clientIdOf(bytes: Uint8Array): string | undefined {
  if (bytes.length < CLIENT_ID_AT + 2) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getInt16(CLIENT_ID_AT);
  const start = CLIENT_ID_AT + 2;
  // A longer one is not a broker's.
  const end = start + Math.min(Math.max(length, 0), 100);
  if (bytes.length < end) return undefined;
  return new TextDecoder().decode(bytes.subarray(start, end));
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await to.write(bytes.subarray(written));
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
