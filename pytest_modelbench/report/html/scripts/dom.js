// Elements, texts and figures. Texts are only ever set as text.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value !== null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A labelled list to choose from; `options` are pairs of value and text. */
function choice(label, options, chosen, onchoice) {
  const list = element("select", { onchange: () => onchoice(list.value) });
  for (const [value, text] of options) {
    list.append(element("option", { value, selected: value === chosen }, text));
  }
  return element("label", {}, label, " ", list);
}

function tick(label, isOn, onturn) {
  const box = element("input", { type: "checkbox", onchange: () => onturn(box.checked) });
  box.checked = isOn;
  return element("label", { class: "tick" }, box, " ", label);
}

/** Says what has changed, to those who cannot see it. */
function say(text) {
  byId("said").textContent = text;
}

/** Three significant digits and no exponents where plain digits do, as the tables have them. */
function shown(value) {
  const size = Math.abs(value);
  if (size >= 1e15 || (size > 0 && size < 1e-4)) return value.toExponential(2);
  if (Number.isInteger(value)) return String(value);
  if (size >= 100) return value.toFixed(0);
  const rounded = Math.abs(Number(value.toPrecision(3)));
  return value.toFixed(Math.max(0, 2 - Math.floor(Math.log10(rounded))));
}

const percent = (value) => `${value > 0 ? "+" : ""}${shown(value)} %`;

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** A case's figure with its interval, as [value, low, high]; null where it has none. */
function figure(number, metric) {
  if (!Object.hasOwn(data.metrics, metric)) return null;
  const found = data.metrics[metric].values[number];
  return typeof found === "number" ? [found] : found;
}

function withInterval(figures, unit = "") {
  const [value, ...ends] = figures;
  const interval = ends.length ? ` [${ends.map((end) => (end === null ? "?" : shown(end))).join(", ")}]` : "";
  return `${shown(value)}${interval}${unit ? ` ${unit}` : ""}`;
}

const short = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
