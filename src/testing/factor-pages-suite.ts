import assert from 'node:assert/strict'
import type { Factor } from '../factors/factor.ts'
import { enrolPageOf, verifyPageOf } from '../http/factor-views.ts'
import type { DeliveryModel, EnrolModel, VerifyModel } from '../http/pages.ts'
import { createViews } from '../http/views.ts'
import { enrol, enrolmentChallenge, type FactorFixture } from './factor-person.ts'
import { TEST_START } from './runner.ts'

type It = (sentence: string, body: () => Promise<void>) => void

/** A page as it was rendered, with the model that it was given. */
interface Shown {
  readonly name: string
  readonly locale: string
  readonly model: EnrolModel | VerifyModel
  readonly html: string
}

/** Longer than a TOTP code is valid. */
const LATER_SECONDS = 300
const FORM = { csrf: 'the-token', action: '/the-action', cancelAction: '/the-cancel-action' }
const OTHER_WAY = '/the-other-way'
const SEND_ACTION = '/the-send-action'
const SENT_TO = 'm•••@example.com'
const WAIT_SECONDS = 47
const TRUST = { seconds: 86_400 }
const WRONG = [
  { error: { code: 'refused' } },
  { error: { code: 'unreadable' } },
  { error: { code: 'refused', behindSeconds: 90 } },
] as const

/** The `delivery` models of a page that asks for a sent code. */
const DELIVERIES: readonly DeliveryModel[] = [
  { sendAction: SEND_ACTION },
  { sendAction: SEND_ACTION, sentTo: SENT_TO },
  { sendAction: SEND_ACTION, sentTo: SENT_TO, waitSeconds: WAIT_SECONDS, notice: 'sent' },
  { sendAction: SEND_ACTION, sentTo: SENT_TO, waitSeconds: WAIT_SECONDS, notice: 'wait' },
  { sendAction: SEND_ACTION, waitSeconds: WAIT_SECONDS, notice: 'wait' },
  { sendAction: SEND_ACTION, notice: 'failed' },
]

/** The rules for the pages of a factor: what people, automation and browsers need on them. */
export function describePages(fixture: FactorFixture, it: It): void {
  it('shows on its pages what it describes, under their names, in each language of the product', async () => {
    const pages = await showAll(fixture)
    assert.ok(new Set(pages.map(({ locale }) => locale)).size > 1)
    for (const { name, locale, html } of pages) {
      assert.ok(html.includes(`<body data-page="${name}"`), at(name, locale))
      assert.ok(html.includes(`<html lang="${locale}"`), at(name, locale))
    }
  })

  it('posts its form with the token, by a button that comes first', async () => {
    for (const { name, locale, model, html } of await showAll(fixture)) {
      // If no code was sent, the page has only the form that asks for one.
      const unsent = model.delivery !== undefined && model.delivery.sentTo === undefined
      const form = formTo(unsent ? SEND_ACTION : FORM.action, html)
      assert.match(form, /\bmethod="post"/, at(name, locale))
      assert.ok(form.includes(`name="csrf" value="${FORM.csrf}"`), at(name, locale))
      assert.match(form, /<button(?![^>]*type="button")/, at(name, locale))
      assert.equal(html.indexOf('<form'), html.indexOf(form), at(name, locale))
    }
  })

  it('shows one alert if something was wrong, and otherwise none', async () => {
    for (const { name, locale, model, html } of await showAll(fixture)) {
      const alerts = html.match(/\brole="alert"/g) ?? []
      assert.equal(alerts.length, isWrong(model) ? 1 : 0, at(name, locale))
    }
  })

  if (fixture.factor.delivers === true)
    it('R3 says where a code went and when the next may be sent, and has a button for it', async () => {
      for (const { name, locale, model, html } of await showAll(fixture)) {
        const { sentTo, waitSeconds } = model.delivery ?? {}
        assert.match(formTo(SEND_ACTION, html), /<button\b[^>]*\bdata-send\b/, at(name, locale))
        assert.equal(html.includes(SENT_TO), sentTo !== undefined, at(name, locale))
        const tells = new RegExp(`\\b${WAIT_SECONDS}\\b`).test(html)
        assert.equal(tells, waitSeconds !== undefined, at(name, locale))
      }
    })

  it('R14 has an unticked box in its form where the browser can be trusted, and nowhere else', async () => {
    for (const { name, locale, model, html } of await showAll(fixture)) {
      // A page on which no code was sent yet has no form for one.
      const isOffered = 'trust' in model && formTo(FORM.action, html) !== ''
      const form = isOffered ? formTo(FORM.action, html) : html
      const boxes = form.match(/<input\b[^>]*\bname="trust"[^>]*>/g) ?? []
      assert.equal(boxes.length, isOffered ? 1 : 0, at(name, locale))
      for (const box of boxes) assert.doesNotMatch(box, /\bchecked\b/, at(name, locale))
    }
  })

  it('leads back to the app, and to another way where there is one', async () => {
    for (const { name, locale, model, html } of await showAll(fixture)) {
      assert.ok(html.includes(`action="${FORM.cancelAction}"`), at(name, locale))
      assert.match(html, /<button\b[^>]*\bdata-refuse\b/, at(name, locale))
      const link = new RegExp(`<a\\b[^>]*href="${OTHER_WAY}"[^>]*\\bdata-other-way\\b`)
      assert.equal(link.test(html), 'otherWayHref' in model, at(name, locale))
    }
  })

  it('R30 holds nothing that the content security policy blocks', async () => {
    for (const { name, locale, html } of await showAll(fixture)) {
      assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style\b/, at(name, locale))
      assert.doesNotMatch(html, /<[a-z][^>]*\s(?:style|on[a-z]+)=/, at(name, locale))
    }
  })
}

