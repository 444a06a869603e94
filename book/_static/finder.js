// Finds the places of a book that a query asks for. MiniSearch ranks single words; this file says what a word is, which
// pages answer the whole query, and what to show of them. Loaded with the first letter typed.
"use strict";
// eslint-disable-next-line no-unused-vars
class Finder {
  static RUN = /\p{Script=Han}+|(?:(?!\p{Script=Han})[\p{L}\p{M}\p{N}_])+/gu;
  static HAN = /\p{Script=Han}/u;

  // Who searches wants what explains, not what asks or what lists links.
  static ASIDE = /^(exercise|see-also)/;

  // Found by trial, so that most queries of tests/site/search.yml lead where they should, and others like them.
  static COMMON = 50; // words of fewer places than this differ little in weight
  static CHANCE = 8; // a word of so few places that no title has may be there by chance
  static PHRASE = 0.5; // of a phrase in a text, beside one in a title
  static OTHER = 0.07; // of pages that list and look up, beside those that teach

  // index: what book/_ext/search.py wrote.
  constructor(index) {
    this.pages = index.pages;
    this.simple = new Map(Array.from(index.simplified.match(/../gu) ?? [], ([traditional, own]) => [traditional, own]));
    this.synonyms = Object.entries(index.synonyms).map(([typed, written]) => [Finder.asWords(typed), written]);
    this.terms = Object.entries(index.taught).map(([term, section]) => {
      return { pattern: Finder.asWords(term), words: Finder.asked(term).words, address: section.split("#")[0] };
    });
    const taught = Object.entries(index.taught).map(([term, section]) => [Finder.joined(term), { term, section }]);
    this.taught = new Map([...taught.map(([form, at]) => [Finder.unmarked(form), at]), ...taught]);
    this.places = index.pages.flatMap((page) => page.places.map((place) => Object.assign(place, { page })));
    for (const [number, place] of this.places.entries()) {
      place.number = number;
      place.said = new Set(Finder.stored(`${place.title} ${place.english ?? ""}`));
    }
    this.titled = new Set(this.places.flatMap(({ page, said }) => (page.teaches ? [...said] : [])));
    this.counts = new Map(); // in how many titles and texts a word stands
    this.words = new MiniSearch({
      fields: ["title", "english", "text", "names"],
      idField: "number",
      tokenize: (text) => this.count(Finder.stored(text)),
      processTerm: (word) => word,
      searchOptions: { tokenize: (word) => [word], boost: { title: 4, english: 3, names: 0.5 } },
    });
  }

  // Ready to search. Done piece by piece: a page must not freeze on a slow phone.
  static async open(index) {
    const finder = new Finder(index);
    await finder.words.addAllAsync(finder.places, { chunkSize: 40 });
    return finder;
  }

  count(words) {
    for (const word of new Set(words)) this.counts.set(word, (this.counts.get(word) ?? 0) + 1);
    return words;
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
    const phrases = runs.slice(1).map((run, i) => new RegExp(`(?<![\\p{L}\\p{N}])${runs[i]}[^\\p{L}\\p{N}]*${run}`, "iu"));
    return { words: [...new Set(words)], phrases };
  }

