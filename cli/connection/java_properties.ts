/**
 * Java's properties files: `name=value` lines, with comments, escapes and continued lines.
 *
 * @module
 */

const ESCAPES: Readonly<Record<string, string>> = { t: "\t", n: "\n", r: "\r", f: "\f" };

/** A name with what separates it from its value. */
const NAME = /^((?:\\.|[^\\=:\s])*)[ \t\f]*[=:]?[ \t\f]*/s;

/**
 * Parses a properties file. A name that occurs twice has its last value, as in Java.
 *
 * @throws {SyntaxError} If an escape of a Unicode character is incomplete; the message has no value.
 */
export function parseJavaProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  const lines = text.split(/\r\n|[\r\n]/);
  for (let i = 0; i < lines.length; i++) {
    let line = lines[i]!.replace(/^[ \t\f]+/, "");
    if (line === "" || line.startsWith("#") || line.startsWith("!")) continue;
    while (isContinued(line)) {
      line = line.slice(0, -1) + (lines[++i] ?? "").replace(/^[ \t\f]+/, "");
    }
    const [whole, name] = NAME.exec(line)!;
    properties.set(unescaped(name!, i), unescaped(line.slice(whole.length), i));
  }
  return properties;
}

/** Whether an odd number of backslashes is at the end. */
function isContinued(line: string): boolean {
  return /(^|[^\\])(\\\\)*\\$/.test(line);
}

function unescaped(text: string, index: number): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (_, code, letter: string | undefined) => {
    if (letter === "u") {
      throw new SyntaxError(`line ${index + 1} has an incomplete \\u escape`);
    }
    return letter === undefined
      ? String.fromCharCode(Number.parseInt(code, 16))
      : ESCAPES[letter] ?? letter;
  });
}
