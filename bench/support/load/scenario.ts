/**
 * A scenario, the load on a broker, written as one line: a kind, then names and values.
 *
 *     produce size=1000 batch=100 acks=1 connections=8 partitions=8
 *     fetch from=tail connections=4
 *     latency rate=10000
 *     connect connections=16
 *
 * Omitted names have the kind's defaults.
 *
 * @module
 */

/** The parameters of each kind, with defaults. Sizes are bytes of a record's value. */
const KINDS = {
  /** Requests with one batch for one partition each, with `inflight` of them per connection. */
  produce: {
    size: 100,
    batch: 1,
    acks: "1",
    /** The codec of batches, whose values compress to about half. */
    codec: "none",
    /**
     * `commit` syncs each append before it is answered, `os` leaves that to the system, `own` is what
     * each broker does by default, on disk; `default` is the same in memory.
     */
    flush: "default",
    connections: 1,
    partitions: 1,
    inflight: 1,
  },
  /** Repeated reads from start to end of `mb` in total, `from` memory or files. */
  fetch: { from: "tail", mb: 32, size: 1000, batch: 100, connections: 1, max: 1_048_576 },
  /** Messages sent at a steady rate to a waiting consumer. */
  latency: { rate: 10_000, size: 100, acks: "1", flush: "default" },
  /** Connections opened, used for one small request and closed again, several at a time. */
  connect: { connections: 16 },
} as const;

type Kind = keyof typeof KINDS;
type Widened<T> = { readonly [K in keyof T]: T[K] extends number ? number : string };

/** A scenario of one kind. */
export type ScenarioOf<K extends Kind> = Widened<typeof KINDS[K]> & {
  readonly kind: K;
  /** The line it was written as. */
  readonly text: string;
};

/** A scenario of any kind. */
export type Scenario = { [K in Kind]: ScenarioOf<K> }[Kind];

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  acks: ["0", "1", "all"],
  codec: ["none", "gzip", "snappy", "lz4", "zstd"],
  flush: ["default", "commit", "own", "os"],
  from: ["tail", "cold"],
};

/**
 * Parses a scenario.
 *
 * @throws {TypeError} If the text is not a scenario.
 */
export function parseScenario(text: string): Scenario {
  const [kind, ...settings] = text.trim().split(/\s+/);
  if (kind === undefined || !Object.hasOwn(KINDS, kind)) {
    throw new TypeError(`Cannot run "${text}": it begins with none of ${Object.keys(KINDS)}`);
  }
  const values: Record<string, number | string> = { ...KINDS[kind as Kind] };
  for (const setting of settings) {
    const [name = "", value = ""] = setting.split("=");
    if (!Object.hasOwn(values, name)) {
      throw new TypeError(`Cannot run "${text}": ${kind} has ${Object.keys(values)}, not ${name}`);
    }
    values[name] = typeof values[name] === "number" ? numberOf(text, value) : value;
    if (CHOICES[name]?.includes(value) === false) {
      throw new TypeError(`Cannot run "${text}": ${name} is one of ${CHOICES[name]}`);
    }
  }
  return { ...values, kind, text } as Scenario;
}

/** The same on as many times the connections and partitions, each of them with the same load. */
export function scaled(scenario: Scenario, factor: number): Scenario {
  switch (scenario.kind) {
    case "produce": {
      const { connections, partitions } = scenario;
      return { ...scenario, connections: factor * connections, partitions: factor * partitions };
    }
    case "fetch":
      // The same records in all: more of them would not fit into the processor's cache.
      return { ...scenario, connections: factor * scenario.connections };
    case "connect":
      return { ...scenario, connections: factor * scenario.connections };
    case "latency":
      return { ...scenario, rate: factor * scenario.rate };
  }
}

/** Whether the scenario waits for the disk. */
export function isOnDisk(scenario: Scenario): boolean {
  return "flush" in scenario && (scenario.flush === "commit" || scenario.flush === "own");
}

/** Requests up to this size are small: their cost is that of their number. */
const SMALL_BYTES = 1000;

/** Returns the family of a scenario: scenarios that one process of a broker may run in sequence. */
export function familyOf(scenario: Scenario): string {
  const where = isOnDisk(scenario) ? "on disk" : "in memory";
  if (scenario.kind !== "produce") return `${scenario.kind} ${where}`;
  const size = scenario.size * scenario.batch <= SMALL_BYTES ? "small" : "large";
  return `${scenario.kind} ${size} ${where}`;
}

function numberOf(text: string, value: string): number {
  const number = Number(value);
  if (Number.isInteger(number) && number > 0) return number;
  throw new TypeError(`Cannot run "${text}": "${value}" is not a positive whole number`);
}

/** Describes a scenario for the report. */
export function describeScenario(scenario: Scenario): string {
  switch (scenario.kind) {
    case "produce": {
      const { connections, partitions, inflight } = scenario;
      const what = scenario.batch === 1 ? "" : ` × ${scenario.batch.toLocaleString("en-US")}`;
      return [
        `produce ${bytes(scenario.size)}${what}`,
        ...(scenario.codec === "none" ? [] : [scenario.codec]),
        `acks=${scenario.acks}${durability(scenario)}`,
        `${connections} ${connections === 1 ? "connection" : "connections"}`,
        ...(partitions === 1 ? [] : [`${partitions} partitions`]),
        ...(inflight === 1 ? [] : [`${inflight} in flight`]),
      ].join(", ");
    }
    case "fetch": {
      const { from, size, batch, connections } = scenario;
      const what = `${bytes(size)} × ${batch.toLocaleString("en-US")}`;
      const where = from === "tail" ? "just written" : "from files in the page cache";
      return `fetch ${what} ${where}, ${connections} ${
        connections === 1 ? "connection" : "connections"
      }`;
    }
    case "latency": {
      const { rate, size, acks } = scenario;
      const each = `${rate.toLocaleString("en-US")} msg/s of ${bytes(size)}`;
      return `end to end at ${each}, acks=${acks}${durability(scenario)}`;
    }
    case "connect":
      return `connect, one request, close, ${scenario.connections} at a time`;
  }
}

function durability({ acks, flush }: { readonly acks: string; readonly flush: string }): string {
  if (acks !== "all" || flush === "default") return "";
  if (flush === "own") return " as by default";
  return flush === "commit" ? " on disk" : " in page cache";
}

function bytes(size: number): string {
  return size >= 1000 ? `${size / 1000} KB` : `${size} B`;
}
