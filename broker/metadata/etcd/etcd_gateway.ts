/**
 * A client of an etcd cluster, over the HTTP/JSON gateway of its members.
 *
 * Requests go to one member at a time. If it does not respond within `timeoutMs`, the next one is
 * used, and listeners are notified, so that everything a broker does goes through the same member.
 *
 * In JSON, int64 are strings, bytes are base64, and fields that are 0, false or empty are omitted.
 *
 * @module
 */

import type { Clock } from "../../time/clock.ts";
import { errorOf, EtcdCode, EtcdError, EtcdRestoredError, EtcdSilenceError } from "./etcd_error.ts";

/** The client's credentials. */
export interface EtcdCredentials {
  readonly user: string;
  readonly password: string;
}

/** TLS options in addition to the system's certificates, each as PEM. */
export interface EtcdTls {
  /** Certificates of the authorities that sign the members' certificates. */
  readonly caCerts?: readonly string[] | undefined;
  /** This client's certificate. */
  readonly cert?: string | undefined;
  /** The certificate's private key. */
  readonly key?: string | undefined;
}

/** Options of {@linkcode EtcdGateway}. */
export interface EtcdGatewayOptions {
  /** Base URLs of the members. */
  readonly endpoints: readonly string[];
  readonly credentials?: EtcdCredentials | undefined;
  readonly tls?: EtcdTls | undefined;
  readonly clock: Clock;
  /** Time limit of a response. Default: 700 ms. */
  readonly timeoutMs?: number | undefined;
  /** Called once, when etcd turns out not to be the same as before. */
  onFailure?(error: EtcdRestoredError): void;
}

/** A state of etcd. */
export interface EtcdPosition {
  /** The id of the etcd cluster. */
  readonly clusterId: string;
  readonly revision: number;
}

/** The header of every response. */
export interface EtcdHeader extends EtcdPosition {
  readonly raftTerm: string;
}

/** Options of a call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** The member to call. Default: the current one. */
  readonly endpoint?: string;
  readonly timeoutMs?: number | undefined;
}

/** The fields of a response. */
export type EtcdAnswer = Readonly<Record<string, unknown>>;

const TIMEOUT_MS = 700;
/** Ends a stream if the member loses its leader. */
const HAS_LEADER = { "Grpc-Metadata-hasleader": "true" };
const KEY_VALUE = "/v3/kv/";
const AUTHENTICATE = "/v3/auth/authenticate";

/** A client of one etcd cluster. */
export class EtcdGateway {
  readonly #options: EtcdGatewayOptions;
  readonly #client: Deno.HttpClient;
  readonly #closing = new AbortController();
  readonly #listeners: Set<() => void> = new Set();
  #current = 0;
  #token: string | undefined;
  #clusterId: string | undefined;
  /** The highest revision in a response that a majority of the members confirmed. */
  #revision = 0;
  #failure: EtcdRestoredError | undefined;

