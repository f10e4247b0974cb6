import assert from 'node:assert/strict'
import { enrolPageOf, verifyPageOf } from '../http/factor-views.ts'
import type { EnrolModel, VerifyModel } from '../http/pages.ts'
import { createViews } from '../http/views.ts'
import { enrol, type FactorFixture } from './factor-person.ts'
import { TEST_START } from './runner.ts'

type It = (sentence: string, body: () => Promise<void>) => void

/** A page as it was rendered, with the model that it was given. */
interface Shown {
  readonly name: string
  readonly locale: string
  readonly model: EnrolModel | VerifyModel
  readonly html: string
}

/** Longer than a code of the clock lives. */
const LATER_SECONDS = 300
const FORM = { csrf: 'the-token', action: '/the-action', cancelAction: '/the-cancel-action' }
const OTHER_WAY = '/the-other-way'
const WRONG = [
  { error: { code: 'refused' } },
  { error: { code: 'unreadable' } },
  { error: { code: 'refused', behindSeconds: 90 } },
] as const

/** The pages that a factor brings: what they have to hold for people, for automation and for the browser. */
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
    for (const { name, locale, html } of await showAll(fixture)) {
      const [, form = ''] = /<form\b([\s\S]*?)<\/form>/.exec(html) ?? []
      assert.match(form, /\bmethod="post"/, at(name, locale))
      assert.ok(form.includes(`action="${FORM.action}"`), at(name, locale))
      assert.ok(form.includes(`name="csrf" value="${FORM.csrf}"`), at(name, locale))
      assert.match(form, /<button(?![^>]*type="button")/, at(name, locale))
    }
  })

  it('says in one alert that something was wrong, and in none that nothing was', async () => {
    for (const { name, locale, model, html } of await showAll(fixture)) {
      const alerts = html.match(/\brole="alert"/g) ?? []
      assert.equal(alerts.length, model.error === undefined ? 0 : 1, at(name, locale))
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
  const enrolment = (await factor.describeEnrolment?.(pending, about)) ?? {}
  const fresh = { ...FORM, enrolment, name: '' }
  return [
    fresh,
    { ...fresh, name: 'Mine', nth: 2 },
    ...WRONG.map((wrong) => ({ ...fresh, ...wrong })),
  ]
}

async function verifyModels(fixture: FactorFixture): Promise<readonly VerifyModel[]> {
  const person = await enrol(fixture)
  const { seen } = await Promise.resolve(person.ask(TEST_START + LATER_SECONDS))
  const only = { ...FORM, verification: seen.page }
  const named = { ...only, otherWayHref: OTHER_WAY, authenticatorName: 'Mine' }
  return [only, named, ...WRONG.map((wrong) => ({ ...named, ...wrong }))]
}
