/**
 * A Java client's properties, as far as they say how to connect.
 *
 * Everything in the file is data: nothing is loaded, no other file is read by a `${file:…}`, and only
 * the login modules of Kafka's own mechanisms are known. Properties of producers and consumers have no
 * meaning for a command; properties that nobody knows are reported.
 *
 * @module
 */

import { parseBrokerAddress } from "../../client/connection/address.ts";
import { JaasConfigError, parseJaasConfig } from "../../protocol/sasl/jaas_config.ts";
import { UsageError } from "../errors.ts";
import type { Context } from "../terminal/context.ts";
import { messageOf } from "../errors.ts";
import {
  type ConnectionSettings,
  type Mechanism,
  MECHANISMS,
  type TextSource,
} from "./connection_settings.ts";
import { parseJavaProperties } from "./java_properties.ts";

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
    "(ssl|tls)\\.(protocol|provider|enabled\\.protocols|cipher\\.suites|(key|trust)manager\\.algorithm|" +
    "secure\\.random\\.implementation)",
    "sasl\\.(login|kerberos)\\..*",
    "(client|group|transactional|group\\.instance)\\.id",
    "client\\.(rack|dns\\.lookup)",
    "(request|session|delivery|default\\.api|transaction|socket\\.connection\\.setup|heartbeat|poll|" +
    "max\\.poll|linger|retry|reconnect|metadata|connections|fetch|max|min|send|receive|buffer|batch)[.a-z]*",
    "acks|retries|enable\\..*|auto\\..*|isolation\\.level|compression\\..*|partition.*|interceptor\\..*",
    "check\\.crcs|allow\\..*|exclude\\..*|metric.*|bootstrap\\.controllers|security\\.providers",
  ].join("|") + ")$",
);

/** A config provider's variable: a Java client would read a file or the environment for it. */
const VARIABLE = /\$\{[^}]*:/;

