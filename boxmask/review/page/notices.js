// What the page says: counts, progress, what was done, what went wrong.

import { byId, count, el } from "./dom.js";
import { retry, unsaved } from "./judge.js";
import * as list from "./list.js";
import { emit, isFiltered, missingClasses, on, state, VERDICTS } from "./state.js";
import { spoken } from "./tile.js";

let timer;

export function startNotices() {
  on("summary", progress);
  on("list", matching);
  on("say", (text) => say(text));
  on("trouble", (text) => say(text, true));
  on("cursor", () => (byId("live").textContent = list.at(state.index) ? spoken(list.at(state.index)) : ""));
  on("row", (instance) => (byId("live").textContent = spoken(instance)));
  on("server", lost);
}

function progress() {
  const { file, annotations, verdicts, verdicts_file: kept } = state.summary;
  const most = Math.max(1, annotations, Object.values(verdicts).reduce((sum, one) => sum + one, 0));
  const name = file ? file.split("/").pop() : "photographs";
  byId("file-name").textContent = name;
  document.title = `${name} – boxmask review`;
  byId("progress").title = kept ? `Verdicts are kept in ${kept}` : "";
  byId("progress-text").textContent = done();
  const parts = Object.keys(VERDICTS).filter((one) => verdicts[one]);
  byId("progress").querySelector(".bar").replaceChildren(...parts.map((one) => {
    const part = el("i", { class: one });
    part.style.width = `${(100 * verdicts[one]) / most}%`;
    return part;
  }));
  byId("refresh").hidden = state.seq === state.asOf || !state.filters.verdict;
  byId("refresh").textContent = "Refresh the list";
}

/** How much was judged, and drawn. */
function done() {
  const { annotations, judged, drawn } = state.summary;
  const parts = [];
  if (annotations) parts.push(`${judged.toLocaleString("en")} of ${annotations.toLocaleString("en")} judged`);
  if (drawn || !annotations) parts.push(`${drawn.toLocaleString("en")} drawn`);
  return parts.join(", ");
}

function matching() {
  byId("matching").textContent = list.total === null ? "" : `${count(list.total, "instance")}${isFiltered() ? " match" : ""}`;
  byId("empty").hidden = list.total !== 0;
  byId("empty").textContent = none();
}

/** Why the list is empty. */
function none() {
  const [missing] = missingClasses();
  if (missing !== undefined) return `There is no class “${missing}”.`;
  if (isFiltered()) return "Nothing matches these filters.";
  return state.summary.images_alone ? "Nothing is drawn yet." : "The file has no annotations.";
}

/** Say something for a while. */
function say(text, bad = false) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.classList.toggle("bad", bad);
  toast.hidden = false;
  byId("live").textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => (toast.hidden = true), bad ? 7000 : 2200);
}

function lost({ lost: gone }) {
  const notice = byId("lost");
  notice.hidden = !gone;
  if (!gone) return;
  const waiting = unsaved();
  const text = waiting.length ? ` Not saved yet: ${waiting.join("; ")}. It is sent when the server is back.` : "";
  const again = el("button", { type: "button", class: "text", onclick: () => retry().then(() => emit("summary")) }, "Try again");
  notice.replaceChildren(el("span", {}, `The server does not answer. Start boxmask review again on the same port, or open the address that it prints.${text}`), again);
}
