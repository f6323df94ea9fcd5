// The grid: only the tiles in sight exist, so a million instances scroll as well as ten.
//
// Browsers end an element at some tens of millions of pixels. A longer list gets a room of MOST
// pixels: small steps scroll it by pixels, a jump of the scroll bar goes by proportion, and
// `shift` is what lies between the two.

import { byId, clamp, el } from "./dom.js";
import { at, placeOf, total, want } from "./list.js";
import { emit, on, state } from "./state.js";
import { spoken, tile, verdictOf } from "./tile.js";

const MOST = 6_000_000;
const GAP = 10;
const CAPTION = 46;

const grid = byId("grid");
const room = grid.querySelector(".room");
const slider = byId("tile-size");
let shown = new Map(); // index -> element
let shift = 0; // pixels of the list above the room's own top
let lastTop = 0;
let layout = { columns: 1, side: 200, line: 246, height: 0 };

/** Set the grid up: sizes, scrolling, clicks. `open` opens an instance, `judge` judges one. */
export function startGrid(open, judge) {
  slider.value = localStorage.getItem("tile") ?? (innerWidth < 600 ? 150 : innerWidth < 2000 ? 210 : 300);
  slider.addEventListener("input", () => {
    localStorage.setItem("tile", slider.value);
    arrange();
  });
  new ResizeObserver(arrange).observe(grid);
  grid.addEventListener("scroll", scrolled, { passive: true });
  grid.addEventListener("click", (event) => clicked(event, open, judge));
  on("list", arrange);
  on("row", (instance) => redraw(placeOf(instance.row)));
  on("cursor", moved);
}

/** Put the cursor on an instance and bring it into sight. */
export function moveTo(index) {
  if (!total) return;
  state.index = clamp(index, 0, total - 1);
  emit("cursor");
}

export const columns = () => layout.columns;

/** How many instances a screen holds. */
export function perScreen() {
  return layout.columns * Math.max(1, Math.floor(grid.clientHeight / layout.line));
}

/** Show the list from its beginning. */
export function rewind() {
  clear();
  shift = lastTop = 0;
  grid.scrollTop = 0;
}

function arrange() {
  const wide = grid.clientWidth - GAP;
  if (wide <= 0) return; // hidden
  const many = Math.max(1, Math.floor(wide / (Number(slider.value) + GAP)));
  const side = Math.floor(wide / many) - GAP;
  const line = side + CAPTION + GAP;
  const height = Math.ceil((total ?? 0) / many) * line + GAP;
  const changed = many !== layout.columns || side !== layout.side;
  layout = { columns: many, side, line, height };
  grid.style.setProperty("--side", `${side}px`);
  room.style.height = `${Math.min(height, MOST)}px`;
  if (changed) {
    clear();
    bringIntoSight();
  }
  draw();
}

function clear() {
  for (const element of shown.values()) element.remove();
  shown = new Map();
}

function scrolled() {
  const top = grid.scrollTop;
  if (layout.height <= MOST) shift = 0;
  else if (Math.abs(top - lastTop) > grid.clientHeight) {
    const spare = layout.height - MOST;
    shift = Math.round((top / (MOST - grid.clientHeight)) * spare);
    clear();
  }
  lastTop = top;
  draw();
}

/** Draw the tiles in sight and a screen around them; take the others away. */
function draw() {
  if (total === null) return;
  const top = grid.scrollTop + shift;
  const reach = grid.clientHeight;
  const first = Math.max(0, Math.floor((top - reach / 2) / layout.line)) * layout.columns;
  const end = Math.ceil((top + reach * 1.5) / layout.line) * layout.columns;
  const last = Math.min(total, end) - 1;
  for (const [index, element] of shown) {
    if (index < first || index > last) {
      element.remove();
      shown.delete(index);
    }
  }
  for (let index = first; index <= last; index++) if (!shown.has(index)) place(index);
  want(first, last + layout.columns * 4);
}

function place(index) {
  const instance = at(index);
  if (!instance) return;
  const side = layout.side * devicePixelRatio > 340 ? 640 : 320;
  const element = tile(instance, side);
  const row = Math.floor(index / layout.columns);
  const x = GAP + (index % layout.columns) * (layout.side + GAP);
  element.style.transform = `translate(${x}px, ${GAP + row * layout.line - shift}px)`;
  element.id = `tile-${index}`;
  element.dataset.index = index;
  const chosen = String(index === state.index);
  const place = { "aria-posinset": index + 1, "aria-setsize": total, "aria-selected": chosen };
  for (const [name, value] of Object.entries(place)) element.setAttribute(name, value);
  element.setAttribute("role", "option");
  element.setAttribute("aria-label", spoken(instance));
  element.append(quick(instance));
  shown.set(index, element);
  room.append(element);
}

/** Buttons for the mouse; the keyboard has keys for them. */
function quick(instance) {
  const made = ["accept", "fix", "reject"].map((verdict) => {
    const pressed = verdictOf(instance) === verdict;
    const use = el("span", { class: `quick-${verdict}`, "data-judge": verdict });
    use.innerHTML = `<svg aria-hidden="true"><use href="#i-${verdict}"/></svg>`;
    use.classList.toggle("pressed", pressed);
    return use;
  });
  return el("div", { class: "quick", "aria-hidden": "true" }, ...made);
}

function redraw(index) {
  const old = shown.get(index);
  if (!old) return;
  old.remove();
  shown.delete(index);
  place(index);
}

function clicked(event, open, judge) {
  const element = event.target.closest(".tile");
  if (!element) return;
  moveTo(Number(element.dataset.index));
  const verdict = event.target.closest("[data-judge]")?.dataset.judge;
  if (verdict) judge(verdict);
  else open();
}

function moved() {
  for (const [index, element] of shown) {
    element.setAttribute("aria-selected", String(index === state.index));
  }
  if (state.view === "grid") bringIntoSight();
  grid.setAttribute("aria-activedescendant", `tile-${state.index}`);
}

function bringIntoSight() {
  const y = Math.floor(state.index / layout.columns) * layout.line;
  const top = grid.scrollTop + shift;
  let goal = top;
  if (y < top) goal = y;
  if (y + layout.line + GAP > top + grid.clientHeight) goal = y + layout.line + GAP - grid.clientHeight;
  if (goal === top) return;
  const far = goal - shift < 0 || goal - shift > MOST - grid.clientHeight;
  if (layout.height > MOST && (far || Math.abs(goal - top) > grid.clientHeight)) {
    shift = Math.round((goal / (layout.height - grid.clientHeight)) * (layout.height - MOST));
    clear();
  }
  lastTop = goal - shift;
  grid.scrollTop = lastTop;
  draw();
}
