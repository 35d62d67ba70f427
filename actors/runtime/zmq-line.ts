/** How a line is over which a bitcoind publishes something, as far as its end here can tell. */
export class ZmqLine {
  #connected = false;
  #heardAt: number | undefined;

  /** Whether a publisher is at its other end. */
  get isConnected(): boolean {
    return this.#connected;
  }

  /** How long ago something came over it, in seconds; undefined if nothing did yet. */
  get silentSeconds(): number | undefined {
    return this.#heardAt === undefined ? undefined : (performance.now() - this.#heardAt) / 1000;
  }

  /** From now on it is told by a socket's events. */
  follow(events: { on(event: 'handshake' | 'disconnect', listener: () => void): unknown }): void {
    events.on('handshake', () => {
      this.#connected = true;
    });
    events.on('disconnect', () => {
      this.#connected = false;
    });
  }

  heard(): void {
    this.#heardAt = performance.now();
  }
}
