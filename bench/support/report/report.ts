/**
 * The results of a benchmark as data: `--json` prints them, tables and the chart are made from them.
 *
 * @module
 */

import { formatTable } from "../../../cli/terminal/table.ts";

/** A figure that was measured several times. */
export interface Measured {
  readonly median: number;
  /** Every run, in the order they were made. */
  readonly runs: readonly number[];
}

/** A row: one thing that was measured for one or more subjects. */
export interface Row {
  /** What it is, such as `produce 100 B, 64 connections`. */
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  /** The aim for the first subject. */
  readonly aim?: number;
  /** How many times as good as other subjects the first one should be, by their names. */
  readonly ratioAims?: Readonly<Record<string, number>>;
  /** Whether it is in the short tables. Default: whether it has an aim. */
  readonly isKey?: boolean;
  /** The results, by subject. */
  readonly results: Readonly<Record<string, Measured>>;
  /** Additional figures of each subject, such as latencies, as text. */
  readonly notes?: Readonly<Record<string, string>>;
}

/** The report of one benchmark. */
export interface Report {
  readonly title: string;
  /** The settings, as text. */
  readonly settings: Readonly<Record<string, string>>;
  /** Whether the subjects are sizes of one thing, which are not compared. Default: false. */
  readonly isSeries?: boolean;
  /** Whether the subjects after the first are other programs. Default: false. */
  readonly hasRivals?: boolean;
  readonly rows: readonly Row[];
}

/** Returns the median of several runs. */
export function median(runs: readonly number[]): number {
  const sorted = runs.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Makes a figure of several runs. */
export function measured(runs: readonly number[]): Measured {
  return { median: median(runs), runs };
}

/** Formats a number with three significant digits, and commas between thousands. */
export function formatFigure(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 20 });
}

/**
 * Returns how many times as good as another a subject is, for each run: above 1 it is better. If the numbers
 * of runs differ, returns the ratio of the medians.
 */
export function ratiosOf(row: Row, subject: string, other: string): Measured | undefined {
  const [ours, theirs] = [row.results[subject], row.results[other]];
  if (ours === undefined || theirs === undefined) return undefined;
  const ratio = (our: number, their: number) => row.better === "higher" ? our / their : their / our;
  if (ours.runs.length !== theirs.runs.length) return measured([ratio(ours.median, theirs.median)]);
  return measured(ours.runs.map((our, run) => ratio(our, theirs.runs[run]!)));
}

/** Returns the median of {@linkcode ratiosOf}. */
export function ratioOf(row: Row, subject: string, other: string): number | undefined {
  return ratiosOf(row, subject, other)?.median;
}

/** Formats the ratio of the first subject to another, and its aim: `6.12 × (5.8 – 7.3), ≥ 5 met`. */
export function formatRatio(row: Row, subject: string, other: string): string {
  const ratios = ratiosOf(row, subject, other);
  if (ratios === undefined) return "";
  const { median: ratio, runs } = ratios;
  const aim = row.ratioAims?.[other];
  const verdict = aim === undefined ? "" : `, ≥ ${aim} ${ratio >= aim ? "met" : "missed"}`;
  const range = runs.length < 2
    ? ""
    : ` (${Math.min(...runs).toFixed(2)} – ${Math.max(...runs).toFixed(2)})`;
  return `${ratio.toFixed(2)} ×${range}${verdict}`;
}

/** Formats an aim and whether it was met: `≥ 70,000 met`. */
export function formatAim(row: Row, subject: string): string {
  const reached = row.results[subject]?.median;
  if (row.aim === undefined || reached === undefined) return "";
  const isMet = row.better === "higher" ? reached >= row.aim : reached <= row.aim;
  const sign = row.better === "higher" ? "≥" : "≤";
  return `${sign} ${formatFigure(row.aim)} ${isMet ? "met" : "missed"}`;
}

/** Returns all subjects of a report, in the order of appearance. */
export function subjectsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row.results)))];
}

/** Formats a report as text. */
export function formatReport({ title, settings, rows, isSeries = false }: Report): string {
  const subjects = subjectsOf(rows);
  const [first, ...others] = subjects;
  const peers = isSeries ? [] : others;
  const right = { align: "right" } as const;
  const columns = [
    { heading: "WHAT", cell: (row: Row) => row.name },
    { heading: "UNIT", cell: (row: Row) => row.unit },
    ...subjects.map((subject) => ({
      heading: subject.toUpperCase(),
      cell: (row: Row) => figureOf(row, subject),
      ...right,
    })),
    ...peers.map((peer) => ({
      heading: peers.length === 1 ? "RATIO" : `× ${peer.toUpperCase()}`,
      cell: (row: Row) => formatRatio(row, first!, peer),
      ...right,
    })),
    { heading: "AIM", cell: (row: Row) => formatAim(row, first!) },
    { heading: "NOTES", cell: (row: Row) => row.notes?.[first!] },
  ];
  const used = columns.filter(({ cell }) => rows.some((row) => cell(row)));
  const set = Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`).join("");
  return `${title}\n${set}\n${formatTable(used, rows)}`;
}

function figureOf(row: Row, subject: string): string | undefined {
  const result = row.results[subject];
  return result === undefined ? undefined : formatFigure(result.median);
}

/** Prints a report, as text or JSON. */
export function printReport(report: Report, asJson: boolean): void {
  console.log(asJson ? JSON.stringify(report, null, 2) : formatReport(report));
}

/** Prints progress to stderr. */
export function progress(text: string): void {
  console.error(text);
}
