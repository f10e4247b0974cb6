import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'
import type { Proof } from '../domain/policy/proofs.ts'
import type { Wishes } from '../domain/step-up-offer.ts'
import { presentContext } from './context.ts'

/** The member of a session and of a grant that says under which epoch of its account it was made. */
const EPOCH = 'mfaEpoch'
/** The member of a grant that says how often the access of its app had been ended when it was made. */
const ACCESS = 'mfaAccess'
/** The member of a session that says which apps have asked for a higher level than the person reached. */
const WISHES = 'mfaWishes'
/** The member of a session that says when and where it was used. The server writes it, the plugin does not. */
const SEEN = 'mfaSeen'
/** The member of a session that says when its person has last shown a second factor. */
const PROVED = 'mfaProved'
/** The member of a session that names the account whose person has put an enrolment off in it. */
const LATER = 'mfaLater'
/** The member of a session that holds the proofs that its person has given. */
const PROOFS = 'mfaProofs'

/**
 * Lets the sessions and grants of a provider carry an epoch, its grants also the number of endings of their app's
 * access, and its sessions the wishes of apps, the places where they were seen and the time of the last second factor.
 * The host stores the members that the `IN_PAYLOAD` of a model names, and remembers them at the first use of the model:
 * call this function before.
 */
export function carryEpoch(provider: Provider): void {
  for (const model of [provider.Session, provider.Grant]) {
    const { IN_PAYLOAD } = model as unknown as { IN_PAYLOAD?: Iterable<string> }
    const value = [...(IN_PAYLOAD ?? []), EPOCH, ACCESS, WISHES, SEEN, PROVED, PROOFS, LATER]
    Object.defineProperty(model, 'IN_PAYLOAD', { value })
  }
}

/** The epoch of a session or grant, stored or loaded. Undefined: it was made without the plugin. */
export function epochIn(holder: object): number | undefined {
  return (holder as { [EPOCH]?: number })[EPOCH]
}

/** Gives a loaded session its epoch; the host stores the session at the end of the request. */
export function giveEpoch(session: object, epoch: number): void {
  Object.assign(session, { [EPOCH]: epoch })
}

/** A second factor that a person has shown in a session. */
export interface Proved {
  readonly accountId: string
  readonly at: number
}

/** Remembers a second factor for the session. The host stores the session at the end of the request. */
export function giveProof(session: object, proved: Proved): void {
  Object.assign(session, { [PROVED]: proved })
}

/** The proofs of a session, and the person who gave them. */
interface KeptProofs {
  readonly accountId: string
  readonly proofs: readonly Proof[]
}

/**
 * The proofs that this account has given in a session. Undefined: it keeps none, because another release or a host
 * without the plugin has made it.
 */
export function proofsIn(session: object, accountId: string): readonly Proof[] | undefined {
  const kept = (session as { [PROOFS]?: KeptProofs })[PROOFS]
  // The host keeps a session when its person changes: the proofs of another person count nothing.
  return kept?.accountId === accountId ? kept.proofs : undefined
}

/** When this account has last shown a second factor in a session. */
export function provedAtOf(session: object, accountId: string): number | undefined {
  const proved = (session as { [PROVED]?: Proved })[PROVED]
  return proved?.accountId === accountId ? proved.at : undefined
}

/** Keeps the proofs in the session. The host stores the session at the end of the request. */
export function giveProofs(session: object, kept: KeptProofs): void {
  Object.assign(session, { [PROOFS]: kept })
}

/** Gives a loaded session the level that its proofs reach. */
export function giveLevel(
  session: object,
  { acr, amr }: { readonly acr: string; readonly amr: readonly string[] },
): void {
  Object.assign(session, { acr, amr: [...amr] })
}

/** Whether this account's person has put an enrolment off in a session. */
export function isPostponedInSession(session: object | undefined, accountId: string): boolean {
  return (session as { [LATER]?: string } | undefined)?.[LATER] === accountId
}

