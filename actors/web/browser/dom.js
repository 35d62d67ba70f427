/** Making elements. Text is only ever text: nothing that the tower or its users wrote becomes markup. */

/**
 * @param {string} name
 * @param {Record<string, string> | undefined} attributes
 * @param {...(Node | string | null | undefined)} children
 */
export function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

export const section = (title, ...children) => make('section', undefined, make('h2', undefined, title), ...children);

/** A definition list of numbers. */
export const numbers = (fields) =>
  make(
    'dl',
    { class: 'numbers' },
    ...Object.entries(fields).map(([name, value]) =>
      make('div', undefined, make('dt', undefined, name), make('dd', undefined, value === null ? '-' : String(value))),
    ),
  );

/** A link to all that happened to something. */
export const linkTo = (id, text = short(id)) => make('a', { href: `#/of/${id}`, class: 'mono', title: id }, text);

export const short = (id) => `${id.slice(0, 10)}\u2026`;

/** A text with its ids as links, each in short. */
export function linked(text) {
  const parts = text.split(/\b([0-9a-f]{32,66})\b/);
  return parts.map((part, i) => (i % 2 === 1 ? (isBlock(parts[i - 1]) ? shown(part) : linkTo(part)) : part));
}

const isBlock = (before) => /block \d+ $/.test(before ?? '');
const shown = (id) => make('span', { class: 'mono', title: id }, short(id));

export const when = (time) => make('time', { datetime: time, title: time }, time.slice(0, 19).replace('T', ' '));

export const list = (items, none) =>
  items.length > 0 ? make('ul', { class: 'plain' }, ...items) : make('p', { class: 'faint' }, none);

/** Asks the node; rejects with what it says is wrong. */
export async function ask(path) {
  const answer = await fetch(path);
  if (answer.status === 401) location.reload();
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.error ?? `the node answered ${answer.status}`);
  return said;
}
