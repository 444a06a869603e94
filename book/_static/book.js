// What the book adds to the theme's own scripts. Texts come translated from the page.
"use strict";
const root = document.documentElement.dataset.content_root;

// Search engines want whole addresses; the site does not know its own before it is served.
for (const link of document.querySelectorAll("link[hreflang]")) link.href = link.href;

// Paper is white.
const page = document.documentElement.dataset;
window.addEventListener("beforeprint", () => Object.assign(page, { screen: page.theme, theme: "light" }));
window.addEventListener("afterprint", () => (page.theme = page.screen));

// A menu closes on Escape and on a click elsewhere.
for (const event of ["click", "keydown"]) {
  document.addEventListener(event, ({ key, target }) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (event === "click" ? menu.contains(target) : key !== "Escape") continue;
      menu.open = false;
      if (event === "keydown") menu.querySelector("summary").focus();
    }
  });
}

// Boxes that scroll sideways can be reached and scrolled with the keyboard.
function reachable() {
  for (const box of document.querySelectorAll("div.math, .scrolls, .pst-scrollable-table-container")) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
}
window.addEventListener("resize", reachable);
window.addEventListener("load", reachable);

// A copy button on every block of code that a reader may want to run.
const template = document.getElementById("copy-button").content.firstElementChild;
for (const code of document.querySelectorAll("div.highlight:not(.cell_output div)")) {
  const button = template.cloneNode(true);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.querySelector("pre").textContent.trimEnd());
    button.title = button.ariaLabel = button.dataset.copied;
    button.classList.add("done");
    setTimeout(() => {
      button.title = button.ariaLabel = template.title;
      button.classList.remove("done");
    }, 2000);
  });
  code.append(button);
}

// Search: Pagefind is loaded with the first letter typed, in the language of the page.
const dialog = document.getElementById("pst-search-dialog");
const form = dialog.querySelector("form");
const status = dialog.querySelector("[role=status]");
const list = dialog.querySelector("ol");
let pagefind;

// Pagefind falls back from a word it does not know to shorter ones that begin like it ("football" to "foo"). So a page
// is shown only if it holds every word asked for, whole or without its ending (stems differ: "funções", "função").
const plain = (text) =>
  text.normalize("NFD").replace(/[\p{M}-]/gu, "").replace(/\s*(\p{Script=Han})\s*/gu, "$1").replace(/[đĐ]/g, "d").toLowerCase();
const holds = (page, query) => {
  const text = plain(`${page.meta.title} ${page.content}`);
  return query.split(/[\s-]+/).map(plain).every((word) => text.includes(word.slice(0, Math.max(4, word.length - 3))));
};

async function search(query) {
  try {
    pagefind ??= await import(new URL(`${root}pagefind/pagefind.js`, location));
  } catch {
    status.textContent = form.dataset.failed;
    return;
  }
  const found = query ? await pagefind.debouncedSearch(query, {}, 150) : { results: [] };
  if (!found) return; // another letter came
  const results = new Map(found.results.map((result) => [result.id, result]));
  // The pages write nn.MSELoss, which Pagefind takes for one word; people type MSELoss.
  const written = query.replace(/(^|\s)(?=\w+loss\b)/gi, "$1nn.");
  for (const result of written === query ? [] : (await pagefind.search(written)).results) {
    if (!(results.get(result.id)?.score > result.score)) results.set(result.id, result);
  }
  const best = [...results.values()].sort((a, b) => b.score - a.score);
  const pages = (await Promise.all(best.map((result) => result.data()))).filter((page) => holds(page, query));
  const texts = form.dataset;
  const told = pages.length === 0 ? texts.none : pages.length === 1 ? texts.one : texts.many;
  status.textContent = query ? told.replace("{number}", pages.length) : "";
  list.replaceChildren(
    ...pages.slice(0, 10).map((page) => {
      const item = document.createElement("li");
      const link = Object.assign(document.createElement("a"), { href: page.url, textContent: page.meta.title });
      const excerpt = Object.assign(document.createElement("p"), { innerHTML: page.excerpt });
      item.append(link, excerpt);
      return item;
    }),
  );
  list.dataset.query = query;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  list.querySelector("a")?.focus();
});
form.elements.q.addEventListener("input", () => search(form.elements.q.value.trim()));
form.querySelector(".search-close").addEventListener("click", () => dialog.close());
