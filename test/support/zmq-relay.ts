import { Publisher, Subscriber } from 'zeromq';
import type { Cleanup } from './temp-dir.js';

/** A ZMQ publisher that says what another says, as long as a test lets it. */
export interface ZmqRelay {
  /** `tcp://127.0.0.1:<port>`; silent until it listens to somebody. */
  readonly url: string;
  /** Repeats what is published there. */
  listenTo(zmqUrl: string): void;
  /** From now on messages are lost, or not any more. */
  lose(losing: boolean): void;
  /** How many were lost. */
  readonly lost: number;
}

/** Starts a relay of the topic `sequence` on a free port; it is gone after the test. */
export async function startZmqRelay(t: Cleanup): Promise<ZmqRelay> {
  const publisher = new Publisher({ linger: 0 });
  const subscriber = new Subscriber({ linger: 0 });
  t.after(() => {
    subscriber.close();
    publisher.close();
  });
  await publisher.bind('tcp://127.0.0.1:*');
  let losing = false;
  let lost = 0;
  void (async () => {
    for await (const frames of subscriber)
      if (losing) lost++;
      else await publisher.send(frames);
  })();
  return {
    url: publisher.lastEndpoint ?? '',
    listenTo: (zmqUrl) => {
      subscriber.connect(zmqUrl);
      subscriber.subscribe('sequence');
    },
    lose: (now) => {
      losing = now;
    },
    get lost() {
      return lost;
    },
  };
}
