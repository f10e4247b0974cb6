import { expect } from 'chai'
import { tagsOf, textOf, type Tag } from './markup.ts'
import { SAMPLES, type Sample } from './samples.ts'
import { ourViews, show } from './stage.ts'

const views = ourViews()
/** Pages that explain what is wrong, whatever their model. */
const WRONG = [
  'enrolment-refused',
  'factor-remove-refused',
  'locked',
  'set-up-link-expired',
  'expired',
  'busy',
  'forbidden',
  'not-found',
  'unavailable',
  'error',
]

const has = (name: string, ...attributes: string[]) => {
  return (tag: Tag) =>
    tag.name === name && attributes.every((attribute) => tag.attributes.has(attribute))
}
const value = (tag: Tag | undefined, attribute: string) => tag?.attributes.get(attribute)

/** Holds for each page in each of its states. */
async function everywhere(
  rule: (page: { sample: Sample; html: string; tags: readonly Tag[] }) => void,
): Promise<void> {
  for (const sample of SAMPLES) {
    const html = await show(views, sample)
    try {
      rule({ sample, html, tags: tagsOf(html) })
    } catch (cause) {
      throw new Error(`${sample.name}: ${(cause as Error).message}`, { cause })
    }
  }
}

function one(tags: readonly Tag[], predicate: (tag: Tag) => boolean): Tag {
  const [found, ...more] = tags.filter(predicate)
  if (found === undefined || more.length > 0) throw new Error(`not one but ${more.length + 1}`)
  return found
}

const saysWrong = ({ model }: Sample): boolean => 'error' in model || 'nameError' in model
/** The button that sends a code was pressed, and no code was sent. */
const isNotSent = ({ model }: Sample): boolean =>
  'delivery' in model && ['wait', 'failed'].includes(model.delivery?.notice ?? '')

describe('each page', () => {
  it('says its language, its name and, once, what it is about', () =>
    everywhere(({ sample, html, tags }) => {
      expect(html.startsWith('<!doctype html>')).to.equal(true)
      expect(value(one(tags, has('html')), 'lang')).to.equal(sample.surroundings.locale)
      expect(value(one(tags, has('body')), 'data-page')).to.equal(sample.page)
      const heading = textOf(one(tags, has('h1')).content)
      expect(textOf(one(tags, has('title')).content)).to.include(`${heading} - `)
    }))

  it('begins its title with "Error: " and has an alert exactly when something is wrong', () =>
    everywhere(({ sample, tags }) => {
      const wrong = saysWrong(sample) || isNotSent(sample) || WRONG.includes(sample.page)
      const prefix = sample.surroundings.locale === 'de' ? 'Fehler: ' : 'Error: '
      expect(one(tags, has('title')).content.startsWith(prefix)).to.equal(wrong)
      expect(tags.filter((tag) => value(tag, 'role') === 'alert')).to.have.length(wrong ? 1 : 0)
    }))

  it('sends the reader of an error summary to a field that is there and says it is wrong', () =>
    everywhere(({ sample, tags }) => {
      if (!saysWrong(sample)) return
      const alert = one(tags, (tag) => value(tag, 'role') === 'alert')
      expect(value(alert, 'tabindex')).to.equal('-1')
      expect(alert.attributes.has('autofocus')).to.equal(true)
      const [, target] = /<a href="#([^"]+)">/.exec(alert.content) ?? []
      const field = one(tags, (tag) => tag.name === 'input' && value(tag, 'id') === target)
      expect(value(field, 'aria-invalid')).to.equal('true')
    }))

  it('holds no script, style or address but those of this server', () =>
    everywhere(({ tags }) => {
      for (const tag of tags) {
        expect([...tag.attributes.keys()].filter((key) => /^(on|style$)/.test(key))).to.deep.equal(
          [],
        )
        if (tag.name === 'script')
          expect(value(tag, 'src')).to.match(/^\/assets\/page\.[0-9a-f]+\.js$/)
        if (tag.name === 'link') expect(value(tag, 'href')).to.match(/^\/assets\//)
        if (tag.name === 'form') expect(value(tag, 'action')).to.match(/^\//)
        if (tag.name === 'img') expect(value(tag, 'src')).to.match(/^data:image\//)
        expect(tag.name).to.not.be.oneOf(['style', 'base', 'iframe', 'object', 'embed'])
      }
      for (const script of tags.filter(has('script'))) expect(script.content).to.equal('')
    }))

  it('labels every field and ties it to its hint and error', () =>
    everywhere(({ tags }) => {
      const ids = tags.map((tag) => value(tag, 'id')).filter((id) => id !== undefined)
      expect(new Set(ids).size).to.equal(ids.length)
      for (const field of tags.filter(has('input', 'id'))) {
        expect(tags.some((tag) => value(tag, 'for') === value(field, 'id'))).to.equal(true)
        const described = value(field, 'aria-describedby')?.split(' ') ?? []
        for (const id of described) expect(ids).to.include(id)
      }
      const nameless = tags
        .filter(has('input'))
        .filter((tag) => !tag.attributes.has('id') && !tag.attributes.has('hidden'))
      for (const field of nameless) expect(value(field, 'type')).to.equal('hidden')
    }))

  it('posts every form with its token, and never has a field that truncates', () =>
    everywhere(({ tags }) => {
      for (const form of tags.filter(has('form'))) {
        expect(value(form, 'method')).to.equal('post')
        expect(form.content).to.match(
          /<input type="hidden" name="(csrf|xsrf)" value="(c5rf|x5rf)">/,
        )
      }
      for (const field of tags.filter(has('input')))
        expect(field.attributes.has('maxlength')).to.equal(false)
    }))

  it('hides what only a script can do', () =>
    everywhere(({ tags }) => {
      for (const button of tags.filter((tag) => value(tag, 'type') === 'button'))
        expect(button.attributes.has('hidden')).to.equal(true)
    }))

  it('has nothing left that a template forgot to fill in', () =>
    everywhere(({ html }) => {
      expect(html).to.not.match(/\{[{%a-zA-Z]|undefined|\[object|NaN/)
    }))
})
