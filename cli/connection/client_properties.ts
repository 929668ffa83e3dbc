/**
 * A client's properties, as far as they say how to connect: a Java client's, or librdkafka's as kcat
 * reads them.
 *
 * Everything in the file is data: nothing is loaded, no other file is read by a `${file:…}`, and only
 * the login modules of Kafka's own mechanisms are known. Properties of producers and consumers have no
 * meaning for a command; properties that nobody knows are reported.
 *
 * @module
 */

import { type BrokerAddress, parseBrokerAddress } from "../../client/connection/address.ts";
import { messageOf, UsageError } from "../errors.ts";
import type { Context } from "../terminal/context.ts";
import type { ConnectionSettings, TextSource } from "./connection_settings.ts";
import type { KeyStore } from "./key_store.ts";
import { parseJavaProperties } from "./java_properties.ts";
import { parseLibrdkafkaProperties } from "./librdkafka_properties.ts";
import { PropertiesFile } from "./properties_file.ts";
import { saslOfProperties } from "./sasl_properties.ts";

/** What is encrypted and authenticated by each `security.protocol`. */
const PROTOCOLS: Readonly<Record<string, { readonly tls: boolean; readonly sasl: boolean }>> = {
  PLAINTEXT: { tls: false, sasl: false },
  SSL: { tls: true, sasl: false },
  SASL_PLAINTEXT: { tls: false, sasl: true },
  SASL_SSL: { tls: true, sasl: true },
};

/** Properties that have no effect on how to connect here. */
const WITHOUT_EFFECT = new RegExp(
  "^(" + [
    "(key|value)\\.(de)?serializer",
    "(client|group|transactional|group\\.instance)\\.id",
    "client\\.(rack|dns\\.lookup)",
    "(request|session|delivery|default\\.api|transaction|socket\\.connection\\.setup|heartbeat|poll|" +
    "max\\.poll|linger|retry|reconnect|metadata|connections|fetch|max|min|send|receive|buffer|batch)[.a-z]*",
    "acks|retries|enable\\..*|auto\\..*|isolation\\.level|compression\\..*|partition.*|interceptor\\..*",
    "check\\.crcs|allow\\..*|exclude\\..*|metric.*|bootstrap\\.controllers|security\\.providers",
  ].join("|") + ")$",
);

/** Those of Kafka's clients and librdkafka whose names begin like names that matter. */
const SECURITY_WITHOUT_EFFECT = new RegExp(
  "^(" + [
    "ssl\\.(protocol|provider|enabled\\.protocols|cipher\\.suites|(key|trust)manager\\.algorithm|" +
    "secure\\.random\\.implementation|curves\\.list|sigalgs\\.list|crl\\.location|providers)",
    "sasl\\.(login|kerberos|oauthbearer)\\..*",
  ].join("|") + ")$",
);

/**
 * Reads a client's properties.
 *
 * @param path The file.
 * @throws {UsageError} If it cannot be read, or a property cannot be used here; no value that may be
 * secret is in the message.
 */
