/**
 * A log of a broker in another process, observed through its files.
 *
 * @module
 */

import { readOffsetCheckpoint } from "../../../storage/file_system/checkpoint_file.ts";
import { DenoFileSystem } from "../../../storage/file_system/deno_file_system.ts";

/** The log of a partition. */
export class ObservedLog {
  readonly #data: string;
  readonly #name: string;

  /**
   * @param data The broker's data folder.
   * @param name The partition's folder, for instance `orders-3`.
   */
  constructor(data: string, name: string) {
    this.#data = data;
    this.#name = name;
  }

  /** Bytes of its segments. */
  get sizeInBytes(): number {
    return this.#segments
      .reduce((sum, name) => sum + Deno.statSync(`${this.#data}/${this.#name}/${name}`).size, 0);
  }

  /** The base offset of the active segment. */
  get activeOffset(): number {
    return Number.parseInt(this.#segments.at(-1)!);
  }

  /** How far it is compacted. */
  get cleanOffset(): number {
    const path = `${this.#data}/cleaner-offset-checkpoint`;
    return readOffsetCheckpoint(new DenoFileSystem(), path).get(this.#name) ?? 0;
  }

  get #segments(): string[] {
    return Array.from(Deno.readDirSync(`${this.#data}/${this.#name}`), ({ name }) => name)
      .filter((name) => name.endsWith(".log")).sort();
  }
}
