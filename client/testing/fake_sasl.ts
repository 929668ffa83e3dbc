/**
 * The broker's side of SASL, for tests of the SDK.
 *
 * @module
 */

import { ErrorCode } from "../../protocol/errors.ts";
import { metadata, saslAuthenticate, saslHandshake } from "../../protocol/messages/mod.ts";
import {
  formatOAuthBearerRefusal,
  newScramCredential,
  parseOAuthBearer,
  parsePlain,
  type ScramMechanism,
} from "../../protocol/sasl/mod.ts";
import {
  isScramProof,
  type ScramCredential,
  scramServerSignature,
} from "../../protocol/sasl/scram.ts";
import {
  formatServerFinal,
  formatServerFirst,
  parseClientFinal,
  parseClientFirst,
} from "../../protocol/sasl/scram_messages.ts";
import { DISCONNECT, type FakeCluster } from "./fake_cluster.ts";

/** What the fake broker expects, and how it misbehaves. */
export interface FakeSaslOptions {
  readonly mechanisms?: readonly string[];
  readonly user?: string;
  readonly password?: string;
  /** The only token that is valid. */
  readonly token?: string;
  readonly sessionLifetimeMs?: number;
  /** Proves itself with another password. */
  readonly isImpostor?: boolean;
}

/** One connection's exchange. */
interface Exchange {
  mechanism: string;
  isDone: boolean;
  answers: number;
  scram: { credential: ScramCredential; bare: string; serverFirst: string } | undefined;
}

/** Names of the principals that have authenticated, in order. */
export type FakeLogins = string[];

const DECODER = new TextDecoder();
const ENCODER = new TextEncoder();
const FAILED = {
  errorCode: ErrorCode.SASL_AUTHENTICATION_FAILED,
  errorMessage: "Authentication failed: Invalid username or password",
  authBytes: new Uint8Array(),
};

/** Makes a cluster demand SASL. Returns the names that have authenticated. */
export async function demandSasl(
  cluster: FakeCluster,
  options: FakeSaslOptions = {},
): Promise<FakeLogins> {
  const { user = "alice", password = "secret", mechanisms = ["PLAIN"], token, isImpostor } =
    options;
  const logins: FakeLogins = [];
  const exchanges = new WeakMap<AbortSignal, Exchange>();
  const credentials = new Map<string, ScramCredential>();
  const others = new Map<string, ScramCredential>();
  for (const mechanism of mechanisms) {
    if (!mechanism.startsWith("SCRAM")) continue;
    const scram = mechanism as ScramMechanism;
    credentials.set(mechanism, await newScramCredential(scram, password, 4096));
    others.set(mechanism, await newScramCredential(scram, "another", 4096));
  }
  const accept = (exchange: Exchange, name: string, authBytes = new Uint8Array()) => {
    exchange.isDone = true;
    logins.push(name);
    return {
      errorCode: 0,
      errorMessage: null,
      authBytes,
      sessionLifetimeMs: options.sessionLifetimeMs ?? 0,
    };
  };
  const goOn = (text: string) => ({
    errorCode: 0,
    errorMessage: null,
    authBytes: ENCODER.encode(text),
  });
  cluster.on(saslHandshake, ({ mechanism }, { signal }) => {
    if (!mechanisms.includes(mechanism)) {
      return {
        errorCode: ErrorCode.UNSUPPORTED_SASL_MECHANISM,
        mechanisms: [...mechanisms],
      };
    }
    exchanges.set(signal, { mechanism, isDone: false, answers: 0, scram: undefined });
    return { errorCode: 0, mechanisms: [...mechanisms] };
  });
  cluster.on(saslAuthenticate, ({ authBytes }, { signal }) => {
    const exchange = exchanges.get(signal)!;
    const { mechanism } = exchange;
    if (mechanism === "PLAIN") {
      const given = parsePlain(authBytes);
      return given.user === user && given.password === password ? accept(exchange, user) : FAILED;
    }
    if (mechanism === "OAUTHBEARER") {
      if (exchange.answers++ > 0) return { ...FAILED, errorMessage: "The token has expired" };
      return parseOAuthBearer(authBytes).token === token
        ? accept(exchange, "token")
        : { ...goOn(""), authBytes: formatOAuthBearerRefusal("invalid_token") };
    }
    const text = DECODER.decode(authBytes);
    const known = credentials.get(mechanism)!;
    if (exchange.scram === undefined) {
      const first = parseClientFirst(text);
      const { salt, iterations } = known;
      const nonce = `${first.nonce}server`;
      const serverFirst = formatServerFirst({ nonce, salt, iterations });
      exchange.scram = { credential: known, bare: first.bare, serverFirst };
      return goOn(serverFirst);
    }
    const { bare, serverFirst } = exchange.scram;
    const final = parseClientFinal(text);
    const authMessage = `${bare},${serverFirst},${final.withoutProof}`;
    const scram = mechanism as ScramMechanism;
    if (!isImpostor && !isScramProof(scram, known.storedKey, authMessage, final.proof)) {
      return FAILED;
    }
    const { serverKey } = isImpostor ? others.get(mechanism)! : known;
    const signature = scramServerSignature(scram, serverKey, authMessage);
    return accept(exchange, user, ENCODER.encode(formatServerFinal(signature)));
  });
  cluster.on(
    metadata,
    (_, { signal, usual }) => exchanges.get(signal)?.isDone ? usual() : DISCONNECT,
  );
  return logins;
}
