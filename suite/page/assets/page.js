"use strict";
const all = (selector, of = document) => [...of.querySelectorAll(selector)];
const one = (selector, of = document) => of.querySelector(selector);
const element = (name, text = "") => Object.assign(document.createElement(name), { textContent: text });

/* What only scripts need, unpacked once. */
let kept;
const data = () => kept ??= (async () => {
  const bytes = Uint8Array.from(atob(one("#data").textContent), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
})();

window.unpacked = data;
