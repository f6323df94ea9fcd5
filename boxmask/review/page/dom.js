// Small helpers for elements; every other module builds its markup with these.

/** Make an HTML element; attributes that begin with "on" are listeners, `false` leaves one out. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Make an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** A symbol of index.html. */
export function icon(name) {
  const use = svg("use", { href: `#i-${name}` });
  return svg("svg", { "aria-hidden": "true", class: `icon-${name}` }, use);
}

/** A button with a symbol, its name and its key. */
export function button(name, symbol, key, onclick, attributes = {}) {
  const cap = key ? el("kbd", { "aria-hidden": "true" }, key) : "";
  const parts = [symbol ? icon(symbol) : "", el("span", {}, name), cap];
  return el("button", { type: "button", onclick, ...attributes }, ...parts);
}

export const byId = (id) => document.getElementById(id);

const PLURALS = { class: "classes", box: "boxes" };

/** "1 mask", "12,000 masks". */
export function count(number, noun) {
  const name = number === 1 ? noun : (PLURALS[noun] ?? `${noun}s`);
  return `${number.toLocaleString("en")} ${name}`;
}

/** Limit how far a number goes. */
export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== "" && child != null));
  return node;
}
