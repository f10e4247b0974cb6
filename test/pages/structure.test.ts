import { expect } from 'chai'
import { SHEETS } from '../../src/http/theme.ts'
import { textOf, type Element } from '../support/html.ts'
import { parsePage, value } from './markup.ts'
import { SAMPLES, type Sample } from './samples.ts'
import { ourViews, show } from './stage.ts'

const views = ourViews()
/** Pages that explain a problem with every model. */
const WRONG = [
  'enrolment-refused',
  'sign-in-refused',
  'factor-remove-refused',
  'factor-change-shut',
  'locked',
  'set-up-link-expired',
  'email-confirm-expired',
  'not-me-expired',
  'recovery-over',
  'expired',
  'busy',
  'forbidden',
  'not-found',
  'unavailable',
  'error',
]

/** Checks a rule on each page in each of its states. */
async function everywhere(
  rule: (page: { sample: Sample; html: string; document: Element }) => void,
): Promise<void> {
  for (const sample of SAMPLES) {
    const html = await show(views, sample)
    try {
      rule({ sample, html, document: parsePage(html) })
    } catch (cause) {
      throw new Error(`${sample.name}: ${(cause as Error).message}`, { cause })
    }
  }
}

function one(document: Element, selector: string): Element {
  const [found, ...more] = document.querySelectorAll(selector)
  if (found === undefined || more.length > 0)
    throw new Error(`not one ${selector} but ${found === undefined ? 0 : more.length + 1}`)
  return found
}

const saysWrong = ({ model }: Sample): boolean => 'error' in model || 'nameError' in model
/** Whether the person pressed the button that sends a code, and no code was sent. */
const isNotSent = ({ model }: Sample): boolean =>
  'delivery' in model && ['wait', 'failed'].includes(model.delivery?.notice ?? '')

/** Whether no authenticator of the person can be asked for: none has a value to ask with. */
const isImpossible = ({ model }: Sample): boolean =>
  'verification' in model && 'options' in model.verification && model.verification.options === ''

/** Whether the page says why the account does not allow its change. */
const isRefused = ({ model }: Sample): boolean => 'refusal' in model || 'shut' in model

