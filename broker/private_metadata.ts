/**
 * Keeps a broker's own metadata from other users of its machine: one that reads what is kept of a
 * password can guess it without being noticed.
 *
 * @module
 */

import { METADATA_LOG_NAME } from "./metadata/local_metadata_store.ts";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** What others than the owner may do. */
const OF_OTHERS = 0o077;

/**
 * Takes the log of the metadata from all but the owner of a data folder, also what others could read
 * before. Later files are protected by the folder.
 *
 * @param path The data folder.
 */
export async function keepMetadataPrivate(path: string): Promise<void> {
  if (Deno.build.os === "windows") return;
  const folder = `${path}/${METADATA_LOG_NAME}`;
  if (!await takeFromOthers(folder, FOLDER_MODE)) return;
  for await (const { name, isFile } of Deno.readDir(folder)) {
    if (isFile) await takeFromOthers(`${folder}/${name}`, FILE_MODE);
  }
}

/**
 * Returns whether others had access, and have it no longer. A file may be gone meanwhile or belong to another
 * user, and some file systems have no modes: none of it keeps a broker from serving.
 */
async function takeFromOthers(path: string, mode: number): Promise<boolean> {
  try {
    const { mode: before } = await Deno.stat(path);
    if (before === null || (before & OF_OTHERS) === 0) return false;
    await Deno.chmod(path, mode);
    return true;
  } catch {
    return false;
  }
}
