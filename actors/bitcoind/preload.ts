/** Has the library behind `BitcoindRpc` loaded with whoever imports this: a node needs it at once, most commands never do. */
import 'bitcoin-core';
