/**
 * Dumps a segment file: its batches and, optionally, their records.
 *
 * @module
 */

import type { Record as BatchRecord, RecordBatch } from "../../../../protocol/records/mod.ts";
import { DenoFileSystem } from "../../../../storage/file_system/deno_file_system.ts";
import { parentOf } from "../../../../storage/file_system/file_system.ts";
import { LOG_SUFFIX, offsetOf } from "../../../../storage/segment/segment_file_name.ts";
import { messageOf } from "../../../errors.ts";
import { type Json, recordToJson } from "../../../records/json.ts";
import type { OutputRecord } from "../../../records/record.ts";
import { textPrinter, timeText } from "../../records/record_printer.ts";
import type { Style } from "../../../terminal/style.ts";
import { escapeControls } from "../../../terminal/text_width.ts";
import type { DumpColumn, DumpOutput } from "./dump_output.ts";
import { withWindow } from "./open_window.ts";
import { markerIn, markerMeaning, meaningOf, type RecordMeaning } from "./record_meaning.ts";
import { segmentBatches, type SegmentPart } from "./segment_batches.ts";

const CODECS = ["none", "gzip", "snappy", "lz4", "zstd"];
const COLUMNS: readonly DumpColumn[] = [
  { heading: "POSITION", width: 10 },
  { heading: "SIZE", width: 8 },
  { heading: "OFFSETS", width: -17 },
  { heading: "RECORDS", width: 7 },
  { heading: "CODEC", width: -6 },
  { heading: "LATEST TIMESTAMP", width: -24 },
  { heading: "EPOCH", width: 5 },
  { heading: "PRODUCER", width: -10 },
  { heading: "NOTES", width: -5 },
];

/** The partition of a file, from the name of its folder. */
export interface DumpPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Dumps a segment file. */
export async function dumpSegment(
  path: string,
  output: DumpOutput,
  partition: DumpPartition,
  baseOffset: number,
  withRecords: boolean,
): Promise<void> {
  await withWindow(path, async (file) => {
    output.file(path, "segment", COLUMNS);
    if (file.size === 0) output.empty();
    for (const part of segmentBatches(file, baseOffset, isActive(path, baseOffset))) {
      if ("batch" in part) {
        await dumpBatch(output, partition, part, withRecords);
      } else if ("isPreallocated" in part) {
        const { position, size } = part;
        output.note(`${size} bytes at position ${position} are zeros: preallocated space`, {
          position,
          size,
          preallocated: true,
        });
      } else {
        const { position, size, problem } = part;
        output.problem(`${size} bytes at position ${position} are not a batch: ${problem}`, {
          position,
          size,
        });
      }
    }
  });
}

/** Whether no segment with a larger base offset is in the folder of a segment. */
function isActive(path: string, baseOffset: number): boolean {
  return new DenoFileSystem().readDirSync(parentOf(path))
    .every(({ name }) => (offsetOf(name, LOG_SUFFIX) ?? baseOffset) <= baseOffset);
}

async function dumpBatch(
  output: DumpOutput,
  partition: DumpPartition,
  { position, batch, problem }: Extract<SegmentPart, { batch: RecordBatch }>,
  withRecords: boolean,
): Promise<void> {
  const records = withRecords ? recordsOf(batch) : undefined;
  const marker = markerIn(batch);
  const ended = marker === undefined ? undefined : markerMeaning(marker);
  const json = output.isJson && records !== undefined
    ? { records: records.list.map((record) => recordJson(record, partition)) }
    : {};
  await output.row({
    cells: batchCells(position, batch, ended),
    json: { ...batchJson(position, batch, problem === undefined), ...ended?.json, ...json },
  });
  if (records !== undefined && !output.isJson) {
    const print = textPrinter(output.style);
    for (const record of records.list) {
      const meaning = ended ?? meaningOf(partition.topic, record);
      await output.text(({ stdout }) => {
        stdout.write("    ");
        if (meaning === undefined) print(outputRecord(record, partition), stdout.buffer);
        else stdout.line(meaningLine(record, partition, meaning, output.style));
      });
    }
  }
  for (const each of [problem, records?.problem]) {
    if (each !== undefined) {
      output.problem(`batch at position ${position}: ${each}`, { position });
    }
  }
}