  constructor(options: EtcdGatewayOptions) {
    this.#options = options;
    const { caCerts, cert, key } = options.tls ?? {};
    this.#client = Deno.createHttpClient({
      ...(caCerts === undefined ? {} : { caCerts: [...caCerts] }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    } as Deno.CreateHttpClientOptions);
  }

  /** All members. */
  get endpoints(): readonly string[] {
    return this.#options.endpoints;
  }

  /** Why etcd cannot be used any more, if so. */
  get failure(): EtcdRestoredError | undefined {
    return this.#failure;
  }

  /** The current member. */
  get endpoint(): string {
    return this.#options.endpoints[this.#current]!;
  }

  /** The state of etcd last seen. */
  get position(): EtcdPosition {
    return { clusterId: this.#clusterId ?? "", revision: this.#revision };
  }

  /** Aborted when the gateway is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** All members, for messages. */
  toString(): string {
    return this.#options.endpoints.map((url) => new URL(url).host).join(", ");
  }

  /**
   * Calls `listener` when the current member changes.
   *
   * @returns A function that removes the listener.
   */
  onMove(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Switches from a failed member to the next, unless already done. */
  leave(endpoint: string): void {
    if (endpoint !== this.endpoint || this.#options.endpoints.length === 1) return;
    this.#current = (this.#current + 1) % this.#options.endpoints.length;
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * Calls the current member once.
   *
   * @throws {EtcdError} If it returns an error.
   * @throws {EtcdSilenceError} If there is no definite response.
   * @throws {EtcdRestoredError} If it is not the same etcd cluster as before; all later calls fail
   * too.
   */
  async call(path: string, body: object, options: CallOptions = {}): Promise<EtcdAnswer> {
    if (this.#failure !== undefined) throw this.#failure;
    const { endpoint = this.endpoint } = options;
    const before = this.#revision;
    const answer = await this.#authenticated(endpoint, async () => {
      const response = await this.#fetch(endpoint, path, body, options);
      return parse(response.status, response.text);
    });
    // These responses need a majority; others may come from a member that lags.
    if (path.startsWith(KEY_VALUE)) this.#notePosition(answer, before);
    return answer;
  }

  /**
   * Reads a page of a member that is not part of the API.
   *
   * @throws {EtcdSilenceError} If there is no response.
   */
  async page(path: string, { endpoint }: { readonly endpoint: string }): Promise<string> {
    return await this.#withTimeout({ endpoint }, async (signal) => {
      const response = await fetch(endpoint + path, { signal, client: this.#client });
      const text = await response.text();
      if (!response.ok) throw new EtcdSilenceError(`etcd answered: HTTP status ${response.status}`);
      return text;
    });
  }

  /**
   * Requires etcd to be in a state seen before, or a later one.
   *
   * @throws {EtcdRestoredError} If it is already known to be in another state.
   */
  expect({ clusterId, revision }: EtcdPosition): void {
    this.#clusterId ??= clusterId;
    if (this.#clusterId !== clusterId) throw this.#restored("another cluster than before");
    if (this.#revision > 0 && this.#revision < revision) {
      throw this.#restored(`at revision ${this.#revision}, after it was at ${revision}`);
    }
  }

  #notePosition(answer: EtcdAnswer, before: number): void {
    const { revision } = this.header(answer);
    if (revision < before) {
      throw this.#restored(`at revision ${revision}, after it was at ${before}`);
    }
    this.#revision = Math.max(this.#revision, revision);
  }

  #restored(what: string): EtcdRestoredError {
    if (this.#failure !== undefined) return this.#failure;
    this.#failure = new EtcdRestoredError(
      `Cannot use the metadata in etcd at ${this}: it is ${what}. It was set up again or restored ` +
        "from a backup, so what brokers did since is unknown to it",
    );
    this.#options.onFailure?.(this.#failure);
    return this.#failure;
  }

  /**
   * Opens a stream of responses, which ends when the signal is aborted.
   *
   * @throws {EtcdError | EtcdSilenceError} Like `call`.
   */
  async stream(
    path: string,
    body: object,
    { signal, endpoint = this.endpoint }: { readonly signal: AbortSignal; endpoint?: string },
  ): Promise<ReadableStream<Uint8Array>> {
    return await this.#authenticated(endpoint, async () => {
      // A stream opened in time continues until it is aborted.
      const ending = new AbortController();
      const end = () => ending.abort();
      if (signal.aborted) end();
      signal.addEventListener("abort", end);
      const response = await this.#withTimeout({ endpoint, signal }, (within) => {
        within.addEventListener("abort", end);
        return this.#send(endpoint, path, body, ending.signal, HAS_LEADER);
      });
      if (response.ok && response.body !== null) return response.body;
      throw errorFrom(response.status, await response.text().catch(() => ""));
    });
  }

  /** Reads and checks the header of a response. */
  header({ header }: EtcdAnswer): EtcdHeader {
    const { cluster_id, revision, raft_term } = (header ?? {}) as Record<string, unknown>;
    const clusterId = String(cluster_id ?? "");
    this.#clusterId ??= clusterId;
    if (clusterId !== this.#clusterId) throw this.#restored("another cluster than before");
    return { clusterId, revision: Number(revision ?? 0), raftTerm: String(raft_term ?? "") };
  }

  /** Aborts all requests. */
  close(): void {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    this.#client.close();
  }

  async #authenticated<T>(endpoint: string, request: () => Promise<T>): Promise<T> {
    const { credentials } = this.#options;
    if (credentials === undefined) return await request();
    this.#token ??= await this.#authenticate(endpoint, credentials);
    const token = this.#token;
    try {
      return await request();
    } catch (error) {
      const isExpired = error instanceof EtcdError && error.code === EtcdCode.unauthenticated;
      if (!isExpired) throw error;
      // Another request may have renewed the token already.
      if (this.#token === token) this.#token = undefined;
      this.#token ??= await this.#authenticate(endpoint, credentials);
      return await request();
    }
  }

  async #authenticate(
    endpoint: string,
    { user, password }: EtcdCredentials,
  ): Promise<string> {
    const body = { name: user, password };
    const { status, text } = await this.#fetch(endpoint, AUTHENTICATE, body, { isLogin: true });
    return String(parse(status, text).token);
  }

  async #fetch(
    endpoint: string,
    path: string,
    body: object,
    { signal, timeoutMs, isLogin = false }: CallOptions & { readonly isLogin?: boolean },
  ): Promise<{ readonly status: number; readonly text: string }> {
    return await this.#withTimeout({ endpoint, signal, timeoutMs }, async (within) => {
      const response = await this.#send(endpoint, path, body, within, {}, isLogin);
      return { status: response.status, text: await response.text() };
    });
  }

  #send(
    endpoint: string,
    path: string,
    body: object,
    signal: AbortSignal,
    headers: Record<string, string>,
    isLogin = false,
  ): Promise<Response> {
    const token = isLogin ? undefined : this.#token;
    return fetch(endpoint + path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: token === undefined ? headers : { ...headers, Authorization: token },
      signal,
      client: this.#client,
    });
  }

  async #withTimeout<T>(
    { endpoint, signal, timeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS }: {
      readonly endpoint: string;
      readonly signal?: AbortSignal | undefined;
      readonly timeoutMs?: number | undefined;
    },
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { clock } = this.#options;
    const closing = this.#closing.signal;
    const ending = new AbortController();
    const onAbort = () => ending.abort();
    if (closing.aborted || signal?.aborted) onAbort();
    closing.addEventListener("abort", onAbort);
    signal?.addEventListener("abort", onAbort);
    let isLate = false;
    const timer = clock.setTimeout(() => {
      isLate = true;
      ending.abort();
    }, timeoutMs);
    try {
      return await work(ending.signal);
    } catch (error) {
      if (error instanceof EtcdError || error instanceof EtcdSilenceError) throw error;
      const host = new URL(endpoint).host;
      const reason = isLate ? `no answer within ${timeoutMs} ms` : reasonOf(error, endpoint);
      if (isLate || !ending.signal.aborted) this.leave(endpoint);
      throw new EtcdSilenceError(`Cannot reach etcd at ${host}: ${reason}`, { cause: error });
    } finally {
      clock.clearTimeout(timer);
      closing.removeEventListener("abort", onAbort);
      signal?.removeEventListener("abort", onAbort);
    }
  }
}

