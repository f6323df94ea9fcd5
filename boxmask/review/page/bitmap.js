// A mask as pixels of a rectangle of its image: painting, outlines, and COCO's run lengths.

import { pathOf } from "./shape.js";

/** A region of an image, {x, y, width, height}, with a byte for each pixel, row by row. */
export class Bitmap {
  constructor({ x, y, width, height }) {
    Object.assign(this, { x, y, width, height });
    this.bits = new Uint8Array(width * height);
  }

  /** Fill rings, whose corners lie where pixels meet, into a region [x, y, w, h]. */
  static of(rings, [x, y, width, height]) {
    const bitmap = new Bitmap({ x, y, width: Math.max(1, width), height: Math.max(1, height) });
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    pen.translate(-x, -y);
    pen.fill(new Path2D(pathOf(rings)), "evenodd");
    const { data } = pen.getImageData(0, 0, bitmap.width, bitmap.height);
    for (let k = 0; k < bitmap.bits.length; k++) bitmap.bits[k] = data[4 * k + 3] > 127 ? 1 : 0;
    return bitmap;
  }

  copy() {
    const copy = new Bitmap(this);
    copy.bits.set(this.bits);
    return copy;
  }

  /** The same pixels in a region that also holds [x, y, w, h]. */
  grown([x, y, width, height]) {
    const [left, top] = [Math.min(x, this.x), Math.min(y, this.y)];
    const right = Math.max(x + width, this.x + this.width);
    const bottom = Math.max(y + height, this.y + this.height);
    const grown = new Bitmap({ x: left, y: top, width: right - left, height: bottom - top });
    for (let row = 0; row < this.height; row++) {
      const line = this.bits.subarray(row * this.width, (row + 1) * this.width);
      grown.bits.set(line, (row + this.y - top) * grown.width + this.x - left);
    }
    return grown;
  }

  /** Set every pixel whose centre lies within `radius` of the way from one point to another. */
  stroke(from, to, radius, value) {
    const low = (a, b, corner) => Math.max(0, Math.floor(Math.min(a, b) - radius - corner));
    const high = (a, b, corner, side) => Math.min(side, Math.ceil(Math.max(a, b) + radius - corner));
    const [left, right] = [low(from.x, to.x, this.x), high(from.x, to.x, this.x, this.width)];
    const [top, bottom] = [low(from.y, to.y, this.y), high(from.y, to.y, this.y, this.height)];
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = dx * dx + dy * dy || 1;
    // A brush of less than a pixel still paints the pixel under it.
    const reach = Math.max(radius, 0.5) ** 2 + 1e-9;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const [px, py] = [x + this.x + 0.5 - from.x, y + this.y + 0.5 - from.y];
        const along = Math.max(0, Math.min(1, (px * dx + py * dy) / length));
        if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= reach) this.bits[y * this.width + x] = value;
      }
    }
  }

  /** The tight rectangle [x, y, w, h] of the set pixels; null if there are none. */
  bounds() {
    let [left, top, right, bottom] = [this.width, this.height, -1, -1];
    for (let y = 0; y < this.height; y++) {
      for (let x = 0; x < this.width; x++) {
        if (!this.bits[y * this.width + x]) continue;
        left = Math.min(left, x);
        right = Math.max(right, x);
        top = Math.min(top, y);
        bottom = y;
      }
    }
    return right < 0 ? null : [left + this.x, top + this.y, right - left + 1, bottom - top + 1];
  }

  /** The outline as the data of a path: every side between a set and an unset pixel. */
  outline() {
    return this.sides(this.width, this.height, false) + this.sides(this.height, this.width, true);
  }

  /** Sides along rows, or along columns if `turned`; neighbouring ones are joined. */
  sides(long, wide, turned) {
    const at = (u, v) => (v < 0 || v >= wide ? 0 : this.bits[turned ? u * this.width + v : v * this.width + u]);
    const parts = [];
    for (let v = 0; v <= wide; v++) {
      let begun = -1;
      for (let u = 0; u <= long; u++) {
        const side = u < long && at(u, v - 1) !== at(u, v);
        if (side && begun < 0) begun = u;
        if (side || begun < 0) continue;
        parts.push(turned ? `M${v + this.x} ${begun + this.y}V${u + this.y}` : `M${begun + this.x} ${v + this.y}H${u + this.x}`);
        begun = -1;
      }
    }
    return parts.join("");
  }

  /** Write as COCO's run lengths for an image of a size: {size: [height, width], counts}. */
  rle(width, height) {
    return { size: [height, width], counts: compress(this.runs(width, height)) };
  }

  /** Counts of unset, set, unset, ... pixels of the whole image, column by column. */
  runs(width, height) {
    const runs = [];
    let [value, from] = [0, 0];
    const turn = (place, next) => {
      if (next === value) return;
      runs.push(place - from);
      [value, from] = [next, place];
    };
    for (let x = 0; x < this.width; x++) {
      const column = (x + this.x) * height + this.y;
      for (let y = 0; y < this.height; y++) turn(column + y, this.bits[y * this.width + x]);
      const end = column + this.height;
      if (this.y || this.height < height) turn(end, 0); // background above and below the region
    }
    turn((this.x + this.width) * height, 0);
    const left = width * height - from;
    return left || !runs.length ? [...runs, left] : runs;
  }

  /** Draw into a canvas of the region's size, in a colour [r, g, b, a]. */
  paint(canvas, colour) {
    const image = new ImageData(this.width, this.height);
    const words = new Uint32Array(image.data.buffer);
    const word = new Uint32Array(new Uint8ClampedArray(colour).buffer)[0];
    for (let k = 0; k < words.length; k++) words[k] = this.bits[k] ? word : 0;
    canvas.getContext("2d").putImageData(image, 0, 0);
  }
}

/** COCO's text for runs: five bits a letter, each run from the third on less the one two before. */
export function compress(runs) {
  let text = "";
  runs.forEach((run, k) => {
    let left = k > 2 ? run - runs[k - 2] : run;
    let more = true;
    while (more) {
      let letter = left & 31;
      left >>= 5;
      more = letter & 16 ? left !== -1 : left !== 0;
      if (more) letter |= 32;
      text += String.fromCharCode(letter + 48);
    }
  });
  return text;
}
