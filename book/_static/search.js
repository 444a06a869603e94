// The search dialog. The index is loaded with the first letter typed: as scripts, so that pages opened from a folder or
// within a sandboxed frame can be searched too.
"use strict";
{
  const root = document.documentElement.dataset.content_root;
  const dialog = document.getElementById("pst-search-dialog");
  const form = dialog.querySelector("form");
  const status = dialog.querySelector("[role=status]");
  const list = dialog.querySelector("ol");
  const { texts, excerpt } = { texts: form.dataset, excerpt: document.documentElement.lang.startsWith("zh") ? 90 : 170 };
  let finder;

  const load = (src) =>
    new Promise((resolve, reject) => {
      document.head.append(Object.assign(document.createElement("script"), { src, onload: resolve, onerror: reject }));
    });

  async function open() {
    await Promise.all([load(texts.rankSrc), load(texts.finderSrc), load(texts.indexSrc)]);
    return Finder.open(bookIndex);
  }

  function link(place) {
    const href = `${root}${place.page.address}${place.id && `#${place.id}`}`;
    const a = Object.assign(document.createElement("a"), { href, textContent: place.title });
    a.addEventListener("click", () => {
      sessionStorage.setItem("found", JSON.stringify({ href: a.href, pattern: Finder.pattern(place) }));
      dialog.close(); // the place may be on this page
      if (new URL(a.href).pathname === location.pathname) markFound();
    });
    return a;
  }

  // Marks what was found, once, in the section that a result opens. The page's elements stay as they are.
  function markFound() {
    const { href, pattern } = JSON.parse(sessionStorage.getItem("found") ?? "{}");
    if (!href) return;
    sessionStorage.removeItem("found");
    const { pathname, hash } = new URL(href);
    if (!pattern || pathname !== location.pathname || !CSS.highlights) return;
    const place = document.getElementById(hash.slice(1)) ?? document.querySelector("article");
    const ranges = [place, place.matches("dt") ? place.nextElementSibling : null].flatMap((root) => root ? rangesIn(root, pattern) : []);
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  function rangesIn(root, pattern) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const ranges = [];
    while (walker.nextNode()) {
      for (const match of walker.currentNode.data.matchAll(new RegExp(pattern, "giu"))) {
        const range = new Range();
        range.setStart(walker.currentNode, match.index);
        range.setEnd(walker.currentNode, match.index + match[0].length);
        ranges.push(range);
      }
    }
    return ranges;
  }

  function item({ page, places: [best, ...others] }) {
    const li = document.createElement("li");
    const heading = document.createElement("p");
    heading.append(link({ ...page.places[0], page }), ...(best.id ? [" › ", link(best)] : []));
    const text = document.createElement("p");
    for (const [part, found] of Finder.excerpt(best, excerpt)) {
      text.append(found ? Object.assign(document.createElement("mark"), { textContent: part }) : part);
    }
    li.append(heading, text);
    const more = others.filter((place) => place.id && place.score > best.score / 2).slice(0, 3);
    if (more.length) {
      const line = Object.assign(document.createElement("p"), { className: "more" });
      line.append(...more.flatMap((place, i) => (i ? [" · ", link(place)] : [link(place)])));
      li.append(line);
    }
    return li;
  }

  async function search(query) {
    try {
      finder ??= open();
      await Promise.all([finder, new Promise((resolve) => setTimeout(resolve, 100))]);
    } catch {
      finder = undefined;
      status.textContent = texts.failed;
      return;
    }
    if (query !== form.elements.q.value.trim()) return; // another letter came
    const pages = query ? (await finder).find(query) : [];
    const told = pages.length === 0 ? texts.none : pages.length === 1 ? texts.one : texts.many;
    status.textContent = query ? told.replace("{number}", pages.length) : "";
    list.replaceChildren(...pages.map(item));
    list.dataset.query = query;
  }

  // Arrow keys go from result to result.
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const stops = [form.elements.q, ...list.querySelectorAll("li a:first-child")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (next) event.preventDefault();
    next?.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    list.querySelector("a")?.focus();
  });
  form.elements.q.addEventListener("input", () => search(form.elements.q.value.trim()));
  markFound();
  form.querySelector(".search-close").addEventListener("click", () => dialog.close());
}
