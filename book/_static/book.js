// What the book adds to the theme's own scripts. Texts come translated from the page.
"use strict";

// Paper is white.
const page = document.documentElement.dataset;
window.addEventListener("beforeprint", () => Object.assign(page, { screen: page.theme, theme: "light" }));
window.addEventListener("afterprint", () => (page.theme = page.screen));

// A menu closes on Escape, when something is chosen, and when the reader clicks or tabs elsewhere.
for (const menu of document.querySelectorAll("details.menu")) {
  const summary = menu.querySelector("summary");
  const close = () => (menu.open = false);
  menu.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    close();
    summary.focus();
  });
  menu.addEventListener("focusout", ({ relatedTarget }) => relatedTarget && !menu.contains(relatedTarget) && close());
  document.addEventListener("click", ({ target }) => summary.contains(target) || close());
}

// The last of these places that a reader has reached.
function here(places) {
  const top = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop) || 0;
  const begun = [...document.querySelectorAll(places)].filter(
    (place) => place.getBoundingClientRect().top <= top + innerHeight / 3,
  );
  return begun.at(-1);
}

// Another language opens at the same section: its address is the same in all of them.
document.querySelector(".menu-languages")?.addEventListener("toggle", ({ target }) => {
  const place = here(".bd-article :is(section, dt, .claim)[id]");
  const hash = !place || scrollY < innerHeight / 3 || place.parentElement.matches(".bd-article") ? "" : `#${place.id}`;
  for (const link of target.querySelectorAll("a")) link.hash = hash;
});

// Another language stands beside this one where the address asks for it: ?with=vi.
const menu = document.querySelector(".menu-languages");
const asked = new URLSearchParams(location.search);
if (menu && (asked.has("with") || (asked.has("cells") && parent !== window))) {
  document.head.append(Object.assign(document.createElement("script"), { src: menu.dataset.beside }));
}

// An issue says which cell it is about.
for (const link of document.querySelectorAll("a.report")) {
  const address = link.href;
  for (const chosen of ["click", "auxclick"]) {
    link.addEventListener(chosen, () => (link.href = address + encodeURIComponent(here(".bd-article :is(section, section > *)[id]")?.id ?? "")));
  }
}

// The list of pages shows the current one; the theme looks for it in the whole sidebar, which does not scroll.
const current = document.querySelector(".bd-docs-nav .current.active");
if (current) {
  const list = current.closest(".sidebar-primary-item");
  list.scrollTop += current.getBoundingClientRect().top - list.getBoundingClientRect().top - list.clientHeight / 3;
}

// The sidebars on a phone: the current page is in view, choosing closes, and focus goes back to the button.
for (const [side, shown] of [["primary", ".current.active"], ["secondary", ".nav-link.active"]]) {
  const drawer = document.getElementById(`pst-${side}-sidebar-modal`);
  const toggle = [...document.querySelectorAll(`.${side}-toggle`)];
  if (!drawer || !toggle.length) continue;
  let button;
  for (const each of toggle) {
    each.addEventListener("click", () => {
      button = each;
      requestAnimationFrame(() => drawer.open && drawer.querySelector(shown)?.scrollIntoView({ block: "center" }));
    });
  }
  drawer.addEventListener("click", ({ target }) => {
    if (!target.closest("a[href*='#']")) return;
    button = undefined; // focus follows the link
    drawer.close();
  });
  drawer.addEventListener("close", () => button?.focus({ preventScroll: true }));
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

// What a reader wants to run: of a session at the prompt, what was typed.
function runnable(text) {
  const lines = text.trimEnd().split("\n");
  const typed = lines.filter((line) => /^(>>>|\.\.\.)( |$)/.test(line));
  return typed.length ? typed.map((line) => line.slice(4)).join("\n") : lines.join("\n");
}

// Browsers have a clipboard only for pages that came encrypted; a school's server in the next room has none of that.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
}

// A copy button on every block of code.
const template = document.getElementById("copy-button").content.firstElementChild;
for (const code of document.querySelectorAll("div.highlight:not(.cell_output div)")) {
  const button = template.cloneNode(true);
  button.addEventListener("click", async () => {
    await copy(runnable(code.querySelector("pre").textContent));
    button.focus();
    button.title = button.ariaLabel = button.dataset.copied;
    button.classList.add("done");
    setTimeout(() => {
      button.title = button.ariaLabel = template.title;
      button.classList.remove("done");
    }, 2000);
  });
  code.append(button);
}

// Explorers and fields for answers wait for the first touch: then comes what moves them. An answer given before is kept.
for (const element of document.querySelectorAll("figure.explorer, form.answer")) {
  const touches = ["pointerdown", "focusin", "input", "keydown"];
  let early = false;
  const keep = (event) => {
    event.preventDefault();
    early = true;
  };
  const begin = async () => {
    for (const touch of touches) element.removeEventListener(touch, begin);
    const module = await import(new URL(element.dataset.script, document.baseURI).href);
    await module.begin(element);
    element.removeEventListener("submit", keep);
    if (early) element.requestSubmit();
  };
  for (const touch of touches) element.addEventListener(touch, begin);
  if (element.matches("form")) element.addEventListener("submit", keep);
}
