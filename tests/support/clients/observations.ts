/**
 * Programs of other languages that print what they observe, a line each: `name: what`.
 *
 * @module
 */

import { DELIMITER, dirname, join } from "@std/path";
import { outside } from "../outside.ts";
import { within } from "../within.ts";

const LIMIT_MS = 120_000;

/** Runs a program to its end, and returns what it observed by name. */
export async function observationsOf(
  path: string,
  args: readonly string[],
): Promise<Record<string, string>> {
  const child = new Deno.Command(path, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  try {
    const { code, stdout, stderr } = await within(child.output(), args.join(" "), LIMIT_MS);
    const text = new TextDecoder().decode(stdout);
    if (code !== 0) {
      throw new Error(`${path} ended with ${code}:\n${text}\n${new TextDecoder().decode(stderr)}`);
    }
    return Object.fromEntries(
      text.trimEnd().split("\n").map((line) => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2)];
      }),
    );
  } catch (error) {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
    throw error;
  }
}

/** A file beside this one. */
function beside(...names: string[]): string {
  return join(import.meta.dirname!, ...names);
}

/** The path of a program for `java`, which compiles it when it starts. */
export function javaProgram(name: string): string {
  return beside("java", `${name}.java`);
}

/**
 * The options of `java` for programs with Kafka's libraries, which lie beside its tools or, in Kafka's own
 * distribution, in a folder beside that of the tools.
 *
 * @param tool The path of one of Kafka's tools.
 */
export function javaOptions(tool: string): string[] {
  const folder = dirname(tool);
  const libraries = [join(folder, "lib"), join(folder, "..", "libs")];
  const path = libraries.map((library) => join(library, "*")).join(":");
  return [
    "-Xmx256m",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
    "-cp",
    path,
  ];
}

/**
 * Returns the path of one of Kafka's tools if a library is beside it and Java can compile; else undefined, and
 * a line names what is missing.
 */
export function toolsWith(library: string): string | undefined {
  const [tool, compiler] = [outside(KAFKA_TOOL), outside("javac")];
  if (tool === undefined || compiler === undefined) return undefined;
  const folder = dirname(tool);
  const isThere = [join(folder, "lib"), join(folder, "..", "libs")].some((path) => {
    try {
      return Array.from(Deno.readDirSync(path)).some(({ name }) => name.startsWith(`${library}-`));
    } catch {
      return false;
    }
  });
  if (isThere) return tool;
  console.log(`${library} is not beside ${KAFKA_TOOL}: tests that need it are ignored`);
  return undefined;
}

/** The tool by which Kafka's libraries are found. */
const KAFKA_TOOL = "kafka-topics.sh";

/** The path of a program for confluent-kafka that logs in. */
export const oauthLoginProgram: string = beside("oauth_login.py");

/** The path of a program for confluent-kafka that writes and reads while sessions end. */
export const reauthenticationProgram: string = beside("reauthentication.py");

/** The path of the program for confluent-kafka. */
export const CONFLUENT_PROGRAM: string = beside("confluent_transactions.py");

/** Returns the path of a Python that has confluent-kafka; else undefined, and a line says so. */
export function pythonWithConfluent(): string | undefined {
  const folders = (Deno.env.get("PATH") ?? "").split(DELIMITER);
  for (const path of [...folders, "/usr/bin"].map((folder) => join(folder, "python3"))) {
    try {
      const args = ["-c", "import confluent_kafka"];
      const { success } = new Deno.Command(path, { args, stderr: "null" }).outputSync();
      if (success) return path;
    } catch {
      // It does not exist.
    }
  }
  console.log("confluent-kafka for Python is not installed: tests that need it are ignored");
  return undefined;
}