function formTo(action: string, html: string): string {
  const forms = html.match(/<form\b[\s\S]*?<\/form>/g) ?? []
  return forms.find((form) => form.includes(`action="${action}"`)) ?? ''
}

function isWrong({ error, delivery }: EnrolModel | VerifyModel): boolean {
  return error !== undefined || delivery?.notice === 'wait' || delivery?.notice === 'failed'
}

function at(name: string, locale: string): string {
  return `on ${name} in ${locale}`
}

/** Each page of the factor in each of its states and languages. Throws where one cannot be shown. */
async function showAll(fixture: FactorFixture): Promise<readonly Shown[]> {
  const { factor } = fixture
  const views = createViews({ factors: [factor] })
  const pages: Shown[] = []
  for (const locale of views.locales) {
    const around = { issuerName: 'Acme', locale, client: { name: 'Fieldnotes' } }
    const verifyPage = verifyPageOf(factor)
    for (const model of await verifyModels(fixture)) {
      const html = await views.render(verifyPage, model, around)
      pages.push({ name: verifyPage, locale, model, html })
    }
    if (factor.enrolment !== 'confirmed') continue
    const enrolPage = enrolPageOf(factor)
    for (const model of await enrolModels(fixture)) {
      const html = await views.render(enrolPage, model, around)
      pages.push({ name: enrolPage, locale, model, html })
    }
  }
  return pages
}

async function enrolModels(fixture: FactorFixture): Promise<readonly EnrolModel[]> {
  const { factor } = fixture
  const { pending } = await enrol(fixture)
  const about = { issuerName: 'Acme', label: 'mira@example.com' }
  const challenge = await enrolmentChallenge(fixture, pending)
  const enrolment = (await factor.describeEnrolment?.(pending, about, challenge)) ?? {}
  const fresh = { ...FORM, enrolment, name: '' }
  const second = { ...fresh, name: 'Mine', nth: 2 }
  return withDeliveries(factor, [fresh, second, ...WRONG.map((wrong) => ({ ...fresh, ...wrong }))])
}

async function verifyModels(fixture: FactorFixture): Promise<readonly VerifyModel[]> {
  const person = await enrol(fixture)
  const { seen } = await person.ask(TEST_START + LATER_SECONDS)
  const only = { ...FORM, verification: seen.page }
  const named = { ...only, otherWayHref: OTHER_WAY, authenticatorName: 'Mine' }
  const wrong = WRONG.map((error) => ({ ...named, ...error }))
  // A look-up secret earns no trust.
  const trust = fixture.factor.enrolment === 'confirmed' ? [{ ...named, trust: TRUST }] : []
  return withDeliveries(fixture.factor, [only, named, ...trust, ...wrong])
}

/**
 * A page of a factor that sends codes always gets a `delivery` model. It shows an error only for a code that was sent.
 */
function withDeliveries<Model extends EnrolModel | VerifyModel>(
  { delivers }: Pick<Factor, 'delivers'>,
  models: readonly Model[],
): readonly Model[] {
  if (delivers !== true) return models
  const sent = { sendAction: SEND_ACTION, sentTo: SENT_TO }
  return models.flatMap((model) =>
    model.error === undefined
      ? DELIVERIES.map((delivery) => ({ ...model, delivery }))
      : [{ ...model, delivery: sent }],
  )
}
