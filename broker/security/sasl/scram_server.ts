/**
 * The server's side of SCRAM.
 *
 * A user that does not exist, or has no credential for the mechanism, is asked for a proof like any
 * other, with a salt made up from its name, and fails there: an answer to the first message would tell
 * users from others.
 *
 * @module
 */

import { bytesOf, SaslMessageError, textOf } from "../../../protocol/sasl/sasl_error.ts";
import {
  DEFAULT_SCRAM_ITERATIONS,
  isScramProof,
  SCRAM_MECHANISMS,
  type ScramCredential,
  scramHmac,
  type ScramMechanism,
  scramServerSignature,
} from "../../../protocol/sasl/scram.ts";
import {
  formatServerFinal,
  formatServerFirst,
  parseClientFinal,
  parseClientFirst,
  type ScramClientFirst,
} from "../../../protocol/sasl/scram_messages.ts";
import { type CredentialLooks, isSameCredential } from "../credentials/user_credentials.ts";
import { type Principal, USER_TYPE } from "../principal.ts";
import {
  failure,
  type SaslFailure,
  type SaslLogin,
  type SaslServer,
  type SaslStep,
} from "./sasl_server.ts";

/** A credential, and who has it. */
interface ScramIdentity {
  readonly credential: ScramCredential;
  readonly login: SaslLogin;
}

/** A delegation token, or what looks like one. */
export interface ScramToken {
  readonly credential: ScramCredential;
  /** Whom those who know its secret act for; undefined if there is no such token. */
  readonly login: SaslLogin | undefined;
}

/** What exchanges of SCRAM need. */
export interface ScramServerOptions {
  readonly mechanism: ScramMechanism;
  /** Looks up a user. */
  readonly credentialOf: (user: string) => ScramCredential | undefined;
  /**
   * Looks up a delegation token (KIP-48). What is no token has a credential, too: the work is the same.
   * Resolves to `undefined` if there is too much of it. Default: there are none.
   */
  readonly tokenOf?: (id: string, mechanism: ScramMechanism) => Promise<ScramToken | undefined>;
  /** Makes up salts; the same on all brokers. */
  readonly fakeSaltSecret: Uint8Array;
  /** What users' credentials look like. Default: as new ones. */
  readonly looksAt?: LooksAt;
  /** Whether a nonce must be as RFC 5802 has it, see `isAcceptedNonce`. */
  readonly isStrictNonce: boolean;
  /** Called when a client had the right proof and the nonce of old librdkafka. */
  readonly onOldNonce: () => void;
  /** A nonce: printable ASCII without commas. Default: random. */
  readonly nonce?: string;
}

/** What one of the credentials that there are looks like: `UserCredentials.looksAt`. */
export type LooksAt = (mechanism: ScramMechanism, place: number) => CredentialLooks | undefined;

const NONCE_BYTES = 18;
/** Bytes of a made-up salt: as many as new ones have. Fewer than a hash has. */
const FAKE_SALT_BYTES = 18;
/** What new credentials look like. */
const NEW_LOOKS: CredentialLooks = {
  iterations: DEFAULT_SCRAM_ITERATIONS,
  saltBytes: FAKE_SALT_BYTES,
  isText: false,
};
const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";
/** Longest message in bytes; those of clients are below 1 KB. */
const MAX_MESSAGE_BYTES = 16 * 1024;
const TOKEN_EXTENSION = "tokenauth";

/** Starts an exchange. */
export function scramServer(options: ScramServerOptions): SaslServer {
  return new ScramServer(options);
}

class ScramServer implements SaslServer {
  readonly mechanism: ScramMechanism;
  readonly #options: ScramServerOptions;
  readonly #serverNonce: string;
  #first: ScramClientFirst | undefined;
  #serverFirst = "";
  #nonce = "";
  #identity: ScramIdentity | undefined;

  constructor(options: ScramServerOptions) {
    this.mechanism = options.mechanism;
    this.#options = options;
    this.#serverNonce = options.nonce ??
      crypto.getRandomValues(new Uint8Array(NONCE_BYTES)).toBase64();
  }

  evaluate(message: Uint8Array): SaslStep | Promise<SaslStep> {
    try {
      if (message.length > MAX_MESSAGE_BYTES) return failure("the message is too long");
      return this.#first === undefined
        ? this.#begin(textOf(message))
        : this.#finish(this.#first, textOf(message));
    } catch (error) {
      if (!(error instanceof SaslMessageError)) throw error;
      return failure(error.message, this.#first?.user);
    }
  }

  #begin(message: string): SaslStep | Promise<SaslStep> {
    const first = parseClientFirst(message);
    const { authzid, user, extensions } = first;
    if (authzid !== "" && authzid !== user) {
      // Nothing that a stranger could learn from: the client knows both.
      const message =
        "Authentication failed: Client requested an authorization id that is different from username";
      return { ...failure("the authorization id is different from the user", user), message };
    }
    this.#first = first;
    // Made up for everyone: users and others take the same time.
    const fake = this.#fakeCredential(user);
    const isToken = extensions.get(TOKEN_EXTENSION)?.toLowerCase() === "true";
    const { tokenOf } = this.#options;
    if (isToken && tokenOf !== undefined) return this.#beginToken(first, tokenOf);
    if (!isToken) this.#identity = this.#identify(user);
    return this.#challenge(first, this.#identity?.credential ?? fake);
  }

