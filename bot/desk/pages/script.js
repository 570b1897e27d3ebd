"use strict";
// Narrows the page to what has the words and the state; without script the page is whole.
const fold = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase();
// The pointer stands beside every text: whoever looks for a number means the directory.
const own = (part) => [...part.children].filter((child) => !child.matches(".help")).map((child) => child.textContent).join(" ");
const parts = [...document.querySelectorAll("[data-find]")].map((part) => ({ part, text: fold(own(part)) }));
const words = document.getElementById("words");
const mark = document.getElementById("mark");
const found = document.getElementById("found");
const contents = document.getElementById("contents");

function narrow() {
  const wanted = fold(words.value).split(/\s+/).filter(Boolean);
  const state = mark.value;
  let shown = 0;
  for (const { part, text } of parts) {
    const states = (part.dataset.marks || "").split(" ");
    part.hidden = !wanted.every((word) => text.includes(word)) || (state !== "" && !states.includes(state));
    shown += part.hidden ? 0 : 1;
  }
  for (const group of document.querySelectorAll(".group")) {
    group.hidden = group.querySelector("[data-find]") !== null && group.querySelector("[data-find]:not([hidden])") === null;
  }
  for (const link of contents.querySelectorAll("a")) {
    link.parentElement.hidden = document.querySelector(link.getAttribute("href")).hidden;
  }
  found.textContent = wanted.length || state ? `${shown} found` : "";
}

document.getElementById("filter").hidden = false;
document.getElementById("filter").addEventListener("submit", (event) => event.preventDefault());
words.addEventListener("input", narrow);
mark.addEventListener("change", narrow);
// A choice leads to a text that the search may have hidden.
addEventListener("hashchange", () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target && target.closest("[hidden]")) {
    words.value = mark.value = "";
    narrow();
    target.scrollIntoView();
  }
});
if (matchMedia("(max-width: 60rem)").matches) contents.open = false;
addEventListener("beforeprint", () => { contents.open = true; });
narrow();
