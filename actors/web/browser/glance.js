import { linkTo, list, make, numbers, section, short } from './dom.js';

/** The tower at a glance. */
export function glanceView(glance, feed) {
  const { tower, node } = glance;
  const tip = node.chain;
  return [
    health(glance),
    section(
      'Holds',
      numbers({
        'block height': tip.height,
        users: tower?.users ?? null,
        'appointments watched': tower?.watched_appointments ?? null,
        'open trackers': tower?.trackers ?? null,
        'stuck penalties': tower?.stuck_trackers ?? null,
      }),
    ),
    section('Open trackers', trackers(glance)),
    make(
      'div',
      { class: 'columns' },
      section('Last blocks', blocks(glance)),
      section('What happens', feed),
      section('Nodes', nodes(glance)),
    ),
    section('Tower', about(glance)),
  ];
}

function health({ healthy, complaints }) {
  const title = healthy
    ? 'All is well'
    : complaints.some(({ level }) => level === 'bad')
      ? 'Not healthy'
      : 'Worth a look';
  const grade = healthy ? 'good' : (complaints[0]?.level ?? 'watch');
  return make(
    'section',
    { id: 'health', 'aria-live': 'polite' },
    make('h1', { class: grade }, `${healthy ? '\u2713' : '\u26a0'} ${title}`),
    ...(healthy
      ? []
      : [
          list(
            complaints.map(({ level, text }) => make('li', { class: level }, text)),
            '',
          ),
        ]),
  );
}

const ORDER = ['breach', 'penalty sent', 'in a block', 'buried'];
/** How far each stage is on the line. */
const DONE = { breached: 1, broadcast: 2, confirmed: 3, outspent: 2 };

function trackers({ trackers, more_trackers: more, node }) {
  const items = trackers.map((tracker) => trackerLine(tracker, node.chain.height));
  if (more) items.push(make('li', { class: 'faint' }, 'There are more: argus trackers lists them all.'));
  return list(items, 'No breach is being answered.');
}

export function trackerLine(tracker, height) {
  const done = DONE[tracker.stage] ?? 1;
  const depth = tracker.penalty_height === null ? null : height - tracker.penalty_height + 1;
  const labels = [
    tracker.dispute_height === null ? 'breach, unmined' : `breach, block ${tracker.dispute_height}`,
    ORDER[1],
    tracker.penalty_height === null ? ORDER[2] : `in block ${tracker.penalty_height}`,
    depth === null ? 'buried' : `${Math.max(0, depth)} of 100 deep`,
  ];
  return make(
    'li',
    { class: 'tracker' },
    'Appointment ',
    linkTo(tracker.appointment_id),
    ' dispute ',
    linkTo(tracker.dispute_txid),
    ...(tracker.penalty_txid ? [' penalty ', linkTo(tracker.penalty_txid)] : []),
    ...(tracker.waits_for
      ? [
          make(
            'span',
            { class: tracker.stuck ? 'bad' : 'faint' },
            ` waits for ${tracker.waits_for}${tracker.stuck ? ', stuck' : ''}`,
          ),
        ]
      : []),
    make(
      'ol',
      { class: 'steps' },
      ...labels.map((label, i) => make('li', { class: i < done ? 'done' : i === done ? 'now' : '' }, label)),
    ),
  );
}

function blocks({ blocks }) {
  return list(
    blocks.map(({ height, hash, breaches }) =>
      make(
        'li',
        undefined,
        make('a', { href: `#/past/${height}` }, String(height)),
        ' ',
        make('span', { class: 'mono faint', title: hash }, `\u2026${hash.slice(-12)}`),
        ...breaches.flatMap(({ dispute_txid: txid, stage }) => [
          ' ',
          make('span', { class: 'bad' }, 'breach '),
          linkTo(txid),
          ` ${stage}`,
        ]),
      ),
    ),
    'No block yet.',
  );
}

function nodes({ nodes, silent_nodes: silent, node: own }) {
  const shown = nodes.length > 0 ? nodes : [own];
  return list(
    [
      ...shown.map(({ node, state, draining, version, chain, bitcoind }) =>
        make(
          'li',
          undefined,
          make('strong', undefined, node),
          ' ',
          make('span', { class: state === 'ready' && !draining ? 'good' : 'watch' }, draining ? 'draining' : state),
          ` at block ${chain.height ?? '-'}, bitcoind `,
          make(
            'span',
            { class: bitcoind.reachable ? 'good' : 'bad' },
            bitcoind.reachable ? `at ${bitcoind.height}` : 'does not answer',
          ),
          make('span', { class: 'faint' }, `, version ${version}${node === own.node ? ', this one' : ''}`),
        ),
      ),
      ...silent.map((name) => make('li', { class: 'bad' }, `${name} is silent`)),
    ],
    'None.',
  );
}

function about({ tower, node, time }) {
  const fields = {
    tower: tower?.tower_id && make('span', { class: 'mono' }, tower.tower_id),
    network: tower?.network,
    'best block': node.chain.hash && make('span', { class: 'mono' }, node.chain.hash),
    bitcoind: node.bitcoind.version && `${node.bitcoind.version}, ${node.bitcoind.peers} peers`,
    'NATS server': node.nats_server && short(node.nats_server),
    'as of': time,
  };
  return list(
    Object.entries(fields)
      .filter(([, value]) => value)
      .map(([name, value]) => make('li', undefined, make('span', { class: 'faint' }, `${name}: `), value)),
    '',
  );
}
