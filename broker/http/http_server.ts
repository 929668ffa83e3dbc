/**
 * The HTTP port of a broker.
 *
 * It starts after the listeners of Kafka's protocol, and loads what it needs when it is asked for it,
 * so that neither the start nor the memory of a broker that nobody asks suffers.
 *
 * @module
 */

import type { TracingApi } from "../../client/mod.ts";
import {
  AclOperation,
  AclResourceType,
  CLUSTER_RESOURCE,
} from "../../protocol/messages/security/acl_types.ts";
import { type Broker, type BrokerParts, partsOf } from "../broker.ts";
import { EMBEDDED_LISTENER, type Session } from "../security/session.ts";
import { type HostPort, isLoopback } from "../settings/listener.ts";
import type { HttpAuthentication, HttpIdentity } from "./authentication.ts";
import type { Sessions } from "./sessions.ts";
import type { UserApis } from "./user_apis.ts";
import { ClusterEvents } from "./events/cluster_events.ts";
import { exportFrom } from "./export_metrics.ts";
import { Health } from "./health.ts";
import { HttpPort } from "./http_port.ts";
import type { HttpCredentials } from "./https.ts";
import { HttpDirectory } from "./http_directory.ts";
import { HttpCounters } from "./http_counters.ts";
import { HttpError, methodNotAllowed } from "./http_error.ts";
import type { OtherEnds } from "./metrics/group_metrics.ts";
import type { History } from "./metrics/history/history.ts";
import type { MetricsPage } from "./metrics/metrics_page.ts";
import { Peers } from "../peers/peers.ts";
import { RequestGuard } from "./request_guard.ts";
import { type RequestSource, RequestSources } from "./request_source.ts";
import type { RestApi } from "./rest/api.ts";
import type { UserSessions } from "./rest/call.ts";
import type { Shared } from "./rest/shared.ts";

/** How to serve HTTP, whatever the broker. */
export interface HttpSettings {
  readonly address: HostPort;
  /**
   * Whether to serve HTTPS, with the keys of `ssl.keystore.…` or `listener.name.http.ssl.keystore.…`.
   * Default: false.
   */
  readonly isSecure?: boolean;
  /** The program's version, for the metrics. */
  readonly version: string;
  /** Further names that clients use for this machine, while only it can connect. */
  readonly hosts?: readonly string[];
  /** Origins whose pages may use everything. */
  readonly corsOrigins?: readonly string[];
  /**
   * IP addresses of proxies: where their requests come from, they say in `X-Forwarded-For`, and it is never
   * this machine. Default: none.
   */
  readonly trustedProxies?: readonly string[];
  /** Whether requests may change something. Default: true. */
  readonly allowsWrites?: boolean;
  /** Most records of each stream in a second. Default: no limit. */
  readonly streamRate?: number;
  /**
   * Whether another broker of the same process has the metrics of the process, which sums over brokers must
   * have once. Default: false.
   */
  readonly sharesProcess?: boolean;
  /** Whether metrics are exported by OpenTelemetry, too, which the runtime does. Default: false. */
  readonly exportsMetrics?: boolean;
}

/** How to serve HTTP. */
export interface HttpOptions extends HttpSettings {
  readonly broker: Broker;
}

/**
 * What is loaded when it is asked for. An import that names a module makes Deno read it at the start,
 * and keep its text in memory; `deno task compile` includes these by name.
 */
const METRICS = "./metrics/mod.ts";
const REST = "./rest/api.ts";
const CONSOLE = "./console/console.ts";
const TRACING = "./rest/otel_tracing.ts";
const AUTHENTICATION = "./authentication.ts";
const USER_APIS = "./user_apis.ts";
const SESSIONS = "./sessions.ts";
const HTTPS = "./https.ts";

/** Who users are, and what answers them. */
interface HttpSecurity {
  readonly authentication: HttpAuthentication;
  readonly apis: UserApis;
  readonly sessions: Sessions;
}

/** When the samples for charts begin, unless somebody asks before: starting has precedence. */
const HISTORY_DELAY_MS = 60_000;

/** How long requests in progress may take while the server closes. */
const CLOSE_GRACE_MS = 1000;
/** Turns of the event loop after the last request in progress. */
const CLOSE_TURNS = 5;

