/**
 * Where a cluster's metadata is in etcd: `etcd://HOST:PORT,HOST:PORT/NAME`, or `etcds://` for TLS.
 *
 * The hosts are members of one etcd cluster. The name keeps clusters of brokers apart that share it.
 *
 * @module
 */

/** An address, taken apart. */
export interface EtcdAddress {
  /** Base URLs of the members, without a slash at the end. */
  readonly endpoints: readonly string[];
  /** The name of the cluster of brokers. */
  readonly name: string;
}

/** Port for clients of etcd, where none is named. */
const DEFAULT_PORT = 2379;
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

/**
 * Takes an address apart.
 *
 * @throws {SyntaxError} If it is none.
 */
export function parseEtcdAddress(text: string): EtcdAddress {
  const fail = (reason: string) =>
    new SyntaxError(`${reason}; expected is etcd://HOST:PORT,HOST:PORT/NAME, or etcds:// for TLS`);
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
    // The port of a URL is empty where it is its scheme's own.
    const port = url.port !== "" ? url.port : /:80$/.test(host) ? "80" : DEFAULT_PORT;
    return `${protocol}://${url.hostname}:${port}`;
  });
  return { endpoints: [...new Set(endpoints)], name };
}
