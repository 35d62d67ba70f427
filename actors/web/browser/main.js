import { make } from './dom.js';
import { Feed } from './feed.js';
import { glanceView } from './glance.js';
import { pastView } from './past.js';
import { timelineView } from './timeline.js';

/** The page: which view is shown is said behind the `#` of its address. */

const view = document.getElementById('view');
const line = document.getElementById('line');
const feed = new Feed();
let glance;
/** Counts the views that were asked for, so that one that comes late is not shown. */
let asked = 0;

const route = () => location.hash.replace(/^#\/?/, '').split('/');

async function show() {
  const turn = ++asked;
  const [name, ...rest] = route();
  for (const link of document.querySelectorAll('nav a'))
    if (link.getAttribute('href') === `#/${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  if (name !== 'of') document.getElementById('sought').value = '';
  if (name === '') return showGlance();
  view.replaceChildren(make('p', { class: 'faint' }, 'Reading the log\u2026'));
  let shown;
  try {
    shown = name === 'of' ? await timelineView(rest.join('/')) : await pastView(rest[0]);
  } catch (error) {
    shown = [make('p', { class: 'bad', role: 'alert' }, error.message)];
  }
  if (turn === asked) view.replaceChildren(...shown);
}

function showGlance() {
  if (route()[0] !== '' || !glance?.node) return;
  const focused = document.activeElement?.getAttribute('href');
  const scrolled = feed.element.scrollTop;
  view.replaceChildren(...glanceView(glance, feed.element));
  feed.element.scrollTop = scrolled;
  // What was reached by keyboard is not lost when the page is made anew.
  if (focused) [...view.querySelectorAll('a')].find((link) => link.getAttribute('href') === focused)?.focus();
}

const live = new EventSource('/api/live');
live.addEventListener('glance', ({ data }) => {
  glance = JSON.parse(data);
  showGlance();
});
live.addEventListener('happened', ({ data }) => feed.take(JSON.parse(data)));
live.addEventListener('open', () => {
  line.textContent = 'live';
  line.className = 'good';
});
live.addEventListener('error', () => {
  line.textContent = 'the node does not answer';
  line.className = 'bad';
});

document.getElementById('search').addEventListener('submit', (event) => {
  event.preventDefault();
  const id = document.getElementById('sought').value.trim();
  if (id !== '') location.hash = `#/of/${id}`;
});
addEventListener('hashchange', () => {
  void show();
  view.focus();
});
void show();
