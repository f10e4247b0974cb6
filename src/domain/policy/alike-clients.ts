import { matches, type Circumstances, type Conditions, type Rule } from './rules.ts'

/** The facts of a sign-in that depend on its client alone. */
export type ClientFacts = Pick<Circumstances, 'client' | 'scopes' | 'acrs' | 'isFirstParty'>

/**
 * The first client of each kind, in the order of the list. Two clients are of one kind if the same rules match them, so
 * that a decision for one of them holds for the other. `besides`: other properties on which decisions depend.
 */
export function firstOfEachKind<Client>(
  clients: readonly Client[],
  rules: readonly Rule[],
  factsOf: (client: Client) => ClientFacts,
  besides: (client: Client) => unknown,
): readonly Client[] {
  const conditions = rules.map(({ when }) => ofClient(when))
  const first = new Map<string, Client>()
  for (const client of clients) {
    const facts = { ...factsOf(client), groups: [], isNewBrowser: true }
    const matched = conditions.map((when) => matches({ name: '', when }, facts))
    const kind = JSON.stringify([matched, besides(client)])
    if (!first.has(kind)) first.set(kind, client)
  }
  return [...first.values()]
}

/** The conditions on facts of the client. */
function ofClient({ client, scope, acr, firstParty }: Conditions): Conditions {
  return {
    ...(client === undefined ? {} : { client }),
    ...(scope === undefined ? {} : { scope }),
    ...(acr === undefined ? {} : { acr }),
    ...(firstParty === undefined ? {} : { firstParty }),
  }
}
