/**
 * The address of a cluster's metadata in etcd: `etcd://HOST:PORT,HOST:PORT/NAME`, or `etcds://` for
 * TLS.
 *
 * The hosts are members of one etcd cluster. The name separates clusters of brokers that share it.
 *
 * @module
 */

/** A parsed address. */
export interface EtcdAddress {
  /** Base URLs of the members, without a trailing slash. */
  readonly endpoints: readonly string[];
  /** The name of the cluster of brokers. */
  readonly name: string;
}

/** Default client port of etcd. */
const DEFAULT_PORT = 2379;
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

/**
 * Parses an address.
 *
 * @throws {SyntaxError} If it is invalid.
 */
export function parseEtcdAddress(text: string): EtcdAddress {
  const fail = (reason: string) =>
    new SyntaxError(`${reason}; expected etcd://HOST:PORT,HOST:PORT/NAME, or etcds:// for TLS`);
  const match = /^(etcds?):\/\/([^/?#]*)(?:\/([^?#]*))?$/.exec(text);
  if (match === null) throw fail(`"${text}" is not the address of a metadata store`);
  const [, scheme, hosts, name = ""] = match;
  if (hosts!.includes("@")) throw fail("user and password do not belong in the address");
  if (!NAME.test(name)) {
    throw fail(
      name === ""
        ? "the cluster's name is missing at the end"
        : `the cluster's name "${name}" may have only letters, digits, ".", "_" and "-"`,
    );
  }
  const endpoints = hosts!.split(",").map((host) => {
    const url = URL.canParse(`http://${host}`) ? new URL(`http://${host}`) : undefined;
    if (host === "" || url === undefined || url.hostname === "" || url.pathname !== "/") {
      throw fail(`"${host}" is not HOST:PORT`);
    }
    const protocol = scheme === "etcds" ? "https" : "http";
    // A URL's port is empty if it is the default of its scheme.
    const port = url.port !== "" ? url.port : /:80$/.test(host) ? "80" : DEFAULT_PORT;
    return `${protocol}://${url.hostname}:${port}`;
  });
  return { endpoints: [...new Set(endpoints)], name };
}
