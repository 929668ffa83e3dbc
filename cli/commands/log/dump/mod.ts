/**
 * Dumps log files, intact or damaged, for `log dump`.
 *
 * The name of a file determines its type: `segment_dump.ts` handles segments (`segment_batches.ts`
 * finds their batches, `record_meaning.ts` knows records of the broker's own), `index_dump.ts`
 * indexes, and `state_dump.ts` other files. `dump_output.ts` prints.
 *
 * @module
 */

import { CommandError, messageOf } from "../../../errors.ts";
import type { DumpOutput } from "./dump_output.ts";
import { dumpIndex, INDEX_KINDS } from "./index_dump.ts";
import { type DumpPartition, dumpSegment } from "./segment_dump.ts";
import {
  dumpLeaderEpochs,
  dumpMetaProperties,
  dumpOffsetCheckpoint,
  dumpPartitionMetadata,
  dumpSnapshot,
} from "./state_dump.ts";

export { DumpOutput } from "./dump_output.ts";

/** Dumps one file. */
type FileDump = (path: string, output: DumpOutput, withRecords: boolean) => Promise<void>;

const OTHER_FILES: ReadonlyMap<string, FileDump> = new Map<string, FileDump>([
  ["partition.metadata", dumpPartitionMetadata],
  ["leader-epoch-checkpoint", dumpLeaderEpochs],
  ["meta.properties", dumpMetaProperties],
  ["recovery-point-offset-checkpoint", dumpOffsetCheckpoint],
  ["log-start-offset-checkpoint", dumpOffsetCheckpoint],
  ["replication-offset-checkpoint", dumpOffsetCheckpoint],
  ["cleaner-offset-checkpoint", dumpOffsetCheckpoint],
]);
const OFFSET_NAME =
  /^(\d{20})(\.log|\.index|\.timeindex|\.txnindex|\.snapshot)(\.deleted|\.swap|\.cleaned)?$/;

/**
 * Dumps a file, or the files in a folder.
 *
 * @throws {CommandError} If there is no such file, or nothing that can be dumped.
 */
export async function dump(path: string, output: DumpOutput, withRecords: boolean): Promise<void> {
  if (!statOf(path).isDirectory) {
    const dumpFile = dumpOf(path);
    if (dumpFile !== undefined) return await tryDump(dumpFile, path, output, withRecords);
    throw new CommandError(
      `Cannot dump "${path}": it is not named like a log file, such as ` +
        `00000000000000000000.log, .index, .timeindex, .snapshot or leader-epoch-checkpoint`,
    );
  }
  const names = Array.from(Deno.readDirSync(path), ({ name }) => name);
  const found = names.filter((name) => dumpOf(name) !== undefined).sort(compareNames);
  if (found.length === 0) {
    throw new CommandError(`Cannot dump "${path}": the folder has no log files`);
  }
  for (const name of found) {
    await tryDump(dumpOf(name)!, `${path.replace(/\/+$/, "")}/${name}`, output, withRecords);
  }
}

/** Dumps a file; a damaged file does not prevent the dump of the others. */
async function tryDump(
  dumpFile: FileDump,
  path: string,
  output: DumpOutput,
  withRecords: boolean,
): Promise<void> {
  try {
    await dumpFile(path, output, withRecords);
  } catch (error) {
    const isOfFile = error instanceof Error && error.name === "CorruptFileError";
    if (!isOfFile) throw error;
    output.problem(messageOf(error));
  }
}

function dumpOf(path: string): FileDump | undefined {
  const name = namesOf(path).at(-1)!;
  const match = OFFSET_NAME.exec(name);
  if (match === null) return OTHER_FILES.get(name);
  const [, digits, suffix] = match;
  if (suffix === ".snapshot") return dumpSnapshot;
  const kind = INDEX_KINDS.get(suffix!);
  if (kind !== undefined) {
    return (file, output) => dumpIndex(file, output, kind, Number(digits));
  }
  return (file, output, withRecords) => {
    return dumpSegment(file, output, partitionOf(file), Number(digits), withRecords);
  };
}

/** The partition, from the name of the file's folder. */
function partitionOf(path: string): DumpPartition {
  const folder = namesOf(Deno.realPathSync(path)).at(-2) ?? "";
  const match = /^(.+)-(\d+)(?:\.[0-9a-f]{32}-delete)?$/.exec(folder);
  if (match === null) return { topic: folder, partition: 0 };
  return { topic: match[1]!, partition: Number(match[2]) };
}

function namesOf(path: string): string[] {
  return path.split(Deno.build.os === "windows" ? /[\\/]/ : "/");
}

/** Orders files of the whole folder first, then the files of each segment together. */
function compareNames(a: string, b: string): number {
  const [first, second] = [a, b].map((name) => OFFSET_NAME.test(name) ? 1 : 0);
  if (first !== second) return first! - second!;
  return a < b ? -1 : 1;
}

function statOf(path: string): Deno.FileInfo {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CommandError(`Cannot dump "${path}": there is no such file or folder`);
  }
}
