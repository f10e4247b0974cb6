import { Router } from '@koa/router'
import type { Context, Middleware } from 'koa'
import { isEnrolled } from '../../src/domain/enrolment.ts'
import type { AcceptedAttempt } from '../../src/domain/mfa-record.ts'
import type { AnyFactor, Form } from '../../src/factors/factor.ts'
import { readForm } from '../../src/http/body.ts'
import { checkCsrf } from '../../src/http/csrf.ts'
import { pageHeaders } from '../../src/http/headers.ts'
import { checkOrigin } from '../../src/http/origin.ts'
import { STAY, stay } from '../login/switch-account.ts'
import { given } from '../../src/host/given.ts'
import { providerOf, type Core } from '../core.ts'
import { writeFirstFactorAgain, writeRefusal } from '../result.ts'
import * as change from './change.ts'
import * as enrolment from './enrolment.ts'
import { answerFactorOffer, showFactorOffer } from './factor-offer.ts'
import { codesFileName } from './codes-file.ts'
import { finish } from './finish.ts'
import { goOn, noticesOf, showNotice } from './notices.ts'
import * as later from './later.ts'
import * as offer from './offer.ts'
import { MFA_PROMPT } from './prompt.ts'
import { forgetShownCodes, readShownCodes } from './shown-codes.ts'
import * as ownerProof from './owner-proof.ts'
import * as recovery from './recovery.ts'
import { withPresentAddresses } from './present-addresses.ts'
import { RECOVERY_NOTICE } from './recovery-notice.ts'
import * as verification from './verification.ts'
import {
  expired,
  knownFactor,
  openVisit,
  passedOrNot,
  pathOf,
  redirect,
  seeOther,
  show,
  tokenFor,
  type Visit,
} from './visit.ts'

type Get = (visit: Visit) => Promise<void>
type Post = (visit: Visit, form: Form) => Promise<void>

/**
 * The pages of a second factor, generic over the factors. A GET changes nothing that guards the account and sends
 * nothing; it may keep a challenge with the interaction, or begin the one set-up that the person can choose. Every POST
 * is checked for its origin and its token before anything else, and is answered by 303 or with a page.
 */
export function mfaRoutes(core: Core): Middleware {
  const router = new Router({ prefix: core.path })

  const get = (path: string, handle: Get) =>
    router.get(`/:uid${path}`, async (ctx) =>
      handle(await openVisit(core, ctx, given(ctx.params.uid, 'uid'))),
    )
  const post = (path: string, handle: Post) =>
    router.post(`/:uid${path}`, async (ctx) => {
      checkOrigin(ctx.headers, providerOf(core).issuer)
      const form = await readForm(ctx)
      const boundTo = given(ctx.params.uid, 'uid')
      checkCsrf(core.deps.box, { boundTo, purpose: MFA_PROMPT }, form.csrf)
      await handle(await openVisit(core, ctx, boundTo), form)
    })
  const factorOf = (visit: Visit): AnyFactor => factorIn(core, visit)

  get('', async (visit) => showBeginning(visit))
  post('/later', (visit) => later.postpone(visit))
  post('/offer', (visit, form) => offer.answerOffer(visit, form))
  get('/choose', async (visit) =>
    isEnrolled(visit.seen.record)
      ? verification.showOtherWays(visit)
      : redirect(visit, pathOf(visit)),
  )
  post(
    '/choose',
    enrolling('begin', async (visit, form) => {
      const factor = knownFactor(core, form.factor)
      return isEnrolled(visit.seen.record)
        ? verification.choose(visit, factor)
        : enrolment.choose(visit, factor)
    }),
  )

  get('/verify/:factor', (visit) => verification.showVerification(visit, factorOf(visit)))
  post('/verify/:factor', (visit, form) => verification.verify(visit, factorOf(visit), form))

  post('/verify/:factor/send', (visit) => verification.send(visit, factorOf(visit)))

  addSetUp(core, { get, post })

  get('/change', (visit) => change.showChange(visit))
  post('/change', (visit, form) => change.makeChange(visit, form))

  get('/backup-codes', (visit) => showCodes(visit))
  get('/backup-codes.txt', async (visit) => downloadCodes(visit))
  post('/backup-codes', async (visit, form) => {
    const accepted = passed(visit)
    if (form.saved === undefined && readShownCodes(visit) !== undefined)
      return showCodes(visit, 'not-confirmed')
    forgetShownCodes(visit)
    return finish(visit, accepted)
  })

  addRecovery({ get, post })

  for (const notice of noticesOf(core)) {
    get(`/${notice.page}`, (visit) => showNotice(visit, notice, passed(visit)))
    post(`/${notice.page}`, (visit) => goOn(visit, passed(visit), notice))
  }

  post('/not-you', async (visit) => signInAgain(visit))
  post('/cancel', (visit) => cancel(visit))

  router.post(`/:uid/${STAY}`, (ctx) => keepAccount(core, ctx))

  return router.routes() as unknown as Middleware
}

