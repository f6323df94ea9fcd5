// Masks and boxes as SVG, in pixels of the image.

import { svg } from "./dom.js";

/** The rings of a mask (each x, y, x, y, ...) as the data of a path. */
export function pathOf(rings) {
  let data = "";
  for (const ring of rings ?? []) {
    for (let k = 0; k < ring.length; k += 2) data += `${k ? "L" : "M"}${ring[k]} ${ring[k + 1]}`;
    if (ring.length) data += "Z";
  }
  return data;
}

/** A mask as two paths: tint with a dark rim, and the bright line. Holes are left open. */
export function maskShape(data) {
  const under = svg("path", { class: "mask-under", "fill-rule": "evenodd", d: data });
  const line = svg("path", { class: "mask-line", d: data });
  return svg("g", { class: "mask" }, under, line);
}

/** A box [x, y, w, h], or the corners x, y, x, y, ... of a turned one, with a dark rim. */
export function boxShape([x, y, width, height], corners) {
  const sides = { x, y, width: Math.max(width, 0), height: Math.max(height, 0) };
  const [name, shape] = corners ? ["polygon", { points: corners.join(" ") }] : ["rect", sides];
  const under = svg(name, { class: "box-under", ...shape });
  return svg("g", { class: "box" }, under, svg(name, { class: "box-line", ...shape }));
}

/** Colour number k of a turn of the wheel in which no two near numbers look alike. */
export function hue(number) {
  return `hsl(${Math.round(191 + number * 222.5)} 100% 62%)`;
}
