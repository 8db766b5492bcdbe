/* Rosetta: the address says which notations are shown, and which letter is looked for or which symbol was picked. */
const form = one(".choose"), rosetta = one("#rosetta"), found = one(".found");
const selects = all("select", form), letter = form.elements.letter, said = form.elements.role;
const known = Object.fromEntries([...selects[0].options].map((option) => [option.value, option.text]));
const chosen = () => [...new Set(selects.map((select) => select.value).filter(Boolean))];
const FIRST = ["kingma_welling_2013", "prince_2023", ...Object.keys(known)].filter((name) => name in known);
/* What stands beside one source where no second is named. */
const beside = (names) => FIRST.find((name) => !names.includes(name)) ?? FIRST[0];

function show(names) {
  rosetta.classList.add("chosen");
  for (const column of all("[data-notation]", rosetta)) {
    const place = names.indexOf(column.dataset.notation);
    column.hidden = place < 0;
    column.style.order = place;
  }
  for (const symbol of all("[class*=role-]", rosetta)) {
    if (symbol.closest("[hidden]")) symbol.removeAttribute("tabindex");
    else if (symbol.closest(".math, .symbols tr")) symbol.setAttribute("tabindex", "0");
  }
  fit();
}

/* On a phone, an equation that is wider than the window is set smaller, as far as it can still be read. */
const SMALLEST_PX = 9;
function fit() {
  const shown = all(".equation figure:not([hidden]) math", rosetta);
  for (const math of shown) math.style.fontSize = "";
  const sizes = shown.map((math) => {
    const { clientWidth, scrollWidth } = math.parentElement;
    return scrollWidth > clientWidth && (parseFloat(getComputedStyle(math).fontSize) * clientWidth) / (scrollWidth + 2);
  });
  shown.forEach((math, place) => { if (sizes[place]) math.style.fontSize = `${Math.max(sizes[place], SMALLEST_PX)}px`; });
}
document.fonts.ready.then(fit);
addEventListener("resize", fit);

/* Light: what is meant is filled (`own`); what plays the same role elsewhere is outlined. */
const roles = JSON.parse(one("#roles").textContent);
const rolesOf = (symbol) => [...symbol.classList].filter((name) => name.startsWith("role-")).map((name) => name.slice(5));
const sourceOf = (symbol) => symbol.closest("[data-notation]")?.dataset.notation;
const NOTHING = { pairs: [], text: "" };
let resting = NOTHING, picked = null;

function light({ pairs, text }) {
  for (const lit of all(".lights")) lit.classList.remove("lights", "own");
  const meant = new Set(pairs.map(([source, role]) => `${source} ${role}`));
  const named = [...new Set(pairs.map(([, role]) => role))];
  for (const role of new Set(named.flatMap((name) => roles[name].family))) {
    for (const symbol of all(`#rosetta .${CSS.escape(`role-${role}`)}`)) {
      symbol.classList.add("lights");
      if (meant.has(`${sourceOf(symbol)} ${role}`) && (!text || namesLetter(lettersOf(symbol), text))) symbol.classList.add("own");
    }
  }
  said.textContent = named.map((role) => roles[role].meaning).join("; or ");
}
const rest = (what) => light(resting = what);
const pairsOf = (symbol) => rolesOf(symbol).map((role) => [sourceOf(symbol), role]);

