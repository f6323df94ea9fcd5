// One instance in the grid: its crop with mask and box, its class, expected IoU and verdict.

import { cropUrl } from "./api.js";
import { el, icon, svg } from "./dom.js";
import { boxShape, maskShape, pathOf } from "./shape.js";
import { nameOf, VERDICTS } from "./state.js";

/** Two decimals, never rounded up to 1.00; a dash where the file says nothing. */
export function iouText(iou) {
  return iou == null ? "–" : (Math.floor(iou * 100 + 1e-9) / 100).toFixed(2);
}

/** Build a tile; `side` is how many pixels the picture has on the screen. */
export function tile(instance, side) {
  const figure = el("figure", { class: "tile", "data-verdict": verdictOf(instance) || false });
  figure.append(picture(instance, side), ...marks(instance), caption(instance));
  return figure;
}

export function verdictOf(instance) {
  return instance.verdict?.verdict ?? "";
}

/** What a screen reader says of an instance. */
export function spoken(instance) {
  const iou = instance.iou == null ? "" : `, expected IoU ${iouText(instance.iou)}`;
  const verdict = VERDICTS[verdictOf(instance)] ?? "not judged";
  const status = instance.status && instance.status !== "ok" ? `, ${instance.status}` : "";
  return `${nameOf(instance)}${iou}${status}, ${verdict}`;
}

/** The crop of an instance with its mask and its box. */
export function picture(instance, side) {
  const frame = el("div", { class: "picture" });
  const onerror = () => frame.classList.add("unreadable");
  const source = cropUrl(instance, side);
  frame.append(
    el("img", { src: source, alt: "", decoding: "async", draggable: "false", onerror }),
    overlay(instance),
    el("p", { class: "why" }, `${instance.file_name} cannot be read`),
  );
  return frame;
}

function overlay(instance) {
  const drawing = svg("svg", { viewBox: instance.window.join(" "), "aria-hidden": "true" });
  if (instance.rings) drawing.append(maskShape(pathOf(instance.rings)));
  if (instance.box) drawing.append(boxShape(instance.box, instance.corners));
  return drawing;
}

function marks(instance) {
  const verdict = verdictOf(instance);
  const found = verdict ? [el("span", { class: `badge ${verdict}` }, icon(verdict))] : [];
  if (!instance.rings) found.push(el("span", { class: "no-mask" }, instance.status || "no mask"));
  return found;
}

function caption(instance) {
  const meter = el("span", { class: "meter", "aria-hidden": "true" }, el("i"));
  meter.firstChild.style.width = `${Math.round((instance.iou ?? 0) * 100)}%`;
  return el(
    "figcaption",
    {},
    el("span", { class: "class-name" }, instance.category || "no class"),
    el("span", { class: "iou" }, iouText(instance.iou)),
    meter,
    el("span", { class: "file", title: instance.file_name }, instance.file_name),
  );
}
