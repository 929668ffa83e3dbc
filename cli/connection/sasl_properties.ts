/**
 * How a client's properties say that it authenticates.
 *
 * What cannot be used here is reported when it is needed, so that `--password-file`, `--token-file` and
 * their variables can take its place.
 *
 * @module
 */

import {
  type JaasConfig,
  JaasConfigError,
  parseJaasConfig,
} from "../../protocol/sasl/jaas_config.ts";
import {
  type ConnectionSettings,
  type Mechanism,
  MECHANISMS,
  type TextSource,
} from "./connection_settings.ts";
import { ELSEWHERE, type PropertiesFile } from "./properties_file.ts";
import { tokenUrlProblem } from "./token_endpoint.ts";

const JAAS = "sasl.jaas.config";
const LOGIN_HANDLER = "sasl.login.callback.handler.class";
const TOKEN_URL = "sasl.oauthbearer.token.endpoint.url";
const RETRIEVER = "sasl.oauthbearer.jwt.retriever.class";
const PASSWORD_INSTEAD = "use --user with --password-file or DQUEUE_PASSWORD";
const TOKEN_INSTEAD = "use --token-file or DQUEUE_TOKEN";

/** Classes that would know user and password, or the token. */
const HANDLERS = [LOGIN_HANDLER, "sasl.client.callback.handler.class", "sasl.login.class"];
/** What Kafka's own classes do is done here. */
const KNOWN_CLASSES =
  /^org\.apache\.kafka\.common\.security\.oauthbearer\.(secured\.)?(OAuthBearerLoginCallbackHandler|(Default|ClientCredentials)JwtRetriever)$/;

/** @throws {UsageError} If a property cannot be used, and nothing can take its place. */
export function saslOfProperties(file: PropertiesFile): ConnectionSettings {
  // Kafka's own default has no meaning without Kerberos.
  const name = file.value("sasl.mechanism");
  const mechanism = MECHANISMS.find((each) => each === name?.toUpperCase());
  if (mechanism === undefined) {
    throw file.problem(
      "sasl.mechanism",
      `${name === undefined ? "it is missing" : `"${name}" is not supported`}, use one of ` +
        MECHANISMS.join(", "),
    );
  }
  const isElsewhere = file.isElsewhere(JAAS);
  const login = isElsewhere ? undefined : loginOf(file, mechanism);
  const jaasProblem = isElsewhere ? `${ELSEWHERE}, or ` : undefined;
  return {
    mechanism,
    ...(mechanism === "OAUTHBEARER"
      ? tokenSettings(file, login, jaasProblem)
      : passwordSettings(file, login, jaasProblem)),
  };
}

/** @throws {UsageError} If it is not a login module of the mechanism. */
function loginOf(file: PropertiesFile, mechanism: Mechanism): JaasConfig | undefined {
  const jaas = file.value(JAAS);
  if (jaas === undefined) return undefined;
  let config: JaasConfig;
  try {
    config = parseJaasConfig(jaas);
  } catch (error) {
    if (!(error instanceof JaasConfigError)) throw error;
    throw file.problem(JAAS, error.message.replace(/^sasl\.jaas\.config cannot be used: /, ""));
  }
  if (config.mechanism === mechanism) return config;
  if (config.mechanism === "SCRAM" && mechanism.startsWith("SCRAM")) return config;
  throw file.problem(
    JAAS,
    `its login module is for ${config.mechanism}, but sasl.mechanism is ${mechanism}`,
  );
}

function passwordSettings(
  file: PropertiesFile,
  login: JaasConfig | undefined,
  jaasProblem: string | undefined,
): ConnectionSettings {
  const user = file.value("sasl.username") ?? login?.options.get("username");
  const given = file.value("sasl.password") ?? login?.options.get("password");
  const isDelegationToken = login?.options.get("tokenauth")?.toLowerCase() === "true";
  const handler = HANDLERS.find((name) => file.value(name) !== undefined);
  const password: TextSource | undefined = given !== undefined
    ? { text: given }
    : jaasProblem !== undefined
    ? problem(file, JAAS, jaasProblem + PASSWORD_INSTEAD)
    : handler !== undefined
    ? problem(file, handler, `classes are not loaded, ${PASSWORD_INSTEAD}`)
    : undefined;
  return {
    ...(user === undefined ? {} : { user }),
    ...(password === undefined ? {} : { password }),
    ...(isDelegationToken ? { isDelegationToken } : {}),
  };
}

function tokenSettings(
  file: PropertiesFile,
  login: JaasConfig | undefined,
  jaasProblem: string | undefined,
): ConnectionSettings {
  const options = login?.options ?? new Map<string, string>();
  const url = file.value(TOKEN_URL);
  const clientId = file.value("sasl.oauthbearer.client.credentials.client.id") ??
    options.get("clientId");
  const clientSecret = file.value("sasl.oauthbearer.client.credentials.client.secret") ??
    options.get("clientSecret");
  const scope = file.value("sasl.oauthbearer.scope") ?? options.get("scope");
  const isUrlEncoded = file.value("sasl.oauthbearer.header.urlencode")?.toLowerCase() === "true";
  const extensions = Object.fromEntries(
    [...options].filter(([name]) => name.startsWith("extension_"))
      .map(([name, value]) => [name.slice("extension_".length), value]),
  );
  const fixed = Object.keys(extensions).length === 0 ? {} : { extensions };
  const without = (name: string, reason: string): ConnectionSettings => ({
    ...fixed,
    token: problem(file, name, `${reason}, ${TOKEN_INSTEAD}`),
  });
  const foreign = [...HANDLERS, RETRIEVER].find((name) => {
    const value = file.value(name);
    return value !== undefined && !KNOWN_CLASSES.test(value);
  });
  if (foreign !== undefined) return without(foreign, "classes are not loaded");
  if (jaasProblem !== undefined && clientSecret === undefined) return without(JAAS, ELSEWHERE);
  if ([...options.keys()].some((name) => name.startsWith("unsecuredLogin"))) {
    return without(JAAS, "unsecured tokens are for tests of Java alone");
  }
  if (url === undefined) {
    if (clientId === undefined && clientSecret === undefined) return fixed;
    return without(TOKEN_URL, "it is missing");
  }
  const parsed = URL.parse(url);
  if (parsed === null) return without(TOKEN_URL, "it is not a URL");
  const urlProblem = tokenUrlProblem(parsed);
  if (urlProblem !== undefined) return without(TOKEN_URL, urlProblem);
  if (clientId === undefined || clientSecret === undefined) {
    return without(JAAS, "it has no clientId and clientSecret");
  }
  return { ...fixed, tokenEndpoint: { url: parsed, clientId, clientSecret, scope, isUrlEncoded } };
}

function problem(file: PropertiesFile, name: string, reason: string): TextSource {
  return { problem: file.problem(name, reason).message };
}
