/**
 * Real etcd for tests: members of one cluster, each a process on ports of its own, which can be stopped,
 * killed and started again.
 *
 * @module
 */

import { join } from "@std/path";
import type { Certificates } from "./certificates.ts";
import { freePort } from "./free_port.ts";
import type { Machine } from "./machine.ts";

/** How a cluster of etcd is to be. */
export interface EtcdClusterOptions {
  /** The program. */
  readonly path: string;
  /** Members. Default: 1. */
  readonly size?: number;
  /** Further flags of each. */
  readonly flags?: readonly string[];
  /** Certificates, for members that are reached by TLS only. */
  readonly certificates?: Certificates;
  /** Where the members run, one each. Default: here, on free ports. */
  readonly machines?: readonly Machine[];
}

const CLIENT_PORT = 2379;
const PEER_PORT = 2380;

interface Member {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly machine: Machine | undefined;
  child: Deno.ChildProcess | undefined;
}

/** A cluster of etcd that runs. */
export class EtcdCluster implements AsyncDisposable {
  readonly #folder: string;
  readonly #options: EtcdClusterOptions;
  readonly #members: readonly Member[];
  readonly #client: Deno.HttpClient;

  private constructor(folder: string, options: EtcdClusterOptions, members: readonly Member[]) {
    this.#folder = folder;
    this.#options = options;
    this.#members = members;
    this.#client = Deno.createHttpClient(options.certificates?.client ?? {});
  }

  /** Starts one; it serves when this resolves. */
  static async start(options: EtcdClusterOptions): Promise<EtcdCluster> {
    const folder = await Deno.makeTempDir({ prefix: "dqueue-etcd-" });
    const { size = 1, certificates, machines } = options;
    const scheme = certificates === undefined ? "http" : "https";
    const members = Array.from({ length: size }, (_, i): Member => {
      const machine = machines?.[i];
      const address = (port: number) =>
        machine === undefined ? `127.0.0.1:${freePort()}` : `${machine.host}:${port}`;
      return {
        name: `m${i}`,
        clientUrl: `${scheme}://${address(CLIENT_PORT)}`,
        peerUrl: `http://${address(PEER_PORT)}`,
        machine,
        child: undefined,
      };
    });
    const cluster = new EtcdCluster(folder, options, members);
    try {
      for (const index of members.keys()) cluster.#spawn(index);
      for (const index of members.keys()) await cluster.ready(index);
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** Where clients reach the members, as URLs. */
  get endpoints(): readonly string[] {
    return this.#members.map(({ clientUrl }) => clientUrl);
  }

  /** The ids of the processes of the members that run. */
  get pids(): readonly number[] {
    return this.#members.flatMap(({ child }) => child?.pid ?? []);
  }

  /** Ends a member as a crash does. */
  async kill(index: number): Promise<void> {
    const member = this.#members[index]!;
    member.child?.kill("SIGKILL");
    await member.child?.status;
    member.child = undefined;
  }

  /** Stops a member where it is; `resume` lets it run again. */
  pause(index: number): void {
    this.#members[index]!.child?.kill("SIGSTOP");
  }

  /** Lets a member run that was paused. */
  resume(index: number): void {
    this.#members[index]!.child?.kill("SIGCONT");
  }

  /** Starts a member that was killed, on its data. */
  restart(index: number): void {
    this.#spawn(index);
  }

  /** Deletes what a member has, so that it begins as new. Of one that does not run. */
  async erase(index: number): Promise<void> {
    await Deno.remove(this.#folderOf(index), { recursive: true });
  }

  /** Copies what a member has. Of one that does not run. */
  async backUp(index: number): Promise<void> {
    await copy(this.#folderOf(index), `${this.#folderOf(index)}.backup`);
  }

  /** Replaces what a member has by its backup. Of one that does not run. */
  async restore(index: number): Promise<void> {
    await this.erase(index);
    await copy(`${this.#folderOf(index)}.backup`, this.#folderOf(index));
  }

  /** The member that leads. */
  async leader(): Promise<number> {
    for (;;) {
      for (const [index, { child }] of this.#members.entries()) {
        if (child === undefined) continue;
        const status = await this.ask(index, "/v3/maintenance/status", {});
        const { leader, header } = status as { leader?: string; header: { member_id: string } };
        if (leader !== undefined && leader === header.member_id) return index;
      }
    }
  }

  /** Forgets all revisions before one. */
  async compact(revision: number): Promise<void> {
    await this.ask(0, "/v3/kv/compaction", { revision: String(revision), physical: true });
  }

  /** Gives the space of forgotten revisions back, and disarms the alarm of a full database. */
  async makeRoom(): Promise<void> {
    for (const index of this.#members.keys()) {
      await this.ask(index, "/v3/maintenance/defragment", {});
    }
    const answer = await this.ask(0, "/v3/maintenance/alarm", {});
    for (const alarm of (answer as { alarms?: object[] }).alarms ?? []) {
      await this.ask(0, "/v3/maintenance/alarm", { ...alarm, action: "DEACTIVATE" });
    }
  }

  /** Asks a member something. */
  async ask(index: number, path: string, body: object): Promise<unknown> {
    const response = await fetch(this.#members[index]!.clientUrl + path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { connection: "close" },
      client: this.#client,
    });
    return await response.json();
  }

  /** Resolves when a member answers with a leader known. */
  async ready(index: number): Promise<void> {
    for (let attempt = 0;; attempt++) {
      try {
        const answer = await this.ask(index, "/v3/kv/range", { key: "YQ==" });
        if ((answer as { header?: unknown }).header !== undefined) return;
      } catch {
        // Not yet there.
      }
      if (attempt === 300) throw new Error(`etcd member ${index} does not start`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const index of this.#members.keys()) await this.kill(index);
    this.#client.close();
    await Deno.remove(this.#folder, { recursive: true });
  }

  #folderOf(index: number): string {
    return join(this.#folder, this.#members[index]!.name);
  }

  #spawn(index: number): void {
    const { path, flags = [], certificates } = this.#options;
    const isAlone = this.#members.length === 1;
    const member = this.#members[index]!;
    const { name, clientUrl, peerUrl } = member;
    const command = {
      path,
      args: [
        "--name",
        name,
        "--data-dir",
        join(this.#folder, name),
        "--listen-client-urls",
        clientUrl,
        "--advertise-client-urls",
        clientUrl,
        "--listen-peer-urls",
        peerUrl,
        "--initial-advertise-peer-urls",
        peerUrl,
        "--initial-cluster",
        this.#members.map((of) => `${of.name}=${of.peerUrl}`).join(","),
        "--heartbeat-interval",
        isAlone ? "10" : "50",
        "--election-timeout",
        isAlone ? "100" : "500",
        ...(certificates === undefined ? [] : [
          "--cert-file",
          certificates.server.certFile,
          "--key-file",
          certificates.server.keyFile,
          "--trusted-ca-file",
          certificates.caFile,
          "--client-cert-auth",
        ]),
        ...flags,
      ],
    };
    const { path: program, args } = member.machine?.command(command) ?? command;
    member.child = new Deno.Command(program, {
      args: [...args],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
  }
}

/** Copies a folder with what is in it. */
async function copy(from: string, to: string): Promise<void> {
  await Deno.mkdir(to);
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copy(join(from, name), join(to, name));
    else await Deno.copyFile(join(from, name), join(to, name));
  }
}
