import { fromHex, reversed, toHex } from '../../events/bytes.js';
import { AppointmentId, type Locator, Txid, UserId } from '../../events/ids.js';
import { schemes } from '../../events/schemes/schemes.js';

/** What somebody wants to know the history of. */
export type Quest =
  | { readonly kind: 'user'; readonly userId: UserId }
  | { readonly kind: 'appointment'; readonly appointmentId: AppointmentId }
  /** As it is on the log, or with its bytes in the opposite order. */
  | { readonly kind: 'locator'; readonly locators: readonly Locator[] }
  /** A dispute, whose locators are known by it, a penalty, or what spent its inputs. */
  | { readonly kind: 'txid'; readonly txid: Txid; readonly locators: readonly Locator[] };

/** How a quest is named, for whoever asks. */
export const QUEST_FORMS =
  'a user id (66 hex digits), a locator (32), an appointment id (40) or the id of a dispute or a penalty (64)';

/** What a text asks for: each id has a length of its own. Undefined if it is none. */
export function parseQuest(text: string): Quest | undefined {
  const id = text.toLowerCase();
  if (!/^[0-9a-f]*$/.test(id)) return undefined;
  switch (id.length) {
    case 66: {
      const userId = UserId.safeParse(id).data;
      return userId && { kind: 'user', userId };
    }
    case 40:
      return { kind: 'appointment', appointmentId: AppointmentId.parse(id) };
    case 32:
      return { kind: 'locator', locators: [id, toHex(reversed(fromHex(id)))] as Locator[] };
    case 64: {
      const txidInternal = reversed(fromHex(id));
      const locators = Object.values(schemes).map(({ hint }) => toHex(hint(txidInternal)) as Locator);
      return { kind: 'txid', txid: Txid.parse(id), locators };
    }
    default:
      return undefined;
  }
}
