/**
 * Holds `partition.metadata` of a log against the topic that the log should belong to.
 *
 * @module
 */

import { CorruptFileError } from "../errors.ts";
import type { FileSystem } from "../file_system/file_system.ts";
import { PARTITION_METADATA_FILE_NAME, readPartitionMetadata } from "../log/partition_metadata.ts";
import type { ExpectedLogs } from "./expected_logs.ts";
import type { Finding } from "./report.ts";

/** Characters of an id, of 22, that damage of a byte changes at most. */
const DAMAGED_CHARACTERS = 2;

/** What to check, and what is known of it. */
export interface TopicIdCheckOptions {
  readonly fs: FileSystem;
  readonly name: string;
  readonly folder: string;
  /** Whether the file is sure to be on disk, if there is to be one. */
  readonly isOnDisk: boolean;
  /** What logs there should be; nothing if that is not known. */
  readonly expected: ExpectedLogs | undefined;
}

/** What was found out of the file. */
export interface TopicIdCheck {
  readonly finding: Finding | undefined;
  /** Whether the file cannot be used. */
  readonly isWrong: boolean;
  /** What the file must say, if that is known and it does not. */
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
    const problem = `it does not say that the log belongs to topic id ${wanted}`;
    return { finding: { path, problem }, isWrong: false, topicId: wanted };
  }
  if (expected.isDeletedTopic(found)) return SOUND;
  const isDamaged = wanted !== undefined && isSimilar(found, wanted);
  return {
    finding: {
      path,
      problem: wanted === undefined
        ? `topic id is ${found}, which is of no topic that there is`
        : `topic id is ${found}, that of the topic is ${wanted}`,
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