  async #beginToken(
    first: ScramClientFirst,
    tokenOf: NonNullable<ScramServerOptions["tokenOf"]>,
  ): Promise<SaslStep> {
    const token = await tokenOf(first.user, this.mechanism);
    if (token === undefined) return failure("too many log in with tokens at once", first.user);
    const { credential, login } = token;
    if (login !== undefined) this.#identity = { credential, login };
    return this.#challenge(first, credential);
  }

  #challenge(
    first: ScramClientFirst,
    { salt, iterations }: Pick<ScramCredential, "salt" | "iterations">,
  ): SaslStep {
    this.#nonce = first.nonce + this.#serverNonce;
    this.#serverFirst = formatServerFirst({ nonce: this.#nonce, salt, iterations });
    return { type: "challenge", bytes: bytesOf(this.#serverFirst) };
  }

  #finish(first: ScramClientFirst, message: string): SaslStep {
    const { user, gs2Header, bare } = first;
    const { channelBinding, nonce, proof, withoutProof } = parseClientFinal(message);
    if (channelBinding !== gs2Header) return failure("the channel binding is another one", user);
    const isOld = isOldNonce(nonce, first.nonce, this.#nonce) && !this.#options.isStrictNonce;
    if (nonce !== this.#nonce && !isOld) return failure("the nonce is another one", user);
    const authMessage = `${bare},${this.#serverFirst},${withoutProof}`;
    const { storedKey, serverKey } = this.#identity?.credential ?? fakeKeys(this.mechanism);
    if (!isScramProof(this.mechanism, storedKey, authMessage, proof) || !this.#identity) {
      return wrongProof(user, this.#identity !== undefined);
    }
    if (isOld) this.#options.onOldNonce();
    const signature = scramServerSignature(this.mechanism, serverKey, authMessage);
    return {
      type: "success",
      bytes: bytesOf(formatServerFinal(signature)),
      login: this.#identity.login,
    };
  }

  #identify(user: string): ScramIdentity | undefined {
    const credential = this.#options.credentialOf(user);
    if (credential === undefined) return undefined;
    const principal: Principal = { type: USER_TYPE, name: user };
    const { credentialOf } = this.#options;
    const isCurrent = () => isSameCredential(credential, credentialOf(user));
    return { credential, login: { principal, isCurrent } };
  }

  #fakeCredential(user: string): Pick<ScramCredential, "salt" | "iterations"> {
    const { fakeSaltSecret, looksAt } = this.#options;
    return fakeCredential(this.mechanism, fakeSaltSecret, user, looksAt);
  }
}

/**
 * The salt and iterations of a user that does not exist: always the same for a name, and like those of
 * users, as often as those are so. Others would tell users from the rest, also by time.
 */
export function fakeCredential(
  mechanism: ScramMechanism,
  secret: Uint8Array,
  user: string,
  looksAt: LooksAt = () => undefined,
): Pick<ScramCredential, "salt" | "iterations"> {
  const bytes = scramHmac(mechanism, secret, `${mechanism}\0${user}`);
  const place = new DataView(bytes.buffer, bytes.byteOffset).getUint32(FAKE_SALT_BYTES) / 2 ** 32;
  const { iterations, saltBytes, isText } = looksAt(mechanism, place) ?? NEW_LOOKS;
  const salt = new Uint8Array(saltBytes);
  for (let at = 0, part = bytes; at < saltBytes; at += FAKE_SALT_BYTES) {
    salt.set(part.subarray(0, Math.min(FAKE_SALT_BYTES, saltBytes - at)), at);
    part = scramHmac(mechanism, secret, part.toBase64());
  }
  return { iterations, salt: isText ? salt.map((byte) => DIGITS.charCodeAt(byte % 36)) : salt };
}

const keys = new Map<ScramMechanism, Pick<ScramCredential, "storedKey" | "serverKey">>();

/** Keys that no proof belongs to. */
function fakeKeys(mechanism: ScramMechanism): Pick<ScramCredential, "storedKey" | "serverKey"> {
  let fake = keys.get(mechanism);
  if (fake === undefined) {
    const random = () => crypto.getRandomValues(new Uint8Array(SCRAM_MECHANISMS[mechanism].size));
    keys.set(mechanism, fake = { storedKey: random(), serverKey: random() });
  }
  return fake;
}

/**
 * Whether a nonce is the one that librdkafka before 2.6.1 sends: the client's nonce in front of the
 * whole nonce of the server, which has the client's already. All of the server's is in it, so no
 * exchange can be replayed.
 */
function isOldNonce(nonce: string, ofClient: string, whole: string): boolean {
  return nonce === ofClient + whole;
}

function wrongProof(user: string, isKnown: boolean): SaslFailure {
  return failure(isKnown ? "the password is wrong" : "there is no such user", user);
}
