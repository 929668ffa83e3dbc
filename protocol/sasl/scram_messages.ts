/**
 * The four messages of SCRAM (RFC 5802).
 *
 *     client-first  n,[a=authzid],n=user,r=nonce[,extension=value]...
 *     server-first  r=nonce,s=salt,i=iterations
 *     client-final  c=channel-binding,r=nonce,p=proof
 *     server-final  v=signature, or e=error
 *
 * Reading is strict: what the RFC makes mandatory to refuse is refused.
 *
 * @module
 */

import { SaslMessageError } from "./sasl_error.ts";

/** The first message of a client. */
export interface ScramClientFirst {
  /** What precedes `bare`: whether channels are bound, and the authorization id. */
  readonly gs2Header: string;
  /** Who the client wants to act as; empty for the user. */
  readonly authzid: string;
  /** Name of the user. */
  readonly user: string;
  /** The client's nonce. */
  readonly nonce: string;
  /** Extensions by letter or name, such as `tokenauth` (KIP-48). */
  readonly extensions: ReadonlyMap<string, string>;
  /** The part of the message that proofs cover. */
  readonly bare: string;
}

/** The first message of a server. */
export interface ScramServerFirst {
  /** The client's nonce, and then the server's. */
  readonly nonce: string;
  /** The user's salt. */
  readonly salt: Uint8Array;
  /** Rounds of PBKDF2. */
  readonly iterations: number;
}

/** The last message of a client. */
export interface ScramClientFinal {
  /** The GS2 header of the first message. */
  readonly channelBinding: string;
  /** The nonce of the server's first message. */
  readonly nonce: string;
  /** ClientProof. */
  readonly proof: Uint8Array;
  /** The part of the message that proofs cover. */
  readonly withoutProof: string;
}

/** Printable ASCII without the comma. */
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/;
/** An attribute or extension: a letter in the RFC, a word in Kafka. */
const ATTRIBUTE = /^([A-Za-z]+)=([^\0]*)$/s;
const GS2 = /^([ny]),(?:a=([^,]*))?,(.*)$/s;

/** Encodes the part of a client's first message that proofs cover. */
export function formatClientFirstBare(
  { user, nonce, extensions }: {
    readonly user: string;
    readonly nonce: string;
    readonly extensions?: Readonly<Record<string, string>>;
  },
): string {
  const rest = Object.entries(extensions ?? {}).map(([name, value]) => `,${name}=${value}`);
  return `n=${escapeName(user)},r=${nonce}${rest.join("")}`;
}

/** Decodes the first message of a client. @throws {SaslMessageError} If it is malformed. */
export function parseClientFirst(message: string): ScramClientFirst {
  const [, flag, authzid, bare] = GS2.exec(message) ?? [];
  if (flag === undefined || bare === undefined) {
    throw new SaslMessageError("The client's first message has no GS2 header, or binds channels");
  }
  const [name, nonce, ...rest] = attributesOf(bare);
  if (name?.[0] !== "n" || nonce?.[0] !== "r" || !NONCE.test(nonce[1])) {
    throw new SaslMessageError("The client's first message has no user or no nonce");
  }
  const user = unescapeName(name[1]);
  if (user === "") throw new SaslMessageError("The client's first message has an empty user");
  return {
    gs2Header: message.slice(0, message.length - bare.length),
    authzid: unescapeName(authzid ?? ""),
    user,
    nonce: nonce[1],
    extensions: new Map(rest),
    bare,
  };
}

/** Encodes the first message of a server. */
export function formatServerFirst({ nonce, salt, iterations }: ScramServerFirst): string {
  return `r=${nonce},s=${salt.toBase64()},i=${iterations}`;
}

/** Decodes the first message of a server. @throws {SaslMessageError} If it is malformed. */
export function parseServerFirst(message: string): ScramServerFirst {
  const [nonce, salt, iterations] = attributesOf(message);
  if (nonce?.[0] === "e") throw new SaslMessageError(`The server refuses: ${nonce[1]}`);
  if (nonce?.[0] !== "r" || !NONCE.test(nonce[1]) || salt?.[0] !== "s") {
    throw new SaslMessageError("The server's first message has no nonce or no salt");
  }
  if (iterations?.[0] !== "i" || !/^[1-9]\d{0,9}$/.test(iterations[1])) {
    throw new SaslMessageError("The server's first message has no number of iterations");
  }
  return {
    nonce: nonce[1],
    salt: fromBase64(salt[1], "salt"),
    iterations: Number(iterations[1]),
  };
}

/** Encodes the part of a client's last message that proofs cover. */
export function formatClientFinalWithoutProof(gs2Header: string, nonce: string): string {
  return `c=${new TextEncoder().encode(gs2Header).toBase64()},r=${nonce}`;
}

/** Decodes the last message of a client. @throws {SaslMessageError} If it is malformed. */
export function parseClientFinal(message: string): ScramClientFinal {
  const attributes = attributesOf(message);
  const [binding, nonce] = attributes;
  const proof = attributes.at(-1);
  if (binding?.[0] !== "c" || nonce?.[0] !== "r" || proof?.[0] !== "p") {
    throw new SaslMessageError("The client's last message has no channel binding, nonce or proof");
  }
  return {
    channelBinding: new TextDecoder().decode(fromBase64(binding[1], "channel binding")),
    nonce: nonce[1],
    proof: fromBase64(proof[1], "proof"),
    withoutProof: message.slice(0, message.lastIndexOf(",p=")),
  };
}

/** Encodes the last message of a server. */
export function formatServerFinal(signature: Uint8Array): string {
  return `v=${signature.toBase64()}`;
}

/** Decodes the last message of a server: its signature. @throws {SaslMessageError} If it has none. */
export function parseServerFinal(message: string): Uint8Array {
  const [first] = attributesOf(message);
  if (first?.[0] === "e") throw new SaslMessageError(`The server refuses: ${first[1]}`);
  if (first?.[0] !== "v") {
    throw new SaslMessageError("The server's last message has no signature");
  }
  return fromBase64(first[1], "signature");
}

/** Escapes a user's name. */
export function escapeName(name: string): string {
  return name.replaceAll("=", "=3D").replaceAll(",", "=2C");
}

/** The reverse of {@linkcode escapeName}. @throws {SaslMessageError} For any other `=`. */
export function unescapeName(text: string): string {
  if (/=(?!2C|3D)/.test(text)) {
    throw new SaslMessageError("A name has a = that is neither =2C nor =3D");
  }
  return text.replaceAll("=2C", ",").replaceAll("=3D", "=");
}

/** @throws {SaslMessageError} Also for `m=`, an extension that must be known. */
function attributesOf(message: string): [name: string, value: string][] {
  return message.split(",").map((text) => {
    const [, name, value] = ATTRIBUTE.exec(text) ?? [];
    if (name === undefined || value === undefined || name === "m") {
      throw new SaslMessageError("A message has a malformed or unknown attribute");
    }
    return [name, value];
  });
}

function fromBase64(text: string, what: string): Uint8Array {
  try {
    if (/[^A-Za-z0-9+/=]/.test(text)) throw new SyntaxError();
    return Uint8Array.fromBase64(text, { lastChunkHandling: "strict" });
  } catch {
    throw new SaslMessageError(`The ${what} is not base64`);
  }
}
