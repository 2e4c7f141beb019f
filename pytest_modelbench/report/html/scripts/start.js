// Everything begins here.
/** A link to a case opens its block, which is folded. */
function openTarget() {
  const target = byId(decodeURIComponent(location.hash.slice(1)));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
    target.scrollIntoView();
  }
}

/** Paper is white and cannot be unfolded; afterwards all is as it was. */
const paper = { isOn: false, theme: "", opened: [] };

function toPaper() {
  if (paper.isOn) return;
  const root = document.documentElement;
  Object.assign(paper, { isOn: true, theme: root.dataset.theme || "", opened: all("details.printed:not([open])") });
  root.dataset.theme = "light";
  for (const one of paper.opened) one.open = true;
  redrawAll();
}

function fromPaper() {
  if (!paper.isOn) return;
  paper.isOn = false;
  if (paper.theme) document.documentElement.dataset.theme = paper.theme;
  else delete document.documentElement.dataset.theme;
  for (const one of paper.opened) one.open = false;
  redrawAll();
}

document.documentElement.classList.add("scripted");
Chart.defaults.font.family = "system-ui, sans-serif";
offerThemes();
startTables();
startFilter();
startTradeoffs();
startCalls();
startPhases();
startHistory();
startChanges();
addEventListener("hashchange", openTarget);
addEventListener("beforeprint", toPaper);
addEventListener("afterprint", fromPaper);
matchMedia("print").addEventListener("change", ({ matches }) => (matches ? toPaper() : fromPaper()));
openTarget();
