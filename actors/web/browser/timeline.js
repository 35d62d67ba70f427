import { ask, make, section } from './dom.js';
import { lineOf } from './feed.js';

/** All that happened to one user, appointment, locator or transaction. */
export async function timelineView(id) {
  const { kind, lines, before } = await ask(`/api/timeline?id=${encodeURIComponent(id)}`);
  const what = { txid: 'Transaction' }[kind] ?? `${kind[0].toUpperCase()}${kind.slice(1)}`;
  const items = lines.map(lineOf);
  return [
    make('h1', undefined, `${what} `, make('span', { class: 'mono' }, id)),
    section(
      'What happened',
      before > 0
        ? make('p', { class: 'faint' }, `${before} before these are left out: argus audit timeline tells them all.`)
        : null,
      items.length > 0
        ? make('ol', { class: 'plain', id: 'timeline' }, ...items)
        : make('p', { class: 'faint' }, 'The log knows nothing of it.'),
    ),
  ];
}
