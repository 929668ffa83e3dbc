/**
 * `dqueue log dump`.
 *
 * @module
 */

import { command } from "../../program/command.ts";
import { CommandError } from "../../errors.ts";
import { outputFlag } from "../output_flag.ts";

/** Not named in the import, so that Deno does not read it in other commands. */
const DUMP = "./dump/mod.ts";

/** `log dump`. */
export const logDump = command({
  name: "log dump",
  summary: "Show the contents of log files",
  description:
    `Reads segments (.log), indexes (.index, .timeindex, .txnindex), producer snapshots (.snapshot), ` +
    `checkpoints, partition.metadata and meta.properties, or all of these in a partition's folder. ` +
    `Changes nothing, and does not connect to a broker.\n\n` +
    `Reports damage, continues after it if possible, and exits with 1.`,
  args: {
    files: { value: "FILE", many: true, isFile: true, doc: "Files, or folders of partitions" },
  },
  flags: {
    records: { type: "boolean", env: false, doc: "Include the records of each batch" },
    output: { ...outputFlag.output, doc: "Text for people, or one JSON object per line" },
  },
  examples: [
    { doc: "All files of a partition", command: "dqueue log dump dqueue-data/orders-0" },
    {
      doc: "The records of a segment",
      command: "dqueue log dump dqueue-data/orders-0/00000000000000000000.log --records",
    },
  ],
  async run(context, { args, flags }) {
    const { dump, DumpOutput }: typeof import("./dump/mod.ts") = await import(DUMP);
    const output = new DumpOutput(context, flags.output);
    for (const file of args.files) await dump(file, output, flags.records);
    if (output.problemCount > 0) {
      await context.stdout.flush();
      const { problemCount: count } = output;
      throw new CommandError(
        count === 1 ? "Found 1 damaged place" : `Found ${count} damaged places`,
      );
    }
  },
});
