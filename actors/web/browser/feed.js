import { linked, make, when } from './dom.js';

/** What happened last, newest first, as it comes. */
export class Feed {
  #lines = [];
  element = make('ol', { class: 'plain feed', id: 'feed', tabindex: '0', 'aria-label': 'What happens' });

  /** `from` is `start` if these are all that there are. */
  take({ lines, from }) {
    this.#lines = (from === 'start' ? lines : [...lines, ...this.#lines]).slice(0, MOST);
    const items = this.#lines.map(lineOf);
    this.element.replaceChildren(...(items.length > 0 ? items : [make('li', { class: 'faint' }, NOTHING)]));
  }
}

const MOST = 100;
const NOTHING = 'Nothing since the node was started.';

export const lineOf = ({ time, place, type, words }) =>
  make(
    'li',
    { class: /^(Breach|PenaltyRefused|PenaltyOutspent|BlobRefused)/.test(type) ? 'event alarm' : 'event' },
    when(time),
    ' ',
    make(
      'span',
      { class: /^(Breach(Sighted|Detected)|PenaltyRefused|PenaltyOutspent|BlobRefused)/.test(type) ? 'bad' : '' },
      ...linked(words),
    ),
    ' ',
    make('span', { class: 'faint mono' }, place),
  );
