/**
 * Makes certificates for tests, without a network and without other programs.
 *
 * @module
 */

import crypto from "node:crypto";
import {
  bitString,
  boolean,
  element,
  explicit,
  integer,
  namedBits,
  objectIdentifier,
  octetString,
  sequence,
  time,
} from "./der.ts";
import { encodeName, parseTestName, type TestName } from "./distinguished_name.ts";

/** A kind of key. */
export type KeyKind = "ec" | "p384" | "rsa" | "rsa1024" | "ed25519";

/** What a certificate says. */
export interface TestCertificateOptions {
  /** The name; see `parseTestName` for text. Default: `CN=test`. */
  readonly subject?: string | TestName;
  /** Host names and IP addresses. Default: none. */
  readonly hosts?: readonly string[];
  /** Default: an hour ago. */
  readonly notBefore?: Date;
  /** Default: in two days. */
  readonly notAfter?: Date;
  /** What it is for. Default: both. */
  readonly usage?: "server" | "client" | "both";
  /** Default: P-256, which is the fastest to make. */
  readonly keyKind?: KeyKind;
  /** The key, if it exists already. Default: a new one. */
  readonly key?: crypto.KeyObject;
}

/** A certificate and its key. */
export interface TestCertificate {
  /** The certificate alone. */
  readonly der: Uint8Array;
  /** The certificate and those of the authorities in between, as PEM. */
  readonly cert: string;
  /** The key as unencrypted PKCS#8 PEM. */
  readonly key: string;
  /** Key and certificates in one PEM file, as Kafka wants them. */
  readonly keystore: string;
  readonly privateKey: crypto.KeyObject;
}

/** The hosts of a server for tests. */
export const LOOPBACK_HOSTS: readonly string[] = ["localhost", "127.0.0.1", "::1"];

const HOUR_MS = 60 * 60 * 1000;
const CURVES: Readonly<Record<string, string>> = { ec: "P-256", p384: "P-384" };

const USAGES = { server: "1.3.6.1.5.5.7.3.1", client: "1.3.6.1.5.5.7.3.2" } as const;

/** An authority that signs certificates. */
export class TestAuthority {
  readonly #subject: TestName;
  readonly #own: TestCertificate;
  /** Certificates between this authority and the root, its own first, as PEM. */
  readonly #chain: string;

  private constructor(subject: TestName, own: TestCertificate, chain: string) {
    this.#subject = subject;
    this.#own = own;
    this.#chain = chain;
  }

  /** Makes a root authority. */
  static create(options: TestCertificateOptions = {}): TestAuthority {
    const subject = nameOf(options.subject ?? "CN=test authority");
    const privateKey = options.key ?? makeKey(options.keyKind);
    const der = certificate({ ...options, subject, privateKey }, subject, privateKey, true);
    return new TestAuthority(subject, bundle(der, privateKey, ""), "");
  }

