/**
 * The record format of `__cluster_metadata-0`, as written by `local_metadata_store.ts`.
 *
 * @module
 */

import type { RecordBatch } from "../../protocol/records/mod.ts";

/** Header with the revision of a record's commit. */
export const REVISION_HEADER = "revision";

/** Header with the revision of the commit that created the key, if it is an earlier one. */
export const CREATED_HEADER = "created";

/** Key of a record that only preserves a revision. */
export const REVISION_KEY = "";

const DECODER = new TextDecoder();

/** A change of one key. */
export interface MetadataRecord {
  readonly key: string;
  /** A view of the batch; `null` if the key was deleted. */
  readonly value: Uint8Array | null;
  readonly revision: number;
  /** The revision that created the key; `undefined` if only earlier records know it. */
  readonly created: number | undefined;
}

/** Decodes the changes in a batch from the log start offset on. */
export function* metadataRecords(
  batch: RecordBatch,
  logStartOffset: number,
): Generator<MetadataRecord, void> {
  // A repaired log may end with a control batch.
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
