/**
 * A connection of a SASL listener until its client has authenticated: the states of Kafka's
 * SaslServerAuthenticator.
 *
 *     versions    ApiVersions, any number of times until it succeeds, or SaslHandshake
 *     handshake   SaslHandshake
 *     tokens      SaslAuthenticate with tokens, or after SaslHandshake v0 the tokens themselves
 *
 * Anything else closes the connection. No other request is even decoded.
 *
 * @module
 */

import { ErrorCode } from "../../../protocol/errors.ts";
import type { ByteDuplex } from "../../../protocol/frames/channel.ts";
import {
  readRequestHeader,
  readRequestHeaderTags,
  type RequestHeader,
  writeResponseHeader,
} from "../../../protocol/frames/headers.ts";
import { apiVersions } from "../../../protocol/messages/cluster/api_versions.ts";
import { saslAuthenticate } from "../../../protocol/messages/security/sasl_authenticate.ts";
import { saslHandshake } from "../../../protocol/messages/security/sasl_handshake.ts";
import { Reader } from "../../../protocol/primitives/reader.ts";
import { Writer } from "../../../protocol/primitives/writer.ts";
import { codec } from "../../../protocol/schema/codec.ts";
import type { Api, RequestOf, ResponseTo } from "../../../protocol/schema/schema.ts";
import { inRange } from "../../../protocol/schema/version_range.ts";
import type { BrokerContext, RequestContext } from "../../handler.ts";
import { unsupportedApiVersions } from "../../handlers/cluster/api_versions.ts";
import type { HandlerTable } from "../../handlers/mod.ts";
import { ProtocolViolationError } from "../../protocol_violation_error.ts";
import {
  SaslExchange,
  type SaslIdentity,
  type SaslMechanisms,
} from "../../security/sasl/sasl_exchange.ts";
import type { SaslFailure } from "../../security/sasl/sasl_server.ts";
import type { Session } from "../../security/session.ts";
import { errorResponse } from "../error_response.ts";
import type { FailureDelay } from "./failure_delay.ts";
import { SmallFrameReader } from "./small_frame_reader.ts";

/** Frames that a client may need. The usual clients send at most five. */
const MAX_FRAMES = 8;
/** Elements of a request: none of the three has lists. */
const MAX_ELEMENTS = 16;
/** The version of SaslHandshake after which tokens come without requests around them. */
const RAW_VERSION = 0;

/** What an authentication needs. */
export interface AuthenticationOptions {
  readonly socket: ByteDuplex;
  readonly peer: string;
  /** The client before it has authenticated. */
  readonly session: Session;
  readonly broker: BrokerContext;
  readonly handlers: HandlerTable;
  readonly mechanisms: SaslMechanisms;
  readonly delay: FailureDelay;
  readonly maxFrameSize: number;
  /** Called with the bytes of memory that are held. */
  readonly onHeld: (bytes: number) => void;
  /** Aborted when the connection is closed. */
  readonly signal: AbortSignal;
  /** Called when the client has failed to authenticate. */
  readonly onFailure: (failure: SaslFailure, mechanism: string) => void;
}

/** A client that has authenticated. */
export interface Authenticated {
  readonly identity: SaslIdentity;
  /** What it has sent since. */
  readonly unread: Uint8Array<ArrayBuffer>;
  /** What its ApiVersions request said about itself, if it sent one. */
  readonly software?: { readonly name: string; readonly version: string };
}

/** Whether the connection continues, ends, or has authenticated. */
type Step = "next" | "close" | SaslIdentity;

/**
 * Serves a connection until its client has authenticated.
 *
 * @returns `undefined` if it left or failed; the connection must then be closed.
 * @throws {ProtocolViolationError | MalformedMessageError | FrameSizeError} If the client sent
 * anything else than it may, which is not answered. The error of the socket, if that fails.
 */
export function authenticate(options: AuthenticationOptions): Promise<Authenticated | undefined> {
  return new Authentication(options).run();
}

