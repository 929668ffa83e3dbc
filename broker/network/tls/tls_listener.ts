/**
 * Opens listeners by TLS, with the implementation of the runtime that can do what the settings ask for.
 *
 * @module
 */

import { ConfigError } from "../../settings/config.ts";
import type { TlsConfig } from "../../settings/tls_settings.ts";
import { ClientCertificates } from "./client_certificates.ts";
import { CredentialFiles } from "./credential_files.ts";
import type { TlsCredentials } from "./credentials.ts";
import { listenDenoTls } from "./deno_tls_listener.ts";
import { problemOfNodeTls } from "./node_tls_check.ts";
import { listenNodeTls } from "./node_tls_listener.ts";
import {
  compilePrincipalMapping,
  type PrincipalMapping,
  PrincipalMappingError,
} from "./principal_mapping.ts";
import type {
  SecureConn,
  SecureListener,
  ShownCertificate,
  TlsListenerOptions,
} from "./secure_listener.ts";
import type { TlsServing, TlsStackListener } from "./tls_stack.ts";

/**
 * Opens a listener by TLS.
 *
 * @throws {ConfigError} If the settings or the files that they name cannot be used; the message says
 * what to change.
 * @throws {Deno.errors.AddrInUse} If another program listens on the address.
 */
export async function openTlsListener(options: TlsListenerOptions): Promise<SecureListener> {
  const { address, identity: { name }, config, clock, logger } = options;
  const mapping = await mappingOf(config);
  const files = await CredentialFiles.open({ config, listener: name, clock, logger });
  try {
    const { current } = files;
    const clientAuth = config.get("ssl.client.auth");
    const clients = clientAuth === "none"
      ? undefined
      : new ClientCertificates(clientAuth === "required", mapping, trustOf(current, clientAuth));
    const serving: TlsServing = {
      clock,
      versions: config.get("ssl.enabled.protocols") as TlsServing["versions"],
      isClientAuthRequired: clientAuth === "required",
      clients,
    };
    const problem = await problemOfNodeTls(listenNodeTls, current, clients !== undefined);
    const stack = problem === undefined
      ? await listenNodeTls(address, current, serving)
      : listenDenoTls(address, checkFallback(current, serving, clientAuth, problem), serving);
    return new TlsListener(files, stack);
  } catch (error) {
    files.close();
    throw error;
  }
}

async function mappingOf(config: TlsConfig): Promise<PrincipalMapping> {
  try {
    return await compilePrincipalMapping(config.get("ssl.principal.mapping.rules"));
  } catch (error) {
    if (!(error instanceof PrincipalMappingError)) throw error;
    throw new ConfigError(`Cannot use ssl.principal.mapping.rules: ${error.message}`, {
      cause: error,
    });
  }
}

function trustOf({ trust }: TlsCredentials, clientAuth: string) {
  if (trust !== undefined) return trust;
  throw new ConfigError(
    `Cannot use ssl.client.auth=${clientAuth} without trusted authorities: set ` +
      "ssl.truststore.location to a PEM file with the certificates of those that sign clients'",
  );
}

/** Refuses what only `node:tls` can do. */
function checkFallback(
  credentials: TlsCredentials,
  { versions, clients }: TlsServing,
  clientAuth: string,
  problem: string,
): TlsCredentials {
  const refuse = (what: string) => {
    throw new ConfigError(`Cannot use ${what} with Deno ${Deno.version.deno}: ${problem}`);
  };
  if (clients !== undefined) refuse(`ssl.client.auth=${clientAuth}`);
  if (versions.length === 1) refuse(`ssl.enabled.protocols=${versions}`);
  if (credentials.entries.length > 1) refuse("several private keys in ssl.keystore.location");
  return credentials;
}

class TlsListener implements SecureListener {
  readonly #files: CredentialFiles;
  readonly #stack: TlsStackListener;

  constructor(files: CredentialFiles, stack: TlsStackListener) {
    this.#files = files;
    this.#stack = stack;
    files.onChange = (credentials) => stack.use(credentials);
  }

  get addr(): Deno.NetAddr {
    return this.#stack.addr;
  }

  get certificates(): readonly ShownCertificate[] {
    return this.#files.shown;
  }

  accept(): Promise<SecureConn> {
    return this.#stack.accept();
  }

  close(): void {
    this.#files.close();
    this.#stack.close();
  }
}
