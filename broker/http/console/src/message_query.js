/** What a search of messages asks for: from the fields of its form to the parameters of a stream. */

/** A path into JSON, with an optional comparison: `$.customer.tags[0] = "new"`. */
const PATH =
  /^\$((?:\.[A-Za-z_]\w*|\[\d+\]|\["(?:[^"\\]|\\.)*"\])+)\s*(?:(==?|!=|>=|<=|>|<|~)\s*(.*))?$/s;
const LITERAL = /^(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)$/;

/**
 * The CEL expression of a path into JSON; undefined if the text is none. Without a comparison, the field
 * must be there. `~` finds a part of a text.
 */
export function celOfPath(text) {
  const [, path, operator, operand = ""] = PATH.exec(text.trim()) ?? [];
  if (path === undefined) return undefined;
  const field = `value${path}`;
  if (operator === undefined) return `${field} == ${field}`;
  const literal = LITERAL.test(operand.trim()) ? operand.trim() : quoted(operand);
  if (operator === "~") return `string(${field}).contains(${quoted(operand)})`;
  return `${field} ${operator === "=" ? "==" : operator} ${literal}`;
}

/** A text in quotes, which it may already have. */
function quoted(text) {
  const trimmed = text.trim();
  if (/^"(?:[^"\\]|\\.)*"$/.test(trimmed)) return trimmed;
  return JSON.stringify(trimmed);
}

/**
 * The parameters of a stream for a search.
 *
 * `find` is a text, or has a prefix: `key:alice`, `header.trace:abc`, or `$.path = value` for JSON.
 */
export function streamQuery({ offset, partition = "", isolation = "", find = "", filter = "" }) {
  const query = new URLSearchParams({ offset });
  if (isolation !== "") query.set("isolation", isolation);
  if (partition !== "") query.set("partition", partition);
  const filters = filter.trim() === "" ? [] : [filter.trim()];
  const [, key] = /^key:(.*)$/s.exec(find) ?? [];
  const [, header, value] = /^header\.([^:]+):(.*)$/s.exec(find) ?? [];
  const path = celOfPath(find);
  if (key !== undefined) query.set("key", key);
  else if (header !== undefined) query.set("header", `${header}:${value}`);
  else if (path !== undefined) filters.unshift(path);
  else if (find !== "") query.set("text", find);
  if (filters.length === 1) query.set("filter", filters[0]);
  if (filters.length > 1) query.set("filter", filters.map((one) => `(${one})`).join(" && "));
  return query;
}

/** A record as a line of CSV. A cell that a spreadsheet would compute gets a quote before it. */
export function csvLine(record) {
  const { partition, offset, timestamp, headers } = record;
  const cells = [
    partition,
    offset,
    new Date(timestamp).toISOString(),
    record.key ?? record.key_base64 ?? "",
    record.value ?? record.value_base64 ?? "",
    headers.length === 0 ? "" : JSON.stringify(headers),
  ];
  return cells.map((cell) => csvCell(String(cell))).join(",");
}

export const CSV_HEAD = "partition,offset,timestamp,key,value,headers";

function csvCell(text) {
  const safe = /^[=+\-@\t\r]/.test(text) && !/^-?\d+(?:\.\d+)?$/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