function parse(status: number, text: string): EtcdAnswer {
  if (status !== 200) throw errorFrom(status, text);
  const answer = parseJson(text);
  if (answer === undefined) throw new EtcdSilenceError("etcd answered what is not JSON");
  return answer;
}

function errorFrom(status: number, text: string): Error {
  if (status === 404 && parseJson(text) === undefined) {
    return new EtcdError(
      EtcdCode.failedPrecondition,
      "there is no such page; etcd 3.4 or later is needed",
    );
  }
  if (status === 400 && text.startsWith("CommonName of client")) {
    return new EtcdError(
      EtcdCode.failedPrecondition,
      "with users enabled it refuses certificates of clients that have a common name; give this " +
        "broker a certificate without one in metadata.tls.cert.file",
    );
  }
  return errorOf(status, parseJson(text));
}

function parseJson(text: string): EtcdAnswer | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown, endpoint: string): string {
  if (!(error instanceof Error)) return String(error);
  const cause = rootOf(error).message;
  if (/refused/i.test(cause)) return "connection refused";
  const advice = endpoint.startsWith("https:") ? TLS_ADVICE : PLAIN_ADVICE;
  const found = advice.find(([pattern]) => pattern.test(cause));
  return found === undefined ? cause : `${cause}; ${found[1]}`;
}

function rootOf(error: Error): Error {
  return error.cause instanceof Error ? rootOf(error.cause) : error;
}

/** What to do about an error. A server that refuses a certificate may just close the connection. */
const TLS_ADVICE: readonly (readonly [RegExp, string])[] = [
  [
    /invalid peer certificate/i,
    "name the authority that signed its certificate with metadata.tls.ca.file, and use a host that " +
    "the certificate is for",
  ],
  [
    /corrupt message|InvalidContentType|handshake eof/i,
    "if it does not use TLS, write etcd:// instead of etcds://",
  ],
  [
    /certificate|unknown ?ca|closed|reset/i,
    "if it wants a certificate of this broker, set metadata.tls.cert.file and metadata.tls.key.file",
  ],
];
const PLAIN_ADVICE: readonly (readonly [RegExp, string])[] = [
  [/closed before message completed/i, "if it uses TLS, write etcds:// instead of etcd://"],
];