interface Add {
  readonly get: (path: string, handle: Get) => unknown
  readonly post: (path: string, handle: Post) => unknown
}

/** The pages of a set-up and of the proof before it. */
function addSetUp(core: Core, { get, post }: Add): void {
  const factorOf = (visit: Visit): AnyFactor => factorIn(core, visit)

  get('/enrol/:factor', (visit) => enrolment.showEnrolment(visit, factorOf(visit)))
  post(
    '/enrol/:factor',
    enrolling('confirm', (visit, form) => enrolment.confirm(visit, factorOf(visit), form)),
  )
  post(
    '/enrol/:factor/send',
    enrolling('begin', (visit) => enrolment.send(visit, factorOf(visit))),
  )

  get('/offer/:factor', (visit) => showFactorOffer(visit, passed(visit), factorOf(visit)))
  post('/offer/:factor', (visit, form) =>
    answerFactorOffer(visit, passed(visit), factorOf(visit), form),
  )

  get('/proof', addressed(ownerProof.showProof))
  post('/proof', enrolling('begin', addressed(ownerProof.checkProof)))
  post('/proof/send', enrolling('begin', addressed(ownerProof.sendProof)))
}

/** The way back in for a person who has no factor any more. `answerNotice` comes before the button of every notice. */
function addRecovery({ get, post }: Add): void {
  get('/recovery', addressed(recovery.showRecovery))
  post('/recovery', addressed(recovery.send))
  post('/recovery/again', (visit) => recovery.signInAgain(visit))
  get('/recovery/proof', addressed(recovery.showProof))
  post('/recovery/proof', addressed(recovery.checkProof))
  post('/recovery/proof/send', addressed(recovery.send))
  get('/recovery/bind', (visit) => recovery.showBinding(visit))
  post('/recovery/bind', (visit, form) => recovery.bind(visit, form))
  post(`/${RECOVERY_NOTICE.page}`, (visit, form) =>
    recovery.answerNotice(visit, passed(visit), form),
  )
  get('/recovery-cancelled', (visit) => recovery.showCancelled(visit, passed(visit)))
  post('/recovery-cancelled', (visit) => goOn(visit, passed(visit), RECOVERY_NOTICE))
}

/** A page that mails a code, or examines one, knows the addresses that the person has now. */
function addressed<More extends unknown[]>(
  handle: (visit: Visit, ...more: More) => Promise<void>,
): (visit: Visit, ...more: More) => Promise<void> {
  return async (visit, ...more) => handle(await withPresentAddresses(visit), ...more)
}

/** A set-up that is only offered begins at the offer, whatever address a form was sent to. */
function enrolling(step: 'begin' | 'confirm', handle: Post): Post {
  return async (visit, form) =>
    offer.isClosed(visit, step) ? redirect(visit, pathOf(visit)) : handle(visit, form)
}

/** The factor in the address of a page. */
function factorIn(core: Core, { ctx }: Visit): AnyFactor {
  return knownFactor(core, (ctx.params as { factor?: string }).factor)
}