class Authentication {
  readonly #options: AuthenticationOptions;
  readonly #exchange: SaslExchange;
  readonly #frames: SmallFrameReader;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #state: "versions" | "handshake" | "tokens" | "raw tokens" = "versions";
  #software: Authenticated["software"];

  constructor(options: AuthenticationOptions) {
    const { socket, mechanisms, broker, maxFrameSize: maxSize, onHeld } = options;
    this.#options = options;
    this.#exchange = new SaslExchange(mechanisms, broker.clock);
    this.#frames = new SmallFrameReader(socket.readable, { maxSize, onHeld });
    this.#writer = socket.writable.getWriter();
    this.#writer.closed.catch(() => {});
  }

  async run(): Promise<Authenticated | undefined> {
    try {
      return await this.#run();
    } catch (error) {
      // By TLS, a client is told that this is the end: others would take it for a fault.
      if (!this.#options.signal.aborted) await this.#writer.close().catch(() => {});
      throw error;
    }
  }

  async #run(): Promise<Authenticated | undefined> {
    for (let count = 0; count < MAX_FRAMES; count++) {
      const frame = await this.#frames.next();
      if (frame === null) return undefined;
      const step = this.#state === "raw tokens"
        ? await this.#takeRaw(frame)
        : await this.#takeRequest(frame);
      if (step === "next") continue;
      if (step === "close") {
        await this.#writer.close().catch(() => {});
        return undefined;
      }
      this.#writer.releaseLock();
      const unread = this.#frames.release();
      const software = this.#software;
      return { identity: step, unread, ...(software === undefined ? {} : { software }) };
    }
    throw new ProtocolViolationError(`${MAX_FRAMES} frames did not authenticate the client`);
  }

  async #takeRequest(frame: Uint8Array): Promise<Step> {
    const reader = new Reader(frame, MAX_ELEMENTS);
    const header = readRequestHeader(reader);
    switch (header.apiKey) {
      case apiVersions.key:
        if (this.#state === "versions") return await this.#takeVersions(reader, header);
        break;
      case saslHandshake.key:
        if (this.#state !== "tokens") return await this.#takeHandshake(reader, header);
        break;
      case saslAuthenticate.key:
        if (this.#state === "tokens") return await this.#takeToken(reader, header);
        break;
    }
    if (this.#state === "tokens") return await this.#refuse(header);
    throw new ProtocolViolationError(
      `it must authenticate first, and not send a request with API key ${header.apiKey}`,
    );
  }

  async #takeVersions(reader: Reader, header: RequestHeader): Promise<Step> {
    const { handlers } = this.#options;
    const handler = handlers.get(apiVersions.key)!;
    const { apiVersion } = header;
    if (!inRange(apiVersion, apiVersions.versions)) {
      const answer = unsupportedApiVersions(handler.advertised);
      await this.#answer(apiVersions, { ...header, apiVersion: 0 }, answer);
      return "next";
    }
    const request = decode(apiVersions, reader, apiVersion);
    const answer = await handler.handle(request, this.#contextOf(header)) as ResponseTo<
      typeof apiVersions
    >;
    if (answer.errorCode === ErrorCode.NONE) {
      const { clientSoftwareName: name, clientSoftwareVersion: version } = request;
      if (name !== "") this.#software = { name, version };
      this.#state = "handshake";
    }
    await this.#answer(apiVersions, header, answer);
    return "next";
  }

  async #takeHandshake(reader: Reader, header: RequestHeader): Promise<Step> {
    const { apiVersion } = header;
    checkVersion(saslHandshake, apiVersion);
    const { mechanism } = decode(saslHandshake, reader, apiVersion);
    const answer = this.#exchange.handshake(mechanism);
    if (answer.errorCode !== ErrorCode.NONE) {
      this.#failed({ type: "failure", reason: "the mechanism is not enabled" }, mechanism);
      await this.#options.delay.wait(this.#options.signal);
      await this.#answer(saslHandshake, header, answer);
      return "close";
    }
    this.#state = apiVersion === RAW_VERSION ? "raw tokens" : "tokens";
    await this.#answer(saslHandshake, header, answer);
    return "next";
  }

  async #takeToken(reader: Reader, header: RequestHeader): Promise<Step> {
    checkVersion(saslAuthenticate, header.apiVersion);
    const { authBytes } = decode(saslAuthenticate, reader, header.apiVersion);
    const { response, outcome } = await this.#exchange.authenticate(authBytes);
    if (outcome.type === "failure") {
      this.#failed(outcome.failure);
      await this.#options.delay.wait(this.#options.signal);
    }
    await this.#answer(saslAuthenticate, header, response);
    return stepOf(outcome);
  }

  /** A token without a request around it, and the answer to it. */
  async #takeRaw(token: Uint8Array): Promise<Step> {
    const { response, outcome } = await this.#exchange.authenticate(token);
    if (outcome.type === "failure") {
      this.#failed(outcome.failure);
      await this.#options.delay.wait(this.#options.signal);
      // There is no room for an error, only for what the mechanism itself says.
      if (response.authBytes.length > 0) await this.#answerRaw(response.authBytes);
      return "close";
    }
    await this.#answerRaw(response.authBytes);
    return stepOf(outcome);
  }

