// The side panel: histogram, and the filters beside it.

import { byId, count, el, icon } from "./dom.js";
import { histogram } from "./histogram.js";
import { isFiltered, missingClasses, noFilters, on, setFilters, SIZES, state, VERDICTS } from "./state.js";

const MOST_CLASSES = 150; // listed at once; the search finds the others

const panel = byId("panel");
let wanted = ""; // text in the search for classes
let listed = ""; // the classes that the list was made of

export function startFilters() {
  on("summary", fillOnce);
  on("filters", mark);
  on("summary", counts);
}

let filled = false;

function fillOnce() {
  if (filled) return;
  filled = true;
  const audit = el("section", { class: "audit", id: "audit", hidden: true });
  panel.append(
    el("div", { class: "panel-head" }, el("h2", {}, "Show"), clearButton(), closeButton()),
    audit,
    group("Expected IoU", histogram()),
    group("Verdict", choices("verdict", { "": "All", none: "To judge", ...VERDICTS })),
    group("Size", choices("size", { "": "All", ...SIZES })),
    group("Status", choices("status", { "": "All", ...statuses() })),
    group("Class", classes()),
    group("Image", imageText()),
  );
  mark();
}

function group(title, content) {
  return el("section", { class: "group", "aria-label": title }, el("h3", {}, title), content);
}

function clearButton() {
  const onclick = () => setFilters({ ...noFilters(), order: state.filters.order });
  return el("button", { class: "text", id: "clear", type: "button", onclick }, "Clear");
}

function closeButton() {
  const onclick = () => document.body.classList.remove("filters-open");
  const name = { class: "icon only-narrow", type: "button", "aria-label": "Close filters" };
  return el("button", { ...name, onclick }, icon("close"));
}

function statuses() {
  const names = Object.keys(state.summary.statuses);
  return Object.fromEntries(names.map((name) => [name, name === "ok" ? "Masked" : name]));
}

/** Buttons of which one is pressed. */
function choices(filter, names) {
  const made = Object.entries(names).map(([value, name]) => {
    const attributes = { type: "button", "data-filter": filter, "data-value": value };
    const onclick = () => setFilters({ [filter]: value });
    const symbol = filter === "verdict" && VERDICTS[value] ? icon(value) : "";
    const number = el("small", {});
    return el("button", { ...attributes, onclick }, symbol, el("span", {}, name), number);
  });
  return el("div", { class: "choices", role: "group", "aria-label": filter }, ...made);
}

function classes() {
  const name = { type: "search", placeholder: "Find a class", "aria-label": "Find a class" };
  const oninput = (event) => {
    wanted = event.target.value.trim().toLowerCase();
    listClasses();
  };
  const search = el("input", { ...name, id: "class-search", oninput });
  const list = el("div", { class: "classes", id: "classes", tabindex: "-1" });
  queueMicrotask(listClasses);
  return el("div", {}, search, list);
}

function listClasses() {
  const chosen = new Set(state.filters.category);
  const missing = missingClasses().map((name) => ({ name, count: 0 }));
  const all = [...missing, ...state.summary.categories].filter(({ name }) => name.toLowerCase().includes(wanted));
  const order = (a, b) => chosen.has(b.name) - chosen.has(a.name) || b.count - a.count;
  const rows = all.sort(order).slice(0, MOST_CLASSES).map(classRow);
  if (all.length > MOST_CLASSES) rows.push(el("p", {}, `and ${count(all.length - MOST_CLASSES, "class")} more: search`));
  if (!all.length) rows.push(el("p", {}, "no such class"));
  byId("classes").replaceChildren(...rows);
}

function classRow({ name, count: number }) {
  const checked = state.filters.category.includes(name);
  const onchange = (event) => {
    const others = state.filters.category.filter((one) => one !== name);
    setFilters({ category: event.target.checked ? [...others, name] : others });
  };
  const box = el("input", { type: "checkbox", checked, onchange });
  box.checked = checked;
  return el("label", {}, box, el("span", {}, name || "no class"), el("small", {}, number.toLocaleString("en")));
}

function imageText() {
  const name = { type: "search", placeholder: "Part of the file name", "aria-label": "Part of the file name" };
  let timer;
  const oninput = (event) => {
    clearTimeout(timer);
    timer = setTimeout(() => setFilters({ image: event.target.value.trim() }), 250);
  };
  return el("input", { ...name, id: "image-text", oninput });
}

/** Show which filters are set. */
function mark() {
  if (!filled) return;
  for (const one of panel.querySelectorAll("[data-filter]")) {
    const pressed = state.filters[one.dataset.filter] === one.dataset.value;
    one.setAttribute("aria-pressed", String(pressed));
  }
  const text = byId("image-text");
  if (document.activeElement !== text) text.value = state.filters.image;
  byId("order").value = state.filters.order;
  byId("clear").hidden = !isFiltered();
  listClasses();
}

/** Write how many instances each choice has; these are counts of the whole file. */
function counts() {
  const { verdicts, statuses: status, annotations, judged, drawn } = state.summary;
  const numbers = { "": annotations, none: Math.max(annotations - judged, 0), ...verdicts, drawn };
  for (const one of panel.querySelectorAll("[data-filter=verdict]")) {
    one.querySelector("small").textContent = (numbers[one.dataset.value] ?? 0).toLocaleString("en");
    one.hidden = one.dataset.value === "drawn" && !drawn;
  }
  for (const one of panel.querySelectorAll("[data-filter=status]")) {
    const number = one.dataset.value ? status[one.dataset.value] : annotations;
    one.querySelector("small").textContent = (number ?? 0).toLocaleString("en");
  }
  const classes = JSON.stringify(state.summary.categories);
  if (classes !== listed) listClasses();
  listed = classes;
}
