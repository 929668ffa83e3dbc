/**
 * Programs that tests need from outside the project, such as `kcat`.
 *
 * A test whose program is missing is ignored, and a line names the program. With
 * `DQUEUE_TEST_REQUIRE=all` in the environment it fails instead, so a machine that should have all of
 * them cannot pass without one.
 *
 * @module
 */

import { DELIMITER, join } from "@std/path";

const requireAll = Deno.env.get("DQUEUE_TEST_REQUIRE") === "all";
const found = new Map<string, string | undefined>();

/** Returns the path of a program, or undefined if it is not installed. */
export function outside(program: string): string | undefined {
  if (!found.has(program)) {
    const path = search(program);
    found.set(program, path);
    if (path === undefined) {
      console.log(`${program} is not installed: tests that need it are ignored`);
    }
  }
  return found.get(program);
}

function search(program: string): string | undefined {
  for (const folder of (Deno.env.get("PATH") ?? "").split(DELIMITER)) {
    const path = join(folder, program);
    try {
      if (Deno.statSync(path).isFile) return path;
    } catch {
      // It does not exist or cannot be read.
    }
  }
  return undefined;
}

/** Declares a test that needs a program from outside, and gets its path. */
export function testWith(
  program: string,
  name: string,
  run: (path: string, context: Deno.TestContext) => Promise<void>,
): void {
  testWithPath(program, outside(program), name, run);
}

/** Declares a test that needs something from outside, which is at `path` if it is there. */
export function testWithPath(
  what: string,
  path: string | undefined,
  name: string,
  run: (path: string, context: Deno.TestContext) => Promise<void>,
): void {
  Deno.test({
    name,
    ignore: path === undefined && !requireAll,
    fn: (context) => {
      if (path === undefined) throw new Error(`Cannot run test: ${what} is not installed`);
      return run(path, context);
    },
  });
}
