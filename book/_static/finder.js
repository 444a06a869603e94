// Finds the places of a book that a query asks for. MiniSearch ranks single words; this file says what a word is, which
// pages answer the whole query, and what to show of them. Loaded with the first letter typed.
"use strict";
// eslint-disable-next-line no-unused-vars
class Finder {
  static RUN = /\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{M}\p{N}_])+/gu;
  static HAN = /\p{Script=Han}/u;

  // Who searches wants what explains, not what asks or what lists links.
  static ASIDE = /^(exercise|see-also)/;

  // index: what book/_ext/search.py wrote.
  constructor(index) {
    this.pages = index.pages;
    this.simple = new Map(Array.from(index.simplified.match(/../gu) ?? [], ([traditional, own]) => [traditional, own]));
    this.synonyms = Object.entries(index.synonyms).map(([typed, written]) => [Finder.asWords(typed), written]);
    const taught = Object.entries(index.taught).map(([term, section]) => [Finder.joined(term), { term, section }]);
    this.taught = new Map([...taught.map(([form, at]) => [Finder.unmarked(form), at]), ...taught]);
    this.places = index.pages.flatMap((page) => page.places.map((place) => ({ ...place, page })));
    this.words = new MiniSearch({
      fields: ["title", "text", "names"],
      tokenize: Finder.stored,
      processTerm: (word) => word,
      searchOptions: { tokenize: (word) => [word], boost: { title: 4, names: 0.5 } },
    });
  }

  // Ready to search. Done piece by piece: a page must not freeze on a slow phone.
  static async open(index) {
    const finder = new Finder(index);
    await finder.words.addAllAsync(finder.places.map((place, id) => ({ ...place, id })), { chunkSize: 40 });
    return finder;
  }

  static unmarked(word) {
    return word.normalize("NFD").replace(/\p{M}/gu, "").replace(/đ/g, "d");
  }

  // English and Portuguese; where there is no plural, one more form does no harm.
  static singular(word) {
    return word.replace(/ções$/, "ção").replace(/(?<=\p{L}{2}[^s])s$/u, "");
  }

  static pairs(run) {
    return Array.from(run.slice(1), (character, i) => run[i] + character);
  }

  // Matches a phrase as whole words, or anywhere if it is Chinese.
  static asWords(phrase) {
    const escaped = phrase.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return new RegExp(Finder.HAN.test(phrase) ? escaped : `(?<![\\p{L}_])${escaped}(?![\\p{L}_])`, "iu");
  }

  // The words of a text: runs of letters, in small letters.
  static runs(text) {
    return text.normalize("NFC").toLowerCase().match(Finder.RUN) ?? [];
  }

  // What is stored of a text. Chinese has no spaces: each character, and each two that stand together. Of other words
  // the singular, the forms without marks, and the parts of a name_in_code.
  static stored(text) {
    return Finder.runs(text).flatMap((run) => {
      if (Finder.HAN.test(run)) return [...run, ...Finder.pairs(run)];
      const one = Finder.singular(run);
      return [...new Set([run, one, Finder.unmarked(run), Finder.unmarked(one), ...run.split("_")])];
    });
  }

  // One spelling of Huber loss, HuberLoss, nn.HuberLoss and huber_loss.
  static joined(phrase) {
    return Finder.runs(Finder.bare(phrase)).map(Finder.singular).join("").replace(/_/g, "");
  }

  // Of torch.nn.MSELoss the name counts.
  static bare(query) {
    return query.replace(/(?:\w+\.)+(?=[a-z_])/gi, "");
  }

  // The words that a page should have, and the phrases that speak for it.
  static asked(query) {
    const runs = Finder.runs(Finder.bare(query));
    const words = runs.flatMap((run) => (Finder.HAN.test(run) && run.length > 1 ? Finder.pairs(run) : [run]));
    const phrases = runs.slice(1).map((run, i) => new RegExp(`${runs[i]}[\\s-]*${run}`, "iu"));
    return { words: [...new Set(words)], phrases };
  }

  // The places that have a word: as it is, as the beginning of another, with another ending, misspelt.
  lookup(word) {
    if (!this.known.has(word)) this.known.set(word, this.search(word));
    return this.known.get(word);
  }

  search(word) {
    if (Finder.HAN.test(word)) return this.words.search(word);
    const ending = word.slice(0, Math.max(4, word.length - 3));
    const found = this.words.search(word, { prefix: word.length > 1 });
    const alike = ending === word ? [] : this.words.search(ending, { prefix: true });
    const known = new Set(found.map(({ id }) => id));
    found.push(...alike.filter(({ id }) => !known.has(id)).map((hit) => ({ ...hit, score: hit.score / 4 })));
    return known.size || word.length < 5 ? found : [...found, ...this.words.search(word, { fuzzy: 0.25 })];
  }

  // Whether a page's title has a word, or its file is named after a loss: guide/cross-entropy after CrossEntropyLoss.
  names(page, word) {
    const file = page.address.replace(/.*\/|\.html$|-/g, "");
    const loss = word.replace(/_|loss$/g, "");
    page.said ??= new Set(Finder.stored(page.places[0].title));
    return page.said.has(word) || (loss.length > 1 && file.startsWith(loss));
  }

  // Whether a section's title has a word, or the two titles together have both characters of a Chinese pair.
  static says(page, section, word) {
    if (!Finder.HAN.test(word)) return Finder.stored(section).includes(Finder.singular(word));
    return section.includes(word) || ((section + page).includes(word[0]) && section.includes(word.at(-1)));
  }

  // Pages with most of the words asked for, best first; each with its best places. A page is as good as its best place,
  // a little better for every other, and better if its title says what was asked for or if it teaches that term.
  rank(query, least = 0.6) {
    const { words, phrases } = Finder.asked(query);
    const lists = words.map((word) => this.lookup(word));
    const counted = words.filter((word, i) => lists[i].length || word.length > 3 || Finder.HAN.test(word)).length;
    const common = lists.map((hits) => hits.length > this.places.length / 3); // the, do, của
    const taught = this.taught.get(Finder.joined(query))?.section.split("#") ?? [];
    const found = new Map();
    lists.forEach((hits, number) => {
      for (const { id, score, terms } of hits) {
        const { page } = this.places[id];
        const { sums, places } = found.get(page) ?? { sums: [], places: new Map() };
        const place = places.get(id) ?? { ...this.places[id], score: 0, words: 0, terms: [] };
        found.set(page, { sums, places: places.set(id, place) });
        sums[number] = (sums[number] ?? 0) + score;
        place.score += score / (Finder.ASIDE.test(place.id) ? 2 : 1);
        place.words += 1;
        place.terms.push(...terms);
      }
    });
    return [...found].flatMap(([page, { sums, places }]) => {
      const covered = Object.keys(sums).length / counted;
      const taughtHere = page.address === taught[0];
      if (covered < least && !taughtHere) return [];
      for (const place of [...places.values()].filter((place) => place.words > 1)) {
        place.score *= 1 + phrases.filter((phrase) => phrase.test(`${place.title} ${place.text}`)).length / 2;
      }
      // Where the page's title says it all, the page itself is meant; else the section that teaches the term, or whose
      // title says the rest: cross-entropy formula.
      const rest = words.filter((word, i) => !common[i] && !this.names(page, word));
      const says = (title) => rest.length < words.length && rest.every((word) => Finder.says(page.places[0].title, title, word));
      const first = ({ id, title }) => rest.length > 0 && ((taughtHere && id === taught[1]) || says(title));
      const all = [...places.values()].sort((a, b) => b.score - a.score);
      const best = [...all.filter(first), ...all.filter((place) => !first(place))];
      const title = page.places[0].title;
      const exact = Finder.runs(title).join() === Finder.runs(query).join();
      const sum = sums.reduce((total, score) => total + score, 0);
      const kind = exact ? 5 : taughtHere ? 3 : page.teaches ? 1 : 0.2;
      const score = (all[0].score + sum / 10) * covered ** 3 * (2 - rest.length / words.length) * kind;
      return [{ page, score, places: best }];
    });
  }

  // The query, as the book writes it too, and, if nothing is found, without its marks.
  find(typed) {
    this.known = new Map(); // a synonym asks for most of the same words again
    const query = typed.replace(/\p{Script=Han}/gu, (character) => this.simple.get(character) ?? character);
    const synonyms = this.synonyms.filter(([pattern]) => pattern.test(query));
    const term = this.taught.get(Finder.joined(query))?.term ?? query;
    const queries = new Set([query, term, ...synonyms.map(([pattern, written]) => query.replace(pattern, written))]);
    const results = new Map();
    for (const result of [...queries].flatMap((asked) => this.rank(asked))) {
      if (!(results.get(result.page)?.score >= result.score)) results.set(result.page, result);
    }
    const plain = Finder.unmarked(query);
    if (!results.size && plain !== query) return this.find(plain);
    if (!results.size && Finder.HAN.test(query)) { // one wrong character spoils the two pairs that it stands in
      for (const result of this.rank(query, 0.5)) results.set(result.page, result);
    }
    const best = Math.max(...[...results.values()].map(({ score }) => score));
    return [...results.values()].filter(({ score }) => score > best / 20).sort((a, b) => b.score - a.score);
  }

  // Where the words found stand in a place's text, as [start, end]; Chinese character by character.
  static marks({ text, terms }) {
    const wanted = new Set(terms);
    return [...text.matchAll(Finder.RUN)].flatMap((match) => {
      const run = match[0].normalize("NFC").toLowerCase();
      if (!Finder.HAN.test(run)) {
        return [run, Finder.singular(run), Finder.unmarked(run)].some((form) => wanted.has(form)) ? [[match.index, match.index + run.length]] : [];
      }
      return [...run].flatMap((character, i) => {
        const known = [character, run.slice(i, i + 2), run.slice(Math.max(0, i - 1), i + 1)];
        return known.some((piece) => wanted.has(piece)) ? [[match.index + i, match.index + i + 1]] : [];
      });
    });
  }

  // What matches the words found in a place, to mark them where it opens; empty if its text has none of them.
  static pattern(place) {
    const words = [];
    let end;
    for (const [from, to] of Finder.marks(place)) {
      if (from === end) words.push(words.pop() + place.text.slice(from, to));
      else words.push(place.text.slice(from, to));
      end = to;
    }
    return [...new Set(words)].sort((a, b) => b.length - a.length).map((word) => Finder.asWords(word).source).join("|");
  }

  // The part of a place's text with most of the words found, as [text, is it one of them].
  static excerpt(place, length) {
    const { text } = place;
    const marks = Finder.marks(place);
    const within = (from) => marks.filter(([start, end]) => start >= from && end <= from + length).length;
    const first = marks.reduce((best, [start]) => (within(start) > within(best) ? start : best), marks[0]?.[0] ?? 0);
    const from = Math.max(0, first - Math.floor(length / 3));
    const sentence = text.slice(from, first).search(/(?<=[.!?] |[。！？])[^.!?。！？]*$/);
    const start = from && (sentence < 0 ? text.slice(0, from).lastIndexOf(" ") + 1 || from : from + sentence);
    const rest = text.slice(start, start + length);
    const end = start + (start + length < text.length && /\s/.test(rest.slice(-20)) ? rest.lastIndexOf(" ") : rest.length);
    const parts = [[start > 0 ? "… " : "", false]];
    let at = start;
    for (const [from, to] of marks.filter(([from, to]) => from >= start && to <= end)) {
      parts.push([text.slice(at, from), false], [text.slice(from, to), true]);
      at = to;
    }
    return [...parts, [text.slice(at, end), false], [end < text.length ? " …" : "", false]];
  }
}
