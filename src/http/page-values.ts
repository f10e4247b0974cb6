import type { KnownPage, PageModels, Surroundings } from './pages.ts'

/**
 * The values that templates get, as data: a check of a template's names needs them at run time, where types are gone.
 * The compiler compares these tables with the types, in both directions.
 *
 * `value`: text, a number or a truth value. `any`: its members are not known here. A list has the shape of its elements.
 */
export type Shape = 'value' | 'any' | readonly [Shape] | Members
export interface Members {
  readonly [name: string]: Shape
}

type ShapeOf<T> = T extends string | number | boolean
  ? 'value'
  : T extends readonly (infer Element)[]
    ? readonly [ShapeOf<Element>]
    : string extends keyof T
      ? 'any'
      : { readonly [Name in keyof T]-?: ShapeOf<Exclude<T[Name], undefined>> }

const form = { csrf: 'value', action: 'value' } as const
const cancellable = { ...form, cancelAction: 'value' } as const
const shut = { reason: 'value', until: 'value' } as const
const hostForm = { action: 'value', xsrf: 'value' } as const
const codeError = { code: 'value', behindSeconds: 'value' } as const
const delivery = {
  sendAction: 'value',
  sentTo: 'value',
  waitSeconds: 'value',
  notice: 'value',
} as const
const enrol = {
  ...cancellable,
  otherWayHref: 'value',
  reason: 'value',
  endsInSeconds: 'value',
  needsHardware: 'value',
  name: 'value',
  nameError: 'value',
  nth: 'value',
  delivery,
  error: codeError,
} as const
const verify = {
  ...cancellable,
  otherWayHref: 'value',
  lostHref: 'value',
  delivery,
  error: codeError,
  trust: { seconds: 'value' },
  authenticatorName: 'value',
  needsHardware: 'value',
} as const
const change = { ...cancellable, factor: 'value', name: 'value' } as const

/** The values of a page of a factor that this product does not know. */
export const FACTOR_PAGES = {
  enrol: { ...enrol, enrolment: 'any' },
  verify: { ...verify, verification: 'any' },
  offer: { ...form, silent: 'any', made: 'value' },
} as const satisfies Readonly<Record<string, Members>>

