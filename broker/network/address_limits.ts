/**
 * Limits the connections of each address: how many are open, and how many are opened in a second
 * (KIP-612). `listener_limits.ts` limits those of listeners.
 *
 * A connection of an address that opens too many is kept for a while without being read, and then
 * closed: a client that reconnects at once is slowed down.
 *
 * @module
 */

import { addressGroup } from "../../protocol/ip_address.ts";
import { parseOverrides } from "../settings/connection_settings.ts";
import type { BrokerContext } from "../handler.ts";
import { Refusals } from "./refusals.ts";

/** Most connections that are kept without being read; further ones are closed at once. */
const MAX_HELD = 1000;
/** Longest time that one is kept. */
const MAX_HOLD_MS = 30_000;

/** Something that can be closed. */
type Socket = Pick<Deno.TcpConn, "close">;

/** The connections of a server by address. */
export class AddressLimits {
  readonly #broker: Pick<BrokerContext, "config" | "clock" | "logger" | "quotas" | "counters">;
  readonly #counts: Map<string, number> = new Map();
  readonly #groups: Map<Socket, string> = new Map();
  /** Timers of connections that are kept without being read. */
  readonly #held: Map<Socket, number> = new Map();
  readonly #excess: Refusals;
  readonly #haste: Refusals;
  #overrides: ReadonlyMap<string, number> = new Map();
  #overridesText = "";

  constructor(broker: Pick<BrokerContext, "config" | "clock" | "logger" | "quotas" | "counters">) {
    this.#broker = broker;
    this.#excess = new Refusals("max.connections.per.ip of an address are open", broker);
    this.#haste = new Refusals("an address opens more than its quota allows", broker);
  }

  /** Counts a new connection of an address. If it is over a limit it returns false, and is taken care of. */
  enter(socket: Socket, host: string): boolean {
    const { quotas, counters: { connections } } = this.#broker;
    const group = addressGroup(host);
    const count = this.#counts.get(group) ?? 0;
    if (count >= this.#limitOf(group)) {
      connections.refusedByLimit++;
      this.#excess.add(count);
      socket.close();
      return false;
    }
    const delayMs = quotas.connected(host);
    if (delayMs > 0) {
      connections.refusedByLimit++;
      this.#haste.add(count);
      this.#hold(socket, delayMs);
      return false;
    }
    this.#groups.set(socket, group);
    this.#counts.set(group, count + 1);
    return true;
  }

  /** Notes that a connection has ended. */
  leave(socket: Socket): void {
    const group = this.#groups.get(socket);
    if (group === undefined) return;
    this.#groups.delete(socket);
    const count = this.#counts.get(group)! - 1;
    if (count === 0) this.#counts.delete(group);
    else this.#counts.set(group, count);
  }

  /** Closes the connection that was kept longest without being read; false if there is none. */
  makeRoom(): boolean {
    for (const [socket, timer] of this.#held) {
      this.#broker.clock.clearTimeout(timer);
      this.#held.delete(socket);
      socket.close();
      return true;
    }
    return false;
  }

  /** Closes what is kept. */
  close(): void {
    this.#excess.close();
    this.#haste.close();
    while (this.makeRoom());
  }

  #limitOf(group: string): number {
    const { config } = this.#broker;
    const text = config.get("max.connections.per.ip.overrides");
    if (text !== this.#overridesText) {
      this.#overrides = parseOverrides(text);
      this.#overridesText = text;
    }
    return this.#overrides.get(group) ?? config.get("max.connections.per.ip");
  }

  #hold(socket: Socket, delayMs: number): void {
    if (this.#held.size >= MAX_HELD) return socket.close();
    const timer = this.#broker.clock.setTimeout(() => {
      this.#held.delete(socket);
      socket.close();
    }, Math.min(delayMs, MAX_HOLD_MS));
    this.#held.set(socket, timer);
  }
}