/* The symbol at a pointer; a finger may miss it by as much as it is wide. */
const REACH = 16;
function symbolAt({ target, clientX, clientY }) {
  const hit = target.closest?.("#rosetta [class*=role-]"), math = target.closest?.(".math");
  if (hit || !math || clientX === undefined) return hit;
  const away = (symbol) => {
    const { left, right, top, bottom } = symbol.getBoundingClientRect();
    return Math.hypot(Math.max(left - clientX, 0, clientX - right), Math.max(top - clientY, 0, clientY - bottom));
  };
  const near = all("[class*=role-]", math).map((symbol) => [away(symbol), symbol]).sort(([a], [b]) => a - b)[0];
  return near?.[0] <= REACH ? near[1] : null;
}
function pick(source, names) {
  letter.value = "";
  search("");
  picked = { source, names };
  rest({ pairs: names.map((role) => [source, role]), text: "" });
}
function clear() {
  letter.value = "";
  search("");
  write();
}
function choose(symbol) {
  const source = sourceOf(symbol), names = rolesOf(symbol);
  if (picked?.source === source && `${picked.names}` === `${names}`) return clear();
  pick(source, names);
  write();
}
rosetta.classList.add("marked");
rosetta.addEventListener("pointerover", (event) => {
  if (picked) return;
  const at = event.target.closest?.("[class*=role-]");
  light(at && sourceOf(at) ? { pairs: pairsOf(at), text: "" } : resting);
});
rosetta.addEventListener("pointerleave", () => light(resting));
rosetta.addEventListener("focusin", (event) => { const at = symbolAt(event); if (at) light({ pairs: pairsOf(at), text: "" }); });
rosetta.addEventListener("focusout", () => light(resting));
rosetta.addEventListener("click", (event) => {
  const at = event.target.closest("a, button, summary, .found") ? null : symbolAt(event);
  if (at) choose(at);
});
rosetta.addEventListener("keydown", (event) => {
  const at = event.key === "Enter" && symbolAt(event);
  if (at) choose(at);
});
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && resting !== NOTHING) clear(); });

/* Search: for a letter, by itself or by its name (sigma, \sigma), or else for words of a meaning. */
const NAMES = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho - sigma tau upsilon phi chi psi omega";
const GREEK = Object.fromEntries(NAMES.split(" ").map((name, place) => [name, String.fromCharCode(0x3b1 + place)]));
function asLetter(text) {
  const name = text.replace(/^\\/, ""), greek = GREEK[name.toLowerCase()];
  return !greek ? name : name[0] === name[0].toLowerCase() ? greek : greek.toUpperCase();
}
const plain = (text) => text.normalize("NFKC");
/* A row says its letters; in an equation they are its first, whatever stands above or below it. */
function lettersOf(symbol) {
  if (symbol.dataset.letters) return symbol.dataset.letters;
  if (!symbol.closest("math")) return symbol.textContent.replace(/^(log|ln)_/, "");
  const leaves = [symbol, ...all("*", symbol)].filter((part) => !part.firstElementChild).map((part) => part.textContent.trim());
  return leaves.find((text) => text && text !== "log" && text !== "ln") ?? "";
}
/* The letter is the symbol's own: not in a subscript or an argument, and no part of a word. */
function namesLetter(letters, text) {
  const own = plain(letters).replace(/^(log|ln) /, ""), asked = plain(text);
  return own === asked || (own.startsWith(asked) && !/^\p{L}/u.test(own.slice(asked.length)) && !own.slice(0, own.indexOf(" ")).includes("|"));
}
/* Without the weights that a symbol covers, whose names speak of other things. */
const meaningOf = (row) => one(".says", row).textContent.toLowerCase().split(", weights ")[0];
function search(text) {
  picked = null;
  found.replaceChildren();
  found.hidden = !text;
  if (!text) return rest(NOTHING);
  const asked = asLetter(text), rows = all(".symbols tbody tr");
  const named = rows.filter((row) => namesLetter(row.dataset.letters, asked));
  const byWords = !named.length && text.length > 2;
  const hits = byWords ? rows.filter((row) => meaningOf(row).includes(text.toLowerCase())) : named;
  const place = (row) => chosen().indexOf(sourceOf(row));
  const here = hits.filter((row) => !row.closest("[hidden]")).sort((a, b) => place(a) - place(b)), others = hits.filter((row) => row.closest("[hidden]"));
  const what = byWords ? `“${text}”` : asked;
  found.append(element("p", here.length ? `${what} in these sources` : hits.length ? `${what} is nothing in these sources.` : `No source names anything ${what}.`), listed(here));
  /* What several sources call so may have another letter in a source that is shown. */
  const callers = (role) => new Set(named.filter((row) => rolesOf(row).includes(role)).map(sourceOf)).size;
  for (const id of chosen()) {
    const own = new Set(here.filter((row) => sourceOf(row) === id).flatMap(rolesOf));
    const same = rows.filter((row) => sourceOf(row) === id && rolesOf(row).some((role) => callers(role) > 1 && !own.has(role)));
    const whole = same.filter((row) => one(".says", row).textContent.includes(", weights ")); /* and no weight by itself */
    if (same.length) found.append(element("p", `What others call ${what}, ${known[id]} calls`), listed(whole.length ? whole : same));
  }
  if (others.length) {
    const more = element("details");
    more.append(element("summary", `${what} elsewhere`), listed(others));
    found.append(more);
  }
  rest({ pairs: here.flatMap(pairsOf), text: byWords ? "" : asked });
}
function listed(rows) {
  const list = element("ul");
  for (const row of rows) {
    const item = element("li"), id = sourceOf(row);
    item.append(element("b", known[id]), " ", element("small", id), ": ");
    item.append(...[...one(".printed", row).childNodes].map((node) => node.cloneNode(true)));
    item.append(` ${one(".says", row).textContent} (${one(".place", row).textContent.trim()})`);
    list.append(item);
  }
  return list;
}