describe('each page', () => {
  it('says its language, its name and, once, what it is about', () =>
    everywhere(({ sample, html, document }) => {
      expect(html.startsWith('<!doctype html>')).to.equal(true)
      expect(value(one(document, 'html'), 'lang')).to.equal(sample.surroundings.locale)
      expect(value(one(document, 'body'), 'data-page')).to.equal(sample.page)
      const heading = textOf(one(document, 'h1'))
      expect(textOf(one(document, 'title'))).to.include(`${heading} - `)
    }))

  it('begins its title with "Error: " and has an alert exactly when something is wrong', () =>
    everywhere(({ sample, document }) => {
      const says = [saysWrong, isNotSent, isRefused, isImpossible]
      const wrong = says.some((isWrong) => isWrong(sample)) || WRONG.includes(sample.page)
      const prefix = sample.surroundings.locale === 'de' ? 'Fehler: ' : 'Error: '
      expect(one(document, 'title').textContent.startsWith(prefix)).to.equal(wrong)
      expect(document.querySelectorAll('[role=alert]')).to.have.length(wrong ? 1 : 0)
    }))

  it('says what is wrong once: at the only field, which has the focus, or in a summary that links to the field', () =>
    everywhere(({ sample, document }) => {
      if (!saysWrong(sample)) return
      const alert = one(document, '[role=alert]')
      // The box of a trusted browser is never wrong: the code beside it is the one field that can be.
      const shown = 'input:not([type=hidden], [hidden], [name=trust])'
      const fields = [...document.querySelectorAll(shown)]
      const wrong = fields.filter((field) => value(field, 'aria-invalid') === 'true')
      expect(alert.querySelectorAll('h2')).to.have.length(0)
      for (const field of wrong) {
        const description = (value(field, 'aria-describedby') ?? '').split(' ').at(-1) ?? ''
        const sentence = textOf(one(document, `[id="${description}"]`))
        expect(textOf(alert)).to.equal(sentence)
        expect(textOf(document).split(sentence)).to.have.length(2)
      }
      const [only, second] = fields
      if (only === undefined) {
        expect(value(alert, 'tabindex')).to.equal('-1')
        expect(alert.hasAttribute('autofocus')).to.equal(true)
        return
      }
      if (second === undefined) {
        expect(only.hasAttribute('autofocus')).to.equal(true)
        expect(alert.hasAttribute('autofocus')).to.equal(false)
        expect(document.querySelector('.field [role=alert]')).to.equal(alert)
        return
      }
      expect(value(alert, 'tabindex')).to.equal('-1')
      expect(alert.hasAttribute('autofocus')).to.equal(true)
      const target = value(alert.querySelector('a[href^="#"]'), 'href') ?? ''
      expect(wrong.map((field) => `#${value(field, 'id')}`)).to.include(target)
    }))

  it('holds no script, style or address but those of this server', () =>
    everywhere(({ document }) => {
      for (const element of document.querySelectorAll('*')) {
        const names = [...element.attributes].map(({ name }) => name)
        expect(names.filter((name) => /^(on|style$)/.test(name))).to.deep.equal([])
        expect(element.localName).to.not.be.oneOf(['style', 'base', 'iframe', 'object', 'embed'])
      }
      for (const script of document.querySelectorAll('script')) {
        expect(value(script, 'src')).to.match(/^\/assets\/(page|factor-[a-z-]+)\.[0-9a-f]+\.js$/)
        expect(script.textContent).to.equal('')
      }
      const holds = (selector: string, attribute: string, pattern: RegExp): void => {
        for (const element of document.querySelectorAll(selector))
          expect(value(element, attribute)).to.match(pattern)
      }
      holds('link', 'href', /^\/assets\//)
      holds('form', 'action', /^\//)
      holds('img', 'src', /^data:image\//)
    }))

  it('labels every field and ties it to its hint and error', () =>
    everywhere(({ document }) => {
      const ids = [...document.querySelectorAll('[id]')].map((element) => value(element, 'id'))
      expect(new Set(ids).size).to.equal(ids.length)
      for (const field of document.querySelectorAll('input[id]')) {
        expect(document.querySelector(`[for="${value(field, 'id')}"]`)).to.not.equal(null)
        const described = value(field, 'aria-describedby')?.split(' ') ?? []
        for (const id of described) expect(ids).to.include(id)
      }
      for (const nameless of document.querySelectorAll('input:not([id], [hidden])'))
        expect(value(nameless, 'type')).to.equal('hidden')
    }))

  it('posts every form with its token, and never has a field that truncates', () =>
    everywhere(({ document }) => {
      for (const form of document.querySelectorAll('form')) {
        expect(value(form, 'method')).to.equal('post')
        const token = form.querySelector('input[type=hidden]:is([name=csrf], [name=xsrf])')
        expect(value(token, 'value')).to.match(/^[cx]5rf$/)
      }
      expect(document.querySelectorAll('input[maxlength]')).to.have.length(0)
    }))

  it('names the key of a keyboard on a screen that goes on, on every field for text', () =>
    everywhere(({ document }) => {
      const fields = [
        ...document.querySelectorAll('input:is([type=text], [type=password]):not([hidden])'),
      ]
      const hints = fields.map((field) => value(field, 'enterkeyhint'))
      const last = hints.pop()
      if (fields.length > 0) expect(last).to.equal('go')
      for (const hint of hints) expect(hint).to.equal('next')
    }))

  it('has an icon for a tab and for a home screen, and the colour of its background in each scheme', () =>
    everywhere(({ document }) => {
      expect(value(one(document, 'link[rel=icon]'), 'href')).to.match(/^\/assets\/icon\./)
      expect(value(one(document, 'link[rel=apple-touch-icon]'), 'href')).to.match(
        /^\/assets\/apple-touch-icon\.[0-9a-f]+\.png$/,
      )
      for (const [scheme, colour] of Object.entries(SHEETS)) {
        const meta = one(
          document,
          `meta[name=theme-color][media="(prefers-color-scheme: ${scheme})"]`,
        )
        expect(value(meta, 'content')).to.equal(colour)
      }
    }))

  it('hides what only a script can do', () =>
    everywhere(({ document }) => {
      const shown = (selector: string) =>
        [...document.querySelectorAll(selector)].filter(
          (each) => !each.matches('[hidden], [hidden] *'),
        )
      expect(
        shown('[type=button], form[data-passkey] button, [data-passkey-sign-in] button'),
      ).to.have.length(0)
    }))

  it('has a way on: a form to send, or a link to another page', () =>
    everywhere(({ sample, document }) => {
      const button = 'main form:not(#not-you) button:not([type=button], [hidden] *)'
      const link = 'main :is(a.button, a[data-other-way]):is([href^="/"], [href^="https://"])'
      expect(
        document.querySelectorAll(`${button}, ${link}`),
        JSON.stringify(sample.model),
      ).to.not.have.length(0)
    }))

  it('shows no time but in an element that a browser can put into its own zone', () =>
    everywhere(({ html }) => {
      const rest = html.replaceAll(
        /<time datetime="\d{4}-\d\d-\d\dT[\d:.]+Z" data-shown="(moment|day)">[^<]+<\/time>/g,
        '',
      )
      expect(rest).to.not.match(/<time|UTC|[,a-zä] 20\d\d\b/)
    }))

  it('has nothing left that a template forgot to fill in', () =>
    everywhere(({ html }) => {
      expect(html).to.not.match(/\{[{%a-zA-Z]|undefined|\[object|NaN/)
    }))
})