  /** The authority's own certificate as PEM, which peers must trust. */
  get cert(): string {
    return pemOf("CERTIFICATE", this.#own.der);
  }

  /** The authority's own certificate and key. */
  get own(): TestCertificate {
    return this.#own;
  }

  /** Makes an authority that this one has signed. */
  issueAuthority(options: TestCertificateOptions = {}): TestAuthority {
    const subject = nameOf(options.subject ?? "CN=intermediate authority");
    const privateKey = options.key ?? makeKey(options.keyKind);
    const der = this.#sign({ ...options, subject, privateKey }, true);
    const own = bundle(der, privateKey, this.#chain);
    return new TestAuthority(subject, own, own.cert);
  }

  /** Makes a certificate. */
  issue(options: TestCertificateOptions = {}): TestCertificate {
    const subject = nameOf(options.subject ?? "CN=test");
    const privateKey = options.key ?? makeKey(options.keyKind);
    return bundle(this.#sign({ ...options, subject, privateKey }, false), privateKey, this.#chain);
  }

  /** Makes the certificate of a server on this machine. */
  issueServer(options: TestCertificateOptions = {}): TestCertificate {
    return this.issue({ subject: "CN=server", hosts: LOOPBACK_HOSTS, ...options });
  }

  /** Makes the certificate of a client with a name. */
  issueClient(subject: string | TestName, options: TestCertificateOptions = {}): TestCertificate {
    return this.issue({ usage: "client", ...options, subject });
  }

  #sign(content: CertificateContent, isAuthority: boolean): Uint8Array {
    return certificate(content, this.#subject, this.#own.privateKey, isAuthority);
  }
}

/** Encrypts a key with a password: as PKCS#8, or in the traditional form of OpenSSL. */
export function encryptKey(
  { privateKey }: TestCertificate,
  passphrase: string,
  form: "pkcs8" | "traditional" = "pkcs8",
): string {
  const cipher = "aes-256-cbc";
  if (form === "pkcs8") {
    return String(privateKey.export({ type: "pkcs8", format: "pem", cipher, passphrase }));
  }
  const type = privateKey.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1";
  const der = privateKey.export({ type, format: "der" });
  const salt = crypto.randomBytes(16);
  // OpenSSL's EVP_BytesToKey with MD5: the key is derived from the password and half of the salt.
  const derived: number[] = [];
  for (let last: readonly number[] = []; derived.length < 32; derived.push(...last)) {
    last = [
      ...crypto.createHash("md5").update(Uint8Array.from(last)).update(passphrase)
        .update(salt.subarray(0, 8)).digest(),
    ];
  }
  const encryption = crypto.createCipheriv(cipher, Uint8Array.from(derived), salt);
  const bytes = Uint8Array.of(...encryption.update(der), ...encryption.final());
  const iv = salt.toString("hex").toUpperCase();
  return pemOf(
    type === "pkcs1" ? "RSA PRIVATE KEY" : "EC PRIVATE KEY",
    bytes,
    `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,${iv}\n\n`,
  );
}

interface CertificateContent extends TestCertificateOptions {
  readonly subject: TestName;
  readonly privateKey: crypto.KeyObject;
}

function nameOf(name: string | TestName): TestName {
  return typeof name === "string" ? parseTestName(name) : name;
}

function makeKey(kind: KeyKind = "ec"): crypto.KeyObject {
  if (kind === "ed25519") return crypto.generateKeyPairSync("ed25519").privateKey;
  const namedCurve = CURVES[kind];
  if (namedCurve !== undefined) {
    return crypto.generateKeyPairSync("ec", { namedCurve }).privateKey;
  }
  const modulusLength = kind === "rsa1024" ? 1024 : 2048;
  return crypto.generateKeyPairSync("rsa", { modulusLength }).privateKey;
}

function bundle(der: Uint8Array, privateKey: crypto.KeyObject, chain: string): TestCertificate {
  const cert = pemOf("CERTIFICATE", der) + chain;
  const key = String(privateKey.export({ type: "pkcs8", format: "pem" }));
  return { der, cert, key, keystore: key + cert, privateKey };
}

function certificate(
  content: CertificateContent,
  issuer: TestName,
  issuerKey: crypto.KeyObject,
  isAuthority: boolean,
): Uint8Array {
  const publicKey = crypto.createPublicKey(content.privateKey);
  const algorithm = algorithmOf(issuerKey);
  const { notBefore, notAfter } = content;
  const body = sequence(
    explicit(0, integer(2)),
    integer(BigInt(`0x7f${crypto.randomBytes(15).toString("hex")}`)),
    algorithm,
    encodeName(issuer),
    sequence(
      time(notBefore ?? new Date(Date.now() - HOUR_MS)),
      time(notAfter ?? new Date(Date.now() + 48 * HOUR_MS)),
    ),
    encodeName(content.subject),
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    explicit(3, sequence(...extensions(content, publicKey, issuerKey, isAuthority))),
  );
  const hash = issuerKey.asymmetricKeyType === "ed25519" ? null : "sha256";
  return sequence(body, algorithm, bitString(crypto.sign(hash, body, issuerKey)));
}

/** The identifier of the signature, SHA-256 with the kind of the key. */
function algorithmOf(key: crypto.KeyObject): Uint8Array {
  switch (key.asymmetricKeyType) {
    case "ec":
      return sequence(objectIdentifier("1.2.840.10045.4.3.2"));
    case "ed25519":
      return sequence(objectIdentifier("1.3.101.112"));
    default:
      return sequence(objectIdentifier("1.2.840.113549.1.1.11"), element(0x05));
  }
}

function extensions(
  { hosts = [], usage = "both" }: CertificateContent,
  publicKey: crypto.KeyObject,
  issuerKey: crypto.KeyObject,
  isAuthority: boolean,
): Uint8Array[] {
  const issuerId = keyId(crypto.createPublicKey(issuerKey));
  const list = [
    extension("2.5.29.14", octetString(keyId(publicKey))),
    extension("2.5.29.35", sequence(element(0x80, issuerId))),
  ];
  if (isAuthority) {
    return [
      extension("2.5.29.19", sequence(boolean(true)), true),
      extension("2.5.29.15", namedBits(5, 6), true),
      ...list,
    ];
  }
  const purposes = usage === "both" ? Object.values(USAGES) : [USAGES[usage]];
  list.push(
    extension("2.5.29.15", namedBits(0), true),
    extension("2.5.29.37", sequence(...purposes.map(objectIdentifier))),
  );
  if (hosts.length > 0) list.push(extension("2.5.29.17", sequence(...hosts.map(hostName))));
  return list;
}

function extension(id: string, value: Uint8Array, isCritical = false): Uint8Array {
  const critical = isCritical ? [boolean(true)] : [];
  return sequence(objectIdentifier(id), ...critical, octetString(value));
}

function keyId(publicKey: crypto.KeyObject): Uint8Array {
  const der = publicKey.export({ type: "spki", format: "der" });
  return crypto.createHash("sha1").update(der).digest();
}

/** A host as GeneralName: an IP address or a DNS name. */
function hostName(host: string): Uint8Array {
  if (/^\d+(\.\d+){3}$/.test(host)) {
    return element(0x87, Uint8Array.from(host.split("."), Number));
  }
  if (host.includes(":")) return element(0x87, ipv6Bytes(host));
  return element(0x82, new TextEncoder().encode(host));
}

function ipv6Bytes(host: string): Uint8Array {
  const [before = "", after = ""] = host.split("::");
  const groups = (part: string) => part.split(":").filter((group) => group !== "");
  const [head, tail] = [groups(before), groups(after)];
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return Uint8Array.from([...head, ...zeros, ...tail].flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 0xff];
  }));
}

/** Writes PEM. */
export function pemOf(label: string, bytes: Uint8Array, headers = ""): string {
  const lines = bytes.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${headers}${lines.join("\n")}\n-----END ${label}-----\n`;
}