/** Remembers that an enrolment was put off. The host stores the session at the end of the request. */
export function givePostponed(session: object, accountId: string): void {
  Object.assign(session, { [LATER]: accountId })
}

/** The session that an interaction was begun in, loaded. Undefined: it is gone. */
export async function sessionOfInteraction(
  provider: Provider,
  session: { readonly uid?: string } | undefined,
): Promise<object | undefined> {
  return session?.uid === undefined ? undefined : await provider.Session.findByUid(session.uid)
}

/** The wishes that a session remembers. The host stores the session at the end of the request. */
export function wishesIn(session: object | undefined): Wishes | undefined {
  return (session as { [WISHES]?: Wishes } | undefined)?.[WISHES]
}

export function giveWishes(session: object, wishes: Wishes): void {
  Object.assign(session, { [WISHES]: wishes })
}

/** The wishes of the session that an interaction was begun in. Undefined: it is gone, or remembers none. */
export async function wishesOfSession(
  provider: Provider,
  session: { readonly uid?: string } | undefined,
): Promise<Wishes | undefined> {
  return wishesIn(await sessionOfInteraction(provider, session))
}

/** The note of a session on where it was seen. Undefined: it has none. */
export function seenIn<Seen>(session: object): Seen | undefined {
  return (session as { [SEEN]?: Seen })[SEEN]
}

/** A session as it is stored, with a note on where it was seen. */
export function withSeen<T extends object>(payload: T, seen: object): T {
  return { ...payload, [SEEN]: seen }
}

/** An app that the person has signed in to, as a stored session names it. */
export interface AppOfSession {
  readonly clientId: string
  /** The name of the session for this app alone. */
  readonly sid?: string
  readonly grantId?: string
}

/** The apps that a person has signed in to in a session, stored or loaded. */
export function appsIn(session: object): readonly AppOfSession[] {
  const { authorizations } = session as {
    readonly authorizations?: Readonly<Record<string, Omit<AppOfSession, 'clientId'>>>
  }
  return Object.entries(authorizations ?? {}).map(([clientId, about]) => ({ ...about, clientId }))
}

/** A session or grant as it is stored, with its epoch. */
export function withEpoch<T extends object>(payload: T, epoch: number): T {
  return { ...payload, [EPOCH]: epoch }
}

/** How often the access of a stored grant's app had been ended when the grant was made. */
export function accessIn(grant: object): number {
  return (grant as { [ACCESS]?: number })[ACCESS] ?? 0
}

/** A grant as it is stored, with that number. */
export function withAccess<T extends object>(grant: T, times: number): T {
  return { ...grant, [ACCESS]: times }
}

/** A session that somebody is signed in with. */
export interface SignedIn {
  readonly uid: string
  readonly accountId: string
  readonly acr: string | undefined
  readonly amr: readonly string[] | undefined
  /** When its first factor was shown, in seconds since the epoch of Unix. */
  readonly signedInAt: number
  /** False: it ends with the browser. */
  readonly remember: boolean
  readonly epoch: number | undefined
  /** When this person has last shown a second factor in the session. */
  readonly provedAt: number | undefined
  /** The proofs that this person has given in the session. Undefined: it keeps none. */
  readonly proofs: readonly Proof[] | undefined
}

/** The session that an interaction was begun in. Undefined: it is gone, or nobody is signed in with it. */
export async function signedInSession(
  provider: Provider,
  session: { readonly uid: string } | undefined,
): Promise<SignedIn | undefined> {
  const stored = session && (await provider.Session.findByUid(session.uid))
  return stored && signedInWith(stored)
}

/** The session of the browser that sends a request. Undefined: nobody is signed in with it. */
export async function signedInSessionOf(
  provider: Provider,
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
): Promise<SignedIn | undefined> {
  return signedInWith(await provider.Session.get(provider.createContext(req, res)))
}

