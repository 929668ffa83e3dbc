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

/** Something that a repair does. */
interface Step {
  readonly text: string;
  readonly json: { readonly [name: string]: Json };
}

/** `log repair`. */
export const logRepair = command({
  name: "log repair",
  summary: "Mend what log verify finds",
  description:
    `Shows what would be done; nothing is without --execute. The broker has to be stopped.\n\n` +
    `Damaged records are taken out of their segment, and a batch without records is put in their ` +
    `place: offsets stay as they are, and consumers go on behind them. Indexes and leader epochs are ` +
    `made anew. What is taken out is kept beside, in files that end with .corrupt; remove them when ` +
    `you are sure. The next start checks the logs as after a crash.`,
  args: { folder: { value: "DATA", isFile: true, doc: "A data folder, or that of one partition" } },
  flags: {
    execute: { type: "boolean", env: false, doc: "Do it" },
    output: { ...outputFlag.output, doc: "Text for people, or one JSON object per line" },
  },
  examples: [
    { doc: "What would be lost", command: "dqueue log repair dqueue-data" },
    { doc: "Do it", command: "dqueue log repair dqueue-data --execute" },
  ],
  async run(context, { args, flags }) {
    const { withVerifiedFolder } = await import("./verified_folder.ts");
    const { isBeyondRepair, repairDataFolder } = await import("../../../storage/verify/mod.ts");
    const options = {
      path: args.folder,
      action: "repair",
      isReadOnly: !flags.execute,
      withRecords: false,
    };
    await withVerifiedFolder(context, options, async (fs, path, report) => {
      const steps = stepsOf(report, isBeyondRepair);
      for (const { text, json } of steps) {
        if (flags.output === "json") {
          writeJsonLine(context.stdout, { ...json, done: flags.execute });
        } else context.stdout.line(escapeControls(text));
        if (context.stdout.isFull) await context.stdout.flush();
      }
      await context.stdout.flush();
      if (flags.execute && steps.length > 0) {
        await repairDataFolder(fs, path, report, context.now());
      } else if (steps.length === 0) {
        context.stderr.line("There is nothing to repair");
      } else {
        context.stderr.line("Nothing was done: add --execute to do it");
      }
      const left = report.wrongFiles.find(isBeyondRepair);
      if (left !== undefined) {
        throw new CommandError(
          `Cannot repair "${left}": it says whose folder this is; mend it by hand`,
        );
      }
      const lost = report.missing.find(({ folder }) => isBeyondRepair(folder));
      if (lost === undefined) return;
      throw new CommandError(
        `Cannot repair "${lost.folder}": it says what topics there are; restore it from a copy`,
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
    text: "Has the next start check all logs as after a crash",
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
  for (const { path, holes, hasWrongIndex } of segments) {
    for (const { position, endPosition, firstOffset, nextOffset, problem } of holes) {
      const size = endPosition - position;
      const count = nextOffset - firstOffset;
      const records = count === 0
        ? "no records"
        : `records of offsets ${firstOffset} to ${nextOffset - 1} (at most ${count})`;
      steps.push({
        text: `${name}: gives up ${records}, ${formatBytes(size)} at position ${position} of ` +
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
    if (!hasWrongIndex && holes.length === 0) continue;
    steps.push({
      text: `${name}: makes the indexes of ${path} anew`,
      json: { action: "index", log: name, file: path },
    });
  }
  for (const { path, position, leaderEpoch } of wrongEpochs) {
    steps.push({
      text:
        `${name}: gives the batch at position ${position} of ${path} leader epoch ${leaderEpoch}`,
      json: { action: "epoch", log: name, file: path, position, leader_epoch: leaderEpoch },
    });
  }
  steps.push(...wrongFiles.map(asideStep));
  if (topicId !== undefined) {
    steps.push({
      text: `${name}: notes that it belongs to topic id ${topicId}`,
      json: { action: "topic-id", log: name, file: folder, topic_id: topicId },
    });
  }
  if (epochs !== undefined) {
    steps.push({
      text: `${name}: makes the leader epochs anew`,
      json: { action: "epochs", log: name, file: folder },
    });
  }
  if (steps.length > 0 || findings.length === 0) return steps;
  return [{
    text: `${name}: has the next start check it as after a crash`,
    json: { action: "recover", log: name, file: folder },
  }];
}

function missingStep({ name, folder, logStartOffset, recoveryPoint }: MissingLog): Step {
  const count = recoveryPoint - logStartOffset;
  const records = count <= 0
    ? "no records"
    : `records of offsets ${logStartOffset} to ${recoveryPoint - 1} (at most ${count})`;
  return {
    text: `${name}: gives up ${records}, and makes ${folder} again`,
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
