/**
 * A small disk: a tmpfs of a few megabytes, which fails with ENOSPC when full.
 *
 * Mounting requires root or a mount namespace. In a namespace only processes that enter it see the disk:
 * start them with the command that {@linkcode SmallDisk.wrap} returns.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import type { CommandLine } from "./dqueue.ts";
import { TemporaryFolder } from "../temporary_folder.ts";
import { within } from "../within.ts";

/** A small disk, removed on disposal. */
export class SmallDisk implements AsyncDisposable {
  readonly #folder: TemporaryFolder;
  /** The process that keeps the namespace, if there is one. */
  readonly #holder: Deno.ChildProcess | undefined;

  private constructor(
    folder: TemporaryFolder,
    holder: Deno.ChildProcess | undefined,
  ) {
    this.#folder = folder;
    this.#holder = holder;
  }

  /** Makes a disk of `sizeMb` megabytes; undefined if this user cannot. */
  static async create(sizeMb: number): Promise<SmallDisk | undefined> {
    const folder = await TemporaryFolder.create();
    const mount = ["mount", "-t", "tmpfs", "-o", `size=${sizeMb}m`, "dqueue-test", folder.path];
    if (await succeeds(mount)) return new SmallDisk(folder, undefined);
    const holder = await holdNamespace(mount);
    if (holder !== undefined) return new SmallDisk(folder, holder);
    await folder[Symbol.asyncDispose]();
    return undefined;
  }

  /** Returns the path of a file on it. */
  join(name: string): string {
    return this.#folder.join(name);
  }

  /** Returns the command that runs a program which sees the disk. */
  wrap({ path, args }: CommandLine): CommandLine {
    if (this.#holder === undefined) return { path, args };
    const enter = ["-t", `${this.#holder.pid}`, "-U", "-m", "--preserve-credentials", "--"];
    return { path: "nsenter", args: [...enter, path, ...args] };
  }

  /** Fills the disk except for some megabytes. */
  async fill(leftMb: number): Promise<void> {
    const filler = this.join("filler");
    await this.#shell(`! cat /dev/zero > "${filler}" && truncate -s -${leftMb}M "${filler}"`);
  }

  /** Frees the filled space. */
  async free(): Promise<void> {
    await this.#shell(`rm -f "${this.join("filler")}"`);
  }

  async #shell(script: string): Promise<void> {
    const { path, args } = this.wrap({ path: "sh", args: ["-c", script] });
    assertEquals(await succeeds([path, ...args]), true, script);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#holder === undefined) {
      assertEquals(await succeeds(["umount", this.#folder.path]), true, "umount");
    } else {
      this.#holder.kill("SIGKILL");
      await this.#holder.status;
    }
    await this.#folder[Symbol.asyncDispose]();
  }
}

async function succeeds([path, ...args]: readonly string[]): Promise<boolean> {
  try {
    const options = { args, stdin: "null", stdout: "null", stderr: "null" } as const;
    return (await within(new Deno.Command(path!, options).output(), path!)).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Starts a process in a mount namespace in which a command was run; undefined if the command failed. */
async function holdNamespace(mount: readonly string[]): Promise<Deno.ChildProcess | undefined> {
  const script = '"$@" && echo mounted && exec sleep 3600';
  let child;
  try {
    child = new Deno.Command("unshare", {
      args: ["-Urm", "--", "sh", "-c", script, "sh", ...mount],
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  const reader = child.stdout.getReader();
  const { done } = await within(reader.read(), "the mount in a namespace");
  await reader.cancel();
  if (!done) return child;
  await child.status;
  return undefined;
}
