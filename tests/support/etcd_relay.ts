/**
 * A relay between clients and a member of etcd, which can lose what one of them says.
 *
 * @module
 */

/**
 * What a relay does with an exchange: pass it on, or lose the answer, or hold the request back. Of a
 * stream it can lose everything after its beginning, or send it twice.
 */
export type RelayFault = "none" | "lose-answer" | "hold-request" | "silent" | "mute" | "double";

interface Exchange {
  readonly method: string;
  readonly body: string;
  readonly headers: Headers;
}

/** A relay that runs. */
export class EtcdRelay implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #target: string;
  readonly #client = Deno.createHttpClient({});
  readonly #ending = new AbortController();
  readonly #held: (() => void)[] = [];
  readonly #exchanges: Set<Promise<unknown>> = new Set();
  /** Says what to do with a request for a path; meanwhile the request waits. */
  fault: (path: string, body: string) => RelayFault | Promise<RelayFault> = () => "none";
  /** Paths that were asked for. */
  readonly paths: string[] = [];

  /** @param target The member's URL. */
  constructor(target: string) {
    this.#target = target;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, onError: () => new Response(null) },
      (request) => this.#relay(request),
    );
  }

  /** Where it listens. */
  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  /** Lets requests through that were held back, and resolves when they were answered. */
  async release(): Promise<void> {
    for (const release of this.#held.splice(0)) release();
    await Promise.all(this.#exchanges);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    for (const release of this.#held.splice(0)) release();
    await Promise.allSettled(this.#exchanges);
    await this.#server.shutdown();
    this.#client.close();
  }

  async #relay(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const headers = new Headers();
    for (const name of ["authorization", "grpc-metadata-hasleader"]) {
      const value = request.headers.get(name);
      if (value !== null) headers.set(name, value);
    }
    const body = await request.text();
    const exchange = { method: request.method, body, headers };
    this.paths.push(pathname);
    const fault = await this.fault(pathname, body);
    if (fault === "silent") return await this.#never(request);
    if (fault === "hold-request") {
      const released = new Promise<void>((resolve) => this.#held.push(resolve));
      this.#track(released.then(() => this.#forget(pathname, exchange)));
      return await this.#never(request);
    }
    if (fault === "lose-answer") {
      await this.#track(this.#forget(pathname, exchange));
      return await this.#never(request);
    }
    const signal = AbortSignal.any([request.signal, this.#ending.signal]);
    const answer = await this.#ask(pathname, exchange, signal);
    const stream = fault === "none" ? answer.body : answer.body?.pipeThrough(faulty(fault));
    return new Response(stream ?? null, { status: answer.status });
  }

  #ask(path: string, exchange: Exchange, signal: AbortSignal): Promise<Response> {
    const { method, headers } = exchange;
    const body = method === "GET" ? null : exchange.body;
    return fetch(this.#target + path, { method, body, headers, signal, client: this.#client });
  }

  async #forget(path: string, exchange: Exchange): Promise<void> {
    if (this.#ending.signal.aborted) return;
    const answer = await this.#ask(path, exchange, this.#ending.signal);
    await answer.body?.cancel();
  }

  #track<T>(exchange: Promise<T>): Promise<T> {
    this.#exchanges.add(exchange);
    exchange.catch(() => {}).finally(() => this.#exchanges.delete(exchange));
    return exchange;
  }

  /** Answers when the client has given up, or the relay ends. */
  #never({ signal }: Request): Promise<Response> {
    const ended = AbortSignal.any([signal, this.#ending.signal]);
    return new Promise((resolve) => {
      if (ended.aborted) resolve(new Response(null, { status: 503 }));
      ended.addEventListener("abort", () => resolve(new Response(null, { status: 503 })));
    });
  }
}

/** Passes on the first chunk of a stream, which says that a watch was created, and then none or all twice. */
function faulty(fault: "mute" | "double"): TransformStream<Uint8Array, Uint8Array> {
  let isFirst = true;
  return new TransformStream({
    transform(chunk, controller) {
      if (isFirst || fault === "double") controller.enqueue(chunk);
      if (!isFirst && fault === "double") controller.enqueue(chunk.slice());
      isFirst = false;
    },
  });
}
