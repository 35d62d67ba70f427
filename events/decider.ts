/**
 * One aggregate's behaviour: what it may decide, and what each event makes of its state.
 *
 * `decide` is pure: height, time, random bytes and signatures arrive in the command. It answers with an outcome for
 * whoever asked and the events that make it true; deciding again after those events decides nothing more.
 * `evolve` never fails: an event is a fact.
 */
export interface Decider<State, Command, Outcome, Event> {
  readonly initialState: () => State;
  readonly evolve: (state: State, event: Event) => State;
  readonly decide: (command: Command, state: State) => Decision<Outcome, Event>;
}

export interface Decision<Outcome, Event> {
  readonly outcome: Outcome;
  readonly events: readonly Event[];
}
