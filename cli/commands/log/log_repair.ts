/**
 * `dqueue log repair`.
 *
 * @module
 */

import type { DataFolderReport, MissingLog, PartitionReport } from "../../../storage/verify/mod.ts";
import { formatBytes } from "../../values/bytes.ts";
import { command } from "../../program/command.ts";
import { CommandError } from "../../errors.ts";
import { type Json, writeJsonLine } from "../../records/json.ts";
import { escapeControls } from "../../terminal/text_width.ts";
import { outputFlag } from "../output_flag.ts";

/** Other commands start faster without them. */
const FOLDER = "./verified_folder.ts";
const VERIFY = "../../../storage/verify/mod.ts";

/** An action of a repair. */
interface Step {
  readonly text: string;
  readonly json: { readonly [name: string]: Json };
}

/** `log repair`. */
export const logRepair = command({
  name: "log repair",
  summary: "Repair the problems that log verify finds",
  description:
    `Shows the repairs; they are only made with --execute. The broker must be stopped.\n\n` +
    `Damaged records are removed from their segment and replaced by a batch without records: offsets ` +
    `do not change, and consumers continue after the gap. Indexes and leader epochs are rebuilt. The ` +
    `removed data is kept in files that end with .corrupt; delete them when they are no longer ` +
    `needed. The next start recovers the logs as after a crash.`,
  args: { folder: { value: "DATA", isFile: true, doc: "A data folder, or that of one partition" } },
  flags: {
    execute: { type: "boolean", env: false, doc: "Apply the changes" },
    output: { ...outputFlag.output, doc: "Text for people, or one JSON object per line" },
  },
  examples: [
    { doc: "What would be lost", command: "dqueue log repair dqueue-data" },
    { doc: "Repair it", command: "dqueue log repair dqueue-data --execute" },
  ],
  async run(context, { args, flags }) {
    const { withVerifiedFolder }: typeof import("./verified_folder.ts") = await import(FOLDER);
    const { isBeyondRepair, repairDataFolder }: typeof import("../../../storage/verify/mod.ts") =
      await import(VERIFY);
    const options = {
      path: args.folder,
      action: "repair",
      isReadOnly: !flags.execute,
      withRecords: false,
    };
    await withVerifiedFolder(context, options, async (fs, folders) => {
      const steps = folders.flatMap(({ report }) => stepsOf(report, isBeyondRepair));
      for (const { text, json } of steps) {
        if (flags.output === "json") {
          writeJsonLine(context.stdout, { ...json, done: flags.execute });
        } else context.stdout.line(escapeControls(text));
        if (context.stdout.isFull) await context.stdout.flush();
      }
      await context.stdout.flush();
      if (flags.execute && steps.length > 0) {
        for (const { path, report } of folders) {
          await repairDataFolder(fs, path, report, context.now());
        }
      } else if (steps.length === 0) {
        context.stderr.line("There is nothing to repair");
      } else {
        context.stderr.line("Nothing was changed: add --execute to apply it");
      }
      const left = folders.flatMap(({ report }) => report.wrongFiles).find(isBeyondRepair);
      if (left !== undefined) {
        throw new CommandError(
          `Cannot repair "${left}": it identifies the broker of this folder; repair it by hand`,
        );
      }
      const lost = folders.flatMap(({ report }) => report.missing)
        .find(({ folder }) => isBeyondRepair(folder));
      if (lost === undefined) return;
      throw new CommandError(
        `Cannot repair "${lost.folder}": it lists the topics; restore it from a backup`,
      );
    });
  },
});

function stepsOf(report: DataFolderReport, isBeyondRepair: (path: string) => boolean): Step[] {
  const files = report.wrongFiles.filter((path) => !isBeyondRepair(path)).map(asideStep);
  const missing = report.missing
    .filter(({ isCertain, folder }) => isCertain && !isBeyondRepair(folder)).map(missingStep);
  const steps = [...files, ...missing, ...report.partitions.flatMap(partitionSteps)];
  if (steps.length > 0 || report.findings.every(({ path }) => isBeyondRepair(path))) return steps;
  return [{
    text: "Marks all logs for recovery at the next start",
    json: { action: "recover" },
  }];
}

function partitionSteps(report: PartitionReport): Step[] {
  const { name, segments, wrongEpochs, wrongFiles, epochs, folder, findings, strays, topicId } =
    report;
  const steps: Step[] = strays.map((path) => ({
    text: `Renames ${path} to ${path}.stray`,
    json: { action: "aside", file: path },
  }));
  for (const { path, holes, hasWrongIndex, hasWrongTransactionIndex } of segments) {
    for (const { position, endPosition, firstOffset, nextOffset, problem } of holes) {
      const size = endPosition - position;
      const count = nextOffset - firstOffset;
      const records = count === 0
        ? "no records"
        : `records of offsets ${firstOffset} to ${nextOffset - 1} (at most ${count})`;
      steps.push({
        text: `${name}: drops ${records}, ${formatBytes(size)} at position ${position} of ` +
          `${path}: ${problem}`,
        json: {
          action: "drop",
          log: name,
          file: path,
          position,
          size,
          first_offset: firstOffset,
          last_offset: nextOffset - 1,
          problem,
        },
      });
    }
    if (!hasWrongIndex && !hasWrongTransactionIndex && holes.length === 0) continue;
    steps.push({
      text: `${name}: rebuilds the indexes of ${path}`,
      json: { action: "index", log: name, file: path },
    });
  }
  for (const { path, position, leaderEpoch } of wrongEpochs) {
    steps.push({
      text:
        `${name}: sets leader epoch ${leaderEpoch} in the batch at position ${position} of ${path}`,
      json: { action: "epoch", log: name, file: path, position, leader_epoch: leaderEpoch },
    });
  }
  steps.push(...wrongFiles.map(asideStep));
  if (topicId !== undefined) {
    steps.push({
      text: `${name}: writes topic id ${topicId}`,
      json: { action: "topic-id", log: name, file: folder, topic_id: topicId },
    });
  }
  if (epochs !== undefined) {
    steps.push({
      text: `${name}: rebuilds the leader epochs`,
      json: { action: "epochs", log: name, file: folder },
    });
  }
  if (steps.length > 0 || findings.length === 0) return steps;
  return [{
    text: `${name}: marks the log for recovery at the next start`,
    json: { action: "recover", log: name, file: folder },
  }];
}

function missingStep({ name, folder, logStartOffset, recoveryPoint }: MissingLog): Step {
  const count = recoveryPoint - logStartOffset;
  const records = count <= 0
    ? "no records"
    : `records of offsets ${logStartOffset} to ${recoveryPoint - 1} (at most ${count})`;
  return {
    text: `${name}: drops ${records}, and recreates ${folder}`,
    json: {
      action: "replace",
      log: name,
      file: folder,
      first_offset: logStartOffset,
      last_offset: recoveryPoint - 1,
    },
  };
}

function asideStep(path: string): Step {
  return {
    text: `Renames ${path} to ${path}.corrupt`,
    json: { action: "aside", file: path },
  };
}
