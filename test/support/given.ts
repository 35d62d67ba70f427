import assert from 'node:assert/strict';
import { storeEvent } from '../../events/codec.js';
import type { Decider } from '../../events/decider.js';

/** What a test may say about a decision. */
export interface Decided<Outcome, Event> {
  readonly outcome: Outcome;
  readonly events: readonly Event[];
  /** The outcome and the events, all of them, are these. */
  gives(outcome: Outcome, ...events: Event[]): void;
}

/** The decision about a command, once made and checked. */
export interface Given<Command, Outcome, Event> {
  /**
   * Decides, and decides again once the events are history: then there must be none (style, rule 2). A command that is
   * meant to decide more each time says why, and is asked once.
   */
  when(command: Command, once?: { readonly because: string }): Decided<Outcome, Event>;
}

/**
 * A decider's specification: `given(...events).when(command).gives(outcome, ...events)`.
 *
 * Every event, given or decided, must be of the shape that the log takes. State is folded anew for each decision, since
 * `evolve` may take over the state it is given.
 */
export const specify =
  <State, Command, Outcome, Event extends { readonly type: string }>(
    decider: Decider<State, Command, Outcome, Event>,
  ): ((...events: readonly Event[]) => Given<Command, Outcome, Event>) =>
  (...history) => ({
    when(command, once) {
      const { outcome, events } = decideAfter(decider, history, command);
      const again = once ? [] : decideAfter(decider, [...history, ...events], command).events;
      assert.deepEqual(again, [], 'deciding again decides nothing more');
      return {
        outcome,
        events,
        gives: (...expected) => assert.deepEqual([outcome, ...events], expected),
      };
    },
  });

function decideAfter<State, Command, Outcome, Event extends { readonly type: string }>(
  { initialState, evolve, decide }: Decider<State, Command, Outcome, Event>,
  history: readonly Event[],
  command: Command,
) {
  const decision = decide(command, history.reduce(evolve, initialState()));
  for (const event of [...history, ...decision.events]) storeEvent(event);
  return decision;
}