/** The model of each page. */
export const PAGE_VALUES: { readonly [P in KnownPage]: ShapeOf<PageModels[P]> } = {
  login: {
    ...form,
    languages: { csrf: 'value', action: 'value', others: [{ tag: 'value', name: 'value' }] },
    username: 'value',
    error: 'value',
    forgottenHref: 'value',
    cancelAction: 'value',
    signInForm: 'value',
    refusal: 'value',
  },
  'sign-in-refused': { signInForm: 'value', backHref: 'value' },
  'mfa-choose': {
    ...cancellable,
    error: 'value',
    mode: 'value',
    reason: 'value',
    methods: [
      { factor: 'value', sends: 'value', name: 'value', remaining: 'value', lastUsed: 'value' },
    ],
  },
  'enrol-later': {
    ...cancellable,
    mode: 'value',
    reason: 'value',
    methods: [
      { factor: 'value', sends: 'value', name: 'value', remaining: 'value', lastUsed: 'value' },
    ],
    laterAction: 'value',
    lastDay: 'value',
  },
  'mfa-offer': { ...form, canSetUp: 'value', repeated: 'value' },
  'owner-proof': { ...cancellable, address: 'value', delivery, error: codeError },
  recovery: {
    ...form,
    backHref: 'value',
    addresses: ['value'],
    waitSeconds: 'value',
    bindSeconds: 'value',
    refused: 'value',
    until: 'value',
  },
  'recovery-proof': {
    ...form,
    backHref: 'value',
    delivery,
    error: codeError,
    closedSeconds: 'value',
  },
  'recovery-status': {
    ...form,
    byMail: 'value',
    backHref: 'value',
    state: 'value',
    until: 'value',
  },
  'recovery-bind': {
    ...form,
    backHref: 'value',
    addresses: ['value'],
    methods: [
      { factor: 'value', sends: 'value', name: 'value', remaining: 'value', lastUsed: 'value' },
    ],
  },
  'recovery-cancelled': { ...form, href: 'value' },
  'recovery-over': { href: 'value' },
  'enrolment-refused': { cancelAction: 'value', csrf: 'value' },
  'totp-enrol': {
    ...enrol,
    enrolment: {
      secret: 'value',
      uri: 'value',
      qrSvg: 'value',
      digits: 'value',
      periodSeconds: 'value',
      algorithm: 'value',
    },
  },
  'totp-verify': { ...verify, verification: { digits: 'value' } },
  'backup-code-verify': FACTOR_PAGES.verify,
  'imported-codes-verify': FACTOR_PAGES.verify,
  'backup-codes': {
    ...form,
    codes: ['value'],
    downloadHref: 'value',
    downloadName: 'value',
    error: 'value',
  },
  'backup-codes-low': {
    ...form,
    remaining: 'value',
    manageHref: 'value',
    replaceHref: 'value',
  },
  'backup-code-used': { ...form, remaining: 'value', replaceHref: 'value' },
  'factor-remove': change,
  'factor-remove-refused': {
    csrf: 'value',
    cancelAction: 'value',
    factor: 'value',
    name: 'value',
  },
  'factor-change-shut': { csrf: 'value', cancelAction: 'value', reason: 'value', until: 'value' },
  'factor-rename': { ...change, backHref: 'value', id: 'value', error: 'value', typed: 'value' },
  'factor-renew': { ...cancellable, factor: 'value', remaining: 'value' },
  'factor-ends': { ...form, endsInSeconds: 'value' },
  consent: {
    ...form,
    refuseAction: 'value',
    scopes: ['value'],
    claims: ['value'],
    resources: [{ indicator: 'value', scopes: ['value'] }],
    offline: 'value',
    about: { website: 'value', privacy: 'value', terms: 'value' },
  },
  locked: {
    reason: 'value',
    retryAfterSeconds: 'value',
    retryHref: 'value',
    csrf: 'value',
    cancelAction: 'value',
    otherWayHref: 'value',
    lostHref: 'value',
  },
  account: {
    ...form,
    othersGoOn: 'value',
    locked: 'value',
    methods: [
      {
        id: 'value',
        factor: 'value',
        name: 'value',
        addedAt: 'value',
        lastUsedAt: 'value',
        remaining: 'value',
        endsAt: 'value',
        ended: 'value',
        own: 'value',
        only: 'value',
      },
    ],
    lacks: ['value'],
    addable: ['value'],
    renewable: ['value'],
    said: 'value',
    signIns: [
      {
        current: 'value',
        browser: { browser: 'value', system: 'value' },
        network: 'value',
        at: 'value',
      },
    ],
    groups: [{ name: 'value', pages: [{ name: 'value', href: 'value' }] }],
    ownLinks: [{ href: 'value', text: 'value' }],
    lockAction: 'value',
    turnOffHref: 'value',
    signOutHref: 'value',
  },
  'account-turn-off': { ...form, backHref: 'value', refusal: 'value', until: 'value' },
  'account-closed': { href: 'value' },
  'account-sessions': {
    ...form,
    said: 'value',
    sessions: [
      {
        id: 'value',
        current: 'value',
        browser: { browser: 'value', system: 'value' },
        network: 'value',
        firstAt: 'value',
        lastAt: 'value',
        apps: ['value'],
      },
    ],
    accountHref: 'value',
  },
  'account-browsers': {
    ...form,
    said: 'value',
    browsers: [
      {
        id: 'value',
        current: 'value',
        browser: { browser: 'value', system: 'value' },
        network: 'value',
        firstAt: 'value',
        lastAt: 'value',
      },
    ],
    trustedOnes: [
      {
        id: 'value',
        current: 'value',
        browser: { browser: 'value', system: 'value' },
        network: 'value',
        since: 'value',
        until: 'value',
      },
    ],
    accountHref: 'value',
  },
  'account-apps': {
    ...form,
    said: 'value',
    apps: [{ id: 'value', name: 'value', since: 'value', scopes: ['value'] }],
    accountHref: 'value',
  },
  logout: { ...hostForm, signedInAs: 'value' },
  'signed-out': {},
  'still-signed-in': { signedInAs: 'value', href: 'value' },
  home: { accountHref: 'value' },
  'switch-account': { ...hostForm, stayAction: 'value', csrf: 'value', from: 'value', to: 'value' },
  'set-up-link': {
    ...form,
    username: 'value',
    minimumLength: 'value',
    setsPassword: 'value',
    error: 'value',
  },
  'password-forgotten': { ...form, username: 'value', href: 'value', error: 'value' },
  'password-forgotten-sent': { minutes: 'value', againHref: 'value', href: 'value' },
  'password-reset': { ...form, username: 'value', minimumLength: 'value', error: 'value' },
  'account-password': {
    ...form,
    username: 'value',
    minimumLength: 'value',
    href: 'value',
    error: 'value',
    shut,
  },
  'account-email': {
    ...form,
    email: 'value',
    typed: 'value',
    href: 'value',
    error: 'value',
    shut,
  },
  'account-addresses': {
    ...form,
    addresses: [{ address: 'value', own: 'value' }],
    addable: 'value',
    typed: 'value',
    waiting: 'value',
    href: 'value',
    said: 'value',
    error: 'value',
    shut,
  },
  'email-confirm': { ...form, username: 'value', email: 'value' },
  'email-confirm-done': { href: 'value' },
  'email-confirm-expired': { href: 'value' },
  'password-reset-done': { href: 'value' },
  'account-activity': {
    ...form,
    days: 'value',
    events: [
      {
        type: 'value',
        at: 'value',
        factor: 'value',
        name: 'value',
        app: 'value',
        browser: { browser: 'value', system: 'value' },
        place: 'value',
        count: 'value',
      },
    ],
    nextHref: 'value',
    lockHref: 'value',
    overviewHref: 'value',
  },
  'account-lock': { ...form, overviewHref: 'value' },
  'account-language': {
    ...form,
    said: 'value',
    languages: [{ tag: 'value', name: 'value' }],
    chosen: 'value',
    overviewHref: 'value',
  },
  'not-me': form,
  'not-me-done': { href: 'value' },
  'not-me-expired': { href: 'value' },
  'set-up-link-expired': { href: 'value' },
  'set-up-link-done': { href: 'value', isPasswordSet: 'value' },
  expired: { href: 'value' },
  answered: { href: 'value' },
  busy: { retryAfterSeconds: 'value', retryHref: 'value' },
  forbidden: { retryHref: 'value' },
  'not-found': {},
  unavailable: { retryAfterSeconds: 'value', retryHref: 'value' },
  error: {
    requestId: 'value',
    href: 'value',
    retryHref: 'value',
    detail: { error: 'value', description: 'value' },
  },
  device: { ...hostForm, userCode: 'value', error: 'value' },
  'device-confirm': { ...hostForm, userCode: 'value', refuseName: 'value' },
  'device-done': {},
}

