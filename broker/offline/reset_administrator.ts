/**
 * Gives an administrator a new password in the metadata itself, for a cluster that nobody can administer
 * any more.
 *
 * @module
 */

import { DenoFileSystem } from "../../storage/file_system/deno_file_system.ts";
import { LogDirectory } from "../../storage/log_directory.ts";
import { LocalMetadataStore, METADATA_LOG_NAME } from "../metadata/local_metadata_store.ts";
import type { Logger } from "../logger.ts";
import { LOCAL, openEtcd } from "../opening/open_metadata.ts";
import {
  type NewAdministrator,
  resetAdministrator,
} from "../security/credentials/administrator.ts";
import { type BrokerConfig, ConfigError } from "../settings/config.ts";
import { systemClock } from "../time/clock.ts";

/**
 * Resets a user in the folder of `log.dirs`, whose broker must be stopped, or in the store of `metadata`.
 *
 * @throws {ConfigError} If the folder has no metadata of its own.
 * @throws {DataFolderLockedError} If a broker runs on the folder.
 * @throws {AdministratorError} If the name or the password cannot be used.
 */
export async function resetAdministratorOf(
  config: BrokerConfig,
  administrator: NewAdministrator,
  logger: Logger,
): Promise<void> {
  if (config.get("metadata") !== LOCAL) {
    await using opened = new AsyncDisposableStack();
    const store = await openEtcd(config, systemClock, logger);
    opened.defer(() => store.close());
    return await resetAdministrator(store, administrator);
  }
  const path = config.get("log.dirs");
  const fs = new DenoFileSystem();
  if (fs.statSync(path)?.isDirectory !== true) {
    throw new ConfigError(`Cannot reset a user: there is no folder "${path}"; name it with --data`);
  }
  await using opened = new AsyncDisposableStack();
  const directory = opened.use(
    await LogDirectory.open(fs, path, {
      nowMs: systemClock.now(),
      requiredLog: METADATA_LOG_NAME,
      owner: `process ${Deno.pid}`,
    }),
  );
  const log = directory.get(METADATA_LOG_NAME);
  if (log === undefined || directory.metaProperties?.metadata !== undefined) {
    throw new ConfigError(
      `Cannot reset a user: folder "${path}" has no metadata of its own; name the store with --metadata`,
    );
  }
  const store = await LocalMetadataStore.open(log, { clock: systemClock });
  opened.defer(() => store.close());
  await resetAdministrator(store, administrator);
}
