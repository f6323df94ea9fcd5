// What lies over the picture of the viewer: masks, boxes, handles, clicks, the brush's circle.

import { cropUrl, imageUrl } from "./api.js";
import { el, svg } from "./dom.js";
import { boxShape, hue, maskShape, pathOf } from "./shape.js";

const SIDES = ["n", "e", "s", "w", "nw", "ne", "se", "sw"];
const SIDE_NAMES = { n: "Top", e: "Right", s: "Bottom", w: "Left" };

export class Drawing {
  constructor(stage, onkey) {
    this.stage = stage;
    this.onkey = onkey; // (side, event): a handle moved with the keyboard
    this.others = svg("g", { class: "others" });
    this.current = svg("g", { class: "current" });
    this.hits = svg("g", { class: "hits" });
    stage.world.append(this.others, this.current, this.hits);
    this.handles = svg("g", { class: "handles" });
    this.clicks = svg("g", { class: "clicks" });
    this.circle = svg("circle", { class: "brush-circle", r: 10, cx: -99, cy: -99 });
    stage.screen.append(this.handles, this.clicks, this.circle);
    this.canvas = el("canvas", { class: "paint" });
    this.keyHandles = el("div", { class: "key-handles" }, ...["n", "e", "s", "w"].map((side) => this.keyHandle(side)));
    stage.root.append(this.keyHandles);
  }

  /** Sides of the box for those who use the keyboard: arrows move one, Shift by ten pixels. */
  keyHandle(side) {
    const name = { "aria-label": `${SIDE_NAMES[side]} side of the box`, role: "slider", tabindex: "0" };
    const focus = (on) => this.hits.querySelector(`[data-side=${side}]`)?.classList.toggle("focus", on);
    const heard = { onfocus: () => focus(true), onblur: () => focus(false) };
    return el("span", { ...name, ...heard, "data-key-side": side, onkeydown: (event) => this.onkey(side, event) });
  }

  /** Show an image, and if given the sharp crop of an instance in it. */
  pictures(subject, crop, side) {
    const { image, width, height } = subject;
    this.stage.size = [width, height];
    const whole = placed(imageUrl(image, 1600), [0, 0, width, height], "whole-image");
    const parts = [whole];
    if (crop) parts.push(placed(cropUrl(crop, side), crop.window, "sharp"));
    if (this.image === image && this.stage.pixels.firstChild) parts[0] = this.stage.pixels.firstChild;
    this.image = image;
    whole.addEventListener("error", () => this.stage.root.classList.add("unreadable"));
    this.stage.root.classList.remove("unreadable");
    this.stage.pixels.replaceChildren(...parts, this.canvas);
    this.canvas.hidden = true;
  }

  /** Draw the masks of the other instances of an image, each in a colour of its own. */
  drawOthers(instances, current) {
    const shapes = instances.map((instance) => {
      if (instance.row === current) return "";
      const shape = svg("g", { class: "other", "data-row": instance.row, style: false });
      if (instance.rings) shape.append(maskShape(pathOf(instance.rings)));
      if (instance.box) shape.append(boxShape(instance.box, instance.corners));
      shape.style.setProperty("--mask", hue(numberOf(instance.row)));
      return shape;
    });
    this.others.replaceChildren(...shapes.filter(Boolean));
  }

  /** Draw the instance in question as a correction's step or as it is stored. */
  drawCurrent({ path, box, points, bitmap }, { corners, handles, colour }) {
    this.current.style.setProperty("--mask", colour ?? "");
    this.current.classList.toggle("painted", Boolean(bitmap));
    this.current.replaceChildren(...(path ? [maskShape(path)] : []), ...(box ? [boxShape(box, corners)] : []));
    this.showPaint(bitmap);
    this.drawHandles(handles ? box : null);
    this.clicks.replaceChildren(...(points ?? []).map(clickMark));
    this.stage.settle();
  }

  showPaint(bitmap) {
    this.canvas.hidden = !bitmap;
    if (!bitmap) return;
    const { x, y, width, height } = bitmap;
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    Object.assign(this.canvas.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    bitmap.paint(this.canvas, [57, 198, 255, 255]);
  }

  drawHandles(box) {
    this.keyHandles.hidden = !box;
    if (!box) {
      this.hits.replaceChildren();
      return this.handles.replaceChildren();
    }
    const [x, y, width, height] = box;
    const [right, bottom] = [x + width, y + height];
    const ends = { n: [x, y, right, y], s: [x, bottom, right, bottom], w: [x, y, x, bottom], e: [right, y, right, bottom] };
    const values = { n: y, s: bottom, w: x, e: right };
    const focused = document.activeElement?.dataset?.keySide;
    this.hits.replaceChildren(...Object.entries(ends).map(([side, [x1, y1, x2, y2]]) => {
      const line = svg("line", { x1, y1, x2, y2, class: `hit ${side === focused ? "focus" : ""}`, "data-side": side });
      return line;
    }));
    for (const one of this.keyHandles.children) {
      one.setAttribute("aria-valuenow", Math.round(values[one.dataset.keySide]));
      one.setAttribute("aria-valuemin", 0);
      one.setAttribute("aria-valuemax", this.stage.size[Number("ns".includes(one.dataset.keySide))]);
    }
    const marks = SIDES.map((side) => {
      const across = side.includes("w") ? x : side.includes("e") ? right : (x + right) / 2;
      const down = side.includes("n") ? y : side.includes("s") ? bottom : (y + bottom) / 2;
      const reach = svg("circle", { r: 13, class: "reach" });
      const grip = svg("circle", { r: side.length === 2 ? 5.5 : 4, class: "grip" });
      return svg("g", { "data-x": across, "data-y": down, "data-side": side }, reach, grip);
    });
    this.handles.replaceChildren(...marks);
  }

  /** Show the brush at a place of the screen; `null` hides it. */
  brushAt(place, radius, erasing) {
    const { left, top } = this.stage.root.getBoundingClientRect();
    this.circle.setAttribute("cx", place ? place.clientX - left : -999);
    this.circle.setAttribute("cy", place ? place.clientY - top : -999);
    this.circle.setAttribute("r", radius);
    this.circle.classList.toggle("erasing", erasing);
  }
}

/** A number that a row keeps, so that its colour stays when others come. */
function numberOf(row) {
  return typeof row === "number" ? row + 1 : -Number(row.slice("new-".length));
}

function placed(src, [x, y, width, height], kind) {
  const image = el("img", { src, class: kind, alt: "", draggable: "false" });
  if (kind === "sharp") image.addEventListener("error", () => image.remove());
  Object.assign(image.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  return image;
}

/** A click: a disc with a plus, or a square with a minus. */
function clickMark({ x, y, inside }) {
  const plate = inside ? svg("circle", { r: 8 }) : svg("rect", { x: -8, y: -8, width: 16, height: 16, rx: 2 });
  const sign = svg("path", { d: inside ? "M-4 0h8M0 -4v8" : "M-4 0h8" });
  return svg("g", { class: inside ? "inside" : "outside", "data-x": x, "data-y": y }, plate, sign);
}