/** The values that every page gets besides its own. An application may give its footer links of any name. */
export const SURROUNDING_VALUES: Omit<ShapeOf<Surroundings>, 'links'> & { readonly links: 'any' } =
  {
    issuerName: 'value',
    locale: 'value',
    client: { name: 'value', logoUri: 'value', accent: 'value', accentInk: 'value' },
    account: {
      label: 'value',
      initials: 'value',
      notYou: { action: 'value', csrf: 'value' },
    },
    links: 'any',
    beside: [{ factor: 'value', offer: 'value', data: 'any' }],
  }

/** The values of several pages together, for a template that more than one of them includes. */
export function together(all: readonly Members[]): Members {
  const merged = new Map<string, Shape>()
  for (const members of all)
    for (const [name, shape] of Object.entries(members)) {
      const known = merged.get(name)
      merged.set(name, known === undefined ? shape : either(known, shape))
    }
  return Object.fromEntries(merged)
}

function either(one: Shape, other: Shape): Shape {
  if (one === other) return one
  if (typeof one === 'string' || typeof other === 'string') return 'any'
  const [first, second] = [elementOf(one), elementOf(other)]
  if (first !== undefined && second !== undefined) return [either(first, second)]
  return first === undefined && second === undefined
    ? together([one as Members, other as Members])
    : 'any'
}

/** The shape of the elements of a list; undefined: it is no list. */
export function elementOf(shape: Shape): Shape | undefined {
  return Array.isArray(shape) ? (shape as readonly [Shape])[0] : undefined
}

/** The members of a shape, if they are known. */
export function membersOf(shape: Shape): Members | undefined {
  return typeof shape === 'string' || Array.isArray(shape) ? undefined : (shape as Members)
}
