// The keyboard: which key does what, and the page that says so.

import { byId, el } from "./dom.js";

// what, the keys as they are written, and the action's name. A key may do one thing in the grid
// and another in an instance: actions look at where they are.
export const KEYS = [
  ["Judge", [
    ["Accept, and on to the next", ["A"], "accept"],
    ["Reject, and on to the next", ["X", "R"], "reject"],
    ["Needs work, and on to the next", ["F"], "fix"],
    ["Undo, as often as you like", ["Z", "Ctrl+Z", "Backspace"], "undo"],
    ["Redo", ["Shift+Z", "Ctrl+Y", "Ctrl+Shift+Z"], "redo"],
  ]],
  ["Move", [
    ["Next, previous", ["→", "←", "J", "K", "Space"], ""],
    ["A row down, up", ["↓", "↑"], ""],
    ["First, last", ["Home", "End"], ""],
    ["A screen on; the next or former image", ["PgDn", "PgUp"], ""],
    ["Open the instance", ["Enter"], "enter"],
    ["Back, or give a correction up", ["Esc"], "back"],
    ["Whole image with all its masks", ["W"], "whole"],
  ]],
  ["See", [
    ["Fill and outline, outline, nothing", ["O"], "mask"],
    ["Hide the mask while the key is down", ["H"], ""],
    ["Boxes", ["B"], "box"],
    ["Zoom", ["+", "−", "0"], ""],
    ["Find a class", ["/"], "find"],
    ["These keys", ["?"], "help"],
  ]],
  ["Correct", [
    ["Predict the mask anew", ["drag a side of the box"], ""],
    ["This belongs to it", ["click"], ""],
    ["This does not", ["right click", "Shift click"], ""],
    ["Brush; again to erase", ["E"], "brush"],
    ["Size of the brush", ["[", "]", "Shift wheel"], ""],
    ["Box and clicks", ["V"], "adjust"],
    ["Draw a new box", ["N"], "draw"],
    ["Save, and on to the next", ["S", "Enter", "A"], "save"],
  ]],
];

const ACTIONS = {
  a: "accept", x: "reject", r: "reject", f: "fix", z: "undo", Z: "redo", Backspace: "undo",
  ArrowRight: "next", ArrowLeft: "previous", j: "next", k: "previous", " ": "next",
  ArrowDown: "down", ArrowUp: "up", Home: "first", End: "last", PageDown: "screenDown", PageUp: "screenUp",
  Enter: "enter", Escape: "back", w: "whole", o: "mask", b: "box", "+": "zoomIn", "=": "zoomIn", "-": "zoomOut",
  0: "zoomFit", "/": "find", "?": "help", e: "brush", v: "adjust", n: "draw", s: "save", "[": "thinner", "]": "thicker",
};

/** Listen; `run` has a function for each action. */
export function startKeys(run) {
  addEventListener("keydown", (event) => {
    const name = actionOf(event);
    if (!name || !run[name]) return;
    if (run[name](event) !== false) event.preventDefault();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "h" && !isTyping(event.target)) document.body.classList.add("peek");
  });
  addEventListener("keyup", () => document.body.classList.remove("peek"));
  addEventListener("blur", () => document.body.classList.remove("peek"));
  fillHelp();
}

function actionOf(event) {
  const { key, target } = event;
  if (document.querySelector("dialog[open]")) return "";
  if (event.ctrlKey || event.metaKey) return isTyping(target) ? "" : withControl(event);
  if (event.altKey) return "";
  if (isTyping(target)) return key === "Escape" ? "leaveField" : "";
  // A focused control keeps the keys that work it.
  const control = target.closest?.("button, select, input, summary, [role=slider]");
  if (control && ["Enter", " "].includes(key)) return "";
  if (control?.matches("select, input, [role=slider]") && key.startsWith("Arrow")) return "";
  const letter = key.length === 1 && key !== "Z" ? key.toLowerCase() : key;
  return ACTIONS[letter] ?? "";
}

function withControl({ key, shiftKey }) {
  const letter = key.toLowerCase();
  if (letter === "z") return shiftKey ? "redo" : "undo";
  return letter === "y" ? "redo" : "";
}

function isTyping(target) {
  return target.matches?.("input[type=search], input[type=text], textarea, [contenteditable]") ?? false;
}

function fillHelp() {
  const groups = KEYS.map(([title, rows]) => {
    const lines = rows.map(([what, keys]) => {
      const caps = keys.map((key) => el("kbd", {}, key));
      return el("div", {}, el("dt", {}, ...caps), el("dd", {}, what));
    });
    return el("section", {}, el("h3", {}, title), el("dl", {}, ...lines));
  });
  const close = el("button", { type: "button", class: "text", onclick: () => byId("keys").close() }, "Close");
  const head = el("div", { class: "keys-head" }, el("h2", {}, "Keys"), close);
  byId("keys").replaceChildren(head, el("div", { class: "key-groups" }, ...groups));
  byId("keys").addEventListener("click", (event) => event.target === byId("keys") && byId("keys").close());
}
