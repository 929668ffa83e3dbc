/**
 * What a listener shows to clients, and whom it trusts: loaded from its settings, and again when the
 * files change, so that a certificate is renewed without a restart.
 *
 * Files are looked at rather than watched: a file that is replaced by a rename, or through a mount, is
 * noticed as well. What is not acceptable does not replace what is.
 *
 * @module
 */

import { ConfigError } from "../../settings/config.ts";
import type { TlsConfig } from "../../settings/tls_settings.ts";
import type { Logger } from "../../logger.ts";
import type { Clock } from "../../time/clock.ts";
import { ExpiryWarnings } from "./expiry_warnings.ts";
import { type FileTexts, parseCredentials, type TlsCredentials } from "./credentials.ts";
import type { ShownCertificate } from "./secure_listener.ts";

/** Options of {@linkcode CredentialFiles.open}. */
export interface CredentialFilesOptions {
  readonly config: TlsConfig;
  /** The listener, for log lines. */
  readonly listener: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Milliseconds between two looks at the files. */
export const CHECK_MS = 10_000;
/** More is not a file of certificates. */
const MAX_FILE_BYTES = 1024 * 1024;

/** The credentials of a listener. */
export class CredentialFiles {
  readonly #options: CredentialFilesOptions;
  readonly #warnings: ExpiryWarnings;
  #current: TlsCredentials;
  /** The state of the files that were loaded, or tried, last. */
  #state: string;
  /** The state that was refused, until it is logged at the next look: it may still be written. */
  #refused: string | undefined;
  #loggedState: string | undefined;
  #timer: number | undefined;
  #isClosed = false;
  /** Called after the credentials were replaced. */
  onChange: (credentials: TlsCredentials) => void = () => {};

  private constructor(options: CredentialFilesOptions, current: TlsCredentials, state: string) {
    this.#options = options;
    this.#current = current;
    this.#state = state;
    this.#warnings = new ExpiryWarnings(options);
    this.#warnings.check(current);
  }

  /**
   * Loads the credentials, and again when the files change.
   *
   * @throws {ConfigError} If they cannot be used; the message says what to change.
   */
  static async open(options: CredentialFilesOptions): Promise<CredentialFiles> {
    const files = await CredentialFiles.load(options);
    files.#schedule();
    return files;
  }

  /**
   * Loads the credentials once; `check()` loads them again.
   *
   * @throws {ConfigError} If they cannot be used; the message says what to change.
   */
  static async load(options: CredentialFilesOptions): Promise<CredentialFiles> {
    const { config, clock } = options;
    const state = await stateOf(config);
    const current = parseCredentials(config, await readFiles(config), clock.now());
    return new CredentialFiles(options, current, state);
  }

  /** What new connections use. */
  get current(): TlsCredentials {
    return this.#current;
  }

  /** The certificates that clients are shown. */
  get shown(): readonly ShownCertificate[] {
    return this.#current.entries.map(({ chain: [own] }) => ({
      listener: this.#options.listener,
      name: own!.subject,
      notAfterMs: own!.notAfterMs,
      isStale: this.isStale,
    }));
  }

  /** Whether files have changed to something that cannot be used. */
  get isStale(): boolean {
    return this.#loggedState !== undefined;
  }

  /** Stops looking at the files. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  /** Looks at the files now, and loads them if they have changed. */
  async check(): Promise<void> {
    this.#warnings.check(this.#current);
    const { config, clock, logger, listener } = this.#options;
    const state = await stateOf(config);
    if (state === this.#state && this.#refused === undefined) return;
    try {
      const loaded = parseCredentials(config, await readFiles(config), clock.now());
      if (this.#isClosed) return;
      checkChange(config, this.#current, loaded);
      this.#current = loaded;
      this.#refused = this.#loggedState = undefined;
      logger.info("Loaded the certificates of a listener again", {
        listener,
        certificate: loaded.entries[0]!.chain[0]!.subject,
        expires: new Date(loaded.entries[0]!.chain[0]!.notAfterMs).toISOString(),
      });
      this.#warnings.check(loaded);
      this.onChange(loaded);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (this.#refused === state && this.#loggedState !== state) {
        logger.error("Cannot load new certificates of a listener, which keeps the ones it has", {
          listener,
          reason: error.message,
        });
        this.#loggedState = state;
      }
      this.#refused = state;
    }
    this.#state = state;
  }

  #schedule(): void {
    this.#timer = this.#options.clock.setTimeout(() => {
      this.check()
        .catch((error) => this.#options.logger.error("Cannot look at certificates", { error }))
        .finally(() => this.#isClosed || this.#schedule());
    }, CHECK_MS);
  }
}

/** What tells one state of the files from another: another file, another size, or written to. */
async function stateOf(config: TlsConfig): Promise<string> {
  const states = await Promise.all(
    paths(config).map(async (path) => {
      try {
        const { ino, size, mtime, dev } = await Deno.stat(path);
        return `${dev}/${ino}/${size}/${mtime?.getTime()}`;
      } catch (error) {
        return (error as Error).name;
      }
    }),
  );
  return states.join(" ");
}

function paths(config: TlsConfig): string[] {
  return [config.get("ssl.keystore.location"), config.get("ssl.truststore.location")]
    .filter((path) => path !== null);
}

async function readFiles(config: TlsConfig): Promise<FileTexts> {
  return {
    keystore: await readFile(config, "ssl.keystore.location"),
    truststore: await readFile(config, "ssl.truststore.location"),
  };
}

async function readFile(
  config: TlsConfig,
  name: "ssl.keystore.location" | "ssl.truststore.location",
): Promise<string | undefined> {
  const path = config.get(name);
  if (path === null) return undefined;
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_FILE_BYTES) {
      throw new RangeError(`it has ${size} bytes, too many for certificates`);
    }
    return await Deno.readTextFile(path);
  } catch (error) {
    throw new ConfigError(`Cannot read ${name} ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** A certificate that replaces another has its names, unless settings allow otherwise (KIP-978). */
function checkChange(config: TlsConfig, before: TlsCredentials, after: TlsCredentials): void {
  const [old, next] = [before.entries[0]!.chain[0]!, after.entries[0]!.chain[0]!];
  if (old.subject !== next.subject && !config.get("ssl.allow.dn.changes")) {
    throw new ConfigError(
      `The new certificate has the name "${next.subject}", the old one "${old.subject}"; set ` +
        "ssl.allow.dn.changes=true to allow that",
    );
  }
  const missing = old.alternativeNames.filter((name) => !next.alternativeNames.includes(name));
  if (missing.length > 0 && !config.get("ssl.allow.san.changes")) {
    throw new ConfigError(
      `The new certificate lacks the alternative names ${missing.join(", ")}; set ` +
        "ssl.allow.san.changes=true to allow that",
    );
  }
}
