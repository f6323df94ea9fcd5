// The page: what each action does, and how grid and viewer take turns.

import { readAddress, writeAddress } from "./address.js";
import { startAudit } from "./audit.js";
import { startChanges } from "./changes.js";
import { startFilters } from "./filters.js";
import { columns, moveTo, perScreen, rewind, startGrid } from "./grid.js";
import { byId } from "./dom.js";
import { fetchSummary, judge, turnBack } from "./judge.js";
import { startKeys } from "./keys.js";
import * as list from "./list.js";
import { startNotices } from "./notices.js";
import { emit, on, setFilters, state } from "./state.js";
import { Viewer } from "./viewer.js";

const inGrid = () => state.view === "grid";

/** The instance that a key speaks of. */
const present = () => (inGrid() ? list.at(state.index) : viewer.instance);

function giveVerdict(verdict) {
  const instance = present();
  if (!inGrid() && viewer.editing.pending) {
    return verdict === "accept" ? run.save() : emit("say", "Save the correction (S) or give it up (Esc) first");
  }
  if (!instance || !judge(instance, verdict)) return undefined;
  return state.view === "all" ? undefined : step(1);
}

/** Go on in the list; in the viewer the next instance takes the place of this one. */
async function step(by) {
  if (inGrid()) return moveTo(state.index + by);
  if (!viewer.settle()) return undefined;
  if (state.summary.images_alone) return viewer.image && showImage(viewer.image.image + by);
  moveTo(state.index + by);
  return openHere(false);
}

async function openHere(push = true) {
  const instance = await list.whenAt(state.index);
  if (instance) showOne(instance, push);
  else if (list.total === 0) showGrid();
}

function showOne(instance, push = false) {
  turnTo("one");
  viewer.show(instance);
  writeAddress(instance, push);
  list.want(state.index, state.index + 3);
}

async function showImage(number, instance = null, push = false) {
  if (number < 0 || number >= state.summary.images) return;
  turnTo("all");
  await viewer.showImage(number, instance);
  writeAddress(viewer.instance ?? { image: number, row: null }, push);
}

function turnTo(view) {
  state.view = view;
  document.body.dataset.view = view;
  byId("viewer").hidden = view === "grid";
  byId("grid-view").hidden = view !== "grid";
  emit("view");
}

function showGrid() {
  turnTo("grid");
  viewer.take(null);
  moveTo(state.index);
  writeAddress(null);
  byId("grid").focus({ preventScroll: true });
}

const run = {
  accept: () => giveVerdict("accept"),
  reject: () => giveVerdict("reject"),
  fix: () => giveVerdict("fix"),
  undo: () => (!inGrid() && viewer.editing.correction?.undo()) || turnBack("undo"),
  redo: () => (!inGrid() && viewer.editing.correction?.redo()) || turnBack("redo"),
  next: () => step(1),
  previous: () => step(-1),
  swipe: (way) => step(way),
  go: (index) => step(index - state.index),
  down: () => inGrid() && moveTo(state.index + columns()),
  up: () => inGrid() && moveTo(state.index - columns()),
  first: () => moveTo(0),
  last: () => moveTo((list.total ?? 1) - 1),
  screenDown: () => (inGrid() ? moveTo(state.index + perScreen()) : otherImage(1)),
  screenUp: () => (inGrid() ? moveTo(state.index - perScreen()) : otherImage(-1)),
  enter: () => (inGrid() ? openHere() : run.save()),
  back: () => {
    if (inGrid()) return false;
    // Of photographs alone there is no grid to go back to.
    if (!viewer.cancel() && !state.summary.images_alone) showGrid();
    return true;
  },
  cancel: () => viewer.cancel(),
  whole: () => {
    const instance = present();
    if (!inGrid() && !viewer.settle()) return undefined;
    if (state.view === "all") return instance ? showOne(instance) : showGrid();
    if (instance?.image < 0) return emit("say", "Its image is not in the file");
    return instance ? showImage(instance.image, instance, true) : undefined;
  },
  mask: () => {
    const modes = ["both", "line", "off"];
    document.body.dataset.mask = modes[(modes.indexOf(document.body.dataset.mask) + 1) % 3];
  },
  box: () => {
    const shown = document.body.dataset.box !== "on";
    document.body.dataset.box = shown ? "on" : "off";
    byId("box-mode").setAttribute("aria-pressed", String(shown));
  },
  zoomIn: () => !inGrid() && viewer.stage.zoom(1.3),
  zoomOut: () => !inGrid() && viewer.stage.zoom(1 / 1.3),
  zoomFit: () => !inGrid() && viewer.stage.fit(viewer.image || !viewer.instance ? [0, 0, ...viewer.stage.size] : viewer.instance.window),
  find: () => {
    document.body.classList.add("filters-open");
    byId("class-search").focus();
  },
  help: () => byId("keys").showModal(),
  adjust: () => !inGrid() && viewer.choose("adjust"),
  brush: () => (inGrid() ? openHere().then(() => viewer.choose("brush")) : viewer.choose("brush")),
  draw: async () => {
    if (!inGrid() && !viewer.settle()) return;
    if (state.view !== "all") await run.whole();
    if (viewer.image) viewer.choose("draw");
  },
  sign: () => {
    viewer.editing.outside = !viewer.editing.outside;
    viewer.changed();
  },
  thinner: () => !inGrid() && viewer.thicker(false),
  thicker: () => !inGrid() && viewer.thicker(true),
  save: () => (inGrid() ? false : viewer.save(() => state.view === "one" && step(1))),
  leaveField: () => document.activeElement.blur(),
};

