/**
 * What a benchmark found, as data: `--json` prints it, tables and the chart are made from it.
 *
 * @module
 */

import { formatTable } from "../../../cli/terminal/table.ts";

/** What was measured several times. */
export interface Measured {
  readonly median: number;
  /** Every run, in the order they were made. */
  readonly runs: readonly number[];
}

/** One thing measured, of one or more subjects. */
export interface Row {
  /** What it is, such as `produce 100 B, 64 connections`. */
  readonly name: string;
  readonly unit: string;
  readonly better: "higher" | "lower";
  /** The value hoped for of the first subject. */
  readonly aim?: number;
  /** How many times as good as others the first subject is hoped to be, by their names. */
  readonly ratioAims?: Readonly<Record<string, number>>;
  /** Whether it belongs where there is room for a few rows only. Default: if it has an aim. */
  readonly isKey?: boolean;
  /** By the names of the subjects. */
  readonly results: Readonly<Record<string, Measured>>;
  /** Further figures of each subject, such as latencies, as text. */
  readonly notes?: Readonly<Record<string, string>>;
}

/** What one benchmark program prints. */
export interface Report {
  readonly title: string;
  /** What was set, in words. */
  readonly settings: Readonly<Record<string, string>>;
  /** Whether the subjects are sizes of one thing, and not to be compared. Default: false. */
  readonly isSeries?: boolean;
  /** Whether the subjects after the first are others' programs. Default: false. */
  readonly hasRivals?: boolean;
  readonly rows: readonly Row[];
}

/** The middle one of several runs, or the mean of the two in the middle. */
export function median(runs: readonly number[]): number {
  const sorted = runs.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Several runs and their median. */
export function measured(runs: readonly number[]): Measured {
  return { median: median(runs), runs };
}

/** A number with three significant digits, and commas between thousands. */
export function formatFigure(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 20 });
}

/**
 * How far a subject is from another, in each run that both were measured in: above 1 it is better,
 * whichever way is better. Of different numbers of runs, their medians are compared.
 */
export function ratiosOf(row: Row, subject: string, other: string): Measured | undefined {
  const [ours, theirs] = [row.results[subject], row.results[other]];
  if (ours === undefined || theirs === undefined) return undefined;
  const ratio = (our: number, their: number) => row.better === "higher" ? our / their : their / our;
  if (ours.runs.length !== theirs.runs.length) return measured([ratio(ours.median, theirs.median)]);
  return measured(ours.runs.map((our, run) => ratio(our, theirs.runs[run]!)));
}

/** The median of what {@linkcode ratiosOf} gives. */
export function ratioOf(row: Row, subject: string, other: string): number | undefined {
  return ratiosOf(row, subject, other)?.median;
}

/** How far the first subject is from another, and from what is hoped for: `6.12 × (5.8 – 7.3), ≥ 5 met`. */
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

/** How an aim stands beside what was reached: `≥ 70,000 met`. */
export function formatAim(row: Row, subject: string): string {
  const reached = row.results[subject]?.median;
  if (row.aim === undefined || reached === undefined) return "";
  const isMet = row.better === "higher" ? reached >= row.aim : reached <= row.aim;
  const sign = row.better === "higher" ? "≥" : "≤";
  return `${sign} ${formatFigure(row.aim)} ${isMet ? "met" : "missed"}`;
}

/** All subjects of a report, in the order they first appear. */
export function subjectsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row.results)))];
}

/** A report as text for people. */
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

/** Prints a report the way it was asked for. */
export function printReport(report: Report, asJson: boolean): void {
  console.log(asJson ? JSON.stringify(report, null, 2) : formatReport(report));
}

/** Says what is going on, where it does not get into the report. */
export function progress(text: string): void {
  console.error(text);
}
