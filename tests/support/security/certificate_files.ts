/**
 * A usual set of certificates as files, for brokers and clients that are processes.
 *
 * @module
 */

import { join } from "@std/path";
import { TestAuthority, type TestCertificate } from "./test_authority.ts";

/** A certificate as files. */
export interface CertificateFiles {
  /** Certificate and those of the authorities in between. */
  readonly certFile: string;
  readonly keyFile: string;
  /** Key and certificates, as `ssl.keystore.location` of type PEM. */
  readonly keystoreFile: string;
}

/** Certificates of one authority in a folder. */
export interface CertificateSet {
  readonly authority: TestAuthority;
  /** The authority's own certificate: `ssl.truststore.location` of type PEM. */
  readonly caFile: string;
  /** Of this machine. */
  readonly server: CertificateFiles;
  /** Of the user `CN=alice`. */
  readonly client: CertificateFiles;
  /** Of `CN=alice`, until yesterday. */
  readonly expiredClient: CertificateFiles;
  /** Of `CN=alice`, by an authority that nobody trusts. */
  readonly untrustedClient: CertificateFiles;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** Writes the files of a certificate to a folder. */
export function writeCertificate(
  folder: string,
  name: string,
  { cert, key, keystore }: TestCertificate,
): CertificateFiles {
  const write = (suffix: string, text: string) => {
    const path = join(folder, `${name}.${suffix}`);
    Deno.writeTextFileSync(path, text);
    return path;
  };
  return {
    certFile: write("pem", cert),
    keyFile: write("key", key),
    keystoreFile: write("keystore.pem", keystore),
  };
}

/** Makes the usual certificates in a folder, which must exist. */
export function writeCertificateSet(folder: string): CertificateSet {
  const authority = TestAuthority.create();
  const caFile = join(folder, "ca.pem");
  Deno.writeTextFileSync(caFile, authority.cert);
  const notBefore = new Date(Date.now() - 2 * DAY_MS);
  const notAfter = new Date(Date.now() - DAY_MS);
  const stranger = TestAuthority.create({ subject: "CN=stranger" });
  return {
    authority,
    caFile,
    server: writeCertificate(folder, "server", authority.issueServer()),
    client: writeCertificate(folder, "client", authority.issueClient("CN=alice")),
    expiredClient: writeCertificate(
      folder,
      "expired",
      authority.issueClient("CN=alice", { notBefore, notAfter }),
    ),
    untrustedClient: writeCertificate(folder, "untrusted", stranger.issueClient("CN=alice")),
  };
}
