// What other tabs and people did: asked for every two seconds while the page can be seen.

import { get, Refused, ServerLost } from "./api.js";
import { fetchSummary, isWaiting } from "./judge.js";
import { emit, state } from "./state.js";

const EVERY = 2000;

export function startChanges() {
  setInterval(() => document.visibilityState === "visible" && look(), EVERY);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
}

async function look() {
  // An answer that was made before our own verdict arrived would take it back on the screen.
  if (state.lost || isWaiting()) return;
  try {
    const { seq, rows } = await get("api/changes", new URLSearchParams({ since: state.seq }));
    if (isWaiting()) return;
    state.seq = seq;
    for (const instance of rows) if (!instance.gone) emit("row", instance);
    if (rows.length) await fetchSummary();
  } catch (error) {
    if (error instanceof ServerLost) emit("server", { lost: true });
    else if (!(error instanceof Refused)) throw error;
  }
}
