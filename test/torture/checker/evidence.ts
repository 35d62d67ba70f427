/** What a client can show: plain data, all of it hex, numbers and text as the tower sent them. */

export interface Party {
  /** 33 bytes, hex. */
  readonly userId: string;
  readonly dialect: 'python' | 'rust';
}

/** A receipt for an appointment, and what was entrusted for it. */
export interface AppointmentReceipt extends Party {
  readonly locator: string;
  /** Display order. */
  readonly disputeTxid: string;
  /** Of the encrypted blob. */
  readonly sha256: string;
  readonly size: number;
  readonly toSelfDelay: number;
  readonly startBlock: number;
  readonly userSignature: string;
  readonly signature: string;
}

export interface RegistrationReceipt extends Party {
  readonly slots: number;
  readonly start: number;
  readonly expiry: number;
  readonly signature: string;
}

/** What the clients of a run hold and know. */
export interface Evidence {
  readonly appointments: readonly AppointmentReceipt[];
  readonly registrations: readonly RegistrationReceipt[];
  /** By a blob's SHA-256: the txid of the penalty in it, or null if it is of no use. Also of requests without an answer. */
  readonly sent: ReadonlyMap<string, string | null>;
}

/** What a user is told of its account. */
export interface Account {
  readonly availableSlots: number;
  readonly locators: readonly string[];
}
