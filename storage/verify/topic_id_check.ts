/**
 * Compares `partition.metadata` of a log with the topic that the log should belong to.
 *
 * @module
 */

import { CorruptFileError } from "../errors.ts";
import type { FileSystem } from "../file_system/file_system.ts";
import { PARTITION_METADATA_FILE_NAME, readPartitionMetadata } from "../log/partition_metadata.ts";
import type { ExpectedLogs } from "./expected_logs.ts";
import type { Finding } from "./report.ts";

/** Maximum number of characters of an id that damage of one byte changes. */
const DAMAGED_CHARACTERS = 2;

/** The log to check, and what is known about it. */
export interface TopicIdCheckOptions {
  readonly fs: FileSystem;
  readonly name: string;
  readonly folder: string;
  /** Whether the file, if the log has one, is certain to be on disk. */
  readonly isOnDisk: boolean;
  /** The expected logs; `undefined` if they are not known. */
  readonly expected: ExpectedLogs | undefined;
}

/** The result of the check. */
export interface TopicIdCheck {
  readonly finding: Finding | undefined;
  /** Whether the file is unusable. */
  readonly isWrong: boolean;
  /** The topic id that the file must have, if that is known and it has another. */
  readonly topicId: string | undefined;
}

const SOUND: TopicIdCheck = { finding: undefined, isWrong: false, topicId: undefined };

/** Checks the file of one log. */
export function checkTopicId(options: TopicIdCheckOptions): TopicIdCheck {
  const { fs, name, folder, isOnDisk, expected } = options;
  const path = `${folder}/${PARTITION_METADATA_FILE_NAME}`;
  const isSource = expected?.source === name;
  const wanted = isSource ? undefined : expected?.topicIdOf(name);
  let found: string | undefined;
  try {
    found = readPartitionMetadata(fs, path);
  } catch (error) {
    if (!(error instanceof CorruptFileError)) throw error;
    return { finding: { path, problem: error.problem }, isWrong: true, topicId: wanted };
  }
  if (expected?.isKnown !== true || isSource || found === wanted) return SOUND;
  if (found === undefined) {
    if (!isOnDisk) return SOUND;
    const problem = `it is missing; the topic id of the log is ${wanted}`;
    return { finding: { path, problem }, isWrong: false, topicId: wanted };
  }
  if (expected.isDeletedTopic(found)) return SOUND;
  const isDamaged = wanted !== undefined && isSimilar(found, wanted);
  return {
    finding: {
      path,
      problem: wanted === undefined
        ? `topic id is ${found}, which no topic has`
        : `topic id is ${found}, the topic has ${wanted}`,
    },
    isWrong: isDamaged,
    topicId: isDamaged ? wanted : undefined,
  };
}

function isSimilar(one: string, other: string): boolean {
  let count = 0;
  for (let at = 0; at < one.length; at++) {
    if (one[at] !== other[at]) count++;
  }
  return count <= DAMAGED_CHARACTERS;
}
