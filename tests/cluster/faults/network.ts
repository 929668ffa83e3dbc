/**
 * A network of machines, each with its own network namespace and cable, on a machine that only has one.
 *
 * Cables can be unplugged, and what one machine sends to another can be lost: in silence, without any
 * connection being closed. The process that makes the network is the router between the machines; it
 * must run in a namespace of its own (`inPrivateNamespace()`), which ends with it.
 *
 * @module
 */

import type { CommandLine } from "../../support/broker/dqueue.ts";
import type { Machine } from "../../support/machine.ts";

/** The networks of the machines are 10.211.1.0/24, 10.211.2.0/24 and so on. */
const PREFIX = "10.211";
/** Says that this process runs in a namespace of its own. */
const MARK = "FAULTS_NETWORK";
/** With the first process in it, all that run in a namespace of processes end. */
const PROCESSES = ["--pid", "--mount-proc", "--kill-child"];
const UNSHARE = ["--user", "--map-root-user", "--net", "--mount", ...PROCESSES, "--"];
/** Makes the folder in which `ip` keeps namespaces one of this process alone. */
const PREPARE = "mount -t tmpfs tmpfs /run && mkdir /run/netns && ip link set lo up && " +
  "sysctl -qw net.ipv4.ip_forward=1";

/** Whether this process runs in a private namespace. */
export function isInPrivateNamespace(): boolean {
  return Deno.env.get(MARK) !== undefined;
}

/** A command that runs another one in private namespaces of users, mounts, processes and the network. */
export function inPrivateNamespace({ path, args }: CommandLine): CommandLine {
  const script = `${PREPARE} && export ${MARK}=1 && exec "$@"`;
  return { path: "unshare", args: [...UNSHARE, "sh", "-c", script, "sh", path, ...args] };
}

/** Why this machine cannot make private networks; undefined if it can. */
export async function obstacle(): Promise<string | undefined> {
  const { path, args } = inPrivateNamespace({ path: "ip", args: ["netns", "add", "try"] });
  try {
    const { success, stderr } = await new Deno.Command(path, { args: [...args] }).output();
    return success ? undefined : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return `unshare: ${(error as Error).message}`;
  }
}

/** A network whose router is this process. */
export class FaultNetwork {
  readonly #numbers: Map<string, number> = new Map();
  readonly #unplugged: Set<string> = new Set();
  readonly #blocked: (readonly [from: string, to: string])[] = [];

  /** Makes a network without machines. */
  static async create(): Promise<FaultNetwork> {
    // To a machine that is unplugged there is no way, and the router does not say so.
    await ip("route", "replace", "blackhole", `${PREFIX}.0.0/16`);
    return new FaultNetwork();
  }

  /** Removes all machines; their processes must have ended. */
  async remove(): Promise<void> {
    await this.heal();
    for (const [name, number] of this.#numbers) {
      await ip("link", "del", cableOf(number));
      await ip("netns", "del", name);
    }
    this.#numbers.clear();
  }

  /** Adds a machine. */
  async add(name: string): Promise<Machine> {
    const number = this.#numbers.size + 1;
    this.#numbers.set(name, number);
    const host = hostOf(number);
    await ip("netns", "add", name);
    await ip("link", "add", cableOf(number), "type", "veth", "peer", "name", "eth0", "netns", name);
    await ip("addr", "add", `${PREFIX}.${number}.1/24`, "dev", cableOf(number));
    await ip("link", "set", cableOf(number), "up");
    await ip("-n", name, "addr", "add", `${host}/24`, "dev", "eth0");
    await ip("-n", name, "link", "set", "eth0", "up");
    await ip("-n", name, "link", "set", "lo", "up");
    await ip("-n", name, "route", "add", "default", "via", `${PREFIX}.${number}.1`);
    return {
      name,
      host,
      command: ({ path, args }) => ({ path: "ip", args: ["netns", "exec", name, path, ...args] }),
    };
  }

  /** Unplugs the cable of a machine. */
  async unplug({ name }: Machine): Promise<void> {
    this.#unplugged.add(name);
    await ip("link", "set", cableOf(this.#numbers.get(name)!), "down");
  }

  /** Loses what one machine sends to another. */
  async block(from: Machine, to: Machine): Promise<void> {
    this.#blocked.push([from.host, to.host]);
    await ip("rule", "add", "from", from.host, "to", to.host, "blackhole");
  }

  /** Loses what two machines send to each other. */
  async cut(one: Machine, other: Machine): Promise<void> {
    await this.block(one, other);
    await this.block(other, one);
  }

  /** Plugs all cables in, and loses nothing any more. */
  async heal(): Promise<void> {
    for (const name of this.#unplugged) {
      await ip("link", "set", cableOf(this.#numbers.get(name)!), "up");
    }
    this.#unplugged.clear();
    for (const [from, to] of this.#blocked.splice(0)) {
      await ip("rule", "del", "from", from, "to", to, "blackhole");
    }
  }
}

function hostOf(number: number): string {
  return `${PREFIX}.${number}.2`;
}

function cableOf(number: number): string {
  return `cable${number}`;
}

async function ip(...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", { args }).output();
  if (!success) throw new Error(`ip ${args.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}
