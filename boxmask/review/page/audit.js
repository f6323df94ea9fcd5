// What the random sample of `--audit` says of all masks, and the way to the sample.

import { get } from "./api.js";
import { byId, el } from "./dom.js";
import { on, setFilters, state } from "./state.js";

let timer;

export function startAudit() {
  on("summary", () => {
    if (!state.summary.sample) return;
    clearTimeout(timer);
    timer = setTimeout(() => get("api/audit").then(show, () => {}), 300);
  });
  on("filters", () => byId("sample")?.setAttribute("aria-pressed", String(state.filters.sample !== "")));
}

function show(found) {
  if (!found) return;
  const onclick = () => setFilters({ sample: state.filters.sample ? "" : "1" });
  const pressed = String(state.filters.sample !== "");
  const choose = el("button", { type: "button", id: "sample", "aria-pressed": pressed, onclick }, "Only the sample");
  byId("audit").hidden = false;
  byId("audit").replaceChildren(el("h3", {}, "Audit"), el("p", {}, told(found)), choose);
}

function told({ sample, judged, low, high, confidence, threshold }) {
  const of = `${judged} of ${sample} judged. `;
  if (!judged) return of;
  const percent = (share) => `${(100 * share).toFixed(1)} %`;
  const known = `${percent(low)} to ${percent(high)} of all masks are acceptable (${percent(confidence)} sure).`;
  return threshold == null ? of + known : `${of}${known} From an expected IoU of ${threshold.toFixed(2)} on, 95 % are.`;
}