/** The records that can be read, and the problem that ends them. */
function recordsOf(batch: RecordBatch): { list: BatchRecord[]; problem?: string } {
  const list: BatchRecord[] = [];
  try {
    for (const record of batch.records()) {
      // Headers are decoded on access, which reveals damage.
      record.headers.length;
      list.push(record);
    }
    return { list };
  } catch (error) {
    return { list, problem: messageOf(error) };
  }
}

function outputRecord(record: BatchRecord, { topic, partition }: DumpPartition): OutputRecord {
  const { offset, timestamp, key, value, headers } = record;
  const output = { topic, partition, offset, timestamp, key, value, headers };
  if (Number.isSafeInteger(timestamp)) return output;
  return { ...output, exactTimestamp: record.exactTimestamp };
}

function recordJson(record: BatchRecord, partition: DumpPartition): Json {
  const json = recordToJson(outputRecord(record, partition));
  return { ...json as { [name: string]: Json }, ...meaningOf(partition.topic, record)?.json };
}

/** A record of the broker's own, for people. */
function meaningLine(
  { offset, timestamp }: BatchRecord,
  { topic, partition }: DumpPartition,
  { text }: RecordMeaning,
  style: Style,
): string {
  const place = style.dim(`${topic}-${partition}:${offset}  ${timeText(timestamp)}  `);
  return `${place}${escapeControls(text)}`;
}

function batchCells(
  position: number,
  batch: RecordBatch,
  ended: RecordMeaning | undefined,
): (string | number)[] {
  const { baseOffset, lastOffset } = batch;
  return [
    position,
    batch.sizeInBytes,
    baseOffset === lastOffset ? String(baseOffset) : `${baseOffset}-${lastOffset}`,
    batch.recordCount,
    codecOf(batch),
    timeText(batch.maxTimestamp),
    batch.partitionLeaderEpoch,
    batch.hasProducerId ? `${batch.producerId}/${batch.producerEpoch}` : "-",
    notesOf(batch, ended).join(", "),
  ];
}

function notesOf(batch: RecordBatch, ended: RecordMeaning | undefined): string[] {
  const notes: string[] = [];
  if (batch.baseSequence >= 0) {
    notes.push(`sequences ${batch.baseSequence}-${batch.lastSequence}`);
  }
  if (batch.timestampType === 1) notes.push("LogAppendTime");
  if (batch.isTransactional) notes.push("transactional");
  if (batch.isControl) notes.push("control");
  if (ended !== undefined) notes.push(ended.text);
  if (batch.hasDeleteHorizon) notes.push(`delete horizon ${timeText(batch.baseTimestamp)}`);
  return notes;
}

function batchJson(
  position: number,
  batch: RecordBatch,
  isValid: boolean,
): { [name: string]: Json } {
  return {
    position,
    size: batch.sizeInBytes,
    base_offset: batch.baseOffset,
    last_offset: batch.lastOffset,
    count: batch.recordCount,
    compression: codecOf(batch),
    timestamp_type: batch.timestampType === 1 ? "LogAppendTime" : "CreateTime",
    base_timestamp: batch.baseTimestamp,
    max_timestamp: batch.maxTimestamp,
    leader_epoch: batch.partitionLeaderEpoch,
    producer_id: batch.producerId,
    producer_epoch: batch.producerEpoch,
    base_sequence: batch.baseSequence,
    transactional: batch.isTransactional,
    control: batch.isControl,
    crc: batch.crc,
    valid: isValid,
  };
}

function codecOf({ attributes }: RecordBatch): string {
  return CODECS[attributes & 7] ?? `codec ${attributes & 7}`;
}
