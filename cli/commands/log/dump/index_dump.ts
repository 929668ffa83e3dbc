/**
 * Dumps index files: arrays of fixed-size entries.
 *
 * `storage/segment/indexes/` documents `.index`, `.timeindex` and `.txnindex`.
 *
 * @module
 */

import { getInt64 } from "../../../../protocol/primitives/int64.ts";
import type { FileWindow } from "../../../../storage/file_system/file_window.ts";
import type { Json } from "../../../records/json.ts";
import { timeText } from "../../records/record_printer.ts";
import type { DumpColumn, DumpOutput } from "./dump_output.ts";
import { withWindow } from "./open_window.ts";

/** A type of index. */
interface IndexKind {
  readonly type: string;
  readonly entrySize: number;
  readonly columns: readonly DumpColumn[];
  readonly read: (view: DataView, baseOffset: number) => { readonly [name: string]: number };
  /** Fields that increase from entry to entry. */
  readonly growing: readonly string[];
  /** Fields that are timestamps. */
  readonly times?: readonly string[];
}

const OFFSET_INDEX: IndexKind = {
  type: "offset index",
  entrySize: 8,
  columns: [{ heading: "OFFSET", width: 14 }, { heading: "POSITION", width: 12 }],
  growing: ["offset", "position"],
  read: (view, baseOffset) => ({
    offset: baseOffset + view.getInt32(0),
    position: view.getInt32(4),
  }),
};

const TIME_INDEX: IndexKind = {
  type: "time index",
  entrySize: 12,
  columns: [{ heading: "TIMESTAMP", width: -24 }, { heading: "OFFSET", width: 14 }],
  growing: ["timestamp", "offset"],
  times: ["timestamp"],
  read: (view, baseOffset) => ({
    timestamp: getInt64(view, 0),
    offset: baseOffset + view.getInt32(8),
  }),
};

const TRANSACTION_INDEX: IndexKind = {
  type: "transaction index",
  entrySize: 34,
  columns: [
    { heading: "PRODUCER", width: 14 },
    { heading: "FIRST OFFSET", width: 14 },
    { heading: "LAST OFFSET", width: 14 },
    { heading: "STABLE OFFSET", width: 14 },
  ],
  growing: ["last_offset"],
  read: (view) => ({
    producer_id: getInt64(view, 2),
    first_offset: getInt64(view, 10),
    last_offset: getInt64(view, 18),
    last_stable_offset: getInt64(view, 26),
  }),
};

/** Types of index by file suffix. */
export const INDEX_KINDS: ReadonlyMap<string, IndexKind> = new Map([
  [".index", OFFSET_INDEX],
  [".timeindex", TIME_INDEX],
  [".txnindex", TRANSACTION_INDEX],
]);

/** Dumps an index file. */
export async function dumpIndex(
  path: string,
  output: DumpOutput,
  kind: IndexKind,
  baseOffset: number,
): Promise<void> {
  await withWindow(path, (file) => dumpEntries(path, file, output, kind, baseOffset));
}

async function dumpEntries(
  path: string,
  file: FileWindow,
  output: DumpOutput,
  kind: IndexKind,
  baseOffset: number,
): Promise<void> {
  const { entrySize } = kind;
  output.file(path, kind.type, kind.columns);
  if (file.size === 0) output.empty();
  const end = file.size - file.size % entrySize;
  let last: { readonly [name: string]: number } | undefined;
  for (let position = 0; position < end; position += entrySize) {
    const bytes = file.view(position, entrySize);
    if (position > 0 && isUnused(file, position, bytes)) {
      output.note(`${(end - position) / entrySize} unused entries`);
      break;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const entry = kind.read(view, baseOffset);
    const isTime = (name: string) => kind.times?.includes(name);
    const cells = Object.entries(entry).map(([name, value]) => {
      return isTime(name) ? timeText(value) : value;
    });
    await output.row({ cells, json: entry as { [name: string]: Json } });
    const fallen = last && kind.growing.find((name) => entry[name]! <= last![name]!);
    if (fallen !== undefined) {
      output.problem(`entry at position ${position}: ${fallen} does not increase`, { position });
    }
    last = entry;
  }
  if (end < file.size) {
    const text = `${
      file.size - end
    } bytes at position ${end} are not an entry of ${entrySize} bytes`;
    output.problem(text, { position: end });
  }
}

/** Kafka preallocates index files; unused entries are zero. */
function isUnused(file: FileWindow, position: number, entry: Uint8Array): boolean {
  if (entry.some((byte) => byte !== 0)) return false;
  for (let at = position; at < file.size; at += 1 << 16) {
    if (file.view(at, 1 << 16).some((byte) => byte !== 0)) return false;
  }
  return true;
}
