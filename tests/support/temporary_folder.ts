/**
 * A temporary folder for a test.
 *
 * @module
 */

import { join } from "@std/path";

/** A temporary folder; `await using` removes it with its contents. */
export class TemporaryFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Creates the folder. */
  static async create(): Promise<TemporaryFolder> {
    return new TemporaryFolder(await Deno.makeTempDir({ prefix: "dqueue-test-" }));
  }

  /** Returns the path of a file inside. */
  join(...names: string[]): string {
    return join(this.path, ...names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
