// Gestures that change a mask: sides of the box, clicks, brush strokes, new boxes.

import { clamp } from "./dom.js";
import { Correction } from "./correction.js";

const SMALLEST = 4; // sides of a new box, pixels; less was a slip of the hand

export class Editing {
  /** `host` has subject(), changed(), say(text), lost(), stage, drawing. */
  constructor(host) {
    this.host = host;
    this.tool = "adjust"; // or brush, draw
    this.erasing = false;
    this.outside = false; // what a tap says, for those who have one finger and no keys
    this.radius = 14; // of the brush, pixels of the screen
    this.correction = null;
    this.isNew = false; // the correction is of an annotation that is not stored yet
  }

  /** The mask in question: the correction's, else the stored one. */
  get step() {
    return this.correction?.step ?? null;
  }

  get pending() {
    return Boolean(this.correction?.changed);
  }

  discard() {
    this.correction = null;
    this.isNew = false;
  }

  choose(tool) {
    if (tool === "brush" && this.tool === "brush") this.erasing = !this.erasing;
    else this.erasing = false;
    this.tool = tool;
    if (tool !== "brush") this.host.drawing.brushAt(null, 0, false);
  }

  /** The correction of the instance in view, begun now if there is none. */
  start(subject = this.host.subject()) {
    this.correction ??= new Correction(subject, {
      changed: () => this.host.changed(),
      trouble: (text) => this.host.say(text),
      lost: () => this.host.lost(),
    });
    return this.correction;
  }

  press(point, event) {
    if (this.tool === "brush") return this.stroke(point, event);
    if (this.tool === "draw" && event.button === 0) return this.rectangle(point);
    const side = event.target.closest?.("[data-side]")?.dataset.side;
    return side && event.button === 0 ? this.drag(side) : null;
  }

  /** Drag a side or a corner of the box. */
  drag(side) {
    const correction = this.start();
    const from = correction.step.box;
    let begun = false;
    return {
      move: (point) => {
        if (!begun) correction.begin();
        begun = true;
        correction.moveBox(pulled(from, side, point, this.host.stage.size));
      },
      end: (_, __, cancelled) => cancelled && begun && correction.undo(),
    };
  }

  /** Move a side by the keyboard. */
  nudge(side, event) {
    const way = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const correction = this.start();
    const [x, y, width, height] = correction.step.box;
    const corner = { x: side === "w" ? x : x + width, y: side === "n" ? y : y + height };
    const by = way * (event.shiftKey ? 10 : 1);
    correction.begin();
    correction.moveBox(pulled(correction.step.box, side, { x: corner.x + by, y: corner.y + by }, this.host.stage.size));
  }

  tap(point, event) {
    if (!within(point, this.host.stage.size)) return;
    if (!(this.step ?? this.host.subject()).box) return this.host.say("It has no box that can be read: paint its mask with the brush (E)");
    const outside = event.button === 2 || event.shiftKey || event.altKey || this.outside;
    const { x, y } = point;
    this.start().click({ x: round(x), y: round(y), inside: !outside }, 9 / this.host.stage.view.scale);
  }

  stroke(point, event) {
    const erasing = this.erasing !== (event.button === 2 || event.shiftKey || event.altKey);
    const correction = this.start();
    const bitmap = correction.pixels(this.host.stage.sight());
    const radius = this.radius / this.host.stage.view.scale;
    let last = point;
    const paint = (next, place) => {
      bitmap.stroke(last, next, radius, erasing ? 0 : 1);
      last = next;
      this.host.drawing.showPaint(bitmap);
      this.host.drawing.current.classList.add("painted", "painting");
      this.host.drawing.brushAt(place, this.radius, erasing);
    };
    paint(point, event);
    return {
      move: paint,
      end: (_, __, cancelled) => {
        this.host.drawing.current.classList.remove("painting");
        if (cancelled) return this.host.changed();
        correction.begin();
        correction.paint(bitmap);
      },
    };
  }

  /** Draw the box of a new annotation. */
  rectangle(start) {
    this.discard();
    const { image, width, height } = this.host.subject();
    const size = this.host.stage.size;
    const from = { x: clamp(start.x, 0, size[0]), y: clamp(start.y, 0, size[1]) };
    const subject = { image, width, height, box: null, rings: null, iou: null, window: null, row: null };
    return {
      move: (point) => {
        const box = pulled([from.x, from.y, 0, 0], corner(from, point), point, size);
        if (box[2] < SMALLEST || box[3] < SMALLEST) return;
        if (!this.correction) this.start(subject).begin();
        this.isNew = true;
        this.correction.moveBox(box);
      },
      end: (_, __, cancelled) => {
        if (cancelled) this.discard();
        this.host.changed();
      },
    };
  }

  thicker(factor) {
    this.radius = clamp(this.radius * factor, 1, 200);
  }
}

const round = (value) => Math.round(value * 10) / 10;

const within = ({ x, y }, [width, height]) => x >= 0 && y >= 0 && x < width && y < height;

const corner = (from, to) => (to.y < from.y ? "n" : "s") + (to.x < from.x ? "w" : "e");

/** The box [x, y, w, h] with a side or corner moved to a point, in whole pixels within the image. */
export function pulled([x, y, width, height], side, point, [across, down]) {
  let [left, top, right, bottom] = [x, y, x + width, y + height];
  const [px, py] = [clamp(Math.round(point.x), 0, across), clamp(Math.round(point.y), 0, down)];
  if (side.includes("w")) left = Math.min(px, right - 1);
  if (side.includes("e")) right = Math.max(px, left + 1);
  if (side.includes("n")) top = Math.min(py, bottom - 1);
  if (side.includes("s")) bottom = Math.max(py, top + 1);
  return [left, top, right - left, bottom - top];
}
