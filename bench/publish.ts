/**
 * Puts what `deno task bench` found last into the documents, between their two marks: six rows into the
 * README, and into `bench/README.md` each row that matters most or that another does better.
 *
 *     deno run -A bench/publish.ts
 *
 * @module
 */

import { fromFileUrl } from "@std/path";
import { headlines, readmeTables } from "./support/report/readme_tables.ts";
import type { Report } from "./support/report/report.ts";

const RESULTS = new URL("./results/results.json", import.meta.url);
const BEGIN = "<!-- speed: bench/publish.ts writes what follows -->";
const END = "<!-- speed ends -->";

/** Replaces what stands between the marks of a document. */
async function publish(document: string, text: string): Promise<void> {
  const path = fromFileUrl(new URL(document, import.meta.url));
  const before = await Deno.readTextFile(path);
  const begin = before.indexOf(BEGIN);
  const end = before.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`${document} has no "${BEGIN}" before "${END}"`);
  const after = [before.slice(0, begin) + BEGIN, text, before.slice(end)].join("\n\n");
  await Deno.writeTextFile(path, after);
  const { success } = await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] })
    .output();
  if (!success) throw new Error(`${document} cannot be formatted`);
}

const { machine, reports }: {
  readonly machine: Readonly<Record<string, string>>;
  readonly reports: readonly Report[];
} = JSON.parse(await Deno.readTextFile(RESULTS));
const on = `On ${machine.cpu}, ${machine.memory}, ${machine.system}, ${machine.runtime}:`;
await publish("../README.md", [on, headlines(reports)].join("\n\n"));
await publish("./README.md", [on, readmeTables(reports)].join("\n\n"));
