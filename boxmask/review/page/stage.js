// A picture that can be zoomed and dragged, with a drawing over it in pixels of the image.
//
// Layers, from below: the whole image, the sharper crop of one instance, the canvas of the brush,
// and an SVG with a group `world` in pixels of the image and a group `screen` for what keeps its
// size on the screen: its children carry data-x and data-y.

import { calm, clamp, el, svg } from "./dom.js";

const FARTHEST = 40; // screen pixels for one of the image
const TAP = 5; // a press that moves less than this is a tap

export class Stage {
  /** `on` has press(point, event) -> {move, end} or null, tap(point, event), swipe(dx, dy), seen(). */
  constructor(on) {
    this.on = on;
    this.world = svg("g", { class: "world" });
    this.screen = svg("g", { class: "screen" });
    this.drawing = svg("svg", { class: "drawing", "aria-hidden": "true" }, this.world, this.screen);
    this.pixels = el("div", { class: "pixels" });
    this.root = el("div", { class: "stage" }, this.pixels, this.drawing);
    this.view = { scale: 1, x: 0, y: 0 };
    this.size = [1, 1];
    this.framed = null; // the rectangle last fitted, until somebody zooms
    this.pointers = new Map();
    this.listen();
    new ResizeObserver(() => this.framed && this.fit(this.framed, false)).observe(this.root);
  }

  listen() {
    const { root } = this;
    root.addEventListener("pointerdown", (event) => this.down(event));
    root.addEventListener("pointermove", (event) => this.move(event));
    root.addEventListener("pointerup", (event) => this.up(event));
    root.addEventListener("pointercancel", (event) => this.up(event, true));
    root.addEventListener("contextmenu", (event) => event.preventDefault());
    root.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
  }

  /** Fit a rectangle [x, y, w, h] of the image into the view. */
  fit(rectangle, smooth = true) {
    const [x, y, width, height] = rectangle;
    const { clientWidth: wide, clientHeight: high } = this.root;
    if (!wide || !high) return void (this.framed = rectangle);
    const margin = Math.min(28, wide * 0.04);
    const scale = Math.min((wide - 2 * margin) / width, (high - 2 * margin) / height, FARTHEST);
    const centre = { x: wide / 2 - (x + width / 2) * scale, y: high / 2 - (y + height / 2) * scale };
    this.framed = rectangle;
    this.fitted = scale;
    if (smooth && !calm() && this.drawn) this.glide({ scale, ...centre });
    else this.set({ scale, ...centre });
    this.drawn = true;
  }

