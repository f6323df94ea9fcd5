// The panel beside an instance: what it is, the verdicts, the tools; and the bar of a correction.

import { button, el, icon } from "./dom.js";
import { state, VERDICTS } from "./state.js";
import { iouText, verdictOf } from "./tile.js";

/** Build the panel once; `run` has a function for each action. Returns {root, bar, show}. */
export function details(run) {
  const parts = {
    title: el("h2", {}),
    iou: el("p", { class: "big-iou" }),
    facts: el("dl", { class: "facts" }),
    now: el("p", { class: "now" }),
    name: classField(run),
  };
  const verdicts = el(
    "div",
    { class: "verdicts", role: "group", "aria-label": "Verdict" },
    button("Reject", "reject", "X", run.reject, { class: "big reject", "data-verdict": "reject" }),
    button("Needs work", "fix", "F", run.fix, { class: "big fix", "data-verdict": "fix" }),
    button("Accept", "accept", "A", run.accept, { class: "big accept", "data-verdict": "accept" }),
  );
  const tools = toolBox(run);
  const hint = el("p", { class: "hint" });
  const head = el("div", { class: "about" }, parts.title, parts.iou, parts.now, parts.facts);
  const root = el("aside", { class: "details", "aria-label": "About this instance" }, head, verdicts, tools, hint);
  const bar = pendingBar(run, parts.name);
  return { root, bar: bar.root, show: (view) => show(view, { ...parts, verdicts, tools, hint, bar }) };
}

function toolBox(run) {
  const tool = (name, key, text) => button(text, name, key, run[name], { class: "tool", "data-tool": name });
  const sign = button("Outside", "less", "", run.sign, { class: "tool only-touch", "data-tool": "sign" });
  return el(
    "div",
    { class: "tool-box", role: "group", "aria-label": "Tools" },
    tool("adjust", "V", "Box, clicks"),
    tool("brush", "E", "Brush"),
    tool("draw", "N", "New box"),
    tool("whole", "W", "Whole image"),
    sign,
  );
}

function pendingBar(run, name) {
  const text = el("p", {});
  const cancel = button("Cancel", "", "Esc", run.cancel, { class: "cancel" });
  const save = button("Save", "corrected", "S", run.save, { class: "save" });
  const root = el("div", { class: "pending", hidden: true }, text, name.root, cancel, save);
  return { root, text, save };
}

function classField(run) {
  const list = el("datalist", { id: "class-names" });
  const onkeydown = (event) => {
    if (event.key === "Enter") run.save();
  };
  const input = el("input", { type: "text", list: "class-names", placeholder: "Class", "aria-label": "Class of the new mask", id: "new-class", onkeydown, autocomplete: "off" });
  return { root: el("span", { class: "new-class", hidden: true }, input, list), input, list };
}

function show({ instance, editing, scope, position, more }, parts) {
  const { step, pending, isNew, tool, erasing, outside, correction } = editing;
  const iou = step ? step.iou : instance?.iou;
  parts.title.textContent = isNew ? "New mask" : instance ? instance.category || "no class" : "No instance";
  parts.iou.replaceChildren(el("b", {}, iouText(iou)), " expected IoU");
  const verdict = instance && !isNew ? verdictOf(instance) : "";
  parts.now.className = `now ${verdict}`;
  parts.now.replaceChildren(...(verdict ? [icon(verdict), VERDICTS[verdict]] : ["Not judged"]));
  parts.facts.replaceChildren(...facts(instance, position, more));
  for (const one of parts.verdicts.children) {
    one.setAttribute("aria-pressed", String(one.dataset.verdict === verdict));
    one.disabled = !instance || isNew;
  }
  for (const one of parts.tools.children) {
    const pressed = { whole: scope === "all", sign: outside }[one.dataset.tool] ?? one.dataset.tool === tool;
    one.setAttribute("aria-pressed", String(pressed));
  }
  const brush = parts.tools.querySelector("[data-tool=brush] span");
  brush.textContent = tool === "brush" ? (erasing ? "Erase" : "Add") : "Brush";
  parts.hint.textContent = hint({ tool, erasing, outside, scope }, isNew ? null : instance);
  showBar(parts, { pending, isNew, correction, iou });
}

function facts(instance, position, more) {
  if (!instance) return [el("dt", {}, "Image"), el("dd", {}, more ?? "")];
  const rows = [["Image", instance.file_name], ["Place", position]];
  const [, , width, height] = instance.mask_box ?? instance.box ?? [];
  if (height) rows.push([instance.mask_box ? "Mask" : "Box", `${Math.round(width)} × ${Math.round(height)} pixels`]);
  if (instance.status && instance.status !== "ok") rows.push(["Status", instance.status]);
  if (instance.reason) rows.push(["Reason", instance.reason]);
  return rows.flatMap(([name, value]) => [el("dt", {}, name), el("dd", { title: value }, value)]);
}

function hint({ tool, erasing, outside, scope }, instance) {
  const touch = matchMedia("(pointer: coarse)").matches;
  if (tool === "draw") return "Drag a box around something. Its mask appears at once.";
  if (tool === "brush") return brushHint(erasing, touch);
  if (instance && !instance.box) return "It has no box that can be read: paint its mask with the brush.";
  if (scope === "all") return `${touch ? "Tap" : "Click"} a mask to choose it, then drag its box.`;
  const point = touch ? tapHint(outside) : "Click what is missing; right click what is too much.";
  return `${instance?.corners ? "This box is turned: its sides stay." : "Drag a side of the box."} ${point}`;
}

function brushHint(erasing, touch) {
  if (touch) return `${erasing ? "Wipe what does not belong" : "Paint what is missing"}. The same button again ${erasing ? "adds" : "erases"}.`;
  return erasing ? "Wipe what does not belong. E adds again, [ ] sizes." : "Paint what is missing. E or the right button erases, [ ] sizes.";
}

function tapHint(outside) {
  return outside ? "Tap what is too much; after Outside again, what is missing." : "Tap what is missing; after Outside, what is too much.";
}

function showBar(parts, { pending, isNew, correction, iou }) {
  const { bar, name } = parts;
  if (name.root.hidden && isNew) name.list.replaceChildren(...state.summary.categories.map((one) => el("option", { value: one.name })));
  bar.root.hidden = !pending;
  name.root.hidden = !isNew;
  if (!pending) return;
  const wait = correction.busy && !correction.step.rle && !correction.step.bitmap;
  const found = iou == null ? "painted" : `expected IoU ${iouText(iou)}`;
  const time = correction.ms && iou != null ? `, ${Math.round(correction.ms)} ms` : "";
  bar.text.textContent = wait ? "predicting …" : `${isNew ? "New mask" : "Corrected"}, ${found}${time}`;
  bar.save.disabled = !correction.ready;
}
