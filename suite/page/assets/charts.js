"use strict";
/* Each picture becomes the same chart, with exact figures where a pointer is, when it comes near the window. Its data are
   in its specification. One that is wider than its place is drawn anew as wide as that. */
const refuse = async () => { throw new Error("the page loads nothing"); };
const nothing = { load: refuse, sanitize: refuse };
const options = { renderer: "svg", actions: false, ast: true, loader: nothing, tooltip: { theme: "custom" } };
const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) { seen.unobserve(target); draw(target); }
}, { rootMargin: "50%" });
async function draw(picture) {
  const fresh = document.createElement("div");
  const chart = (await window.unpacked()).charts[picture.dataset.chart], room = picture.clientWidth;
  const fitted = { ...chart, width: room, autosize: { type: "fit-x", contains: "padding" } };
  await window.vegaEmbed(fresh, picture.scrollWidth > room ? fitted : chart, options);
  for (const part of fresh.querySelectorAll("[role]")) part.removeAttribute("role"); /* the picture is one image */
  picture.replaceChildren(fresh);
  picture.parentElement.classList.toggle("wide", picture.scrollWidth > picture.clientWidth);
  picture.dataset.drawn = "";
}
for (const picture of document.querySelectorAll("[data-chart]")) seen.observe(picture);
