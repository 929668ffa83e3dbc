/** Charts: lines over time, with their numbers as a sentence for those who do not see them. */

import { h } from "./dom.js";
import { minuteOf } from "./time.js";

const SVG = "http://www.w3.org/2000/svg";
/** Units of a picture, which is stretched to the room that there is. */
const WIDTH = 1000;
const HEIGHT = 100;

function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** The least round number that is not below a value: 1, 2 or 5 times a power of ten, or a power of two. */
export function roundedUp(value, isBinary = false) {
  if (!(value > 0)) return 1;
  if (isBinary) return 2 ** Math.ceil(Math.log2(value) - 1e-9);
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((round) => round >= value * 0.999999);
}

/** The points of the parts of a line that are known, as texts for `points`. */
export function linesOf(values, most, left, width, top, height) {
  const lines = [];
  let points = [];
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  for (const [i, value] of values.entries()) {
    if (value === null || value === undefined) {
      if (points.length > 0) lines.push(points.join(" "));
      points = [];
      continue;
    }
    const x = values.length > 1 ? left + i * step : left + width;
    points.push(`${x.toFixed(1)},${(top + height * (1 - value / most)).toFixed(1)}`);
  }
  if (points.length > 0) lines.push(points.join(" "));
  return lines;
}

/**
 * A chart of lines: `{ title, lines: [{ name, values }], stepMs, lastMs, format, isBinary }`. Values are the
 * oldest first, null where they are not known. Those of bytes are binary.
 */
export function chart({ title, lines, stepMs, lastMs, format, isBinary = false }) {
  const known = lines.flatMap(({ values }) => values.filter((value) => value !== null));
  const most = roundedUp(Math.max(0, ...known), isBinary);
  const count = Math.max(2, ...lines.map(({ values }) => values.length));
  const firstMs = lastMs - (count - 1) * stepMs;
  const picture = svg("svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": sentence(title, lines, format),
  });
  for (const y of [0, HEIGHT / 2, HEIGHT]) {
    picture.append(svg("line", { x1: 0, x2: WIDTH, y1: y, y2: y, class: "grid" }));
  }
  for (const [i, { values }] of lines.entries()) {
    for (const points of linesOf(values, most, 0, WIDTH, 0, HEIGHT)) {
      // A line to its own point is drawn as a dot.
      const isPoint = !points.includes(" ");
      picture.append(svg("polyline", {
        points: isPoint ? `${points} ${points}` : points,
        class: `line line-${i}${isPoint ? " dot" : ""}`,
      }));
    }
  }
  const cursor = svg("line", { y1: 0, y2: HEIGHT, class: "cursor", visibility: "hidden" });
  picture.append(cursor);
  const legend = h("figcaption", { class: "dim" });
  const show = (index) => {
    legend.replaceChildren(
      h("strong", {}, title),
      ...lines.map(({ name, values }, i) => {
        const value = values[index ?? values.length - 1];
        const text = value === null || value === undefined ? "–" : format(value);
        return h("span", { class: `legend line-${i}` }, ` ${name} ${text}`);
      }),
      index === undefined ? "" : ` at ${minuteOf(firstMs + index * stepMs)}`,
    );
  };
  picture.addEventListener("pointermove", ({ clientX }) => {
    const box = picture.getBoundingClientRect();
    const index = Math.round((clientX - box.left) / box.width * (count - 1));
    if (index < 0 || index >= count) return;
    const at = WIDTH * index / (count - 1);
    cursor.setAttribute("x1", at);
    cursor.setAttribute("x2", at);
    cursor.setAttribute("visibility", "visible");
    show(index);
  });
  picture.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    show();
  });
  show();
  const labels = (name, texts) =>
    h("div", { class: name, "aria-hidden": "true" }, texts.map((text) => h("span", {}, text)));
  return h(
    "figure",
    {},
    legend,
    h(
      "div",
      { class: "chart" },
      labels("y", [1, 0.5, 0].map((part) => format(most * part))),
      picture,
      labels("x", [0, 0.5, 1].map((part) => minuteOf(firstMs + (lastMs - firstMs) * part))),
    ),
  );
}

function sentence(title, lines, format) {
  const parts = lines.map(({ name, values }) => {
    const known = values.filter((value) => value !== null);
    if (known.length === 0) return `${name}: not known yet`;
    return `${name}: ${format(known.at(-1))} now, from ${format(Math.min(...known))} to ${
      format(Math.max(...known))
    }`;
  });
  return `${title}. ${parts.join(". ")}`;
}

/** A small line without axes. */
export function sparkline(values) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return "";
  const most = Math.max(1e-9, ...known);
  const picture = svg("svg", { viewBox: "0 0 80 20", class: "sparkline", "aria-hidden": "true" });
  for (const points of linesOf(values, most, 0, 80, 2, 16)) {
    picture.append(svg("polyline", { points, class: "line line-0" }));
  }
  return picture;
}

/** A rate for people: `12.4k/s`. */
export function perSecond(value) {
  if (value === null || value === undefined) return "–";
  return `${short(value)}/s`;
}

/** A number in few characters: `12.4k`. */
export function short(value) {
  for (const [unit, factor] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) {
    if (value >= factor) return `${trimmed(value / factor)}${unit}`;
  }
  return trimmed(value);
}

function trimmed(value) {
  return value >= 100 || Number.isInteger(value)
    ? Math.round(value).toString()
    : value >= 10
    ? value.toFixed(1).replace(/\.0$/, "")
    : value.toFixed(2).replace(/\.?0+$/, "");
}
