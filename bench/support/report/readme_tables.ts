/**
 * The short tables of the documents: the rows that matter most, and every row that another wins.
 *
 * @module
 */

import { isKeyRow } from "./markdown.ts";
import {
  formatAim,
  formatFigure,
  formatRatio,
  ratioOf,
  type Report,
  type Row,
  subjectsOf,
} from "./report.ts";

const OURS = "dqueue";
const OUR_NAME = "Deno Queue";

/** The rows of the README: what people ask first, and where we lose. */
export const HEADLINES: readonly string[] = [
  "produce 100 B, acks=1, 64 connections, 8 partitions",
  "produce 1 KB × 100, acks=1, 64 connections, 8 partitions",
  "produce 1 KB × 100, acks=all on disk, 64 connections, 8 partitions",
  "fetch 1 KB × 100 just written, 4 connections",
  "fetch 1 KB × 100 from files in the page cache, 4 connections",
  "end to end at 1,000 msg/s of 100 B, acks=1, p99",
];

/** Whether a row of {@linkcode HEADLINES} is a scenario's of this description: itself, or a percentile. */
export function isHeadline(scenario: string): boolean {
  return HEADLINES.some((name) => name.replace(/, p[\d.]+$/, "") === scenario);
}

/** Returns the rows of {@linkcode HEADLINES}, compared with a peer. */
export function headlines(reports: readonly Report[]): string {
  const report = reports.find(({ rows }) => rows.some(({ name }) => name === HEADLINES[0]));
  const rows = HEADLINES.flatMap((name) => report?.rows.find((row) => row.name === name) ?? []);
  return table(rows).join("\n");
}

/** Returns a table for each report that compares with others, and one for the rest, if there are rows. */
export function readmeTables(reports: readonly Report[]): string {
  const tables = reports.filter(comparesWithOthers).map(comparison);
  const own = reports.filter((report) => !comparesWithOthers(report))
    .flatMap(({ rows }) => rows.filter((row) => isKeyRow(row) && OURS in row.results));
  if (own.length > 0) tables.push(ownTable(own));
  return tables.map((lines) => lines.join("\n")).join("\n\n");
}

function comparesWithOthers({ rows, isSeries = false, hasRivals = false }: Report): boolean {
  return hasRivals && !isSeries && subjectsOf(rows).length > 1;
}

function comparison({ rows }: Report): string[] {
  const peers = peersIn(rows);
  return table(
    rows.filter((row) =>
      isKeyRow(row) || peers.some((peer) => (ratioOf(row, OURS, peer) ?? Infinity) < 1)
    ),
  );
}

function peersIn(rows: readonly Row[]): string[] {
  return subjectsOf(rows).filter((subject) => subject !== OURS);
}

function table(rows: readonly Row[]): string[] {
  const peers = peersIn(rows);
  // With several peers, there is no room for ratios.
  const only = peers.length === 1 ? peers[0] : undefined;
  return [
    line(["what", "unit", OUR_NAME, ...peers, ...(only === undefined ? [] : ["ratio"])]),
    line(["---", "---", "--:", ...peers.map(() => "--:"), ...(only === undefined ? [] : ["--:"])]),
    ...rows.map((row) => {
      const best = Math.max(1, ...peers.map((peer) => 1 / (ratioOf(row, OURS, peer) ?? Infinity)));
      const cells = [OURS, ...peers].map((subject) => {
        const ratio = ratioOf(row, OURS, subject);
        if (ratio === undefined) return "";
        const figure = formatFigure(row.results[subject]!.median);
        return best > 1 && 1 / ratio === best ? `**${figure}**` : figure;
      });
      const ratio = only === undefined ? [] : [formatRatio(row, OURS, only)];
      return line([row.name, row.unit, ...cells, ...ratio]);
    }),
  ];
}

function ownTable(rows: readonly Row[]): string[] {
  return [
    line(["what", OUR_NAME, "aim"]),
    line(["---", "--:", "---"]),
    ...rows.map((row) =>
      line([
        row.name,
        `${formatFigure(row.results[OURS]!.median)} ${row.unit}`,
        formatAim(row, OURS),
      ])
    ),
  ];
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
