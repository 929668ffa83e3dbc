/**
 * The short tables of the README: what matters most, and everything that another does better.
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

/** A table for each report that compares with others, and one for all the rest. */
export function readmeTables(reports: readonly Report[]): string {
  const tables = reports.filter(comparesWithOthers).map(comparison);
  const own = reports.filter((report) => !comparesWithOthers(report))
    .flatMap(({ rows }) => rows.filter((row) => isKeyRow(row) && OURS in row.results));
  return [...tables, ownTable(own)].map((lines) => lines.join("\n")).join("\n\n");
}

function comparesWithOthers({ rows, isSeries = false, hasRivals = false }: Report): boolean {
  return hasRivals && !isSeries && subjectsOf(rows).length > 1;
}

function comparison({ rows }: Report): string[] {
  const peers = subjectsOf(rows).filter((subject) => subject !== OURS);
  // With several, ratios would take more room than there is.
  const only = peers.length === 1 ? peers[0] : undefined;
  const shown = rows.filter((row) =>
    isKeyRow(row) || peers.some((peer) => (ratioOf(row, OURS, peer) ?? Infinity) < 1)
  );
  return [
    line(["what", "unit", OUR_NAME, ...peers, ...(only === undefined ? [] : ["ratio"])]),
    line(["---", "---", "--:", ...peers.map(() => "--:"), ...(only === undefined ? [] : ["--:"])]),
    ...shown.map((row) => {
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
