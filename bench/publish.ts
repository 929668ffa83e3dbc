/**
 * Puts what `deno task bench` found last into the README: the tables between two marks are made from
 * `bench/results/results.json`, with each row that matters most or that another does better.
 *
 *     deno run -A bench/publish.ts
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { readmeTables } from "./support/readme_tables.ts";
import type { Report } from "./support/report.ts";

const README = fromFileUrl(new URL("../README.md", import.meta.url));
const RESULTS = new URL("./results/results.json", import.meta.url);
const BEGIN = "<!-- speed: bench/publish.ts writes what follows -->";
const END = "<!-- speed ends -->";

const { machine, reports }: {
  readonly machine: Readonly<Record<string, string>>;
  readonly reports: readonly Report[];
} = JSON.parse(await Deno.readTextFile(RESULTS));
const readme = await Deno.readTextFile(README);
const begin = readme.indexOf(BEGIN);
const end = readme.indexOf(END);
if (begin < 0 || end < begin) throw new Error(`README.md has no "${BEGIN}" before "${END}"`);
const on = `On ${machine.cpu}, ${machine.memory}, ${machine.system}, ${machine.runtime}:`;
await Deno.writeTextFile(
  README,
  [readme.slice(0, begin) + BEGIN, on, readmeTables(reports), readme.slice(end)].join("\n\n"),
);
const { success } = await new Deno.Command(Deno.execPath(), {
  args: ["fmt", "--quiet", README],
}).output();
if (!success) throw new Error("README.md cannot be formatted");