/* The address: #compare=SOURCE,SOURCE&symbol=LETTER, or &symbol=SOURCE.ROLE of a symbol that was picked. */
function address() {
  const asked = new URLSearchParams(location.hash.slice(1));
  return { names: (asked.get("compare") ?? "").split(",").filter((name) => name in known), symbol: asked.get("symbol") ?? "", cells: asked.get("cells") };
}
function write() {
  const asked = new URLSearchParams({ compare: chosen().join(",") });
  const symbol = picked ? `${picked.source}.${picked.names.join(",")}` : letter.value.trim();
  if (symbol) asked.set("symbol", symbol);
  history.replaceState(null, "", `#${asked.toString().replaceAll("%2C", ",")}`);
}
function follow() {
  const { names, symbol, cells } = address();
  if (names.length) {
    selects.forEach((select, place) => { select.value = names[place] ?? (place === 1 ? beside(names) : ""); });
    show(chosen());
    const [source, named] = symbol.split("."), asked = named?.split(",") ?? [];
    if (source in known && asked.length && asked.every((role) => role in roles)) pick(source, asked);
    else search(letter.value = symbol);
    const lit = (kind) => all(`.equation ${kind}`, rosetta).find((each) => !each.closest("[hidden]"))?.closest(".equation");
    const told = found.hidden ? rosetta : form; /* what was looked for is answered below the form */
    (asked.length ? lit(".own") ?? lit(".lights") ?? rosetta : told).scrollIntoView();
  }
  const group = cells && document.getElementById(`cells=${cells}`);
  if (group) { group.open = true; group.scrollIntoView(); }
}
for (const select of selects) select.addEventListener("change", () => {
  show(chosen());
  if (picked && !chosen().includes(picked.source)) clear();
  else if (!picked) search(letter.value.trim());
  write();
});
letter.addEventListener("input", () => { search(letter.value.trim()); write(); });
letter.addEventListener("focus", () => letter.select());
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", follow);
/* Without scripts it leads to the section; with them, to its answer. */
one("#ask").addEventListener("click", (event) => {
  event.preventDefault();
  search(letter.value = "σ");
  write();
  form.scrollIntoView();
});
selects[0].value = FIRST[0];
selects[1].value = beside([FIRST[0]]);
show(chosen());
follow();

async function copy(button, text) {
  await navigator.clipboard.writeText(text);
  button.textContent = "Copied";
}
one(".link", form).addEventListener("click", (event) => { write(); copy(event.target, location.href); });
for (const button of all(".copy")) button.addEventListener("click", async () => copy(button, (await data()).files[button.dataset.file]));
