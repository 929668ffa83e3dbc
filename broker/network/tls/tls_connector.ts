/**
 * Connects to other brokers by TLS, with the keys and authorities of the listener that they share.
 *
 * @module
 */

import net from "node:net";
import tls from "node:tls";
import type { ByteDuplex } from "../../../protocol/frames/channel.ts";
import { socketDuplex } from "../../../protocol/frames/socket_duplex.ts";
import type { Clock } from "../../time/clock.ts";
import { formatHostPort, type HostPort } from "../../settings/listener.ts";
import type { TlsConfig } from "../../settings/tls_settings.ts";
import { CHECK_MS, CredentialFiles, type CredentialFilesOptions } from "./credential_files.ts";

/** A broker was reached, and TLS with it failed; the message says what to change. */
export class TlsConnectError extends Error {
  override name = "TlsConnectError";
}

/** Opens connections by TLS. */
export class TlsConnector {
  readonly #config: TlsConfig;
  readonly #clock: Clock;
  readonly #files: CredentialFiles;
  #checkedMs: number;

  private constructor({ config, clock }: CredentialFilesOptions, files: CredentialFiles) {
    this.#config = config;
    this.#clock = clock;
    this.#files = files;
    this.#checkedMs = clock.monotonic();
  }

  /**
   * Loads keys and authorities. They are loaded again when their files have changed: before a connection,
   * after some time, and at once when a handshake has failed.
   *
   * @throws {ConfigError} If they cannot be used; the message says what to change.
   */
  static async open(options: CredentialFilesOptions): Promise<TlsConnector> {
    return new TlsConnector(options, await CredentialFiles.load(options));
  }

  /**
   * Connects and completes the handshake. The broker shows a certificate of a trusted authority with its
   * name, and gets this broker's.
   *
   * @throws {TlsConnectError} If TLS fails.
   * @throws {Error} If the broker cannot be reached, or `signal` is aborted.
   */
  async connect(address: HostPort, signal: AbortSignal): Promise<ByteDuplex> {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#checkedMs >= CHECK_MS) {
      this.#checkedMs = nowMs;
      await this.#files.check();
    }
    try {
      return await this.#connect(address, signal);
    } catch (error) {
      if (!(error instanceof TlsConnectError)) throw error;
      // The other broker may have a certificate of an authority that has just been added here.
      const { current } = this.#files;
      await this.check();
      if (this.#files.current === current) throw error;
      return await this.#connect(address, signal);
    }
  }

  /** Loads keys and authorities again if their files have changed. */
  async check(): Promise<void> {
    await this.#files.check();
  }

  #connect(address: HostPort, signal: AbortSignal): Promise<ByteDuplex> {
    const { promise, resolve, reject } = Promise.withResolvers<ByteDuplex>();
    if (signal.aborted) return Promise.reject(signal.reason);
    const { host, port } = address;
    const { entries: [own], trust } = this.#files.current;
    const versions = this.#config.get("ssl.enabled.protocols");
    const socket = tls.connect({
      host,
      port,
      // An address is no name that a client may ask for; the certificate is compared with it all the same.
      ...(net.isIP(host) === 0 ? { servername: host } : {}),
      ...(trust === undefined ? {} : { ca: [...trust.ca] }),
      cert: own!.cert,
      key: own!.key,
      minVersion: versions.includes("TLSv1.2") ? "TLSv1.2" : "TLSv1.3",
      maxVersion: versions.includes("TLSv1.3") ? "TLSv1.3" : "TLSv1.2",
      ...(this.#config.get("ssl.endpoint.identification.algorithm") === ""
        ? { checkServerIdentity: () => undefined }
        : {}),
    });
    socket.setNoDelay(true);
    let isConnected = false;
    const onAbort = () => socket.destroy(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const fail = (error: Error) => {
      const isRefusal = isConnected && !signal.aborted;
      reject(isRefusal ? explain(error, address) : signal.aborted ? signal.reason : error);
    };
    socket.once("connect", () => isConnected = true);
    socket.on("error", fail);
    socket.once("close", () => fail(new Error("the other end closed the connection")));
    socket.once("secureConnect", () => {
      signal.removeEventListener("abort", onAbort);
      resolve(socketDuplex(socket));
    });
    return promise.finally(() => signal.removeEventListener("abort", onAbort));
  }
}

function explain(error: Error, address: HostPort): TlsConnectError {
  const { code = "" } = error as { code?: string };
  const broker = formatHostPort(address);
  const because = (text: string) =>
    new TlsConnectError(`Cannot connect to broker ${broker} by TLS: ${text}`, { cause: error });
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return because(
      `its certificate is not for ${address.host} (${error.message}); announce a name that it has ` +
        "with advertised.listeners, or use another certificate",
    );
  }
  if (/ISSUER|SELF_SIGNED|VERIFY|UNTRUSTED/.test(code)) {
    return because(
      `its certificate is not trusted (${code}); add its authority to ssl.truststore.location`,
    );
  }
  if (/EXPIRED|NOT_YET_VALID/.test(code)) return because(`its certificate: ${error.message}`);
  if (/ALERT/.test(code)) return because(`it refuses this broker's certificate (${error.message})`);
  return because(`${error.message}; does it speak TLS at that port?`);
}
