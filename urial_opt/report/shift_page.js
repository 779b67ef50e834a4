// The state of the view, and how keys, pointer and switches change it.

const view = { answer: 0, context: 0, compare: false, place: null, pinned: false, near: false, only: new Set(), kind: "", search: "", order: "as asked" };
const field = (id) => document.getElementById(id);
const comparing = () => view.compare && view.context > 0;
const toolbar = document.querySelector(".bar");

function showAll() {
  showAnswer();
  showView();
}

/** Updates all that depends on context, comparison and filters; the answer does not move. */
function showView() {
  document.querySelectorAll(".segments input").forEach((input, context) => { input.checked = context === view.context; });
  field("compare").checked = view.compare;
  for (const option of field("order").options) option.disabled = option.value.match(/repaired|broken/) !== null && !comparing();
  showList();
  colourAnswer();
  showLegend();
  showToken();
  keepPlace();
}

function showLegend() {
  const answer = data.answers[view.answer];
  const labels = labelsNow(answer);
  const counts = countLabels(labels, answer.pieces.length);
  const names = (comparing() ? CHANGES : CLASSES).filter((name) => name !== "unknown" || counts.unknown);
  const legend = document.querySelector(".legend");
  const focused = document.activeElement?.dataset?.only;
  legend.replaceChildren(...names.map((name) => {
    const button = make("button", { type: "button", "aria-pressed": String(view.only.has(name)) },
      make("span", { className: "swatch", "data-class": name }), name, make("b", { textContent: counts[name] ?? 0 }));
    button.dataset.only = name;
    return button;
  }));
  legend.querySelector(`[data-only="${focused}"]`)?.focus();
  const first = nameUnseen(data.contexts[0].name);
  field("note").textContent = comparing()
    ? `Repaired: shifted after ${first}, no longer shifted here. Broken: the other way round.`
    : view.compare ? `This is ${first}, which the other contexts are compared with: choose one of them.` : "";
}

function openAnswer(index) {
  if (index === view.answer) return;
  Object.assign(view, { answer: index, place: null, pinned: false });
  showAnswer();
}

function chooseContext(context) {
  if (context < 0 || context >= data.contexts.length) return;
  view.context = context;
  changeLabels();
}

function changeLabels() {
  const names = comparing() ? CHANGES : CLASSES;
  view.only = new Set([...view.only].filter((name) => names.includes(name)));
  if (!comparing() && view.order.match(/repaired|broken/)) view.order = field("order").value = "as asked";
  showView();
}

function compareWithFirst(compare) {
  if (data.contexts.length < 2) return;
  view.compare = compare;
  if (compare && view.context === 0) view.context = 1;
  changeLabels();
}

function lookAt(place, near = true) {
  Object.assign(view, { place, near });
  showToken();
}

function openToken(place, { inside = panel.contains(document.activeElement) } = {}) {
  Object.assign(view, { place, pinned: true, near: true });
  showToken().then(() => { if (inside) panel.focus(); });
  colourAnswer();
  keepPlace();
  if (!inside) tokens[place].focus();
  tokens[place].scrollIntoView({ block: "nearest" });
}

function closeToken() {
  if (!view.pinned) return;
  const { place } = view;
  Object.assign(view, { pinned: false, near: false });
  tokens[place].focus();
  view.near = false;
  showToken();
  keepPlace();
}

function nextAnswer(direction) {
  const found = answersFound();
  const at = found.indexOf(view.answer);
  const next = found[Math.min(found.length - 1, Math.max(0, at + direction))];
  if (next === undefined) return;
  openAnswer(next);
  showView();
  rows[next].button.scrollIntoView({ block: "nearest" });
}

/** The address holds the place, so that a reload or a link returns to it. */
function keepPlace() {
  const parts = [view.answer + 1, view.context + 1, view.pinned ? view.place + 1 : 0, comparing() ? 1 : 0];
  history.replaceState(null, "", `#${parts.join("/")}`);
}

function findPlace() {
  const [answer, context, place, compare] = location.hash.slice(1).split("/").map((part) => Number.parseInt(part, 10) || 0);
  view.answer = Math.min(Math.max(1, answer), data.answers.length) - 1;
  view.context = Math.min(Math.max(1, context ?? 1), data.contexts.length) - 1;
  view.compare = compare === 1;
  const positions = data.answers[view.answer].kinds.length;
  if (place >= 1 && place <= positions) Object.assign(view, { place: place - 1, pinned: true, near: true });
}

