/**
 * Certificates for tests, made by `openssl`: an authority, and a server and a client that it signed.
 *
 * @module
 */

import { join } from "@std/path";

/** A certificate and its key, as files. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** The certificates of an authority. */
export interface Certificates {
  /** The authority's own. */
  readonly caFile: string;
  /** Of 127.0.0.1. */
  readonly server: CertificateFiles;
  readonly clientFiles: CertificateFiles;
  /** Of a client with a common name. */
  readonly namedFiles: CertificateFiles;
  /** What a client needs, as PEM. */
  readonly client: {
    readonly caCerts: string[];
    readonly cert: string;
    readonly key: string;
  };
}

const SERVER_EXTENSIONS = "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n";
const CLIENT_EXTENSIONS = "extendedKeyUsage=clientAuth\n";

/** Makes them in a folder, which must exist. */
export async function makeCertificates(openssl: string, folder: string): Promise<Certificates> {
  const run = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command(openssl, { args, cwd: folder }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await run(
    ...["req", "-x509", ...newKey, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2"],
    ...["-subj", "/CN=test authority", "-addext", "keyUsage=critical,keyCertSign"],
  );
  const sign = async (
    name: string,
    subject: string,
    extensions: string,
  ): Promise<CertificateFiles> => {
    await Deno.writeTextFile(join(folder, `${name}.ext`), extensions);
    await run(
      ...["req", ...newKey, "-keyout", `${name}.key`, "-out", `${name}.csr`],
      ...["-subj", subject],
    );
    await run(
      ...["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key"],
      ...["-CAcreateserial", "-out", `${name}.pem`, "-days", "2", "-extfile", `${name}.ext`],
    );
    return { certFile: join(folder, `${name}.pem`), keyFile: join(folder, `${name}.key`) };
  };
  const server = await sign("server", "/CN=server", SERVER_EXTENSIONS);
  // With users enabled, etcd refuses certificates of clients that have a common name.
  const clientFiles = await sign("client", "/O=client", CLIENT_EXTENSIONS);
  const namedFiles = await sign("named", "/CN=client", CLIENT_EXTENSIONS);
  const caFile = join(folder, "ca.pem");
  return {
    caFile,
    server,
    clientFiles,
    namedFiles,
    client: {
      caCerts: [await Deno.readTextFile(caFile)],
      cert: await Deno.readTextFile(clientFiles.certFile),
      key: await Deno.readTextFile(clientFiles.keyFile),
    },
  };
}
