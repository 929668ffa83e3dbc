/**
 * `dqueue log verify`.
 *
 * @module
 */

import { formatBytes } from "../../values/bytes.ts";
import { command } from "../../program/command.ts";
import type { Context } from "../../terminal/context.ts";
import { CommandError } from "../../errors.ts";
import { writeJsonLine } from "../../records/json.ts";
import { escapeControls } from "../../terminal/text_width.ts";
import { outputFlag } from "../output_flag.ts";

/** Other commands start faster without it. */
const FOLDER = "./verified_folder.ts";

/** `log verify`. */
export const logVerify = command({
  name: "log verify",
  summary: "Check the files of a data folder",
  description:
    `Checks every batch of every segment: its CRC, offsets, sizes and counts. Compares them ` +
    `with the indexes, leader epochs, producer snapshots and checkpoints. Changes nothing. The broker ` +
    `must be stopped; none can start on the folder while this runs.\n\n` +
    `Prints each problem on a line, with file and position, and exits with 1 if there are any. Data ` +
    `after the recovery point may be incomplete after a crash; the next start recovers it.`,
  args: { folder: { value: "DATA", isFile: true, doc: "A data folder, or that of one partition" } },
  flags: {
    records: {
      type: "boolean",
      default: true,
      env: false,
      doc: "Decode the records of each batch too; --no-records is faster",
    },
    output: { ...outputFlag.output, doc: "Text for people, or one JSON object per line" },
  },
  examples: [
    { doc: "A data folder", command: "dqueue log verify dqueue-data" },
    { doc: "One partition", command: "dqueue log verify dqueue-data/orders-0" },
  ],
  async run(context, { args, flags }) {
    const { findingsOf, withVerifiedFolder }: typeof import("./verified_folder.ts") = await import(
      FOLDER
    );
    const options = {
      path: args.folder,
      action: "verify",
      isReadOnly: true,
      withRecords: flags.records,
    };
    await withVerifiedFolder(context, options, async (_fs, folders) => {
      const isJson = flags.output === "json";
      const findings = findingsOf(folders);
      for (const { path, position, problem } of findings) {
        if (isJson) {
          writeJsonLine(context.stdout, { file: path, position: position ?? null, problem });
        } else {
          const place = position === undefined ? path : `${path}, position ${position}`;
          context.stdout.line(escapeControls(`${place}: ${problem}`));
        }
        if (context.stdout.isFull) await context.stdout.flush();
      }
      await context.stdout.flush();
      if (!isJson) printSummary(context, folders.flatMap(({ report }) => report.partitions));
      const { length: count } = findings;
      if (count > 0) {
        throw new CommandError(count === 1 ? "Found 1 problem" : `Found ${count} problems`);
      }
    });
  },
});

function printSummary(
  { stderr }: Context,
  partitions: readonly {
    readonly segments: readonly { readonly sizeInBytes: number }[];
    readonly batchCount: number;
    readonly recordCount: number;
  }[],
): void {
  let [bytes, segments, batches, records] = [0, 0, 0, 0];
  for (const partition of partitions) {
    segments += partition.segments.length;
    batches += partition.batchCount;
    records += partition.recordCount;
    for (const { sizeInBytes } of partition.segments) bytes += sizeInBytes;
  }
  stderr.line(
    `Checked ${partitions.length} logs: ${records} records in ${batches} batches, ` +
      `${segments} segments, ${formatBytes(bytes)}`,
  );
}
