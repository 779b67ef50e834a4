// One token: what both models predict at its position.

const panel = document.querySelector(".token-panel");
const unpacked = new Map();

function contentOf(index) {
  if (!unpacked.has(index)) unpacked.set(index, unpack(data.answers[index]));
  return unpacked.get(index);
}

async function showToken() {
  const { answer: index, place } = view;
  panel.classList.toggle("pinned", view.pinned);
  panel.classList.toggle("shown", place !== null && (view.pinned || view.near));
  tokens.forEach((element, other) => {
    element.classList.toggle("open", view.pinned && other === place);
    element.setAttribute("aria-expanded", String(view.pinned && other === place));
  });
  markOverview(view.context, place);
  if (place === null) {
    panel.setAttribute("aria-label", "Token");
    panel.replaceChildren(make("p", { className: "hint", textContent: "Point at a token, or choose one, to see what both models would have said in its place." }));
    return;
  }
  const content = await contentOf(index);
  if (view.answer !== index || view.place !== place) return;
  const answer = data.answers[index];
  const ends = place >= answer.pieces.length;
  const text = ends ? "end of turn" : data.texts[answer.pieces[place]];
  const own = ends ? null : content.tokens[place];
  const under = content.under[view.context];
  const rank = answer.ranks[view.context][place];
  const context = data.contexts[view.context].name;
  panel.setAttribute("aria-label", `Token: ${spoken(text)}`);
  const top = panel.scrollTop;
  panel.replaceChildren(
    panelHead(answer, place, text, ends),
    facts(rank, under, content.aligned, place),
    make("div", { className: "lists" },
      topList("Base model", context, under, place, own, rank),
      topList("Aligned model", "chat", content.aligned, place, own, null)),
    data.contexts.length > 1 ? acrossContexts(answer, content, place) : "",
  );
  panel.scrollTop = top;
}

function panelHead(answer, place, text, ends) {
  const label = labelsNow(answer)[place];
  const title = make("h3", {}, make("span", { className: "text", textContent: ends ? text : signs(text), "data-class": label }),
    make("small", {}, make("b", { textContent: label }), `, ${data.kinds[answer.kinds[place]]}, position ${place + 1}`));
  return make("header", {}, title,
    make("button", { type: "button", "aria-label": "Token before", textContent: "‹", onclick: () => openToken(neighbour(place, -1)) }),
    make("button", { type: "button", "aria-label": "Next token", textContent: "›", onclick: () => openToken(neighbour(place, 1)) }),
    view.pinned ? make("button", { type: "button", "aria-label": "Close", textContent: "×", onclick: closeToken }) : null);
}

function facts(rank, under, aligned, place) {
  const rows = [
    ["Rank in base", rank === 0 ? NONE : String(rank)],
    ["Base / aligned", `${percent(under.probability[place])} / ${percent(aligned.probability[place])}`],
    ["KL(b ‖ a)", divergence(under.kl[place])],
    ["KL(a ‖ b)", divergence(under.reverse[place])],
  ];
  return make("dl", { className: "facts" }, ...rows.map(([name, value]) =>
    make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }))));
}

/** A list with the answer's own token marked by its rank, since a layout may write it with or without a space. */
function topList(title, detail, lists, place, own, rank) {
  const probability = lists.probability[place];
  const items = lists.tokens[place].map((token, index) => {
    if (token < 0) return null;
    return listItem(`${index + 1}`, data.texts[token], lists.permille[place][index], rank === null ? token === own : index === rank - 1);
  }).filter(Boolean);
  if (rank > items.length && items.length) {
    items.push(listItem(`${rank}`, own === null ? "end of turn" : data.texts[own], probability === null ? -1 : Math.round(1000 * probability), true));
    items.at(-1).classList.add("beyond");
  }
  const heading = make("h4", {}, `${title} `, make("small", { textContent: nameUnseen(detail) }));
  return make("div", {}, heading, items.length ? make("ol", { "aria-label": `Most probable in the ${title.toLowerCase()}` }, ...items) : make("p", { className: "hint", textContent: "not known" }));
}

function listItem(number, text, permille, own) {
  const item = make("li", { className: own ? "own" : "" },
    make("span", { className: "n", textContent: number }),
    make("span", { className: "text", textContent: signs(text), title: signs(text) }),
    make("span", { className: "p", textContent: fromPermille(permille) }),
    own ? make("span", { className: "unseen", textContent: "in the answer" }) : null);
  item.style.setProperty("--p", `${Math.max(0, permille) / 10}%`);
  return item;
}

function acrossContexts(answer, content, place) {
  const lines = data.contexts.map(({ name }, context) => {
    const under = content.under[context];
    const rank = answer.ranks[context][place];
    const label = classOf(rank);
    const line = make("tr", {},
      make("th", { scope: "row", textContent: nameUnseen(name), title: nameUnseen(name) }),
      make("td", {}, make("span", { className: "swatch", "data-class": label }), label),
      make("td", { className: "number", textContent: rank || NONE }),
      make("td", { className: "number", textContent: percent(under.probability[place]) }),
      make("td", { className: "number", textContent: divergence(under.kl[place]) }));
    if (context === view.context) line.setAttribute("aria-current", "true");
    return line;
  });
  const heads = ["After", "class", "rank", "base prob.", "KL(base ‖ aligned)"].map((text, index) => make("th", { scope: "col", textContent: text, className: index > 1 ? "number" : "" }));
  return make("table", { className: "across" }, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines));
}
