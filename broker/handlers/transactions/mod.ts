/**
 * The handlers of transactions, from the first partition to the markers. They are loaded with the first such
 * request: a broker starts faster without them.
 *
 * @module
 */

import type { ApiHandler } from "../../handler.ts";
import { addOffsetsToTxnHandler } from "./add_offsets_to_txn.ts";
import { addPartitionsToTxnHandler } from "./add_partitions_to_txn.ts";
import { endTxnHandler } from "./end_txn.ts";
import { writeTxnMarkersHandler } from "./write_txn_markers.ts";

/** The handlers by API key. */
export const handlers: ReadonlyMap<number, ApiHandler> = new Map(
  [
    addPartitionsToTxnHandler,
    addOffsetsToTxnHandler,
    endTxnHandler,
    writeTxnMarkersHandler,
  ].map((handler) => [handler.api.key, handler]),
);
