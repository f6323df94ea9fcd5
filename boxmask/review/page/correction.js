// A mask being corrected, or drawn: its box, clicks and pixels, and the steps that led there.
//
// A step is never changed, only replaced: {box, points, rings, bitmap, path, iou, rle, by}. `bitmap`
// is there once the brush was used; a prediction answers with rings and with rle.

import { post, Refused, ServerLost } from "./api.js";
import { Bitmap } from "./bitmap.js";
import { pathOf } from "./shape.js";

export class Correction {
  /** `subject` is an instance, or {image, width, height, box} of a new one; `on` has changed(), trouble(text), lost(). */
  constructor(subject, on) {
    this.subject = subject;
    this.on = on;
    const { box, rings, iou } = subject;
    this.step = { box, points: [], rings, path: pathOf(rings), iou, bitmap: null, rle: null, by: new Set() };
    this.past = [];
    this.future = [];
    this.busy = false; // a prediction is on its way
    this.ms = null; // how long the last one took, in the page's eyes
  }

  get changed() {
    return this.past.length > 0;
  }

  /** Whether there is something to save. */
  get ready() {
    return this.changed && !this.busy && Boolean(this.step.rle || this.step.bitmap?.bounds());
  }

  undo() {
    return this.turn(this.past, this.future);
  }

  redo() {
    return this.turn(this.future, this.past);
  }

  turn(from, to) {
    if (!from.length) return false;
    to.push(this.step);
    this.step = from.pop();
    this.wanted = null;
    this.on.changed();
    return true;
  }

  /** Remember the present step: what follows replaces it. */
  begin() {
    this.past.push(this.step);
    this.future = [];
  }

  /** Take a new box while a side is dragged; the mask follows as fast as it is predicted. */
  moveBox(box) {
    this.change({ box, bitmap: null, rle: null }, "box");
    this.predict();
  }

  /** Click at a point: the mask is to hold it, or to leave it out. A click on a former one takes it away. */
  click(point, reach) {
    const { points } = this.step;
    const near = points.findIndex((one) => Math.hypot(one.x - point.x, one.y - point.y) < reach);
    this.begin();
    const left = near < 0 ? [...points, point] : points.toSpliced(near, 1);
    this.change({ points: left, rle: null }, "points");
    this.predict();
  }

  /** The pixels of the mask, in a region that holds at least `sight`, for the brush to paint on. */
  pixels(sight) {
    const { bitmap, rings } = this.step;
    const { window } = this.subject;
    const start = bitmap?.copy() ?? Bitmap.of(rings ?? [], region(rings, window ?? sight, this.subject));
    return start.grown(sight);
  }

  /** Take painted pixels. Clicks before it are in them already. */
  paint(bitmap) {
    const path = bitmap.outline();
    this.change({ bitmap, path, points: [], rings: null, rle: null, iou: null }, "brush");
  }

  change(changes, by) {
    this.step = { ...this.step, ...changes, by: new Set([...this.step.by, by]) };
    this.on.changed();
  }

  /** What the server is to keep: {rle, box, by}; where there was no box, that of the pixels. */
  result() {
    const { bitmap, rle, box, by } = this.step;
    const { width, height } = this.subject;
    const mask = bitmap ? bitmap.rle(width, height) : rle;
    const names = [...by];
    return { rle: mask, box: box ?? bitmap?.bounds(), by: names.length === 1 ? names[0] : names };
  }

  /** Predict for the newest box and points; one question at a time, and the latest one wins. */
  async predict() {
    this.wanted = this.step;
    if (this.busy) return;
    this.busy = true;
    this.on.changed();
    while (this.wanted) {
      const step = this.wanted;
      this.wanted = null;
      await this.ask(step);
    }
    this.busy = false;
    this.on.changed();
  }

  async ask(step) {
    const begun = performance.now();
    try {
      const found = await post("api/predict", this.question(step));
      this.ms = performance.now() - begun;
      this.answer(step, found);
    } catch (error) {
      if (error instanceof ServerLost) this.on.lost();
      else if (error instanceof Refused) this.on.trouble(error.message);
      else throw error;
    }
  }

  question({ box, points, bitmap }) {
    const { image, row, width, height } = this.subject;
    const base = bitmap?.rle(width, height) ?? null;
    return { image, box, points, base, ...(row == null ? {} : { row }) };
  }

  /** Put an answer in the step that it is for, unless that was undone meanwhile. */
  answer({ box, points }, { rle, rings, iou }) {
    const { step } = this;
    if (step.points !== points) return;
    const path = pathOf(rings);
    if (step.box === box) this.step = { ...step, rle, rings, path, iou, bitmap: null };
    else if (this.wanted) this.step = { ...step, path, iou }; // still dragged: show what there is
    this.on.changed();
  }
}

/** A region [x, y, w, h] that holds rings and a window. */
function region(rings, [x, y, width, height], image) {
  let [left, top, right, bottom] = [x, y, x + width, y + height];
  for (const ring of rings ?? []) {
    for (let k = 0; k < ring.length; k += 2) {
      left = Math.min(left, ring[k]);
      right = Math.max(right, ring[k]);
      top = Math.min(top, ring[k + 1]);
      bottom = Math.max(bottom, ring[k + 1]);
    }
  }
  [left, top] = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top))];
  right = Math.min(image.width, Math.ceil(right));
  bottom = Math.min(image.height, Math.ceil(bottom));
  return [left, top, right - left, bottom - top];
}
