/**
 * Draws a bar chart as a self-contained SVG.
 *
 * Rows have different units, so each has its own scale: its largest value, or its aim, has the full width.
 *
 * @module
 */

import { formatFigure, ratioOf, type Report, type Row, subjectsOf } from "./report.ts";

const WIDTH = 960;
const MARGIN = 24;
const NAME_WIDTH = 430;
const BAR_LEFT = MARGIN + NAME_WIDTH + 12;
const BAR_MAX = 340;
const FIGURE_WIDTH = 110;
const BAR_HEIGHT = 14;
const BAR_GAP = 3;
const ROW_GAP = 14;
const TITLE_HEIGHT = 40;
const LEGEND_HEIGHT = 26;
const LEGEND_LINE_HEIGHT = 20;

/** Dark to light, so that they differ without colours too. */
const COLOURS = [
  "#1f5fa8",
  "#e08214",
  "#8073ac",
  "#7fbc41",
  "#c51b7d",
  "#5ab4ac",
  "#b35806",
  "#969696",
];
const INK = "#222222";
const FAINT = "#767676";

/** Draws the rows of reports below one another. */
export function drawChart(title: string, subtitle: string, reports: readonly Report[]): string {
  const subjects = subjectsOf(reports.flatMap(({ rows }) => rows));
  const parts: string[] = [
    text(MARGIN, MARGIN + 12, title, { size: 18, weight: "bold" }),
    text(MARGIN, MARGIN + 32, subtitle, { fill: FAINT }),
  ];
  const drawnLegend = legend(subjects, MARGIN + 32 + LEGEND_HEIGHT);
  parts.push(drawnLegend.svg);
  let y = drawnLegend.bottom + LEGEND_HEIGHT;
  for (const report of reports) {
    if (report.rows.length === 0) continue;
    y += TITLE_HEIGHT;
    parts.push(text(MARGIN, y - 14, report.title, { size: 15, weight: "bold" }));
    for (const row of report.rows) {
      const drawn = drawRow(row, subjects, y);
      parts.push(drawn.svg);
      y += drawn.height;
    }
  }
  const height = y + MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" ` +
    `viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12">\n` +
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>\n${parts.join("\n")}\n</svg>\n`;
}

function legend(subjects: readonly string[], top: number) {
  let x = MARGIN;
  let y = top;
  const parts: string[] = [];
  /** Writes another entry and returns the position of its symbol. */
  function add(name: string): number {
    const width = 36 + 7 * name.length;
    if (x + width > WIDTH - MARGIN) {
      x = MARGIN;
      y += LEGEND_LINE_HEIGHT;
    }
    const left = x;
    x += width;
    parts.push(text(left + 18, y, name));
    return left;
  }
  subjects.forEach((subject, i) => {
    const left = add(subject);
    parts.push(bar(left, y - 11, 12, colourOf(i)));
  });
  const left = add(`aim; in parentheses: how many times as good ${subjects[0]} is`);
  parts.push(tick(left + 5, y - 13, 16));
  return { svg: parts.join("\n"), bottom: y };
}

function drawRow(row: Row, subjects: readonly string[], top: number) {
  const present = subjects.filter((subject) => row.results[subject] !== undefined);
  const [first = ""] = present;
  const values = present.map((subject) => row.results[subject]!.median);
  const scale = BAR_MAX / Math.max(...values, row.aim ?? 0);
  const height = present.length * (BAR_HEIGHT + BAR_GAP);
  const note = row.better === "lower" ? " (less is better)" : "";
  const parts = wrap(row.name + note).map((line, i) =>
    text(MARGIN + NAME_WIDTH, top + 11 + i * 15, line, { anchor: "end" })
  );
  const nameHeight = parts.length * 15;
  present.forEach((subject, i) => {
    const y = top + i * (BAR_HEIGHT + BAR_GAP);
    const width = Math.max(1, values[i]! * scale);
    // A figure stands after its bar, or after the aim if that would cross it.
    const aim = (row.aim ?? 0) * scale;
    const end = aim > width && aim < width + FIGURE_WIDTH ? aim : width;
    const ratio = subject === first ? "" : ` (${ratioOf(row, first, subject)!.toFixed(1)} ×)`;
    parts.push(
      bar(BAR_LEFT, y, width, colourOf(subjects.indexOf(subject))),
      text(BAR_LEFT + end + 8, y + 11, `${formatFigure(values[i]!)} ${row.unit}${ratio}`),
    );
  });
  if (row.aim !== undefined) parts.push(tick(BAR_LEFT + row.aim * scale, top - 3, height + 3));
  return { svg: parts.join("\n"), height: Math.max(height, nameHeight) + ROW_GAP };
}

/** Breaks a long name in two at a comma or space. */
function wrap(name: string): string[] {
  const fits = 66;
  if (name.length <= fits) return [name];
  const at = name.lastIndexOf(" ", fits);
  return [name.slice(0, at), name.slice(at + 1)];
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length]!;
}

function bar(x: number, y: number, width: number, fill: string): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="${
    round(width)
  }" height="${BAR_HEIGHT}" fill="${fill}"/>`;
}

function tick(x: number, y: number, height: number): string {
  return `<rect x="${round(x)}" y="${round(y)}" width="2" height="${height}" fill="${INK}"/>`;
}

interface TextStyle {
  readonly size?: number;
  readonly weight?: string;
  readonly fill?: string;
  readonly anchor?: string;
}

function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size = 12, weight = "normal", fill = INK, anchor = "start" } = style;
  return `<text x="${round(x)}" y="${round(y)}" font-size="${size}" font-weight="${weight}" ` +
    `fill="${fill}" text-anchor="${anchor}">${escape(content)}</text>`;
}

function escape(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
