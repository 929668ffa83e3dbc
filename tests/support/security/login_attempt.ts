/**
 * Attempts of other clients to log in: each asks for the topics once, and says what came of it.
 *
 * @module
 */

import { runIn } from "../../../cli/commands/testing.ts";
import { testContext } from "../../../cli/terminal/test_context.ts";
import { Client } from "../../../client/mod.ts";
import { within } from "../within.ts";
import { Kcat } from "../clients/kcat.ts";
import { Kafka, logLevel, type SASLOptions } from "../clients/kafkajs.ts";
import { Admin as PlatformaticAdmin, platformaticOptions } from "../clients/platformatic.ts";

/** How a client connects and logs in. */
export interface LoginAttempt {
  readonly address: string;
  /** As in `security.protocol`. */
  readonly protocol: "PLAINTEXT" | "SSL" | "SASL_PLAINTEXT" | "SASL_SSL";
  /** Default: no SASL. */
  readonly mechanism?: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512" | "OAUTHBEARER";
  readonly username?: string;
  readonly password?: string;
  /** For OAUTHBEARER. */
  readonly token?: string;
  /** File of the authority that is trusted. */
  readonly caFile?: string;
  /** Files of the client's own certificate. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** Both, for the Java client. */
  readonly keystoreFile?: string;
}

/** The outcome of an attempt that succeeded. */
export const LOGGED_IN = "logged in";

/** Makes an attempt, and returns `LOGGED_IN` or what the client says is wrong. */
export type TryLogin = (attempt: LoginAttempt) => Promise<string>;

/** How long a client that retries for ever is given. */
const PATIENCE_SECONDS = 3;

/** kcat, which retries until its time is up. OAUTHBEARER is limited to tokens that nobody has signed. */
export function kcatLogin(path: string): TryLogin {
  return async (attempt) => {
    const { protocol, mechanism, username, password, caFile, certFile, keyFile } = attempt;
    const settings: Record<string, string | undefined> = {
      "security.protocol": protocol,
      "sasl.mechanisms": mechanism,
      "sasl.username": username,
      "sasl.password": password,
      "ssl.ca.location": caFile,
      "ssl.certificate.location": certFile,
      "ssl.key.location": keyFile,
      ...(mechanism === "OAUTHBEARER"
        ? {
          "enable.sasl.oauthbearer.unsecure.jwt": "true",
          "sasl.oauthbearer.config": "principal=alice",
        }
        : {}),
    };
    const args = Object.entries(settings).flatMap(([name, value]) =>
      value === undefined ? [] : ["-X", `${name}=${value}`]
    );
    const { code, stderr } = await new Kcat(path, attempt.address).attempt(
      ["-L", "-m", `${PATIENCE_SECONDS}`, ...args],
    );
    return code === 0 ? LOGGED_IN : stderr;
  };
}

/** kafkajs, which gives up at once. */
export const kafkaJsLogin: TryLogin = async (attempt) => {
  const { address, protocol, mechanism, username = "", password = "", token = "" } = attempt;
  const sasl = mechanism === undefined
    ? undefined
    : mechanism === "OAUTHBEARER"
    ? { mechanism: "oauthbearer", oauthBearerProvider: () => Promise.resolve({ value: token }) }
    : { mechanism: mechanism.toLowerCase(), username, password };
  const ssl = protocol.endsWith("SSL") ? await tlsOf(attempt) : undefined;
  const admin = new Kafka({
    clientId: "kafkajs",
    brokers: [address],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    connectionTimeout: 5000,
    ...(ssl === undefined ? {} : { ssl }),
    ...(sasl === undefined ? {} : { sasl: sasl as SASLOptions }),
  }).admin();
  return await outcomeOf(async () => {
    await admin.connect();
    await admin.listTopics();
  }, () => admin.disconnect());
};

/** @platformatic/kafka. */
export const platformaticLogin: TryLogin = async (attempt) => {
  const { address, protocol, mechanism, username = "", password = "", token = "" } = attempt;
  const sasl = mechanism === undefined
    ? undefined
    : mechanism === "OAUTHBEARER"
    ? { mechanism, token }
    : { mechanism, username, password };
  const tls = protocol.endsWith("SSL") ? await tlsOf(attempt) : undefined;
  const admin = new PlatformaticAdmin({
    ...platformaticOptions(address),
    retries: 0,
    ...(tls === undefined ? {} : { tls }),
    ...(sasl === undefined ? {} : { sasl }),
  });
  return await outcomeOf(() => admin.metadata({ topics: [] }), () => admin.close());
};

/** This project's SDK. */
export const sdkLogin: TryLogin = async (attempt) => {
  const { address, protocol, mechanism, username = "", password = "", token = "" } = attempt;
  const { ca, ...certificate } = await tlsOf(attempt);
  const client = new Client({
    brokers: address,
    timeoutMs: 20_000,
    ...(protocol.endsWith("SSL")
      ? { tls: { ...(ca === undefined ? {} : { ca }), ...certificate } }
      : {}),
    ...(mechanism === undefined
      ? {}
      : mechanism === "OAUTHBEARER"
      ? { sasl: { mechanism, token } }
      : { sasl: { mechanism, username, password } }),
  });
  return await outcomeOf(() => client.admin().listTopics(), () => client.close());
};

/** This project's command line. */
export const cliLogin: TryLogin = async (attempt) => {
  const { address, protocol, mechanism, username, password = "", token = "" } = attempt;
  const flags = {
    "--brokers": address,
    "--tls": protocol.endsWith("SSL") ? "" : undefined,
    "--tls-ca": attempt.caFile,
    "--tls-cert": attempt.certFile,
    "--tls-key": attempt.keyFile,
    "--sasl-mechanism": mechanism,
    "--user": mechanism === "OAUTHBEARER" ? undefined : username,
    "--timeout": "20s",
  };
  const argv = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : value === "" ? [name] : [name, value]
  );
  const env = { DQUEUE_PASSWORD: password, DQUEUE_TOKEN: token };
  const context = {
    ...testContext({ env }),
    readTextFile: (path: string) => Deno.readTextFile(path),
  };
  const { code, stderr } = await runIn(context, ["topic", "list", ...argv]);
  return code === 0 ? LOGGED_IN : stderr;
};

async function tlsOf({ caFile, certFile, keyFile }: LoginAttempt) {
  const read = (file: string) => Deno.readTextFile(file);
  return {
    ...(caFile === undefined ? {} : { ca: [await read(caFile)] }),
    ...(certFile === undefined ? {} : { cert: await read(certFile) }),
    ...(keyFile === undefined ? {} : { key: await read(keyFile) }),
  };
}

/** What an attempt in this process came to; it fails if the client hangs. */
async function outcomeOf(
  attempt: () => Promise<unknown>,
  close: () => Promise<unknown>,
): Promise<string> {
  try {
    await within(attempt(), "a client to log in or to give up", 30_000);
    return LOGGED_IN;
  } catch (error) {
    return textsOf(error).join(" | ");
  } finally {
    await close().catch(() => {});
  }
}

/** The messages of an error and of all its causes. */
function textsOf(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error) || depth > 8) return [String(error)];
  const inner = "errors" in error && Array.isArray(error.errors) ? error.errors : [];
  return [
    `${error.name}: ${error.message}`,
    ...[...inner, ...(error.cause === undefined ? [] : [error.cause])].flatMap((cause) =>
      textsOf(cause, depth + 1)
    ),
  ];
}
