/**
 * Checks that dependencies point one way, by folder, room and file, as ARCHITECTURE says, that each room
 * says what it is for, and that files and folders stay small.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { ROOT } from "../support/broker/dqueue.ts";

/** The folders that the product files of a folder may import from, besides their own. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  storage: ["protocol"],
  client: ["protocol"],
  broker: ["storage", "protocol"],
  cli: ["client", "broker", "storage", "protocol"],
  "main.ts": ["cli"],
};

/** Rooms that may import from one more folder. The REST API is a client of its own broker. */
const ALSO: Readonly<Record<string, string>> = { "broker/http/": "client" };

/** Files that serve tests; they may import anything. */
const FOR_TESTS =
  /_test(ing)?\.ts$|\.testing\.ts$|\/testing(\.ts$|\/)|\/simulation\/|\/test_\w+\.ts$/;

/** An import or export statement that names a file of the project. */
const IMPORT = /^(?:import|export)\b[^;]*?\bfrom\s+"(\.[^"]+)"/gm;

/** Folders that are divided into rooms. */
const ROOMY = ["broker", "cli", "client", "protocol", "storage"];

/** The most lines of a file. */
const MAX_LINES = 600;
/** The most files of a folder that are not for tests. */
const MAX_FILES = 25;

type Graph = ReadonlyMap<string, ReadonlySet<string>>;

/** Returns the product files of the folders, each with the files that it imports. */
async function readImports(): Promise<Graph> {
  const graph = new Map<string, Set<string>>();
  for await (const path of productFiles()) {
    const text = await Deno.readTextFile(`${ROOT}${path}`);
    const imports = Array.from(
      text.matchAll(IMPORT),
      ([, specifier]) => new URL(specifier!, `file://${ROOT}${path}`).pathname.slice(ROOT.length),
    );
    graph.set(path, new Set(imports));
  }
  return graph;
}

async function* productFiles(): AsyncGenerator<string> {
  yield "main.ts";
  for (const folder of Object.keys(MAY_IMPORT)) {
    if (!folder.endsWith(".ts")) yield* filesIn(folder);
  }
}

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(`${ROOT}${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* filesIn(path);
    else if (path.endsWith(".ts") && !FOR_TESTS.test(path)) yield path;
  }
}

/** Returns the cycles of a graph as sets of nodes that all reach one another (Tarjan's algorithm). */
function cyclesOf(graph: Graph): string[][] {
  const cycles: string[][] = [];
  const indexes = new Map<string, number>();
  const lows = new Map<string, number>();
  const stack: string[] = [];
  const visit = (node: string) => {
    indexes.set(node, indexes.size);
    lows.set(node, indexes.get(node)!);
    stack.push(node);
    for (const next of graph.get(node)!) {
      if (!graph.has(next)) continue;
      if (!indexes.has(next)) visit(next);
      if (stack.includes(next)) lows.set(node, Math.min(lows.get(node)!, lows.get(next)!));
    }
    if (lows.get(node) !== indexes.get(node)) return;
    const cycle = stack.splice(stack.indexOf(node));
    if (cycle.length > 1) cycles.push(cycle.sort());
  };
  for (const node of graph.keys()) if (!indexes.has(node)) visit(node);
  return cycles;
}

/** Returns the rooms of a folder, each with the rooms it imports from. Files outside rooms do not count. */
function roomsOf(graph: Graph, folder: string): Graph {
  const roomOf = (path: string) => path.split("/").length > 2 ? path.split("/")[1] : undefined;
  const rooms = new Map<string, Set<string>>();
  for (const [path, imports] of graph) {
    const room = roomOf(path);
    if (!path.startsWith(`${folder}/`) || room === undefined) continue;
    const others = rooms.get(room) ?? new Set();
    rooms.set(room, others);
    for (const imported of imports) {
      const other = imported.startsWith(`${folder}/`) ? roomOf(imported) : undefined;
      if (other !== undefined && other !== room) others.add(other);
    }
  }
  return rooms;
}

const imports = await readImports();

Deno.test("Folders import only from the folders below them", () => {
  const wrong: string[] = [];
  for (const [path, imported] of imports) {
    const folder = path.split("/")[0]!;
    for (const other of imported) {
      const target = other.split("/")[0]!;
      if (target === folder || target === "deno.json") continue;
      const isAllowed = Object.entries(ALSO).some(([room, also]) =>
        path.startsWith(room) && target === also
      );
      if (!isAllowed && !MAY_IMPORT[folder]!.includes(target)) {
        wrong.push(`${path} imports ${other}`);
      }
    }
  }
  assertEquals(wrong, []);
});

Deno.test("Files have no import cycles", () => {
  assertEquals(cyclesOf(imports), []);
});

Deno.test("Rooms of a folder have no import cycles", async (t) => {
  for (const folder of ROOMY) {
    await t.step(folder, () => assertEquals(cyclesOf(roomsOf(imports, folder)), []));
  }
});

Deno.test("Rooms have a mod.ts that says what they are for", () => {
  for (const folder of ROOMY) {
    for (const room of roomsOf(imports, folder).keys()) {
      const door = `${folder}/${room}/mod.ts`;
      assert(imports.has(door), `there is no ${door}`);
      assert(Deno.readTextFileSync(`${ROOT}${door}`).startsWith("/**\n"), `${door} says nothing`);
    }
  }
});

Deno.test("Files have at most 600 lines", () => {
  const long: string[] = [];
  for (const path of imports.keys()) {
    const lines = Deno.readTextFileSync(`${ROOT}${path}`).split("\n").length - 1;
    if (lines > MAX_LINES) long.push(`${path} has ${lines} lines`);
  }
  assertEquals(long, []);
});

Deno.test("Folders have at most 25 files besides those for tests", () => {
  const counts = new Map<string, number>();
  for (const path of imports.keys()) {
    const folder = path.slice(0, path.lastIndexOf("/") + 1);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  assertEquals([...counts].filter(([, count]) => count > MAX_FILES), []);
});

Deno.test("cyclesOf() finds all cycles and nothing else", () => {
  const graph = new Map([
    ["a", new Set(["b"])],
    ["b", new Set(["c", "d"])],
    ["c", new Set(["a"])],
    ["d", new Set(["outside"])],
    ["e", new Set(["e", "a"])],
  ]);
  assertEquals(cyclesOf(graph), [["a", "b", "c"]]);
});