/** Goes on with the person of the session. The cookie of the interaction may have another path, so this is no visit. */
async function keepAccount(core: Core, ctx: Context): Promise<void> {
  checkOrigin(ctx.headers, providerOf(core).issuer)
  const form = await readForm(ctx)
  const { uid } = ctx.params as { uid?: string }
  seeOther(ctx, await stay(core, given(uid, 'uid'), form.csrf))
}

/** Asks for the first factor again, for another person. */
async function signInAgain(visit: Visit): Promise<void> {
  if (passedOrNot(visit) !== undefined) throw expired('The second factor was proved already')
  redirect(visit, await writeFirstFactorAgain(visit.core, visit.interaction))
}

/** Leads back to the app. If the set-up was only offered, the app gets its answer without it. */
async function cancel(visit: Visit): Promise<void> {
  if (offer.mayRefuse(visit)) return offer.refuseOffer(visit)
  if (enrolment.isOffered(visit)) return enrolment.leaveOffered(visit)
  redirect(visit, await writeRefusal(visit.core, visit.interaction))
}

/** Shows the first page of all: of the verification to an enrolled person, of the enrolment to everybody else. */
async function showBeginning(visit: Visit): Promise<void> {
  if (isEnrolled(visit.seen.record)) return showFirst(visit)
  if (later.isOffered(visit)) return enrolment.showChoice(visit)
  if (offer.isClosed(visit, 'begin')) return offer.askFirst(visit)
  switch (enrolment.stepOf(visit)) {
    case 'prove':
      return ownerProof.showProof(visit)
    case 'refuse':
      return enrolment.refuse(visit, 'no-proof')
    default:
      return enrolment.showChoice(visit)
  }
}

/**
 * Shows the first page to an enrolled person: the form, unless the proof was given already or the change is refused.
 */
async function showFirst(visit: Visit): Promise<void> {
  if (readShownCodes(visit) !== undefined && passedOrNot(visit) !== undefined)
    return redirect(visit, pathOf(visit, 'backup-codes'))
  if (change.mayChange(visit)) return redirect(visit, pathOf(visit, 'change'))
  if (later.isOffered(visit)) return enrolment.showChoice(visit)
  if (change.isRefused(visit)) return change.showRefusal(visit)
  return verification.showVerification(visit, verification.preferredFactor(visit))
}

async function showCodes(visit: Visit, error?: 'not-confirmed'): Promise<void> {
  passed(visit)
  const codes = readShownCodes(visit)
  if (codes === undefined) throw expired('These codes were shown already')
  await show(
    visit,
    'backup-codes',
    {
      csrf: tokenFor(visit),
      action: pathOf(visit, 'backup-codes'),
      codes,
      downloadHref: pathOf(visit, 'backup-codes.txt'),
      downloadName: codesFileOf(visit),
      ...(error === undefined ? {} : { error }),
    },
    error === undefined ? 200 : 422,
  )
}

function codesFileOf({ core }: Visit): string {
  return codesFileName(core.serviceName, core.deps.clock.now())
}

/** Answers all codes as a text file, so that the download works without JavaScript. */
function downloadCodes(visit: Visit): void {
  passed(visit)
  const codes = readShownCodes(visit)
  if (codes === undefined) throw expired('These codes were shown already')
  const { ctx, core } = visit
  ctx.set(pageHeaders({ issuer: providerOf(core).issuer }))
  ctx.type = 'text/plain; charset=utf-8'
  ctx.attachment(codesFileOf(visit))
  ctx.body = `${core.serviceName} - ${visit.details.label}\n\n${codes.join('\n')}\n`
}

/**
 * The accepted attempt of this interaction. Throws `interaction-expired` without one: a page was requested out of order
 * (R17).
 */
function passed(visit: Visit): AcceptedAttempt {
  const accepted = passedOrNot(visit)
  if (accepted === undefined) throw expired('The second factor has not been shown in this sign-in')
  return accepted
}

/** Whether a request is for a page of the plugin. */
export function isOurs(core: Core, ctx: Context): boolean {
  return ctx.path === core.path || ctx.path.startsWith(`${core.path}/`)
}
