// What all charts share: they are drawn anew whenever a choice, the theme or the paper changes.
const drawings = new Map();
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3]];
const POINTS = ["circle", "rect", "triangle", "rectRot", "crossRot", "star"];

/** `build` gives the chart's settings, and what it shows in words: `words` for all, `more` for those
    who do not see it. Null stands for nothing to show. */
function drawing(name, build) {
  if (!byId(`${name}-chart`)) return;
  drawings.set(name, { build, chart: null });
  redraw(name);
  byId(`${name}-status`).setAttribute("aria-live", "polite"); // from now on it is a reader's choice that changes it
}

function redraw(name) {
  const one = drawings.get(name);
  if (!one) return;
  const place = byId(`${name}-chart`);
  if (one.chart) one.chart.destroy();
  one.chart = null;
  place.hidden = false;
  const made = one.build(colours(), place);
  byId(`${name}-status`).textContent = made ? made.words : "Nothing to show for this choice.";
  place.hidden = !made;
  if (!made) return;
  const label = `${place.dataset.title}. ${made.words} ${made.more || ""}`;
  const canvas = element("canvas", { role: "img", "aria-label": label }, label);
  place.replaceChildren(canvas);
  one.chart = new Chart(canvas, made.settings);
}

function redrawAll() {
  for (const name of drawings.keys()) redraw(name);
}

/** Lines from the low to the high end of a point's interval; to the chart's edge for an open end. */
const intervalLines = {
  id: "intervalLines",
  beforeDatasetsDraw(chart) {
    const { ctx, chartArea: area, scales } = chart;
    ctx.save();
    ctx.beginPath();
    ctx.rect(area.left, area.top, area.right - area.left, area.bottom - area.top);
    ctx.clip();
    ctx.lineWidth = 1.5;
    chart.data.datasets.forEach((set, number) => {
      if (!set.hasIntervals || !chart.isDatasetVisible(number)) return;
      ctx.strokeStyle = set.intervalColour || set.borderColor;
      for (const { x, y, ofX, ofY } of set.data) {
        const [atX, atY] = [scales.x.getPixelForValue(x), scales.y.getPixelForValue(y)];
        if (ofX) {
          const [from, to] = ends(ofX, scales.x, area.left, area.right);
          line(ctx, [from, atY], [to, atY]);
        }
        if (ofY) {
          const [from, to] = ends(ofY, scales.y, area.bottom, area.top);
          line(ctx, [atX, from], [atX, to]);
        }
      }
    });
    ctx.restore();
  },
};

function ends([low, high], scale, first, last) {
  const isDrawable = (one) => one !== null && (scale.type !== "logarithmic" || one > 0);
  return [
    isDrawable(low) ? scale.getPixelForValue(low) : first,
    isDrawable(high) ? scale.getPixelForValue(high) : last,
  ];
}

function line(ctx, [fromX, fromY], [toX, toY]) {
  ctx.beginPath();
  ctx.moveTo(fromX, fromY);
  ctx.lineTo(toX, toY);
  ctx.stroke();
}

/** Straight lines across the chart, at values of an axis, with a word beside them. */
const marks = {
  id: "marks",
  afterDatasetsDraw(chart, _, { lines }) {
    const { ctx, chartArea: area, scales } = chart;
    ctx.save();
    for (const { axis, at, colour, word, dash, side } of lines || []) {
      const place = scales[axis].getPixelForValue(at);
      const isUpright = axis === "x";
      if (place < (isUpright ? area.left : area.top) || place > (isUpright ? area.right : area.bottom)) continue;
      ctx.strokeStyle = colour;
      ctx.fillStyle = colour;
      ctx.setLineDash(dash || []);
      if (isUpright) line(ctx, [place, area.top], [place, area.bottom]);
      else line(ctx, [area.left, place], [area.right, place]);
      if (!word) continue;
      ctx.font = "12px system-ui, sans-serif";
      ctx.textAlign = isUpright && side === "left" ? "right" : "left";
      const [x, y] = isUpright ? [place + (side === "left" ? -5 : 5), area.top + 12] : [area.left + 5, place - 4];
      ctx.save();
      ctx.fillStyle = chart.options.plugins.marks.paper;
      ctx.globalAlpha = 0.8;
      const { width } = ctx.measureText(word);
      ctx.fillRect(ctx.textAlign === "right" ? x - width : x, y - 11, width, 14);
      ctx.restore();
      ctx.fillText(word, x, y);
    }
    ctx.restore();
  },
};

/** Names beside the points that have a `label`, as far as one does not hide another. */
const labels = {
  id: "labels",
  afterDatasetsDraw(chart, _, { ink, paper }) {
    const { ctx, chartArea: area } = chart;
    const taken = [];
    ctx.save();
    ctx.font = "12px system-ui, sans-serif";
    chart.data.datasets.forEach((set, number) => {
      chart.getDatasetMeta(number).data.forEach((point, index) => {
        const text = set.data[index].label;
        if (!text) return;
        const { width } = ctx.measureText(text);
        const gap = (point.options.radius || 0) + 6;
        const x = Math.min(Math.max(point.x - width / 2, area.left + 2), area.right - width);
        const y = point.y - gap < area.top + 12 ? point.y + gap + 9 : point.y - gap;
        if (taken.some((one) => Math.abs(one.y - y) < 14 && x < one.x + one.width && one.x < x + width)) return;
        taken.push({ x, y, width });
        ctx.fillStyle = faint(paper, 0.8);
        ctx.fillRect(x - 2, y - 11, width + 4, 15);
        ctx.fillStyle = ink;
        ctx.fillText(text, x, y);
      });
    });
    ctx.restore();
  },
};

