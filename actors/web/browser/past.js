import { ask, list, make, numbers, section } from './dom.js';
import { trackerLine } from './glance.js';
import uPlot from './uPlot.esm.js';

/** The tower at any past height, with what it held over time. */
export async function pastView(wanted) {
  const growth = await ask('/api/growth');
  const { heights } = growth;
  if (heights.length === 0) return [make('p', undefined, 'No block yet.')];
  const [lowest, highest] = [heights[0], heights.at(-1)];
  const start = String(Math.min(highest, Math.max(lowest, Number(wanted ?? highest))));
  const slider = make('input', {
    type: 'range',
    id: 'height',
    min: String(lowest),
    max: String(highest),
    value: start,
  });
  const shown = make('output', { id: 'shown', for: 'height' });
  const state = make('div', { id: 'then', 'aria-live': 'polite' });
  slider.addEventListener('input', () => preview(growth, slider, shown));
  // Who holds a key down changes it many times a second.
  let soon;
  slider.addEventListener('change', () => {
    clearTimeout(soon);
    soon = setTimeout(() => void showAt(slider, state), REST_MS);
  });
  preview(growth, slider, shown);
  void showAt(slider, state);
  return [
    section('Height', make('label', { for: 'height' }, 'The tower at block ', shown), slider),
    state,
    ...['appointments', 'users', 'trackers'].map((what) =>
      section(`${what[0].toUpperCase()}${what.slice(1)} over time`, chart(growth, what)),
    ),
  ];
}

const REST_MS = 150;

/** At once, while the slider is still moved. */
function preview({ heights, users, appointments, trackers }, slider, shown) {
  const height = Number(slider.value);
  const at = heights.findLastIndex((each) => each <= height);
  shown.textContent = `${height}: ${users[at]} users, ${appointments[at]} appointments, ${trackers[at]} open trackers`;
}

async function showAt(slider, into) {
  const height = slider.value;
  try {
    const then = await ask(`/api/at?height=${height}`);
    // Who has moved on is not shown what was asked before.
    if (slider.value !== height) return;
    into.replaceChildren(
      section(
        `After block ${then.height}`,
        numbers({
          users: then.users,
          appointments: then.appointments,
          'appointments watched': then.watched_appointments,
          'open trackers': then.open_trackers,
        }),
        make('p', { class: 'mono faint' }, then.hash ?? ''),
        list(
          then.trackers.map((tracker) => trackerLine(tracker, then.height)),
          'No breach was being answered.',
        ),
      ),
    );
    into.dataset.height = height;
  } catch (error) {
    into.replaceChildren(make('p', { class: 'bad', role: 'alert' }, error.message));
  }
}

function chart({ heights, ...series }, what) {
  const box = make('div', {
    class: 'chart',
    id: `chart-${what}`,
    role: 'img',
    'aria-label': `${what} by block height`,
  });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const axis = { stroke: colour('--faint'), grid: { stroke: colour('--edge'), width: 1 } };
  const options = {
    width: 320,
    height: 180,
    scales: { x: { time: false } },
    legend: { show: false },
    cursor: { drag: { x: false, y: false } },
    axes: [
      axis,
      { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7], size: 60 },
    ],
    series: [{ label: 'height' }, { label: what, stroke: colour('--link'), width: 2 }],
  };
  const plot = new uPlot(options, [heights, series[what]], box);
  new ResizeObserver(() => {
    if (box.clientWidth > 0) plot.setSize({ width: box.clientWidth, height: 180 });
  }).observe(box);
  return box;
}
