// Two languages side by side: ?with=vi puts the prose of each cell beside its translation. The other page comes in a frame,
// with ?cells, and hands over its prose: that needs no server, so it works from a folder too.
"use strict";

(() => {
  const CODE = ".cell, .explorer, form, aside"; // code says the same in all languages

  // The prose of each cell: what stands from its beginning to that of the next.
  function cells(section, found = new Map()) {
    let { id } = section;
    for (const node of section.children) {
      if (node.matches("section")) {
        cells(node, found);
        continue;
      }
      id = node.id || id;
      if (!node.matches(CODE)) found.set(id, [...(found.get(id) ?? []), node]);
    }
    return found;
  }

  // A copy for another page: links lead where they led, and nothing is there twice.
  function handed(node) {
    const copy = node.cloneNode(true);
    for (const link of copy.querySelectorAll("a[href]")) link.setAttribute("href", new URL(link.getAttribute("href"), document.baseURI));
    for (const mine of copy.querySelectorAll(".headerlink, .copy")) mine.remove();
    for (const named of [copy, ...copy.querySelectorAll("[id]")]) named.removeAttribute("id");
    return copy.outerHTML;
  }

  function box(...content) {
    const div = document.createElement("div");
    div.append(...content);
    return div;
  }

  function pair(own, { prose, lang }) {
    document.documentElement.classList.add("beside");
    for (const [id, nodes] of own) {
      if (!prose.has(id)) continue;
      const [row, theirs] = [box(), box()];
      row.className = "pair";
      theirs.lang = lang;
      theirs.innerHTML = prose.get(id).join("");
      nodes[0].before(row);
      row.append(box(...nodes), theirs);
    }
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  }

  const own = cells(document.querySelector(".bd-article > section"));
  const query = new URLSearchParams(location.search);
  if (query.has("cells")) {
    const prose = new Map([...own].map(([id, nodes]) => [id, nodes.filter((node) => !node.matches(".about")).map(handed)]));
    parent.postMessage({ prose, lang: document.documentElement.lang }, "*");
    return;
  }
  const link = document.querySelector(`.menu-languages a[data-with="${CSS.escape(query.get("with"))}"]`);
  if (!link) return;
  link.ariaCurrent = "true";
  document.querySelector(".menu-languages .alone").hidden = false;
  for (const onward of document.querySelectorAll(".prev-next-area a, .bd-docs-nav a")) onward.search = location.search;
  const frame = document.createElement("iframe");
  window.addEventListener("message", ({ source, data }) => {
    if (source !== frame.contentWindow) return;
    pair(own, data);
    frame.remove();
  });
  frame.hidden = true;
  frame.src = `${link.dataset.page}?cells`;
  document.body.append(frame);
})();
