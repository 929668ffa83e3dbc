/**
 * How to start this program once more.
 *
 * @module
 */

/** A program and its first arguments. */
export interface OwnProgram {
  readonly path: string;
  readonly args: readonly string[];
}

/** Path of the sources, with a slash at the end. */
const ROOT = new URL("../../../../", import.meta.url);
/** The task whose permissions a broker has. */
const TASK = "start";

/** Returns the command that starts this program, up to its own arguments. */
export async function ownProgram(): Promise<OwnProgram> {
  const path = Deno.execPath();
  if (Deno.build.standalone) return { path, args: [] };
  const config = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  // Such as `deno run --allow-net main.ts serve`.
  const [, run, ...words]: string[] = config.tasks[TASK].split(" ");
  const flags = words.slice(0, words.indexOf("main.ts"));
  return {
    path,
    args: [
      run!,
      "--quiet",
      "--no-prompt",
      `--config=${pathOf("deno.json")}`,
      ...flags.map((flag) => flag.replace(/^--lock=(.*)/, (_, file) => `--lock=${pathOf(file)}`)),
      pathOf("main.ts"),
    ],
  };
}

function pathOf(name: string): string {
  const path = decodeURIComponent(new URL(name, ROOT).pathname);
  return Deno.build.os === "windows" ? path.slice(1) : path;
}