export async function readClientProperties(
  context: Context,
  path: string,
): Promise<ConnectionSettings> {
  let properties: Map<string, string>;
  try {
    const text = await context.readTextFile(path);
    properties = parseLibrdkafkaProperties(text) ?? parseJavaProperties(text);
  } catch (error) {
    throw new UsageError(`Cannot read "${path}" of --client-config: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const file = new PropertiesFile(path, properties);
  const settings = settingsOf(file);
  for (const name of file.unused.filter((name) => !isWithoutEffect(name))) {
    context.stderr.line(`Warning: "${name}" in "${path}" is not known, and has no effect`);
  }
  if (settings.verifyServerName === false) {
    context.stderr.line(
      `Warning: by "${path}" anyone who has a certificate of a trusted authority can pose as the ` +
        "broker: ssl.endpoint.identification.algorithm is empty",
    );
  }
  return settings;
}

function isWithoutEffect(name: string): boolean {
  return /^(ssl|sasl)\./.test(name)
    ? SECURITY_WITHOUT_EFFECT.test(name)
    : WITHOUT_EFFECT.test(name);
}

function settingsOf(file: PropertiesFile): ConnectionSettings {
  const protocol = protocolOf(file);
  const verifyServerName = verifiesServerName(file);
  const tls = tlsOf(file, protocol.tls);
  return {
    brokers: brokersOf(file),
    tls: protocol.tls,
    ...tls,
    ...(protocol.tls && !verifyServerName ? { verifyServerName } : {}),
    ...(protocol.sasl ? saslOfProperties(file) : {}),
  };
}

/** Java accepts a protocol before the address, and has no default port. */
function brokersOf(file: PropertiesFile): readonly BrokerAddress[] | undefined {
  const name = "bootstrap.servers";
  const addresses = file.value(name)?.split(",").map((each) => each.trim());
  try {
    return addresses?.filter((each) => each !== "")
      .map((each) => parseBrokerAddress(each.replace(/^[\w.%-]*:\/\//, "")));
  } catch (error) {
    throw file.problem(name, messageOf(error));
  }
}

function protocolOf(file: PropertiesFile): { readonly tls: boolean; readonly sasl: boolean } {
  const name = file.value("security.protocol") ?? "PLAINTEXT";
  const protocol = PROTOCOLS[name.toUpperCase()];
  if (protocol !== undefined) return protocol;
  throw file.problem(
    "security.protocol",
    `"${name}" is not one of ${Object.keys(PROTOCOLS).join(", ")}`,
  );
}

/** librdkafka has a word where Java has an empty text. */
function verifiesServerName(file: PropertiesFile): boolean {
  const name = "ssl.endpoint.identification.algorithm";
  const algorithm = file.value(name, true)?.toLowerCase() ?? "https";
  if (!["", "none", "https"].includes(algorithm)) {
    throw file.problem(name, `"${algorithm}" is not https, and not empty`);
  }
  const verification = "enable.ssl.certificate.verification";
  if (file.value(verification)?.toLowerCase() === "false") {
    throw file.problem(
      verification,
      "certificates are always verified, name the authority with --tls-ca",
    );
  }
  return algorithm === "https";
}

function tlsOf(file: PropertiesFile, isOn: boolean): ConnectionSettings {
  const named = (name: string): TextSource | undefined => {
    const path = file.value(name);
    return path === undefined ? undefined : { file: path, of: file.of(name) };
  };
  const [ownCa, ownCert, ownKey] = [
    named("ssl.ca.location"),
    named("ssl.certificate.location"),
    named("ssl.key.location"),
  ];
  const truststore = storeOf(file, "truststore", "ssl.truststore.certificates", isOn);
  const keystore = storeOf(file, "keystore", "ssl.keystore.certificate.chain", isOn);
  const inlineKey = file.value("ssl.keystore.key");
  const keyPassword = file.value("ssl.key.password");
  if (!isOn) return {};
  const ca = ownCa ?? truststore?.trusted;
  const cert = ownCert ?? keystore?.chain;
  // A PEM keystore has key and certificates in one file.
  const key = ownKey ?? (inlineKey === undefined ? keystore?.key : { text: inlineKey });
  // The key of a store in another form is decrypted already.
  const isEncrypted = keyPassword !== undefined && (key === undefined || !("read" in key));
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert, key }),
    ...(isEncrypted ? { keyPassword } : {}),
  };
}

/** What a store has, of which one part is used. */
interface Store {
  readonly trusted: TextSource;
  readonly chain: TextSource;
  readonly key: TextSource;
}

/** A store: inline in PEM, or a file. */
function storeOf(
  file: PropertiesFile,
  kind: "truststore" | "keystore",
  inline: string,
  isOn: boolean,
): Store | undefined {
  const [typeName, locationName] = [`ssl.${kind}.type`, `ssl.${kind}.location`];
  const type = file.value(typeName)?.toUpperCase() ?? "JKS";
  const location = file.value(locationName);
  const text = file.value(inline);
  const password = file.value(`ssl.${kind}.password`);
  if (text !== undefined) return sameFor({ text });
  if (location === undefined || !isOn) return undefined;
  if (type === "PEM") {
    if (password === undefined) return sameFor({ file: location, of: file.of(locationName) });
    throw file.problem(`ssl.${kind}.password`, "a store of type PEM has none");
  }
  if (type !== "JKS" && type !== "PKCS12") {
    throw file.problem(typeName, `"${type}" is not one of PEM, PKCS12, JKS`);
  }
  const keyPassword = kind === "keystore" ? file.value("ssl.key.password") : undefined;
  return storeIn(file, locationName, location, password, keyPassword);
}

function sameFor(source: TextSource): Store {
  return { trusted: source, chain: source, key: source };
}

/** A store of Java, which is read once. */
function storeIn(
  file: PropertiesFile,
  name: string,
  location: string,
  password: string | undefined,
  keyPassword: string | undefined,
): Store {
  let reading: Promise<KeyStore> | undefined;
  const open = () => reading ??= openStore(file, name, location, password, keyPassword);
  const own = async () => {
    const { own } = await open();
    if (own !== undefined) return own;
    throw file.problem(name, "the store has no private key");
  };
  return {
    trusted: {
      read: async () => {
        const { trusted } = await open();
        if (trusted !== "") return trusted;
        throw file.problem(name, "the store has no certificates of authorities");
      },
    },
    chain: { read: async () => (await own()).chain },
    key: { read: async () => (await own()).key },
  };
}

async function openStore(
  file: PropertiesFile,
  name: string,
  location: string,
  password: string | undefined,
  keyPassword: string | undefined,
): Promise<KeyStore> {
  const { readKeyStore } = await import("./key_store.ts");
  try {
    return await readKeyStore(await Deno.readFile(location), password, keyPassword);
  } catch (error) {
    const remedy = /old algorithm/.test(messageOf(error))
      ? `; convert it to PEM: (umask 077; openssl pkcs12 -legacy -in ${location} -nodes -out ` +
        `${location}.pem)`
      : "";
    throw file.problem(name, `cannot read "${location}": ${messageOf(error)}${remedy}`);
  }
}
