/* Equality: the tensors of a cell open below it. */
const digits = (value) => value === null ? "no number" : Number(value.toPrecision(3)).toString();
const TENSORS = ["Tensor", "Verdict", "Error", "Allowed", "Ulps", "Largest at"];
function tensorTable(rows) {
  const table = element("table"), head = table.createTHead().insertRow(), body = table.createTBody();
  for (const name of TENSORS) head.append(element("th", name));
  for (const [term, verdict, error, allowed, ulps, at] of rows) {
    const row = body.insertRow();
    for (const text of [term, verdict, digits(error), digits(allowed), digits(ulps), at ? `[${at.join(", ")}]` : ""]) row.insertCell().textContent = text;
  }
  return table;
}
/* Where a cell first parts from the reference: one sentence for all of its tensors. */
const partings = (rows) => [...new Set(rows.map((row) => row.at(-1)).filter(Boolean))].map((text) => element("p", text));
for (const group of all(".cells")) group.addEventListener("click", async (event) => {
  const button = event.target.closest(".open");
  if (!button) return;
  const row = button.closest("tr"), below = row.nextElementSibling;
  const closes = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!closes));
  button.textContent = closes ? "show" : "hide";
  if (closes) return below.remove();
  const opened = element("tr"), cell = opened.insertCell();
  opened.className = "tensors";
  cell.colSpan = row.cells.length;
  const rows = (await data()).tensors[button.dataset.cell];
  cell.append(...partings(rows), tensorTable(rows));
  row.after(opened);
});

/* Throughput: a column's head sorts by it, numbers as numbers. */
const value = (row, column) => {
  const text = row.cells[column].textContent.trim(), number = parseFloat(text.replaceAll(",", ""));
  return Number.isNaN(number) ? text : number;
};
const order = (a, b) => typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
for (const table of all(".sortable")) all("thead th", table).forEach((head, column) => {
  const button = element("button", head.textContent);
  button.type = "button";
  head.replaceChildren(button);
  button.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of all("thead th", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const rows = [...table.tBodies[0].rows].map((row) => [value(row, column), row]);
    rows.sort(([a], [b]) => order(a, b) * (down ? -1 : 1));
    table.tBodies[0].append(...rows.map(([, row]) => row));
  });
});
const filter = one("#filter");
filter?.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...all("#throughput .sortable").at(-1).tBodies[0].rows];
  for (const row of rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
  one("#shown").textContent = words.length ? `${rows.filter((row) => !row.hidden).length} of ${rows.length} rows` : "";
});
