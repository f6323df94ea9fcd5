// The neighbours of an instance in the list, as a strip of small pictures under it.

import { clamp, el, icon } from "./dom.js";
import { at, total, want } from "./list.js";
import { on, state } from "./state.js";
import { picture, spoken, verdictOf } from "./tile.js";

const PITCH = 70; // pixels from one to the next
const SIDE = 320; // of the pictures that are asked for: those that the grid has

export class Strip {
  /** `go` is told the index that was chosen. */
  constructor(go) {
    this.go = go;
    this.root = el("nav", { class: "strip", "aria-label": "Neighbours in the list" });
    this.made = new Map(); // index -> {instance, thumb}
    new ResizeObserver(() => this.draw()).observe(this.root);
    for (const event of ["list", "cursor", "row", "view"]) on(event, () => this.draw());
  }

  /** Show as many as there is room for, the present one in the middle. */
  draw() {
    this.root.hidden = state.view !== "one";
    const many = Math.floor(this.root.clientWidth / PITCH);
    if (this.root.hidden || !many || !total) return;
    const first = clamp(state.index - Math.floor(many / 2), 0, Math.max(0, total - many));
    const places = Array.from({ length: Math.min(many, total) }, (_, k) => first + k);
    want(first, places.at(-1));
    this.made = new Map(places.filter(at).map((index) => [index, this.kept(index)]));
    this.root.replaceChildren(...[...this.made.values()].map(({ thumb }) => thumb));
  }

  /** The picture of an index, the one that is there already if nothing has changed. */
  kept(index) {
    const instance = at(index);
    const before = this.made.get(index);
    const thumb = before?.instance === instance ? before.thumb : this.thumb(index, instance);
    thumb.setAttribute("aria-current", String(index === state.index));
    return { instance, thumb };
  }

  // Out of the order of Tab: the arrows go where it leads.
  thumb(index, instance) {
    const name = { type: "button", class: "thumb", tabindex: "-1", "aria-label": spoken(instance) };
    const verdict = verdictOf(instance);
    const badge = verdict ? el("span", { class: `badge ${verdict}` }, icon(verdict)) : "";
    return el("button", { ...name, onclick: () => this.go(index) }, picture(instance, SIDE), badge);
  }
}