function buildSwitches() {
  const segments = document.querySelector(".segments");
  data.contexts.forEach(({ name }, context) => {
    const input = make("input", { type: "radio", name: "context", value: String(context), onchange: () => chooseContext(context) });
    segments.append(make("label", { title: nameUnseen(name) }, input, make("span", { textContent: nameUnseen(name) })));
  });
  const compare = document.querySelector(".compare");
  compare.hidden = data.contexts.length < 2;
  compare.querySelector("span").textContent = `compare with ${nameUnseen(data.contexts[0].name)}`;
  field("compare").onchange = (event) => compareWithFirst(event.target.checked);
  const used = new Set(data.answers.flatMap((answer) => answer.kinds));
  field("kind").append(make("option", { value: "", textContent: "all" }),
    ...data.kinds.filter((_, kind) => used.has(kind)).map((kind) => make("option", { value: kind, textContent: kind })));
  field("kind").onchange = (event) => { view.kind = event.target.value; showView(); };
  const orders = ["as asked", "most shifted", "least shifted", ...(data.contexts.length > 1 ? ["most repaired", "most broken"] : [])];
  field("order").append(...orders.map((order) => make("option", { value: order, textContent: order })));
  field("order").onchange = (event) => { view.order = event.target.value; showView(); };
  field("search").oninput = (event) => { view.search = event.target.value; showView(); };
  field("reset").onclick = () => {
    Object.assign(view, { search: "", kind: "", only: new Set() });
    field("search").value = field("kind").value = "";
    showView();
    field("search").focus();
  };
  field("before").onclick = () => nextAnswer(-1);
  field("after").onclick = () => nextAnswer(1);
  document.querySelector(".legend").onclick = (event) => {
    const name = event.target.closest("button")?.dataset.only;
    if (!name) return;
    if (!view.only.delete(name)) view.only.add(name);
    showView();
  };
  list.onclick = (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    openAnswer(Number(button.dataset.answer));
    showView();
    if (narrow.matches) {
      document.querySelector(".queries details").open = false;
      field("answer-heading").focus();
    }
  };
}

function placeOf(event) {
  const token = event.target.closest?.(".token");
  return token ? Number(token.dataset.place) : null;
}

function listenToTokens() {
  answerBox.addEventListener("pointerover", (event) => {
    const place = placeOf(event);
    if (event.pointerType === "mouse" && place !== null && !view.pinned) lookAt(place);
  });
  answerBox.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && !view.pinned && view.near) lookAt(view.place, false);
  });
  answerBox.addEventListener("focusin", (event) => {
    const place = placeOf(event);
    if (place === null || place === view.place && view.pinned) return;
    lookAt(place);
  });
  answerBox.addEventListener("focusout", (event) => {
    if (!view.pinned && !answerBox.contains(event.relatedTarget)) lookAt(view.place, false);
  });
  answerBox.addEventListener("click", (event) => {
    const place = placeOf(event);
    if (place === null) return;
    if (view.pinned && place === view.place && view.opened) closeToken();
    else openToken(place, { inside: false });
  });
  // a click focuses first, which moves an open panel: remember where it was
  answerBox.addEventListener("pointerdown", (event) => { view.opened = view.pinned && placeOf(event) === view.place; });
}

const STEPS = {
  ArrowLeft: (place) => neighbour(place, direction() * -1), ArrowRight: (place) => neighbour(place, direction()),
  ArrowUp: (place) => neighbourLine(place, -1), ArrowDown: (place) => neighbourLine(place, 1),
  Home: () => (walkable(0) ? 0 : neighbour(0, 1)), End: () => (walkable(tokens.length - 1) ? tokens.length - 1 : neighbour(tokens.length - 1, -1)),
};
const direction = () => (getComputedStyle(answerBox).direction === "rtl" ? -1 : 1);

function walk(event) {
  const inPanel = panel.contains(event.target);
  const place = placeOf(event) ?? (inPanel ? view.place : null);
  if (place === null) return false;
  if (!inPanel && (event.key === "Enter" || event.key === " ")) openToken(place, { inside: true });
  else if (event.key in STEPS && !(inPanel && !event.key.match(/Left|Right/))) {
    const next = STEPS[event.key](place);
    if (view.pinned) openToken(next);
    else { tokens[next].focus(); tokens[next].scrollIntoView({ block: "nearest" }); }
  } else return false;
  return true;
}

function walkList(event) {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step || !list.contains(event.target)) return false;
  nextAnswer(step);
  rows[view.answer].button.focus();
  return true;
}

const SHORTCUTS = {
  "/": () => { document.querySelector(".queries details").open = true; field("search").focus(); field("search").select(); },
  j: () => nextAnswer(1),
  k: () => nextAnswer(-1),
  c: () => compareWithFirst(!view.compare),
};

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.matches("input[type=search], select");
    if (event.key === "Escape") {
      if (event.target === field("search")) event.target.blur();
      else closeToken();
      return;
    }
    if (typing) return;
    if (walk(event) || walkList(event)) event.preventDefault();
    else if (event.key in SHORTCUTS) { event.preventDefault(); SHORTCUTS[event.key](); }
    else if (event.key.match(/^[1-9]$/)) chooseContext(Number(event.key) - 1);
  });
}

const narrow = matchMedia("(max-width: 1180px)");

function start() {
  if (!data.answers.length || !data.contexts.length) {
    document.querySelector("main").replaceChildren(make("p", { className: "hint", textContent: "There is no answer to show." }));
    return;
  }
  document.querySelector(".queries details").open = !narrow.matches;
  new ResizeObserver(() => document.documentElement.style.setProperty("--bar", `${toolbar.offsetHeight}px`)).observe(toolbar);
  findPlace();
  buildSwitches();
  showSummary();
  showCurves();
  listenToTokens();
  listenToKeys();
  showAll();
}

start();
