/**
 * The records of `__cluster_metadata-0`, as `local_metadata_store.ts` writes them.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";

/** Header that has the number of a record's commit. */
export const REVISION_HEADER = "revision";

/** Key of a record that has nothing but the number of a commit. */
export const REVISION_KEY = "";

const DECODER = new TextDecoder();

/** A change of one key. */
export interface MetadataRecord {
  readonly key: string;
  /** A view of the batch; null if the key was deleted. */
  readonly value: Uint8Array | null;
  readonly revision: number;
}

/** The changes in a batch, from the log start offset on. */
export function* metadataRecords(
  batch: RecordBatch,
  logStartOffset: number,
): Generator<MetadataRecord, void> {
  // A repaired log may end with one.
  if (batch.isControl) return;
  for (const { offset, key, value, headers } of batch.records()) {
    if (offset < logStartOffset) continue;
    const revision = Number(DECODER.decode(headers[0]!.value!));
    yield { key: DECODER.decode(key!), value, revision };
  }
}
