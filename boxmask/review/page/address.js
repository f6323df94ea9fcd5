// The part of the address after "#": filters, view and place, so that a reload keeps them.

import { noFilters, query, state } from "./state.js";

/** Read filters into the state; return where the reader was: {view, image, row, index}. */
export function readAddress() {
  const found = new URLSearchParams(location.hash.slice(1));
  const filters = noFilters();
  for (const name of Object.keys(filters)) {
    if (name === "category") filters.category = found.getAll("category");
    else if (found.has(name)) filters[name] = found.get(name);
  }
  state.filters = filters;
  const row = found.get("row");
  return {
    view: found.get("view") ?? "grid",
    image: Number(found.get("on") ?? -1),
    row: row && /^\d+$/.test(row) ? Number(row) : row,
    index: Number(found.get("at") ?? 0),
  };
}

/** Write filters and place; `push` makes a step that the browser's Back undoes. */
export function writeAddress(current, push = false) {
  const parameters = query();
  if (state.index) parameters.set("at", state.index);
  if (state.view !== "grid") {
    parameters.set("view", state.view);
    if (current) parameters.set("on", current.image);
    if (current && current.row != null) parameters.set("row", current.row);
  }
  const hash = `#${parameters}`;
  if (hash === location.hash) return;
  if (push) history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
}
