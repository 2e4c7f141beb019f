// Light or dark: as the system says, until the reader chooses.
const KEPT = "modelbench-theme";
const probe = element("span", { hidden: true });

function keptTheme() {
  try {
    return localStorage.getItem(KEPT) || "";
  } catch {
    return ""; // a browser may keep nothing for a file
  }
}

function setTheme(name) {
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // then it holds for as long as the page is open
  }
}

function offerThemes() {
  const names = [["", "as the system"], ["light", "light"], ["dark", "dark"]];
  const kept = names.some(([name]) => name === keptTheme()) ? keptTheme() : "";
  setTheme(kept);
  byId("theme").append(
    choice("Theme", names, kept, (name) => {
      setTheme(name);
      redrawAll();
    }),
  );
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redrawAll());
}

/** The style's colours as they are now, since a canvas does not know the style. */
function colours() {
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const found = Object.fromEntries(
    ["ink", "quiet", "line", "paper", "good", "undecided", "bad", "accent"].map((name) => [name, read(name)]),
  );
  found.series = [0, 1, 2, 3, 4, 5, 6, 7].map((number) => read(`series-${number}`));
  probe.remove();
  return found;
}

/** The same colour, partly seen through. */
function faint(colour, share) {
  const [red, green, blue] = colour.match(/[\d.]+/g);
  return `rgba(${red}, ${green}, ${blue}, ${share})`;
}
