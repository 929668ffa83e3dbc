/**
 * The records of `__cluster_metadata-0`, as `local_metadata_store.ts` writes them.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";

/** Header that has the number of a record's commit. */
export const REVISION_HEADER = "revision";

/** Header that has the number of the commit that created the key, where that is an earlier one. */
export const CREATED_HEADER = "created";

/** Key of a record that has nothing but the number of a commit. */
export const REVISION_KEY = "";

const DECODER = new TextDecoder();

/** A change of one key. */
export interface MetadataRecord {
  readonly key: string;
  /** A view of the batch; null if the key was deleted. */
  readonly value: Uint8Array | null;
  readonly revision: number;
  /** The commit that created the key; undefined if only the records before can tell. */
  readonly created: number | undefined;
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
    const created = headers.find((header) => header.key === CREATED_HEADER)?.value;
    yield {
      key: DECODER.decode(key!),
      value,
      revision,
      created: created ? Number(DECODER.decode(created)) : undefined,
    };
  }
}
