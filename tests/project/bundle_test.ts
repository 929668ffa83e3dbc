import { assertEquals, assertThrows } from "@std/assert";
import { unknownImport, withLiterals } from "../../.ci/bundle.ts";
import { ROOT } from "../support/broker/dqueue.ts";

/** Files of tests, and what makes files of the product. */
const NOT_IN_IT = /test(ing)?\.ts$|^build\.ts$|^testing\.ts$/;

Deno.test("withLiterals() puts back the names of modules that are imported by a constant", () => {
  const text = (call: string) =>
    `const ALL = "./all.ts";\n/** Late. */\nconst B = "../b.ts";\n${call}`;
  for (
    const [call, expected] of [
      ["await import(ALL);", `await import("./all.ts");`],
      ["import(B) as Promise<void>", `import("../b.ts") as Promise<void>`],
      ["await import(\n    ALL,\n  );", `await import("./all.ts");`],
      [`typeof import("./all.ts")`, `typeof import("./all.ts")`],
      [`import("./c.ts"), import("npm:d@1.0.0")`, `import("./c.ts"), import("npm:d@1.0.0")`],
      [
        `new Worker(new URL("./some_worker.ts", import.meta.url))`,
        `new Worker(new URL("./some_worker.js", import.meta.url))`,
      ],
    ]
  ) {
    assertEquals(withLiterals(text(call!)), text(expected!));
  }
  assertThrows(() => withLiterals("import(NONE)"), Error, "NONE is no constant");
});

Deno.test("unknownImport() finds imports that a bundler cannot follow", () => {
  assertEquals(unknownImport(`import("./a.js");import ("./b.js")`), undefined);
  assertEquals(unknownImport(`x=import(name)`), "import(name)");
  assertEquals(unknownImport("x=import(`./${name}.ts`)"), "import(`./${name}.ts`)");
});

Deno.test("Product files import only what the bundle of the executable can contain", async () => {
  const found: string[] = [];
  for (const folder of ["broker", "cli", "client", "protocol", "storage"]) {
    for await (const path of productFiles(`${ROOT}${folder}`)) {
      const text = withLiterals(await Deno.readTextFile(path));
      // What the import map names is for tests; `deno compile` has none.
      const [mapped] = /^import .* from "@.*"/m.exec(text) ?? [];
      for (const each of [unknownImport(text), mapped]) {
        if (each !== undefined) found.push(`${path}: ${each}`);
      }
    }
  }
  assertEquals(found, []);
});

async function* productFiles(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory && name !== "src" && name !== "testing") yield* productFiles(path);
    else if (name.endsWith(".ts") && !NOT_IN_IT.test(name)) yield path;
  }
}
