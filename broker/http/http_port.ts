/**
 * The bound port of HTTP, with or without TLS. The runtime cannot give a server other certificates: another
 * one takes its place then, while the former ends what it has begun.
 *
 * @module
 */

import type { HostPort } from "../settings/listener.ts";
import type { Clock } from "../time/clock.ts";
import { pause } from "../time/pause.ts";
import type { HttpCredentials } from "./https.ts";

/** What a port needs. */
export interface HttpPortOptions {
  readonly address: HostPort;
  /** Keys and certificates, closed with the port. Default: none, and no TLS. */
  readonly credentials?: HttpCredentials | undefined;
  readonly clock: Clock;
  /** Answers a request of a client with an IP address. */
  readonly answer: (request: Request, address: string) => Promise<Response>;
  /** Answers where `answer` fails. */
  readonly onError: (error: unknown) => Response;
}

/** Milliseconds between attempts to bind the port again. */
const REBIND_MS = 1;
/** How long clients of replaced servers may take to end while the port closes. */
const CLOSE_GRACE_MS = 1000;

/** A server, and what ends it. */
interface Serving {
  readonly server: Deno.HttpServer<Deno.NetAddr>;
  readonly ending: AbortController;
}

/** A bound port. */
export class HttpPort {
  readonly #options: HttpPortOptions;
  readonly #closing = new AbortController();
  /** Servers that others have replaced, until their requests have ended. */
  readonly #retired: Set<Promise<void>> = new Set();
  /** Undefined for a moment while another one takes its place. */
  #current: Serving | undefined;
  #replaced: Promise<void> = Promise.resolve();
  readonly address: HostPort;

  /** @throws {Deno.errors.AddrInUse} If another program listens on the address. */
  constructor(options: HttpPortOptions) {
    this.#options = options;
    this.#current = this.#listen(options.address);
    const { hostname: host, port } = this.#current.server.addr;
    this.address = { host, port };
    options.credentials?.onChange(() => {
      this.#replaced = this.#replaced.then(() => this.#replace());
    });
  }

  /** Ends all connections, and resolves when they have ended. */
  async close(): Promise<void> {
    this.#options.credentials?.close();
    this.#closing.abort();
    await this.#replaced;
    this.#current?.ending.abort();
    await this.#current?.server.finished;
    // The runtime cannot cut what is left of those.
    const ended = new AbortController();
    const late = pause(this.#options.clock, CLOSE_GRACE_MS, ended.signal);
    await Promise.race([Promise.all(this.#retired), late]);
    ended.abort();
  }

  #listen({ host, port }: HostPort): Serving {
    const { credentials, answer, onError } = this.#options;
    const ending = new AbortController();
    const server = Deno.serve({
      hostname: host,
      port,
      signal: ending.signal,
      onListen: () => {},
      onError,
      ...credentials?.current,
    }, (request, { remoteAddr }) => answer(request, remoteAddr.hostname));
    return { server, ending };
  }

  /** For a moment nobody listens. */
  async #replace(): Promise<void> {
    const { signal } = this.#closing;
    if (signal.aborted) return;
    const finished = this.#current!.server.shutdown();
    this.#current = undefined;
    this.#retired.add(finished);
    finished.finally(() => this.#retired.delete(finished));
    while (!signal.aborted) {
      try {
        this.#current = this.#listen(this.address);
        return;
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
        await pause(this.#options.clock, REBIND_MS, signal);
      }
    }
  }
}
