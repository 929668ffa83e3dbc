/**
 * Kafka's checkpoint files: small text files that are always replaced as a whole.
 *
 *     0                 version of the format
 *     2                 number of entries
 *     orders 0 4711     an entry: fields separated by spaces
 *     orders 1 12
 *
 * `recovery-point-offset-checkpoint` and `log-start-offset-checkpoint` of a data folder have topic,
 * partition and offset; `leader-epoch-checkpoint` of a partition has epoch and start offset.
 *
 * @module
 */

import { CorruptFileError } from "../errors.ts";
import { type FileSystem, isNotFound } from "./file_system.ts";

const VERSION = 0;

/** The content of a checkpoint file. */
export function formatCheckpoint(entries: readonly string[]): Uint8Array {
  const lines = [String(VERSION), String(entries.length), ...entries];
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}

/**
 * The entries of a checkpoint file, each as its fields; none if the file does not exist, or is
 * empty after a crash.
 *
 * @throws {CorruptFileError} If the content is invalid.
 */
export function readCheckpoint(
  fs: FileSystem,
  path: string,
  ...fieldCounts: number[]
): string[][] {
  let text: string;
  try {
    text = new TextDecoder().decode(fs.readFileSync(path));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
  if (text === "") return [];
  const lines = text.split("\n");
  // A power failure may leave a part of a file, even of a number.
  if (lines.pop() !== "") throw new CorruptFileError(path, "its last line is incomplete");
  if (lines[0] !== String(VERSION)) {
    throw new CorruptFileError(path, `version is "${lines[0]}", expected ${VERSION}`);
  }
  const entries = lines.slice(2).map((line) => line.trim().split(/\s+/));
  if (lines[1] !== String(entries.length)) {
    throw new CorruptFileError(
      path,
      `it has ${entries.length} entries, its header states "${lines[1]}"`,
    );
  }
  for (const entry of entries) {
    if (!fieldCounts.includes(entry.length)) {
      throw new CorruptFileError(
        path,
        `entry "${entry.join(" ")}" has ${entry.length} fields, expected ${
          fieldCounts.join(" or ")
        }`,
      );
    }
  }
  return entries;
}

/**
 * Parses a field as a number.
 *
 * @throws {CorruptFileError} If it is not a safe integer.
 */
export function checkpointNumber(path: string, field: string): number {
  const value = /^-?\d+$/.test(field) ? Number(field) : NaN;
  if (!Number.isSafeInteger(value)) {
    throw new CorruptFileError(path, `"${field}" is not a number`);
  }
  return value;
}

/** Reads a checkpoint of offsets by partition folder. */
export function readOffsetCheckpoint(fs: FileSystem, path: string): Map<string, number> {
  const offsets = new Map<string, number>();
  for (const [topic, partition, offset] of readCheckpoint(fs, path, 3)) {
    offsets.set(`${topic}-${partition}`, checkpointNumber(path, offset!));
  }
  return offsets;
}

/** The content of a checkpoint of offsets by partition folder. */
export function formatOffsetCheckpoint(offsets: ReadonlyMap<string, number>): Uint8Array {
  return formatCheckpoint(Array.from(offsets, ([name, offset]) => {
    const dash = name.lastIndexOf("-");
    return `${name.slice(0, dash)} ${name.slice(dash + 1)} ${offset}`;
  }));
}