function otherImage(by) {
  const number = (viewer.image ?? viewer.instance)?.image;
  if (number !== undefined && viewer.settle()) showImage(number + by);
}

function relist() {
  list.refresh();
  state.index = 0;
  rewind();
  list.want(0, 0);
  if (inGrid()) writeAddress(null);
  else if (state.view === "one" && viewer.settle()) openHere(false);
}

const viewer = new Viewer(run);

function listenToButtons() {
  for (const [id, action] of Object.entries({ undo: "undo", redo: "redo", "mask-mode": "mask", "box-mode": "box", help: "help" })) {
    byId(id).addEventListener("click", () => run[action]());
  }
  byId("refresh").addEventListener("click", relist);
  byId("images-button").addEventListener("click", () => showImage(present()?.image ?? 0, present(), true));
  byId("order").addEventListener("change", (event) => setFilters({ order: event.target.value }));
  byId("open-filters").addEventListener("click", () => document.body.classList.toggle("filters-open"));
  byId("theme").addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    localStorage.setItem("theme", (document.documentElement.dataset.theme = dark ? "light" : "dark"));
  });
}

function listenToEvents() {
  on("filters", relist);
  on("open", ({ instance }) => {
    if (!instance) return;
    const place = list.placeOf(instance.row);
    if (place >= 0) moveTo(place);
    if (state.view === "one") showOne(instance);
  });
  on("chosen", (instance) => writeAddress(instance));
  addEventListener("popstate", () => {
    if (inGrid() || viewer.settle()) goTo(readAddress());
    else writeAddress(viewer.instance ?? viewer.image, true);
  });
  addEventListener("beforeunload", (event) => !inGrid() && viewer.editing.pending && event.preventDefault());
}

/** Go where an address says. */
async function goTo({ view, image, row, index }) {
  list.refresh();
  await list.want(0, 0);
  moveTo(index);
  await list.want(index, index);
  if (state.summary.images_alone) return showImage(Math.max(0, image));
  if (view === "all" && image >= 0) return showImage(image, list.at(list.placeOf(row)) ?? null);
  if (view === "one") return openHere(false);
  return turnTo("grid");
}

async function start() {
  const theme = localStorage.getItem("theme");
  if (theme) document.documentElement.dataset.theme = theme;
  startNotices();
  startFilters();
  startAudit();
  startGrid(openHere, giveHere);
  startKeys(run);
  listenToButtons();
  listenToEvents();
  const place = readAddress();
  await fetchSummary();
  await goTo(place);
  startChanges();
}

/** A verdict by the mouse in the grid: the cursor stays where the hand is. */
function giveHere(verdict) {
  const instance = list.at(state.index);
  if (instance) judge(instance, instance.verdict?.verdict === verdict ? null : verdict);
}

start();
