/**
 * Reports as Markdown tables.
 *
 * @module
 */

import {
  formatAim,
  formatFigure,
  formatRatio,
  type Report,
  type Row,
  subjectsOf,
} from "./report.ts";

/** Returns a report with all its rows. */
export function markdownReport({ title, settings, rows, isSeries = false }: Report): string {
  const [first = "", ...peers] = subjectsOf(rows);
  const hasAims = rows.some(({ aim }) => aim !== undefined);
  const hasNotes = rows.some(({ notes }) => notes !== undefined);
  const heads = [
    "what",
    "unit",
    first,
    ...peers.flatMap((peer) => isSeries ? [peer] : [peer, "ratio"]),
    ...(hasAims ? ["aim"] : []),
    ...(hasNotes ? ["and"] : []),
  ];
  const lines = rows.map((row) => [
    row.name,
    row.unit,
    spreadOf(row, first),
    ...peers.flatMap((peer) => {
      const cell = spreadOf(row, peer);
      return isSeries ? [cell] : [cell, formatRatio(row, first, peer)];
    }),
    ...(hasAims ? [formatAim(row, first)] : []),
    ...(hasNotes ? [row.notes?.[first] ?? ""] : []),
  ]);
  const set = Object.entries(settings).map(([name, value]) => `- ${name}: ${value}`);
  return [`## ${title}`, "", ...set, "", ...table(heads, lines), ""].join("\n");
}

/** Returns the key rows of several reports as one table. */
export function markdownSummary(reports: readonly Report[]): string {
  const lines = reports.flatMap(({ rows }) =>
    rows.filter(isKeyRow).map((row) => {
      const [first = "", ...peers] = Object.keys(row.results);
      return [
        row.name,
        `${formatFigure(row.results[first]!.median)} ${row.unit}`,
        peers.map((peer) =>
          `${peer}: ${formatFigure(row.results[peer]!.median)} (${formatRatio(row, first, peer)})`
        ).join("; "),
        formatAim(row, first),
      ];
    })
  );
  return table(["what", "dqueue", "compared with", "aim"], lines).join("\n") + "\n";
}

/** Whether a row is in the short table. */
export function isKeyRow(row: Row): boolean {
  return row.isKey ?? row.aim !== undefined;
}

/** Returns the median, and the range of the runs. */
function spreadOf(row: Row, subject: string): string {
  const result = row.results[subject];
  if (result === undefined) return "";
  const { median, runs } = result;
  if (runs.length < 2) return formatFigure(median);
  const [least, most] = [Math.min(...runs), Math.max(...runs)];
  return `${formatFigure(median)} (${formatFigure(least)} – ${formatFigure(most)})`;
}

function table(heads: readonly string[], lines: readonly (readonly string[])[]): string[] {
  const row = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [row(heads), row(heads.map(() => "---")), ...lines.map(row)];
}
