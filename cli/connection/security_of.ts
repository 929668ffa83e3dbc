/**
 * From the settings of a command to the options of its client.
 *
 * @module
 */

import type { SaslOptions, SecurityOptions, TlsOptions } from "../../client/mod.ts";
import { messageOf, UsageError } from "../errors.ts";
import type { Context } from "../terminal/context.ts";
import { readSecret } from "../terminal/secret_line.ts";
import type { ConnectionSettings, TextSource } from "./connection_settings.ts";
import { fetchToken } from "./token_endpoint.ts";

/** The variable with the user's password. */
export const PASSWORD_VARIABLE = "DQUEUE_PASSWORD";
/** The variable with the token of OAUTHBEARER. */
export const TOKEN_VARIABLE = "DQUEUE_TOKEN";
/** The variable with the password of the private key. */
export const KEY_PASSWORD_VARIABLE = "DQUEUE_TLS_KEY_PASSWORD";

/** The mechanism for a user without one. */
const DEFAULT_MECHANISM = "SCRAM-SHA-256";

/**
 * Reads the files, and asks on the terminal for a password that is missing.
 *
 * @throws {UsageError} If a file cannot be read, or a secret is missing and there is no terminal.
 */
export async function securityOf(
  context: Context,
  settings: ConnectionSettings,
): Promise<SecurityOptions> {
  const tls = await tlsOf(context, settings);
  const sasl = await saslOf(context, settings);
  return { ...(tls === undefined ? {} : { tls }), ...(sasl === undefined ? {} : { sasl }) };
}

