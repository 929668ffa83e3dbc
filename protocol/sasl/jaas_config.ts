/**
 * `sasl.jaas.config` as data: the login module of one mechanism with its options. Nothing is loaded or
 * called by it, and only the modules of the mechanisms here are known.
 *
 *     org.apache.kafka.common.security.scram.ScramLoginModule required
 *       username="alice" password="alice-secret";
 *
 * @module
 */

/** A login module with its options. */
export interface JaasConfig {
  /** What the module is for; SCRAM stands for both sizes. */
  readonly mechanism: "PLAIN" | "SCRAM" | "OAUTHBEARER";
  /** Its options by name, such as `username`. */
  readonly options: ReadonlyMap<string, string>;
}

/** A `sasl.jaas.config` that cannot be used. The message has no value of it. */
export class JaasConfigError extends Error {
  override name = "JaasConfigError";
}

const MODULES: ReadonlyMap<string, JaasConfig["mechanism"]> = new Map([
  ["org.apache.kafka.common.security.plain.PlainLoginModule", "PLAIN"],
  ["org.apache.kafka.common.security.scram.ScramLoginModule", "SCRAM"],
  ["org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule", "OAUTHBEARER"],
]);

const CONTROL_FLAGS: readonly string[] = ["required", "requisite", "sufficient", "optional"];

/** Longer texts are not read. */
const MAX_LENGTH = 64 * 1024;

/** Blank space, comments, a text in quotes, a sign, or a word. */
const TOKEN =
  /(\s+|\/\/[^\n]*|\/\*[^]*?\*\/)|"((?:[^"\\\n]|\\[^])*)"|'((?:[^'\\\n]|\\[^])*)'|([=;])|((?:(?!\/[/*])[^\s"'=;])+)/y;

interface Token {
  readonly text: string;
  readonly isSign: boolean;
}

/**
 * Parses the text of `sasl.jaas.config`.
 *
 * @throws {JaasConfigError} If it has another form, or names another module.
 */
export function parseJaasConfig(text: string): JaasConfig {
  const tokens = tokensOf(text);
  const [module, flag, ...rest] = tokens;
  if (module === undefined || module.isSign) throw jaasProblem("it names no login module");
  const mechanism = MODULES.get(module.text);
  if (mechanism === undefined) {
    throw jaasProblem(
      `its login module is not known, expected one of ${[...MODULES.keys()].join(", ")}`,
    );
  }
  if (flag === undefined || !CONTROL_FLAGS.includes(flag.text.toLowerCase())) {
    throw jaasProblem(`the login module is not followed by one of ${CONTROL_FLAGS.join(", ")}`);
  }
  const options = new Map<string, string>();
  let at = 0;
  for (; at < rest.length && !isSign(rest[at], ";"); at += 3) {
    const [key, equals, value] = rest.slice(at, at + 3);
    if (key!.isSign || !isSign(equals, "=") || value === undefined || value.isSign) {
      throw jaasProblem(`option ${options.size + 1} is not of the form NAME="VALUE"`);
    }
    options.set(key!.text, value.text);
  }
  if (at >= rest.length) throw jaasProblem("it does not end with a semicolon");
  if (at < rest.length - 1) throw jaasProblem("it has more than one login module");
  return { mechanism, options };
}

function isSign(token: Token | undefined, text: string): boolean {
  return token?.isSign === true && token.text === text;
}

function tokensOf(text: string): Token[] {
  if (text.length > MAX_LENGTH) throw jaasProblem(`it is longer than ${MAX_LENGTH} characters`);
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw jaasProblem(`it cannot be read at character ${at + 1}`);
    const [, blank, double, single, sign, word] = match;
    if (blank !== undefined) continue;
    const quoted = double ?? single;
    tokens.push({
      text: quoted === undefined ? sign ?? word! : unescaped(quoted),
      isSign: sign !== undefined,
    });
  }
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** As Java's StreamTokenizer reads texts in quotes. */
function unescaped(text: string): string {
  return text.replace(
    /\\([0-3][0-7]{0,2}|[4-7][0-7]?|[^])/g,
    (_, escape: string) =>
      /^[0-7]/.test(escape)
        ? String.fromCharCode(Number.parseInt(escape, 8))
        : ESCAPES[escape] ?? escape,
  );
}

/** The error of a `sasl.jaas.config`. */
export function jaasProblem(text: string): JaasConfigError {
  return new JaasConfigError(`sasl.jaas.config cannot be used: ${text}`);
}
