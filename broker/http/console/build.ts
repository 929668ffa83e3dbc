/**
 * Puts the files of the console into a module, so that the program has them in one file.
 *
 *     deno task console:build
 *
 * @module
 */

import { dirname, fromFileUrl, join } from "@std/path";

const FOLDER = dirname(fromFileUrl(import.meta.url));
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};

/** The text of the module. */
export async function buildAssets(): Promise<string> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(join(FOLDER, "src"))) names.push(name);
  const parts = await Promise.all(
    names.sort().map(async (name) => {
      const text = await Deno.readTextFile(join(FOLDER, "src", name));
      const type = TYPES[name.split(".").at(-1)!]!;
      return `  ${JSON.stringify(name)}: {\n    type: ${JSON.stringify(type)},\n    text: ${
        JSON.stringify(text)
      },\n  },\n`;
    }),
  );
  return `// deno-fmt-ignore-file -- made by "deno task console:build"\n\n` +
    `/** The files of the console, from \`src/\`. */\n` +
    `export const ASSETS: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {\n` +
    `${parts.join("")}};\n`;
}

if (import.meta.main) await Deno.writeTextFile(join(FOLDER, "assets.ts"), await buildAssets());
