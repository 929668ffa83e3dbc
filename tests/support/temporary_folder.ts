/**
 * A folder that is gone after the test.
 *
 * @module
 */

import { join } from "@std/path";

/** A folder of its own for a test; `await using` removes it with all it holds. */
export class TemporaryFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes one. */
  static async create(): Promise<TemporaryFolder> {
    return new TemporaryFolder(await Deno.makeTempDir({ prefix: "dqueue-test-" }));
  }

  /** The path of something inside. */
  join(...names: string[]): string {
    return join(this.path, ...names);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
