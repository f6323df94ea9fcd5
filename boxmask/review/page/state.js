// What the page knows, and who wants to hear when it changes.
//
// Events: summary, filters, list, row (detail: the instance), cursor, view, server, open (detail:
// instance).

export const VERDICTS = {
  accept: "Accepted",
  fix: "Needs work",
  reject: "Rejected",
  corrected: "Corrected",
  drawn: "Drawn",
};

export const SIZES = { S: "Small", M: "Medium", L: "Large" };

export const noFilters = () => ({
  category: [],
  status: "",
  verdict: "",
  size: "",
  iou_min: "",
  iou_max: "",
  image: "",
  sample: "",
  order: "worst",
});

export const state = {
  summary: null,
  filters: noFilters(),
  seq: 0, // the newest entry of the verdicts file that this page has heard of
  asOf: 0, // the entry up to which the list's verdict filter looks
  index: 0, // of the cursor in the list
  view: "grid", // or one, all: an instance, a whole image
  lost: false,
};

const listeners = new Map();

export function on(event, listener) {
  listeners.set(event, [...(listeners.get(event) ?? []), listener]);
}

export function emit(event, detail) {
  for (const listener of listeners.get(event) ?? []) listener(detail);
}

/** The filters as query parameters; what is empty or goes without saying is left out. */
export function query(more = {}) {
  const parameters = new URLSearchParams();
  const order = state.filters.order === "worst" ? "" : state.filters.order;
  for (const [name, value] of Object.entries({ ...state.filters, order, ...more })) {
    for (const one of [value].flat()) if (one !== "") parameters.append(name, one);
  }
  return parameters;
}

export function setFilters(changes) {
  Object.assign(state.filters, changes);
  emit("filters");
}

/** Whether any filter leaves instances out. */
export function isFiltered() {
  const { order, ...filters } = state.filters;
  return Object.values(filters).some((value) => value.length > 0);
}

/** Names of classes that are filtered for and that there are not. */
export function missingClasses() {
  const known = new Set(state.summary.categories.map((one) => one.name));
  return state.filters.category.filter((name) => !known.has(name));
}

/** What an instance is called when it is read out or written in one line. */
export function nameOf(instance) {
  return `${instance.category || "no class"} in ${instance.file_name}`;
}
