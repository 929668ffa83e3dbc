/**
 * Checks that the documents name only files and folders that exist.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { toFileUrl } from "@std/path";
import { ROOT } from "../support/broker/dqueue.ts";

/** Folders whose documents are checked. */
const FOLDERS = [
  "",
  ".github/",
  ".github/decisions/",
  "bench/",
  "client/",
  "storage/",
  "tests/",
  "tests/simulation/",
];

/** The folders of the project, as the first part of a path. */
const TOP = "(?:\\.ci|\\.deno|\\.github|bench|broker|cli|client|examples|protocol|storage|tests)";

/** Code that is a path: from the top of the project, or the name of a TypeScript file. */
const PATH = new RegExp(`^(?:${TOP}/[\\w./-]*|[a-z][\\w-]*(?:/[\\w-]+)*\\.ts)$`);

/** Returns the paths that a document names, by links and as code, each relative to the document. */
function pathsIn(markdown: string): { links: string[]; code: string[] } {
  const links = Array.from(markdown.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g), ([, path]) => path!);
  const code = Array.from(markdown.matchAll(/`([^`\n]+)`/g), ([, text]) => text!);
  return {
    links: links.filter((path) => !/^[a-z]+:/.test(path)),
    code: code.filter((text) => PATH.test(text)),
  };
}

/** Returns the anchors of a document's headings, as GitHub makes them. */
function anchorsOf(markdown: string): Set<string> {
  const headings = Array.from(markdown.matchAll(/^#+ (.+)$/gm), ([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
    ),
  );
}

async function exists(url: URL): Promise<boolean> {
  try {
    await Deno.stat(url);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Returns the names of all files of the project that have tests or code. */
async function fileNames(folder: URL, names = new Set<string>()): Promise<Set<string>> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name === "node_modules" || entry.name === ".git") continue;
    if (entry.isDirectory) await fileNames(new URL(`${entry.name}/`, folder), names);
    else names.add(entry.name);
  }
  return names;
}

const root = toFileUrl(ROOT);

for (const folder of FOLDERS) {
  for await (const entry of Deno.readDir(new URL(folder, root))) {
    if (!entry.name.endsWith(".md")) continue;
    const document = `${folder}${entry.name}`;
    Deno.test(`${document}: names only files that exist`, async () => {
      const url = new URL(document, root);
      const { links, code } = pathsIn(await Deno.readTextFile(url));
      const names = await fileNames(root);
      const missing: string[] = [];
      for (const path of links) if (!await exists(new URL(path, url))) missing.push(path);
      for (const path of code) {
        const isThere = path.includes("/")
          ? await exists(new URL(path, root)) || await exists(new URL(path, url))
          : names.has(path);
        if (!isThere) missing.push(path);
      }
      assertEquals(missing, []);
    });

    Deno.test(`${document}: links only to headings that exist`, async () => {
      const url = new URL(document, root);
      const markdown = await Deno.readTextFile(url);
      const missing: string[] = [];
      for (const [, path, anchor] of markdown.matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)) {
        const target = await Deno.readTextFile(path === "" ? url : new URL(path!, url));
        if (!anchorsOf(target).has(anchor!)) missing.push(`${path}#${anchor}`);
      }
      assertEquals(missing, []);
    });
  }
}

Deno.test("ARCHITECTURE.md: names only classes and functions that exist", async () => {
  const markdown = await Deno.readTextFile(new URL(".github/ARCHITECTURE.md", root));
  const symbols = new Set(
    Array.from(
      markdown.matchAll(/`([A-Z][a-z]+[A-Z]\w*|[a-z]+[A-Z]\w*|[A-Z]+_[A-Z_]+)`/g),
      ([, name]) => name!,
    ),
  );
  const code = await codeOf(["broker", "cli", "client", "protocol", "storage"]);
  assert(symbols.size > 0, "the document names symbols");
  assertEquals([...symbols].filter((name) => !new RegExp(`\\b${name}\\b`).test(code)), []);
});

Deno.test("ARCHITECTURE.md: names only tests that exist", async () => {
  const markdown = await Deno.readTextFile(new URL(".github/ARCHITECTURE.md", root));
  const named = [...markdown.matchAll(/`([\w/]+_test\.ts)` "([^"]+)"/g)];
  assert(named.length > 0, "the document names tests");
  for (const [, path, name] of named) {
    const code = await Deno.readTextFile(new URL(path!, root));
    assert(code.includes(`"${name}"`), `${path} has no test "${name}"`);
  }
});

/** Returns the code of all TypeScript files in some folders. */
async function codeOf(folders: readonly string[]): Promise<string> {
  const parts: string[] = [];
  const read = async (folder: URL) => {
    for await (const entry of Deno.readDir(folder)) {
      const url = new URL(entry.isDirectory ? `${entry.name}/` : entry.name, folder);
      if (entry.isDirectory) await read(url);
      else if (entry.name.endsWith(".ts")) parts.push(await Deno.readTextFile(url));
    }
  };
  for (const folder of folders) await read(new URL(`${folder}/`, root));
  return parts.join("\n");
}

Deno.test("ARCHITECTURE.md: its map has the rooms that exist, and all of them", async () => {
  const markdown = await Deno.readTextFile(new URL(".github/ARCHITECTURE.md", root));
  const map = /^## Where things are\n\n```\n(.*?)^```$/ms.exec(markdown)?.[1] ?? "";
  const named = new Set<string>();
  let folder = "";
  for (const line of map.trimEnd().split("\n")) {
    const [, indent, names] = /^( *)((?:[\w.]+(?:\/|\.ts) ?)*)/.exec(line)!;
    for (const name of names!.trim().split(" ")) {
      named.add(indent === "" ? name : `${folder}${name}`);
      if (indent === "") folder = name;
    }
  }
  for (const path of named) assert(await exists(new URL(path, root)), `there is no ${path}`);
  for (const folder of ["broker/", "cli/", "client/", "storage/"]) {
    for await (const { isDirectory, name } of Deno.readDir(new URL(folder, root))) {
      if (isDirectory && name !== "testing") {
        assert(named.has(`${folder}${name}/`), `${folder}${name}/ is not in the map`);
      }
    }
  }
});
