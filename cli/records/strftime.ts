/**
 * Formats and parses times with a strftime layout, always in UTC and in English.
 *
 * Directives are those of `man 3 strftime` that make sense for this, and for fractions of a second
 * `%L` (milliseconds), `%f` (six digits) and `%N`, `%3N`, `%6N` (as in GNU date).
 *
 * @module
 */

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const DAY_MS = 86_400_000;

/** Fields collected while parsing. */
interface TimeFields {
  year?: number;
  month?: number;
  day?: number;
  dayOfYear?: number;
  hour?: number;
  hour12?: number;
  isAfternoon?: boolean;
  minute?: number;
  second?: number;
  millisecond?: number;
  epochSecond?: number;
  zoneMinutes?: number;
}

interface Directive {
  write(date: Date): string;
  /** Regular expression of the text; without it the directive can only be formatted. */
  pattern?: string;
  read?(text: string, fields: TimeFields): void;
}

/** Directives that abbreviate several others. */
const SHORTHANDS: Readonly<Record<string, string>> = {
  c: "%a %b %e %H:%M:%S %Y",
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  R: "%H:%M",
  r: "%I:%M:%S %p",
  T: "%H:%M:%S",
  v: "%e-%b-%Y",
  X: "%H:%M:%S",
  x: "%m/%d/%y",
};

const DIRECTIVES: Readonly<Record<string, Directive>> = {
  "%": literal("%"),
  n: literal("\n"),
  t: literal("\t"),
  Y: number(4, (date) => date.getUTCFullYear(), (value, fields) => fields.year = value),
  y: number(2, (date) => mod(date.getUTCFullYear(), 100), (value, fields) => {
    // POSIX: 69-99 are in the last century, 00-68 in this one.
    fields.year = value + (value < 69 ? 2000 : 1900);
  }),
  m: number(2, (date) => date.getUTCMonth() + 1, (value, fields) => fields.month = value),
  d: number(2, (date) => date.getUTCDate(), (value, fields) => fields.day = value),
  e: {
    write: (date) => String(date.getUTCDate()).padStart(2, " "),
    pattern: "[ \\d]\\d",
    read: (text, fields) => fields.day = Number(text),
  },
  H: number(2, (date) => date.getUTCHours(), (value, fields) => fields.hour = value),
  I: number(2, hour12, (value, fields) => fields.hour12 = value),
  M: number(2, (date) => date.getUTCMinutes(), (value, fields) => fields.minute = value),
  S: number(2, (date) => date.getUTCSeconds(), (value, fields) => fields.second = value),
  j: number(3, dayOfYear, (value, fields) => fields.dayOfYear = value),
  L: number(3, millisecond, (value, fields) => fields.millisecond = value),
  f: fraction(6),
  N: fraction(9),
  "3N": fraction(3),
  "6N": fraction(6),
  "9N": fraction(9),
  s: {
    write: (date) => String(Math.floor(date.getTime() / 1000)),
    pattern: "-?\\d{1,12}",
    read: (text, fields) => fields.epochSecond = Number(text),
  },
  p: {
    write: (date) => date.getUTCHours() < 12 ? "AM" : "PM",
    pattern: "[AaPp][Mm]",
    read: (text, fields) => fields.isAfternoon = text.toUpperCase() === "PM",
  },
  b: monthName((name) => name.slice(0, 3)),
  h: monthName((name) => name.slice(0, 3)),
  B: monthName((name) => name),
  a: dayName((name) => name.slice(0, 3)),
  A: dayName((name) => name),
  z: {
    write: () => "+0000",
    pattern: "(?:Z|[+-]\\d\\d:?\\d\\d)",
    read: (text, fields) => fields.zoneMinutes = zoneMinutes(text),
  },
  Z: { write: () => "UTC", pattern: "(?:UTC|GMT|Z)", read: () => {} },
  C: { write: (date) => pad(Math.floor(date.getUTCFullYear() / 100), 2) },
  k: { write: (date) => String(date.getUTCHours()).padStart(2, " ") },
  l: { write: (date) => String(hour12(date)).padStart(2, " ") },
  u: { write: (date) => String(date.getUTCDay() || 7) },
  w: { write: (date) => String(date.getUTCDay()) },
  U: { write: (date) => pad(Math.floor((dayOfYear(date) + 6 - date.getUTCDay()) / 7), 2) },
  W: {
    write: (date) => pad(Math.floor((dayOfYear(date) + 6 - mod(date.getUTCDay() - 1, 7)) / 7), 2),
  },
  V: { write: (date) => pad(isoWeek(date).week, 2) },
  G: { write: (date) => pad(isoWeek(date).year, 4) },
  g: { write: (date) => pad(mod(isoWeek(date).year, 100), 2) },
};

/** A compiled layout. */
export class Strftime {
  readonly #parts: readonly Directive[];
  readonly #names: readonly string[];
  #expression: RegExp | undefined;

  /**
   * Compiles a layout such as `%F %T`.
   *
   * @throws {SyntaxError} If it has an unknown directive.
   */
  constructor(layout: string) {
    const parts: Directive[] = [];
    const names: string[] = [];
    for (const [token] of expandShorthands(layout).matchAll(/%[369]?.|%|[^%]+/gsu)) {
      const name = token.slice(1);
      const directive = token.startsWith("%") ? DIRECTIVES[name] : literal(token);
      if (directive === undefined) {
        throw new SyntaxError(`unknown strftime directive "${token}"`);
      }
      parts.push(directive);
      names.push(token);
    }
    this.#parts = parts;
    this.#names = names;
  }

