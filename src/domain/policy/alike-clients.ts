import { matches, type Circumstances, type Conditions, type Rule } from './rules.ts'

/** The facts of a sign-in that depend on its client alone. */
export type ClientFacts = Pick<Circumstances, 'client' | 'scopes' | 'acrs' | 'isFirstParty'>

/** Clients that the same rules match. */
export interface ClientKind<Client> {
  /** The first of them in the order of the list. */
  readonly client: Client
  /** The rules whose conditions on the client match. The others never match a sign-in to a client of this kind. */
  readonly matching: ReadonlySet<Rule>
}

/**
 * The kinds of clients, in the order of the list. Two clients are of one kind if the same rules match them, so
 * that a decision for one of them holds for the other. `besides`: other properties on which decisions depend.
 */
export function kindsOfClients<Client>(
  clients: readonly Client[],
  rules: readonly Rule[],
  factsOf: (client: Client) => ClientFacts,
  besides: (client: Client) => unknown,
): readonly ClientKind<Client>[] {
  const conditions = rules.map(({ when }) => ofClient(when))
  const kinds = new Map<string, ClientKind<Client>>()
  for (const client of clients) {
    const facts = { ...factsOf(client), groups: [], isNewBrowser: true }
    const matched = conditions.map((when) => matches({ name: '', when }, facts))
    const kind = JSON.stringify([matched, besides(client)])
    if (kinds.has(kind)) continue
    const matching = new Set(rules.filter((_, place) => matched[place]))
    kinds.set(kind, { client, matching })
  }
  return [...kinds.values()]
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
