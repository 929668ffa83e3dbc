/**
 * A `LocalMetadataStore` in memory for tests of what is built on it.
 *
 * @module
 */

import { LogDirectory, MemoryFileSystem } from "../../storage/mod.ts";
import { ManualClock } from "../time/clock.ts";
import { LocalMetadataStore, METADATA_LOG_NAME } from "./local_metadata_store.ts";

/** Opens an empty store, which is closed with `resources`. */
export async function openLocalStore(
  resources: AsyncDisposableStack,
): Promise<LocalMetadataStore> {
  const clock = new ManualClock();
  const nowMs = clock.now();
  const directory = await LogDirectory.open(new MemoryFileSystem(), "/data", { nowMs });
  resources.use(directory);
  const log = directory.create(METADATA_LOG_NAME, { nowMs });
  const store = await LocalMetadataStore.open(log, { clock });
  resources.defer(() => store.close());
  return store;
}