  glide(goal) {
    const from = { ...this.view };
    const begun = performance.now();
    const mine = (this.gliding = {});
    const step = (now) => {
      if (mine !== this.gliding) return;
      const t = clamp((now - begun) / 180, 0, 1);
      const k = 1 - (1 - t) ** 3;
      const scale = from.scale * (goal.scale / from.scale) ** k;
      const part = Math.abs(goal.scale - from.scale) < 1e-9 ? k : (scale - from.scale) / (goal.scale - from.scale);
      const between = (name) => from[name] + (goal[name] - from[name]) * part;
      this.put({ scale, x: between("x"), y: between("y") });
      if (t < 1) requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  }

  /** Stop gliding and take a view at once. */
  set(view) {
    this.gliding = null;
    this.put(view);
  }

  put(view) {
    this.view = view;
    const { scale, x, y } = view;
    this.pixels.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.pixels.classList.toggle("coarse", scale > 2.5);
    this.world.setAttribute("transform", `matrix(${scale} 0 0 ${scale} ${x} ${y})`);
    this.settle();
    this.on.seen?.();
  }

  /** Put the children of `screen` where the image has them. */
  settle() {
    const { scale, x, y } = this.view;
    for (const mark of this.screen.querySelectorAll("[data-x]")) {
      const [across, down] = [mark.dataset.x * scale + x, mark.dataset.y * scale + y];
      mark.setAttribute("transform", `translate(${across} ${down})`);
    }
  }

  /** The point of the image under a pointer. */
  point({ clientX, clientY }) {
    const { left, top } = this.root.getBoundingClientRect();
    const { scale, x, y } = this.view;
    return { x: (clientX - left - x) / scale, y: (clientY - top - y) / scale };
  }

  /** The part of the image in sight, [x, y, w, h], within the image. */
  sight() {
    const { scale, x, y } = this.view;
    const [width, height] = this.size;
    const left = clamp(Math.floor(-x / scale), 0, width);
    const top = clamp(Math.floor(-y / scale), 0, height);
    const right = clamp(Math.ceil((this.root.clientWidth - x) / scale), 0, width);
    const bottom = clamp(Math.ceil((this.root.clientHeight - y) / scale), 0, height);
    return [left, top, right - left, bottom - top];
  }

  /** Zoom about a place of the screen, the middle if none is given. */
  zoom(factor, clientX, clientY) {
    const { left, top, width, height } = this.root.getBoundingClientRect();
    const [px, py] = [(clientX ?? left + width / 2) - left, (clientY ?? top + height / 2) - top];
    const lowest = Math.min(this.fitted ?? 1, Math.min(width / this.size[0], height / this.size[1])) * 0.5;
    const scale = clamp(this.view.scale * factor, lowest, FARTHEST);
    const k = scale / this.view.scale;
    this.framed = null;
    this.set({ scale, x: px - (px - this.view.x) * k, y: py - (py - this.view.y) * k });
  }

  wheel(event) {
    event.preventDefault();
    if (this.on.wheel?.(event)) return;
    const lines = event.deltaMode === 1 ? 30 : 1;
    this.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), event.clientX, event.clientY);
  }

  down(event) {
    this.root.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (this.pointers.size === 2) return this.pinch();
    if (this.pointers.size > 2) return;
    const gesture = event.button === 1 ? null : this.on.press?.(this.point(event), event);
    this.gesture = gesture ?? this.drag(event);
  }

  move(event) {
    if (this.pointers.has(event.pointerId)) this.pointers.set(event.pointerId, event);
    if (this.pinched) this.pinched();
    else if (this.gesture) this.gesture.move(this.point(event), event);
    else this.on.hover?.(this.point(event), event);
  }

  up(event, cancelled = false) {
    if (!this.pointers.delete(event.pointerId)) return;
    if (this.pinched) {
      if (!this.pointers.size) this.pinched = null;
      return;
    }
    const gesture = this.gesture;
    this.gesture = null;
    gesture?.end(this.point(event), event, cancelled);
  }

  /** Drag the picture; what hardly moves is a tap, and a wipe over a fitted picture is a swipe. */
  drag(start) {
    const from = { ...this.view };
    let moved = false;
    const swiping = start.pointerType === "touch" && this.framed && this.on.swipe;
    const way = (event) => [event.clientX - start.clientX, event.clientY - start.clientY];
    return {
      move: (_, event) => {
        const [dx, dy] = way(event);
        moved ||= Math.hypot(dx, dy) > TAP;
        if (!moved) return;
        if (swiping) return this.on.swiping?.(dx, dy);
        this.framed = null;
        this.set({ ...from, x: from.x + dx, y: from.y + dy });
      },
      end: (point, event, cancelled) => {
        if (!moved && !cancelled && start.button !== 1) this.on.tap?.(point, event);
        else if (swiping) this.on.swipe(...(cancelled ? [0, 0] : way(event)));
      },
    };
  }

  /** Two fingers: zoom and drag at once. What one finger had begun is given up. */
  pinch() {
    const first = [...this.pointers.values()][0];
    this.gesture?.end(this.point(first), first, true);
    this.gesture = null;
    const from = { ...this.view };
    const start = this.fingers();
    const { left, top } = this.root.getBoundingClientRect();
    this.framed = null;
    this.pinched = () => {
      if (this.pointers.size < 2) return;
      const now = this.fingers();
      const k = clamp(now.apart / start.apart, 0.1, 10);
      const x = now.x - left - (start.x - left - from.x) * k;
      const y = now.y - top - (start.y - top - from.y) * k;
      this.set({ scale: clamp(from.scale * k, 0.01, FARTHEST), x, y });
    };
  }

  fingers() {
    const [one, other] = [...this.pointers.values()];
    const apart = Math.max(10, Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY));
    return { apart, x: (one.clientX + other.clientX) / 2, y: (one.clientY + other.clientY) / 2 };
  }
}
