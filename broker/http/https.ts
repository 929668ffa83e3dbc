/**
 * Keys and certificates of the HTTP port: those of the listeners, `ssl.keystore.…`, or its own,
 * `listener.name.http.ssl.keystore.…`. Loaded where the port has TLS.
 *
 * @module
 */

import { CredentialFiles, type ShownCertificate } from "../network/tls/mod.ts";
import { type BrokerConfig, ConfigError, type ListenerConfig } from "../settings/config.ts";
import type { Logger } from "../logger.ts";
import type { Clock } from "../time/clock.ts";

/** The listener whose settings hold, without being one. */
const LISTENER = "HTTP";

/** What the runtime needs. */
export interface HttpCredential {
  /** The certificate and those of authorities in between, as PEM. */
  readonly cert: string;
  /** The key as PEM. */
  readonly key: string;
}

/** What an HTTP port shows to clients. */
export interface HttpCredentials {
  /** What new connections use. */
  readonly current: HttpCredential;
  /** The certificate that clients are shown, for the metrics. */
  readonly shown: readonly ShownCertificate[];
  /** Calls `listener` after the files have changed. */
  onChange(listener: () => void): void;
  /** Stops looking at the files. */
  close(): void;
}

/**
 * Loads keys and certificates, and again when the files change.
 *
 * @throws {ConfigError} If they cannot be used, or settings ask for what the runtime's HTTP cannot do; the
 * message says what to change.
 */
export async function openHttpCredentials(
  { config, clock, logger }: {
    readonly config: BrokerConfig;
    readonly clock: Clock;
    readonly logger: Logger;
  },
): Promise<HttpCredentials> {
  const own = config.ofListener(LISTENER);
  checkAbilities(own, config);
  const files = await CredentialFiles.open({ config: own, listener: LISTENER, clock, logger });
  if (files.current.entries.length > 1) {
    files.close();
    throw new ConfigError(
      "Cannot serve HTTP with several private keys in ssl.keystore.location: set " +
        "listener.name.http.ssl.keystore.location to a file with one",
    );
  }
  return {
    get current() {
      const { cert, key } = files.current.entries[0]!;
      return { cert, key };
    },
    get shown() {
      return files.shown;
    },
    onChange: (listener) => files.onChange = listener,
    close: () => files.close(),
  };
}

/** What is not done must not seem to be. */
function checkAbilities(own: ListenerConfig, config: BrokerConfig): void {
  const versions = own.get("ssl.enabled.protocols");
  if (versions.length === 1) {
    throw new ConfigError(
      `Cannot use ssl.enabled.protocols=${versions} for HTTP, which the runtime serves with TLSv1.2 and ` +
        "TLSv1.3; if that is acceptable, set listener.name.http.ssl.enabled.protocols=TLSv1.2,TLSv1.3",
    );
  }
  // The setting of all listeners is about clients of Kafka's protocol.
  const isOwn = [...config.overrides.values()].some(({ listener, setting }) =>
    listener === LISTENER.toLowerCase() && setting === "ssl.client.auth"
  );
  const clientAuth = own.get("ssl.client.auth");
  if (isOwn && clientAuth !== "none") {
    throw new ConfigError(
      `Cannot use listener.name.http.ssl.client.auth=${clientAuth}: HTTP asks for a user and a password, or ` +
        "a token, not for a certificate",
    );
  }
}
