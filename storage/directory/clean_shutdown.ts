/**
 * The marker of a clean shutdown: `.kafka_cleanshutdown`, in Kafka's format since KIP-966.
 *
 *     {"version":0,"brokerEpoch":4711}
 *
 * It exists between a clean shutdown and the next start. The broker epoch is that of the registration
 * with which the broker shut down, -1 if it had none: if the cluster has registered the broker since
 * then, the folder is an old copy.
 *
 * @module
 */

import { type FileSystem, isNotFound, syncFile } from "../file_system/file_system.ts";

/** The epoch of a broker that was not registered with others. */
export const NO_BROKER_EPOCH = -1;

/**
 * Reads the broker epoch from the marker.
 *
 * @returns `undefined` if there is no marker. -1 if it has no epoch that can be read: it is a marker
 *   all the same, older brokers left it empty.
 */
export function readCleanShutdown(fs: FileSystem, path: string): number | undefined {
  let text: string;
  try {
    text = new TextDecoder().decode(fs.readFileSync(path));
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
  try {
    const { brokerEpoch } = JSON.parse(text);
    return Number.isSafeInteger(brokerEpoch) ? brokerEpoch : NO_BROKER_EPOCH;
  } catch {
    return NO_BROKER_EPOCH;
  }
}

/** Writes the marker and syncs it; the folder must be synced after that. */
export async function writeCleanShutdown(
  fs: FileSystem,
  path: string,
  brokerEpoch: number,
): Promise<void> {
  const marker = JSON.stringify({ version: 0, brokerEpoch });
  fs.writeFileSync(path, new TextEncoder().encode(marker));
  await syncFile(fs, path);
}