/**
 * Reads a Java client's properties.
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
    properties = parseJavaProperties(await context.readTextFile(path));
  } catch (error) {
    throw new UsageError(`Cannot read "${path}" of --client-config: ${messageOf(error)}`, {
      cause: error,
    });
  }
  const file = new ClientProperties(path, properties);
  const settings = file.settings();
  for (const name of file.unknown()) {
    context.stderr.line(`Warning: "${name}" in "${path}" is not known, and has no effect`);
  }
  return settings;
}

class ClientProperties {
  readonly #path: string;
  readonly #properties: ReadonlyMap<string, string>;
  readonly #used = new Set<string>();

  constructor(path: string, properties: ReadonlyMap<string, string>) {
    this.#path = path;
    this.#properties = properties;
  }

  settings(): ConnectionSettings {
    this.#refuseVariables();
    const protocol = this.#protocol();
    const identification = this.#value("ssl.endpoint.identification.algorithm", true);
    const brokers = this.#value("bootstrap.servers");
    return {
      brokers: brokers?.split(",").map((each) => parseBrokerAddress(each)),
      tls: protocol.tls,
      ...this.#tls(protocol.tls),
      ...(protocol.tls && identification === "" ? { verifyServerName: false } : {}),
      ...this.#sasl(protocol.sasl),
    };
  }

  /** Names that are neither used nor known to have no effect. */
  unknown(): string[] {
    return [...this.#properties.keys()].filter((name) =>
      !this.#used.has(name) && !WITHOUT_EFFECT.test(name)
    );
  }

  #refuseVariables(): void {
    for (const [name, value] of this.#properties) {
      if (name.startsWith("config.providers") || VARIABLE.test(value)) {
        throw this.#problem(name, "config providers are not supported, write the value itself");
      }
    }
  }

  #protocol(): { readonly tls: boolean; readonly sasl: boolean } {
    const name = this.#value("security.protocol") ?? "PLAINTEXT";
    const protocol = PROTOCOLS[name.toUpperCase()];
    if (protocol !== undefined) return protocol;
    throw this.#problem(
      "security.protocol",
      `"${name}" is not one of ${Object.keys(PROTOCOLS).join(", ")}`,
    );
  }

  #tls(isOn: boolean): ConnectionSettings {
    const ca = this.#store("truststore", "ssl.truststore.certificates");
    const keystore = this.#store("keystore", "ssl.keystore.certificate.chain");
    const inlineKey = this.#value("ssl.keystore.key");
    const keyPassword = this.#value("ssl.key.password");
    if (!isOn) return {};
    // A PEM keystore has key and certificates in one file.
    const key: TextSource | undefined = inlineKey === undefined ? keystore : { text: inlineKey };
    return {
      ...(ca === undefined ? {} : { ca }),
      ...(keystore === undefined ? {} : { cert: keystore, key }),
      ...(keyPassword === undefined ? {} : { keyPassword }),
    };
  }

  /** A store in PEM: inline, or a file. */
  #store(kind: "truststore" | "keystore", inline: string): TextSource | undefined {
    const type = this.#value(`ssl.${kind}.type`);
    const location = this.#value(`ssl.${kind}.location`);
    const text = this.#value(inline);
    const password = this.#value(`ssl.${kind}.password`);
    if (text !== undefined) return { text };
    if (location === undefined) return undefined;
    if (type?.toUpperCase() !== "PEM") {
      throw this.#problem(
        `ssl.${kind}.${type === undefined ? "location" : "type"}`,
        `only stores of type PEM are supported, not ${type ?? "JKS"}; "keytool" and "openssl ` +
          `pkcs12" convert them`,
      );
    }
    if (password !== undefined) {
      throw this.#problem(`ssl.${kind}.password`, "a store of type PEM has none");
    }
    return { file: location, of: `ssl.${kind}.location in "${this.#path}"` };
  }

  #sasl(isOn: boolean): ConnectionSettings {
    const name = this.#value("sasl.mechanism");
    const jaas = this.#value("sasl.jaas.config");
    const own = [...this.#properties.keys()].find((each) =>
      each.startsWith("sasl.client.callback.handler") || each.startsWith("sasl.oauthbearer.")
    );
    if (!isOn) return {};
    if (own !== undefined) {
      throw this.#problem(own, "tokens are not fetched here, use --token-file or DQUEUE_TOKEN");
    }
    // Kafka's own default has no meaning without Kerberos.
    const mechanism = MECHANISMS.find((each) => each === name?.toUpperCase());
    if (mechanism === undefined) {
      throw this.#problem(
        "sasl.mechanism",
        `${name === undefined ? "it is missing" : `"${name}" is not supported`}, use one of ` +
          MECHANISMS.join(", "),
      );
    }
    if (jaas === undefined) return { mechanism };
    return { mechanism, ...this.#login(jaas, mechanism) };
  }

  #login(jaas: string, mechanism: Mechanism): ConnectionSettings {
    let config: ReturnType<typeof parseJaasConfig>;
    try {
      config = parseJaasConfig(jaas);
    } catch (error) {
      if (!(error instanceof JaasConfigError)) throw error;
      throw new UsageError(`Cannot use "${this.#path}": ${error.message}`);
    }
    const isFor = config.mechanism === "SCRAM" ? mechanism.startsWith("SCRAM") : true;
    if (!isFor || (config.mechanism !== "SCRAM" && config.mechanism !== mechanism)) {
      throw this.#problem(
        "sasl.jaas.config",
        `its login module is for ${config.mechanism}, but sasl.mechanism is ${mechanism}`,
      );
    }
    if (mechanism === "OAUTHBEARER") return {};
    const user = config.options.get("username");
    const password = config.options.get("password");
    const isDelegationToken = config.options.get("tokenauth")?.toLowerCase() === "true";
    return {
      ...(user === undefined ? {} : { user }),
      ...(password === undefined ? {} : { password: { text: password } }),
      ...(isDelegationToken ? { isDelegationToken } : {}),
    };
  }

  /** An empty value is none, as in Java, where it does not mean something. */
  #value(name: string, keepsEmpty = false): string | undefined {
    this.#used.add(name);
    const value = this.#properties.get(name)?.trim();
    return value === "" && !keepsEmpty ? undefined : value;
  }

  #problem(name: string, reason: string): UsageError {
    return new UsageError(`Cannot use "${name}" in "${this.#path}": ${reason}`);
  }
}