async function tlsOf(
  context: Context,
  settings: ConnectionSettings,
): Promise<TlsOptions | undefined> {
  const { ca, cert, key, serverName, verifyServerName } = settings;
  const isMeant = [ca, cert, key, serverName].some((each) => each !== undefined);
  if (settings.tls === false || (settings.tls === undefined && !isMeant)) return undefined;
  const read = async (source: TextSource | undefined) =>
    source === undefined ? undefined : await textOf(context, source);
  const [caText, certText] = [await read(ca), await read(cert)];
  ensurePem(caText, ca, "--tls-ca", CERTIFICATE, "a certificate");
  ensurePem(certText, cert, "--tls-cert", CERTIFICATE, "a certificate");
  // A file can have both, as Kafka's keystores in PEM have.
  const keyText = await read(key) ??
    (certText !== undefined && PRIVATE_KEY.test(certText) ? certText : undefined);
  ensurePem(keyText, key, "--tls-key", PRIVATE_KEY, "a private key");
  if (certText !== undefined && keyText === undefined) {
    throw new UsageError("Missing --tls-key: the private key of the client's certificate");
  }
  if (certText === undefined && keyText !== undefined) {
    throw new UsageError("Missing --tls-cert: the certificate of the client's private key");
  }
  const passphrase = keyText === undefined
    ? undefined
    : await keyPasswordOf(context, settings, keyText);
  return {
    ...(caText === undefined ? {} : { ca: caText }),
    ...(certText === undefined ? {} : { cert: certText }),
    ...(keyText === undefined ? {} : { key: keyText }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(serverName === undefined ? {} : { serverName }),
    ...(verifyServerName === undefined ? {} : { verifyServerName }),
  };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----/;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** @throws {UsageError} If the text is not what it should be; no part of it is in the message. */
function ensurePem(
  text: string | undefined,
  source: TextSource | undefined,
  flag: string,
  form: RegExp,
  what: string,
): void {
  if (text === undefined || form.test(text)) return;
  const place = source !== undefined && "file" in source
    ? `"${source.file}" of ${source.of}`
    : flag;
  throw new UsageError(`Cannot use ${place}: it has not ${what} in PEM, with "-----BEGIN"`);
}

async function keyPasswordOf(
  context: Context,
  { keyPassword }: ConnectionSettings,
  key: string,
): Promise<string | undefined> {
  const given = keyPassword ?? (context.env(KEY_PASSWORD_VARIABLE) || undefined);
  if (given !== undefined || !/ENCRYPTED/.test(key)) return given;
  return await askFor(context, "Password of the private key:", KEY_PASSWORD_VARIABLE);
}

async function saslOf(
  context: Context,
  settings: ConnectionSettings,
): Promise<SaslOptions | undefined> {
  const { user, isDelegationToken } = settings;
  const mechanism = settings.mechanism ??
    (settings.token !== undefined && user === undefined
      ? "OAUTHBEARER"
      : user === undefined
      ? undefined
      : DEFAULT_MECHANISM);
  if (mechanism === undefined) {
    if (settings.password === undefined) return undefined;
    throw new UsageError("Missing --user: a password is that of a user");
  }
  if (mechanism === "OAUTHBEARER") {
    const { extensions } = settings;
    const token = await tokenOf(context, settings);
    return { mechanism, token, ...(extensions === undefined ? {} : { extensions }) };
  }
  if (user === undefined) {
    const { password } = settings;
    if (password !== undefined && "problem" in password) throw new UsageError(password.problem);
    throw new UsageError(`Missing --user: ${mechanism} authenticates a user by a password`);
  }
  const password = await passwordOf(context, user, settings);
  return {
    mechanism,
    username: user,
    password,
    ...(isDelegationToken === undefined ? {} : { isDelegationToken }),
  };
}

/** A file on the command line comes before the variable, which comes before a profile. */
async function passwordOf(
  context: Context,
  user: string,
  { password }: ConnectionSettings,
): Promise<string> {
  if (isByFlag(password)) return await secretOf(context, password);
  const variable = context.env(PASSWORD_VARIABLE);
  if (variable) return variable;
  if (password !== undefined) return await secretOf(context, password);
  return await askFor(context, `Password of ${user}:`, `--password-file or ${PASSWORD_VARIABLE}`);
}

/** The same for a token, which is read again for each authentication, as it expires. */
async function tokenOf(
  context: Context,
  { token, tokenEndpoint }: ConnectionSettings,
): Promise<string | (() => Promise<string>)> {
  const variable = context.env(TOKEN_VARIABLE);
  if (variable && !isByFlag(token)) return variable;
  if (token !== undefined) {
    const first = await secretOf(context, token);
    return "file" in token && token.file !== "-" ? () => secretOf(context, token) : first;
  }
  if (tokenEndpoint !== undefined) return () => fetchToken(tokenEndpoint, context.signal);
  return await askFor(context, "Token:", `--token-file or ${TOKEN_VARIABLE}`);
}

function isByFlag(source: TextSource | undefined): source is TextSource {
  return source !== undefined && "of" in source && source.of.startsWith("--");
}

/** @throws {UsageError} If there is no terminal, or nothing was answered. */
async function askFor(context: Context, question: string, instead: string): Promise<string> {
  if (!context.stdinIsTerminal) {
    throw new UsageError(`Cannot ask for a password without a terminal: use ${instead}`);
  }
  const answer = await readSecret(context, question);
  if (answer === "") throw new UsageError(`Missing password: none was entered; use ${instead}`);
  return answer;
}

/**
 * Reads a secret of one line; the line break that editors add is not a part of it.
 *
 * @throws {UsageError} If it cannot be read or is empty; the message has no part of it.
 */
export async function secretOf(context: Context, source: TextSource): Promise<string> {
  const secret = (await textOf(context, source)).replace(/\r?\n$/, "");
  const where = "file" in source ? ` in "${source.file}" of ${source.of}` : "";
  if (secret === "") throw new UsageError(`Cannot use the secret${where}: it is empty`);
  if (secret.includes("\n")) {
    throw new UsageError(`Cannot use the secret${where}: it has two lines`);
  }
  return secret;
}

/** @throws {UsageError} If the file cannot be read. */
async function textOf(context: Context, source: TextSource): Promise<string> {
  if ("text" in source) return source.text;
  if ("problem" in source) throw new UsageError(source.problem);
  if ("read" in source) return await source.read();
  try {
    return await context.readTextFile(source.file);
  } catch (error) {
    throw new UsageError(`Cannot read "${source.file}" of ${source.of}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
