/**
 * The client of a request that a broker forwards to another (KIP-590), or of a connection that it carries
 * there: its principal and its address.
 *
 * @module
 */

import { Reader } from "../../protocol/primitives/reader.ts";
import { Writer } from "../../protocol/primitives/writer.ts";
import { codec } from "../../protocol/schema/codec.ts";
import { bool, bytes, message, string } from "../../protocol/schema/schema.ts";
import { parseAddress } from "../../protocol/ip_address.ts";
import type { Principal } from "./principal.ts";
import { hasTls } from "../settings/listener.ts";
import { EMBEDDED_LISTENER, SECURE_EMBEDDED_LISTENER, type Session } from "./session.ts";

/** A principal as Kafka's brokers forward it. Its version comes before it, as an int16. */
const defaultPrincipalData = message("DefaultPrincipalData", "0", "0+", {
  type: string("0+"),
  name: string("0+"),
  tokenAuthenticated: bool("0+"),
});

/** The client of a carried connection. */
const carriedClientData = message("CarriedClientData", "0", "0+", {
  principal: bytes("0+"),
  address: bytes("0+"),
  isLocal: bool("0+"),
  /** Whether nobody between the client and the broker that carries it can read what is sent. */
  isSecret: bool("0+"),
});

const VERSION = 0;
const V4_BYTES = 4;
const V6_BYTES = 16;

/** Encodes a principal, with its version before it. */
export function encodePrincipal(
  { type, name, isTokenAuthenticated = false }: Principal,
): Uint8Array {
  const writer = new Writer();
  writer.int16(VERSION);
  const data = { type, name, tokenAuthenticated: isTokenAuthenticated };
  codec(defaultPrincipalData, VERSION).encode(writer, data);
  return writer.takeBytes();
}

/** Decodes a principal; undefined if the bytes are none. */
export function decodePrincipal(bytes: Uint8Array): Principal | undefined {
  try {
    const reader = new Reader(bytes);
    if (reader.int16() !== VERSION) return undefined;
    const { type, name, tokenAuthenticated } = codec(defaultPrincipalData, VERSION).decode(reader);
    if (type === "" || name === "" || reader.remaining > 0) return undefined;
    return { type, name, ...(tokenAuthenticated ? { isTokenAuthenticated: true } : {}) };
  } catch {
    return undefined;
  }
}

/** The bytes of an address; none for a client within the process. */
export function encodeAddress(host: string): Uint8Array {
  return parseAddress(host) ?? new Uint8Array(0);
}

/** The text of an address's bytes; undefined if they are not those of one. */
export function decodeAddress(bytes: Uint8Array): string | undefined {
  switch (bytes.length) {
    case 0:
      return "";
    case V4_BYTES:
      return bytes.join(".");
    case V6_BYTES: {
      const view = new DataView(bytes.buffer, bytes.byteOffset, V6_BYTES);
      const groups = Array.from(
        { length: 8 },
        (_, index) => view.getUint16(2 * index).toString(16),
      );
      return groups.join(":");
    }
    default:
      return undefined;
  }
}

/** Encodes the client of a carried connection. */
export function encodeCarriedClient(client: Session): Uint8Array {
  const { principal, host, isLocal } = client;
  const writer = new Writer();
  const data = {
    principal: encodePrincipal(principal),
    address: encodeAddress(host),
    isLocal,
    isSecret: isSecret(client),
  };
  codec(carriedClientData, VERSION).encode(writer, data);
  return writer.takeBytes();
}

/**
 * Decodes the client of a carried connection; undefined if the bytes are none.
 *
 * @param carrier The connection that carries it: only a broker of this machine knows who else is here.
 */
export function decodeCarriedClient(content: Uint8Array, carrier: Session): Session | undefined {
  try {
    const { principal, address, isLocal, isSecret: isSecretThere } = codec(
      carriedClientData,
      VERSION,
    )
      .decode(new Reader(content));
    const decoded = decodePrincipal(principal);
    const host = decodeAddress(address);
    if (decoded === undefined || host === undefined) return undefined;
    return {
      principal: decoded,
      host,
      listener: isSecretThere && isSecret(carrier) ? SECURE_EMBEDDED_LISTENER : EMBEDDED_LISTENER,
      isLocal: isLocal && carrier.isLocal,
    };
  } catch {
    return undefined;
  }
}

function isSecret({ isLocal, listener: { protocol } }: Session): boolean {
  return isLocal || hasTls(protocol);
}