  // The places that have a word: as it is, as the beginning of another, with another ending, misspelt.
  lookup(word) {
    if (!this.found.has(word)) this.found.set(word, this.search(word));
    return this.found.get(word);
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

  // How much a word of so many places tells them apart: nothing, if it is in all.
  weight(number) {
    return Math.max(0, Math.log((this.places.length + Finder.COMMON) / (number + Finder.COMMON))) ** 1.5;
  }

  // The words of a place's titles, with their weights: the title and the English one, whole and on each side of a colon.
  heads(place) {
    place.heads ??= [place.title, place.english].filter(Boolean).flatMap((title) => {
      const parts = /[:：]/.test(title) ? [title, ...title.split(/[:：]/)] : [title];
      return parts.map((part) => Finder.asked(part).words.map(Finder.singular).map((word) => [word, this.weight(this.counts.get(word) ?? 1)]));
    });
    return place.heads;
  }

  // How much of a title and a query is the same, by weight: from 0 to 1, where the title is what was typed.
  likeness(place, asked, total) {
    const parts = this.heads(place).map((head) => {
      const shared = head.reduce((sum, [word]) => sum + (asked.get(word) ?? 0), 0);
      return shared && shared / (total + head.reduce((sum, [word, weight]) => sum + (asked.has(word) ? 0 : weight), 0));
    });
    return Math.max(...parts);
  }

  // Whether a page's title has a word, or its file is named after a loss: guide/cross-entropy after CrossEntropyLoss.
  static names(page, word) {
    const file = page.address.replace(/.*\/|\.html$|-/g, "");
    const loss = word.replace(/_|loss$/g, "");
    return page.places[0].said.has(word) || (loss.length > 1 && file.startsWith(loss));
  }

  // Whether a section's title has a word, or the two titles together have both characters of a Chinese pair.
  static says(page, { title, said }, word) {
    if (!Finder.HAN.test(word)) return said.has(Finder.singular(word));
    return title.includes(word) || ((title + page.places[0].title).includes(word[0]) && title.includes(word.at(-1)));
  }

  // What is known of the words of a query: the places that have each, and how much it weighs. A word that the book never
  // uses tells nothing; where half of them are so, the query means something else.
  known(query) {
    const { words: typed, phrases } = Finder.asked(query);
    const words = typed.filter((word) => this.lookup(word).length);
    const lists = words.map((word) => this.lookup(word));
    const weights = lists.map(({ length }, i) => this.weight(length) * (this.titled.has(words[i]) ? 1 : length / (length + Finder.CHANCE)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const asked = new Map(words.map((word, i) => [Finder.singular(word), weights[i]]));
    return { words, lists, weights, total, asked, phrases, few: words.length < typed.length / 2, all: words.length === typed.length };
  }

  // The pages that have some of the words, each with what each word adds to it, and its places with their scores. Where
  // the word of a title stands first on a page, it is introduced.
  gather({ words, lists, weights }) {
    const found = new Map();
    for (const [i, hits] of lists.entries()) {
      const top = hits.reduce((most, { score }) => Math.max(most, score), 0);
      const begins = new Map();
      if (this.titled.has(words[i])) {
        for (const { id } of hits) begins.set(this.places[id].page, Math.min(id, begins.get(this.places[id].page) ?? id));
      }
      for (const { id, score, terms } of hits) {
        const { page } = this.places[id];
        if (!found.has(page)) found.set(page, { sums: [], places: new Map() });
        const { sums, places } = found.get(page);
        if (!places.has(id)) places.set(id, Object.assign(Object.create(this.places[id]), { score: 0, words: 0, terms: [] }));
        const place = places.get(id);
        const part = weights[i] * Math.sqrt(score / top) * (begins.get(page) === id ? 1.2 : 1);
        sums[i] = (sums[i] ?? 0) + part;
        place.score += part;
        place.words += 1;
        place.terms.push(...terms);
      }
    }
    return found;
  }

  // Adds to the score of places that have a phrase, most where a page has it first, for there it is explained. Returns
  // what a text with all the phrases gains.
  addPhrases(found, phrases) {
    const several = [...found.values()].flatMap(({ places }) => [...places.values()].filter((place) => place.words > 1));
    several.sort((a, b) => a.number - b.number);
    let gain = 0;
    for (const phrase of phrases) {
      const having = several.filter((place) => phrase.test(place.title) || phrase.test(place.text));
      const weight = this.weight(having.length || 1);
      const pages = new Set();
      for (const place of having) {
        place.score += weight * (phrase.test(place.title) ? 1 : Finder.PHRASE * (pages.has(place.page) ? 1 : 1.4));
        pages.add(place.page);
      }
      gain += having.length && weight * Finder.PHRASE;
    }
    return gain;
  }

  // How much of the query are terms that a page teaches, by weight, for each page.
  shares(query, { asked, total }) {
    const shares = new Map();
    for (const { pattern, words, address } of this.terms) {
      if (!pattern.test(query)) continue;
      const share = words.reduce((sum, word) => sum + (asked.get(Finder.singular(word)) ?? 0), 0) / (total || 1);
      shares.set(address, Math.max(share, shares.get(address) ?? 0));
    }
    return shares;
  }

  // The pages that answer a query, each with its best places. A page is as good as its best place, a little better for
  // every other, and better if its title is like what was asked for or if it teaches that term. Scores of the same
  // question in other words can be compared.
  rank(query) {
    const known = this.known(query);
    if (known.few) return [];
    const { words, lists, weights, asked } = known;
    const total = known.total || 1;
    const telling = words.filter((_, i) => lists[i].length < this.places.length / 3); // not the, do, của
    const taught = this.taught.get(Finder.joined(query))?.section.split("#") ?? [];
    const shares = this.shares(query, known);
    const found = this.gather(known);
    const gain = this.addPhrases(found, known.phrases);
    return [...found].flatMap(([page, { sums, places: byId }]) => {
      const places = [...byId.values()];
      const covered = sums.reduce((sum, _, i) => sum + weights[i], 0) / total;
      const teaches = page.address === taught[0];
      const like = this.likeness(page.places[0], asked, total);
      const likes = places.map((place) => this.likeness(place, asked, total));
      if (!teaches && (covered < 0.4 || (!known.all && !Math.max(like, ...likes)))) return [];
      for (const [i, place] of places.entries()) {
        place.score *= (place.id ? 1 + 2 * likes[i] : 1) / (Finder.ASIDE.test(place.id) ? 2 : 1);
      }
      places.sort((a, b) => b.score - a.score);
      // Where the page's title says it all, the page itself is meant; else the section that teaches the term, or whose
      // title says the rest: cross-entropy formula.
      const rest = telling.filter((word) => !Finder.names(page, word));
      const says = (place) => rest.length < telling.length && rest.every((word) => Finder.says(page, place, word));
      const first = rest.length ? places.filter((place) => (teaches && place.id === taught[1]) || says(place)) : [];
      const sum = sums.reduce((all, part) => all + part, 0);
      const kind = like === 1 ? 5 : teaches ? 8 : page.teaches ? 1 : Finder.OTHER;
      const titles = (1 + 1.6 * like) * (2 - rest.length / (telling.length || 1)) * (1 + 0.2 * (shares.get(page.address) ?? 0));
      const score = ((places[0].score + sum / 10) / (total + gain)) * covered ** 1.5 * kind * titles;
      return [{ page, score, places: [...first, ...places.filter((place) => !first.includes(place))] }];
    });
  }

  // The query, as the book writes it too, and, if nothing is found, without its marks.
  find(typed) {
    this.found = new Map(); // a synonym asks for most of the same words again
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
    const best = Math.max(...[...results.values()].map(({ score }) => score));
    return [...results.values()].filter(({ score }) => score > best / 60).sort((a, b) => b.score - a.score);
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
