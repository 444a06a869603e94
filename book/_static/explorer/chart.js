// Draws a loss and its gradient over one control as SVG. Runs in the page and, in V8, while the book is built.
"use strict";

const SIZE = { width: 480, height: 240, left: 44, right: 8, top: 8, bottom: 24 };

// About `count` round numbers from low to high.
function ticks(low, high, count) {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step);
}

const text = (number) => String(Number(number.toPrecision(6))).replace("-", "−");

// What to show of curves that may rise without end: the middle nine tenths, with some air, and 0.
function heights(values) {
  const finite = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (!finite.length) return [-1, 1];
  const at = (share) => finite[Math.round(share * (finite.length - 1))];
  const spread = at(0.95) - at(0.05) || 1;
  return [Math.min(0, Math.max(at(0), at(0.05) - 0.5 * spread)), Math.max(0, Math.min(at(1), at(0.95) + 0.5 * spread)) || 1];
}

// curves: [{ name, points: [[x, y], …] }]; marked: [x, y of each curve].
function chart({ curves, marked }) {
  const xs = curves[0].points.map(([x]) => x);
  const [left, right] = [xs[0], xs.at(-1)];
  const [low, high] = heights(curves.flatMap(({ points }) => points.map(([, y]) => y)));
  const air = 0.05 * (high - low);
  const bottom = low - air, top = high + air;
  const { width, height } = SIZE;
  const across = (x) => (SIZE.left + ((x - left) / (right - left)) * (width - SIZE.left - SIZE.right)).toFixed(1);
  const up = (y) => (SIZE.top + ((top - Math.min(top, Math.max(bottom, y))) / (top - bottom)) * (height - SIZE.top - SIZE.bottom)).toFixed(1);
  const inside = (y) => y >= bottom && y <= top;
  const parts = [];
  for (const y of ticks(bottom, top, 5)) {
    parts.push(`<line class="grid" x1="${SIZE.left}" x2="${width - SIZE.right}" y1="${up(y)}" y2="${up(y)}"/>`);
    parts.push(`<text x="${SIZE.left - 6}" y="${up(y)}" dy=".32em" text-anchor="end">${text(y)}</text>`);
  }
  for (const x of ticks(left, right, 6)) {
    parts.push(`<text x="${across(x)}" y="${height - 6}" text-anchor="middle">${text(x)}</text>`);
  }
  for (const { name, points } of curves) {
    let pen = "M";
    let path = "";
    for (const [x, y] of points) {
      if (!Number.isFinite(y) || !inside(y)) pen = "M";
      else {
        path += `${pen}${across(x)} ${up(y)}`;
        pen = "L";
      }
    }
    parts.push(`<path class="${name}" d="${path}"/>`);
  }
  const [x, ...ys] = marked;
  parts.push(`<line class="here" x1="${across(x)}" x2="${across(x)}" y1="${SIZE.top}" y2="${height - SIZE.bottom}"/>`);
  ys.forEach((y, i) => {
    if (Number.isFinite(y)) parts.push(`<circle class="${curves[i].name}" cx="${across(x)}" cy="${up(y)}" r="5"/>`);
  });
  return parts.join("");
}

// The value of the control under a pointer, from its place across the drawing (0 to 1).
function control_at(share, { min, max }) {
  const inner = (share * SIZE.width - SIZE.left) / (SIZE.width - SIZE.left - SIZE.right);
  return Number(min) + Math.min(1, Math.max(0, inner)) * (max - min);
}

export { SIZE, chart, control_at };
