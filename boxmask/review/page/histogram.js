// The histogram of expected IoU: drag over it to keep a range, or move its ends with the keyboard.

import { get } from "./api.js";
import { clamp, count, el, svg } from "./dom.js";
import { on, query, setFilters, state } from "./state.js";

const HEIGHT = 64;
const STEP = 0.05;

let counts = [];
let judged = [];
let range = [0, 1];
let parts; // elements
let generation = 0;

/** Build the histogram; it follows the filters by itself. */
export function histogram() {
  const bars = svg("svg", { viewBox: `0 0 200 ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const kept = el("div", { class: "kept" });
  const ends = ["Lowest", "Highest"].map((name, end) => handle(name, end));
  const plot = el("div", { class: "plot" }, bars, kept, ...ends);
  const text = el("p", { class: "range" });
  const ticks = el("div", { class: "ticks", "aria-hidden": "true" }, ...["0", ".25", ".5", ".75", "1"].map((tick) => el("span", {}, tick)));
  parts = { bars, kept, ends, plot, text };
  plot.addEventListener("pointerdown", press);
  plot.addEventListener("dblclick", () => apply([0, 1]));
  on("filters", update);
  on("summary", refresh);
  update();
  return el("div", { class: "histogram" }, plot, ticks, text);
}

function handle(name, end) {
  const onkeydown = (event) => keyed(event, end);
  const attributes = { role: "slider", tabindex: "0", "aria-label": `${name} expected IoU`, "aria-valuemin": "0", "aria-valuemax": "1" };
  return el("div", { class: "end", ...attributes, onkeydown });
}

function update() {
  const { iou_min: low, iou_max: high } = state.filters;
  range = [low === "" ? 0 : Number(low), high === "" ? 1 : Number(high)];
  paint();
  refresh();
}

let timer = 0;

/** Ask for the counts again, at most a few times a second. */
function refresh() {
  clearTimeout(timer);
  timer = setTimeout(fetchCounts, counts.length ? 200 : 0);
}

async function fetchCounts() {
  const mine = ++generation;
  const parameters = query({ as_of: state.asOf });
  for (const name of ["iou_min", "iou_max", "order"]) parameters.delete(name);
  const found = await get("api/histogram", parameters).catch(() => null);
  if (!found || mine !== generation) return;
  ({ counts, judged } = found);
  paint();
}

function paint() {
  const most = Math.max(1, ...counts);
  const wide = 200 / (counts.length || 1);
  const bars = counts.flatMap((number, k) => {
    const centre = (k + 0.5) / counts.length;
    const inside = centre > range[0] && centre < range[1];
    const x = k * wide + 0.8;
    const bar = (value, kind) => {
      const height = value ? Math.max(2, (value / most) * (HEIGHT - 4)) : 0;
      return svg("rect", { x, y: HEIGHT - height, width: wide - 1.6, height, class: `${kind} ${inside ? "" : "out"}` });
    };
    return [bar(number, "all"), bar(judged[k], "judged")];
  });
  parts.bars.replaceChildren(...bars);
  const [low, high] = range;
  parts.kept.style.left = `${low * 100}%`;
  parts.kept.style.width = `${(high - low) * 100}%`;
  parts.kept.classList.toggle("all", low === 0 && high === 1);
  range.forEach((value, end) => {
    parts.ends[end].style.left = `${value * 100}%`;
    parts.ends[end].setAttribute("aria-valuenow", value.toFixed(2));
  });
  parts.text.replaceChildren(...label());
}

function label() {
  const [low, high] = range;
  const inside = counts.reduce((sum, number, k) => {
    const centre = (k + 0.5) / counts.length;
    return centre > low && centre < high ? sum + number : sum;
  }, 0);
  const span = low === 0 && high === 1 ? "all" : `${low.toFixed(2)} to ${high.toFixed(2)}`;
  return [el("b", {}, span), `  ${count(inside, "mask")}`];
}

const snap = (value) => Math.round(clamp(value, 0, 1) / STEP) * STEP;

/** Drag an end, the kept range as a whole, or a new range. */
function press(event) {
  if (event.button) return;
  event.preventDefault();
  parts.plot.setPointerCapture(event.pointerId);
  const { left, width } = parts.plot.getBoundingClientRect();
  const value = ({ clientX }) => (clientX - left) / width;
  const start = value(event);
  const before = [...range];
  const reach = (event.pointerType === "touch" ? 22 : 9) / width;
  const whole = before[0] === 0 && before[1] === 1;
  const near = [0, 1].filter((end) => Math.abs(before[end] - start) < reach);
  const end = near.length === 2 ? Number(start > before[1]) : near[0];
  const move = (moved) => {
    const now = value(moved);
    if (end !== undefined) range = ordered(before[1 - end], now);
    else if (!whole && start > before[0] && start < before[1]) range = slid(before, now - start);
    else range = ordered(start, now);
    paint();
  };
  const done = () => {
    parts.plot.removeEventListener("pointermove", move);
    if (range[1] - range[0] < STEP / 2) range = before; // a mere click
    apply(range);
  };
  parts.plot.addEventListener("pointermove", move);
  parts.plot.addEventListener("pointerup", done, { once: true });
  parts.plot.addEventListener("pointercancel", done, { once: true });
}

function ordered(one, other) {
  return [Math.min(snap(one), snap(other)), Math.max(snap(one), snap(other))];
}

function slid([low, high], by) {
  const shift = clamp(snap(Math.abs(by)) * Math.sign(by), -low, 1 - high);
  return [low + shift, high + shift];
}

function keyed(event, end) {
  const steps = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageUp: 4 * STEP, PageDown: -4 * STEP, Home: -1, End: 1 };
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  const limits = end ? [range[0] + STEP, 1] : [0, range[1] - STEP];
  const next = [...range];
  next[end] = clamp(snap(range[end] + step), ...limits);
  apply(next);
}

function apply([low, high]) {
  const text = (value, none) => (Math.abs(value - none) < 1e-6 ? "" : value.toFixed(2));
  setFilters({ iou_min: text(low, 0), iou_max: text(high, 1) });
}
