// Every text in sight, every edge and symbol of a control, against what it has to stand out from.
//
// By WCAG 2.2, 1.4.3 and 1.4.11. A canvas turns any colour of CSS into bytes, and lays grounds that
// are half transparent over each other. The value: {found: what is too faint, texts: how many}.

(() => {
  const [TEXT, LARGE, CONTROL] = [4.5, 3, 3];
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  function bytes(colours) {
    pen.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      pen.fillStyle = colour;
      pen.fillRect(0, 0, 1, 1);
    }
    return pen.getImageData(0, 0, 1, 1).data;
  }

  function luminance(colours) {
    const linear = (byte) => (byte / 255 <= 0.04045 ? byte / 255 / 12.92 : ((byte / 255 + 0.055) / 1.055) ** 2.4);
    const [red, green, blue] = bytes(colours);
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  }

  /** The colours behind an element's content, from the page's own on. */
  function grounds(one) {
    return one ? [...grounds(one.parentElement), getComputedStyle(one).backgroundColor] : ["#fff"];
  }

  function seen(one) {
    const there = one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    return there && !one.closest(":disabled, .hidden, .symbols") && one.getBoundingClientRect().width > 1;
  }

  const found = new Set();

  function check(what, one, colour, ground, least) {
    const [a, b] = [luminance([...ground, colour]), luminance(ground)];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const name = `${one.tagName}.${one.getAttribute("class") ?? ""}`;
    if (ratio < least) found.add(`${what} of ${name}, ${colour}: ${ratio.toFixed(2)}`);
  }

  const FIELDS = "input[type=search], input[type=text], select";
  const MARKED = "[aria-pressed=true], [aria-selected=true], [aria-current=true]";
  let texts = 0;
  for (const one of [...document.querySelectorAll("body *")].filter(seen)) {
    const style = getComputedStyle(one);
    const around = grounds(one.parentElement);
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (own && !(one instanceof SVGElement)) {
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
      check("text", one, style.color, grounds(one), large ? LARGE : TEXT);
      texts += 1;
    }
    if (one.matches(FIELDS)) {
      check("placeholder", one, getComputedStyle(one, "::placeholder").color, grounds(one), TEXT);
      check("edge", one, style.borderTopColor, around, CONTROL);
    }
    if (one.matches(MARKED)) check("mark", one, style.borderTopColor, around, CONTROL);
    if (one.matches("button svg:has(use), .badge svg, .now svg")) check("symbol", one, style.color, around, CONTROL);
    if (one.matches(".bar i")) check("progress", one, style.backgroundColor, around, CONTROL);
    if (one.matches(".plot rect")) check("histogram", one, style.fill, grounds(one.closest(".panel")), CONTROL);
  }
  return { found: [...found], texts };
})()