/** Serves HTTP for one broker. */
export class HttpServer {
  readonly #options: HttpOptions;
  readonly #parts: BrokerParts;
  readonly #port: HttpPort;
  readonly #credentials: HttpCredentials | undefined;
  readonly #guard: RequestGuard;
  readonly #sources: RequestSources;
  readonly #counters = new HttpCounters();
  readonly #health: Health;
  #metrics: Promise<MetricsPage> | undefined;
  #export: Promise<Disposable> | undefined;
  #api: Promise<RestApi> | undefined;
  #shared: Shared | undefined;
  /** Loaded with the first request to a cluster where not everyone may do everything. */
  #security: Promise<HttpSecurity> | undefined;
  readonly #events: ClusterEvents;
  readonly #directory: HttpDirectory;
  #history: Promise<History> | undefined;
  /** For what the broker asks others as itself. */
  #peers: Peers | undefined;
  #historyTimer: number | undefined;
  #isClearTextNoted = false;
  #inProgress = 0;
  #closing: Promise<void> | undefined;

  private constructor(options: HttpOptions, credentials?: HttpCredentials) {
    this.#options = options;
    this.#credentials = credentials;
    this.#parts = partsOf(options.broker);
    this.#health = new Health(this.#parts);
    const { cluster, clock } = this.#parts.context;
    this.#port = new HttpPort({
      address: options.address,
      credentials,
      clock,
      answer: (request, address) => this.#serve(request, address),
      onError: (error) => this.#failed(error).response(),
    });
    // After the port is bound, which may fail.
    this.#events = new ClusterEvents(cluster, clock);
    this.#directory = new HttpDirectory(this.#parts);
    this.#directory.announce(this.address, this.isSecure);
    this.#historyTimer = clock.setTimeout(() => {
      this.#historyTimer = undefined;
      this.#openHistory();
    }, HISTORY_DELAY_MS);
    this.#guard = new RequestGuard({ ...options, address: this.address });
    this.#sources = new RequestSources(options.trustedProxies);
    if (options.exportsMetrics === true) {
      this.#export = this.#startExport();
      this.#export.catch((error) => {
        this.#parts.context.logger.error("Cannot export metrics by OpenTelemetry", { error });
      });
    }
  }

  /**
   * Starts to serve HTTP.
   *
   * @throws {Deno.errors.AddrInUse} If another program listens on the address.
   */
  static start(options: HttpOptions & { readonly isSecure?: false }): HttpServer {
    return new HttpServer(options);
  }

  /**
   * Starts to serve HTTP or HTTPS.
   *
   * @throws {ConfigError} If keys and certificates cannot be used; the message says what to change.
   * @throws {Deno.errors.AddrInUse} If another program listens on the address.
   */
  static async open(options: HttpOptions): Promise<HttpServer> {
    if (options.isSecure !== true) return new HttpServer(options);
    const { openHttpCredentials }: typeof import("./https.ts") = await import(HTTPS);
    const credentials = await openHttpCredentials(partsOf(options.broker).context);
    try {
      return new HttpServer(options, credentials);
    } catch (error) {
      credentials.close();
      throw error;
    }
  }

  /** The bound address. */
  get address(): HostPort {
    return this.#port.address;
  }

  /** Whether it serves HTTPS. */
  get isSecure(): boolean {
    return this.#credentials !== undefined;
  }

  /** Stops serving. Requests in progress get a moment to end. Closing twice has no further effect. */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    this.#health.closing();
    const { clock } = this.#parts.context;
    if (this.#historyTimer !== undefined) clock.clearTimeout(this.#historyTimer);
    await (await this.#api)?.close();
    const security = await this.#security;
    security?.authentication.close();
    await security?.apis.close();
    this.#shared?.carriers.close();
    const untilMs = clock.monotonic() + CLOSE_GRACE_MS;
    while (this.#inProgress > 0 && clock.monotonic() < untilMs) await clock.yield();
    // For the last answers to reach their sockets: what follows cuts the connections.
    for (let turn = 0; turn < CLOSE_TURNS; turn++) await clock.yield();
    await this.#port.close();
    (await this.#export?.catch(() => undefined))?.[Symbol.dispose]();
    (await this.#metrics)?.close();
    await (await this.#history)?.close();
    this.#peers?.close();
    this.#events[Symbol.dispose]();
    // The store may be away.
    let timer: number | undefined;
    const late = new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, CLOSE_GRACE_MS);
    });
    await Promise.race([this.#directory.announced(), late]);
    clock.clearTimeout(timer!);
  }

  /** Stops serving. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #serve(request: Request, peer: string): Promise<Response> {
    const startMs = performance.now();
    let route = "other";
    let response: Response;
    this.#inProgress++;
    try {
      const allowed = this.#guard.check(request);
      const { pathname } = new URL(request.url);
      const source = this.#sources.of(request, peer);
      const identity = allowed ?? await this.#identify(request, pathname, peer, source);
      if (identity instanceof Response) response = identity;
      else if (pathname in OWN) {
        route = pathname;
        if (identity !== undefined) this.#ensureShown(identity, source.address);
        response = await this.#own(request, pathname as keyof typeof OWN);
      } else if (isOfConsole(pathname)) {
        route = "/ui/*";
        response = await this.#console(request, pathname);
      } else {
        const answered = identity === undefined
          ? await (await (this.#api ??= this.#openApi())).fetch(request, source)
          : await (await this.#security!).apis.use(
            identity,
            source,
            (api) => api.fetch(request, source),
          );
        route = answered.route ?? route;
        response = answered.response;
      }
    } catch (error) {
      response = this.#failed(error).response();
    } finally {
      this.#inProgress--;
    }
    this.#counters.answered(route, request.method, response.status, performance.now() - startMs);
    // The head of a WebSocket's answer is not ours to change.
    return response.status === 101 ? response : this.#guard.decorate(request, response);
  }

  /**
   * Who sends a request; undefined while everyone may do everything.
   *
   * @throws {HttpError} 401 if the request does not show it.
   */
  async #identify(
    request: Request,
    path: string,
    peer: string,
    { isOwn, address }: RequestSource,
  ): Promise<HttpIdentity | undefined> {
    if (this.#parts.context.authorizer.isOpen) return undefined;
    // Probes and monitoring of this machine.
    if (path in OWN && isOwn) return undefined;
    // The console's files show nothing; its page asks who its user is.
    if (isOfConsole(path)) return undefined;
    this.#noteClearText(request, peer);
    this.#security ??= this.#openSecurity();
    const { authentication, sessions } = await this.#security;
    return sessions.identify(request, address) ?? await authentication.identify(request, address);
  }

  /** Warns once about credentials that come over the network in clear. */
  #noteClearText({ headers }: Request, peer: string): void {
    const isHidden = this.isSecure || isLoopback(peer) || this.#sources.isProxy(peer);
    if (isHidden || this.#isClearTextNoted || !headers.has("authorization")) return;
    this.#isClearTextNoted = true;
    this.#parts.context.logger.warn(
      "Credentials were sent over the network in clear: others on the way can read them; serve HTTPS with " +
        "--http https://HOST:PORT, or name the proxy that does with --http-trusted-proxies",
      { from: peer },
    );
  }

  /** @throws {HttpError} 403 if a client may not describe the cluster, whose metrics name topics and groups. */
  #ensureShown({ principal }: HttpIdentity, host: string): void {
    const { authorizer } = this.#parts.context;
    const session: Session = {
      principal,
      host,
      listener: EMBEDDED_LISTENER,
      isLocal: false,
    };
    const { describe } = AclOperation;
    if (authorizer.authorize(session, describe, AclResourceType.cluster, CLUSTER_RESOURCE)) return;
    throw new HttpError(
      403,
      "The user may not describe the cluster; ask for an ACL that allows it",
      {
        errorCode: 40301,
      },
    );
  }

  async #openSecurity(): Promise<HttpSecurity> {
    const [{ HttpAuthentication }, { UserApis }, { Sessions }]: [
      typeof import("./authentication.ts"),
      typeof import("./user_apis.ts"),
      typeof import("./sessions.ts"),
    ] = await Promise.all([import(AUTHENTICATION), import(USER_APIS), import(SESSIONS)]);
    const { context } = this.#parts;
    const sessions = new Sessions(context.clock);
    const authentication = new HttpAuthentication(context);
    const apis = new UserApis({
      open: (session, identity) =>
        this.#openApi(session, {
          open: () => sessions.open(identity(), session.host),
          ticket: () => sessions.ticket(identity(), session.host),
          end: (headers) => sessions.end(headers),
        }),
      clock: context.clock,
      isSecure: this.isSecure,
    });
    authentication.onRevocation(() => apis.endRevoked());
    return { authentication, apis, sessions };
  }

  async #own({ method }: Request, path: keyof typeof OWN): Promise<Response> {
    if (method !== "GET" && method !== "HEAD") throw methodNotAllowed(method, ["GET", "HEAD"]);
    return await OWN[path](this);
  }

  async #console({ method }: Request, path: string): Promise<Response> {
    if (method !== "GET" && method !== "HEAD") throw methodNotAllowed(method, ["GET", "HEAD"]);
    const { consoleResponse }: typeof import("./console/console.ts") = await import(CONSOLE);
    return consoleResponse(path);
  }

  /** For {@linkcode OWN}. */
  async readiness(): Promise<Response> {
    await this.#parts.context.disk.refresh();
    const { isReady, checks, warnings } = this.#health.check();
    const status = isReady ? "ready" : "not ready";
    return Response.json({ status, checks, warnings }, { status: isReady ? 200 : 503 });
  }

  /** For {@linkcode OWN}. */
  async metrics(): Promise<Response> {
    this.#metrics ??= this.#openMetrics();
    const text = await (await this.#metrics).text();
    const { EXPOSITION_TYPE }: typeof import("./metrics/mod.ts") = await import(METRICS);
    return new Response(text, { headers: { "content-type": EXPOSITION_TYPE } });
  }

  async #startExport(): Promise<Disposable> {
    this.#metrics ??= this.#openMetrics();
    return await exportFrom(
      await this.#metrics,
      this.#parts.context.nodeId,
      this.#options.version,
    );
  }

  async #openApi(session?: Session, sessions?: UserSessions): Promise<RestApi> {
    const { RestApi, openShared }: typeof import("./rest/api.ts") = await import(REST);
    return new RestApi({
      session,
      sessions,
      shared: this.#shared ??= openShared(this.#parts),
      tracing: this.#options.exportsMetrics === true ? await loadTracing() : undefined,
      parts: this.#parts,
      allowsWrites: this.#options.allowsWrites ?? true,
      streamRate: this.#options.streamRate ?? Infinity,
      counters: this.#counters,
      events: this.#events,
      directory: this.#directory,
      health: this.#health,
      history: () => this.#openHistory(),
    });
  }

  #openHistory(): Promise<History> {
    return this.#history ??= (async () => {
      const { History }: typeof import("./metrics/mod.ts") = await import(METRICS);
      return await History.start(this.#parts, () => this.#otherEnds());
    })();
  }

  async #openMetrics(): Promise<MetricsPage> {
    const { MetricsPage }: typeof import("./metrics/mod.ts") = await import(METRICS);
    return new MetricsPage({
      parts: this.#parts,
      version: this.#options.version,
      sharesProcess: this.#options.sharesProcess ?? false,
      health: this.#health,
      http: this.#counters,
      certificates: () => this.#credentials?.shown ?? [],
      otherEnds: () => this.#otherEnds(),
    });
  }

  /** The ends of partitions that other brokers lead, where a group of this broker needs them. */
  async #otherEnds(): Promise<OtherEnds> {
    const { context } = this.#parts;
    const { askOtherEnds, lookUpOtherEnds, needsOtherEnds }: typeof import("./metrics/mod.ts") =
      await import(METRICS);
    if (!needsOtherEnds(context)) return () => undefined;
    if (!context.authorizer.isOpen) {
      return await askOtherEnds(context, this.#peers ??= this.#openPeers());
    }
    this.#api ??= this.#openApi();
    return await lookUpOtherEnds(context, (await this.#api).admin);
  }

  #openPeers(): Peers {
    const { network, context: { nodeId, clock } } = this.#parts;
    return new Peers({ network, nodeId, clock });
  }

  #failed(error: unknown): HttpError {
    if (error instanceof HttpError) return error;
    this.#parts.context.logger.error("HTTP request failed unexpectedly", { error });
    return new HttpError(500, "The broker failed unexpectedly; its log says why", {
      errorCode: 50002,
    });
  }
}

/** What records that are produced over HTTP are traced with. */
async function loadTracing(): Promise<TracingApi> {
  const { tracing }: typeof import("./rest/otel_tracing.ts") = await import(TRACING);
  return tracing;
}

function isOfConsole(path: string): boolean {
  return path === "/" || path === "/ui" || path.startsWith("/ui/");
}

/** What is served without loading anything. */
const OWN = {
  "/livez": () => Promise.resolve(Response.json({ status: "live" })),
  "/readyz": (server) => server.readiness(),
  "/metrics": (server) => server.metrics(),
} satisfies Record<string, (server: HttpServer) => Promise<Response>>;