  /** Formats a time, in milliseconds since the epoch. */
  format(timestamp: number): string {
    const date = new Date(timestamp);
    if (Number.isNaN(date.getTime())) return String(timestamp);
    let text = "";
    for (const part of this.#parts) text += part.write(date);
    return text;
  }

  /**
   * Checks that the layout can be parsed with {@linkcode match}.
   *
   * @throws {SyntaxError} If the layout can only be formatted, or does not determine the day.
   */
  ensureReadable(): void {
    const unreadable = this.#parts.findIndex((part) => part.pattern === undefined);
    if (unreadable !== -1) {
      throw new SyntaxError(`strftime directive "${this.#names[unreadable]}" cannot be read`);
    }
    const has = (...names: string[]) => names.some((name) => this.#names.includes(name));
    const hasDay = has("%j") || (has("%m", "%b", "%B", "%h") && has("%d", "%e"));
    if (!has("%s") && !(has("%Y", "%y") && hasDay)) {
      throw new SyntaxError("the strftime layout does not contain year, month and day");
    }
    const source = this.#parts.map((part) => `(${part.pattern})`).join("");
    this.#expression ??= new RegExp(`^${source}`, "s");
  }

  /** Upper bound for the size in bytes of a time in this layout. */
  get maxSize(): number {
    return this.#names.reduce((size, name) => size + Math.max(name.length * 3, 12), 0);
  }

  /**
   * Parses a time at the start of `text`.
   *
   * @returns Milliseconds since the epoch and the number of characters, or undefined if there is
   *   none.
   */
  match(text: string): { timestamp: number; length: number } | undefined {
    this.ensureReadable();
    const groups = this.#expression!.exec(text);
    if (groups === null) return undefined;
    const fields: TimeFields = {};
    this.#parts.forEach((part, i) => part.read?.(groups[i + 1]!, fields));
    const timestamp = timestampOf(fields);
    return timestamp === undefined ? undefined : { timestamp, length: groups[0].length };
  }
}

function expandShorthands(layout: string): string {
  return layout.replace(/%(.)/gsu, (token, name) => SHORTHANDS[name] ?? token);
}

function timestampOf(fields: TimeFields): number | undefined {
  const millisecond = fields.millisecond ?? 0;
  if (fields.epochSecond !== undefined) return fields.epochSecond * 1000 + millisecond;
  const { year = 1970, month = 1, minute = 0, second = 0 } = fields;
  const hour = hourOf(fields);
  const day = fields.dayOfYear ?? fields.day ?? 1;
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, fields.dayOfYear === undefined ? month - 1 : 0, day);
  // A nonexistent day rolls over into the next month; a leap second is the next second.
  const isRollover = fields.dayOfYear === undefined
    ? midnight.getUTCDate() !== day || midnight.getUTCMonth() !== month - 1
    : day < 1 || midnight.getUTCFullYear() !== year;
  if (isRollover || hour > 23 || minute > 59 || second > 60) return undefined;
  const zone = (fields.zoneMinutes ?? 0) * 60_000;
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000 + millisecond - zone;
}

function hourOf(fields: TimeFields): number {
  if (fields.hour12 === undefined) return fields.hour ?? 0;
  if (fields.hour12 < 1 || fields.hour12 > 12) return 24;
  return fields.hour12 % 12 + (fields.isAfternoon ? 12 : 0);
}

function literal(text: string): Directive {
  return { write: () => text, pattern: RegExp.escape(text), read: () => {} };
}

function number(
  digits: number,
  get: (date: Date) => number,
  set: (value: number, fields: TimeFields) => void,
): Directive {
  return {
    write: (date) => pad(get(date), digits),
    pattern: `\\d{${digits}}`,
    read: (text, fields) => set(Number(text), fields),
  };
}

function fraction(digits: number): Directive {
  return {
    write: (date) => pad(millisecond(date), 3).padEnd(digits, "0"),
    pattern: `\\d{${digits}}`,
    read: (text, fields) => fields.millisecond = Number(text.slice(0, 3)),
  };
}

function monthName(form: (name: string) => string): Directive {
  const names = MONTHS.map(form);
  return {
    write: (date) => names[date.getUTCMonth()]!,
    pattern: `(?:${names.join("|")})`,
    read: (text, fields) => fields.month = names.indexOf(text) + 1,
  };
}

function dayName(form: (name: string) => string): Directive {
  const names = DAYS.map(form);
  return {
    write: (date) => names[date.getUTCDay()]!,
    pattern: `(?:${names.join("|")})`,
    read: () => {},
  };
}

function zoneMinutes(text: string): number {
  if (text === "Z") return 0;
  const digits = text.replace(/\D/g, "");
  const minutes = Number(digits.slice(0, 2)) * 60 + Number(digits.slice(2));
  return text.startsWith("-") ? -minutes : minutes;
}

function hour12(date: Date): number {
  return date.getUTCHours() % 12 || 12;
}

function millisecond(date: Date): number {
  return date.getUTCMilliseconds();
}

function dayOfYear(date: Date): number {
  const newYear = new Date(0).setUTCFullYear(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - newYear) / DAY_MS) + 1;
}

/** ISO 8601: a week belongs to the year of its Thursday. */
function isoWeek(date: Date): { year: number; week: number } {
  const thursday = new Date(date.getTime() + (4 - (date.getUTCDay() || 7)) * DAY_MS);
  return {
    year: thursday.getUTCFullYear(),
    week: Math.floor((dayOfYear(thursday) - 1) / 7) + 1,
  };
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}

function pad(value: number, digits: number): string {
  return value < 0 ? `-${pad(-value, digits)}` : String(value).padStart(digits, "0");
}