function signedInWith(session: InstanceType<Provider['Session']>): SignedIn | undefined {
  const { uid, accountId, acr, amr, loginTs: signedInAt, transient } = session
  if (accountId === undefined || signedInAt === undefined) return undefined
  const epoch = epochIn(session)
  const provedAt = provedAtOf(session, accountId)
  const proofs = proofsIn(session, accountId)
  const remember = transient !== true
  return { uid, accountId, acr, amr, signedInAt, remember, epoch, provedAt, proofs }
}

/** Whether a stored record is past the time that the host gave it. */
export function isPast({ exp }: { readonly exp?: unknown }, now: number): boolean {
  return typeof exp === 'number' && exp <= now
}

/** The attributes with which the host sets the cookie of a session: `cookies.long` of its configuration. */
export type SessionCookie = NonNullable<NonNullable<Configuration['cookies']>['long']>

/** The host's own attributes. */
const COOKIE: SessionCookie = { httpOnly: true, sameSite: 'lax' }

export interface SessionMove {
  /** Whether the session may go on. */
  readonly admits: (session: SignedIn) => boolean
  /** The epoch that it gets. */
  readonly epoch: number
}

/** The ids that `moveSession` is giving up. */
const moving = new Set<string>()

/**
 * Stores the session of the browser that sends a request under a new id, and in another epoch; the browser gets the new
 * cookie. Its `uid` and what it knows of apps stay. False: nobody is signed in with it, or it is not admitted.
 */
export async function moveSession(
  provider: Provider,
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
  { admits, epoch }: SessionMove,
  cookie: SessionCookie = COOKIE,
): Promise<boolean> {
  const ctx = provider.createContext(req, res) as unknown as KoaContextWithOIDC
  const oidc = new provider.OIDCContext(ctx)
  Object.defineProperty(ctx, 'oidc', { value: oidc })
  const session = await provider.Session.get(ctx)
  const signedIn = signedInWith(session)
  if (signedIn === undefined || !admits(signedIn)) return false
  const { jti: id, exp, transient } = session
  moving.add(id)
  try {
    session.resetIdentifier()
    giveEpoch(session, epoch)
    await session.persist()
  } finally {
    moving.delete(id)
  }
  const life = transient === true || exp === undefined ? {} : { expires: new Date(exp * 1000) }
  oidc.cookies.set(provider.cookieName('session'), session.jti, { ...cookie, ...life })
  return true
}

/** When the first factor of a session was shown, in seconds since the epoch of Unix. */
export function signInTimeOf(session: object): number | undefined {
  return (session as { loginTs?: number }).loginTs
}

type Session = NonNullable<KoaContextWithOIDC['oidc']['session']>

/** The token of the form that the host has just prepared, to sign out or to change the person. */
export function formTokenOf(session: Session): string | undefined {
  const { secret } = (session.state ?? {}) as { secret?: unknown }
  return typeof secret === 'string' ? secret : undefined
}

/** Whether the request brought no session: the host has made this one and not stored it yet. */
export function isNew(session: Session | undefined): boolean {
  return (session as { new?: boolean } | undefined)?.new === true
}

/** Lets the host store nothing of a session at the end of the request. */
export function leaveUnstored(session: Session | undefined): void {
  if (session !== undefined) Object.assign(session, { touched: false })
}

/** The reason why a session's record is destroyed. */
export type SessionEnding = 'moved' | 'signed-out' | 'unknown'

/** Asks the host's current request, if there is one, why it destroys the session record `id`. */
export function sessionEnding(id: string): SessionEnding {
  if (moving.has(id)) return 'moved'
  const session = presentContext()?.oidc?.session as unknown as
    { readonly id?: unknown; readonly oldId?: unknown } | undefined
  if (session?.oldId === id) return 'moved'
  if (session?.id === id) return 'signed-out'
  return 'unknown'
}