  async #answerRaw(token: Uint8Array): Promise<void> {
    const writer = new Writer();
    writer.bytes(token);
    await this.#writer.write(writer.takeBytes());
  }

  /** Answers a request that comes instead of a token, in the form of its API. */
  async #refuse(header: RequestHeader): Promise<Step> {
    const { handlers, delay, signal } = this.#options;
    const api = handlers.get(header.apiKey)?.api;
    if (api === undefined) throw new ProtocolViolationError(`Unknown API key ${header.apiKey}`);
    checkVersion(api, header.apiVersion);
    this.#failed({ type: "failure", reason: `it sent ${api.name} instead of a token` });
    await delay.wait(signal);
    const steps = errorResponse(api, header.apiVersion, undefined, {
      errorCode: ErrorCode.ILLEGAL_SASL_STATE,
      errorMessage: `Unexpected ${api.name} request during SASL authentication`,
    });
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    await this.#answer(api, header, step.value);
    return "close";
  }

  async #answer<A extends Api>(
    api: A,
    { apiVersion, correlationId }: RequestHeader,
    answer: ResponseTo<A>,
  ): Promise<void> {
    const writer = new Writer();
    writer.beginFrame();
    writeResponseHeader(writer, api, apiVersion, correlationId);
    codec(api.response, apiVersion).encode(writer, answer as never);
    writer.endFrame();
    await this.#writer.write(writer.takeBytes());
  }

  #failed(failure: SaslFailure, mechanism = this.#exchange.mechanism ?? ""): void {
    this.#options.onFailure(failure, mechanism);
  }

  #contextOf({ apiVersion, clientId }: RequestHeader): RequestContext {
    const { peer, session, signal, broker } = this.#options;
    return {
      apiVersion,
      api: apiVersions.name,
      clientId: clientId ?? "",
      peer,
      session,
      signal,
      broker,
      keepFrame: () => {},
      whenTaken: () => {},
      claim: () => undefined,
      holdBack: () => {},
      waited: () => {},
    };
  }
}

function stepOf(
  outcome: { readonly type: "continue" | "failure" } | {
    readonly type: "success";
    readonly identity: SaslIdentity;
  },
): Step {
  if (outcome.type === "success") return outcome.identity;
  return outcome.type === "continue" ? "next" : "close";
}

function checkVersion({ name, versions }: Api, version: number): void {
  if (inRange(version, versions)) return;
  throw new ProtocolViolationError(`${name} has no version ${version} here`);
}

function decode<A extends Api>(api: A, reader: Reader, version: number): RequestOf<A> {
  readRequestHeaderTags(reader, api, version);
  return codec(api.request, version).decode(reader) as RequestOf<A>;
}