/** Of a logarithmic axis that spans much, only 1, 2 and 5 of each power of ten. */
function tickText(value) {
  if (this.type === "logarithmic" && this.max / this.min > 10) {
    const digit = Number(value.toExponential(0)[0]);
    const isRound = Math.abs(value / Number(`1e${Math.floor(Math.log10(value) + 1e-9)}`) - digit) < 1e-6;
    if (!isRound || ![1, 2, 5].includes(digit)) return "";
  }
  return String(Number(value.toPrecision(4)));
}

/** What an axis has to reach so that whole intervals are seen, with some room; open ends do not
    count, and what is never below 0 needs no room there. */
function reach(points, key, of, isLog = false) {
  const found = points.flatMap((point) => [point[key], ...(point[of] || [])]).filter((one) => one !== null);
  const [low, high] = [Math.min(...found), Math.max(...found)];
  if (isLog) return { suggestedMin: low / 1.1, suggestedMax: high * 1.1 };
  const room = 0.06 * (high - low || Math.abs(high) || 1);
  return { suggestedMin: low >= 0 ? Math.max(0, low - room) : low - room, suggestedMax: high + room };
}

function axis(colour, title, { isLog = false, ...more } = {}) {
  const { ticks = {}, ...rest } = more;
  return {
    type: isLog ? "logarithmic" : "linear",
    title: { display: Boolean(title), text: title, color: colour.ink },
    grid: { color: colour.line },
    border: { color: colour.quiet },
    ticks: { color: colour.quiet, maxRotation: 0, callback: tickText, ...ticks },
    ...rest,
  };
}

/** Settings of a chart; `told` gives the lines of what appears beside a point. */
function settings(colour, type, datasets, scales, { told, title, lines = [], legend = false, ...more }) {
  return {
    type,
    data: { datasets, ...more.data },
    plugins: [intervalLines, marks, labels],
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: false,
      ...more.options,
      scales,
      plugins: {
        marks: { lines, paper: colour.paper },
        labels: { ink: colour.ink, paper: colour.paper },
        legend: { display: legend, labels: { color: colour.ink, boxWidth: 14 } },
        tooltip: {
          filter: (item) => !item.dataset.isSilent,
          callbacks: {
            title: (items) => (items.length ? title(items[0]) : ""),
            label: told,
          },
        },
      },
    },
  };
}

const titleOf = (name) => data.metrics[name].title;

const isNarrow = () => document.documentElement.clientWidth < 640;

const withDirection = (title, better) => (better ? `${title}, ${better} is better` : title);

/** Whether values spread so far that factors are easier to see than differences. */
function spansMuch(values, factor = 10) {
  const above = values.filter((one) => one > 0);
  return above.length > 1 && above.length === values.length && Math.max(...above) / Math.min(...above) > factor;
}

/** Tick boxes for the cases to draw; each keeps its colour while it is chosen. */
function picker(names, first, onpick, most = 12) {
  const chosen = new Map(first.slice(0, most).map((key, slot) => [key, slot]));
  const list = element("div", { class: "picks" });
  const boxes = new Map();
  const look = (slot) => ({ slot: slot % 8, dash: DASHES[Math.floor(slot / 8) % DASHES.length] });
  const turn = (key, isOn) => {
    if (isOn && chosen.size < most) {
      const taken = new Set(chosen.values());
      chosen.set(key, [...Array(most).keys()].find((slot) => !taken.has(slot)));
    } else if (isOn) {
      boxes.get(key).box.checked = false;
      say(`${most} at most: take one away first`);
    } else chosen.delete(key);
    boxes.get(key).swatch.dataset.slot = chosen.has(key) ? look(chosen.get(key)).slot : "";
    onpick();
  };
  for (const [key, name] of names) {
    const swatch = element("span", { class: "swatch", "aria-hidden": "true", "data-slot": chosen.has(key) ? look(chosen.get(key)).slot : "" });
    const box = element("input", { type: "checkbox", onchange: () => turn(key, box.checked) });
    box.checked = chosen.has(key);
    const label = element("label", { class: "tick" }, box, swatch, element("span", {}, name));
    boxes.set(key, { box, swatch, label, name });
    list.append(label);
  }
  const search = element("input", { type: "search", placeholder: "find a case ..." , "aria-label": "Find among the cases to draw" });
  search.addEventListener("input", () => {
    const text = search.value.toLowerCase();
    for (const { label, name } of boxes.values()) label.hidden = !name.toLowerCase().includes(text);
  });
  const group = element("fieldset", { class: "picker" }, element("legend", {}, `Cases to draw (${most} at most)`), names.length > 8 ? search : null, list);
  return { group, chosen: () => [...chosen].map(([key, slot]) => ({ key, ...look(slot) })) };
}
