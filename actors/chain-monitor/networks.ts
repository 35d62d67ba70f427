import { z } from 'zod';

/** The networks of Bitcoin, each with its genesis block's hash, display order, and bitcoind's RPC port. */
export const networks = {
  mainnet: { genesis: '000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f', rpcPort: 8332 },
  testnet: { genesis: '000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943', rpcPort: 18332 },
  testnet4: { genesis: '00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043', rpcPort: 48332 },
  signet: { genesis: '00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6', rpcPort: 38332 },
  regtest: { genesis: '0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206', rpcPort: 18443 },
} as const;

export const Network = z.enum(['mainnet', 'testnet', 'testnet4', 'signet', 'regtest']);
export type Network = z.infer<typeof Network>;

/** The network with a genesis block of that hash, if it is one of the known ones. */
export const networkOf = (genesis: string): Network | undefined =>
  Network.options.find((name) => networks[name].genesis === genesis);
