// One instance close up, or a whole image with all its masks: shown, corrected, drawn upon.

import { get, Refused, ServerLost } from "./api.js";
import { details } from "./details.js";
import { byId, count, el } from "./dom.js";
import { Drawing } from "./drawing.js";
import { Editing } from "./editing.js";
import { saveCorrection, saveDrawn } from "./judge.js";
import { total } from "./list.js";
import { pathOf } from "./shape.js";
import { Stage } from "./stage.js";
import { emit, on, state } from "./state.js";
import { Strip } from "./strip.js";

const SWIPE = 60; // pixels

export class Viewer {
  /** `run` has a function for each action of the panel, `swipe(way)` and `go(index)`. */
  constructor(run) {
    this.run = run;
    this.instance = null; // the one in question; none on an image of which nothing is chosen
    this.image = null; // {image, file_name, width, height, rows, total}, in the view of a whole image
    this.stage = new Stage({
      press: (point, event) => this.editing.press(point, event),
      tap: (point, event) => this.tapped(point, event),
      hover: (_, event) => this.drawing.brushAt(this.editing.tool === "brush" ? event : null, this.editing.radius, this.editing.erasing),
      swipe: (dx) => Math.abs(dx) > SWIPE && this.run.swipe(dx < 0 ? 1 : -1),
      wheel: (event) => event.shiftKey && this.editing.tool === "brush" && (this.thicker(event.deltaY + event.deltaX < 0), true),
    });
    this.drawing = new Drawing(this.stage, (side, event) => this.editing.nudge(side, event));
    this.editing = new Editing(this);
    this.panel = details(run);
    const frame = el("div", { class: "stage-frame" }, this.stage.root, this.panel.bar);
    byId("viewer").append(el("div", { class: "stage-side" }, frame, new Strip(run.go).root), this.panel.root);
    on("row", (instance) => this.changedElsewhere(instance));
  }

  /** Show one instance close up. */
  show(instance) {
    const sameImage = this.instance?.image === instance.image && !this.image;
    this.take(instance);
    this.image = null;
    this.drawing.drawOthers([], null);
    this.drawing.pictures(instance, instance, 1280);
    this.stage.fit(instance.window, sameImage);
    this.changed();
  }

  /** Show the whole image of an instance with all its masks, or an image by its number. */
  async showImage(number, instance = null) {
    try {
      this.image = await get(`api/image/${number}`);
    } catch (error) {
      if (error instanceof ServerLost) return emit("server", { lost: true });
      if (error instanceof Refused) return emit("trouble", error.message);
      throw error;
    }
    this.take(this.image.rows.find((one) => one.row === instance?.row) ?? instance);
    this.drawing.pictures(this.image, null, 0);
    this.stage.fit([0, 0, this.image.width, this.image.height], false);
    this.changed();
  }

  take(instance) {
    this.editing.discard();
    if (this.editing.tool === "draw") this.editing.choose("adjust");
    this.instance = instance;
  }

  /** Draw what there is: the stored mask, or the correction that is under way. */
  changed() {
    const { instance, editing } = this;
    const stored = instance && { path: pathOf(instance.rings), box: instance.box };
    const shown = editing.step ?? stored ?? {};
    const corners = editing.isNew ? null : instance?.corners;
    const handles = editing.tool === "adjust" && Boolean(shown.box) && !corners;
    if (this.image) this.drawing.drawOthers(this.image.rows, editing.isNew ? undefined : instance?.row);
    this.drawing.drawCurrent(shown, { corners, handles });
    this.stage.root.dataset.tool = editing.tool;
    const more = this.image && `${this.image.file_name}, ${count(this.image.total, "mask")}`;
    const position = `${(state.index + 1).toLocaleString("en")} of ${(total ?? 0).toLocaleString("en")}`;
    this.panel.show({ instance, editing, scope: this.image ? "all" : "one", position, more });
  }

  changedElsewhere(instance) {
    const rows = this.image?.rows ?? [];
    const place = rows.findIndex((one) => one.row === instance.row);
    if (place >= 0) rows[place] = instance;
    if (this.instance?.row !== instance.row) return place >= 0 && this.changed();
    this.instance = instance;
    return this.changed();
  }

  tapped(point, event) {
    if (!this.image || this.editing.isNew) return this.instance && this.editing.tool === "adjust" && this.editing.tap(point, event);
    const under = document.elementsFromPoint(event.clientX, event.clientY);
    const row = under.map((one) => one.closest("[data-row]")?.dataset.row).find(Boolean);
    const chosen = this.image.rows.find((one) => String(one.row) === row);
    if (!chosen || !this.settle()) return null;
    this.take(chosen);
    this.changed();
    return emit("chosen", chosen);
  }

  choose(tool) {
    if (tool === "brush" && !this.instance && !this.editing.isNew) return emit("say", "Choose a mask first");
    this.editing.choose(tool);
    return this.changed();
  }

  thicker(more) {
    this.editing.thicker(more ? 1.25 : 0.8);
    this.drawing.circle.setAttribute("r", this.editing.radius);
  }

  /** Give a correction up; false if there was none. */
  cancel() {
    if (!this.editing.correction && this.editing.tool === "adjust") return false;
    this.editing.discard();
    this.editing.choose("adjust");
    this.changed();
    return true;
  }

  /** Save a finished correction before something else is shown; false if it has to stay, which is said. */
  settle() {
    if (!this.editing.pending) return true;
    return this.editing.isNew ? refuse("Save the new mask (S), or give it up (Esc)") : this.save(() => {});
  }

  /** Save what is under way, then do `then`; false if that cannot be. */
  save(then) {
    const { editing, instance } = this;
    if (!editing.pending) return false;
    if (!editing.correction.ready) return refuse(editing.correction.busy ? "The mask is still on its way" : "There is no mask to save: give it up (Esc)");
    const result = editing.correction.result();
    if (!editing.isNew) return saveCorrection(instance, result, () => {}) && this.saved(then);
    const name = byId("new-class").value.trim();
    if (!name) {
      byId("new-class").focus();
      return refuse("Which class is it?");
    }
    if (!state.summary.categories.some((one) => one.name === name)) emit("say", `${name} is a new class`);
    const { image } = editing.correction.subject;
    return saveDrawn(image, result, name, (drawn) => this.showImage(drawn.image, drawn)) && this.saved(() => {});
  }

  saved(then) {
    this.editing.discard();
    this.editing.choose("adjust");
    this.changed();
    then();
    return true;
  }

  // What Editing asks of its host.

  subject() {
    return this.instance && this.editing.tool !== "draw" ? this.instance : (this.image ?? this.instance);
  }

  say(text) {
    emit("trouble", text);
  }

  lost() {
    emit("server", { lost: true });
  }
}

/** Say why something is not done; false. */
function refuse(text) {
  emit("say", text);
  return false;
}
